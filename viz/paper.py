"""Draw a sheet as a figure in a file, as the page draws it on canvases.

It looks as it does on the page: see ``Look``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import i18n
from audio.notes import note_of
from audio.transforms import pixels
from audio.transforms.windows import Numbers
from viz import image as images
from viz import notes, palette, style, ticks
from viz import png as png_file
from viz.notes import Note
from viz.plot import (
    Axis,
    Band,
    Image,
    Line,
    Marks,
    Plot,
    Rows,
    Sheet,
    Side,
    Strips,
    Tiles,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place = Callable[[Any], Numbers]  # of values, on their axis

WIDTH_PX, HEIGHT_PX = 1000, 400  # of one plot
N_DECADES = 4  # of a log axis of plain numbers
AUDIBLE_HZ, LOWEST_LOG_HZ = 20.0, 32.0  # a log axis begins at 32 Hz, not below 20
TICK_PX = 64  # the least room for a labelled tick along the bottom
HERTZ_PX = 30  # likewise, of frequencies
NUMBER_PX = 40  # likewise, upright
RANGES_DB = (60, 80, 100, 120)  # as in tools.js
SHAPES: dict[str, dict[str, Any]] = {
    "marked": {"marker": "o", "markersize": 4},
    "dots": {"linestyle": "", "marker": "o", "markersize": 4},
    "steps": {"drawstyle": "steps-mid"},
    "rule": {"linestyle": (0, (4, 3)), "linewidth": 0.8},
}
FAINT = 0.55  # of a faint line
MARK_PX = 3.0  # radius of a mark
NOTE_PX = 6  # from the axes to the words beside a row
DASHES = ("-", "--", ":")
GREYS = palette.LEVEL_MAPS["grey"]  # of an image under tiles, which have the colour bar
MIDDLE_GREY = (0.5, 0.5, 0.5)
TILE_ALPHA = 0.75  # of a tile with the largest value


@dataclass(frozen=True)
class Look:
    """The visitor's choices of a picture's look.

    Attributes:
        scales: of axes, by "<plot>.x" or "<plot>.y".
        range_db: below the loudest level that has a colour; None as it comes.
        colours: matplotlib's name of the colour map.
        notes: of the visitor on the sound, the earliest first.
    """

    scales: Mapping[str, Any] = field(default_factory=dict)
    range_db: int | None = None
    colours: str = palette.LEVEL_MAP
    notes: tuple[Note, ...] = ()


AS_IT_COMES = Look()


def look_of(
    scales: object, range_db: object, colours: object, given_notes: object = ()
) -> Look:
    """Return the look that a page asks for; what it cannot choose stays as it comes."""
    known = isinstance(colours, str) and colours in palette.LEVEL_MAPS
    return Look(
        scales if isinstance(scales, Mapping) else {},
        next((each for each in RANGES_DB if each == range_db), None),
        palette.LEVEL_MAPS[str(colours)] if known else palette.LEVEL_MAP,
        notes.read(given_notes),
    )


def png(
    sheet: Sheet,
    look: Look = AS_IT_COMES,
    language: str = i18n.DEFAULT_LANGUAGE,
    *,
    scale: int = 1,
) -> bytes:
    """Draw a sheet as a PNG.

    Args:
        sheet: what to draw.
        look: as on the visitor's page.
        language: of its texts; one that ``viz.png.language_for`` returns.
        scale: how many times as many pixels each way, for a projector or paper.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn = figure(sheet, look)
    enlarge(drawn, scale)
    canvas = FigureCanvasAgg(drawn)
    font = png_file.font_for(language)
    with style.settings({"font.sans-serif": [font]} if font else {}):
        canvas.draw()
    return png_file.encoded(np.asarray(canvas.buffer_rgba()))


def enlarge(figure: Figure, scale: int) -> None:
    """Let a figure have ``scale`` times as many pixels each way; its parts stay in place."""
    from matplotlib.image import FigureImage

    figure.set_dpi(scale * style.DPI)
    for bar in figure.images:  # which matplotlib places by pixels
        assert isinstance(bar, FigureImage)
        pixels_there = np.asarray(bar.get_array())
        bar.set_data(np.kron(pixels_there, np.ones((scale, scale))))
        bar.ox, bar.oy = scale * bar.ox, scale * bar.oy


def svg(sheet: Sheet, look: Look = AS_IT_COMES) -> bytes:
    """Draw a sheet as an SVG, titled with its key numbers.

    It needs no glyphs of every language: its text stays text, drawn in the fonts of
    the viewer's system.
    """
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    title = "".join(c for c in sheet.about if c.isprintable())
    buffer = io.BytesIO()
    with style.settings({"svg.fonttype": "none"}):
        figure(sheet, look).savefig(
            buffer, format="svg", metadata={"Title": title, **nothing}
        )
    return buffer.getvalue()


def figure(sheet: Sheet, look: Look = AS_IT_COMES) -> Figure:
    """Draw all plots of a sheet, one above the other."""
    fig, every = style.figure_of_plots(len(sheet.plots), WIDTH_PX, HEIGHT_PX)
    for axes, plot in zip(every, sheet.plots, strict=True):
        _draw(axes, as_seen(plot, look), look)
    return fig


def as_seen(plot: Plot, look: Look) -> Plot:
    """Return the plot with its axes' scales and its levels' range as on the page."""
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
    """Return the axis with a scale of its own in front, on which it is drawn."""
    scales = tuple(sorted(axis.scales, key=lambda scale: scale != asked))
    return replace(axis, scales=scales)


def _draw(axes: Axes, plot: Plot, look: Look) -> None:
    """Draw a plot on its axes: axes, layers, notes, legend, caption."""
    colours = look.colours
    has_grid = not any(isinstance(layer, Image) for layer in plot.layers)
    x = _axis(axes, "x", plot.x, has_grid)
    y = _axis(axes, "y", plot.y, has_grid)
    if any(isinstance(layer, Tiles) for layer in plot.layers):
        colours = GREYS
    for layer in plot.layers:
        if isinstance(layer, Image):
            _image(axes, layer, plot, y, colours)
        else:
            _layer(axes, layer, x, y)
    if plot.name == notes.PLOT:
        notes.draw(axes, look.notes)
    if any(isinstance(layer, Line) and layer.name for layer in plot.layers):
        axes.legend(frameon=False, fontsize=style.FONT_PX, labelcolor=palette.INK)
    facts = [fact for fact in (plot.title, *plot.facts) if fact]
    if facts:
        style.caption(axes, facts)
    if plot.note:
        style.note(axes, plot.note, palette.INK)


def _layer(axes: Axes, layer: Any, x: Place, y: Place) -> None:
    match layer:
        case Band():
            _band(axes, layer)
        case Line():
            _line(axes, layer, x, y)
        case Marks():
            _marks(axes, layer, x, y)
        case Rows():
            _rows_of(axes, layer)
        case Tiles():
            _tiles(axes, layer, y)
        case Strips():
            _strips(axes, layer)


def _axis(axes: Axes, side: Any, axis: Axis, has_grid: bool) -> Place:
    """Set up one axis; return how its values are placed."""
    scale: pixels.Scale = "log" if axis.scales[0] == "note" else axis.scales[0]
    place = partial(ticks.places, scale=scale)
    start, stop = _ends(axis)
    names = _names(axis, start, stop, style.size_px(axes)[side == "y"], side)
    there = dict(zip(place(list(names)).tolist(), names.values(), strict=True))
    has_grid = has_grid and axis.quantity != "row"
    ticks.put(axes, side, there, axis.label, has_grid=has_grid)
    low, high = place([start, stop])
    (axes.set_xlim if side == "x" else axes.set_ylim)(low, high)
    return place


def _names(
    axis: Axis, start: float, stop: float, length_px: int, side: str
) -> dict[float, str]:
    """Return what is written at which values of an axis."""
    if axis.quantity == "row":
        return {i + 0.5: name for i, name in enumerate(axis.names)}
    if axis.quantity == "frequency" and axis.scales[0] == "note":
        return {hz: note_of(hz).name for hz in ticks.octaves_hz(start, stop)}
    if axis.quantity == "frequency":
        room_px = HERTZ_PX if side == "x" else ticks.LOG_PX
        scale = axis.scales[0]
        assert scale != "note"
        found = ticks.frequencies_hz(start, stop, length_px, scale, room_px)
        return {hz: ticks.hertz(hz) for hz in found}
    n_ticks = max(length_px // (TICK_PX if side == "x" else NUMBER_PX), 2)
    if axis.quantity == "time":
        return ticks.times(start, stop, n_ticks)
    if axis.quantity == "number" and axis.scales[0] == "log":
        return ticks.powers_of_ten(start, stop)
    is_whole = axis.quantity == "count" and side == "x"
    return ticks.numbers(start, stop, n_ticks, least=1.0 if is_whole else 0.0)


def _ends(axis: Axis) -> tuple[float, float]:
    stop = axis.stop if axis.stop > axis.start else axis.start + 1
    if axis.scales[0] in ("log", "note") and axis.start < AUDIBLE_HZ:
        is_plain = axis.quantity == "number"
        lowest = stop / 10**N_DECADES if is_plain else min(LOWEST_LOG_HZ, stop / 10)
        return max(axis.start, lowest), stop
    return axis.start, stop


def _image(axes: Axes, image: Image, plot: Plot, place: Place, colours: str) -> None:
    """Draw levels on the pixels of the axes, the loudest of what each covers."""
    width_px, height_px = style.size_px(axes)
    low, high = axes.get_ylim()
    edges = np.linspace(low, high, height_px + 1)
    *_, below, last = place(image.frequencies_hz[-2:] * 2)
    top = last + (last - below) / 2  # half a row above the highest one
    edges = edges[: max(int(np.searchsorted(edges, top)), 1) + 1]
    low, high = edges[[0, -1]].tolist()
    rows = image.as_values(_rows(image, place, edges))
    share = (image.stop_s - image.start_s) / (plot.x.stop - plot.x.start)
    n_columns = min(image.n_columns, max(round(width_px * share), 1))
    extent = (image.start_s, image.stop_s, low, high)
    shown = pixels.columns(rows, n_columns)
    images.put(axes, shown, extent, image.limits, colours)
    if not any(isinstance(layer, Tiles) for layer in plot.layers):
        images.bar(axes, image.limits, image.label, colours)


def _rows(image: Image, place: Place, edges: Numbers) -> NDArray[np.uint8]:
    """Return the loudest of the rows whose middle a pixel holds, or the nearest one."""
    places = place(image.frequencies_hz)
    bounds = np.searchsorted(places, edges)
    nearest = np.searchsorted(
        (places[1:] + places[:-1]) / 2, (edges[1:] + edges[:-1]) / 2
    )
    starts, stops = bounds[:-1], bounds[1:]
    starts, stops = np.where(starts < stops, (starts, stops), (nearest, nearest + 1))
    pairs = zip(starts, stops, strict=True)
    return np.stack([image.levels[start:stop].max(axis=0) for start, stop in pairs])


def _band(axes: Axes, band: Band) -> None:
    edges = np.linspace(band.start, band.stop, 2 * len(band.lows) + 1)
    axes.fill_between(
        edges[1::2], band.lows, band.highs, color=palette.ACCENT, linewidth=0.8
    )


def _line(axes: Axes, line: Line, x: Place, y: Place) -> None:
    xs, ys = x(line.xs), y(line.ys)
    colour = palette.LINES[line.colour]
    name = line.name or "_"  # which a legend leaves out
    how: dict[str, Any] = {"linewidth": 1.2, "linestyle": DASHES[line.dash]}
    how["alpha"] = FAINT if line.is_faint else 1.0
    axes.plot(xs, ys, color=colour, label=name, **how | SHAPES.get(line.shape, {}))
    if line.shape == "fill":
        axes.fill_between(
            xs, ys, axes.get_ylim()[0], color=colour, alpha=0.2, linewidth=0
        )


def _rows_of(axes: Axes, rows: Rows) -> None:
    """Draw columns that follow each other without a gap: the larger a share, the fuller."""
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


def _tiles(axes: Axes, tiles: Tiles, y: Place) -> None:
    """Draw rectangles over an image, and their colour bar beside it."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba_array
    from matplotlib.patches import Rectangle

    bottom = axes.get_ylim()[0]
    lows, highs = (
        np.maximum(y(np.maximum(edges, 1e-3)), bottom)
        for edges in (tiles.lows_hz, tiles.highs_hz)
    )
    for start_s, stop_s, low, high, value in zip(
        tiles.starts_s, tiles.stops_s, lows, highs, tiles.values, strict=True
    ):
        corner, size = (start_s, low), (stop_s - start_s, high - low)
        alpha = TILE_ALPHA * min(abs(value) / tiles.limit, 1.0)
        colour = tiles.colours[value > 0]
        axes.add_patch(Rectangle(corner, *size, color=colour, alpha=alpha, linewidth=0))
    below, above = to_rgba_array(tiles.colours)[:, :3]
    shades = [below, MIDDLE_GREY, above]
    colour_map = LinearSegmentedColormap.from_list("tiles", shades)
    limits = (-tiles.limit, tiles.limit)
    values = np.array([-tiles.limit, 0.0, tiles.limit])
    images.bar(axes, limits, tiles.label, colour_map, values)


def _strips(axes: Axes, strips: Strips) -> None:
    """Draw each row's colours on the pixels of the axes, and its words beside it."""
    if not strips.starts_s:
        return
    rows = [np.frombuffer(bytes.fromhex(row), np.uint8) for row in strips.colours]
    colours = np.stack(rows).reshape(len(rows), -1, 3)
    left, right = axes.get_xlim()
    width_px, _ = style.size_px(axes)
    at_s = left + (np.arange(width_px) + 0.5) * (right - left) / width_px
    starts, stops = np.array(strips.starts_s), np.array(strips.stops_s)
    columns = np.clip(np.searchsorted(starts, at_s, "right") - 1, 0, None)
    is_there = (at_s >= starts[columns]) & (at_s < stops[columns])
    pixels_rgba = np.zeros((len(rows), width_px, 4), np.uint8)
    pixels_rgba[..., :3] = colours[:, columns]
    pixels_rgba[..., 3] = 255 * is_there
    limits = axes.get_xlim(), axes.get_ylim()
    extent = (left, right, 0, len(rows))
    how: dict[str, Any] = {"origin": "lower", "aspect": "auto"}
    axes.imshow(pixels_rgba, extent=extent, interpolation="nearest", **how)
    axes.set(xlim=limits[0], ylim=limits[1])
    for row, word in enumerate(strips.notes):
        beside: dict[str, Any] = {
            "transform": axes.get_yaxis_transform(),
            "va": "center_baseline",
        }
        axes.text(1 + NOTE_PX / width_px, row + 0.5, word, **beside, **style.TEXT)


def _marks(axes: Axes, marks: Marks, x: Place, y: Place) -> None:
    xs, ys = x(marks.xs), y(marks.ys)
    radii_px = np.array(marks.radii_px or [MARK_PX] * len(xs))
    areas = (2 * radii_px) ** 2
    axes.scatter(xs, ys, areas, color=palette.ACCENT, linewidths=0, zorder=3)
    sides: Sequence[Side | None] = marks.sides or [None] * len(xs)
    every = zip(xs, ys, marks.words, radii_px, sides, strict=True)
    for x_there, y_there, word, px, side in every:
        away = px + 3.0
        place: dict[str, Any] = {"xytext": (0.0, away), "ha": "center"}
        if side == "left":
            place = {"xytext": (-away, away), "ha": "right"}
        elif side == "right":
            place = {"xytext": (away, 0.0), "ha": "left", "va": "center"}
        there = (x_there, y_there)
        axes.annotate(word, there, textcoords="offset points", **place, **style.TEXT)
