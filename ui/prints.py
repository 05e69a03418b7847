"""A sheet as a figure on paper: what the page draws on canvases, for files.

It looks as it does on the page: see ``Chosen``.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import viz.image
from audio import pixels
from audio.frames import Levels, Numbers
from audio.notes import note_of
from ui.pictures.plot import Axis, Band, Image, Line, Marks, Plot, Rows, Sheet
from viz import style, ticks
from viz.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place = Callable[[Any], Numbers]  # of values, on their axis

WIDTH_PX, HEIGHT_PX = 1000, 400  # of one plot
COLOURS = (style.ACCENT, "#e76300", "#832db6", "#717581")
HEARD_HZ, LOWEST_LOG_HZ = 20.0, 32.0  # a log axis that would begin unheard begins here
TICK_PX = 30  # of frequencies along the bottom

RANGES_DB = (60, 80, 100, 120)  # as in tools.js
COLOUR_MAPS = {name: name for name in ("cividis", "magma", "viridis")}
COLOUR_MAPS["grey"] = "gray"


@dataclass(frozen=True)
class Chosen:
    """What the visitor has chosen of a picture's look.

    Attributes:
        scales: of axes, by "<plot>.x" or "<plot>.y".
        range_db: below the loudest level that has a colour; None as it comes.
        colours: matplotlib's name of the colour map.
    """

    scales: Mapping[str, Any]
    range_db: int | None = None
    colours: str = style.LEVEL_MAP


def chosen(scales: object, range_db: object, colours: object) -> Chosen:
    """The look that a page asks for; what is not among its choices stays as it comes."""
    known = isinstance(colours, str) and colours in COLOUR_MAPS
    return Chosen(
        scales if isinstance(scales, Mapping) else {},
        next((each for each in RANGES_DB if each == range_db), None),
        COLOUR_MAPS[str(colours)] if known else style.LEVEL_MAP,
    )


def as_chosen(sheet: Sheet, look: Chosen) -> Sheet:
    """The sheet, its axes' scales and its levels' range as they are seen."""
    return replace(sheet, plots=tuple(_as_chosen(plot, look) for plot in sheet.plots))


def _as_chosen(plot: Plot, look: Chosen) -> Plot:
    layers = tuple(
        replace(layer, limits=(layer.limits[1] - look.range_db, layer.limits[1]))
        if look.range_db and isinstance(layer, Image) and layer.quantity == "level"
        else layer
        for layer in plot.layers
    )
    x, y = (
        _on_scale(axis, look.scales.get(f"{plot.name}.{side}"))
        for side, axis in (("x", plot.x), ("y", plot.y))
    )
    return replace(plot, x=x, y=y, layers=layers)


def _on_scale(axis: Axis, asked: object) -> Axis:
    """The axis with a scale of its own in front, on which it is drawn."""
    scales = tuple(sorted(axis.scales, key=lambda scale: scale != asked))
    return replace(axis, scales=scales)


def figure(sheet: Sheet, language: str, colours: str = style.LEVEL_MAP) -> Figure:
    """All plots of a sheet, one above the other, each on its first scales."""
    n_plots = len(sheet.plots)
    look = Look(WIDTH_PX, n_plots * HEIGHT_PX, "light", language)
    fig, axes = style.canvas(
        look, bottom_px=style.BOTTOM_PX + (n_plots - 1) * HEIGHT_PX
    )
    width_px, height_px = style.size_px(axes)
    _draw(axes, sheet.plots[0], look, colours)
    for i, plot in enumerate(sheet.plots[1:], start=2):
        bottom_px = style.BOTTOM_PX + (n_plots - i) * HEIGHT_PX
        place = style.shares(look, style.LEFT_PX, bottom_px, width_px, height_px)
        axes = fig.add_axes(place)
        style.dress(axes, look)
        _draw(axes, plot, look, colours)
    return fig


def values(image: Image) -> Levels:
    """Levels (dB) or powers, float32 (n_rows, n_columns), lowest row first."""
    packed = zlib.decompress(base64.b64decode(image.levels))
    steps = np.frombuffer(packed, np.uint8).reshape(-1, image.n_columns)
    return image.bottom + np.float32(image.step) * steps.astype(np.float32)


def _draw(axes: Axes, plot: Plot, look: Look, colours: str) -> None:
    style.grid(axes, look)
    width_px, height_px = style.size_px(axes)
    x = _axis(axes.xaxis, plot.x, width_px, TICK_PX, look)
    y = _axis(axes.yaxis, plot.y, height_px, ticks.LOG_PX, look)
    for layer in plot.layers:
        if isinstance(layer, Image):
            _image(axes, layer, plot, y, look, colours)
        else:
            _layer(axes, layer, (x, y), look)
    if any(isinstance(layer, Line) and layer.name for layer in plot.layers):
        axes.legend(frameon=False, fontsize=style.FONT_PX, labelcolor=look.ink)
    facts = [fact for fact in (plot.title, *plot.facts) if fact]
    if facts:
        style.caption(axes, facts, look)
    if plot.note:
        style.note(axes, plot.note, look.ink)


def _layer(axes: Axes, layer: Any, places: tuple[Place, Place], look: Look) -> None:
    match layer:
        case Band():
            middles = np.linspace(layer.start, layer.stop, 2 * len(layer.lows) + 1)[
                1::2
            ]
            how: dict[str, Any] = {"color": style.ACCENT, "linewidth": 0.8}
            axes.fill_between(middles, layer.lows, layer.highs, **how)
        case Line():
            _line(axes, layer, *places)
        case Marks():
            _marks(axes, layer, *places, look)
        case Rows():
            _rows_of(axes, layer)


def _axis(side: Any, axis: Axis, length_px: int, tick_px: int, look: Look) -> Place:
    """Set up one axis; how its values are placed."""
    scale: pixels.Scale = "log" if axis.scales[0] == "note" else axis.scales[0]
    place = partial(ticks.places, scale=scale)
    start, stop = _ends(axis)
    is_across = side.axis_name == "x"
    if axis.quantity == "time" and is_across:
        ticks.time_axis(side.axes, start, stop, look)
    elif axis.quantity == "frequency":
        is_named = axis.scales[0] == "note"
        hertz = (
            ticks.octaves_hz(start, stop)
            if is_named
            else ticks.frequencies_hz(start, stop, length_px, scale, tick_px)
        )
        names = [note_of(hz).name if is_named else ticks.hertz(hz) for hz in hertz]
        there = dict(zip(place(hertz).tolist(), names, strict=True))
        ticks.put(side.axes, side.axis_name, there, axis.label, look)
    else:
        if axis.quantity == "row":
            side.set_ticks(np.arange(len(axis.names)) + 0.5, axis.names)
        side.set_label_text(axis.label)
    low, high = place([start, stop])
    (side.axes.set_xlim if is_across else side.axes.set_ylim)(low, high)
    return place


def _ends(axis: Axis) -> tuple[float, float]:
    stop = axis.stop if axis.stop > axis.start else axis.start + 1
    if axis.scales[0] in ("log", "note") and axis.start < HEARD_HZ:
        return max(axis.start, min(LOWEST_LOG_HZ, stop / 10)), stop
    return axis.start, stop


def _image(
    axes: Axes, image: Image, plot: Plot, place: Place, look: Look, colours: str
) -> None:
    """Levels on the pixels of the axes, the loudest of what each covers."""
    width_px, height_px = style.size_px(axes)
    low, high = axes.get_ylim()
    edges = np.linspace(low, high, height_px + 1)
    edges = edges[: max(int(np.searchsorted(edges, _top(image, place))), 1) + 1]
    low, high = edges[[0, -1]].tolist()
    rows = _rows(image, place, edges)
    share = (image.stop_s - image.start_s) / (plot.x.stop - plot.x.start)
    n_columns = min(image.n_columns, max(round(width_px * share), 1))
    extent = (image.start_s, image.stop_s, low, high)
    shown = pixels.columns(rows, n_columns)
    viz.image.put(axes, shown, extent, image.limits, colours)
    viz.image.bar(axes, image.limits, image.label, look, colours)


def _top(image: Image, place: Place) -> float:
    """Where an image ends: half a row above its highest one."""
    *_, below, last = place(image.frequencies_hz[-2:] * 2)
    return float(last + (last - below) / 2)


def _rows(image: Image, place: Place, edges: Numbers) -> Levels:
    """The loudest of the rows whose middle a pixel holds, or the nearest one."""
    numbers = values(image)
    places = place(image.frequencies_hz)
    bounds = np.searchsorted(places, edges)
    nearest = np.searchsorted(
        (places[1:] + places[:-1]) / 2, (edges[1:] + edges[:-1]) / 2
    )
    starts, stops = bounds[:-1], bounds[1:]
    starts, stops = np.where(starts < stops, (starts, stops), (nearest, nearest + 1))
    pairs = zip(starts, stops, strict=True)
    return np.stack([numbers[start:stop].max(axis=0) for start, stop in pairs])


def _line(axes: Axes, line: Line, x: Place, y: Place) -> None:
    xs, ys = x(line.xs), y(line.ys)
    colour = COLOURS[line.colour]
    kinds: dict[str, dict[str, Any]] = {
        "dots": {"linestyle": "", "marker": "o", "markersize": 4},
        "steps": {"drawstyle": "steps-mid"},
        "rule": {"linestyle": (0, (4, 3)), "linewidth": 0.8},
    }
    how = {"linewidth": 1.2, **kinds.get(line.shape, {})}
    name = line.name or "_"  # which a legend leaves out
    axes.plot(xs, ys, color=colour, label=name, **how)
    if line.shape == "fill":
        axes.fill_between(
            xs, ys, axes.get_ylim()[0], color=colour, alpha=0.2, linewidth=0
        )


def _rows_of(axes: Axes, rows: Rows) -> None:
    """Columns that follow each other without a gap: the larger a share, the fuller."""
    from matplotlib.colors import to_rgba_array

    shares = np.array(rows.shares)
    if not shares.size:
        return
    pixels_rgba = np.repeat(to_rgba_array(rows.colours)[:, None], shares.shape[1], 1)
    pixels_rgba[..., 3] = shares
    extent = (rows.starts_s[0], rows.stops_s[-1], 0, len(shares))
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(
        pixels_rgba,
        extent=extent,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    axes.set(xlim=limits[0], ylim=limits[1])


def _marks(axes: Axes, marks: Marks, x: Place, y: Place, look: Look) -> None:
    xs, ys = x(marks.xs), y(marks.ys)
    axes.plot(xs, ys, "o", markersize=5, color=style.ACCENT)
    for place, word in zip(zip(xs, ys, strict=True), marks.words, strict=True):
        above = {"textcoords": "offset points", "ha": "center"}
        axes.annotate(word, place, (0, 6), **above, **style.text(look))  # type: ignore[arg-type]
