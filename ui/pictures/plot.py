"""What a picture on the page is made of: axes, layers of numbers, facts; no drawing.

The page's script (the files beside this one) draws a ``Sheet`` on canvases. Everything
that only changes the look is decided there: colour map, range of levels, scale of an
axis, theme, size of the letters. So a sheet holds levels and samples, never colours.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audio.frames import Levels

Quantity = Literal["time", "frequency", "level", "power", "amplitude", "count", "row"]
Scale = Literal["linear", "log", "mel", "note"]
Shape = Literal["line", "dots", "steps", "fill", "rule"]

# Levels travel as bytes, half a decibel a step; powers as shares of the loudest.
BOTTOM_DB = -122.0
STEP_DB = 0.5
POWER_STEP = 1 / 255


@dataclass(frozen=True)
class Axis:
    """One axis of a plot.

    Attributes:
        quantity: decides how ticks and read-outs are written.
        start: value at the left or the bottom.
        stop: value at the right or the top.
        label: quantity and unit in the visitor's language, "Frequency (Hz)".
        scales: that the visitor may choose from; the first one is shown first.
        names: of the rows, the lowest first, where the quantity is "row": row i lies
            between i and i + 1.
    """

    quantity: Quantity
    start: float
    stop: float
    label: str
    scales: tuple[Scale, ...] = ("linear",)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """Levels (dB) or powers over time (x) and frequency (y), as bytes.

    Byte b stands for ``bottom + b * step`` or, where b is 0, for anything lower.

    Attributes:
        start_s: left edge of the first column.
        stop_s: right edge of the last column.
        frequencies_hz: (n_rows,) middle of each row, rising.
        n_columns: columns.
        levels: base64 of the zlib-compressed bytes (n_rows, n_columns), lowest row
            first.
        label: quantity and unit of the levels, "Level (dBFS)".
        limits: lowest and highest value that has a colour of its own at first.
        quantity: decides how values are written, and whether their range can change.
        bottom: what byte 0 stands for.
        step: from one byte to the next.
    """

    start_s: float
    stop_s: float
    frequencies_hz: list[float]
    n_columns: int
    levels: str
    label: str
    limits: tuple[float, float] = (-80.0, 0.0)
    quantity: Literal["level", "power"] = "level"
    bottom: float = BOTTOM_DB
    step: float = STEP_DB
    kind: str = "image"


@dataclass(frozen=True)
class Band:
    """From the lowest to the highest value of each of many equal shares of x.

    Attributes:
        start: left edge of the first share.
        stop: right edge of the last share.
        lows: (n,)
        highs: (n,)
    """

    start: float
    stop: float
    lows: list[float]
    highs: list[float]
    kind: str = "band"


@dataclass(frozen=True)
class Line:
    """Points (x, y) in a row.

    Attributes:
        xs: (n,)
        ys: (n,)
        shape: joined, dots alone, held until the next, filled down to the bottom, or a
            thin dashed rule (two points).
        name: for the legend and the read-out, in the visitor's language; "" for none.
        colour: 0 the accent, 1 and 2 the others, 3 grey.
    """

    xs: list[float]
    ys: list[float]
    shape: Shape = "line"
    name: str = ""
    colour: int = 0
    kind: str = "line"


@dataclass(frozen=True)
class Rows:
    """Shares from 0 to 1 over time, a row each: the larger, the fuller its colour.

    Attributes:
        starts_s: (n_columns,) left edges; gaps between columns stay empty.
        stops_s: (n_columns,) right edges.
        shares: (n_rows, n_columns) the lowest row first.
        colours: (n_rows,) "#rrggbb".
        name: for the read-out, where several layers share the rows; "" for one alone.
    """

    starts_s: list[float]
    stops_s: list[float]
    shares: list[list[float]]
    colours: list[str]
    name: str = ""
    kind: str = "rows"


@dataclass(frozen=True)
class Marks:
    """Points that carry a word.

    Attributes:
        xs: (n,)
        ys: (n,)
        words: (n,) short, in the visitor's language.
    """

    xs: list[float]
    ys: list[float]
    words: list[str]
    kind: str = "marks"


@dataclass(frozen=True)
class Plot:
    """One pair of axes and what stands between them.

    Attributes:
        name: which picture it is; the page remembers the chosen scale by it.
        title: above it, where several stand side by side.
        x: horizontal axis. Plots whose x is a time of the chosen sound share one
            cursor, one selection and one zoom.
        y: vertical axis.
        layers: drawn in this order.
        facts: one line above the plot, as many as fit.
        ratio: height to width on a wide page.
        is_sound: x is a time in the chosen sound (s).
        note: a word in the middle, such as "silence".
    """

    name: str
    x: Axis
    y: Axis
    layers: tuple[Image | Band | Line | Marks | Rows, ...]
    facts: tuple[str, ...] = ()
    title: str = ""
    ratio: float = 0.5
    is_sound: bool = False
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """All that a lesson's place shows.

    Attributes:
        plots: side by side where there is room.
        about: the key numbers in a sentence or two: also the text alternative.
        table: rows of cells, the head first; empty for none.
        duration_s: of the chosen sound.
    """

    plots: tuple[Plot, ...]
    about: str
    table: tuple[tuple[str, ...], ...] = ()
    duration_s: float = 0.0

    def as_json(self) -> str:
        """What the page's script reads.

        One string, because Gradio's page walks through a nested value many times: some
        thousand numbers would hold it up for seconds.
        """
        return json.dumps(asdict(self), separators=(",", ":"))


def packed(values: Levels, bottom: float = BOTTOM_DB, step: float = STEP_DB) -> str:
    """Levels (dB) or other values (n_rows, n_columns) as ``Image.levels``."""
    steps = np.rint((values - bottom) * (1 / step))
    pixels = np.clip(steps, 0, 255).astype(np.uint8)
    return base64.b64encode(zlib.compress(pixels.tobytes(), 1)).decode()


def rounded(values: NDArray[Any], n_decimals: int = 5) -> list[float]:
    """Numbers as JSON writes them shortly."""
    return [float(v) for v in np.round(np.asarray(values, np.float64), n_decimals)]
