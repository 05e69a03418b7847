"""What if the song were different: a table of changes, each to hear, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

import i18n
from audio import effects
from classifier import what_if
from classifier.models import Models
from classifier.what_if import UNMOVED, Answer
from i18n import genre_name
from ui import canvas
from ui.handlers import QUIETLY
from ui.model_choice import chosen, title
from ui.player import sound_files
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.tabs.classify import view
from ui.tabs.classify.picker import Picker
from ui.tabs.classify.view import Update
from ui.templates import render

PLAY = """element.addEventListener("click", ({ target }) => {
  const button = target.closest("button.play");
  if (button) trigger("play", { number: Number(button.dataset.number) });
});"""
FILE: dict[str, Any] = {"type": "filepath", "format": None, "visible": False}


@dataclass(frozen=True)
class Row:
    """A change, as the table shows it.

    Attributes:
        label: what was changed.
        answer: the likeliest genre, with its probability.
        moved: as of ``Answer``.
        is_other: the genre is not that of the song as it is.
    """

    label: str
    answer: str
    moved: float
    is_other: bool


def build(session: Session, models: Models, picker: Picker) -> None:
    """Lay out the question, folded, and wire it."""
    with gr.Accordion(text("what_if.title"), open=False):
        gr.Markdown(text("what_if.intro"))
        with gr.Row():
            button = gr.Button(text("what_if.button"), scale=0, min_width=200)
            cancel = gr.Button(text("what_if.cancel"), scale=0, min_width=80)
        status = gr.HTML(elem_classes=["classify-status"])
        table = gr.HTML(js_on_load=PLAY, elem_classes=["what-if"])
        file = gr.Audio(**FILE)
    ask = view.tidied(status, _asking(session, models, status, table))
    asking = button.click(
        session.guarded(ask),
        [session.bar.path, picker.model],
        [status, table],
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        # A quarter of a minute of computing: one visitor at a time.
        concurrency_id="what_if",
        concurrency_limit=1,
    )
    cancelled = session.guarded(view.cancelled)
    cancel.click(cancelled, status, status, cancels=[asking], **QUIETLY)
    clear = session.guarded(lambda: ("", ""))
    session.bar.path.change(clear, None, [status, table], cancels=[asking], **QUIETLY)
    played = table.play(
        session.guarded(_playing(session, file)), session.bar.path, file, **QUIETLY
    )
    played.then(None, file, None, js=canvas.PLAY_OTHER, **QUIETLY)


def _asking(session: Session, models: Models, status: gr.HTML, table: gr.HTML) -> Any:
    def ask(path: str | None, key: str | None, visitor: Visitor) -> Iterator[Update]:
        language = visitor.language
        clip = session.clip(path)
        ref = chosen(models, key, visitor)
        model = yield from view.loaded(status, models, ref, language)
        total = len(effects.names())
        found: list[Answer] = []
        for each in what_if.answers(clip, model, models.queue):
            found.append(each)
            done = len(found) - 1
            is_last = done == total
            progress = view.status(
                "changed", language, bar=(done, total), done=done, total=total
            )
            yield {
                status: "" if is_last else progress,
                table: as_html(found, language, is_last=is_last),
            }

    return ask


def _playing(session: Session, file: gr.Audio) -> Any:
    def play(path: str | None, event: gr.EventData) -> str:
        clip = what_if.excerpt_of(session.clip(path))
        number = int(event.number)
        if 0 < number <= len(effects.names()):
            clip = effects.changed(clip, effects.names()[number - 1])
        return sound_files.file_of(clip, file.GRADIO_CACHE)

    return play


def as_html(found: Sequence[Answer], language: str, *, is_last: bool) -> Markup:
    """Show the answers so far as a table; sentences above it once all are there."""
    first = found[0].prediction
    assert first is not None
    top = first.genres[0][0]
    rows = [_row(each, top, language) for each in found]
    lines = _lines(found, rows, language) if is_last else []
    return render("what_if", language, rows=rows, lines=lines)


def _row(each: Answer, top: str, language: str) -> Row:
    label = i18n.word(f"what_if.{each.change or 'as_it_is'}", language)
    if each.prediction is None:
        return Row(label, i18n.word("what_if.silent", language), 1.0, is_other=True)
    genre, share = each.prediction.genres[0]
    name = genre_name(genre, language)
    shown = i18n.word("what_if.before", language, genre=name, share=share)
    return Row(label, shown, each.moved, genre != top)


def _lines(found: Sequence[Answer], rows: Sequence[Row], language: str) -> list[str]:
    """Write what the answer depends on most, and what hardly moves it."""
    first = found[0].prediction
    assert first is not None
    most = max(zip(found, rows, strict=True), key=lambda pair: pair[0].moved)[1]
    model = title(first.model, language)
    lines = []
    if most.moved >= UNMOVED:
        facts = {"model": model, "change": most.label, "share": most.moved}
        lines.append(i18n.word("what_if.most", language, **facts))
    flips = [row.label for row in rows if row.is_other]
    unmoved = [row.label for row in rows[1:] if row.moved < UNMOVED]
    for key, labels in (("flips", flips), ("unmoved", unmoved)):
        if labels:
            about = {"changes": labels, "limit": UNMOVED}
            lines.append(i18n.word(f"what_if.{key}", language, **about))
    return lines
