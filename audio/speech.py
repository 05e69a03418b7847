"""Detect speech by three features of the signal, without a model.

A genre model returns a genre for any input. Speech differs from music in
how its loudness and spectrum move: it pauses between words, keeps no beat, and no
sound in it lasts. Each sign alone is found in music too (a drum solo pauses, rubato
keeps no beat, noise does not last); all three together are not.

Source: E. Scheirer and M. Slaney, "Construction and evaluation of a robust
multifeature speech/music discriminator", ICASSP 1997: percentage of low-energy frames,
pulse metric, spectral flux. Numbers below are this program's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.clip import Sound
from audio.hubert.preprocessing import SAMPLING_RATE

HOP = 320  # samples, 20 ms
N_FRAME = 2 * HOP
N_SPECTRUM = 2048  # samples, 128 ms: resolves the partials of a voice
HOP_SPECTRUM = 512  # samples, 32 ms
LAG = 4  # of those hops, 128 ms: a syllable is over after 100 to 250 ms
TOP_HZ = 4000.0  # above it, both are mostly noise
BEAT_S = (0.2, 2.0)  # from 300 beats a minute to 30
MIN_DURATION_S = 3.0  # below it pauses and beats cannot be measured
MAX_DURATION_S = 60.0  # of the middle of a song; more adds nothing

MIN_PAUSES, MAX_PULSE, MAX_STEADINESS = 0.25, 0.25, 0.55


@dataclass(frozen=True)
class Signs:
    """The features that separate speech from music; each is between 0 and 1.

    Attributes:
        pauses: share of frames of 40 ms with less than half of the level (RMS) of the
            second around them.
        pulse: how well the onsets repeat at the best beat: the peak of their
            autocorrelation between 0.2 and 2 s.
        steadiness: how alike the spectra of loud moments 128 ms apart are (median
            cosine).
    """

    pauses: float
    pulse: float
    steadiness: float

    @property
    def is_speech(self) -> bool:
        """Whether all three features are those of speech."""
        return (
            self.pauses >= MIN_PAUSES
            and self.pulse <= MAX_PULSE
            and self.steadiness <= MAX_STEADINESS
        )


def is_speech(clip: Sound) -> bool:
    """Return whether a clip sounds like speech; False below three seconds."""
    return clip.duration_s >= MIN_DURATION_S and signs(clip).is_speech


def signs(clip: Sound) -> Signs:
    """Measure a clip of a second or more; of a long one, the minute in its middle."""
    start_s = max(clip.duration_s - MAX_DURATION_S, 0.0) / 2
    middle = clip.slice(start_s, start_s + MAX_DURATION_S)
    samples = middle.resampled(SAMPLING_RATE).samples
    levels = _levels(samples)
    return Signs(_pauses(levels), _pulse(levels), _steadiness(samples))


def _levels(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the RMS of each frame, (n_frames,), always above zero."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FRAME)[::HOP]
    powers = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / N_FRAME
    return np.sqrt(powers + 1e-12)


def _pauses(levels: NDArray[np.float64]) -> float:
    """Compute the share of frames at less than half the level of the second around."""
    n_second = SAMPLING_RATE // HOP
    around = np.convolve(levels, np.full(n_second, 1 / n_second), "same")
    return float(np.mean(levels < around / 2))


def _pulse(levels: NDArray[np.float64]) -> float:
    """Measure how regularly onsets recur, 0 to 1: their autocorrelation's peak.

    Args:
        levels: (n_frames,) above 0.
    """
    onsets = np.maximum(np.diff(np.log(levels)), 0.0)
    onsets -= onsets.mean()
    # Wiener and Khinchin: the autocorrelation is the power spectrum's transform.
    spectrum = np.fft.rfft(onsets, 2 * len(onsets))
    alike = np.fft.irfft(np.abs(spectrum) ** 2)
    first, last = (round(lag_s * SAMPLING_RATE / HOP) for lag_s in BEAT_S)
    peak = alike[first:last].max() / max(alike[0], 1e-12)
    return float(np.clip(peak, 0.0, 1.0))


def _steadiness(samples: NDArray[np.float32]) -> float:
    """Measure how alike spectra are ``LAG`` frames later, 0 to 1: the median cosine.

    Of the louder half of the frames; 1 where no two of them are so far apart.

    Args:
        samples: (n_samples,) at ``SAMPLING_RATE``.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_SPECTRUM)
    frames = frames[::HOP_SPECTRUM]
    n_bins = round(TOP_HZ * N_SPECTRUM / SAMPLING_RATE)
    taper = np.hanning(N_SPECTRUM).astype(np.float32)
    spectra = np.abs(np.fft.rfft(frames * taper)[:, :n_bins])
    norms = np.linalg.norm(spectra, axis=1)
    spectra /= norms[:, None] + 1e-12
    alike = np.einsum("ij,ij->i", spectra[LAG:], spectra[:-LAG])
    is_loud = norms >= np.median(norms)
    both = is_loud[LAG:] & is_loud[:-LAG]
    return float(np.median(alike[both])) if both.any() else 1.0
