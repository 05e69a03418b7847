"""What if the song were different: sliders, and a table of changes, each to hear."""

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
from ui import canvas, waiting
from ui.handlers import QUIETLY
from ui.model_choice import chosen_pair, title
from ui.player import sound_files
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Newest, Session
from ui.tabs.classify import changes
from ui.tabs.classify.picker import Picker
from ui.templates import render
from ui.waiting import Update

PLAY = """element.addEventListener("click", ({ target }) => {
  const button = target.closest("button.play");
  if (button) trigger("play", { number: Number(button.dataset.number) });
});"""
# Of what was answered about another sound, or by another model.
EMPTY = "() => ['', '']"
FILE: dict[str, Any] = {"type": "filepath", "format": None, "visible": False}
Answers = tuple[Answer, ...]  # to one change, a model each


@dataclass(frozen=True)
class Cell:
    """One model's answer to a change.

    Attributes:
        answer: the likeliest genre, with its probability.
        moved: as of ``Answer``.
        is_other: the genre is not that of the song as it is.
    """

    answer: str
    moved: float
    is_other: bool


@dataclass(frozen=True)
class Row:
    """A change, as the table shows it: what was changed, and a cell a model."""

    label: str
    cells: tuple[Cell, ...]


def build(session: Session, models: Models, picker: Picker) -> None:
    """Lay out the question, folded, and wire it."""
    with gr.Accordion(text("what_if.title"), open=False):
        gr.Markdown(text("what_if.sliders"))
        changes.build(session, models, picker)
        gr.Markdown(text("what_if.intro"))
        with gr.Row():
            button = gr.Button(text("what_if.button"), scale=0, min_width=200)
            cancel = waiting.cancel_button(scale=0)
        status = gr.HTML(elem_classes=["classify-status"])
        table = gr.HTML(js_on_load=PLAY, elem_classes=["what-if"])
        file = gr.Audio(**FILE)
    ask = waiting.in_line(
        models.queue.line, status, _asking(session, models, status, table)
    )
    asking = button.click(
        session.guarded(waiting.tidied(status, ask)),
        [session.bar.path, picker.model, picker.other, session.newest],
        [status, table],
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        # A quarter of a minute of computing: one visitor at a time.
        concurrency_id="what_if",
        concurrency_limit=1,
    )
    cancelled = session.guarded(waiting.cancelled)
    cancel.click(cancelled, status, status, cancels=[asking], **QUIETLY)

    # Emptied in the browser, and no answer to the question before may come after.
    def clear(newest: Newest) -> tuple[str, str]:
        newest.ask(table)
        return "", ""

    others = [session.bar.path.change, picker.model.change, picker.other.change]
    shown = [status, table]
    gr.on(others, None, None, shown, js=EMPTY, cancels=[asking], **QUIETLY)
    cleared = session.guarded(clear)
    models_change = [picker.model.change, picker.other.change]
    gr.on(models_change, cleared, session.newest, shown, **QUIETLY)
    session.at_new_sound(clear, [session.newest], shown)
    played = table.play(
        session.guarded(_playing(session, file)), session.bar.path, file, **QUIETLY
    )
    played.then(None, file, None, js=canvas.PLAY_OTHER, **QUIETLY)


def _asking(session: Session, models: Models, status: gr.HTML, table: gr.HTML) -> Any:
    def ask(
        path: str | None,
        key: str | None,
        other: str | None,
        newest: Newest,
        visitor: Visitor,
    ) -> Iterator[Update]:
        is_newest = newest.ask(table)
        language = visitor.language
        clip = session.clip(path)
        refs = chosen_pair(models, (key, other), visitor)
        loaded = yield from waiting.all_loaded(status, models, refs, language)
        total = len(effects.NAMED)
        found: list[Answers] = []
        for each in what_if.answers_of(clip, loaded, models.queue):
            if not is_newest(table):
                return
            found.append(each)
            done = len(found) - 1
            is_last = done == total
            progress = waiting.status(
                "changed", language, bar=(done, total), done=done, total=total
            )
            yield {
                status: "" if is_last else progress,
                table: as_html(found, language, is_last=is_last),
            }

    return ask


def _playing(session: Session, file: gr.Audio) -> Any:
    every = list(effects.NAMED.values())

    def play(path: str | None, event: gr.EventData) -> str:
        clip = effects.excerpt_of(session.clip(path))
        number = int(event.number)
        if 0 < number <= len(every):
            clip = effects.changed(clip, every[number - 1])
        return sound_files.file_of(clip, file.GRADIO_CACHE)

    return play


def as_html(found: Sequence[Answers], language: str, *, is_last: bool) -> Markup:
    """Show the answers so far as a table; sentences above it once all are there.

    Args:
        found: to each change, that to the song as it is first.
        language: of the visitor.
        is_last: all changes have been asked about.
    """
    models = [each.prediction.model for each in found[0] if each.prediction]
    titles = [title(each, language) for each in models]
    tops = [each.prediction.genres[0][0] for each in found[0] if each.prediction]
    rows = [_row(each, tops, language) for each in found]
    lines = []
    if is_last:
        lines = [
            _lines(rows, number, model, language) for number, model in enumerate(titles)
        ]
    names = titles if len(titles) > 1 else []
    return render("what_if", language, rows=rows, lines=lines, models=names)


def _row(answers: Answers, tops: Sequence[str], language: str) -> Row:
    label = i18n.word(f"what_if.{answers[0].change or 'as_it_is'}", language)
    pairs = zip(answers, tops, strict=True)
    return Row(label, tuple(_cell(each, top, language) for each, top in pairs))


def _cell(each: Answer, top: str, language: str) -> Cell:
    if each.prediction is None:
        return Cell(i18n.word("what_if.silent", language), 1.0, is_other=True)
    genre, share = each.prediction.genres[0]
    name = genre_name(genre, language)
    shown = i18n.word("what_if.before", language, genre=name, share=share)
    return Cell(shown, each.moved, genre != top)


def _lines(rows: Sequence[Row], number: int, model: str, language: str) -> list[str]:
    """Write what one model's answer depends on most, and what hardly moves it."""
    cells = [(row.label, row.cells[number]) for row in rows]
    label, most = max(cells[1:], key=lambda each: each[1].moved)
    lines = []
    if most.moved >= UNMOVED:
        facts = {"model": model, "change": label, "share": most.moved}
        lines.append(i18n.word("what_if.most", language, **facts))
    else:
        lines.append(i18n.word("what_if.nothing", language, model=model))
    flips = [name for name, cell in cells if cell.is_other]
    unmoved = [name for name, cell in cells[1:] if cell.moved < UNMOVED]
    for key, labels in (("flips", flips), ("unmoved", unmoved)):
        if labels:
            about = {"changes": labels, "limit": UNMOVED}
            lines.append(i18n.word(f"what_if.{key}", language, **about))
    return lines
