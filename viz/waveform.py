"""The waveform: amplitude over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import words
from audio import pixels
from audio.clip import Clip
from audio.levels import FLOOR_DB, loudness
from viz import style
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HALVINGS = (1.0, 0.5, 0.25)  # amplitudes 6 dB apart


def figure(clip: Clip, look: Look = DEFAULT) -> Figure:
    """Each pixel column from its lowest to its highest sample, on a fixed scale."""
    fig, axes = style.canvas(look)
    style.grid(axes, look)
    style.time_axis(axes, max(clip.duration_s, 1 / clip.sampling_rate), look)
    axes.set_ylim(-1.05, 1.05)
    axes.set_yticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"])
    axes.set_ylabel(look.word("amplitude"))
    _decibel_axis(axes, look)
    n_columns, _ = style.size_px(axes)
    if clip.n_samples:
        outline = pixels.envelope(clip.samples, n_columns)
        shares = (np.arange(len(outline.lows)) + 0.5) / len(outline.lows)
        axes.fill_between(
            shares * clip.duration_s,
            outline.lows,
            outline.highs,
            color=style.ACCENT,
            linewidth=0.8,
        )
    style.caption(axes, _facts(clip, n_columns, look), look)
    return fig


def describe(clip: Clip, language: str = words.DEFAULT_LANGUAGE) -> str:
    """One sentence with the waveform's key numbers."""
    loud = loudness(clip)
    name = "about_waveform_silence" if loud.peak_dbfs <= FLOOR_DB else "about_waveform"
    return words.word(
        f"viz.{name}",
        language,
        duration_s=clip.duration_s,
        peak_db=loud.peak_dbfs,
        at_s=loud.peak_at_s,
        rms_db=loud.rms_dbfs,
    )


def _decibel_axis(axes: Axes, look: Look) -> None:
    """The same heights as levels, on the right: half the amplitude is 6 dB less."""
    right = axes.twinx()
    style.dress(right, look)
    right.spines[:].set_visible(False)
    right.set_ylim(axes.get_ylim())
    heights = [sign * a for a in HALVINGS for sign in (1, -1)]
    right.set_yticks(
        heights, [f"{20 * np.log10(abs(a)):.0f}".replace("-", "−") for a in heights]
    )
    style.place_label(right, style.size_px(axes)[0] + style.LABEL_PX)
    right.set_ylabel(look.word("level_full_scale"))


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
