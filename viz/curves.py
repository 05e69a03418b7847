"""Draw training curves: a quantity over steps, of one run or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

import i18n
from audio.transforms.windows import Numbers
from viz.palette import GREY_LINE, LINES
from viz.plot import N_COLUMNS, Axis, Line, Plot, Quantity, Scale
from viz.wording import joined, phrase, plain

N_DOTTED = 20  # a line of so few points shows each of them
HEADROOM = 1.1
PAD = 0.06  # above and below the values of some steps, of their span
RATIO = 0.45  # height to width
COLOURS = [i for i in range(len(LINES)) if i != GREY_LINE]
SCALES: tuple[Scale, ...] = ("linear", "log")  # of what may fall by powers of ten
N_DASHES = 3  # where the colours recur
N_WHOLE = 20_000  # points of a curve whose steps are looked at one by one


@dataclass(frozen=True)
class Curve:
    """One quantity of one run.

    Attributes:
        name: of its run; "" for a curve alone.
        steps: of the points.
        values: as many; what is not finite is a gap.
        colour: as of ``Line``; None for that of its place among the others.
        dash: likewise.
        is_faint: drawn paler.
    """

    name: str
    steps: Sequence[int]
    values: Sequence[float]
    colour: int | None = None
    dash: int | None = None
    is_faint: bool = False

    @property
    def last(self) -> tuple[int, float] | None:
        """The last step that has a number, and the number."""
        pairs = zip(self.steps, self.values, strict=True)
        return next((p for p in reversed([*pairs]) if np.isfinite(p[1])), None)


def smoothed(curve: Curve, weight: float) -> Curve:
    """Smooth a curve by an exponential moving average, from its first value on.

    Each value is the mean of all so far, the last one weighing ``1 - weight``, the one
    before it ``weight`` times that, and so on; divided by the sum of the weights, so that
    the first values are not drawn towards zero.

    Args:
        curve: with or without gaps, which stay.
        weight: from 0 (nothing changes) to less than 1.

    Source: D. P. Kingma and J. Ba, "Adam", ICLR 2015, section 3, on the correction.
    """
    mean = total = 0.0
    values = []
    for value in curve.values:
        if np.isfinite(value):
            mean = weight * mean + (1 - weight) * value
            total = weight * total + (1 - weight)
            value = mean / total
        values.append(value)
    return replace(curve, values=values)


def plot(
    name: str,
    curves: Sequence[Curve],
    language: str,
    *,
    n_steps: int = 0,
    is_percent: bool = False,
    range_of: str = "",
    n_points: int = N_COLUMNS,
) -> Plot:
    """Draw all curves over the same steps, from zero on.

    Args:
        name: of the quantity, a text of the section ``viz``.
        curves: one or several.
        language: of title and labels.
        n_steps: of the whole run; 0 to end with the last point.
        is_percent: whether the axis goes from 0 to 100; else as far as the values, and
            the visitor may choose a logarithmic one.
        range_of: as of ``Plot``.
        n_points: of a curve, at most; where it has more, neighbours are averaged.
    """
    quantity: Quantity = "percent" if is_percent else "number"
    values = np.array([v for each in curves for v in each.values], np.float64)
    highest = float(values[np.isfinite(values)].max(initial=0.0))
    top = 100.0 if is_percent else HEADROOM * (highest or 1.0)
    stop = n_steps or max((s for each in curves for s in each.steps), default=1)
    return Plot(
        name=name,
        x=Axis("count", 0.0, float(max(stop, 1)), phrase("step", language)),
        y=Axis(quantity, 0.0, top, "", SCALES[:1] if is_percent else SCALES),
        layers=tuple(_line(i, curve, n_points) for i, curve in enumerate(curves)),
        title=phrase(name, language),
        ratio=RATIO,
        range_of=range_of,
    )


def part(plot: Plot, start: float, stop: float) -> Plot:
    """Return a plot of some of its steps, its upright axis as high as their values."""
    lines = [_between(line, start, stop) for line in plot.layers if _is_line(line)]
    shown = [y for line in lines for y in line.ys if y is not None]
    x = replace(plot.x, start=max(start, plot.x.start), stop=min(stop, plot.x.stop))
    if not shown:
        return replace(plot, x=x)
    low, high = min(shown), max(shown)
    pad = PAD * ((high - low) or abs(high) or 1.0)
    below = max(low - pad, 0.9 * low) if low > 0 else low - pad
    above = min(high + pad, plot.y.stop) if plot.y.quantity == "percent" else high + pad
    y = replace(plot.y, start=below, stop=above)
    return replace(plot, x=x, y=y, layers=tuple(lines))


def _is_line(layer: object) -> TypeGuard[Line]:
    return isinstance(layer, Line)


def _between(line: Line, start: float, stop: float) -> Line:
    """Return a line within some steps; where it crosses their edges it has points."""
    xs = np.asarray(line.xs, np.float64)
    ys = np.array([np.nan if y is None else y for y in line.ys], np.float64)
    if not len(xs):
        return line
    edges = [edge for edge in (start, stop) if xs[0] < edge < xs[-1]]
    steps = np.unique([*xs[(xs >= start) & (xs <= stop)], *edges])
    values = np.interp(steps, xs, ys)  # a gap stays one
    shown = [float(f"{y:.6g}") if np.isfinite(y) else None for y in values]
    return replace(line, xs=steps.tolist(), ys=shown)


def describe(
    loss: Curve,
    accuracy: Curve,
    n_steps: int,
    language: str,
    validation: Curve | None = None,
) -> str:
    """Describe the last loss, the last accuracy (percent), and the loss of validation."""
    sentences = []
    if loss.last:
        step, value = loss.last
        about = {"step": step, "n_steps": n_steps, "loss": value}
        sentences.append(i18n.word("viz.about_training", language, **about))
    if accuracy.last:
        step, value = accuracy.last
        about = {"step": step, "percent": value}
        sentences.append(i18n.word("viz.about_accuracy", language, **about))
    if validation and validation.last:
        pairs = zip(validation.values, validation.steps, strict=True)
        lowest, step = min(pair for pair in pairs if np.isfinite(pair[0]))
        last = {"loss": validation.last[1], "lowest": lowest, "step": step}
        sentences.append(i18n.word("viz.about_validation_loss", language, **last))
    if not sentences:
        return i18n.word("viz.about_training_empty", language, n_steps=n_steps)
    return joined(sentences, language)


def describe_each(name: str, curves: Sequence[Curve], language: str) -> str:
    """Describe the last value of each run."""
    values = [f"{c.name} {c.last[1]:.3g}".strip() for c in curves if c.last]
    return f"{phrase(name, language)}: {i18n.listed(values, language)}"


def _line(number: int, curve: Curve, n_points: int) -> Line:
    steps, values = _thinned(curve, n_points)
    dash, colour = divmod(number, len(COLOURS))
    return Line(
        xs=[float(step) for step in steps],
        ys=[float(f"{v:.6g}") if np.isfinite(v) else None for v in values],
        shape="marked" if len(steps) <= N_DOTTED else "line",
        name=plain(curve.name),
        colour=COLOURS[colour] if curve.colour is None else curve.colour,
        dash=dash % N_DASHES if curve.dash is None else curve.dash,
        is_faint=curve.is_faint,
    )


def _thinned(curve: Curve, n_points: int) -> tuple[NDArray[np.float64], Numbers]:
    """Return steps and values; of more than ``n_points``, means of neighbours."""
    steps, values = (np.asarray(v, np.float64) for v in (curve.steps, curve.values))
    values = np.where(np.isfinite(values), values, np.nan)
    n_each = -(-len(values) // n_points)
    if n_each <= 1:
        return steps, values
    whole = len(values) // n_each * n_each
    steps, values = (
        v[:whole].reshape(-1, n_each).mean(axis=1) for v in (steps, values)
    )
    return steps, values
