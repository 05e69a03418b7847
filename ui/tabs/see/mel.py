"""The mel spectrogram, the filters behind it, and the STFT beside it."""

from __future__ import annotations

from dataclasses import asdict

import gradio as gr

from audio.transforms import FRAMES, MEL_BANDS, MelBands
from audio.transforms.mel_scale import FORMULAS, Formula
from errors import KnownError
from ui import canvas, sheets
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Choices, Lesson, draws, lesson
from viz import filters
from viz.plot import Sheet

BANDS = [32, 64, 128, 256]
LOWEST_HZ = (0, 20, 50, 100, 300)
HIGHEST_HZ = (4000, 8000)
NYQUIST = 0  # a choice, for half the clip's own rate
QUANTITIES = ("level", "power")


def build(session: Session) -> tuple[Lesson, Lesson]:
    """Lay out the lesson and wire it: the spectrogram, and its filters."""
    bank = canvas.place(of="filters")
    with lesson("mel", more=[bank]) as picture:
        n_mels = gr.Dropdown(BANDS, value=MEL_BANDS.n_mels, label=text("see.n_mels"))
        formulas = [(text(f"see.{name}"), name) for name in FORMULAS]
        formula = gr.Radio(formulas, value=MEL_BANDS.formula, label=text("see.formula"))
        lowest = [(f"{hz} Hz", hz) for hz in LOWEST_HZ]
        fmin_hz = gr.Dropdown(lowest, value=LOWEST_HZ[0], label=text("see.fmin"))
        highest: Choices = [(f"{hz // 1000} kHz", hz) for hz in HIGHEST_HZ]
        highest.append((text("see.nyquist"), NYQUIST))
        fmax_hz = gr.Dropdown(highest, value=HIGHEST_HZ[-1], label=text("see.fmax"))
        shown_as = [(text(f"see.as_{name}"), name) for name in QUANTITIES]
        quantity = gr.Radio(shown_as, value="level", label=text("see.quantity"))
        is_beside = gr.Checkbox(False, label=text("see.stft_beside"))
    knobs = {
        "n_mels": n_mels,
        "formula": formula,
        "fmin_hz": fmin_hz,
        "fmax_hz": fmax_hz,
    }
    seen = {**knobs, "is_beside": is_beside, "quantity": quantity}
    shown = draws(session, Lesson("mel", picture, seen, draw, is_over_time=True))
    return shown, draws(session, Lesson("filters", bank, knobs, draw_filters))


def draw(
    scene: Scene,
    n_mels: int,
    formula: Formula,
    fmin_hz: float,
    fmax_hz: float,
    is_beside: bool,
    quantity: str,
) -> Sheet:
    """Draw levels over time in mel bands; see ``sheets.mel``."""
    bands = bands_of(scene, n_mels, formula, fmin_hz, fmax_hz)
    return sheets.mel(scene, bands, is_beside=is_beside, quantity=quantity)


def bands_of(
    scene: Scene, n_mels: int, formula: Formula, fmin_hz: float, fmax_hz: float
) -> MelBands:
    """Return the bands that the controls choose for a clip."""
    return MelBands(n_mels, fmin_hz, highest_hz(scene, fmax_hz), formula)


def draw_filters(
    scene: Scene, n_mels: int, formula: Formula, fmin_hz: float, fmax_hz: float
) -> Sheet:
    """Draw the bands' triangles, and the mel scale over frequency.

    Raises:
        KnownError: ``empty_band``.
    """
    bands = bands_of(scene, n_mels, formula, fmin_hz, fmax_hz)
    if fmin_hz >= bands.fmax_hz:  # with the error of transforms.mel
        raise KnownError("empty_band", fmin_hz=fmin_hz, fmax_hz=bands.fmax_hz)
    bank = filters.Bank(scene.clip.sampling_rate, FRAMES.n_fft, bands)
    plots = (
        filters.triangles(bank, scene.language),
        filters.scales(bank, scene.language),
    )
    made = scene.provenance("filters", **asdict(bands))
    return scene.sheet(plots, filters.describe(bank, scene.language), (), made)


def highest_hz(scene: Scene, fmax_hz: float) -> float:
    """Return a choice of ``fmax_hz`` as a frequency of this clip."""
    nyquist_hz = scene.clip.sampling_rate / 2
    return min(fmax_hz, nyquist_hz) if fmax_hz != NYQUIST else nyquist_hz
