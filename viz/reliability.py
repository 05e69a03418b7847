"""Draw a reliability diagram: accuracy over confidence."""

from __future__ import annotations

from collections.abc import Sequence

import i18n
from viz.palette import GREY_LINE
from viz.plot import Axis, Line, Marks, Plot, Sheet

RATIO = 0.44  # height to width
HIGHEST = 108.0  # so that a dot at 100 % is whole
SMALLEST_PX, LARGEST_PX = 2.5, 9.0  # radius of a dot, whose area grows with its songs

Point = tuple[float, float, int]  # confidence, share of right answers, songs


def sheet(points: Sequence[Point], language: str) -> Sheet:
    """Draw a dot for songs of about the same confidence; one that is right is on the line.

    Args:
        points: (mean confidence, share of right answers, number of songs), shares in
            [0, 1], by confidence. Each dot is labelled with its number of songs.
        language: of labels.
    """
    xs, ys = (
        [round(100 * share, 2) for share in shares]
        for shares in ([p[0] for p in points], [p[1] for p in points])
    )
    most = max((n for _, _, n in points), default=1)
    sizes_px = (LARGEST_PX * (n / most) ** 0.5 for _, _, n in points)
    radii_px = [round(max(size_px, SMALLEST_PX), 1) for size_px in sizes_px]
    plot = Plot(
        name="reliability",
        x=_percent("confidence", language, 100.0),
        y=_percent("share_right", language, HIGHEST),
        layers=(
            Line([0.0, 100.0], [0.0, 100.0], "rule", colour=GREY_LINE),
            Line(xs, [*ys]),
            Marks(xs, ys, [f"{n}" for _, _, n in points], radii_px),
        ),
        ratio=RATIO,
    )
    return Sheet((plot,), describe(points, language))


def describe(points: Sequence[Point], language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Describe every dot in a sentence."""
    dots = [
        i18n.word(
            "scores.point", language, confidence=confidence, accuracy=accuracy, n=n
        )
        for confidence, accuracy, n in points
    ]
    return i18n.word("scores.about_reliability", language, points="; ".join(dots))


def _percent(name: str, language: str, stop: float) -> Axis:
    label = i18n.word(f"scores.{name}", language)
    return Axis("percent", 0.0, stop, f"{label} (%)")
