"""HuBERT's input: the waveform at 16 kHz, normalised, in frames of 20 ms.

Nothing above 8 kHz and no loudness reaches the model, and no spectrogram: seven layers
of convolution learn from the samples themselves. Source: W.-N. Hsu et al., "HuBERT"
(2021); the front end is that of A. Baevski et al., "wav2vec 2.0" (2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from audio.clip import Clip, Samples
from audio.levels import decibels
from audio.transforms.frames import Grid, pooled_power
from audio.transforms.windows import Numbers, window_values

SAMPLING_RATE = 16_000  # Hz, of the input of HuBERT, wav2vec2, Whisper and AST
KERNELS = (10, 3, 3, 3, 3, 2, 2)  # samples, or frames of the layer below
STRIDES = (5, 2, 2, 2, 2, 2, 2)
HOP_LENGTH = 320  # the product of the strides: 20 ms
FRAME_LENGTH = 400  # samples that one frame depends on: 25 ms
N_FFT = 2048  # to measure the power above 8 kHz
MIN_VARIANCE = 1e-7  # added, so that silence does not become noise


@dataclass(frozen=True, eq=False)
class ModelInput:
    """A clip as the model's input.

    Attributes:
        clip: at 16 kHz, as loud as it was.
        mean: of its samples, which is subtracted.
        spread: their standard deviation, by which they are divided.
        lost_db: power of the original above 8 kHz, see ``lost_db``.
    """

    clip: Clip
    mean: float
    spread: float
    lost_db: float | None

    @property
    def samples(self) -> Samples:
        """The model's input: float32 (n_samples,), mean 0 and variance 1."""
        return self.part(0, self.clip.n_samples)

    def part(self, start: int, stop: int) -> Samples:
        """Compute ``samples[start:stop]`` at the cost of that part; silence stays 0."""
        return (self.clip.samples[start:stop] - self.mean) / self.spread

    @property
    def n_frames(self) -> int:
        """Number of frames after the front end; 0 below 25 ms."""
        return n_frames(self.clip.n_samples)

    @property
    def starts_s(self) -> Numbers:
        """Where each frame's 25 ms begin (s), (n_frames,)."""
        return np.arange(self.n_frames) * HOP_LENGTH / SAMPLING_RATE

    @property
    def centres_s(self) -> Numbers:
        """The middle of each frame's 25 ms (s), (n_frames,)."""
        return self.starts_s + FRAME_LENGTH / 2 / SAMPLING_RATE


def model_input(clip: Clip) -> ModelInput:
    """Resample a clip to 16 kHz and normalise it to mean 0 and variance 1."""
    sound = clip.resampled(SAMPLING_RATE)
    mean, variance = 0.0, 0.0
    if sound.n_samples:
        mean, variance = float(sound.samples.mean()), float(sound.samples.var())
    spread = sqrt(variance + MIN_VARIANCE)
    return ModelInput(sound, mean, spread, lost_db(clip))


def lost_db(clip: Clip) -> float | None:
    """Measure the power above 8 kHz, which resampling removes, relative to all (dB).

    Measured in Hann-windowed frames side by side, ``FLOOR_DB`` at least.

    Returns:
        None where the rate holds nothing above 8 kHz, and in silence.
    """
    if clip.sampling_rate <= SAMPLING_RATE or not clip.n_samples:
        return None
    n = max(clip.n_samples // N_FFT, 1)  # whole frames: a rest would end in a click
    grid = Grid(start=N_FFT // 2, n_frames=n, hop_length=N_FFT, n_per_column=n)
    taper = window_values("hann", N_FFT)
    power = pooled_power(clip.samples, taper, grid, pooling="mean")[:, 0]
    if not power.any():
        return None
    first_lost = int(SAMPLING_RATE / 2 / clip.sampling_rate * N_FFT) + 1
    return float(decibels(power[first_lost:].sum() / power.sum()))


@dataclass(frozen=True)
class FrameGrid:
    """Where a model's frames lie in its samples; HuBERT's unless given.

    Attributes:
        hop_length: samples from one frame to the next.
        frame_length: samples that one frame depends on.
    """

    hop_length: int = HOP_LENGTH
    frame_length: int = FRAME_LENGTH

    def n_frames(self, n_samples: int) -> int:
        """Compute how many frames fit into ``n_samples``."""
        return max((n_samples - self.frame_length) // self.hop_length + 1, 0)

    def n_samples(self, n_frames: int) -> int:
        """Compute how many samples ``n_frames`` depend on."""
        return max(n_frames - 1, 0) * self.hop_length + self.frame_length


HUBERT_GRID = FrameGrid()


def n_frames(n_samples: int) -> int:
    """Compute the number of frames after the seven convolutions.

    It is ``1 + (n_samples - 400) // 320``: each layer fits its kernel as often as its
    stride allows.
    """
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        n_samples = max((n_samples - kernel) // stride + 1, 0)
    return n_samples
