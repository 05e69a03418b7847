"""Ten milliseconds from nearby: sampled at another rate, or rounded to few bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import words
from audio import zoom
from audio.bits import Quantised
from audio.clip import Clip
from audio.rates import alias_hz
from viz import style
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTH_S = 0.01
MIN_HEIGHT = 0.02  # of the y axis, where full scale is 1
HEADROOM = 1.15
END_PX = 24
GAP_PX, ERROR_SHARE = 18, 0.3  # between the two axes, and of the lower one
ERROR_STEPS = 1.6  # rounding makes 0.5, dither 1 more
N_LINES = 16  # one for each step, where there are no more


def sampling(
    original: Clip,
    sampled: Clip,
    start_s: float,
    look: Look = DEFAULT,
    since_s: float = 0,
) -> Figure:
    """The new samples as points, the curve that they make, the old curve behind.

    Args:
        original: the clip.
        sampled: the same at another rate.
        start_s: where the ten milliseconds start in both (s).
        look: sizes, colours and language.
        since_s: where both start in the whole sound (s); for the axis alone.
    """
    fig, axes = style.canvas(look, right_px=END_PX)
    style.grid(axes, look)
    before = zoom.curve(original, start_s, LENGTH_S)
    after = zoom.curve(sampled, start_s, LENGTH_S)
    kept = zoom.points(sampled, start_s, LENGTH_S)
    _plot(axes, before, color=look.ink, alpha=0.35, linewidth=1.2)
    _plot(axes, after, color=style.ACCENT, linewidth=1.4)
    size_px = 6 if len(kept.values) < 100 else 3
    _plot(axes, kept, color=style.ACCENT, linestyle="", marker="o", markersize=size_px)
    _fit(axes, before, after, kept)
    axes.set_ylabel(look.word("amplitude"))
    _time_axis(axes, since_s + start_s, look)
    facts = [
        look.word("samples_shown", n=len(kept.values), hz=sampled.sampling_rate),
        look.word("behind", hz=original.sampling_rate),
    ]
    style.caption(axes, facts, look)
    return fig


def describe_sampling(
    duration_s: float,
    sampling_rate: int,
    strongest_hz: float | None,
    *,
    is_filtered: bool,
    language: str = words.DEFAULT_LANGUAGE,
) -> str:
    """How many values a sound has, and what becomes of its strongest tone.

    Args:
        duration_s: of the whole sound (s).
        sampling_rate: the new one (Hz).
        strongest_hz: of the original, near the ten milliseconds; None in silence.
        is_filtered: whether what lies above Nyquist was filtered out before.
        language: of the sentences.
    """
    details = {
        "duration_s": duration_s,
        "rate_hz": sampling_rate,
        "n": round(duration_s * sampling_rate),
        "nyquist_hz": sampling_rate / 2,
    }
    sentences = [words.word("viz.about_sampling", language, **details)]
    if strongest_hz is not None:
        name = "filtered" if is_filtered else "folded"
        name = name if strongest_hz > sampling_rate / 2 else "kept"
        alias = alias_hz(strongest_hz, sampling_rate)
        tone = {"hz": strongest_hz, "alias_hz": alias}
        sentences.append(words.word(f"viz.about_{name}_tone", language, **tone))
    return style.joined(sentences, language)


def rounding(
    original: Clip,
    quantised: Quantised,
    start_s: float,
    look: Look = DEFAULT,
    since_s: float = 0,
) -> Figure:
    """The staircase over the original curve, its error below; see ``sampling``."""
    room_px = look.height_px - style.TOP_PX - style.BOTTOM_PX - GAP_PX
    error_px = round(ERROR_SHARE * room_px)
    lower_px = style.BOTTOM_PX + error_px + GAP_PX
    fig, axes = style.canvas(look, right_px=END_PX, bottom_px=lower_px)
    width_px, _ = style.size_px(axes)
    place = style.shares(look, style.LEFT_PX, style.BOTTOM_PX, width_px, error_px)
    below = fig.add_axes(place)
    style.dress(below, look)
    style.grid(below, look)
    before = zoom.curve(original, start_s, LENGTH_S)
    stairs = zoom.points(quantised.clip, start_s, LENGTH_S)
    _plot(axes, before, color=look.ink, alpha=0.45, linewidth=1.2)
    _plot(axes, stairs, color=style.ACCENT, linewidth=1.4, drawstyle="steps-mid")
    _fit(axes, before, stairs)
    _step_lines(axes, quantised, look)
    axes.set_ylabel(look.word("amplitude_short"))
    axes.set_xlim(0, 1000 * LENGTH_S)
    axes.set_xticklabels([])
    error = Clip(quantised.error / quantised.step, original.sampling_rate)
    shown = zoom.points(error, start_s, LENGTH_S)
    _plot(below, shown, color=style.ACCENT, linewidth=1.0, drawstyle="steps-mid")
    below.set_ylim(-ERROR_STEPS, ERROR_STEPS)
    below.set_yticks([-1, 0, 1], ["−1", "0", "1"])
    below.set_ylabel(look.word("error_steps"))
    _time_axis(below, since_s + start_s, look)
    style.caption(axes, _facts(quantised, look), look)
    return fig


def describe_rounding(
    quantised: Quantised, language: str = words.DEFAULT_LANGUAGE
) -> str:
    """How coarse the steps are, and the noise that they make."""
    details = {
        "n_bits": quantised.n_bits,
        "n": 2**quantised.n_bits,
        "step": quantised.step,
        "snr_db": quantised.snr_db,
        "rule_db": quantised.rule_db,
    }
    has_noise = bool(np.any(quantised.error))
    name = (
        "snr"
        if quantised.snr_db is not None
        else "no_signal"
        if has_noise
        else "no_error"
    )
    sentences = [
        words.word("viz.about_bits", language, **details),
        words.word(f"viz.about_{name}", language, **details),
    ]
    return style.joined(sentences, language)


def _plot(axes: Axes, stretch: zoom.Stretch, **options: object) -> None:
    axes.plot(1000 * stretch.times_s, stretch.values, **options)  # type: ignore[arg-type]


def _fit(axes: Axes, *stretches: zoom.Stretch) -> None:
    """As high as the loudest, the same up and down."""
    loudest = max(float(np.abs(s.values).max(initial=0.0)) for s in stretches)
    height = max(HEADROOM * loudest, MIN_HEIGHT)
    axes.set_ylim(-height, height)


def _step_lines(axes: Axes, quantised: Quantised, look: Look) -> None:
    """A faint line at each value that there is, where they are few."""
    bottom, top = axes.get_ylim()
    lowest, highest = (round(end / quantised.step) for end in (bottom, top))
    if highest - lowest > N_LINES:
        style.grid(axes, look)
        return
    for n in range(lowest, highest + 1):
        axes.axhline(n * quantised.step, color=look.ink, alpha=0.14, linewidth=0.8)


def _time_axis(axes: Axes, start_s: float, look: Look) -> None:
    axes.set_xlim(0, 1000 * LENGTH_S)
    axes.set_xlabel(look.word("time_since", start_s=start_s))


def _facts(quantised: Quantised, look: Look) -> list[str]:
    facts = [look.word("steps", n_bits=quantised.n_bits, n=2**quantised.n_bits)]
    if quantised.snr_db is not None:
        facts.append(look.word("snr", db=quantised.snr_db))
    return facts
