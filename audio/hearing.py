"""What HuBERT hears: the waveform at 16 kHz, levelled, in steps of 20 ms.

Nothing above 8 kHz and no loudness reaches the model, and no spectrogram: seven layers
of convolution learn from the samples themselves. Source: W.-N. Hsu et al., "HuBERT"
(2021); the front end is that of A. Baevski et al., "wav2vec 2.0" (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audio.clip import Clip, Samples
from audio.frames import Numbers, window_values
from audio.levels import decibels

SAMPLING_RATE = 16_000
KERNELS = (10, 3, 3, 3, 3, 2, 2)  # samples, or frames of the layer below
STRIDES = (5, 2, 2, 2, 2, 2, 2)
HOP_LENGTH = 320  # the product of the strides: 20 ms
FRAME_LENGTH = 400  # samples that one frame depends on: 25 ms
N_FFT, N_FRAMES_PER_BLOCK = 2048, 128  # for what lies above 8 kHz
MIN_VARIANCE = 1e-7  # added, so that silence does not become noise


@dataclass(frozen=True, eq=False)
class ModelInput:
    """A clip as the model gets it.

    Attributes:
        clip: at 16 kHz, as loud as it was.
        samples: float32 (n_samples,), mean 0 and variance 1; silence stays 0.
    """

    clip: Clip
    samples: Samples

    @property
    def n_frames(self) -> int:
        """How many vectors the front end makes of it; 0 below 25 ms."""
        return n_frames(len(self.samples))

    @property
    def starts_s(self) -> Numbers:
        """Where each frame's 25 ms begin (s), (n_frames,)."""
        return np.arange(self.n_frames) * HOP_LENGTH / SAMPLING_RATE

    @property
    def centres_s(self) -> Numbers:
        """The middle of each frame's 25 ms (s), (n_frames,)."""
        return self.starts_s + FRAME_LENGTH / 2 / SAMPLING_RATE


def model_input(clip: Clip) -> ModelInput:
    """The clip at 16 kHz, its mean taken out and its spread made 1."""
    heard = clip.resampled(SAMPLING_RATE)
    samples = heard.samples
    if len(samples):
        samples = (samples - samples.mean()) / np.sqrt(samples.var() + MIN_VARIANCE)
    return ModelInput(clip=heard, samples=samples)


def unheard_db(clip: Clip) -> float | None:
    """The power above 8 kHz, which the model never gets, relative to all (dB).

    Measured in Hann-windowed frames side by side, ``FLOOR_DB`` at least.

    Returns:
        None where the rate holds nothing above 8 kHz, and in silence.
    """
    from scipy import fft

    if clip.sampling_rate <= SAMPLING_RATE or not clip.n_samples:
        return None
    n_whole = clip.n_samples // N_FFT * N_FFT  # a rest would end in a click
    samples = clip.samples[: n_whole or None]
    frames = np.pad(samples, (0, -len(samples) % N_FFT)).reshape(-1, N_FFT)
    taper = window_values("hann", N_FFT).astype(np.float32)
    power = np.zeros(N_FFT // 2 + 1)
    for first in range(0, len(frames), N_FRAMES_PER_BLOCK):
        bins = fft.rfft(frames[first : first + N_FRAMES_PER_BLOCK] * taper, axis=1)
        power += (bins.real**2 + bins.imag**2).sum(axis=0)
    if not power.any():
        return None
    first_unheard = int(SAMPLING_RATE / 2 / clip.sampling_rate * N_FFT) + 1
    return float(decibels(power[first_unheard:].sum() / power.sum()))


def n_frames(n_samples: int) -> int:
    """Frames that the seven layers leave of so many samples.

    It is ``1 + (n_samples - 400) // 320``: each layer fits its kernel as often as its
    stride allows.
    """
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        n_samples = max((n_samples - kernel) // stride + 1, 0)
    return n_samples
