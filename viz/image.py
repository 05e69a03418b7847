"""Levels over time as an image with its colour bar: what ``stft`` and ``mel`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import words
from audio import pixels
from audio.dsp import Spectrogram
from audio.frames import Levels
from viz import style
from viz.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

RANGE_DB = (-80.0, 0.0)
BAR_GAP_PX, BAR_PX, BAR_LABEL_PX = 14, 12, 40


def draw(
    axes: Axes,
    levels_db: Levels,
    spectrogram: Spectrogram,
    bottom_top: tuple[float, float],
    look: Look,
) -> None:
    """Draw levels, the loudest of what a pixel covers, over a time axis.

    Args:
        axes: where to draw; the colour bar stands to the right of them.
        levels_db: (n_rows, n_columns of the spectrogram), lowest row first.
        spectrogram: where the levels are from.
        bottom_top: the ends of the y axis, in its units.
        look: colours, sizes and words.
    """
    width_px, _ = style.size_px(axes)
    first_s = spectrogram.times_s[0] - spectrogram.column_s / 2
    stop_s = spectrogram.times_s[-1] + spectrogram.column_s / 2
    image = axes.imshow(
        pixels.columns(levels_db, width_px),
        extent=(first_s, stop_s, *bottom_top),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=style.LEVEL_MAP,
        clim=RANGE_DB,
    )
    _bar(axes, image, look, look.word(f"level_of_{spectrogram.scale}"))
    style.time_axis(axes, stop_s, look)
    style.caption(axes, _facts(spectrogram, look), look)
    if spectrogram.is_silent:
        style.note(axes, look.word("silence"), "white")


def _bar(axes: Axes, image: AxesImage, look: Look, label: str) -> None:
    """The colour bar; its arrows stand for all that lies beyond its ends."""
    left_px = look.width_px - style.RIGHT_PX + BAR_GAP_PX
    height_px = style.size_px(axes)[1]
    place = style.shares(look, left_px, style.BOTTOM_PX, BAR_PX, height_px)
    bar_axes = axes.figure.add_axes(place)
    bar = axes.figure.colorbar(image, cax=bar_axes, extend="both", label=label)
    bar.set_ticks(range(int(RANGE_DB[0]), 1, 20))
    if bar.solids is not None:  # one small image instead of 256 paths
        bar.solids.set_rasterized(True)
    bar.outline.set_visible(False)
    style.dress(bar_axes, look)
    bar_axes.spines[:].set_visible(False)
    style.place_label(bar_axes, BAR_PX + BAR_LABEL_PX)


def _facts(spectrogram: Spectrogram, look: Look) -> list[str]:
    ms = 1000 / spectrogram.sampling_rate
    n_fft, n_hop = spectrogram.n_fft, spectrogram.hop_length
    facts = [look.word("frame", n=n_fft, ms=n_fft * ms)]
    if spectrogram.scale == "mel":
        facts.insert(0, look.word("bands", n=len(spectrogram.frequencies_hz)))
    if spectrogram.n_frames_per_column == 1:
        return [*facts, look.word("hop", n=n_hop, ms=n_hop * ms)]
    n_each = spectrogram.n_frames_per_column
    return [*facts, look.word("frames_per_column", n=n_each)]


def describe(
    spectrogram: Spectrogram,
    picture: str,
    fmin_hz: float,
    fmax_hz: float,
    language: str,
) -> str:
    """One sentence: how long, which frequencies, and where it is loudest."""
    levels_db = spectrogram.levels_db
    row, column = np.unravel_index(np.argmax(levels_db), levels_db.shape)
    name = f"about_{picture}_silence" if spectrogram.is_silent else f"about_{picture}"
    return words.word(
        f"viz.{name}",
        language,
        n=len(levels_db),
        duration_s=spectrogram.times_s[-1] + spectrogram.column_s / 2,
        fmin_hz=fmin_hz,
        fmax_hz=fmax_hz,
        at_s=spectrogram.times_s[column],
        hz=spectrogram.frequencies_hz[row],
        db=levels_db[row, column],
    )
