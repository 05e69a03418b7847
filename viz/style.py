"""Set up matplotlib's figures: sizes, fonts, axes; colours are in ``palette``.

Figures are matplotlib's objects without pyplot, so that none stays registered. One unit
is one pixel: figures have 72 dots an inch, and a font of size 12 is 12 pixels high.
"""

from __future__ import annotations

import threading
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.palette import INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 72  # matplotlib's points are then pixels
FONT_PX = 12.0
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 64, 84, 26, 44  # around the axes
LABEL_PX = 50  # from the axes to the middle of the words beside them
CAPTION_PX = 8  # from the axes to the line above
BESIDE_PX = 44  # likewise, of a scale on the right
GRID_ALPHA = 0.14
TEXT: dict[str, Any] = {"color": INK, "fontsize": FONT_PX, "parse_math": False}

# matplotlib's settings and Python's warnings belong to the whole process.
ONE_AT_A_TIME = threading.Lock()


def figure_of_plots(
    n_plots: int, width_px: int, height_px: int
) -> tuple[Figure, list[Axes]]:
    """Return a figure and the axes of plots one above the other, on whole pixels.

    Args:
        n_plots: how many.
        width_px: of the figure.
        height_px: of each plot, with what is around its axes.
    """
    from matplotlib.figure import Figure

    size = (width_px / DPI, n_plots * height_px / DPI)
    figure = Figure(figsize=size, dpi=DPI, facecolor=PAPER)
    width = (width_px - LEFT_PX - RIGHT_PX) / width_px
    height = (height_px - TOP_PX - BOTTOM_PX) / (n_plots * height_px)
    every = []
    for n_below in reversed(range(n_plots)):
        bottom = (BOTTOM_PX + n_below * height_px) / (n_plots * height_px)
        axes = figure.add_axes((LEFT_PX / width_px, bottom, width, height))
        axes.set_facecolor("none")
        for name, spine in axes.spines.items():
            spine.set(color=INK, linewidth=0.8, visible=name in ("left", "bottom"))
        axes.set_axisbelow(True)  # the grid behind the data
        every.append(axes)
    return figure, every


def figure_of(axes: Axes) -> Figure:
    """Return the figure of axes."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def size_px(axes: Axes) -> tuple[int, int]:
    """Measure width and height of the axes in pixels."""
    box = axes.get_window_extent()
    return round(box.width), round(box.height)


def scale_beside(
    axes: Axes, ticks: Mapping[float, str], x_px: float, label: str
) -> None:
    """Draw a labelled scale to the right of the axes, at a tenth of what an axis costs.

    Args:
        axes: to the left of the scale.
        ticks: words at shares of the axes' height.
        x_px: from the right edge of the axes.
        label: quantity and unit.
    """
    px = 1 / size_px(axes)[0]
    left = 1 + x_px * px
    in_shares: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
    for share, word in ticks.items():
        middle = {"va": "center_baseline", **in_shares, **TEXT}
        axes.text(left + 7 * px, share, word, **middle)
    xs = [left, left + 4 * px, np.nan] * len(ticks)
    axes.plot(xs, np.repeat(list(ticks), 3), color=INK, lw=0.8, **in_shares)
    middle = {"ha": "center", "va": "center", "rotation": 90, **in_shares}
    axes.text(left + BESIDE_PX * px, 0.5, label, **middle, **TEXT)


def caption(axes: Axes, parts: Sequence[str]) -> None:
    """Write a line above the axes: as many of ``parts`` as fit, in their order."""
    room_px = figure_of(axes).bbox.width - axes.get_window_extent().x0
    line = parts[0]
    for part in parts[1:]:
        if text_px(f"{line} · {part}") > room_px:
            break
        line = f"{line} · {part}"
    top = 1 + CAPTION_PX / size_px(axes)[1]  # no title: to place one costs a layout
    axes.text(0, top, line, alpha=0.8, transform=axes.transAxes, **TEXT)


def note(axes: Axes, word: str, colour: str) -> None:
    """Draw a word in the middle of the axes, such as "silence"."""
    middle: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "transform": axes.transAxes,
    }
    axes.text(0.5, 0.5, word, color=colour, fontsize=FONT_PX + 2, **middle)


def text_px(line: str) -> float:
    """Estimate the width of a text; Chinese characters are squares."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return FONT_PX * (wide + 0.58 * (len(line) - wide))


@contextmanager
def settings(changes: Any) -> Iterator[None]:
    """Apply the settings of matplotlib while one picture is written."""
    import matplotlib

    with ONE_AT_A_TIME, matplotlib.rc_context(changes), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
