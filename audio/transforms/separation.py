"""Separate an excerpt into its harmonic and its percussive part, by median filters.

In a spectrogram a held note is a horizontal ridge and a stroke a vertical line. A median
along time keeps the ridges and drops the lines, one along frequency the reverse; each bin
goes to the parts in proportion to the squares of both. Sources: D. FitzGerald,
"Harmonic/percussive separation using median filtering", DAFx 2010; of the margin,
J. Driedger, M. Müller and S. Disch, "Extending harmonic-percussive separation of audio
signals", ISMIR 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip, Samples
from audio.levels import FLOOR_DB
from audio.transforms.checks import check_range
from audio.transforms.frames import Levels

# 1024 samples at 22.05 kHz: long enough for bins, short enough for strokes.
FRAME_S = 0.046
STARTS_PER_FRAME = 4
HIGHEST_RATE = 48_000  # Hz; above, there is nothing to hear and much to compute
NAMES = ("harmonic", "percussive", "residual")
MAX_MARGIN = 100.0


@dataclass(frozen=True, eq=False)
class Parts:
    """An excerpt and what it was separated into.

    Attributes:
        whole: float32 (n_samples,) the excerpt, as every part.
        harmonic: what is continued in time.
        percussive: what is spread over frequency.
        residual: what is neither; None for a margin of 1, which leaves nothing.
        sampling_rate: Hz, ``HIGHEST_RATE`` at most.
        n_fft: samples a frame.
        hop_length: samples from one frame to the next.
        n_frames: of the median along time, odd.
        n_bins: of the median along frequency, odd.
        error_db: the parts' sum minus the whole, relative to it; ``FLOOR_DB`` for none.
    """

    whole: Samples
    harmonic: Samples
    percussive: Samples
    residual: Samples | None
    sampling_rate: int
    n_fft: int
    hop_length: int
    n_frames: int
    n_bins: int
    error_db: float

    @property
    def time_ms(self) -> float:
        """Length of the median along time (ms)."""
        return 1000 * self.n_frames * self.hop_length / self.sampling_rate

    @property
    def band_hz(self) -> float:
        """Height of the median along frequency (Hz)."""
        return self.n_bins * self.sampling_rate / self.n_fft

    @property
    def names(self) -> tuple[str, ...]:
        """Parts that there are, of ``NAMES``."""
        return NAMES if self.residual is not None else NAMES[:2]

    def samples_of(self, name: str) -> Samples:
        """Return the samples (n_samples,) of a part, or of the ``whole``.

        Beyond full scale where two parts cancel there; ``clip`` cuts them off.
        """
        samples: Samples = getattr(self, name)
        return samples

    def clip(self, name: str) -> Clip:
        """Return a part, or the ``whole``, as a clip, cut off at full scale."""
        return Clip(np.clip(self.samples_of(name), -1, 1), self.sampling_rate, name)

    def level_db(self, name: str) -> float | None:
        """Measure a part's level relative to the whole; None where that is silent."""
        return relative_db(self.samples_of(name), self.whole)


def separated(
    clip: Clip,
    *,
    start_s: float,
    stop_s: float,
    kernel_ms: float,
    kernel_hz: float,
    margin: float = 1.0,
) -> Parts:
    """Separate the excerpt from ``start_s`` to ``stop_s`` (s).

    Args:
        clip: any sound.
        start_s: of the excerpt.
        stop_s: of the excerpt.
        kernel_ms: length of the median along time; rounded to an odd number of frames.
        kernel_hz: height of the median along frequency; to an odd number of bins.
        margin: how many times stronger one median must be than the other for a bin to
            go to its part; above 1, what is neither goes to the residual.

    Raises:
        KnownError: ``out_of_range``.
    """
    check_range("margin", margin, 1.0, MAX_MARGIN)
    first, stop = (round(at_s * clip.sampling_rate) for at_s in (start_s, stop_s))
    part = Clip(clip.part(first, stop), clip.sampling_rate)
    part = part.resampled(min(part.sampling_rate, HIGHEST_RATE))
    n_fft = frame_length(part.sampling_rate)
    hop_length = n_fft // STARTS_PER_FRAME
    n_frames = odd(kernel_ms / 1000 * part.sampling_rate / hop_length)
    n_bins = odd(kernel_hz * n_fft / part.sampling_rate)
    bins = _spectra(part.samples, n_fft, hop_length)
    masks = _masks(np.abs(bins), n_frames, n_bins, margin)
    harmonic, percussive = (
        _sound(bins * mask, part.n_samples, n_fft, hop_length) for mask in masks
    )
    residual = None
    if margin > 1:
        rest = bins * (1 - masks[0] - masks[1])
        residual = _sound(rest, part.n_samples, n_fft, hop_length)
    total = harmonic + percussive + (0 if residual is None else residual)
    error_db = relative_db(total - part.samples, part.samples)
    return Parts(
        whole=part.samples,
        harmonic=harmonic,
        percussive=percussive,
        residual=residual,
        sampling_rate=part.sampling_rate,
        n_fft=n_fft,
        hop_length=hop_length,
        n_frames=n_frames,
        n_bins=n_bins,
        error_db=FLOOR_DB if error_db is None else error_db,
    )


def frame_length(sampling_rate: int) -> int:
    """Return a power of two, about ``FRAME_S`` long (samples)."""
    return int(2 ** round(np.log2(FRAME_S * sampling_rate)))


def odd(length: float) -> int:
    """Round to an odd number, 3 at least: a median has a middle."""
    return max(2 * round((length - 1) / 2) + 1, 3)


def relative_db(samples: NDArray[Any], whole: NDArray[Any]) -> float | None:
    """Measure the level of some samples relative to others; None where those are silent.

    Returns:
        dB, ``FLOOR_DB`` at least.
    """
    power, reference = (float(np.dot(x, x)) for x in _as_doubles(samples, whole))
    if not reference:
        return None
    return max(10 * log10(power / reference), FLOOR_DB) if power else FLOOR_DB


def _as_doubles(*arrays: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    return tuple(each.astype(np.float64) for each in arrays)


def _spectra(samples: Samples, n_fft: int, hop_length: int) -> NDArray[np.complex64]:
    """Transform samples (n_samples,) to bins (n_bins, n_frames)."""
    import librosa

    missing = max(n_fft - len(samples), 0)  # librosa warns of less than a frame
    bins: NDArray[np.complex64] = librosa.stft(
        np.pad(samples, (0, missing)), n_fft=n_fft, hop_length=hop_length
    )
    return bins


def _sound(
    bins: NDArray[np.complex64], n_samples: int, n_fft: int, hop_length: int
) -> Samples:
    import librosa

    length = max(n_samples, n_fft)
    samples: Samples = librosa.istft(
        bins, n_fft=n_fft, hop_length=hop_length, length=length
    )
    return samples[:n_samples]


def _masks(
    magnitudes: Levels, n_frames: int, n_bins: int, margin: float
) -> tuple[Levels, Levels]:
    """Compute the shares of both parts in each bin, as ``librosa.decompose.hpss``.

    Its medians take ten times as long: SciPy filters a row fast only alone.
    """
    import librosa

    ridges = _medians(magnitudes, n_frames)
    lines = _medians(magnitudes.T, n_bins).T
    is_split = margin == 1  # silence, in halves
    return (
        librosa.util.softmask(ridges, lines * margin, power=2, split_zeros=is_split),
        librosa.util.softmask(lines, ridges * margin, power=2, split_zeros=is_split),
    )


def _medians(rows: Levels, n: int) -> Levels:
    """Return the median of ``n`` neighbours in each row, mirrored at its ends.

    All rows are filtered as one, each between its own mirrored ends.
    """
    from scipy.ndimage import median_filter

    half = n // 2
    padded = np.pad(rows, ((0, 0), (half, half)), mode="symmetric")
    found = median_filter(padded.ravel(), size=n, mode="nearest")
    medians: Levels = found.reshape(padded.shape)[:, half:-half]
    return medians
