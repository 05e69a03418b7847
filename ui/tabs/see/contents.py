"""The list of lessons beside them, and what links in their texts do.

A link such as ``[8,192](?view=stft&stft.n_fft=8192)`` sets the knob right there; one
with ``sound=click`` chooses that built-in sound.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import gradio as gr

from ui import canvas
from ui.handlers import QUIETLY
from ui.session import Session
from ui.tabs.see.lesson import Lesson

SCRIPT = Path(__file__).with_name("contents.js")
STYLE = Path(__file__).with_name("contents.css")


@contextmanager
def beside() -> Iterator[gr.HTML]:
    """Lay out the list, and the lessons made inside beside it."""
    script = SCRIPT.read_text("utf-8")
    with gr.Row(elem_classes="lessons"):
        with gr.Column(scale=0, min_width=0, elem_classes="lesson-list"):
            contents = gr.HTML(
                None, html_template="", js_on_load=script, elem_classes="contents"
            )
        with gr.Column(scale=1, min_width=0):
            yield contents


def build(session: Session, lessons: Sequence[Lesson]) -> None:
    """Wire what links in the texts ask for: knobs of their lesson."""
    for lesson in lessons:
        knobs = {
            name: knob for name, knob in lesson.knobs.items() if hasattr(knob, "input")
        }
        if not knobs:
            continue
        every = [*knobs.values()]
        name = json.dumps(lesson.name)
        js = canvas.TRY.format(lesson=name, names=json.dumps([*knobs]))
        tried = lesson.picture.tried(None, every, every, js=js, **QUIETLY)
        after = canvas.TURNED.format(lesson=name)
        tried.then(None, None, None, js=after, **QUIETLY)
