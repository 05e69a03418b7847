"""Clip in, levels out: the DFT, the STFT and the mel spectrogram.

Every level is in dB and says what 0 dB is. "full_scale": a sine that fills [-1, 1]
reads 0 dBFS, whatever the window, because its gain is taken out (``2 / sum(w)``).
"peak": the strongest value reads 0. Silence reads ``FLOOR_DB``, never -inf or NaN.
Phase is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audio.checks import check_frames, check_length, check_range
from audio.clip import Clip
from audio.frames import Levels, Numbers, gain, pooled_power, window_values
from audio.levels import FLOOR_DB, decibels
from audio.mels import mel_filters

Reference = Literal["peak", "full_scale"]

MAX_N_COLUMNS = 65_536
MAX_N_MELS = 512
MAX_PADDING = 8
MIN_FMAX_HZ = 100.0


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The levels of one passage.

    Attributes:
        frequencies_hz: (n_bins,) from 0 to the Nyquist frequency.
        levels_db: (n_bins,) relative to ``reference``.
        reference: what reads 0 dB.
        window: a key of ``WINDOWS``.
        start_s: where the passage really starts (s).
        n_samples: how many samples of the clip it really holds; fewer than the
            transform's length where the clip is shorter.
        sampling_rate: Hz.
    """

    frequencies_hz: Numbers
    levels_db: Numbers
    reference: Reference
    window: str
    start_s: float
    n_samples: int
    sampling_rate: int

    @property
    def bin_width_hz(self) -> float:
        """Distance between two bins (Hz)."""
        return float(self.frequencies_hz[1])


@dataclass(frozen=True)
class Peak:
    """A maximum of a spectrum, between bins.

    Attributes:
        frequency_hz: Hz.
        level_db: relative to the spectrum's reference.
    """

    frequency_hz: float
    level_db: float


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """Levels over time.

    Attributes:
        levels_db: float32 (n_bins, n_columns), lowest frequency first.
        frequencies_hz: (n_bins,) bins, or centres of the mel bands.
        times_s: (n_columns,) the middle of each column's frames (s), evenly spaced.
        scale: how the rows are spaced.
        reference: what reads 0 dB; "peak" is the loudest value of the picture.
        n_fft: samples a frame.
        hop_length: samples from one frame to the next.
        n_frames_per_column: of how many frames a column keeps the loudest.
        sampling_rate: Hz.
    """

    levels_db: Levels
    frequencies_hz: Numbers
    times_s: Numbers
    scale: Literal["linear", "mel"]
    reference: Reference
    n_fft: int
    hop_length: int
    n_frames_per_column: int
    sampling_rate: int

    @property
    def column_s(self) -> float:
        """The time that one column stands for (s)."""
        return self.hop_length * self.n_frames_per_column / self.sampling_rate

    @property
    def is_silent(self) -> bool:
        """Nothing rises above the floor."""
        return bool(self.levels_db.max() <= FLOOR_DB)


def dft(
    clip: Clip,
    *,
    start_s: float = 0.0,
    n_samples: int = 4096,
    window: str = "hann",
    reference: Reference = "peak",
) -> Spectrum:
    """The spectrum of one passage.

    A passage that would run past the end is moved back. Where the clip is shorter
    than ``n_samples``, all of it is windowed and zeros follow: that draws the curve
    finer, it does not resolve more. ``n_samples`` is even, so that the last bin is
    Nyquist.

    Returns:
        ``n_samples // 2 + 1`` bins.

    Raises:
        KnownError: ``out_of_range``, ``odd_length`` or ``not_a_choice``.
    """
    from scipy import fft

    check_length("n_samples", n_samples)
    start_s = min(start_s, clip.duration_s)
    check_range("start_s", start_s, 0.0, clip.duration_s)
    n_used = min(n_samples, clip.n_samples)
    start = min(round(start_s * clip.sampling_rate), clip.n_samples - n_used)
    taper = window_values(window, n_used)
    passage = np.zeros(n_samples)
    passage[:n_used] = clip.samples[start : start + n_used] * taper
    amplitudes = np.abs(fft.rfft(passage)) * gain(taper)
    amplitudes[[0, -1]] /= 2  # DC and Nyquist have no mirror image to add
    levels_db = decibels(amplitudes**2)
    return Spectrum(
        frequencies_hz=np.arange(n_samples // 2 + 1) * clip.sampling_rate / n_samples,
        levels_db=levels_db if reference == "full_scale" else _re_peak(levels_db),
        reference=reference,
        window=window,
        start_s=start / clip.sampling_rate,
        n_samples=n_used,
        sampling_rate=clip.sampling_rate,
    )


def strongest(spectrum: Spectrum, fmin_hz: float = 20.0) -> Peak | None:
    """The strongest peak from ``fmin_hz`` up, None in silence.

    A parabola through the bin and its neighbours, in dB, finds it between the bins.
    Source: J. O. Smith, "Spectral Audio Signal Processing", quadratic interpolation.
    """
    levels = spectrum.levels_db
    inner = levels[1:-1]
    is_peak = (inner > levels[:-2]) & (inner >= levels[2:])
    bins = 1 + np.flatnonzero(is_peak)
    bins = bins[spectrum.frequencies_hz[bins] >= fmin_hz]
    if not len(bins):
        return None
    k = bins[np.argmax(levels[bins])]
    before, here, after = levels[k - 1 : k + 2]
    shift = 0.5 * (before - after) / (before - 2 * here + after)
    return Peak(
        frequency_hz=float((k + shift) * spectrum.bin_width_hz),
        level_db=float(here - 0.25 * (before - after) * shift),
    )


def stft(
    clip: Clip,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    window: str = "hann",
    n_columns: int | None = None,
) -> Spectrogram:
    """The short-time Fourier transform's levels (dBFS).

    Frame i is centred at ``i * hop_length / sampling_rate``, zeros stand outside the
    clip, as in librosa. Every frame is computed; where they are more than
    ``n_columns``, each column keeps the loudest of its frames, so that the memory is
    the picture's and not the song's.

    Returns:
        ``n_fft // 2 + 1`` bins, at most ``n_columns`` columns.

    Raises:
        KnownError: ``out_of_range``, ``odd_length`` or ``not_a_choice``.
    """
    _check_frames(n_fft, hop_length, n_columns)
    taper = window_values(window, n_fft)
    power, n_pooled = pooled_power(clip.samples, taper, hop_length, n_columns)
    power[[0, -1]] /= 4  # amplitude / 2: DC and Nyquist have no mirror image to add
    return Spectrogram(
        levels_db=decibels(power),
        frequencies_hz=np.arange(n_fft // 2 + 1) * clip.sampling_rate / n_fft,
        times_s=_times_s(power, n_pooled, hop_length, clip.sampling_rate),
        scale="linear",
        reference="full_scale",
        n_fft=n_fft,
        hop_length=hop_length,
        n_frames_per_column=n_pooled,
        sampling_rate=clip.sampling_rate,
    )


def mel(
    clip: Clip,
    *,
    n_mels: int = 128,
    fmax_hz: float = 8000.0,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_columns: int | None = None,
) -> Spectrogram:
    """The mel spectrogram: power in bands spaced as ears space them, loudest band 0 dB.

    Slaney's scale, area-normalised triangles, Hann window: librosa's defaults. Frames
    and columns are those of ``stft``. An ``fmax_hz`` above the Nyquist frequency means
    Nyquist. Where bands are narrower than bins (a high rate, many bands), zeros around
    the frame make finer bins, so that no band stays black for want of one.

    Returns:
        ``n_mels`` bands, ``frequencies_hz`` at their centres.

    Raises:
        KnownError: ``out_of_range`` or ``odd_length``.
    """
    _check_frames(n_fft, hop_length, n_columns)
    check_range("n_mels", n_mels, 1, MAX_N_MELS)
    nyquist_hz = clip.sampling_rate / 2
    fmax_hz = min(fmax_hz, nyquist_hz)
    check_range("fmax_hz", fmax_hz, min(MIN_FMAX_HZ, nyquist_hz), nyquist_hz)
    n_padded = n_fft
    filters, centres_hz = mel_filters(clip.sampling_rate, n_padded, n_mels, fmax_hz)
    while n_padded < MAX_PADDING * n_fft and not filters.any(axis=1).all():
        n_padded *= 2
        filters, centres_hz = mel_filters(clip.sampling_rate, n_padded, n_mels, fmax_hz)
    taper = np.pad(window_values("hann", n_fft), (n_padded - n_fft) // 2)
    power, n_pooled = pooled_power(clip.samples, taper, hop_length, n_columns, filters)
    return Spectrogram(
        levels_db=_re_peak(decibels(power)),
        frequencies_hz=centres_hz,
        times_s=_times_s(power, n_pooled, hop_length, clip.sampling_rate),
        scale="mel",
        reference="peak",
        n_fft=n_fft,
        hop_length=hop_length,
        n_frames_per_column=n_pooled,
        sampling_rate=clip.sampling_rate,
    )


def _times_s(
    power: Levels, n_per_column: int, hop_length: int, sampling_rate: int
) -> Numbers:
    """The middle of each column's frames (s)."""
    first_frames = np.arange(power.shape[1]) * n_per_column
    return (first_frames + (n_per_column - 1) / 2) * hop_length / sampling_rate


def _re_peak(levels_db: NDArray[Any]) -> NDArray[Any]:
    """The same levels with the strongest at 0 dB; silence stays at the floor."""
    top = levels_db.max()
    return np.maximum(levels_db - top, FLOOR_DB) if top > FLOOR_DB else levels_db


def _check_frames(n_fft: int, hop_length: int, n_columns: int | None) -> None:
    check_frames(n_fft, hop_length)
    if n_columns is not None:
        check_range("n_columns", n_columns, 1, MAX_N_COLUMNS)
