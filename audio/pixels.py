"""Samples or levels in, as many numbers as a picture has pixels out; no drawing.

Every reduction keeps extremes: what is loudest in a pixel's share is what it shows, so
that a click of 3 ms stays visible in a song of 4 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from audio.dsp import Spectrogram, Spectrum
from audio.frames import Levels, Numbers

Scale = Literal["linear", "log"]


@dataclass(frozen=True, eq=False)
class Envelope:
    """The exact extremes of each column's samples.

    Attributes:
        lows: (n_columns,) smallest sample, never mirrored from ``highs``.
        highs: (n_columns,) largest sample.
    """

    lows: Samples
    highs: Samples


def envelope(samples: Samples, n_columns: int) -> Envelope:
    """The waveform's outline: min and max of ``n_columns`` equal shares.

    Fewer samples than columns give one column a sample.
    """
    n_columns = min(n_columns, len(samples))
    starts = _starts(len(samples), n_columns)
    return Envelope(
        lows=np.minimum.reduceat(samples, starts),
        highs=np.maximum.reduceat(samples, starts),
    )


def columns(levels_db: Levels, n_columns: int) -> Levels:
    """Levels (n_rows, any) at exactly ``n_columns``: the loudest, or repeated."""
    starts = _starts(levels_db.shape[1], n_columns)
    return np.maximum.reduceat(levels_db, starts, axis=1)


def row_edges_hz(n_rows: int, scale: Scale, fmin_hz: float, fmax_hz: float) -> Numbers:
    """Where pixel rows begin and end, (n_rows + 1,) Hz, lowest first."""
    space = np.geomspace if scale == "log" else np.linspace
    return space(fmin_hz, fmax_hz, n_rows + 1)


def rows(spectrogram: Spectrogram, n_rows: int, scale: Scale, fmin_hz: float) -> Levels:
    """Levels (n_rows, n_columns) from ``fmin_hz`` up to the highest bin.

    A row shows the loudest of the bins whose centres it holds; where rows are finer
    than bins, the bin nearest to its middle.
    """
    frequencies_hz = spectrogram.frequencies_hz
    edges_hz = row_edges_hz(n_rows, scale, fmin_hz, frequencies_hz[-1])
    middles_hz = (edges_hz[:-1] + edges_hz[1:]) / 2
    nearest = np.searchsorted(
        (frequencies_hz[:-1] + frequencies_hz[1:]) / 2, middles_hz
    )
    starts, stops = _shares(frequencies_hz, edges_hz)
    starts, stops = np.where(starts < stops, (starts, stops), (nearest, nearest + 1))
    levels = spectrogram.levels_db
    shares = zip(starts, stops, strict=True)
    return np.stack([levels[start:stop].max(axis=0) for start, stop in shares])


def outline(
    spectrum: Spectrum, n_columns: int, fmin_hz: float
) -> tuple[Numbers, Numbers]:
    """A spectrum as a curve on a log axis: the strongest bin of each pixel column.

    Returns:
        Frequencies (Hz) and levels (dB) of at most ``n_columns`` bins from
        ``fmin_hz`` up; a column that holds no bin is left out.
    """
    frequencies_hz, levels_db = spectrum.frequencies_hz, spectrum.levels_db
    edges_hz = row_edges_hz(n_columns, "log", fmin_hz, frequencies_hz[-1])
    bins = [
        start + int(np.argmax(levels_db[start:stop]))
        for start, stop in zip(*_shares(frequencies_hz, edges_hz), strict=True)
        if start < stop
    ]
    return frequencies_hz[bins], levels_db[bins]


def _starts(n_values: int, n_shares: int) -> NDArray[np.intp]:
    """Where equal shares of ``n_values`` begin, (n_shares,)."""
    return np.arange(n_shares) * n_values // n_shares


def _shares(
    frequencies_hz: Numbers, edges_hz: Numbers
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First bin and end of the bins between each pair of edges; the last edge counts."""
    bounds = np.searchsorted(frequencies_hz, edges_hz)
    bounds[-1] = len(frequencies_hz)
    return bounds[:-1], bounds[1:]
