"""Draw a reliability diagram: accuracy over confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import i18n
from viz.palette import GREY_LINE
from viz.plot import Axis, Line, Marks, Plot, Sheet

RATIO = 0.44  # height to width
HIGHEST = 108.0  # so that a dot at 100 % is whole
SMALLEST_PX, LARGEST_PX = 2.5, 9.0  # radius of a dot, whose area grows with its songs


class Point(NamedTuple):
    """Songs of about the same confidence; all shares in [0, 1].

    Attributes:
        confidence: the mean.
        accuracy: share of right answers.
        n_songs: how many.
        low: where the accuracy's interval starts.
        high: where it stops.
    """

    confidence: float
    accuracy: float
    n_songs: int
    low: float
    high: float


def sheet(points: Sequence[Point], language: str) -> Sheet:
    """Draw a dot for songs of about the same confidence; one that is right is on the line.

    Args:
        points: by confidence. Each dot is labelled with its number of songs, and has
            a bar from ``low`` to ``high``.
        language: of labels.
    """
    xs, ys = (
        [round(100 * share, 2) for share in shares]
        for shares in ([p.confidence for p in points], [p.accuracy for p in points])
    )
    most = max((p.n_songs for p in points), default=1)
    sizes_px = (LARGEST_PX * (p.n_songs / most) ** 0.5 for p in points)
    radii_px = [round(max(size_px, SMALLEST_PX), 1) for size_px in sizes_px]
    plot = Plot(
        name="reliability",
        x=_percent("confidence", language, 100.0),
        y=_percent("share_right", language, HIGHEST),
        layers=(
            Line([0.0, 100.0], [0.0, 100.0], "rule", colour=GREY_LINE),
            Line(xs, [*ys]),
            _bars(points, xs, language),
            Marks(xs, ys, [f"{p.n_songs}" for p in points], radii_px),
        ),
        ratio=RATIO,
    )
    return Sheet((plot,), describe(points, language))


def describe(points: Sequence[Point], language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Describe every dot in a sentence."""
    dots = [
        i18n.word("scores.point", language, n=point.n_songs, **point._asdict())
        for point in points
    ]
    return i18n.word("scores.about_reliability", language, points="; ".join(dots))


def _bars(points: Sequence[Point], xs: list[float], language: str) -> Line:
    """Draw all intervals as one line, with a gap after each."""
    ends = [(100 * point.low, 100 * point.high, None) for point in points]
    return Line(
        [x for x in xs for _ in range(3)],
        [None if y is None else round(y, 2) for three in ends for y in three],
        name=i18n.word("scores.interval", language),
        colour=GREY_LINE,
    )


def _percent(name: str, language: str, stop: float) -> Axis:
    label = i18n.word(f"scores.{name}", language)
    return Axis("percent", 0.0, stop, f"{label} (%)")
