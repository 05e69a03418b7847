"""Draw what a model computes inside: its layers as colours, repeats, attention, readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import i18n
from audio.hubert.layers import (
    SHORTEST_LAG_S,
    Attention,
    Block,
    Colours,
    column_bounds,
    similarity,
    smoothed,
    strongest_lag_s,
)
from audio.transforms import Spectrogram
from viz import spectrogram
from viz.palette import ACCENT_LINE, GREY_LINE, ORANGE_LINE
from viz.plot import (
    Axis,
    Image,
    Line,
    Plot,
    Strips,
    bar,
    packed,
    rounded,
    time_axis,
)
from viz.spectrogram import Cut
from viz.wording import described, joined, phrase

N_STRIPS = 600  # columns of colours; a wide page shows about 700 pixels
N_SQUARE = 360  # columns and rows of a picture of times against times
COSINE_STEP = 2 / 254  # of a byte; 127 is 0
COSINES = (-0.5, 1.0)  # that have a colour of their own; few are lower
BRIGHTEST = 0.995  # share of the weights that have one
SPECTROGRAM_RATIO, ROW_RATIO, AROUND_RATIO = 0.3, 0.04, 0.1
N_NAMED = 14  # layers that a picture has room to name
LEAST_ELSEWHERE = 0.005  # share of the weights that is worth a word

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shown:
    """A block of frames, and the part of the sound that is seen of it.

    Attributes:
        block: of a model.
        shown_s: start and stop (s).
        language: of labels and facts.
        name: of the model.
        has_patches: its states are patches, averaged over the bands of each moment.
        is_repeated: the sound is repeated to fill its one window.
    """

    block: Block
    shown_s: tuple[float, float]
    language: str
    name: str
    has_patches: bool = False
    is_repeated: bool = False

    @property
    def seen(self) -> slice:
        """The frames that are at least half inside of what is seen."""
        first, last = np.searchsorted(self.block.times_s, self.shown_s)
        return slice(int(first), max(int(last), int(first) + 1))


def beside(levels: Spectrogram, shown: Shown) -> Plot:
    """Draw the mel spectrogram of the same part, its time exactly above the frames."""
    plot = spectrogram.mel(levels, Cut(shown.shown_s, shown.language))
    return replace(
        plot,
        x=time_axis(shown.shown_s, shown.language),
        is_aligned=True,
        ratio=SPECTROGRAM_RATIO,
    )


def layers(colours: Colours, shown: Shown) -> Plot:
    """Draw each layer's frames as colours, the transformer's input lowest."""
    edges, starts = _columns(shown, N_STRIPS)
    rgb = colours.rgb[:, shown.seen].astype(np.float64)
    sums = np.add.reduceat(rgb, starts[:-1], axis=1)
    means = np.rint(sums / np.diff(starts)[:, None]).astype(np.uint8)
    n_rows = len(rgb)
    n_apart = -(-n_rows // N_NAMED)
    names = [
        layer_name(at, shown.language, is_short=at > 0) if at % n_apart == 0 else ""
        for at in range(n_rows)
    ]
    return Plot(
        name="layers",
        x=time_axis(shown.shown_s, shown.language),
        y=Axis("row", 0, n_rows, phrase("layer", shown.language), names=tuple(names)),
        layers=(
            Strips(
                starts_s=rounded(edges[:, 0], 4),
                stops_s=rounded(edges[:, 1], 4),
                colours=[row.tobytes().hex() for row in means],
                notes=[f"{share:.0%}" for share in colours.shares.sum(axis=1)],
            ),
        ),
        title=phrase("layers_title", shown.language),
        facts=(
            phrase("layers_share", shown.language),
            phrase("frame_hop", shown.language, ms=1000 * shown.block.hop_s),
        ),
        is_sound=True,
        is_aligned=True,
        ratio=ROW_RATIO * n_rows + AROUND_RATIO,
    )


def layer_name(layer: int, language: str, *, is_short: bool = False) -> str:
    """Name a layer by its number; 0 is the transformer's input."""
    if is_short:
        return str(layer)
    key = "layer_number" if layer else "layer_input"
    return i18n.word(f"viz.{key}", language, n=layer)


def repeats(shown: Shown, layer: int, smoothing_s: float = 0.0) -> Plot:
    """Draw how alike every moment is with every other, in one layer.

    Args:
        shown: what is seen.
        layer: 0 for the transformer's input.
        smoothing_s: each moment is the mean of the frames of so long a time (s).
    """
    # Of all frames, so that a zoom changes no number; only those seen are compared.
    frames = _smooth(shown, layer, smoothing_s)
    found = similarity(frames[shown.seen], N_SQUARE, mean=frames.mean(axis=0))
    return replace(
        _square(found, shown, "cosine", COSINES),
        name="repeats",
        title=phrase(
            "repeats_title", shown.language, layer=layer_name(layer, shown.language)
        ),
        facts=(phrase("repeats_fact", shown.language),),
    )


def _smooth(shown: Shown, layer: int, smoothing_s: float) -> NDArray[np.float32]:
    """Return the frames of a layer, averaged over so long a time (s)."""
    return smoothed(shown.block.frames[layer], round(smoothing_s / shown.block.hop_s))


def attention(
    found: Attention, shown: Shown, frame: int, layer: int, head: int
) -> tuple[Plot, Plot]:
    """Draw where one moment takes from, and below it every moment's row.

    Args:
        found: of one head.
        shown: what is seen.
        frame: the moment's, in the block.
        layer: from 1 on.
        head: from 1 on.
    """
    language = shown.language
    row = 100 * found.weights[frame].astype(np.float64)
    at_s = float(shown.block.times_s[frame])
    own = np.flatnonzero(shown.block.owners == shown.block.owners[frame])
    top = max(float(row.max(initial=0.0)) * 1.1, 0.01)
    uniform = 100 / int(found.n_keys[frame])
    where = phrase("head_of", language, layer=layer, head=head)
    rules = (
        Line([at_s, at_s], [0.0, top], "rule", f"{at_s:.2f} s", ORANGE_LINE),
        Line(
            list(shown.shown_s),
            [uniform, uniform],
            "rule",
            phrase("all_alike", language, percent=uniform),
            GREY_LINE,
        ),
    )
    curve = Plot(
        name="attended",
        x=time_axis(shown.shown_s, language),
        y=Axis("percent", 0.0, top, phrase("attention_weight", language)),
        layers=(
            *rules,
            Line(rounded(shown.block.times_s[own], 4), rounded(row[own], 4), "fill"),
        ),
        title=phrase("attended_title", language, at_s=at_s),
        facts=(where,),
        is_sound=True,
        is_aligned=True,
        ratio=0.24,
    )
    return curve, _matrix(found, shown, at_s, where)


def _matrix(found: Attention, shown: Shown, at_s: float, where: str) -> Plot:
    """Draw all rows of attention, the moment's named."""
    seen = shown.seen
    weights = 100 * found.weights[seen, seen].astype(np.float64)
    bounds = column_bounds(len(weights), N_SQUARE)
    sums = np.add.reduceat(weights, bounds[:-1], axis=1)
    rows = np.add.reduceat(sums, bounds[:-1], axis=0) / np.diff(bounds)[:, None]
    top = max(float(np.quantile(rows, BRIGHTEST)), 1e-3)
    square = _square(rows.astype(np.float32), shown, "percent", (0.0, top))
    name = phrase("asking", shown.language, at_s=at_s)
    mark = Line(list(shown.shown_s), [at_s, at_s], "rule", name, ORANGE_LINE)
    label = phrase("time_asking", shown.language)
    return replace(
        square,
        name="attention",
        y=replace(square.y, label=label),
        layers=(*square.layers, mark),
        title=phrase("attention_title", shown.language),
        facts=(where,),
        is_aligned=True,
    )


def _square(
    values: NDArray[np.float32],
    shown: Shown,
    quantity: str,
    limits: tuple[float, float],
) -> Plot:
    """Draw times against times; ``values`` are (n, n), the first row lowest."""
    edges, _ = _columns(shown, N_SQUARE)
    start_s, stop_s = float(edges[0, 0]), float(edges[-1, 1])
    n = len(values)
    is_cosine = quantity == "cosine"
    bottom, step = (-1.0, COSINE_STEP) if is_cosine else (0.0, limits[1] * 2 / 255)
    image = Image(
        start_s=start_s,
        stop_s=stop_s,
        frequencies_hz=rounded(edges.mean(axis=1), 4),
        n_columns=n,
        levels=packed(values.copy(), bottom, step),
        label=phrase("cosine" if is_cosine else "attention_share", shown.language),
        limits=limits,
        quantity="cosine" if is_cosine else "percent",
        bottom=bottom,
        step=step,
    )
    time = time_axis(shown.shown_s, shown.language)
    return Plot("", time, time, (image,), is_sound=True, ratio=0.75)


def readings(
    shares: Sequence[tuple[float, float, float]], chance: float, language: str
) -> Plot:
    """Draw the accuracy of a linear reading of each layer, with its interval.

    Args:
        shares: of each layer, the transformer's input first: accuracy, and where its
            interval begins and ends, in [0, 1].
        chance: accuracy of always naming the commonest genre, in [0, 1].
        language: of labels.
    """
    middles = np.arange(len(shares)) + 0.5
    names = [
        layer_name(at, language, is_short=at > 0 or len(shares) > 6)
        for at in range(len(shares))
    ]
    best = int(np.argmax([share for share, *_ in shares]))
    bars = (
        bar(x, round(100 * y, 2), ACCENT_LINE if at == best else GREY_LINE)
        for at, (x, (y, *_)) in enumerate(zip(rounded(middles), shares, strict=True))
    )
    ends = [(100 * low, 100 * high, None) for _, low, high in shares]
    intervals = Line(
        [float(x) for x in middles for _ in range(3)],
        [None if y is None else round(y, 2) for three in ends for y in three],
        name=phrase("interval_95", language),
        colour=ORANGE_LINE,
    )
    guess = Line(
        [0.0, float(len(shares))],
        [100 * chance] * 2,
        "rule",
        phrase("chance_level", language, percent=100 * chance),
        GREY_LINE,
    )
    return Plot(
        name="readings",
        x=Axis(
            "row",
            0.0,
            float(len(shares)),
            phrase("layer", language),
            names=tuple(names),
        ),
        y=Axis("percent", 0.0, 100.0, phrase("right_of_songs", language)),
        layers=(*bars, guess, intervals),
        title=phrase("readings_title", language),
    )


def describe_layers(colours: Colours, shown: Shown) -> str:
    """Describe the frames, and how much of their variance the colours show."""
    shares = colours.shares.sum(axis=1)
    n_each = -(-(shown.seen.stop - shown.seen.start) // N_STRIPS)
    details = {
        "name": shown.name,
        "n_layers": shown.block.n_layers,
        "n": len(shown.block.times_s),
        "n_channels": shown.block.frames.shape[2],
        "start_s": float(shown.block.times_s[0]),
        "stop_s": float(shown.block.times_s[-1]),
        "least": 100 * float(shares.min()),
        "most": 100 * float(shares.max()),
        "n_windows": len(shown.block.states),
        "n_each": n_each,
    }
    keys = ["about_layers", "about_components"]
    keys += ["about_windows"] if len(shown.block.states) > 1 else []
    keys += ["about_patches"] if shown.has_patches else []
    keys += ["model_frames_mean"] if n_each > 1 else []
    return described(keys, shown.language, **details)


def describe_repeats(shown: Shown, layer: int, smoothing_s: float = 0.0) -> str:
    """Describe the lag at which the sound is most like itself, if it repeats."""
    details: dict[str, object] = {"layer": layer_name(layer, shown.language)}
    sentences = [i18n.word("viz.about_similarity", shown.language, **details)]
    if smoothing_s:
        details["s"] = smoothing_s
        sentences.append(i18n.word("viz.about_smoothed", shown.language, **details))
    frames = _smooth(shown, layer, smoothing_s)
    shortest_s = max(SHORTEST_LAG_S, smoothing_s)
    found = strongest_lag_s(frames, shown.block.hop_s, shortest_s)
    if found:
        lag_s, cosine = found
        details |= {"lag_s": lag_s, "cosine": cosine}
        sentences.append(i18n.word("viz.about_lag", shown.language, **details))
    return joined(sentences, shown.language)


def describe_attention(
    found: Attention, shown: Shown, frame: int, layer: int, head: int
) -> str:
    """Describe the moment's largest weights, and what goes elsewhere."""
    row = found.weights[frame].astype(np.float64)
    times_s = shown.block.times_s
    at_s = float(times_s[frame])
    near = np.abs(times_s - at_s) <= 1.0
    best = int(row.argmax())
    details = {
        "layer": layer,
        "head": head,
        "at_s": at_s,
        "best_s": float(times_s[best]),
        "best": 100 * float(row[best]),
        "uniform": 100 / int(found.n_keys[frame]),
        "near": 100 * float(row[near].sum()),
        "elsewhere": 100 * float(found.elsewhere[frame]),
    }
    keys = ["about_attention"]
    if found.elsewhere[frame] > LEAST_ELSEWHERE:
        keys.append(f"about_elsewhere_{_elsewhere(shown)}")
    keys += ["about_window_alone"] if len(shown.block.states) > 1 else []
    keys += ["about_patches_asked"] if shown.has_patches else []
    return described(keys, shown.language, **details)


def _elsewhere(shown: Shown) -> str:
    """Name what takes weight and is not shown."""
    if shown.is_repeated:
        return "mixed" if shown.has_patches else "repeated"
    return "own" if shown.has_patches else "overlap"


def _columns(shown: Shown, n_columns: int) -> tuple[Numbers, NDArray[np.int64]]:
    """Return (n, 2) edges (s) of columns of seen frames, and (n + 1,) first frames."""
    times_s, half_s = shown.block.times_s[shown.seen], shown.block.hop_s / 2
    between = (times_s[1:] + times_s[:-1]) / 2
    is_gap = np.diff(times_s) > 3 * half_s
    starts = np.append(
        times_s[0] - half_s, np.where(is_gap, times_s[1:] - half_s, between)
    )
    stops = np.append(
        np.where(is_gap, times_s[:-1] + half_s, between), times_s[-1] + half_s
    )
    bounds = column_bounds(len(times_s), n_columns)
    return np.stack([starts[bounds[:-1]], stops[bounds[1:] - 1]], axis=1), bounds
