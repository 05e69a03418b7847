"""Tiles of time and band, and an excerpt without them.

A tile is hidden in the STFT: its magnitudes become the excerpt's mean of each bin (or
nothing), its phase stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip, Samples
from audio.transforms import overlap_add
from audio.transforms.mel_scale import band_edges_hz
from audio.transforms.windows import window_values

Fill = Literal["mean", "nothing"]
Numbers = NDArray[np.float64]
Mask = NDArray[np.float32]

FILLS: tuple[Fill, ...] = ("mean", "nothing")
N_FFT = 1024  # 64 ms at 16 kHz
HOP_LENGTH = N_FFT // 4
N_LEVELS = 3  # 2.5 s and four bands, 1.25 s and eight, 0.6 s and sixteen


@dataclass(frozen=True, eq=False)
class Tile:
    """A piece of the picture that was hidden.

    Attributes:
        window: number of the window that the answer was computed of.
        level: 0 for the largest tiles; each next one halves both sides.
        parent: number of the tile that it is a quarter of; -1 for the largest.
        start_s: where it begins in the excerpt (s).
        stop_s: where it ends (s).
        low_hz: its lower edge (Hz).
        high_hz: its upper edge (Hz).
        effects: (n_genres,) what the log-odds of each genre lose without it.
    """

    window: int
    level: int
    parent: int
    start_s: float
    stop_s: float
    low_hz: float
    high_hz: float
    effects: Numbers

    @property
    def n_cells(self) -> int:
        """Its area, in tiles of the finest level."""
        return int(4 ** (N_LEVELS - 1 - self.level))

    def piece(self, genre: int) -> Piece:
        """Return the tile with its effect on one genre, by the genre's number."""
        effect = float(self.effects[genre])
        sides = (self.start_s, self.stop_s, self.low_hz, self.high_hz)
        return Piece(*sides, effect, effect / self.n_cells)

    def quarters(self, number: int) -> list[Tile]:
        """Halve a tile in time and, on the mel scale, in frequency.

        Args:
            number: of this tile, the parent of the quarters.
        """
        middle_s = (self.start_s + self.stop_s) / 2
        (_, middle_hz, _) = band_edges_hz(1, self.low_hz, self.high_hz).tolist()
        return [
            replace(
                self,
                level=self.level + 1,
                parent=number,
                start_s=start_s,
                stop_s=stop_s,
                low_hz=low_hz,
                high_hz=high_hz,
            )
            for start_s, stop_s in ((self.start_s, middle_s), (middle_s, self.stop_s))
            for low_hz, high_hz in ((self.low_hz, middle_hz), (middle_hz, self.high_hz))
        ]


@dataclass(frozen=True)
class Piece:
    """A tile with its evidence for one genre.

    Attributes:
        start_s: where it begins in the excerpt (s), as ``stop_s``.
        stop_s: where it ends.
        low_hz: its lower edge (Hz), as ``high_hz``.
        high_hz: its upper edge.
        effect: what the genre's log-odds lose without it; below 0 it is against.
        density: the effect, for as much of the picture as the finest tile covers.
    """

    start_s: float
    stop_s: float
    low_hz: float
    high_hz: float
    effect: float
    density: float


@dataclass(frozen=True, eq=False)
class Picture:
    """An excerpt and its STFT, from which tiles are hidden.

    Attributes:
        clip: at the model's sampling rate.
        bins: complex64 (n_frames, n_bins).
        means: float32 (n_bins,) mean magnitudes over the excerpt.
    """

    clip: Clip
    bins: overlap_add.Spectra
    means: Mask

    @classmethod
    def of(cls, clip: Clip) -> Picture:
        """Transform a clip."""
        taper = window_values("hann", N_FFT).astype(np.float32)
        bins = overlap_add.spectra(clip.samples, taper, HOP_LENGTH, N_FFT)
        return cls(clip, bins, np.abs(bins).mean(axis=0))

    def places(self, piece: Tile | Piece) -> tuple[slice, slice]:
        """Return the frames and the bins of a tile; neighbours share none."""
        rate, n_frames = self.clip.sampling_rate, len(self.bins)
        # The middle of frame i is sample i * hop - n_fft / 2.
        first, last = (
            min(ceil((at_s * rate + N_FFT / 2) / HOP_LENGTH), n_frames)
            for at_s in (piece.start_s, piece.stop_s)
        )
        low, high = (ceil(hz * N_FFT / rate) for hz in (piece.low_hz, piece.high_hz))
        if piece.start_s <= 0:  # what begins or ends with the sound has its edges too
            first = 0
        if piece.stop_s >= self.clip.duration_s - 1 / rate:
            last = n_frames
        if high >= N_FFT // 2:
            high = N_FFT // 2 + 1
        return slice(first, last), slice(low, high)

    def without(self, tile: Tile, fill: Fill) -> Clip:
        """Hide a tile; all samples that it has no part in stay as they are."""
        frames, bins = self.places(tile)
        inside = self.bins[frames, bins]
        if not inside.size:
            return self.clip
        levels = np.abs(inside)
        wanted = self.means[bins] if fill == "mean" else np.float32(0)
        # Where there is no sound, there is no phase to keep: it stays silent.
        gain = np.divide(wanted, levels, out=np.ones_like(levels), where=levels > 0)
        changed = np.zeros((len(inside), N_FFT // 2 + 1), np.complex64)
        changed[:, bins] = inside * (gain - 1)
        samples = np.array(self.clip.samples)
        _add(samples, _sound(changed), frames.start * HOP_LENGTH - N_FFT)
        return replace(self.clip, samples=samples)

    def only(self, pieces: Sequence[Piece], *, is_rest: bool = False) -> Clip:
        """Keep what is in some tiles, or the rest; both add up to the excerpt."""
        kept = np.zeros_like(self.bins)
        for piece in pieces:
            place = self.places(piece)
            kept[place] = self.bins[place]
        samples = np.zeros_like(self.clip.samples)
        _add(samples, _sound(kept), -N_FFT)
        if is_rest:
            samples = self.clip.samples - samples
        return replace(self.clip, samples=np.clip(samples, -1, 1))


def _sound(bins: overlap_add.Spectra) -> Samples:
    """Return the samples of frames; the sum of all windows is divided out."""
    total = overlap_add.added(overlap_add.inverse(bins, N_FFT), HOP_LENGTH)
    gain = HOP_LENGTH / window_values("hann", N_FFT).sum()
    return np.asarray(total * np.float32(gain), np.float32)


def _add(samples: Samples, piece: Samples, start: int) -> None:
    """Add a piece at a place that may lie partly outside."""
    first, last = max(start, 0), min(start + len(piece), len(samples))
    if first < last:
        samples[first:last] += piece[first - start : last - start]
