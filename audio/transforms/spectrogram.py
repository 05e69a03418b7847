"""Compute levels over time: the STFT and the mel spectrogram.

Every level is in dB relative to a stated reference. "full_scale": a sine that fills
[-1, 1] reads 0 dBFS with any window, because its gain is removed (``2 / sum(w)``).
"peak": the strongest value reads 0. Silence reads ``FLOOR_DB``, never -inf or NaN.
Phase is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from audio.clip import Clip
from audio.levels import FLOOR_DB, decibels_in_place
from audio.transforms.checks import check_choice, check_frames, check_range
from audio.transforms.frames import Grid, Levels, Pooling, pooled_power
from audio.transforms.mel_scale import Formula, Norm, mel_filters
from audio.transforms.spectrum import Reference, re_peak
from audio.transforms.windows import Numbers, noise_bandwidth_bins, window_values
from errors import KnownError

MAX_N_COLUMNS = 65_536
MAX_N_MELS = 512
MAX_PADDING = 8
MIN_FMAX_HZ = 100.0
POOLINGS = ("peak", "mean")
N_MANY = 8  # frames a column
REFERENCES_OF = {"area": ("peak",), "peak": ("peak", "full_scale")}


@dataclass(frozen=True)
class Frames:
    """Parameters of the frames, and of pooling them to the columns of a picture.

    Attributes:
        n_fft: samples a frame.
        hop_length: samples from one frame to the next.
        window: a key of ``WINDOWS``.
        n_columns: at most; None for a column a frame.
        pooling: a column shows the highest power of its frames, or the mean of it.
        start_s: the middle of the first frame (s).
        stop_s: the middle of the last one at the latest (s); None for the clip's end.
    """

    n_fft: int = 2048
    hop_length: int = 512
    window: str = "hann"
    n_columns: int | None = None
    pooling: Pooling = "peak"
    start_s: float = 0.0
    stop_s: float | None = None


@dataclass(frozen=True)
class MelBands:
    """Parameters of a mel filter bank, and the reference of its levels.

    Attributes:
        n_mels: bands.
        fmin_hz: where the lowest band begins (Hz).
        fmax_hz: where the highest one ends (Hz); above Nyquist it means Nyquist.
        formula: of the mel scale.
        norm: triangles of area 1 or of height 1.
        reference: "full_scale" needs triangles of height 1.
    """

    n_mels: int = 128
    fmin_hz: float = 0.0
    fmax_hz: float = 8000.0
    formula: Formula = "slaney"
    norm: Norm = "area"
    reference: Reference = "peak"


FRAMES, MEL_BANDS = Frames(), MelBands()


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
        """Duration of one column (s)."""
        return self.hop_length * self.n_frames_per_column / self.sampling_rate

    @property
    def is_silent(self) -> bool:
        """Whether no level is above the floor."""
        return bool(self.levels_db.max() <= FLOOR_DB)


def stft(clip: Clip, frames: Frames = FRAMES) -> Spectrogram:
    """Compute the levels of the short-time Fourier transform (dBFS).

    Frame i is centred at ``start_s + i * hop_length / sampling_rate``, up to
    ``stop_s``; it includes the clip around that range, and zeros outside of the clip,
    as in librosa. Where frames are more than ``n_columns``, each column keeps the
    loudest of its frames, or their mean power, so that the memory is the picture's and
    not the song's. Where a column would have 8 frames or more, the hop doubles while
    frames still overlap by half: a click between two of them then shows at worst 6 dB
    low (Hann), and ``hop_length`` is the doubled one.

    Returns:
        ``n_fft // 2 + 1`` bins, at most ``n_columns`` columns.

    Raises:
        KnownError: ``out_of_range``, ``odd_length``, ``not_a_choice`` or
            ``empty_range``.
    """
    grid = _grid(clip, frames)
    taper = window_values(frames.window, frames.n_fft)
    power = pooled_power(clip.samples, taper, grid, pooling=frames.pooling)
    power[[0, -1]] /= 4  # amplitude / 2: DC and Nyquist have no mirror image to add
    bins_hz = np.arange(frames.n_fft // 2 + 1) * clip.sampling_rate / frames.n_fft
    levels_db = decibels_in_place(power)
    return _spectrogram(clip, frames, grid, levels_db, bins_hz, "linear", "full_scale")


def mel(
    clip: Clip, bands: MelBands = MEL_BANDS, frames: Frames = FRAMES
) -> Spectrogram:
    """Compute the mel spectrogram: power in bands spaced evenly in mel.

    By default librosa's: Slaney's scale, triangles of area 1; the loudest
    band reads 0 dB. With triangles of height 1, "full_scale" reads 0 dBFS where a band
    holds the power of a full-scale sine. Frames and columns are those of ``stft``. An
    ``fmax_hz`` above the Nyquist frequency means Nyquist. Where bands are narrower than
    bins, zeros around the frame make finer bins, so that no band stays black.

    Returns:
        ``n_mels`` bands, ``frequencies_hz`` at their centres.

    Raises:
        KnownError: as ``stft``, and ``empty_band``.
    """
    grid = _grid(clip, frames)
    check_choice("norm", bands.norm, REFERENCES_OF)
    check_choice("reference", bands.reference, REFERENCES_OF[bands.norm])
    filters, centres_hz = _filters(clip.sampling_rate, frames.n_fft, bands)
    n_around = filters.shape[1] - 1 - frames.n_fft // 2
    taper = np.pad(window_values(frames.window, frames.n_fft), n_around)
    power = pooled_power(clip.samples, taper, grid, filters, frames.pooling)
    if bands.reference == "full_scale":
        power /= np.float32(noise_bandwidth_bins(taper))
    levels_db = decibels_in_place(power)
    if bands.reference == "peak":
        levels_db = re_peak(levels_db)
    return _spectrogram(
        clip, frames, grid, levels_db, centres_hz, "mel", bands.reference
    )


def _grid(clip: Clip, frames: Frames) -> Grid:
    """Return the frames centred in a range of the clip.

    Raises:
        KnownError: those of ``stft``.
    """
    check_frames(frames.n_fft, hop_length := frames.hop_length)
    check_choice("pooling", frames.pooling, POOLINGS)
    check_range("start_s", frames.start_s, 0.0, clip.duration_s)
    start, stop = round(frames.start_s * clip.sampling_rate), clip.n_samples
    if frames.stop_s is not None:
        if not frames.stop_s > frames.start_s:
            raise KnownError(
                "empty_range", start_s=frames.start_s, stop_s=frames.stop_s
            )
        stop = round(min(frames.stop_s, clip.duration_s) * clip.sampling_rate)
    n_columns = frames.n_columns
    if n_columns is None:
        return Grid(start, 1 + (stop - start) // hop_length, hop_length)
    check_range("n_columns", n_columns, 1, MAX_N_COLUMNS)
    n_hops = (stop - start) // hop_length
    while n_hops >= N_MANY * n_columns and 4 * hop_length <= frames.n_fft:
        hop_length *= 2
        n_hops = (stop - start) // hop_length
    return Grid(start, 1 + n_hops, hop_length, ceil((1 + n_hops) / n_columns))


def _spectrogram(
    clip: Clip,
    frames: Frames,
    grid: Grid,
    levels_db: Levels,
    frequencies_hz: Numbers,
    scale: Literal["linear", "mel"],
    reference: Reference,
) -> Spectrogram:
    """Add times and parameters to levels."""
    firsts = np.arange(grid.n_columns) * grid.n_per_column
    middles = firsts + (grid.n_per_column - 1) / 2  # of a column's frames
    return Spectrogram(
        levels_db,
        frequencies_hz,
        times_s=(grid.start + middles * grid.hop_length) / clip.sampling_rate,
        scale=scale,
        reference=reference,
        window=frames.window,
        n_fft=frames.n_fft,
        hop_length=grid.hop_length,
        n_frames_per_column=grid.n_per_column,
        pooling=frames.pooling,
        sampling_rate=clip.sampling_rate,
    )


def _filters(sampling_rate: int, n_fft: int, bands: MelBands) -> tuple[Levels, Numbers]:
    """Return filters and centres, for bins so fine that every band holds one."""
    check_range("n_mels", bands.n_mels, 1, MAX_N_MELS)
    fmin_hz, nyquist_hz = bands.fmin_hz, sampling_rate / 2
    fmax_hz = min(bands.fmax_hz, nyquist_hz)
    check_range("fmax_hz", fmax_hz, min(MIN_FMAX_HZ, nyquist_hz), nyquist_hz)
    check_range("fmin_hz", fmin_hz, 0.0, nyquist_hz)
    if fmin_hz >= fmax_hz:
        raise KnownError("empty_band", fmin_hz=fmin_hz, fmax_hz=fmax_hz)
    n_padded = n_fft
    while True:
        filters, centres_hz = mel_filters(
            sampling_rate,
            n_padded,
            bands.n_mels,
            fmax_hz,
            fmin_hz=fmin_hz,
            formula=bands.formula,
            norm=bands.norm,
        )
        if filters.any(axis=1).all() or n_padded >= MAX_PADDING * n_fft:
            return filters, centres_hz
        n_padded *= 2
