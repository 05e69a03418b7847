"""Summarize a set of songs before training.

The tutorial's checks (sampling rates, songs of each label, split) and further ones:
durations, faults, and copies in different parts of the split.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.data.dataset import SongSet
from trainer.data.faults import Fault
from trainer.data.splits import PARTS, Split


@dataclass(frozen=True)
class Share:
    """Counts of one genre's songs.

    Attributes:
        genre: its label.
        n_songs: readable songs.
        n_train: in the training part.
        n_validation: in the validation part; 0 where it is the test part.
        n_test: in the test part.
        duration_s: of all its songs.
    """

    genre: str
    n_songs: int
    n_train: int
    n_validation: int
    n_test: int
    duration_s: float


@dataclass(frozen=True)
class Survey:
    """Summary of a set of songs.

    Attributes:
        shares: by genre.
        rates: (sampling rate in Hz, number of songs), the most frequent first.
        durations_s: minimum, median and maximum.
        faults: of the songs.
        leaks: copies whose original is in another part of the split.
    """

    shares: tuple[Share, ...]
    rates: tuple[tuple[int, int], ...]
    durations_s: tuple[float, float, float]
    faults: tuple[Fault, ...]
    leaks: tuple[Fault, ...]

    @property
    def n_songs(self) -> int:
        """Number of readable songs."""
        return sum(share.n_songs for share in self.shares)


def survey(songs: SongSet, split: Split, faults: Sequence[Fault]) -> Survey:
    """Count songs by genre and part, and find the copies across parts."""
    durations_s = sorted(song.duration_s for song in songs.songs)
    rates = collections.Counter(song.sampling_rate for song in songs.songs)
    part_of = _parts(songs, split)
    return Survey(
        shares=tuple(
            _share(songs, split, i, genre) for i, genre in enumerate(songs.genres)
        ),
        rates=tuple(rates.most_common()),
        durations_s=(
            durations_s[0],
            durations_s[len(durations_s) // 2],
            durations_s[-1],
        ),
        faults=tuple(faults),
        leaks=tuple(
            fault
            for fault in faults
            if fault.other and part_of.get(fault.name) != part_of.get(fault.other)
        ),
    )


def _share(songs: SongSet, split: Split, label: int, genre: str) -> Share:
    """Count a genre's songs in each part of a split."""
    is_genre = songs.labels == label
    n_train, n_validation, n_test = (
        int(np.count_nonzero(is_genre[getattr(split, part)])) for part in PARTS
    )
    return Share(
        genre,
        int(np.count_nonzero(is_genre)),
        n_train,
        n_validation if split.is_honest else 0,
        n_test,
        sum(s.duration_s for s in songs.songs if s.genre == genre),
    )


def _parts(songs: SongSet, split: Split) -> dict[str, str]:
    """Map each song's name to its part."""
    return {
        songs.names[index]: part for part in PARTS for index in getattr(split, part)
    }
