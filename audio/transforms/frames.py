"""Compute the power of a clip's frames, pooled to a picture's columns.

Frames are transformed a block at a time into one reused buffer and pooled to the
picture's columns on the way, so that a song's spectrogram is never whole in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from audio.transforms.windows import Numbers, gain

Levels = NDArray[np.float32]
Pooling = Literal["peak", "mean"]

N_SAMPLES_PER_BLOCK = 2**18  # 128 frames of 2048 samples, 1 MB: stays in the cache
N_BANDS_PER_STRIP = 16  # few enough to skip most zeros, enough for a fast product


@dataclass(frozen=True)
class Grid:
    """The frames of a clip to transform, and how many share a column.

    Attributes:
        start: the sample in the middle of the first frame.
        n_frames: at least 1.
        hop_length: samples from one frame to the next.
        n_per_column: frames a column; the last one may have fewer.
    """

    start: int
    n_frames: int
    hop_length: int
    n_per_column: int = 1

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return ceil(self.n_frames / self.n_per_column)

    def blocks(self, n_fft: int) -> Iterator[tuple[int, int]]:
        """Yield first frame and number of frames that are transformed together.

        They fill whole columns or, where a column has too many, a part of one.
        """
        n_most = max(N_SAMPLES_PER_BLOCK // n_fft, 1)
        n_together = max(n_most // self.n_per_column, 1) * self.n_per_column
        for start in range(0, self.n_frames, n_together):
            stop = min(start + n_together, self.n_frames)
            n_each = min(n_together, n_most)
            for first in range(start, stop, n_each):
                yield first, min(n_each, stop - first)


def pooled_power(
    samples: Samples,
    taper: Numbers,
    grid: Grid,
    filters: Levels | None = None,
    pooling: Pooling = "peak",
) -> Levels:
    """Pool the power of each column's frames by maximum or mean; a full sine is 1.

    Returns:
        float32 (n_bins or n_bands, n_columns).
    """
    n_bins = n_rows = len(taper) // 2 + 1
    if filters is not None:
        n_bins = 1 + int(np.flatnonzero(filters.any(axis=0)).max(initial=0))
        n_rows = len(filters)  # all higher bins are zero
        strips = _strips(filters)
        bands = np.zeros((N_SAMPLES_PER_BLOCK // len(taper) + 1, n_rows), np.float32)
    pool = np.maximum if pooling == "peak" else np.add
    pooled = np.zeros((grid.n_columns, n_rows), np.float32)
    for first, power in _powers(samples, taper * gain(taper), grid, n_bins):
        rows = power
        if filters is not None:
            rows = bands[: len(power)]
            for in_bands, in_bins, weights in strips:
                np.matmul(power[:, in_bins], weights, out=rows[:, in_bands])
        shares = _reduced(rows, grid.n_per_column, pool)
        column = first // grid.n_per_column
        target = pooled[column : column + len(shares)]
        pool(target, shares, out=target)
    if pooling == "mean":
        starts = np.arange(grid.n_columns) * grid.n_per_column
        counts = np.minimum(grid.n_frames - starts, grid.n_per_column)
        pooled /= counts[:, None].astype(np.float32)
    return np.ascontiguousarray(pooled.T)


def _strips(filters: Levels) -> list[tuple[slice, slice, Levels]]:
    """Split filters into narrow products: bands, the bins that they cover, weights.

    Triangles are mostly zeros; neighbours overlap, so a few share their bins.
    """
    strips = []
    for first in range(0, len(filters), N_BANDS_PER_STRIP):
        part = filters[first : first + N_BANDS_PER_STRIP]
        if len(bins := np.flatnonzero(part.any(axis=0))):
            covered = slice(int(bins[0]), int(bins[-1]) + 1)
            weights = np.ascontiguousarray(part[:, covered].T)
            strips.append((slice(first, first + len(part)), covered, weights))
    return strips


def _reduced(rows: Levels, n_each: int, pool: np.ufunc) -> Levels:
    """Pool every ``n_each`` rows to one, and the remaining rows to one."""
    n_whole = len(rows) // n_each
    n_in_whole = n_whole * n_each
    whole = rows[:n_in_whole].reshape(n_whole, n_each, rows.shape[1])
    reduced: Levels = pool.reduce(whole, axis=1)
    if n_in_whole == len(rows):
        return reduced
    return np.vstack([reduced, pool.reduce(rows[n_in_whole:], axis=0)])


def _powers(
    samples: Samples, taper: Numbers, grid: Grid, n_bins: int
) -> Iterator[tuple[int, Levels]]:
    """Yield first frame and power (n_frames, n_bins) of block after block.

    The buffers are reused: allocating memory would cost more than the sums. So each
    result is overwritten by the next.
    """
    from scipy import fft

    n_fft, hop_length = len(taper), grid.hop_length
    taper = taper.astype(np.float32)  # scipy.fft keeps float32, at half the cost
    n_block = max(n for _, n in grid.blocks(n_fft))
    tapered = np.empty((n_block, n_fft), np.float32)
    power = np.empty((n_block, n_bins), np.float32)
    for first, n in grid.blocks(n_fft):
        start = grid.start + first * hop_length - n_fft // 2
        stop = start + (n - 1) * hop_length + n_fft
        stretch = samples[max(start, 0) : max(stop, 0)]
        n_zeros = max(-start, 0), max(stop - len(samples), 0)  # outside of the clip
        if any(n_zeros):
            stretch = np.pad(stretch, n_zeros)
        frames = np.lib.stride_tricks.sliding_window_view(stretch, n_fft)[::hop_length]
        np.multiply(frames, taper, out=tapered[:n])
        spectra = fft.rfft(tapered[:n], axis=1)[:, :n_bins]
        parts = spectra.view(np.float32)
        np.square(parts, out=parts)
        yield first, np.add(parts[:, ::2], parts[:, 1::2], out=power[:n])
