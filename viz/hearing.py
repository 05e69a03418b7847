"""What the model gets: the levelled waveform, and the frames that it cuts it into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import words
from audio import zoom
from audio.clip import Clip
from audio.hearing import FRAME_LENGTH, HOP_LENGTH, SAMPLING_RATE, ModelInput
from audio.levels import FLOOR_DB
from viz import style
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_SHOWN = 10  # frames
LENGTH_S = N_SHOWN * HOP_LENGTH / SAMPLING_RATE
END_PX = 24
MIN_HEIGHT = 3.0  # of the y axis, in standard deviations
NUMBERS_SHARE = 0.14  # of the height, for the frames' numbers


def first_shown(heard: ModelInput, start_s: float) -> int:
    """The first of the frames that a picture from ``start_s`` on shows."""
    last = max(heard.n_frames - N_SHOWN, 0)
    return min(max(round(start_s * SAMPLING_RATE / HOP_LENGTH), 0), last)


def figure(heard: ModelInput, start_s: float, look: Look = DEFAULT) -> Figure:
    """Ten frames of the input, a tick where each begins; one drawn in full length."""
    fig, axes = style.canvas(look, right_px=END_PX)
    first = first_shown(heard, start_s)
    first_s = first * HOP_LENGTH / SAMPLING_RATE
    wave = zoom.points(Clip(heard.samples, SAMPLING_RATE), first_s, LENGTH_S)
    axes.axhline(0, color=look.ink, alpha=0.3, linewidth=0.8)
    axes.plot(1000 * wave.times_s, wave.values, color=style.ACCENT, linewidth=1.0)
    height = 1.1 * max(float(np.abs(wave.values).max(initial=0.0)), MIN_HEIGHT)
    axes.set_ylim(-height, height * (1 + 2 * NUMBERS_SHARE))
    n_shown = min(heard.n_frames - first, N_SHOWN)
    _frames(axes, first, n_shown, height, look)
    axes.set_xlim(0, 1000 * LENGTH_S)
    axes.set_xticks(range(0, round(1000 * LENGTH_S) + 1, 20 * _every(axes)))
    axes.set_xlabel(look.word("time_since", start_s=first_s))
    axes.set_ylabel(look.word("deviations"))
    facts = [
        look.word("frames_of_clip", n=heard.n_frames),
        look.word("frame_of_model", ms=1000 * FRAME_LENGTH / SAMPLING_RATE),
    ]
    style.caption(axes, facts, look)
    return fig


def describe(
    heard: ModelInput,
    original: Clip,
    unheard_db: float | None,
    language: str = words.DEFAULT_LANGUAGE,
) -> str:
    """How many numbers and frames the model gets, and what it does not.

    Args:
        heard: the input.
        original: the clip that it was made of.
        unheard_db: power above 8 kHz relative to all of it; None where nothing is.
        language: of the sentences.
    """
    details = {
        "duration_s": original.duration_s,
        "n_samples": len(heard.samples),
        "n": heard.n_frames,
        "nyquist_hz": original.sampling_rate / 2,
        "db": unheard_db,
    }
    has_more = unheard_db is not None and unheard_db > FLOOR_DB
    name = "about_unheard" if has_more else "about_all_heard"
    sentences = [
        words.word("viz.about_hearing", language, **details),
        words.word(f"viz.{name}", language, **details),
    ]
    return style.joined(sentences, language)


def _frames(axes: Axes, first: int, n_shown: int, height: float, look: Look) -> None:
    """A line and a number where each frame begins; the first one's 25 ms in grey."""
    hop_ms = 1000 * HOP_LENGTH / SAMPLING_RATE
    if n_shown:
        frame_ms = 1000 * FRAME_LENGTH / SAMPLING_RATE
        axes.axvspan(0, frame_ms, color=look.ink, alpha=0.08, linewidth=0)
    every = _every(axes)
    for i in range(n_shown):
        axes.axvline(i * hop_ms, color=look.ink, alpha=0.35, linewidth=0.8)
        if i % every == 0:
            axes.annotate(
                f"{first + i + 1}",
                (i * hop_ms, height * (1 + NUMBERS_SHARE)),
                (4, 0),
                textcoords="offset points",
                va="center",
                **style.text(look),
            )


def _every(axes: Axes) -> int:
    """Of how many ticks one has room for its label."""
    return 1 if style.size_px(axes)[0] > N_SHOWN * style.TICK_PX / 1.6 else 2
