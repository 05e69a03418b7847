"""Choose ticks of axes, times and frequencies in round numbers, and draw them."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log2, log10
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from audio.notes import hz_of
from audio.transforms.mel_scale import hz_to_mel
from audio.transforms.pixels import Scale
from audio.transforms.windows import Numbers
from viz import style
from viz.palette import INK
from viz.wording import with_minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_PX = 15  # from 1 to 2 on an upright log axis, where every tick has a label
ROUND = [m * 10.0**e for e in range(-5, 1) for m in (1, 2, 5)]
CLOCK_STEPS_S = [10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600]
MEL_TICKS_HZ = (250, 500, 1000, 1500, 2000, 3000, 4000, 6000, 8000, 11_000, 16_000)
TICK_MARK_PX, WORDS_PX = 4, 7.5  # from the axes: how far ticks go, where words begin
BESIDE = {"ha": "right", "va": "center_baseline"}  # words left of an upright axis
X_LABEL_PX = 23  # likewise, where the words below the x axis begin
TINY_HZ = 1e-9  # in place of 0, which no log axis has
STEPS_HZ = [m * 10.0**e for e in range(6) for m in (1, 2, 5)]


def put(
    axes: Axes,
    side: Literal["x", "y"],
    ticks: Mapping[float, str],
    label: str,
    *,
    has_grid: bool = True,
) -> None:
    """Label one axis, at a third of what matplotlib's own ticks cost to draw.

    Its axis knows the ticks, but stays hidden.

    Args:
        axes: whose axis; its limits may still change.
        side: which of the two.
        ticks: words at values.
        label: quantity and unit.
        has_grid: draws lines at the ticks, behind the data.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator

    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FixedFormatter(list(ticks.values())))
    axis.set_label_text(label)
    axis.set_visible(False)
    _draw_ticks(axes, side, ticks, has_grid)
    width_px, height_px = style.size_px(axes)
    place: dict[str, Any] = {"x": 0.5, "y": -X_LABEL_PX / height_px, "va": "top"}
    if side == "y":
        place = {"x": -style.LABEL_PX / width_px, "y": 0.5, "va": "bottom"}
        place |= {"rotation": 90, "rotation_mode": "anchor"}
    place |= {"ha": "center", "transform": axes.transAxes, **style.TEXT}
    style.figure_of(axes).text(s=label, **place)


def _draw_ticks(
    axes: Axes, side: Literal["x", "y"], ticks: Mapping[float, str], has_grid: bool
) -> None:
    """Draw the marks, the grid and the words of one axis."""
    from matplotlib.lines import Line2D
    from matplotlib.markers import TICKDOWN, TICKLEFT

    def at(value: Any, share: Any) -> tuple[Any, Any]:
        return (value, share) if is_across else (share, value)

    is_across, figure = side == "x", style.figure_of(axes)
    places, n = np.array(list(ticks)), len(ticks)
    shared: dict[str, Any] = {
        "transform": axes.get_xaxis_transform("grid")
        if is_across
        else axes.get_yaxis_transform("grid")
    }
    line: dict[str, Any] = {"color": INK, "linewidth": 0.8, **shared}
    mark = line | {"marker": TICKDOWN if is_across else TICKLEFT, "linestyle": ""}
    mark |= {"markersize": TICK_MARK_PX, "markeredgewidth": line["linewidth"]}
    figure.add_artist(Line2D(*at(places, np.zeros(n)), **mark))
    if has_grid:
        ends = at(np.repeat(places, 3), np.tile([0.0, 1.0, np.nan], n))
        figure.add_artist(Line2D(*ends, alpha=style.GRID_ALPHA, zorder=-1, **line))
    shared |= {"ha": "center", "va": "top"} if is_across else BESIDE
    away = -WORDS_PX / style.size_px(axes)[int(is_across)]
    for place, word in ticks.items():
        x, y = at(place, away)
        figure.text(x, y, word, **shared, **style.TEXT)


def times(start_s: float, stop_s: float, n_ticks: int) -> dict[float, str]:
    """Label a time axis: in seconds, or in min:s where it reaches beyond a minute."""
    ticks_s = _evenly(start_s, stop_s, n_ticks, [*ROUND, *CLOCK_STEPS_S])
    if stop_s <= 60:
        return {t: f"{t:.6g}" for t in ticks_s}
    step_s = ticks_s[1] - ticks_s[0] if len(ticks_s) > 1 else 1.0
    return {t: clock(t, _n_decimals(step_s)) for t in ticks_s}


def numbers(
    start: float, stop: float, n_ticks: int, least: float = 0.0
) -> dict[float, str]:
    """Label an axis of plain numbers, with as many decimals as their distance needs.

    Args:
        start: the lowest.
        stop: the highest.
        n_ticks: at most.
        least: between two labels.
    """
    least = max((stop - start) / n_ticks, least)
    power = 10.0 ** floor(log10(least) + 1e-9)
    step = power * next(s for s in (1, 2, 5, 10) if s * power >= least * (1 - 1e-9))
    first, last = ceil(start / step - 1e-9), floor(stop / step + 1e-9)
    values = [i * step for i in range(first, last + 1)]
    return {value: with_minus(f"{value:.{_n_decimals(step)}f}") for value in values}


def powers_of_ten(start: float, stop: float) -> dict[float, str]:
    """Label a logarithmic axis of plain numbers: 0.001, 0.01 and so on."""
    first, last = ceil(log10(start) - 1e-9), floor(log10(stop) + 1e-9)
    return {10.0**n: f"{10.0**n:.{max(-n, 0)}f}" for n in range(first, last + 1)}


def frequencies_hz(
    fmin_hz: float, fmax_hz: float, length_px: int, scale: Scale, tick_px: int = LOG_PX
) -> list[float]:
    """Choose frequencies to label: evenly spaced; on a log axis 1, 2, 5 or decades."""
    if scale == "linear":
        n_ticks = max(length_px // (2 * tick_px), 2)
        return _evenly(fmin_hz, fmax_hz, n_ticks, STEPS_HZ)
    if scale == "mel":
        return [hz for hz in MEL_TICKS_HZ if fmin_hz <= hz <= fmax_hz]
    has_room = length_px / log2(fmax_hz / fmin_hz) >= tick_px  # from 1 to 2
    ticks_hz = STEPS_HZ if has_room else STEPS_HZ[::3]
    return [hz for hz in ticks_hz if fmin_hz <= hz <= fmax_hz]


def octaves_hz(fmin_hz: float, fmax_hz: float) -> list[float]:
    """Return the C of every octave between two frequencies (Hz)."""
    return [hz for n in range(12) if fmin_hz <= (hz := hz_of(f"C{n}")) <= fmax_hz]


def places(frequencies_hz: Any, scale: Scale) -> Numbers:
    """Convert frequencies (n,) to an axis's unit: Hz, decades (log10 of Hz) or mel."""
    frequencies_hz = np.asarray(frequencies_hz, np.float64)
    if scale == "log":
        return np.log10(np.maximum(frequencies_hz, TINY_HZ))
    return hz_to_mel(frequencies_hz) if scale == "mel" else frequencies_hz


def hertz(frequency_hz: float) -> str:
    """Return a tick's label: 200, 1k, 2.5k."""
    return f"{frequency_hz / 1000:g}k" if frequency_hz >= 1000 else f"{frequency_hz:g}"


def clock(time_s: float, n_decimals: int = 0) -> str:
    """Write a time as min:s."""
    minutes, seconds = divmod(round(time_s, n_decimals), 60)
    width = n_decimals + 3 if n_decimals else 2
    return f"{minutes:.0f}:{seconds:0{width}.{n_decimals}f}"


def _n_decimals(step: float) -> int:
    """Count the decimals that distinguish multiples of a step."""
    return max(ceil(-log10(step) - 1e-9), 0)


def _evenly(start: float, stop: float, n_ticks: int, steps: list[float]) -> list[float]:
    """List multiples of the smallest step of which at most ``n_ticks`` fit."""
    step = next((s for s in steps if (stop - start) / s <= n_ticks), steps[-1])
    first, last = ceil(start / step - 1e-9), int(stop / step * (1 + 1e-9))
    return [i * step for i in range(first, last + 1)]
