"""The spectrum of a passage, its strongest peaks and the notes that they are."""

from __future__ import annotations

import gradio as gr

from audio.transforms import Reference
from audio.transforms.spectrum import PADDINGS
from audio.transforms.windows import WINDOWS
from ui import sheets
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Lesson, draws, lesson, placed, position

PASSAGES = [2**power for power in range(8, 17)]  # 256 to 65536 samples
REFERENCES: tuple[Reference, ...] = ("peak", "full_scale")


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("dft") as picture:
        start_s = position()
        n_samples = gr.Dropdown(
            PASSAGES, value=sheets.N_SAMPLES, label=text("see.n_samples")
        )
        window = windows()
        paddings = [(text(f"see.padding_{n}"), n) for n in PADDINGS]
        padding = gr.Dropdown(paddings, value=1, label=text("see.padding"))
        references = [(text(f"see.re_{name}"), name) for name in REFERENCES]
        reference = gr.Dropdown(references, value="peak", label=text("see.reference"))
    at_loudest = placed(session, start_s, lambda _, n: n, n_samples, when=picture.near)
    knobs = {
        "start_s": start_s,
        "n_samples": n_samples,
        "window": window,
        "padding": padding,
        "reference": reference,
    }
    here = Lesson("dft", picture, knobs, sheets.spectrum)
    return draws(session, here, after=at_loudest)


def windows() -> gr.Dropdown:
    """Make a knob for the window."""
    choices = [(text(f"see.{name}"), name) for name in WINDOWS]
    return gr.Dropdown(choices, value="hann", label=text("see.window"))
