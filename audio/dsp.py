"""Clip in, levels out: the DFT, the STFT and the mel spectrogram.

Every level is in dB and says what 0 dB is. "full_scale": a sine that fills [-1, 1]
reads 0 dBFS, whatever the window, because its gain is taken out (``2 / sum(w)``).
"peak": the strongest value reads 0. Silence reads ``FLOOR_DB``, never -inf or NaN.
Phase is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, Literal

import numpy as np

from audio.checks import check_choice, check_frames, check_range
from audio.clip import Clip
from audio.frames import (
    Grid,
    Levels,
    Numbers,
    Pooling,
    noise_bandwidth_bins,
    pooled_power,
    window_values,
)
from audio.levels import FLOOR_DB, turned_into_decibels
from audio.mels import Formula, Norm, mel_filters
from audio.spectrum import Peak, Reference, Spectrum, dft, re_peak, strongest
from errors import KnownError

__all__ = [
    "Peak",
    "Reference",
    "Spectrogram",
    "Spectrum",
    "dft",
    "mel",
    "stft",
    "strongest",
]

MAX_N_COLUMNS = 65_536
MAX_N_MELS = 512
MAX_PADDING = 8
MIN_FMAX_HZ = 100.0
POOLINGS = ("peak", "mean")
N_MANY = 8  # frames a column
REFERENCES_OF = {"area": ("peak",), "peak": ("peak", "full_scale")}


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """Levels over time.

    Attributes:
        levels_db: float32 (n_bins, n_columns), lowest frequency first.
        frequencies_hz: (n_bins,) bins, or centres of the mel bands.
        times_s: (n_columns,) the middle of each column's frames in the clip (s), evenly
            spaced.
        scale: how the rows are spaced.
        reference: what reads 0 dB; "peak" is the loudest value of the picture.
        window: a key of ``WINDOWS``.
        n_fft: samples a frame.
        hop_length: samples from one frame to the next.
        n_frames_per_column: how many frames share a column.
        pooling: a column shows their highest power, or the mean of it.
        sampling_rate: Hz.
    """

    levels_db: Levels
    frequencies_hz: Numbers
    times_s: Numbers
    scale: Literal["linear", "mel"]
    reference: Reference
    window: str
    n_fft: int
    hop_length: int
    n_frames_per_column: int
    pooling: Pooling
    sampling_rate: int

    @property
    def column_s(self) -> float:
        """The time that one column stands for (s)."""
        return self.hop_length * self.n_frames_per_column / self.sampling_rate

    @property
    def is_silent(self) -> bool:
        """Nothing rises above the floor."""
        return bool(self.levels_db.max() <= FLOOR_DB)


def stft(
    clip: Clip,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    window: str = "hann",
    n_columns: int | None = None,
    pooling: Pooling = "peak",
    start_s: float = 0.0,
    stop_s: float | None = None,
) -> Spectrogram:
    """The short-time Fourier transform's levels (dBFS).

    Frame i is centred at ``start_s + i * hop_length / sampling_rate``, up to
    ``stop_s``; it sees the clip around that range, and zeros outside of the clip, as
    in librosa. Where frames are more than ``n_columns``, each column keeps the loudest
    of its frames, or their mean power, so that the memory is the picture's and not the
    song's. Where a column would have 8 frames or more, the hop doubles as long as
    frames still overlap by half: a click between two of them then shows at worst 6 dB
    low (Hann), and ``hop_length`` says so.

    Returns:
        ``n_fft // 2 + 1`` bins, at most ``n_columns`` columns.

    Raises:
        KnownError: ``out_of_range``, ``odd_length``, ``not_a_choice`` or
            ``empty_range``.
    """
    check_frames(n_fft, hop_length)
    grid = _grid(clip, n_fft, hop_length, n_columns, start_s, stop_s)
    check_choice("pooling", pooling, POOLINGS)
    taper = window_values(window, n_fft)
    power = pooled_power(clip.samples, taper, grid, pooling=pooling)
    power[[0, -1]] /= 4  # amplitude / 2: DC and Nyquist have no mirror image to add
    bins_hz = np.arange(n_fft // 2 + 1) * clip.sampling_rate / n_fft
    how = {"window": window, "n_fft": n_fft, "pooling": pooling}
    levels_db = turned_into_decibels(power)
    return _spectrogram(clip, grid, levels_db, bins_hz, "linear", "full_scale", **how)


def mel(
    clip: Clip,
    *,
    n_mels: int = 128,
    fmin_hz: float = 0.0,
    fmax_hz: float = 8000.0,
    formula: Formula = "slaney",
    norm: Norm = "area",
    reference: Reference = "peak",
    n_fft: int = 2048,
    hop_length: int = 512,
    n_columns: int | None = None,
    pooling: Pooling = "peak",
    start_s: float = 0.0,
    stop_s: float | None = None,
) -> Spectrogram:
    """The mel spectrogram: power in bands spaced as ears space them.

    By default librosa's: Slaney's scale, triangles of area 1, Hann window; the loudest
    band reads 0 dB. With triangles of height 1, "full_scale" reads 0 dBFS where a band
    holds the power of a full-scale sine. Frames and columns are those of ``stft``. An
    ``fmax_hz`` above the Nyquist frequency means Nyquist. Where bands are narrower than
    bins, zeros around the frame make finer bins, so that no band stays black.

    Returns:
        ``n_mels`` bands, ``frequencies_hz`` at their centres.

    Raises:
        KnownError: as ``stft``, and ``empty_band``.
    """
    check_frames(n_fft, hop_length)
    grid = _grid(clip, n_fft, hop_length, n_columns, start_s, stop_s)
    check_choice("pooling", pooling, POOLINGS)
    check_choice("norm", norm, REFERENCES_OF)
    check_choice("reference", reference, REFERENCES_OF[norm])
    band_hz = _checked_band_hz(fmin_hz, fmax_hz, clip.sampling_rate / 2)
    filters, centres_hz = _filters(
        clip.sampling_rate, n_fft, n_mels, band_hz, formula, norm
    )
    n_around = filters.shape[1] - 1 - n_fft // 2
    taper = np.pad(window_values("hann", n_fft), n_around)
    power = pooled_power(clip.samples, taper, grid, filters, pooling)
    if reference == "full_scale":
        power /= np.float32(noise_bandwidth_bins(taper))
    levels_db = turned_into_decibels(power)
    if reference == "peak":
        levels_db = re_peak(levels_db)
    how = {"window": "hann", "n_fft": n_fft, "pooling": pooling}
    return _spectrogram(clip, grid, levels_db, centres_hz, "mel", reference, **how)


def _grid(
    clip: Clip,
    n_fft: int,
    hop_length: int,
    n_columns: int | None,
    start_s: float,
    stop_s: float | None,
) -> Grid:
    """The frames centred in a range of the clip."""
    check_range("start_s", start_s, 0.0, clip.duration_s)
    start, stop = round(start_s * clip.sampling_rate), clip.n_samples
    if stop_s is not None:
        if not stop_s > start_s:
            raise KnownError("empty_range", start_s=start_s, stop_s=stop_s)
        stop = round(min(stop_s, clip.duration_s) * clip.sampling_rate)
    if n_columns is None:
        return Grid(start, 1 + (stop - start) // hop_length, hop_length)
    check_range("n_columns", n_columns, 1, MAX_N_COLUMNS)
    n_hops = (stop - start) // hop_length
    while n_hops >= N_MANY * n_columns and 4 * hop_length <= n_fft:
        hop_length *= 2
        n_hops = (stop - start) // hop_length
    return Grid(start, 1 + n_hops, hop_length, ceil((1 + n_hops) / n_columns))


def _spectrogram(
    clip: Clip,
    grid: Grid,
    levels_db: Levels,
    frequencies_hz: Numbers,
    scale: Literal["linear", "mel"],
    reference: Reference,
    **how: Any,
) -> Spectrogram:
    """Levels, with where in the clip their frames lie."""
    return Spectrogram(
        levels_db,
        frequencies_hz,
        times_s=_times_s(grid, clip.sampling_rate),
        scale=scale,
        reference=reference,
        hop_length=grid.hop_length,
        n_frames_per_column=grid.n_per_column,
        sampling_rate=clip.sampling_rate,
        **how,
    )


def _times_s(grid: Grid, sampling_rate: int) -> Numbers:
    """The middle of each column's frames (s)."""
    middles = np.arange(grid.n_columns) * grid.n_per_column
    frames = middles + (grid.n_per_column - 1) / 2
    return (grid.start + frames * grid.hop_length) / sampling_rate


def _checked_band_hz(
    fmin_hz: float, fmax_hz: float, nyquist_hz: float
) -> tuple[float, float]:
    """Where the lowest band begins and the highest ends: at Nyquist, at most."""
    fmax_hz = min(fmax_hz, nyquist_hz)
    check_range("fmax_hz", fmax_hz, min(MIN_FMAX_HZ, nyquist_hz), nyquist_hz)
    check_range("fmin_hz", fmin_hz, 0.0, nyquist_hz)
    if fmin_hz >= fmax_hz:
        raise KnownError("empty_band", fmin_hz=fmin_hz, fmax_hz=fmax_hz)
    return fmin_hz, fmax_hz


def _filters(
    sampling_rate: int,
    n_fft: int,
    n_mels: int,
    band_hz: tuple[float, float],
    formula: Formula,
    norm: Norm,
) -> tuple[Levels, Numbers]:
    """Filters and centres, for bins so fine that every band holds one."""
    check_range("n_mels", n_mels, 1, MAX_N_MELS)
    fmin_hz, fmax_hz = band_hz
    bank = partial(mel_filters, fmin_hz=fmin_hz, formula=formula, norm=norm)
    n_padded = n_fft
    while True:
        filters, centres_hz = bank(sampling_rate, n_padded, n_mels, fmax_hz)
        if filters.any(axis=1).all() or n_padded >= MAX_PADDING * n_fft:
            return filters, centres_hz
        n_padded *= 2
