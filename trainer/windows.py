"""Songs in, windows out: what the model hears in one piece, cropped on the fly.

No window is padded: padding leaks through a group norm over time into every frame and
changes the answer. A song shorter than the window is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data import INT16_MAX, SAMPLING_RATE, SongSet, pieces

Sounds = NDArray[np.float32]
TILT_DB_PER_OCTAVE = 3.0  # the most that augmentation tilts a spectrum
NOISE_DB = (-60.0, -30.0)  # level of added noise, relative to the window's
PIVOT_HZ = 1000.0  # where a tilted spectrum keeps its level


def window(song: NDArray[np.int16], start: int, n_window: int) -> Sounds:
    """``n_window`` samples of a song as float32, the song repeated where it is short."""
    if len(song) < n_window:
        song = np.tile(song, -(-n_window // len(song)))
    return song[start : start + n_window].astype(np.float32) / np.float32(INT16_MAX)


def augment(samples: Sounds, rng: np.random.Generator) -> Sounds:
    """Another mix of the same music: its spectrum tilted, a little noise added."""
    import scipy.fft

    tilt_db = rng.uniform(-TILT_DB_PER_OCTAVE, TILT_DB_PER_OCTAVE)
    spectrum = scipy.fft.rfft(samples)
    frequencies_hz = np.linspace(1.0, SAMPLING_RATE / 2, len(spectrum))
    # x dB an octave is a power law: 10^(x/20 * log2(f)) = f^(x / 6.02)
    spectrum *= (frequencies_hz / PIVOT_HZ) ** (tilt_db / 6.02)
    tilted = scipy.fft.irfft(spectrum, len(samples)).astype(np.float32)
    level = tilted.std() * 10 ** (rng.uniform(*NOISE_DB) / 20)
    noise = rng.standard_normal(len(samples), dtype=np.float32)
    return tilted + np.float32(level) * noise


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
    """Some of the starts, evenly spread; the middle one where there is to be one."""
    if not 0 < n_at_most < len(starts):
        return starts
    if n_at_most == 1:
        return [starts[len(starts) // 2]]
    places = np.linspace(0, len(starts) - 1, n_at_most)
    return [starts[round(place)] for place in places]


class AllWindows:
    """A map-style data set: every window of each song, in order.

    ``n_per_window`` windows begin in the length of one; of ``n_at_most`` (0: all) the
    first begins with the song, the last ends with it.

    Attributes:
        owners: (n_windows,) position in ``indices`` of the song of each window.
    """

    def __init__(
        self,
        songs: SongSet,
        indices: NDArray[np.int64],
        extractor: Any,
        window_s: float,
        n_per_window: int = 1,
        n_at_most: int = 0,
    ) -> None:
        self.songs = songs
        self.indices = indices
        self.extractor = extractor
        self.n_window = round(window_s * SAMPLING_RATE)
        n_hop = self.n_window // n_per_window
        self.places = [
            (position, start)
            for position, index in enumerate(indices)
            for start in _spread(
                list(pieces(len(songs.song(index)), self.n_window, n_hop)), n_at_most
            )
        ]
        self.owners = np.array([position for position, _ in self.places])

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, place: int) -> dict[str, Any]:
        position, start = self.places[place]
        index = self.indices[position]
        samples = window(self.songs.song(index), start, self.n_window)
        return _item(samples, self.songs.labels[index], self.extractor)


def _item(samples: Sounds, label: np.int64, extractor: Any) -> dict[str, Any]:
    """One example as the model wants it: normalised samples or mels, with its label."""
    name = extractor.model_input_names[0]
    features = extractor(samples, sampling_rate=SAMPLING_RATE)
    return {name: np.asarray(features[name][0], np.float32), "labels": int(label)}


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch: float32 (n_items, ...) by its name, labels (n_items,), nothing padded."""
    import torch

    (name,) = items[0].keys() - {"labels"}
    values = np.stack([item[name] for item in items])
    labels = torch.tensor([item["labels"] for item in items])
    return {name: torch.from_numpy(values), "labels": labels}
