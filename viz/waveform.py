"""The waveform: amplitude over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import i18n
from audio import pixels
from audio.clip import Clip
from audio.levels import FLOOR_DB, Loudness, loudness
from viz import style, ticks
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 1.05  # of the y axis, where full scale is 1
AMPLITUDES = {-1.0: "−1", -0.5: "−0.5", 0.0: "0", 0.5: "0.5", 1.0: "1"}
HALVINGS = (1.0, 0.5, 0.25)  # amplitudes 6 dB apart


def figure(clip: Clip, look: Look = DEFAULT, since_s: float = 0.0) -> Figure:
    """Each pixel column from its lowest to its highest sample, on a fixed scale.

    Args:
        clip: all of it is shown.
        look: sizes, colours and language.
        since_s: where it starts in the whole sound (s); for the axis alone.
    """
    fig, axes = style.canvas(look)
    style.grid(axes, look)
    duration_s = max(clip.duration_s, 1 / clip.sampling_rate)
    ticks.time_axis(axes, since_s, since_s + duration_s, look)
    axes.set_ylim(-HEIGHT, HEIGHT)
    ticks.put(axes, "y", AMPLITUDES, look.word("amplitude"), look)
    _decibel_scale(axes, look)
    n_columns, _ = style.size_px(axes)
    if clip.n_samples:
        outline = pixels.envelope(clip.samples, n_columns)
        shares = (np.arange(len(outline.lows)) + 0.5) / len(outline.lows)
        axes.fill_between(
            since_s + shares * clip.duration_s,
            outline.lows,
            outline.highs,
            color=style.ACCENT,
            linewidth=0.8,
        )
    style.caption(axes, _facts(clip, n_columns, look), look)
    return fig


def describe(
    clip: Clip, language: str = i18n.DEFAULT_LANGUAGE, loud: Loudness | None = None
) -> str:
    """One sentence with the waveform's key numbers; ``loud`` spares their search."""
    loud = loud or loudness(clip)
    name = "about_waveform_silence" if loud.peak_dbfs <= FLOOR_DB else "about_waveform"
    return i18n.word(
        f"viz.{name}",
        language,
        duration_s=clip.duration_s,
        peak_db=loud.peak_dbfs,
        at_s=loud.peak_at_s,
        rms_db=loud.rms_dbfs,
    )


def _decibel_scale(axes: Axes, look: Look) -> None:
    """The same heights as levels, on the right: half the amplitude is 6 dB less."""
    levels = {
        (sign * amplitude / HEIGHT + 1) / 2: f"{20 * np.log10(amplitude):.0f}"
        for amplitude in HALVINGS
        for sign in (1, -1)
    }
    words_there = {share: db.replace("-", "−") for share, db in levels.items()}
    style.scale_beside(axes, words_there, 0, look.word("level_full_scale"), look)


def _facts(clip: Clip, n_columns: int, look: Look) -> list[str]:
    loud = loudness(clip)
    if loud.peak_dbfs <= FLOOR_DB:
        return [look.word("silence")]
    facts = [
        look.word("peak", db=loud.peak_dbfs),
        look.word("rms", db=loud.rms_dbfs),
    ]
    if clip.n_samples > n_columns:
        n_each = round(clip.n_samples / n_columns)
        facts.append(look.word("samples_per_column", n=n_each))
    return facts
