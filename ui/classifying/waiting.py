"""What the page says while something is on its way, as HTML."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from markupsafe import Markup

import i18n as words
from classifier.checkpoint import LoadedModel, ModelRef
from classifier.models import Models
from classifier.turns import Line
from errors import KnownError
from ui.access import Visitor
from ui.classifying.asking import title
from ui.handlers import Handler
from ui.templates import render

Update = dict[Any, Any]  # values by component
Bar = tuple[int, int]  # done, and in all
ENDLESS: Bar = (0, 0)
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
    here: list[Bar] = [(0, 0)]  # the last word on the download
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


def loading(ref: ModelRef, n_bytes: Bar, language: str) -> Markup:
    """A model is being loaded, or fetched: of so many bytes so many are here."""
    done, total = n_bytes
    name = title(ref, language)
    if 0 < done < total:
        counts = {"mb": done / 1e6, "all_mb": total / 1e6}
        return status("fetched", language, bar=n_bytes, title=name, **counts)
    key = "fetching" if ref.source == "hub" and not total else "loading"
    return status(key, language, bar=ENDLESS, title=name)


def status(
    key: str, language: str, /, *, bar: Bar | None = None, **values: Any
) -> Markup:
    """Say what is going on in a sentence that screen readers speak by themselves.

    Args:
        key: of the sentence, in the section ``classify``.
        language: of the visitor.
        bar: how much is done, and of how much.
        **values: in the sentence.
    """
    return render("status", language, key=key, values=values, bar=bar)


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
                said = status("in_line", visitor.language, bar=ENDLESS, place=number)
                yield {place: said}
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
