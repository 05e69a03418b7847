"""Describe a picture: axes, layers of numbers, facts, provenance; no drawing.

The page's script (``ui/canvas``) draws a ``Sheet`` in the browser, ``paper`` in files,
``table`` writes its numbers. Everything that only changes the look is decided there:
colour map, range of levels, scale of an axis, theme, size of the letters. So a sheet
holds levels and samples, never colours.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audio.transforms import MAX_N_COLUMNS, Frames, Spectrogram
from audio.transforms.frames import Levels
from viz.wording import phrase

Quantity = Literal[
    "time",
    "frequency",
    "level",
    "power",
    "amplitude",
    "count",
    "number",
    "percent",
    "row",
]
Scale = Literal["linear", "log", "mel", "note"]
Shape = Literal["line", "marked", "dots", "steps", "fill", "rule"]
Side = Literal["left", "right"]  # above it to the left, beside it to the right

N_COLUMNS = 1024  # of a picture's width; a wide page shows about 800
N_VALUES = 2**23  # of a spectrogram in a file, 34 MB before they are packed

BAR = 0.34  # half a bar's width, where bars are 1 apart

# Levels are kept as bytes, half a decibel a step; powers as shares of the loudest.
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
        names: of the rows, the lowest first, where the quantity is "row": row i is
            between i and i + 1.
    """

    quantity: Quantity
    start: float
    stop: float
    label: str
    scales: tuple[Scale, ...] = ("linear",)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Image:
    """Levels (dB) or other values over time (x) and frequency, or time (y), as bytes.

    Byte b is ``bottom + b * step`` or, where b is 0, for anything lower.

    Attributes:
        start_s: left edge of the first column.
        stop_s: right edge of the last column.
        frequencies_hz: (n_rows,) middle of each row, rising; of an upright axis of times
            in seconds.
        n_columns: columns.
        levels: uint8 (n_rows, n_columns), lowest row first; the page gets them as
            base64 of the zlib-compressed bytes.
        label: quantity and unit of the levels, "Level (dBFS)".
        limits: lowest and highest value that has a colour of its own at first.
        quantity: decides how values are written, and whether their range can change.
        bottom: value of byte 0.
        step: from one byte to the next.
    """

    start_s: float
    stop_s: float
    frequencies_hz: list[float]
    n_columns: int
    levels: NDArray[np.uint8]
    label: str
    limits: tuple[float, float] = (-80.0, 0.0)
    quantity: Literal["level", "power", "cosine", "percent"] = "level"
    bottom: float = BOTTOM_DB
    step: float = STEP_DB
    kind: str = "image"

    @property
    def values(self) -> Levels:
        """Levels (dB) or powers, float32 (n_rows, n_columns), lowest row first."""
        return self.as_values(self.levels)

    def as_values(self, levels: NDArray[np.uint8]) -> Levels:
        """Convert some of its bytes to values, float32 of the same shape."""
        return self.bottom + np.float32(self.step) * levels.astype(np.float32)


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
        ys: (n,) None where there is no value: a gap.
        shape: joined, joined with a dot at each, dots alone, held until the next,
            filled down to the bottom, or a thin dashed rule (two points).
        name: for the legend and the read-out, in the visitor's language; "" for none.
        colour: index into ``palette.LINES``: 0 the accent, 3 grey.
        dash: 0 for an unbroken line, 1 for dashes, 2 for dots.
        is_faint: drawn paler, where many lines are behind one that counts.
    """

    xs: list[float]
    ys: Sequence[float | None]
    shape: Shape = "line"
    name: str = ""
    colour: int = 0
    dash: int = 0
    is_faint: bool = False
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
class Strips:
    """Colours over time, a row each.

    Attributes:
        starts_s: (n_columns,) left edges; gaps between columns stay empty.
        stops_s: (n_columns,) right edges.
        colours: (n_rows,) the lowest row first: "rrggbb" for each column in turn.
        notes: (n_rows,) short words at the right of each row.
    """

    starts_s: list[float]
    stops_s: list[float]
    colours: list[str]
    notes: list[str]
    kind: str = "strips"


@dataclass(frozen=True)
class Marks:
    """Points that carry a word.

    Attributes:
        xs: (n,)
        ys: (n,)
        words: (n,) short, in the visitor's language.
        radii_px: (n,) of their dots; empty where all are alike.
        sides: (n,) of their dots at which the words are; empty where all are above.
    """

    xs: list[float]
    ys: list[float]
    words: list[str]
    radii_px: Sequence[float] = ()
    sides: Sequence[Side] = ()
    kind: str = "marks"


@dataclass(frozen=True)
class Tiles:
    """Rectangles over an image, whose levels are grey beneath: values below and above 0.

    The image's colour bar gives way to theirs.

    Attributes:
        starts_s: (n,) left edges.
        stops_s: (n,) right edges.
        lows_hz: (n,) lower edges.
        highs_hz: (n,) upper edges.
        values: (n,) 0 leaves the image as it is.
        limit: the value with the fullest colour, above 0 and below.
        label: of the values.
        names: what a value below 0 means, and one above.
        colours: "#rrggbb" below 0, and above.
    """

    starts_s: list[float]
    stops_s: list[float]
    lows_hz: list[float]
    highs_hz: list[float]
    values: list[float]
    limit: float
    label: str
    names: tuple[str, str]
    colours: tuple[str, str]
    kind: str = "tiles"


@dataclass(frozen=True)
class Plot:
    """One pair of axes and the layers between them.

    Attributes:
        name: which picture it is; the page remembers the chosen scale by it.
        title: above it, where several are side by side.
        x: horizontal axis. Plots whose x is a time of the chosen sound share one
            cursor, one selection and one zoom.
        y: vertical axis.
        layers: drawn in this order.
        facts: one line above the plot, as many as fit.
        ratio: height to width on a wide page.
        is_sound: x is a time in the chosen sound (s).
        note: a word in the middle, such as "silence".
        is_aligned: as wide as its place, its axis of times exactly below that of others
            which are aligned too.
        range_of: of what x is a part, such as a run: visitors zoom into it in the browser,
            and all plots with the same one show the same range; "" for none.
    """

    name: str
    x: Axis
    y: Axis
    layers: tuple[Image | Band | Line | Marks | Rows | Strips | Tiles, ...]
    facts: tuple[str, ...] = ()
    title: str = ""
    ratio: float = 0.5
    is_sound: bool = False
    note: str = ""
    is_aligned: bool = False
    range_of: str = ""


@dataclass(frozen=True, eq=False)
class Computed:
    """The result of a function of a clip, with its arguments.

    Attributes:
        function: ``transforms.dft``, ``transforms.stft``, ``transforms.mel``, ``waveform.part``.
        clip: its first argument.
        settings: its other arguments by name, dataclasses among them.
        result: a spectrum, a spectrogram or a clip.
    """

    function: Callable[..., Any]
    clip: Any
    settings: Mapping[str, Any]
    result: Any

    def in_full(self) -> Any:
        """Return the result; of a spectrogram every frame, as far as a file holds them."""
        if not isinstance(self.result, Spectrogram):
            return self.result
        n_columns = min(N_VALUES // len(self.result.levels_db), MAX_N_COLUMNS)
        frames = self.settings.get("frames", Frames())
        whole = {**self.settings, "frames": replace(frames, n_columns=n_columns)}
        return self.function(self.clip, **whole)


@dataclass(frozen=True, eq=False)
class Provenance:
    """The computation behind a sheet's numbers.

    Attributes:
        picture: which one it is: the name of the script that makes it again.
        settings: all that the numbers depend on, by the names that scripts and files
            give them.
        computed: the results that are shown, in the order of the plots.
    """

    picture: str
    settings: Mapping[str, Any]
    computed: tuple[Computed, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """The content of one place for pictures.

    Attributes:
        plots: side by side where there is room.
        about: the key numbers in a sentence or two: also the text alternative.
        table: rows of cells, the head first; empty for none.
        duration_s: of the chosen sound; 0 where there is none.
        provenance: of the numbers; None where it cannot be downloaded.
    """

    plots: tuple[Plot, ...]
    about: str
    table: tuple[tuple[str, ...], ...] = ()
    duration_s: float = 0.0
    provenance: Provenance | None = None

    def as_json(self) -> str:
        """Return what the page's script reads, without the provenance.

        One string, because Gradio's page walks through a nested value many times: some
        thousand numbers would hold it up for seconds.
        """
        shown = {
            "plots": [asdict(plot) for plot in self.plots],
            "about": self.about,
            "table": self.table,
            "duration_s": self.duration_s,
        }
        return json.dumps(shown, default=_base64, separators=(",", ":"))


def _base64(levels: NDArray[np.uint8]) -> str:
    return base64.b64encode(zlib.compress(levels.tobytes(), 1)).decode()


def packed(
    values: Levels, bottom: float = BOTTOM_DB, step: float = STEP_DB
) -> NDArray[np.uint8]:
    """Return levels (dB) or other values (n_rows, n_columns) as ``Image.levels``."""
    steps = values - np.float32(bottom)
    steps *= np.float32(1 / step)
    np.rint(steps, out=steps)
    return np.clip(steps, 0, 255, out=steps).astype(np.uint8)


def rounded(values: NDArray[Any], n_decimals: int = 5) -> list[float]:
    """Return numbers as JSON writes them shortly."""
    return [float(v) for v in np.round(np.asarray(values, np.float64), n_decimals)]


def bar(middle: float, height: float, colour: int) -> Line:
    """Return one bar of a bar chart, whose bars are 1 apart.

    Args:
        middle: of the bar, on the x axis.
        height: of it, from 0 on.
        colour: as of ``Line``.
    """
    left, right = rounded(np.array([middle - BAR, middle + BAR]))
    xs, ys = [left, left, right, right], [0.0, height, height, 0.0]
    return Line(xs, ys, "fill", colour=colour)


def time_axis(shown_s: tuple[float, float], language: str) -> Axis:
    """Return an axis of times in a sound, in seconds or min:s as the page writes them."""
    key = "time_min" if shown_s[1] > 60 else "time"
    return Axis("time", *shown_s, phrase(key, language))


def on_axes_of(plot: Plot, other: Plot) -> Plot:
    """Return the plot on the other's axes, so that both can be compared."""
    return replace(plot, x=other.x, y=other.y)


def by_name(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function's arguments with the fields of dataclasses in their place."""
    named: dict[str, Any] = {}
    for name, value in settings.items():
        named |= asdict(value) if is_dataclass(value) else {name: value}  # type: ignore[arg-type]
    return named
