"""Measure a file's channels before the downmix: outlines, levels, side against mid.

The channels of a whole song are never in memory: the file is decoded again, and each
block is reduced as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from audio.levels import decibels
from audio.transforms.pixels import Envelope


@dataclass(frozen=True, eq=False)
class Channels:
    """Outlines and levels of a passage's channels.

    Attributes:
        outlines: of each channel, in the file's order.
        rms_dbfs: of each channel; a full-scale sine reads 0.
        side_db: how much louder (dB) the difference of the first two channels is than
            their sum: low where both are the same, 0 where only one sounds or they
            have nothing in common, high where one is the other upside down. None
            where there is one channel.
    """

    outlines: tuple[Envelope, ...]
    rms_dbfs: tuple[float, ...]
    side_db: float | None


def passage(blocks: Iterable[Samples], start: int, stop: int) -> Iterator[Samples]:
    """Yield the samples ``start`` to ``stop`` of blocks (n_samples, n_channels)."""
    at = 0
    for block in blocks:
        piece = block[max(start - at, 0) : stop - at]
        at += len(block)
        if len(piece):
            yield piece
        if at >= stop:
            return


def outlined(
    blocks: Iterable[Samples], start: int, stop: int, n_columns: int
) -> Channels:
    """Reduce the channels between two samples, clipped to full scale as players do.

    Args:
        blocks: (n_samples, n_channels) each; from ``decode.channel_blocks``.
        start: first sample.
        stop: the one after the last; the blocks hold at least so many.
        n_columns: of the outlines; fewer samples give one column a sample.
    """
    n_samples = stop - start
    n_columns = min(n_columns, n_samples)
    edges = np.arange(n_columns) * n_samples // n_columns
    outlines: list[Envelope] = []
    energies, sides = np.zeros(1), np.zeros(2)
    at = 0
    for block in passage(blocks, start, stop):
        piece = np.ascontiguousarray(np.clip(block, -1, 1).T)
        if not outlines:
            highest = np.full(n_columns, np.inf, np.float32)
            outlines = [Envelope(highest.copy(), -highest) for _ in piece]
        _widen(outlines, piece, at, edges)
        energies = energies + [np.dot(each, each) for each in piece]
        if len(piece) > 1:
            both, apart = piece[0] + piece[1], piece[0] - piece[1]
            sides += np.dot(both, both), np.dot(apart, apart)
        at += piece.shape[1]
    both_db, apart_db = decibels(sides / n_samples)
    return Channels(
        outlines=tuple(outlines),
        rms_dbfs=tuple(decibels(2 * energies / n_samples).tolist()),
        side_db=float(apart_db - both_db) if len(outlines) > 1 else None,
    )


def _widen(
    outlines: list[Envelope], piece: Samples, at: int, edges: NDArray[np.intp]
) -> None:
    """Make the outlines hold a piece (n_channels, n_samples) that begins at ``at``."""
    last_sample = at + piece.shape[1] - 1
    first, last = np.searchsorted(edges, [at, last_sample], "right") - 1
    columns = slice(first, last + 1)
    inside = np.maximum(edges[columns] - at, 0)
    for outline, samples in zip(outlines, piece, strict=True):
        lows, highs = outline.lows[columns], outline.highs[columns]
        np.minimum(lows, np.minimum.reduceat(samples, inside), out=lows)
        np.maximum(highs, np.maximum.reduceat(samples, inside), out=highs)
