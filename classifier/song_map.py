"""Genre probabilities along a song, and the strongest stretch of each genre."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.predict import Chunk, Prediction

STRETCH_S = 10.0  # long enough to recognise by ear; a single window may be a fluke
N_STRETCHES = 3  # genres


@dataclass(frozen=True, eq=False)
class SongMap:
    """Genre along time.

    Attributes:
        genres: the rows, the likeliest first.
        starts_s: float64 (n_windows,), where each column begins (s).
        stops_s: float64 (n_windows,), where it ends; columns do not overlap, and gaps
            between them were silent or not computed yet.
        probabilities: float64 (n_genres, n_windows).
    """

    genres: tuple[str, ...]
    starts_s: NDArray[np.float64]
    stops_s: NDArray[np.float64]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """The part of a song with a genre's highest probability.

    Attributes:
        genre: its name.
        start_s: where the part begins (s).
        stop_s: where it ends (s).
        probability: mean of its windows.
    """

    genre: str
    start_s: float
    stop_s: float
    probability: float


def song_map(prediction: Prediction) -> SongMap:
    """Collect every genre's probability in every window."""
    genres = tuple(genre for genre, _ in prediction.genres)
    chunks = prediction.chunks
    stops_s = np.array([chunk.stop_s for chunk in chunks])
    # The last window of a song is shifted back, over the one before.
    before_s = np.concatenate([[0.0], stops_s[:-1]])
    starts_s = np.maximum([chunk.start_s for chunk in chunks], before_s)
    rows = [[chunk.probabilities[genre] for chunk in chunks] for genre in genres]
    return SongMap(genres, starts_s, stops_s, np.array(rows))


def stretches(prediction: Prediction, n_genres: int = N_STRETCHES) -> list[Stretch]:
    """Find the strongest stretch of each of the likeliest genres.

    A stretch is a row of neighbouring windows, as many as last ten seconds (fewer
    where no row is that long), with the highest mean.
    """
    chunks = prediction.chunks
    length = max(1, round(STRETCH_S / (chunks[0].stop_s - chunks[0].start_s)))
    rows = _neighbours(chunks)
    length = min(length, max(map(len, rows)))
    parts = [
        row[first : first + length]
        for row in rows
        for first in range(len(row) - length + 1)
    ]
    return [_strongest(genre, parts) for genre, _ in prediction.genres[:n_genres]]


def _neighbours(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Split the chunks into rows without a gap."""
    rows = [[chunks[0]]]
    for before, chunk in itertools.pairwise(chunks):
        if chunk.start_s > before.stop_s + 1e-6:
            rows.append([])
        rows[-1].append(chunk)
    return rows


def _strongest(genre: str, parts: Sequence[Sequence[Chunk]]) -> Stretch:
    means = [np.mean([chunk.probabilities[genre] for chunk in part]) for part in parts]
    best = int(np.argmax(means))
    part = parts[best]
    return Stretch(genre, part[0].start_s, part[-1].stop_s, float(means[best]))
