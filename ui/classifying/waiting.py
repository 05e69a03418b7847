"""What the page says while something is on its way, as HTML."""

from __future__ import annotations

import functools
import html
from collections.abc import Iterator
from typing import Any

import words
from classifier.checkpoint import ModelRef
from classifier.turns import Line
from errors import KnownError
from ui.access import Visitor
from ui.classifying.asking import title
from ui.handlers import Handler

Update = dict[Any, Any]  # values by component

PATIENCE_S = 1.0  # in line; then Gradio is asked whether the page is still open


def loading(ref: ModelRef, language: str) -> str:
    """A model is being loaded, or fetched."""
    key = "classify.fetching" if ref.source == "hub" else "classify.loading"
    said = words.word(key, language, title=title(ref, language))
    return f"{line(said)}<progress></progress>"


def progress(key: str, done: int, total: int, language: str) -> str:
    """How much is done, in words (``key``, of the section ``classify``) and as a bar."""
    said = words.word(f"classify.{key}", language, done=done, total=total)
    bar = f'<progress value="{done}" max="{total}" aria-hidden="true"></progress>'
    return line(said) + bar


def line(said: str) -> str:
    """A sentence that screen readers say by themselves."""
    return f'<p role="status">{html.escape(said)}</p>'


def tidied(place: Any, handler: Handler) -> Handler:
    """The same generator; where it ends in an error, the place is emptied before."""

    @functools.wraps(handler)
    def wrapper(*values: Any, **more: Any) -> Iterator[Update]:
        try:
            yield from handler(*values, **more)
        except KnownError:
            yield {place: ""}
            raise

    return wrapper


def in_line(visitors: Line, place: Any, handler: Handler) -> Handler:
    """The same generator once it is its turn; until then the place in line is told.

    Who closes the page or cancels leaves the line.
    """

    @functools.wraps(handler)
    def wrapper(*values: Any, visitor: Visitor) -> Iterator[Update]:
        with visitors.ticket() as ticket:
            for number in ticket.places(PATIENCE_S):
                said = words.word("classify.in_line", visitor.language, place=number)
                yield {place: f"{line(said)}<progress></progress>"}
            yield from handler(*values, visitor=visitor)

    return wrapper


def cancelled(shown: str | None, visitor: Visitor) -> str:
    """What stands there after Cancel: the same, unless something was on its way."""
    is_working = "<progress" in (shown or "")
    return (
        words.word("classify.cancelled", visitor.language)
        if is_working
        else shown or ""
    )
