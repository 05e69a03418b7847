"""The spectrogram: one frame length, or two beside each other."""

from __future__ import annotations

from typing import Any

import gradio as gr

import viz.stft
from audio import dsp
from audio.dsp import Spectrogram
from ui.lessons.frame import Choices, Lesson, draws, lesson
from ui.lessons.spectrum import windows
from ui.pictures import timeline
from ui.pictures.plot import Plot, Sheet
from ui.pictures.timeline import N_COLUMNS, Cut
from ui.pictures.writing import said
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session

FRAMES = [2**power for power in range(8, 14)]  # 256 to 8192 samples
NONE = 0  # a choice, for no second picture
STARTS_PER_FRAME = (1, 2, 4, 8)  # the hop is 1/1, 1/2, 1/4 or 1/8 of a frame
MOST_STARTS = 64  # per frame
FEW = 64  # columns are so wide that a gap behind the last one would be seen
POOLINGS = ("peak", "mean")


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("stft") as picture:
        n_fft = gr.Dropdown(FRAMES, value=2048, label=text("see.n_fft"))
        beside: Choices = [(text("see.none"), NONE), *((str(n), n) for n in FRAMES)]
        n_fft_beside = gr.Dropdown(beside, value=NONE, label=text("see.beside"))
        n_starts = gr.Dropdown(
            [(text(f"see.hop_{n}"), n) for n in STARTS_PER_FRAME],
            value=4,
            label=text("see.hop"),
        )
        window = windows()
        poolings = [(text(f"see.pooling_{name}"), name) for name in POOLINGS]
        pooling = gr.Radio(poolings, value="peak", label=text("see.pooling"))
    knobs = (n_fft, n_fft_beside, n_starts, window, pooling)
    return draws(session, Lesson("stft", picture, knobs, draw, is_over_time=True))


def draw(
    scene: Scene,
    n_fft: int,
    n_fft_beside: int,
    n_starts: int,
    window: str,
    pooling: str,
) -> Sheet:
    """Levels over time and frequency; ``n_starts`` frames begin in one's length."""
    lengths = (n_fft, n_fft_beside) if n_fft_beside else (n_fft,)
    how: dict[str, Any] = {"n_starts": n_starts, "window": window, "pooling": pooling}
    all_levels = [levels_of(scene, dsp.stft, n_fft=n, **how) for n in lengths]
    plots = tuple(
        plot(scene, levels, n_starts, is_titled=len(lengths) > 1)
        for levels in all_levels
    )
    about = viz.stft.describe(all_levels[0], scene.language)
    return scene.sheet(plots, scene.seen(about))


def levels_of(
    scene: Scene, transform: Any, *, n_fft: int, n_starts: int, **settings: Any
) -> Spectrogram:
    """The spectrogram of what is seen, at most a frame's start a column and finer.

    Args:
        scene: what is seen.
        transform: ``dsp.stft`` or ``dsp.mel``.
        n_fft: samples a frame.
        n_starts: how many frames begin in one's length; more where a zoom would leave
            columns without a frame of their own.
        settings: others of the transform.
    """
    hop_length = n_fft // n_starts
    if scene.view:
        start_s, stop_s = scene.view
        n_shown = round((stop_s - start_s) * scene.clip.sampling_rate)
        hop_length = min(hop_length, max(n_shown // N_COLUMNS, n_fft // MOST_STARTS))
        if 0 < (n_hops := n_shown // hop_length) < FEW:
            hop_length = n_shown // n_hops
        settings |= {"start_s": start_s, "stop_s": stop_s}
    return scene.of(
        transform, n_fft=n_fft, hop_length=hop_length, n_columns=N_COLUMNS, **settings
    )


def plot(
    scene: Scene, levels: Spectrogram, n_starts: int, *, is_titled: bool = False
) -> Plot:
    """One spectrogram; its title says what two frame lengths differ in."""
    cut = Cut(
        scene.shown_s,
        scene.language,
        is_zoomed=levels.hop_length < levels.n_fft // n_starts,
        title=_title(levels, scene.language) if is_titled else "",
    )
    return timeline.stft(levels, cut)


def _title(levels: Spectrogram, language: str) -> str:
    rate, n_fft = levels.sampling_rate, levels.n_fft
    numbers = {"n": n_fft, "ms": 1000 * n_fft / rate, "hz": rate / n_fft}
    return said("time_against_frequency", language, **numbers)
