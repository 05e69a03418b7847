"""Reduce samples or levels to a picture's pixels; no drawing.

Every reduction keeps extremes: a pixel shows the loudest of its share, so that a click
of 3 ms stays visible in a song of 4 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from audio.clip import Samples
from audio.transforms.frames import Levels
from audio.transforms.mel_scale import hz_to_mel, mel_to_hz
from audio.transforms.spectrogram import Spectrogram
from audio.transforms.spectrum import Spectrum
from audio.transforms.windows import Numbers

Scale = Literal["linear", "log", "mel"]

SCALES: tuple[Scale, ...] = ("linear", "log", "mel")
LOWEST_HZ = 32.0  # just below C1: where a picture begins by default


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
    """Compute the waveform's outline: min and max of ``n_columns`` equal shares.

    Fewer samples than columns give one column a sample.
    """
    n_columns = min(n_columns, len(samples))
    starts = _starts(len(samples), n_columns)
    return Envelope(
        lows=np.minimum.reduceat(samples, starts),
        highs=np.maximum.reduceat(samples, starts),
    )


def columns(levels_db: Levels, n_columns: int) -> Levels:
    """Reduce or repeat levels (n_rows, any) to ``n_columns``, keeping the loudest."""
    starts = _starts(levels_db.shape[1], n_columns)
    return np.maximum.reduceat(levels_db, starts, axis=1)


def row_edges_hz(n_rows: int, scale: Scale, fmin_hz: float, fmax_hz: float) -> Numbers:
    """Compute the edges of pixel rows, (n_rows + 1,) Hz, lowest first.

    The mel scale is Slaney's.
    """
    if scale == "mel":
        bottom, top = hz_to_mel(np.array([fmin_hz, fmax_hz]))
        edges_hz = mel_to_hz(np.linspace(bottom, top, n_rows + 1))
        edges_hz[[0, -1]] = fmin_hz, fmax_hz
        return edges_hz
    space = np.geomspace if scale == "log" else np.linspace
    return space(fmin_hz, fmax_hz, n_rows + 1)


def rows(spectrogram: Spectrogram, n_rows: int, scale: Scale, fmin_hz: float) -> Levels:
    """Reduce levels to (n_rows, n_columns) from ``fmin_hz`` up to the highest bin.

    A row shows the loudest of the bins whose centres it holds; where rows are finer
    than bins, the bin nearest to its middle.
    """
    frequencies_hz = spectrogram.frequencies_hz
    edges_hz = row_edges_hz(n_rows, scale, fmin_hz, frequencies_hz[-1])
    return pooled_rows(spectrogram.levels_db, frequencies_hz, edges_hz)


def pooled_rows(
    levels_db: Levels, frequencies_hz: Numbers, edges_hz: Numbers
) -> Levels:
    """Reduce levels (n, n_columns) to the pixel rows between edges.

    Returns:
        (n_rows, n_columns).
    """
    return _loudest(levels_db, *_shown(frequencies_hz, edges_hz))


def fine_rows(
    spectrogram: Spectrogram, n_rows: int, fmin_hz: float | None = None
) -> tuple[Levels, Numbers]:
    """Merge bins that no pixel separates on a linear, a logarithmic or a mel axis.

    Bins are merged to the loudest where no pixel row's edge is between them on any of
    the three axes; bins that a pixel row shows because it holds none stay alone. So
    ``pooled_rows`` of the result equals ``rows`` of the spectrogram, value by value,
    for each scale with this ``n_rows`` and ``fmin_hz``; with other pixel rows an edge
    may move by what one of these rows covers.

    Args:
        spectrogram: what to reduce.
        n_rows: of pixels.
        fmin_hz: where the axes begin; None is 32 Hz, or a tenth of the highest.

    Returns:
        Levels (n, n_columns), n at most about three times ``n_rows``, and the middles
        of the rows in Hz, (n,).
    """
    frequencies_hz = spectrogram.frequencies_hz
    if fmin_hz is None:
        fmin_hz = min(LOWEST_HZ, frequencies_hz[-1] / 10)
    bounds = [np.zeros(1, np.intp)]
    for scale in SCALES:
        edges_hz = row_edges_hz(n_rows, scale, fmin_hz, frequencies_hz[-1])
        bounds += _shown(frequencies_hz, edges_hz)
    bounds.append(np.array([len(frequencies_hz)]))
    starts, stops = sliding_window_view(np.unique(np.concatenate(bounds)), 2).T
    middles_hz = np.add.reduceat(frequencies_hz, starts) / (stops - starts)
    return _loudest(spectrogram.levels_db, starts, stops), middles_hz


def outline(
    spectrum: Spectrum, n_columns: int, fmin_hz: float
) -> tuple[Numbers, Numbers]:
    """Reduce a spectrum to a curve on a log axis: the strongest bin of each column.

    Returns:
        Frequencies (n_bins,) in Hz, and levels (n_bins,) in dB, of at most
        ``n_columns`` bins from ``fmin_hz`` up; a column that holds no bin is left out.
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
    """Compute where equal shares of ``n_values`` begin, (n_shares,)."""
    return np.arange(n_shares) * n_values // n_shares


def _loudest(
    levels_db: Levels, starts: NDArray[np.intp], stops: NDArray[np.intp]
) -> Levels:
    """Compute the maximum of the rows from each start to its stop."""
    loudest = levels_db[starts]
    for i in np.flatnonzero(stops - starts > 1):  # ten times as fast as reduceat
        np.maximum.reduce(levels_db[starts[i] : stops[i]], axis=0, out=loudest[i])
    return loudest


def _shown(
    frequencies_hz: Numbers, edges_hz: Numbers
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find first bin and end of each row's share or, where it is empty, the nearest."""
    middles_hz = (edges_hz[:-1] + edges_hz[1:]) / 2
    between_hz = (frequencies_hz[:-1] + frequencies_hz[1:]) / 2
    nearest = np.searchsorted(between_hz, middles_hz)
    starts, stops = _shares(frequencies_hz, edges_hz)
    is_empty = starts >= stops
    return np.where(is_empty, nearest, starts), np.where(is_empty, nearest + 1, stops)


def _shares(
    frequencies_hz: Numbers, edges_hz: Numbers
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find first bin and end between each pair of edges; the last edge is included."""
    bounds = np.searchsorted(frequencies_hz, edges_hz)
    bounds[-1] = len(frequencies_hz)
    return bounds[:-1], bounds[1:]
