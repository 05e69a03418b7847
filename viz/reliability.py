"""How far a model's confidence can be trusted: confidence against right answers."""

from __future__ import annotations

from collections.abc import Sequence

import i18n
from viz.palette import GREY_LINE
from viz.plot import Axis, Line, Marks, Plot, Sheet

RATIO = 0.7  # height to width

Point = tuple[float, float, int]  # confidence, share of right answers, songs


def sheet(points: Sequence[Point], language: str) -> Sheet:
    """Draw a dot for songs of about the same confidence, beside the line of equals.

    Args:
        points: (mean confidence, share of right answers, number of songs), shares in
            [0, 1], by confidence. Above each dot stands its number of songs.
        language: of labels.
    """
    xs, ys = (
        [round(100 * share, 2) for share in shares]
        for shares in ([p[0] for p in points], [p[1] for p in points])
    )
    plot = Plot(
        name="reliability",
        x=_percent("confidence", language),
        y=_percent("share_right", language),
        layers=(
            Line([0.0, 100.0], [0.0, 100.0], "rule", colour=GREY_LINE),
            Line(xs, [*ys]),
            Marks(xs, ys, [f"{n}" for _, _, n in points]),
        ),
        ratio=RATIO,
    )
    return Sheet((plot,), describe(points, language))


def describe(points: Sequence[Point], language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Say every dot in a sentence."""
    told = [
        i18n.word(
            "scores.point", language, confidence=confidence, accuracy=accuracy, n=n
        )
        for confidence, accuracy, n in points
    ]
    return i18n.word("scores.about_reliability", language, points="; ".join(told))


def _percent(name: str, language: str) -> Axis:
    label = i18n.word(f"scores.{name}", language)
    return Axis("percent", 0.0, 100.0, f"{label} (%)")
