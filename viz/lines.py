"""Lines over steps: one quantity of one run, or the same of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import style
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Told apart by lightness too, for colour-blind eyes; dashes where the colours recur.
COLOURS = ("#2b7bba", "#d1762c", "#3f9b6c", "#b05fa8", "#8a6d3b", "#c0504d")
DASHES = ("-", "--", ":")
N_NAMED = 6  # lines that the legend has room for


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        name: of its run; empty for a line alone.
        steps: of the points.
        values: as many; what is not finite is a gap.
    """

    name: str
    steps: Sequence[int]
    values: Sequence[float]


def figure(
    lines: Sequence[Line], y_label: str, look: Look = DEFAULT, top: float | None = None
) -> Figure:
    """All lines over the same steps, from zero on.

    Args:
        lines: one or several.
        y_label: quantity and unit.
        look: colours and sizes.
        top: of the y axis; without it, what the values need.
    """
    from matplotlib.ticker import MaxNLocator

    fig, axes = style.canvas(look, right_px=style.TOP_PX)
    style.grid(axes, look)
    width_px, height_px = style.size_px(axes)
    for number, line in enumerate(lines):
        steps, values = _thinned(line, width_px)
        colour = COLOURS[number % len(COLOURS)]
        dashes = DASHES[number // len(COLOURS) % len(DASHES)]
        marker = "o" if len(steps) <= width_px // 40 else ""
        style_of: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "ms": 4,
            "lw": 1.4,
        }
        name = style.plain(line.name)
        axes.plot(steps, values, dashes, label=name, clip_on=False, **style_of)
    every = np.array([v for line in lines for v in _numbers(line.values)])
    highest = 1.1 * (max(every[np.isfinite(every)], default=0.0) or 1.0)
    axes.set_ylim(0, top or highest)
    axes.set_xlim(0, max((step for line in lines for step in line.steps), default=1))
    n_ticks = max(width_px // style.TICK_PX, 2)
    axes.xaxis.set_major_locator(MaxNLocator(n_ticks, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(max(height_px // 40, 2)))
    axes.set_xlabel(look.word("step"))
    axes.set_ylabel(y_label)
    if len(lines) > 1:
        named = axes.lines[:N_NAMED]
        axes.legend(handles=named, frameon=False, labelcolor=look.ink, fontsize=11)
    return fig


def _thinned(line: Line, n_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values; where they are more than the pixels, means of neighbours."""
    steps, values = np.asarray(line.steps, float), _numbers(line.values)
    n_each = -(-len(values) // n_points)
    if n_each <= 1:
        return steps, values
    whole = len(values) // n_each * n_each
    steps, values = (
        v[:whole].reshape(-1, n_each).mean(axis=1) for v in (steps, values)
    )
    return steps, values


def _numbers(values: Sequence[float]) -> np.ndarray:
    """An array in which NaN stands for whatever is not finite."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
