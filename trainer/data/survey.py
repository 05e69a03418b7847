"""What is in a set of songs, before anybody trains on it.

The tutorial's looks at its data (do the sampling rates agree, how many songs has each
label, how are they split) with those that it leaves out: durations, faults, and copies
that stand on both sides of the split.
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
    """One genre's songs.

    Attributes:
        genre: its label.
        n_songs: all that could be read.
        n_train: learned from.
        n_validation: chosen on; 0 where the test songs are.
        n_test: reported on.
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
    """What is in a set of songs.

    Attributes:
        shares: by genre.
        rates: (sampling rate in Hz, how many songs), the most frequent first.
        durations_s: of the shortest, the middle and the longest song.
        faults: what is wrong with songs.
        leaks: copies whose original lies in another part of the split.
    """

    shares: tuple[Share, ...]
    rates: tuple[tuple[int, int], ...]
    durations_s: tuple[float, float, float]
    faults: tuple[Fault, ...]
    leaks: tuple[Fault, ...]

    @property
    def n_songs(self) -> int:
        """All that could be read."""
        return sum(share.n_songs for share in self.shares)


def survey(songs: SongSet, split: Split, faults: Sequence[Fault]) -> Survey:
    """Count songs and set what is wrong with them against the split."""
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
    """The part of each song, by name."""
    return {
        songs.names[index]: part for part in PARTS for index in getattr(split, part)
    }
