"""How far a model's confidence can be trusted: confidence against right answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import i18n
from viz import style
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOTTOM_PX, RIGHT_PX, TOP_PX = 44, 16, 12
SMALLEST_PX, LARGEST_PX = 5.0, 18.0  # diameter of a dot

Point = tuple[float, float, int]  # confidence, share of right answers, songs


def figure(points: Sequence[Point], look: Look = DEFAULT) -> Figure:
    """A dot for songs of about the same confidence, beside the line of honest answers.

    Args:
        points: (mean confidence, share of right answers, number of songs), shares in
            [0, 1], by confidence.
        look: sizes, colours and language.
    """
    fig, axes = style.canvas(
        look, right_px=RIGHT_PX, top_px=TOP_PX, bottom_px=BOTTOM_PX
    )
    style.grid(axes, look)
    axes.plot([0, 100], [0, 100], color=look.ink, lw=1, ls="--", alpha=0.6)
    xs = [100 * confidence for confidence, _, _ in points]
    ys = [100 * accuracy for _, accuracy, _ in points]
    axes.plot(xs, ys, color=style.ACCENT, lw=1.5)
    areas = [_diameter_px(n, points) ** 2 for _, _, n in points]
    axes.scatter(xs, ys, s=areas, color=style.ACCENT, clip_on=False, zorder=3)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xlabel(i18n.word("scores.confidence", look.language) + " (%)")
    axes.set_ylabel(i18n.word("scores.share_right", look.language) + " (%)")
    return fig


def describe(points: Sequence[Point], language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """One sentence with every dot."""
    told = [
        i18n.word(
            "scores.point", language, confidence=confidence, accuracy=accuracy, n=n
        )
        for confidence, accuracy, n in points
    ]
    return i18n.word("scores.about_reliability", language, points="; ".join(told))


def _diameter_px(n_songs: int, points: Sequence[Point]) -> float:
    """Of a dot whose area grows with its songs."""
    most = max(n for _, _, n in points)
    return max(LARGEST_PX * (n_songs / most) ** 0.5, SMALLEST_PX)
