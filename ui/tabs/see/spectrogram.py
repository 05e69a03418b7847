"""The spectrogram: one frame length, or two beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from audio import transforms
from audio.transforms import FRAMES, Frames, Spectrogram
from audio.transforms.frames import Pooling
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Choices, Lesson, draws, lesson
from ui.tabs.see.spectrum import windows
from viz import spectrogram
from viz.plot import N_COLUMNS, Computed, Plot, Sheet
from viz.spectrogram import Cut
from viz.wording import phrase

LENGTHS = [2**power for power in range(8, 14)]  # 256 to 8192 samples
NONE = 0  # a choice, for no second picture
STARTS_PER_FRAME = (1, 2, 4, 8)  # the hop is 1/1, 1/2, 1/4 or 1/8 of a frame
N_STARTS = FRAMES.n_fft // FRAMES.hop_length
MOST_STARTS = 64  # per frame
FEW = 64  # columns are so wide that a gap behind the last one would be seen
POOLINGS = ("peak", "mean")


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("stft") as picture:
        n_fft = gr.Dropdown(LENGTHS, value=FRAMES.n_fft, label=text("see.n_fft"))
        beside: Choices = [(text("see.none"), NONE), *((str(n), n) for n in LENGTHS)]
        n_fft_beside = gr.Dropdown(beside, value=NONE, label=text("see.beside"))
        n_starts = gr.Dropdown(
            [(text(f"see.hop_{n}"), n) for n in STARTS_PER_FRAME],
            value=N_STARTS,
            label=text("see.hop"),
        )
        window = windows()
        poolings = [(text(f"see.pooling_{name}"), name) for name in POOLINGS]
        pooling = gr.Radio(poolings, value="peak", label=text("see.pooling"))
    knobs = {
        "n_fft": n_fft,
        "n_fft_beside": n_fft_beside,
        "n_starts": n_starts,
        "window": window,
        "pooling": pooling,
    }
    return draws(session, Lesson("stft", picture, knobs, draw, is_over_time=True))


def draw(
    scene: Scene,
    n_fft: int,
    n_fft_beside: int,
    n_starts: int,
    window: str,
    pooling: Pooling,
) -> Sheet:
    """Draw levels over time and frequency; ``n_starts`` frames begin in one's length."""
    lengths = (n_fft, n_fft_beside) if n_fft_beside else (n_fft,)
    asked = tuple(Frames(n, n // n_starts, window, pooling=pooling) for n in lengths)
    knobs = {"n_fft_beside": n_fft_beside, "n_starts": n_starts}
    return sheet(scene, asked, **knobs)


def sheet(scene: Scene, asked: Sequence[Frames], **settings: Any) -> Sheet:
    """Draw a spectrogram for each way to cut the sound into frames.

    Args:
        scene: what is seen.
        asked: how the whole sound would be cut.
        **settings: further ones, for the provenance.
    """
    found = [computed(scene, transforms.stft, each) for each in asked]
    plots = tuple(
        plot(scene, each.result, frames, is_titled=len(asked) > 1)
        for each, frames in zip(found, asked, strict=True)
    )
    about = spectrogram.describe(found[0].result, scene.language)
    made = scene.provenance("stft", *found, **settings)
    return scene.sheet(plots, scene.seen(about), (), made)


def computed(scene: Scene, transform: Any, frames: Frames, **settings: Any) -> Computed:
    """Return the spectrogram of what is seen, at most a frame's start a column and finer.

    Args:
        scene: what is seen.
        transform: ``transforms.stft`` or ``transforms.mel``.
        frames: of the whole sound; closer where a zoom would leave columns without a
            frame of their own.
        settings: others of the transform.
    """
    n_fft, hop_length = frames.n_fft, frames.hop_length
    frames = replace(frames, n_columns=N_COLUMNS)
    if scene.view:
        start_s, stop_s = scene.view
        n_shown = round((stop_s - start_s) * scene.clip.sampling_rate)
        hop_length = min(hop_length, max(n_shown // N_COLUMNS, n_fft // MOST_STARTS))
        if 0 < (n_hops := n_shown // hop_length) < FEW:
            hop_length = n_shown // n_hops
        frames = replace(frames, hop_length=hop_length, start_s=start_s, stop_s=stop_s)
    return scene.computed(transform, **settings, frames=frames)


def plot(
    scene: Scene, levels: Spectrogram, asked: Frames, *, is_titled: bool = False
) -> Plot:
    """Draw one spectrogram; its title says what two frame lengths differ in."""
    return spectrogram.stft(levels, cut(scene, levels, asked, is_titled=is_titled))


def cut(
    scene: Scene, levels: Spectrogram, asked: Frames, *, is_titled: bool = False
) -> Cut:
    """Return how a spectrogram was cut out of the sound, beside what was asked for."""
    return Cut(
        scene.shown_s,
        scene.language,
        is_zoomed=levels.hop_length < asked.hop_length,
        title=_title(levels, scene.language) if is_titled else "",
    )


def _title(levels: Spectrogram, language: str) -> str:
    rate, n_fft = levels.sampling_rate, levels.n_fft
    numbers = {"n": n_fft, "ms": 1000 * n_fft / rate, "hz": rate / n_fft}
    return phrase("time_against_frequency", language, **numbers)
