"""Draw HuBERT's pretraining task: clusters over time, with masked spans."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, isnan

import numpy as np
from numpy.typing import NDArray

from audio.hubert.masking import Clusters, baselines
from audio.hubert.preprocessing import HOP_LENGTH, SAMPLING_RATE
from viz import palette
from viz.plot import Axis, Plot, Rows, rounded, time_axis
from viz.wording import described, phrase

N_COLUMNS = 400
FRAME_S = HOP_LENGTH / SAMPLING_RATE
HIDDEN_COLOUR = "#e76300"
HIDDEN_ROW = "?"
RIGHT_COLOUR, WRONG_COLOUR = "#2e8b57", "#832db6"
N_NAMED = 24  # rows that a picture has room to name


@dataclass(frozen=True, eq=False)
class Guessed:
    """A model's guesses, in its own clusters and frames.

    Attributes:
        clusters: the true ones, of n_frames.
        guessed: (n_frames,); they count where a frame is hidden.
        is_hidden: (n_frames,)
        frame_s: from one frame to the next (s).
        first: frame of the sound that these begin with.
    """

    clusters: Clusters
    guessed: NDArray[np.int64]
    is_hidden: NDArray[np.bool_]
    frame_s: float
    first: int = 0


def guessing(
    found: Clusters,
    is_hidden: NDArray[np.bool_],
    shown_s: tuple[float, float],
    language: str,
) -> Plot:
    """Draw rows of clusters, the darkest lowest; under them the masked frames.

    Args:
        found: the cluster of each frame.
        is_hidden: (n_frames,)
        shown_s: start and stop of the visible part (s).
        language: of labels and facts.
    """
    n_all = len(found.labels)
    first = min(floor(shown_s[0] / FRAME_S), max(n_all - 1, 0))
    starts, stops = _columns(first, ceil(shown_s[1] / FRAME_S), n_all)
    n_each = int(stops[0] - starts[0]) if len(starts) else 1
    rows = np.arange(found.n_clusters)[:, None] == found.labels
    seen = np.vstack([np.zeros_like(is_hidden), rows & ~is_hidden])
    unseen = np.vstack([is_hidden, rows & is_hidden])
    names = (HIDDEN_ROW, *(str(i + 1) for i in range(found.n_clusters)))
    facts = ["clusters_as_rows", "seen_and_hidden"] if len(starts) else []
    return Plot(
        name="masking",
        x=time_axis(shown_s, language),
        y=Axis("row", 0, found.n_clusters + 1, "", names=names),
        layers=tuple(
            Rows(
                starts_s=rounded(starts * FRAME_S, 4),
                stops_s=rounded(stops * FRAME_S, 4),
                shares=[rounded(row, 2) for row in shares],
                colours=[colour] * len(shares),
                name=phrase(name, language),
            )
            for name, colour, shares in (
                ("seen", palette.ACCENT, _shares(seen, starts, stops)),
                ("hidden", HIDDEN_COLOUR, _shares(unseen, starts, stops)),
            )
        ),
        facts=(
            *(phrase(name, language) for name in facts),
            *((phrase("model_frames_per_column", language, n=n_each),) * (n_each > 1)),
        ),
        is_sound=True,
        note="" if n_all else phrase("nothing_to_guess", language),
    )


def model_guesses(found: Guessed, shown_s: tuple[float, float], language: str) -> Plot:
    """Draw the clusters that a model knows, and what it guesses for hidden frames.

    A row each for those that occur; where a guess is right, it covers the truth.
    """
    labels, is_hidden = found.clusters.labels, found.is_hidden
    frame_s = found.frame_s
    occurring = np.union1d(labels, found.guessed[is_hidden])
    first = min(max(floor(shown_s[0] / frame_s) - found.first, 0), len(labels))
    stop = ceil(shown_s[1] / frame_s) - found.first
    starts, stops = _columns(first, stop, len(labels))
    truth, guess = (occurring[:, None] == each for each in (labels, found.guessed))
    is_right = is_hidden & (labels == found.guessed)
    layers = (
        ("seen", palette.ACCENT, truth & ~is_hidden),
        ("missed", HIDDEN_COLOUR, truth & is_hidden & ~is_right),
        ("guessed_right", RIGHT_COLOUR, truth & is_right),
        ("guessed_wrong", WRONG_COLOUR, guess & is_hidden & ~is_right),
    )
    n_apart = ceil(max(len(occurring), 1) / N_NAMED)
    names = [str(c + 1) if i % n_apart == 0 else "" for i, c in enumerate(occurring)]
    return Plot(
        name="guesses",
        x=time_axis(shown_s, language),
        y=Axis("row", 0, max(len(occurring), 1), "", names=tuple(names) or ("",)),
        layers=tuple(
            Rows(
                starts_s=rounded((found.first + starts) * frame_s, 4),
                stops_s=rounded((found.first + stops) * frame_s, 4),
                shares=[rounded(row, 2) for row in _shares(rows, starts, stops)],
                colours=[colour] * len(occurring),
                name=phrase(name, language),
            )
            for name, colour, rows in layers
        ),
        title=phrase("guess_title", language),
        facts=(phrase("right_and_wrong", language),) if len(starts) else (),
        is_sound=True,
        note="" if len(labels) else phrase("nothing_to_guess", language),
    )


def describe_guesses(found: Guessed, language: str) -> str:
    """Describe how often a model is right, beside both baselines."""
    labels, is_hidden = found.clusters.labels, found.is_hidden
    if not is_hidden.any():
        return ""
    simple = baselines(found.clusters, is_hidden)
    details = {
        "n_clusters": found.clusters.n_clusters,
        "n_here": len(np.unique(labels)),
        "n": len(labels),
        "ms": 1000 * found.frame_s,
        "n_hidden": int(is_hidden.sum()),
        "share": 100 * is_hidden.mean(),
        "percent": 100 * (found.guessed == labels)[is_hidden].mean(),
        "commonest": 100 * simple.commonest,
        "as_before": 100 * simple.as_before,
    }
    names = ("about_model_clusters", "about_model_guesses")
    return described(names, language, **details)


def describe(found: Clusters, is_hidden: NDArray[np.bool_], language: str) -> str:
    """Describe the share of masked frames, and the accuracy of both baselines."""
    if not len(found.labels):
        return phrase("nothing_to_guess", language)
    right = baselines(found, is_hidden)
    details = {
        "n": len(is_hidden),
        "n_clusters": found.n_clusters,
        "n_hidden": int(is_hidden.sum()),
        "percent": 100 * is_hidden.mean(),
        "commonest": 100 * right.commonest,
        "as_before": 100 * right.as_before,
    }
    names = ["about_masking"]
    if not isnan(right.commonest):
        names.append("about_guesses")
    return described(names, language, **details)


def _columns(
    first: int, stop: int, n_frames: int
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Share frames among columns: where each starts and stops, (n_columns,).

    Args:
        first: frame that is shown.
        stop: frame behind the last one that is shown, which may lie behind all.
        n_frames: of all.
    """
    n_shown = max(min(stop, n_frames) - first, 0)
    n_each = max(ceil(n_shown / N_COLUMNS), 1)
    starts = first + np.arange(0, n_shown, n_each)
    return starts, np.minimum(starts + n_each, first + n_shown)


def _shares(
    rows: NDArray[np.bool_], starts: NDArray[np.int_], stops: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Compute the share of each column's frames in a row, (n_rows, n_columns)."""
    sums = np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1)
    shares: NDArray[np.float64] = (sums[:, stops] - sums[:, starts]) / (stops - starts)
    return shares
