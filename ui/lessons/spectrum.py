"""The spectrum, its strongest peaks and the notes that they are."""

from __future__ import annotations

import html

import gradio as gr

import viz.dft
import words
from audio import dsp
from audio.clip import Clip
from audio.dsp import Reference, Spectrum
from audio.frames import WINDOWS
from audio.partials import Partial, peaks
from ui import pictures
from ui.desk import Desk
from ui.language import text
from ui.lessons.frame import draws, lesson, placed, position
from viz import style
from viz.style import Look

PASSAGES = [2**power for power in range(8, 17)]  # 256 to 65536 samples
REFERENCES: tuple[Reference, ...] = ("peak", "full_scale")
COLUMNS = ("number", "frequency", "level", "note", "cents", "harmonic")


def build(desk: Desk) -> None:
    """Lay out the lesson and wire it."""
    with lesson("dft") as picture:
        start_s = position()
        n_samples = gr.Dropdown(PASSAGES, value=4096, label=text("see.n_samples"))
        window = gr.Dropdown(
            [(text(f"see.{name}"), name) for name in WINDOWS],
            value="hann",
            label=text("see.window"),
        )
        reference = gr.Dropdown(
            [(text(f"see.re_{name}"), name) for name in REFERENCES],
            value="peak",
            label=text("see.reference"),
        )
    at_loudest = placed(desk, start_s, lambda _, n: n, n_samples)
    draws(desk, picture, draw, start_s, n_samples, window, reference, after=at_loudest)


def draw(
    clip: Clip,
    look: Look,
    start_s: float,
    n_samples: int,
    window: str,
    reference: Reference,
) -> str:
    """The spectrum of a passage, its peaks in a table below."""
    spectrum = dsp.dft(
        clip,
        start_s=start_s,
        n_samples=n_samples,
        window=window,
        reference=reference,
    )
    picture = viz.dft.figure(spectrum, look), viz.dft.describe(spectrum, look.language)
    return pictures.as_html(picture) + table(spectrum, look.language)


def table(spectrum: Spectrum, language: str) -> str:
    """The peaks as HTML, numbered as in the picture; nothing where there are none."""
    partials = peaks(spectrum, viz.dft.N_PEAKS)
    if not partials:
        return ""
    top_db, unit = 0.0, "dBFS"
    if spectrum.reference == "peak":  # which is between bins
        top_db, unit = max(each.level_db for each in partials), "dB"
    head = _row("th", [words.word(f"see.peak_{name}", language) for name in COLUMNS])
    rows = [
        _row("td", _cells(number, each, each.level_db - top_db, unit))
        for number, each in enumerate(partials, start=1)
    ]
    return f'<table class="peaks">{head}{"".join(rows)}</table>'


def _cells(number: int, partial: Partial, level_db: float, unit: str) -> list[str]:
    return [
        f"{number}",
        f"{partial.frequency_hz:,.1f} Hz",
        f"{level_db:.1f} {unit}".replace("-", "−"),
        partial.note.name,
        style.cents(partial.note.cents),
        f"{partial.harmonic} ×" if partial.harmonic else "–",
    ]


def _row(tag: str, cells: list[str]) -> str:
    marked = (f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{''.join(marked)}</tr>"
