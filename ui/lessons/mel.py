"""The mel spectrogram, the filters behind it, and the STFT beside it."""

from __future__ import annotations

import gradio as gr

import i18n
import viz.mel
from audio import dsp
from audio.dsp import Spectrogram
from audio.mels import FORMULAS, Formula
from errors import KnownError
from ui import pictures
from ui.lessons import spectrogram
from ui.lessons.frame import Choices, Lesson, draws, lesson
from ui.pictures import filters, timeline
from ui.pictures.plot import Sheet
from ui.pictures.timeline import Cut
from ui.pictures.writing import said
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from viz import style

BANDS = [32, 64, 128, 256]
LOWEST_HZ = (0, 20, 50, 100, 300)
HIGHEST_HZ = (4000, 8000)
NYQUIST = 0  # a choice, for half the clip's own rate
N_FFT, N_STARTS = 2048, 4
QUANTITIES = ("level", "power")
FAINT_DB = -20.0  # a hundredth of the power


def build(session: Session) -> tuple[Lesson, Lesson]:
    """Lay out the lesson and wire it: the spectrogram, and its filters."""
    bank = pictures.place()
    with lesson("mel", more=[bank]) as picture:
        n_mels = gr.Dropdown(BANDS, value=128, label=text("see.n_mels"))
        formulas = [(text(f"see.{name}"), name) for name in FORMULAS]
        formula = gr.Radio(formulas, value="slaney", label=text("see.formula"))
        lowest = [(f"{hz} Hz", hz) for hz in LOWEST_HZ]
        fmin_hz = gr.Dropdown(lowest, value=0, label=text("see.fmin"))
        highest: Choices = [(f"{hz // 1000} kHz", hz) for hz in HIGHEST_HZ]
        highest.append((text("see.nyquist"), NYQUIST))
        fmax_hz = gr.Dropdown(highest, value=8000, label=text("see.fmax"))
        shown_as = [(text(f"see.as_{name}"), name) for name in QUANTITIES]
        quantity = gr.Radio(shown_as, value="level", label=text("see.quantity"))
        is_beside = gr.Checkbox(False, label=text("see.stft_beside"))
    knobs = (n_mels, formula, fmin_hz, fmax_hz)
    seen = (*knobs, is_beside, quantity)
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
    """Levels over time in mel bands; on wish those of the STFT on the same axes.

    As "power", the bands alone: the STFT's levels stay in dB.
    """
    levels = spectrogram.levels_of(
        scene,
        dsp.mel,
        n_fft=N_FFT,
        n_starts=N_STARTS,
        n_mels=n_mels,
        formula=formula,
        fmin_hz=fmin_hz,
        fmax_hz=highest_hz(scene, fmax_hz),
    )
    cut = Cut(
        scene.shown_s,
        scene.language,
        is_zoomed=levels.hop_length < N_FFT // N_STARTS,
        title=said("bands_title", scene.language) if is_beside else "",
    )
    plots = [timeline.mel(levels, cut, is_power=quantity == "power")]
    if is_beside:
        linear = spectrogram.levels_of(scene, dsp.stft, n_fft=N_FFT, n_starts=N_STARTS)
        beside = spectrogram.plot(scene, linear, N_STARTS, is_titled=True)
        plots.append(timeline.on_axes_of(beside, plots[0]))
    about = viz.mel.describe(levels, scene.language)
    if quantity == "power" and not levels.is_silent:
        about = style.joined([about, _faint(levels, scene.language)], scene.language)
    return scene.sheet(tuple(plots), scene.seen(about))


def draw_filters(
    scene: Scene, n_mels: int, formula: Formula, fmin_hz: float, fmax_hz: float
) -> Sheet:
    """The bands' triangles, and the mel scale over frequency."""
    rate, top_hz = scene.clip.sampling_rate, highest_hz(scene, fmax_hz)
    if fmin_hz >= top_hz:  # as dsp.mel says it
        raise KnownError("empty_band", fmin_hz=fmin_hz, fmax_hz=top_hz)
    bank = filters.Bank(rate, N_FFT, n_mels, fmin_hz, top_hz, formula)
    plots = (
        filters.triangles(bank, scene.language),
        filters.scales(bank, scene.language),
    )
    return scene.sheet(plots, filters.describe(bank, scene.language))


def _faint(levels: Spectrogram, language: str) -> str:
    """How much of the picture a linear scale leaves dark."""
    percent = 100 * float((levels.levels_db < FAINT_DB).mean())
    return i18n.word("viz.about_power", language, percent=percent)


def highest_hz(scene: Scene, fmax_hz: float) -> float:
    """A choice of ``fmax_hz`` as a frequency of this clip."""
    nyquist_hz = scene.clip.sampling_rate / 2
    return min(fmax_hz, nyquist_hz) if fmax_hz != NYQUIST else nyquist_hz
