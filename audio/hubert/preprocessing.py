"""A model's input: the waveform at 16 kHz, cut into windows and frames.

Nothing above 8 kHz reaches a model. HuBERT and wav2vec 2.0 read the samples: layers of
convolution learn from them. AST and Whisper read a mel spectrogram of them. Source:
W.-N. Hsu et al., "HuBERT" (2021); its front end is that of A. Baevski et al., "wav2vec
2.0" (2020). transformers' feature extractor gives HuBERT normalised samples; fairseq
trained HuBERT Base on plain ones. Its first layer's group norm makes both the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Literal

import numpy as np

from audio.clip import Clip, Samples
from audio.levels import decibels
from audio.transforms.frames import Grid, pooled_power
from audio.transforms.windows import Numbers, window_values

Reads = Literal["samples", "ast", "whisper"]  # the last two: a mel spectrogram

SAMPLING_RATE = 16_000  # Hz, of the input of HuBERT, wav2vec2, Whisper and AST
KERNELS = (10, 3, 3, 3, 3, 2, 2)  # samples, or frames of the layer below
STRIDES = (5, 2, 2, 2, 2, 2, 2)
HOP_LENGTH = 320  # the product of the strides: 20 ms
FRAME_LENGTH = 400  # samples that one frame depends on: 25 ms
N_FFT = 2048  # to measure the power above 8 kHz
MIN_VARIANCE = 1e-7  # added, so that silence does not become noise


@dataclass(frozen=True)
class FrontEnd:
    """How a model cuts its input into frames.

    Attributes:
        reads: what it reads.
        kernels: of its convolutions: samples, or frames of the layer below.
        strides: of them, in the same unit.
        n_mels: bands of the mel spectrogram; 0 where it reads samples.
        padding: samples that it adds before and behind a window.
        window_s: length of the windows that a song is cut into (s).
        takes_any_length: a shorter song goes in as it is; otherwise it is repeated.
        is_normalized: each window is shifted and scaled to mean 0 and variance 1.
        has_group_norm: its first layer evens out each filter's level over the window.
    """

    reads: Reads = "samples"
    kernels: tuple[int, ...] = KERNELS
    strides: tuple[int, ...] = STRIDES
    n_mels: int = 0
    padding: tuple[int, int] = (0, 0)
    window_s: float = 30.0
    takes_any_length: bool = True
    is_normalized: bool = True
    has_group_norm: bool = True

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return prod(self.strides)

    @property
    def frame_length(self) -> int:
        """Samples that a frame depends on, but for a norm over the window."""
        steps = np.cumprod((1, *self.strides[:-1]))
        return 1 + sum(
            (k - 1) * int(s) for k, s in zip(self.kernels, steps, strict=True)
        )

    def n_frames(self, n_samples: int) -> int:
        """Compute the number of frames of a window.

        Each layer fits its kernel as often as its stride allows.
        """
        n_samples += sum(self.padding)
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            n_samples = max((n_samples - kernel) // stride + 1, 0)
        return n_samples


HUBERT = FrontEnd()


@dataclass(frozen=True, eq=False)
class ModelInput:
    """A window of a clip as a model's input.

    Attributes:
        clip: all of it at 16 kHz, as loud as it was.
        front_end: of the model.
        start: first sample of the window.
        window: float32 (n,) its samples; of a clip that is repeated, as often as it is.
        mean: of them, which is subtracted; 0 where nothing is.
        spread: their standard deviation, by which they are divided; 1 as before.
        lost_db: power of the original above 8 kHz, see ``lost_db``.
    """

    clip: Clip
    front_end: FrontEnd
    start: int
    window: Samples
    mean: float
    spread: float
    lost_db: float | None

    @property
    def samples(self) -> Samples:
        """The window's input: float32 (n,); mean 0 and variance 1 where normalised."""
        return self.part(0, len(self.window))

    def part(self, start: int, stop: int) -> Samples:
        """Compute ``samples[start:stop]`` at the cost of that part; silence stays 0."""
        return (self.window[start:stop] - np.float32(self.mean)) / np.float32(
            self.spread
        )

    @property
    def is_repeated(self) -> bool:
        """Whether the clip is repeated to fill the window."""
        return len(self.window) > self.clip.n_samples > 0

    @property
    def n_frames(self) -> int:
        """Number of frames of the window; 0 where it is shorter than one."""
        return self.front_end.n_frames(len(self.window))

    @property
    def starts_s(self) -> Numbers:
        """Where what each frame depends on begins in the clip (s), (n_frames,)."""
        first = self.start - self.front_end.padding[0]
        steps = np.arange(self.n_frames) * self.front_end.hop_length
        return (first + steps) / SAMPLING_RATE


@dataclass(frozen=True, eq=False)
class Resampled:
    """A clip at 16 kHz, and what that took away.

    Attributes:
        clip: at 16 kHz, as loud as it was.
        lost_db: power of the original above 8 kHz, see ``lost_db``.
    """

    clip: Clip
    lost_db: float | None


def resampled(clip: Clip) -> Resampled:
    """Resample a clip to 16 kHz, and measure what that takes away."""
    return Resampled(clip.resampled(SAMPLING_RATE), lost_db(clip))


def model_input(
    sound: Clip | Resampled,
    front_end: FrontEnd = HUBERT,
    start: int = 0,
    stop: int | None = None,
) -> ModelInput:
    """Prepare a window of a clip for a model.

    Args:
        sound: the clip, or what ``resampled`` returned for it.
        front_end: of the model.
        start: first sample of the window at 16 kHz.
        stop: the one after the last; None for the clip's end. Behind that, the clip is
            repeated.
    """
    found = sound if isinstance(sound, Resampled) else resampled(sound)
    n_window = (found.clip.n_samples if stop is None else stop) - start
    samples = found.clip.part(start, start + n_window)
    window = np.resize(samples, n_window) if len(samples) else samples
    mean, spread = 0.0, 1.0
    if front_end.is_normalized:
        variance = float(window.var()) if len(window) else 0.0
        mean = float(window.mean()) if len(window) else 0.0
        spread = sqrt(variance + MIN_VARIANCE)
    return ModelInput(found.clip, front_end, start, window, mean, spread, found.lost_db)


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
    """Where a model's frames are in its samples; HuBERT's unless given.

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
    """Compute the number of HuBERT's frames: ``1 + (n_samples - 400) // 320``."""
    return HUBERT.n_frames(n_samples)
