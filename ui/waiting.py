"""What somebody waits for, shown meanwhile: a model that loads, a place in line."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import gradio as gr
from markupsafe import Markup

import i18n
from classifier.models import Models
from classifier.queue import WaitingLine
from errors import KnownError
from networks.checkpoint import LoadedModel, ModelRef
from ui.handlers import Handler
from ui.model_choice import title
from ui.server.access import Visitor
from ui.server.language import text
from ui.templates import render

Update = dict[Any, Any]  # values by component
Bar = tuple[int, int]  # done, and in all
ENDLESS: Bar = (0, 0)
LOOK_S = 0.5  # between two looks at a download
PATIENCE_S = 1.0  # in line; then Gradio is asked whether the page is still open


def loaded(
    place: Any, models: Models, ref: ModelRef, language: str
) -> Generator[Update, None, LoadedModel]:
    """Load a model in a thread while the page shows how far it is.

    Args:
        place: where that is shown.
        models: loads it.
        ref: of the model.
        language: of the visitor.

    Raises:
        KnownError: a code of ``Models.load``.
    """
    here: list[Bar] = [(0, 0)]  # the last word on the download
    pool = ThreadPoolExecutor(1, thread_name_prefix="load")
    future = pool.submit(models.load, ref, lambda *counts: here.append(counts))
    pool.shutdown(wait=False)  # who leaves the page finds the model there later
    shown = Markup()
    while not future.done():
        del here[:-1]
        news = loading(ref, here[-1], language)
        if news != shown:
            shown = news
            yield {place: shown}
        wait([future], LOOK_S)
    return future.result()


def all_loaded(
    place: Any, models: Models, refs: Sequence[ModelRef], language: str
) -> Generator[Update, None, list[LoadedModel]]:
    """Load several models; as ``loaded``."""
    found = []
    for ref in refs:
        found.append((yield from loaded(place, models, ref, language)))  # noqa: PERF401 (it yields)
    return found


def loading(ref: ModelRef, n_bytes: Bar, language: str) -> Markup:
    """Show that a model is being loaded, or how many of its bytes are downloaded."""
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
    """Describe the progress in a sentence that screen readers speak by themselves.

    Args:
        key: of the sentence, in the section ``classify`` unless it names another.
        language: of the visitor.
        bar: how much is done, and of how much.
        **values: in the sentence.
    """
    return render("status", language, key=key, values=values, bar=bar)


def cancel_button(scale: int = 1) -> gr.Button:
    """Make the button that ends what is under way.

    It is in sight only while the place of the progress beside it shows a bar; its room
    stays, so that nothing else moves.
    """
    label = text("classify.cancel")
    return gr.Button(label, scale=scale, min_width=80, elem_classes="cancels")


def tidied(place: Any, handler: Handler) -> Handler:
    """Wrap a generator: where it ends in an error, empty the place first."""

    @functools.wraps(handler)
    def wrapper(*values: Any, **more: Any) -> Iterator[Update]:
        try:
            yield from handler(*values, **more)
        except KnownError:
            yield {place: ""}
            raise

    return wrapper


def in_line(visitors: WaitingLine, place: Any, handler: Handler) -> Handler:
    """Wrap a generator: wait for its turn, and show the place in the queue meanwhile.

    Closing the page or cancelling leaves the queue.
    """

    @functools.wraps(handler)
    def wrapper(*values: Any, visitor: Visitor) -> Iterator[Update]:
        with visitors.ticket() as ticket:
            for number in ticket.positions(PATIENCE_S):
                language = visitor.language
                line = status("in_line", language, bar=ENDLESS, place=number)
                yield {place: line}
            yield from handler(*values, visitor=visitor)

    return wrapper


def cancelled(shown: str | None, visitor: Visitor) -> str:
    """Show what was there before Cancel, unless work was in progress."""
    is_working = "<progress" in (shown or "")
    return (
        i18n.word("classify.cancelled", visitor.language) if is_working else shown or ""
    )
