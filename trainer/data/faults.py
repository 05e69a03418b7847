"""Find faults of songs before training: copies, silence, clipping, short songs.

A copy of a training song among the test songs can be memorized, which raises the score:
GTZAN has 50 exact and 22 near ones (B. L. Sturm, "An analysis of the GTZAN music genre
dataset", MIRUM 2012; catalogued in "The GTZAN dataset", 2013).
"""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.hubert.preprocessing import SAMPLING_RATE
from trainer.data.dataset import SongSet
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested

Kind = Literal["unreadable", "silent", "clipped", "short", "copy", "near_copy"]

SILENT_PEAK = 10 ** (-60 / 20)
CLIPPED_FRACTION = 1e-3
SHORT_S = 3.0

# J. Haitsma and T. Kalker, "A highly robust audio fingerprinting system", ISMIR 2002:
# 32 bits a frame, the signs of how the energies of 33 bands change from band to band
# and from frame to frame.
N_FFT, HOP_LENGTH = 4096, 512
N_BANDS, LOWEST_HZ, HIGHEST_HZ = 33, 300.0, 2000.0
MAX_BIT_ERROR_RATE = 0.3  # the paper's is 0.35; songs that loop come near it
MIN_OVERLAP_S = 2.5  # of frames: the paper's 3 s of sound
MIN_HITS = 4  # equal frames at one offset make a pair worth comparing
MAX_SHARED = 20  # songs with an equal frame; a more frequent one is not distinctive
STOP_CHECK_EVERY = 4096  # frames
QUIET_POWER = 1e-6  # of a band; below it the signs are those of rounding noise


@dataclass(frozen=True)
class Fault:
    """A fault of a song.

    Attributes:
        kind: which fault.
        name: of the song.
        other: of the song that it is a copy of, else "".
    """

    kind: Kind
    name: str
    other: str = ""


def faults(
    songs: SongSet,
    *,
    emit: Emit = lambda _: None,
    should_stop: ShouldStop = lambda: False,
) -> tuple[Fault, ...]:
    """Find all faults of a set of songs.

    Raises:
        StopRequested: between two songs, or between two pairs that are compared.
    """
    found = [Fault("unreadable", each.name) for each in songs.skipped]
    for song in songs.songs:
        if song.peak < SILENT_PEAK:
            found.append(Fault("silent", song.name))
        if song.n_clipped > CLIPPED_FRACTION * song.n_samples:
            found.append(Fault("clipped", song.name))
        if song.duration_s < SHORT_S:
            found.append(Fault("short", song.name))
    copies = dict(_copies(songs))
    found += [Fault("copy", songs.names[b], songs.names[a]) for b, a in copies.items()]
    found += [
        Fault("near_copy", songs.names[b], songs.names[a])
        for a, b in _near_copies(songs, emit, should_stop)
        if copies.get(b) != a and b not in copies
    ]
    return tuple(found)


def _copies(songs: SongSet) -> Iterator[tuple[int, int]]:
    """Yield (copy, original) of songs with equal samples, except silent ones."""
    firsts: dict[str, int] = {}
    for i, song in enumerate(songs.songs):
        first = firsts.setdefault(song.checksum, i)
        if first != i and song.peak >= SILENT_PEAK:
            yield i, first


def _near_copies(
    songs: SongSet, emit: Emit, should_stop: ShouldStop
) -> list[tuple[int, int]]:
    """Find pairs of songs of the same recording at another level, cut or codec."""
    prints = _fingerprints(songs, emit, should_stop)
    found = set()
    for (a, b, offset), n_hits in _candidates(prints, should_stop).items():
        if n_hits < MIN_HITS:
            continue
        _check_stop(should_stop)
        if _bit_error_rate(prints[a], prints[b], offset) < MAX_BIT_ERROR_RATE:
            found.add((a, b))
    return sorted(found)


def _fingerprints(
    songs: SongSet, emit: Emit, should_stop: ShouldStop
) -> list[NDArray[np.uint32]]:
    """Compute all fingerprints: as many at a time as there are cores, without the GIL."""
    n_songs, n_threads = len(songs.songs), os.cpu_count() or 1
    prints: list[NDArray[np.uint32]] = []
    with ThreadPoolExecutor(n_threads) as pool:
        for start in range(0, n_songs, n_threads):
            some = range(start, min(start + n_threads, n_songs))
            found = pool.map(lambda i: fingerprint(songs.song(i)), some)
            for i in some:
                emit(Stage("faults", i, n_songs))
                _check_stop(should_stop)
                prints.append(next(found))
    return prints


def _check_stop(should_stop: ShouldStop) -> None:
    if should_stop():
        raise StopRequested


def fingerprint(samples: NDArray[np.int16]) -> NDArray[np.uint32]:
    """Compute the fingerprint: (n_frames,) 32 bits a frame, 0 where it is silent."""
    from scipy import fft

    if len(samples) < N_FFT:
        return np.zeros(0, np.uint32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::HOP_LENGTH]
    window = np.hanning(N_FFT).astype(np.float32) / np.float32(32_768)
    edges_hz = np.geomspace(LOWEST_HZ, HIGHEST_HZ, N_BANDS + 1)
    edges = np.rint(edges_hz * N_FFT / SAMPLING_RATE).astype(int)
    power = np.abs(fft.rfft(frames * window, axis=1)[:, : edges[-1]]) ** 2
    bands = np.add.reduceat(power, edges[:-1], axis=1)
    across = np.diff(bands, axis=1)
    bits = np.diff(across, axis=0) > 0
    prints = np.packbits(bits, axis=1).view(">u4").ravel().astype(np.uint32)
    return np.where(bands[1:].max(axis=1) > QUIET_POWER, prints, 0).astype(np.uint32)


def _candidates(
    prints: list[NDArray[np.uint32]], should_stop: ShouldStop
) -> collections.Counter[tuple[int, int, int]]:
    """Count the equal frames of two songs at each offset (frames)."""
    owners = np.repeat(np.arange(len(prints)), [len(each) for each in prints])
    places = np.concatenate([np.arange(len(each)) for each in prints])
    values = np.concatenate(prints)
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=np.uint32(0)))
    hits: collections.Counter[tuple[int, int, int]] = collections.Counter()
    stops = [*starts[1:], len(order)]
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        if number % STOP_CHECK_EVERY == 0:
            _check_stop(should_stop)
        if not 2 <= stop - start <= MAX_SHARED:
            continue
        for i, j in combinations(order[start:stop], 2):
            if owners[i] != owners[j]:
                key = int(owners[i]), int(owners[j]), int(places[j] - places[i])
                hits[key] += 1
    return hits


def _bit_error_rate(a: NDArray[np.uint32], b: NDArray[np.uint32], offset: int) -> float:
    """Compute the share of differing bits where b, shifted by ``offset``, overlaps a."""
    start, stop = max(0, -offset), min(len(a), len(b) - offset)
    if (stop - start) * HOP_LENGTH < MIN_OVERLAP_S * SAMPLING_RATE:
        return 1.0
    mine, theirs = a[start:stop], b[start + offset : stop + offset]
    is_loud = (mine > 0) & (theirs > 0)
    differing = np.bitwise_count(mine[is_loud] ^ theirs[is_loud])
    return float(differing.mean() / 32) if len(differing) else 1.0
