"""Data sets of fixed-length windows: random crops to train on, all to evaluate.

Evaluation uses the windows that classification does (``networks.windows``), so that
the accuracy of a run is that of its model on the same files.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError
from networks import architecture, forward
from networks.windows import Windows
from trainer.data.dataset import INT16_MAX, SongSet
from trainer.run.events import Emit, Noted

TILT_DB_PER_OCTAVE = 3.0  # the most that augmentation tilts a spectrum
NOISE_DB = (-60.0, -30.0)  # level of added noise, relative to the window's
PIVOT_HZ = 1000.0  # where a tilted spectrum keeps its level
MAX_WORKERS = 4  # processes that prepare windows for a GPU


def window(song: NDArray[np.int16], start: int, n_window: int) -> Samples:
    """Cut samples of a song, float32 (n_window,) in [-1, 1]; a short song is repeated."""
    piece = song[start : start + n_window].astype(np.float32) / np.float32(INT16_MAX)
    return np.resize(piece, n_window)


def augment(samples: Samples, rng: np.random.Generator) -> Samples:
    """Tilt the spectrum and add a little noise, as another mix would; float32 (n,)."""
    import scipy.fft

    tilt_db = rng.uniform(-TILT_DB_PER_OCTAVE, TILT_DB_PER_OCTAVE)
    # Of a length without large prime factors, in float32: a tenth of the time.
    n_fft = scipy.fft.next_fast_len(len(samples), real=True)
    spectrum = scipy.fft.rfft(np.asarray(samples, np.float32), n_fft)
    spectrum *= _tilt(len(spectrum), tilt_db)
    tilted: Samples = scipy.fft.irfft(spectrum, n_fft)[: len(samples)]
    level = tilted.std() * 10 ** (rng.uniform(*NOISE_DB) / 20)
    noise = rng.standard_normal(len(samples), dtype=np.float32)
    noise *= np.float32(level)
    return np.add(tilted, noise, out=noise)


def _tilt(n_bins: int, tilt_db: float) -> NDArray[np.float32]:
    """Compute the gain of each bin of a spectrum, for a tilt in dB an octave."""
    # x dB an octave is a power law: 10^(x/20 * log2(f)) = f^(x / 6.02)
    return np.exp2(_octaves(n_bins) * np.float32(tilt_db / 6.02))


@lru_cache(maxsize=1)
def _octaves(n_bins: int) -> NDArray[np.float32]:
    """Return how many octaves each bin of a spectrum is above where a tilt is 0 dB."""
    frequencies_hz = np.linspace(1.0, SAMPLING_RATE / 2, n_bins, dtype=np.float32)
    return np.log2(frequencies_hz / np.float32(PIVOT_HZ))


@dataclass
class RandomWindows:
    """A map-style data set: one random window of each training song an epoch.

    The crop depends on seed, epoch and song alone, so that a run can be repeated.
    """

    songs: SongSet
    indices: NDArray[np.int64]
    extractor: Any
    window_s: float
    seed: int
    augmentation: bool = False
    epoch: int = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw new windows; the Trainer calls this at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> dict[str, Any]:
        index = self.indices[position]
        rng = np.random.default_rng((self.seed, self.epoch, int(index)))
        song = self.songs.song(index)
        n_window = round(self.window_s * SAMPLING_RATE)
        start = rng.integers(max(len(song) - n_window, 0) + 1)
        samples = window(song, int(start), n_window)
        if self.augmentation:
            samples = augment(samples, rng)
        return _item(samples, self.songs.labels[index], self.extractor)


def _spread(starts: list[int], n_at_most: int) -> list[int]:
    """Choose some of the starts, evenly spread; the middle one where it is one."""
    if not 0 < n_at_most < len(starts):
        return starts
    if n_at_most == 1:
        return [starts[len(starts) // 2]]
    places = np.linspace(0, len(starts) - 1, n_at_most)
    return [starts[round(place)] for place in places]


@dataclass(frozen=True, eq=False)
class CachedSong:
    """A song of the cache with the interface that ``networks.windows`` reads.

    Attributes:
        integers: int16 (n_samples,).
        sampling_rate: Hz.
    """

    integers: NDArray[np.int16]
    sampling_rate: int = SAMPLING_RATE

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.integers)

    def part(self, start: int, stop: int) -> Samples:
        """Convert samples from ``start`` to ``stop``, float32 (n,) in [-1, 1]."""
        piece = self.integers[max(start, 0) : max(stop, 0)]
        return piece.astype(np.float32) / np.float32(INT16_MAX)


class EvalWindows(Protocol):
    """A map-style data set of songs to evaluate, whose items are the songs' windows."""

    @property
    def songs(self) -> SongSet:
        """All songs, of which ``indices`` are some."""

    @property
    def indices(self) -> NDArray[np.int64]:
        """(n_songs,) the songs that have a window."""

    @property
    def owners(self) -> NDArray[np.int64]:
        """(n_windows,) position in ``indices`` of each window's song."""

    @property
    def lengths(self) -> list[int]:
        """(n_windows,) samples of each window."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> dict[str, Any]: ...


class AllWindows:
    """A map-style data set: every audible window of each song, in order.

    ``n_per_window`` windows begin in the length of one; of ``n_at_most`` (0: all) the
    first begins with the song, the last ends with it.

    A song without an audible window is left out, as classification refuses it.

    Attributes:
        indices: (n_songs,) the songs that have a window.
        silent: the others.
        owners: (n_windows,) position in ``indices`` of the song of each window.

    Raises:
        KnownError: ``silent`` where no song has a window.
    """

    def __init__(
        self,
        songs: SongSet,
        indices: NDArray[np.int64],
        extractor: Any,
        window_s: float,
        n_per_window: int = 1,
        n_at_most: int = 0,
        *,
        takes_any_length: bool = False,
    ) -> None:
        self.songs = songs
        self.extractor = extractor
        cut = [
            Windows.of(
                CachedSong(songs.song(index)),
                SAMPLING_RATE,
                window_s,
                takes_any_length=takes_any_length,
            )
            for index in indices
        ]
        starts = [_spread(each.starts(n_per_window), n_at_most) for each in cut]
        is_audible = np.array([bool(each) for each in starts], bool)
        self.indices, self.silent = indices[is_audible], indices[~is_audible]
        if not len(self.indices):
            name = next((songs.songs[index].name for index in indices), "")
            raise KnownError("silent", name=name)
        self.cut = [each for each, some in zip(cut, starts, strict=True) if some]
        self.places = [
            (position, start)
            for position, some in enumerate(filter(None, starts))
            for start in some
        ]
        self.owners = np.array([position for position, _ in self.places])

    def only(self, places: NDArray[np.int64]) -> AllWindows:
        """Leave out all other windows; each song keeps one at least."""
        some = copy.copy(self)
        some.places = [self.places[place] for place in places]
        some.owners = self.owners[places]
        some.__dict__.pop("lengths", None)
        return some

    @cached_property
    def lengths(self) -> list[int]:
        """(n_windows,) samples of each window."""
        return [self.cut[position].n_window for position, _ in self.places]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, place: int) -> dict[str, Any]:
        position, start = self.places[place]
        samples = self.cut[position].window(start)
        assert samples is not None, "silent windows were left out"
        label = self.songs.labels[self.indices[position]]
        return _item(samples, label, self.extractor)


def note_silent(songs: SongSet, silent: NDArray[np.int64], emit: Emit) -> None:
    """Emit which songs are not evaluated because they are silent, if any."""
    names = [songs.songs[index].name for index in silent]
    if names:
        emit(Noted("songs_silent", {"names": names}))


def _item(samples: Samples, label: np.int64, extractor: Any) -> dict[str, Any]:
    """Make one example: the feature extractor's output for a window, and its label."""
    name = extractor.model_input_names[0]
    values = forward.features(extractor, samples, SAMPLING_RATE)
    return {name: values, "labels": int(label)}


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stack a batch: float32 (n_items, ...) by its name, and labels (n_items,).

    Nothing is padded.
    """
    import torch

    (name,) = items[0].keys() - {"labels"}
    values = np.stack([item[name] for item in items])
    labels = torch.tensor([item["labels"] for item in items])
    return {name: torch.from_numpy(values), "labels": labels}


def n_workers(model: Any, *, is_gpu: bool, augmentation: bool = False) -> int:
    """Return how many processes prepare windows: some, where a GPU would wait for one.

    A window of samples costs 2 ms, which is nothing; a spectrogram or an augmentation
    costs more than the GPU's pass.
    """
    is_costly = augmentation or not architecture.takes_samples(model)
    return min(MAX_WORKERS, os.cpu_count() or 1) if is_gpu and is_costly else 0


class WindowReader:
    """Read windows in order, by other processes ahead of time where that is worth it.

    Args:
        windows: a data set.
        places: in it, in the order in which they will be asked for.
        n_workers: processes that read ahead; 0 for this one, when it is asked.
    """

    def __init__(
        self, windows: EvalWindows, places: Sequence[int], n_workers: int = 0
    ) -> None:
        self._items = _items(windows, places, n_workers)
        self._kept: list[dict[str, Any]] = []
        self._start = 0

    def values(self, batch: range) -> NDArray[np.float32]:
        """Return the input of a batch: float32 (n_windows, ...).

        Args:
            batch: positions in ``places``; none before it is asked for again.
        """
        del self._kept[: batch.start - self._start]
        self._start = batch.start
        while len(self._kept) < len(batch):
            self._kept.append(next(self._items))
        (name,) = self._kept[0].keys() - {"labels"}
        return np.stack([item[name] for item in self._kept[: len(batch)]])


def _items(
    windows: EvalWindows, places: Sequence[int], n_workers: int
) -> Iterator[dict[str, Any]]:
    """Yield the items at some places of a data set."""
    if not n_workers:
        return (windows[place] for place in places)
    from torch.utils.data import DataLoader

    return iter(
        DataLoader(
            windows,  # type: ignore[arg-type]
            batch_size=None,
            sampler=places,
            num_workers=n_workers,
            prefetch_factor=4,
            multiprocessing_context="fork",  # any other one would copy all songs
            collate_fn=lambda item: item,
        )
    )
