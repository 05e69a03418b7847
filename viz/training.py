"""A run as it learns: loss and accuracy over steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import i18n
from audio.frames import Numbers
from viz import style
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Curves:
    """What a run has reported so far; NaN where a value was none.

    Attributes:
        steps: at which a loss was logged.
        losses: cross-entropy, as long as ``steps``.
        evaluated_steps: at which the model was evaluated.
        accuracies: 0 to 1, as long as ``evaluated_steps``.
        n_steps: the whole run's.
    """

    steps: Sequence[int] = ()
    losses: Sequence[float] = ()
    evaluated_steps: Sequence[int] = ()
    accuracies: Sequence[float] = ()
    n_steps: int = 1


def figure(curves: Curves, look: Look = DEFAULT) -> Figure:
    """Loss on the left axis, accuracy on the right one, the whole run in view."""
    from matplotlib.ticker import MaxNLocator

    fig, axes = style.canvas(look, right_px=style.LEFT_PX)
    style.grid(axes, look)
    width_px, _ = style.size_px(axes)
    steps, losses = _thinned(curves, width_px)
    axes.plot(steps, losses, marker=_marker(steps), color=look.ink, lw=1.2, alpha=0.8)
    n_ticks = max(width_px // style.TICK_PX, 2)
    axes.set_xlim(0, max(curves.n_steps, 1))
    axes.set_ylim(0, 1.1 * (max(losses[np.isfinite(losses)], default=0.0) or 1.0))
    axes.xaxis.set_major_locator(
        MaxNLocator(n_ticks, steps=[1, 2, 5, 10], integer=True)
    )
    axes.set_xlabel(look.word("step"))
    axes.set_ylabel(look.word("loss"))
    _accuracy_axis(axes, curves, look)
    return fig


def describe(curves: Curves, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """One or two sentences: the last loss, and the last accuracy."""
    losses = _last(curves.steps, curves.losses)
    accuracies = _last(curves.evaluated_steps, curves.accuracies)
    n_steps = curves.n_steps
    said = []
    if losses:
        step, loss = losses
        about = {"step": step, "n_steps": n_steps, "loss": loss}
        said.append(i18n.word("viz.about_training", language, **about))
    if accuracies:
        step, accuracy = accuracies
        about = {"step": step, "percent": 100 * accuracy}
        said.append(i18n.word("viz.about_accuracy", language, **about))
    if not said:
        return i18n.word("viz.about_training_empty", language, n_steps=n_steps)
    return " ".join(said)


def _accuracy_axis(axes: Axes, curves: Curves, look: Look) -> None:
    """Accuracy in percent over the same steps, in the accent colour as its label is."""
    right = axes.twinx()
    style.dress(right, look)
    right.spines[:].set_visible(False)
    style.place_label(right, style.size_px(axes)[0] + style.LABEL_PX)
    right.tick_params(axis="y", labelcolor=style.ACCENT, color=style.ACCENT)
    percents = 100 * _numbers(curves.accuracies)
    steps = curves.evaluated_steps
    right.plot(steps, percents, "o-", color=style.ACCENT, markersize=5, clip_on=False)
    right.set_ylim(0, 100)
    right.set_ylabel(look.word("accuracy"), color=style.ACCENT)


def _thinned(curves: Curves, n_points: int) -> tuple[Numbers, Numbers]:
    """Steps and losses; where they are more than the pixels, means of neighbours."""
    steps, losses = _numbers(curves.steps), _numbers(curves.losses)
    n_each = -(-len(losses) // n_points)
    if n_each <= 1:
        return steps, losses
    whole = len(losses) // n_each * n_each
    return tuple(v[:whole].reshape(-1, n_each).mean(axis=1) for v in (steps, losses))


def _numbers(values: Sequence[float]) -> Numbers:
    """An array in which NaN stands for whatever is not finite: a gap in the curve."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _marker(steps: Numbers) -> str:
    """A single point needs a dot to be seen."""
    return "o" if len(steps) == 1 else ""


def _last(steps: Sequence[int], values: Sequence[float]) -> tuple[int, float] | None:
    """The last step that has a number, and the number."""
    pairs = [(s, v) for s, v in zip(steps, values, strict=True) if np.isfinite(v)]
    return pairs[-1] if pairs else None
