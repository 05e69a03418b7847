"""Levels over time as an image with its colour bar: what ``stft`` and ``mel`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import words
from audio import pixels
from audio.dsp import Spectrogram
from audio.frames import Levels
from viz import style, ticks
from viz.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Range = tuple[float, float]

RANGE_DB: Range = (-80.0, 0.0)
BAR_GAP_PX, BAR_PX, ARROW_PX = 14, 12, 12


def draw(
    axes: Axes,
    levels_db: Levels,
    spectrogram: Spectrogram,
    bottom_top: tuple[float, float],
    range_db: Range,
    look: Look,
) -> None:
    """Draw levels, the loudest of what a pixel covers, over a time axis.

    Args:
        axes: where to draw; the colour bar stands to the right of them.
        levels_db: (n_rows, n_columns of the spectrogram), lowest row first.
        spectrogram: where the levels are from.
        bottom_top: the ends of the y axis, in its units.
        range_db: lowest and highest level that has a colour of its own.
        look: colours, sizes and words.
    """
    width_px, _ = style.size_px(axes)
    first_s = spectrogram.times_s[0] - spectrogram.column_s / 2
    stop_s = spectrogram.times_s[-1] + spectrogram.column_s / 2
    axes.imshow(
        pixels.columns(levels_db, width_px),
        extent=(first_s, stop_s, *bottom_top),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=style.LEVEL_MAP,
        clim=range_db,
    )
    bar(axes, range_db, look.word(f"level_of_{spectrogram.scale}"), look)
    ticks.time_axis(axes, max(first_s, 0.0), stop_s, look)
    style.caption(axes, _facts(spectrogram, look), look)
    if spectrogram.is_silent:
        style.note(axes, look.word("silence"), "white")


def bar(
    axes: Axes, limits: Range, label: str, look: Look, colours: str = style.LEVEL_MAP
) -> None:
    """The colour bar; its arrows stand for all that lies beyond its ends.

    By hand, because matplotlib's own costs as much as the picture.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Polygon
    from matplotlib.transforms import IdentityTransform

    figure = axes.get_figure(root=True)
    assert figure is not None
    box = axes.get_window_extent()
    height_px = round(box.height)
    left, bottom = round(box.x1) + BAR_GAP_PX, round(box.y0)
    low, high = bottom + ARROW_PX, bottom + height_px - ARROW_PX
    shades = np.repeat(np.linspace(0, 1, high - low)[:, None], BAR_PX, axis=1)
    colour_map = colormaps[colours]
    figure.figimage(shades, left, low, cmap=colour_map, origin="lower")
    for edge, tip, end in ((low, bottom, 0.0), (high, bottom + height_px, 1.0)):
        corners = [(left, edge), (left + BAR_PX, edge), (left + BAR_PX / 2, tip)]
        arrow = Polygon(corners, color=colour_map(end), linewidth=0)
        arrow.set_transform(IdentityTransform())
        figure.add_artist(arrow)
    step = next((s for s in (0.2, 5, 10) if limits[1] - limits[0] <= 6 * s), 20)
    values = np.arange(limits[0], limits[1] + 1e-9, step)
    shares = np.interp(values, limits, (low - bottom, high - bottom)) / height_px
    words_there = [f"{value:g}".replace("-", "−") for value in values]
    ticks_there = dict(zip(shares.tolist(), words_there, strict=True))
    style.scale_beside(axes, ticks_there, BAR_GAP_PX + BAR_PX, label, look)


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
    first_s = spectrogram.times_s[0] - spectrogram.column_s / 2
    stop_s = spectrogram.times_s[-1] + spectrogram.column_s / 2
    row, column = np.unravel_index(np.argmax(levels_db), levels_db.shape)
    name = f"about_{picture}_silence" if spectrogram.is_silent else f"about_{picture}"
    return words.word(
        f"viz.{name}",
        language,
        n=len(levels_db),
        duration_s=stop_s - max(first_s, 0.0),
        fmin_hz=fmin_hz,
        fmax_hz=fmax_hz,
        at_s=spectrogram.times_s[column],
        hz=spectrogram.frequencies_hz[row],
        db=levels_db[row, column],
    )
