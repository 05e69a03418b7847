"""Plans for 45 and 90 minutes, and questions that the app checks; licences, privacy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from markupsafe import Markup

import i18n
from audio.notes import note_of
from audio.synth import exercises
from audio.synth.exercises import EXERCISES
from errors import KnownError
from ui import page_state
from ui.handlers import QUIETLY
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.templates import render

FIRST = EXERCISES[0].id
CORRECT, OTHER = "right", "other"  # what the style sheet calls an answer
MANY_BITS = 8  # where the question on bits begins


@dataclass(frozen=True)
class Place:
    """Where on the page a question is answered, or a part of the lesson is taught.

    Attributes:
        view: the lesson or the tab that the address opens.
        sound: id of the built-in sound that it chooses; "" for none.
        settings: of the lesson's knobs.
    """

    view: str
    sound: str = ""
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Return it from the question mark on."""
        return page_state.address(self.view, self.sound, **self.settings)


WITHOUT_FILTER = {"is_filtered": False}
PLACES = {
    "waveform": Place("waveform", "brass"),
    "dft": Place("dft", "brass"),
    "bits": Place("bits", "classical_song", {"n_bits": 4}),
    "stft": Place("stft", "disco_song"),
    "back": Place("back", "blues_song"),
    "masking": Place("masking", "sweep"),
    "two": Place("two", "brass"),
    "train": Place("train"),
    "data": Place("data"),
    "classify": Place("classify"),
    # Of the exercises, by their ids.
    "note": Place("dft", "brass"),
    "harmonic": Place("dft", "brass"),
    "passage": Place("dft", "semitone", {"n_samples": 256}),
    "windows": Place("dft", "chord", {"window": "rectangular"}),
    "click": Place("dft", "click"),
    "folds": Place("rate", "sweep", {"rate": 44_100, **WITHOUT_FILTER}),
    "alias": Place("rate", "brass", {"rate": exercises.SLOW_RATE, **WITHOUT_FILTER}),
    "bit": Place("bits", "sweep", {"n_bits": MANY_BITS}),
    "mel": Place("mel", "sweep"),
    "frames": Place("hearing", "brass", {"model": "HuBERT"}),
    "chance": Place("data"),
    "decibel": Place("decibels", "chord", {"gain_db": -20}),
    "missing": Place("sines", "chord", {"shape": "missing", "fundamental_hz": 220.5}),
    "timbre": Place("timbre", "chord", {"instrument": "clarinet", "hz": 220.0}),
    "frame": Place("stft", "disco_song", {"n_fft": exercises.SHORT_FRAME}),
    "return": Place("back", "blues_song", {"window": "hann"}),
    "seventh": Place("pitch", "chord", {"harmonic": exercises.HARMONIC}),
    "tempo": Place("rhythm", "disco_song", {"octave": 1.0}),
    "masked": Place("masking", "sweep", {"n_clusters": 8, "number": 1}),
    "loss": Place("learning", "chord"),
    "interval": Place("learning", "chord", {"truth": "blues"}),
    "calibration": Place("train"),
    # Of the plan for 90 minutes.
    "decibels": Place("decibels", "chord"),
    "sines": Place("sines", "chord"),
    "timbres": Place("timbre", "chord"),
    "pitch": Place("pitch", "disco_song"),
    "rhythm": Place("rhythm", "disco_song"),
    "learning": Place("learning", "chord"),
}


def build(session: Session) -> None:
    """Lay out the plan, the questions and what this is, and wire them."""
    gr.Markdown(text("teach.title"), elem_id="lesson-teach")
    gr.Markdown(text("teach.plan"), elem_classes="plan")
    gr.Markdown(text("teach.plan_more"), elem_classes="plan")
    with gr.Accordion(text("teach.plan_long_title"), open=False):
        gr.Markdown(text("teach.plan_long"), elem_classes="plan")
    gr.Markdown(text("teach.exercises"))
    with gr.Row(elem_classes="exercises"):
        with gr.Column(scale=1, min_width=260):
            titles: Any = [
                (text(f"teach.{each.id}_title"), each.id) for each in EXERCISES
            ]
            chosen = gr.Radio(titles, value=FIRST, label=text("teach.exercise"))
        with gr.Column(scale=2, min_width=280):
            question = gr.Markdown(text("teach.first"), elem_classes="question")
            typed = gr.Textbox(
                label=text("teach.answer"), info=text("teach.answer_info"), max_lines=1
            )
            with gr.Row():
                check = gr.Button(text("teach.check"), variant="primary")
                reveal = gr.Button(text("teach.reveal"))
            comment = gr.HTML(
                html_template='<div role="status">${value}</div>',
                elem_classes="said",
            )
    chosen.change(session.guarded(asked), chosen, [question, typed, comment], **QUIETLY)
    ways = [check.click, typed.submit]
    gr.on(ways, session.guarded(checked), [chosen, typed], comment, **QUIETLY)
    reveal.click(session.guarded(told), chosen, comment, **QUIETLY)
    gr.Markdown(text("about.text"), elem_classes="prose-page")


def plan_addresses() -> dict[str, str]:
    """Map the names in the plan and the first question to the addresses they link to."""
    return {name: place.address for name, place in PLACES.items()}


def asked(id: str, visitor: Visitor) -> tuple[str, str, str]:
    """Ask a question: Markdown, an empty answer, and no comment on it yet."""
    exercises.exercise(id)
    question = i18n.word(f"teach.{id}_question", visitor.language)
    way = i18n.word("teach.open", visitor.language)
    return f"{question}\n\n[{way}]({PLACES[id].address})", "", ""


def checked(id: str, typed: str, visitor: Visitor) -> Markup:
    """Check an answer and comment on it."""
    language = visitor.language
    try:
        answer = exercises.read(typed, exercises.exercise(id).unit)
    except KnownError as error:
        return _answer(OTHER, language, i18n.sentence(error, language))
    if not exercises.is_right(id, answer):
        hint = i18n.word(f"teach.{id}_hint", language)
        return _answer(OTHER, language, i18n.word("teach.wrong", language), hint)
    return _explained(CORRECT, id, language)


def told(id: str, visitor: Visitor) -> Markup:
    """Show the answer, for those who have tried."""
    return _explained("told", id, visitor.language)


def _explained(kind: str, id: str, language: str) -> Markup:
    """Explain the measured answer and what is to be learned from it."""
    unit, value = exercises.exercise(id).unit, exercises.solution(id)
    note = note_of(value).name if unit == "note" else ""
    answer = i18n.word(f"teach.value_{unit}", language, value=value, note=note)
    aha = i18n.word(f"teach.{id}_aha", language)
    return _answer(
        kind, language, i18n.word(f"teach.{kind}", language, answer=answer), aha
    )


def _answer(kind: str, language: str, first: str, *others: str) -> Markup:
    return render("checked", language, kind=kind, first=first, others=others)
