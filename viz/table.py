"""Write the numbers of a picture to files: CSV at its resolution, NPZ in full."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from audio.levels import power
from viz.plot import (
    Axis,
    Band,
    Image,
    Line,
    Marks,
    Plot,
    Provenance,
    Rows,
    Sheet,
    Strips,
    Tiles,
)

UNITS = {"time": "time_s", "frequency": "frequency_hz", "level": "level_db"}
IMAGES = {"level": "levels_db", "power": "power"}
IMAGES |= {"cosine": "cosine", "percent": "weight_percent"}
Row = Sequence[object]


def as_csv(sheet: Sheet) -> bytes:
    """Write every plot at the resolution of the picture; an empty line between two.

    A spectrogram has a row for each time and a column for each frequency.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    blocks = [rows for plot in sheet.plots for rows in _blocks(plot)]
    for i, rows in enumerate(blocks):
        writer.writerows([[]] * bool(i))
        writer.writerows(rows)
    return file.getvalue().encode()


def as_npz(sheet: Sheet) -> bytes:
    """Write the same as NumPy's arrays, in full where a transform has made them.

    The settings of its provenance are scalars; where a sheet shows no result of a
    transform, its layers are written.
    """
    provenance = sheet.provenance or Provenance("", {})
    is_power = provenance.settings.get("quantity") == "power"
    found = [_of_result(each.in_full(), is_power) for each in provenance.computed] or [
        _of_layer(layer, plot) for plot in sheet.plots for layer in plot.layers
    ]
    named: dict[str, Any] = dict(provenance.settings)
    for i, some in enumerate(each for each in found if each):
        suffix = f"_{i + 1}" if i else ""
        named |= {f"{name}{suffix}": values for name, values in some.items()}
    buffer = io.BytesIO()
    known = {
        name: np.array(value, np.float64) if isinstance(value, list) else value
        for name, value in named.items()
        if value is not None
    }
    np.savez_compressed(buffer, allow_pickle=False, **known)
    return buffer.getvalue()


def _of_result(result: Any, is_power: bool) -> dict[str, Any]:
    named = {each.name: getattr(result, each.name) for each in fields(result)}
    if is_power and named.get("scale") == "mel":
        named["power"] = power(result.levels_db)
    return named


def _of_layer(layer: Any, plot: Plot) -> dict[str, Any]:
    """Return the arrays of a layer by name."""
    x, y = _unit(plot.x), _unit(plot.y)
    y = "value" if x == y else y
    match layer:
        case Image():
            values, rows_hz = layer.values, layer.frequencies_hz
            return {IMAGES[layer.quantity]: values, x: _times_s(layer), y: rows_hz}
        case Band():
            bounds = np.linspace(layer.start, layer.stop, len(layer.lows) + 1)
            return {x: bounds[:-1], "lowest": layer.lows, "highest": layer.highs}
        case Line() if layer.shape != "rule":
            return {x: layer.xs, y: layer.ys}
        case Rows():
            ends = {"start_s": layer.starts_s, "stop_s": layer.stops_s}
            return {**ends, "shares": np.array(layer.shares)}
        case Tiles():
            named = {"start_s": layer.starts_s, "stop_s": layer.stops_s}
            edges = {"low_hz": layer.lows_hz, "high_hz": layer.highs_hz}
            return {**named, **edges, "value": layer.values}
        case Strips():
            ends = {"start_s": layer.starts_s, "stop_s": layer.stops_s}
            rows = [
                np.frombuffer(bytes.fromhex(row), np.uint8) for row in layer.colours
            ]
            return {**ends, "rgb": np.stack(rows).reshape(len(rows), -1, 3)}
    return {}


def _blocks(plot: Plot) -> Iterable[list[Row]]:
    """Yield the rows of each layer of a plot, the head first; rules have none."""
    for layer in plot.layers:
        match layer:
            case Image():
                head = [f"time_s \\ {_unit(plot.y)}", *layer.frequencies_hz]
                times_s = np.round(_times_s(layer), 6).tolist()
                values = np.round(layer.values.T, 4).tolist()
                rows = zip(times_s, values, strict=True)
                yield [head, *([time_s, *row] for time_s, row in rows)]
            case Marks():
                head = [_unit(plot.x), _unit(plot.y), "mark"]
                yield [head, *zip(layer.xs, layer.ys, layer.words, strict=True)]
            case Rows():
                head = [
                    "start_s",
                    "stop_s",
                    *(f"{n} {layer.name}" for n in plot.y.names),
                ]
                yield [
                    head,
                    *zip(layer.starts_s, layer.stops_s, *layer.shares, strict=True),
                ]
            case Strips():
                colours = ([f"#{c}" for c in _colours(row)] for row in layer.colours)
                yield [
                    ["start_s", "stop_s", *plot.y.names],
                    *zip(layer.starts_s, layer.stops_s, *colours, strict=True),
                ]
            case Line() if layer.shape != "rule" and plot.x.quantity == "count":
                values = " · ".join(filter(None, (plot.title, layer.name)))
                head = [plot.x.label or "count", values or _unit(plot.y)]
                yield [head, *zip(layer.xs, layer.ys, strict=True)]
            case _:
                named = _of_layer(layer, plot)
                if named:
                    yield [list(named), *zip(*named.values(), strict=True)]


def _colours(row: str) -> list[str]:
    """Return the colour of each column, "rrggbb"."""
    return [row[at : at + 6] for at in range(0, len(row), 6)]


def _unit(axis: Axis) -> str:
    """Return the name of a column of an axis's values."""
    return UNITS.get(axis.quantity, axis.quantity)


def _times_s(image: Image) -> np.ndarray:
    """Return the middle of each column (s)."""
    n = image.n_columns
    return np.linspace(image.start_s, image.stop_s, 2 * n + 1)[1::2]
