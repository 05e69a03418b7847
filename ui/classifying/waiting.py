"""What the page says while something is on its way, as HTML."""

from __future__ import annotations

import functools
import html
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import words
from classifier.models import Models
from classifier.queue import WaitingLine
from errors import KnownError
from networks.checkpoint import LoadedModel, ModelRef
from ui.access import Visitor
from ui.classifying.asking import title
from ui.handlers import Handler

Update = dict[Any, Any]  # values by component
ENDLESS = "<progress></progress>"
LOOK_S = 0.5  # between two looks at a download

PATIENCE_S = 1.0  # in line; then Gradio is asked whether the page is still open


def loaded(
    place: Any, models: Models, ref: ModelRef, language: str
) -> Generator[Update, None, LoadedModel]:
    """A model, loaded beside the page, which says meanwhile how far it is.

    Args:
        place: where that is said.
        models: who loads it.
        ref: which one.
        language: of the visitor.

    Raises:
        KnownError: a code of ``Models.load``.
    """
    here: list[tuple[int, int]] = [(0, 0)]  # the last word on the download
    pool = ThreadPoolExecutor(1, thread_name_prefix="load")
    future = pool.submit(models.load, ref, lambda *counts: here.append(counts))
    pool.shutdown(wait=False)  # who leaves the page finds the model there later
    said = ""
    while not future.done():
        del here[:-1]
        news = loading(ref, here[-1], language)
        if news != said:
            said = news
            yield {place: said}
        wait([future], LOOK_S)
    return future.result()


def loading(ref: ModelRef, n_bytes: tuple[int, int], language: str) -> str:
    """A model is being loaded, or fetched: of so many bytes so many are here."""
    done, total = n_bytes
    name = title(ref, language)
    if 0 < done < total:
        key, counts = "fetched", {"mb": done / 1e6, "all_mb": total / 1e6}
        said = words.word(f"classify.{key}", language, title=name, **counts)
        return line(said) + f'<progress value="{done}" max="{total}"></progress>'
    key = "fetching" if ref.source == "hub" and not total else "loading"
    return line(words.word(f"classify.{key}", language, title=name)) + ENDLESS


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


def in_line(visitors: WaitingLine, place: Any, handler: Handler) -> Handler:
    """The same generator once it is its turn; until then the place in line is told.

    Who closes the page or cancels leaves the line.
    """

    @functools.wraps(handler)
    def wrapper(*values: Any, visitor: Visitor) -> Iterator[Update]:
        with visitors.ticket() as ticket:
            for number in ticket.positions(PATIENCE_S):
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
