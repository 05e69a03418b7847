"""The sound type of the project: read-only mono samples and their sampling rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from errors import KnownError

Samples = NDArray[np.float32]


class Readable(Protocol):
    """A mono sound of which parts can be read: in memory, on disk, or in a cache."""

    @property
    def sampling_rate(self) -> int:
        """Sampling rate in Hz."""

    @property
    def n_samples(self) -> int:
        """Number of samples."""

    def part(self, start: int, stop: int) -> Samples:
        """Return samples from ``start`` to ``stop``, as far as there are any.

        Args:
            start: index of the first; below 0 it is 0.
            stop: index behind the last.

        Returns:
            Float32 (n,) in [-1, 1], which may be read-only.
        """


class Sound(Readable, Protocol):
    """A whole sound with a name, in memory or on disk."""

    @property
    def name(self) -> str:
        """Name of the sound, for display."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""

    def slice(self, start_s: float, stop_s: float) -> Clip:
        """Cut out the part between two times (s), clamped to the sound."""


def clamped(sound: Sound, start_s: float, stop_s: float) -> tuple[int, int]:
    """Convert two times (s) to sample indices, clamped to the sound.

    Raises:
        KnownError: ``empty_range`` where no sample is between the two.
    """
    start, stop = (
        min(max(round(at_s * sound.sampling_rate), 0), sound.n_samples)
        for at_s in (start_s, stop_s)
    )
    if stop <= start:
        raise KnownError("empty_range", start_s=start_s, stop_s=stop_s)
    return start, stop


@dataclass(frozen=True, eq=False)
class Clip:
    """A piece of mono sound.

    Attributes:
        samples: float32 (n_samples,) in [-1, 1], read-only.
        sampling_rate: Hz.
        name: for display; never a path.
        n_clipped: samples of the file at full scale or at flat tops, in the channel
            that has most; None where that was not counted before the mix.
    """

    samples: Samples
    sampling_rate: int
    name: str = ""
    n_clipped: int | None = None

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, dtype=np.float32)
        if samples.ndim != 1 or self.sampling_rate <= 0:
            raise ValueError("a clip is one channel of samples at a positive rate")
        if samples.flags.writeable:
            samples = samples.copy() if samples is self.samples else samples
            samples.flags.writeable = False
        object.__setattr__(self, "samples", samples)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.samples)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sampling_rate

    def part(self, start: int, stop: int) -> Samples:
        """Return samples from ``start`` to ``stop``: a read-only view, float32 (n,)."""
        return self.samples[max(start, 0) : max(stop, 0)]

    def slice(self, start_s: float, stop_s: float) -> Clip:
        """Cut out the part from ``start_s`` to ``stop_s`` (s), clamped to the clip.

        Raises:
            KnownError: ``empty_range`` where no sample is between the two.
        """
        start, stop = clamped(self, start_s, stop_s)
        return Clip(self.samples[start:stop], self.sampling_rate, self.name)

    def resampled(self, sampling_rate: int) -> Clip:
        """Resample the clip to another rate (Hz), by soxr in high quality."""
        if sampling_rate == self.sampling_rate:
            return self
        import soxr

        samples = soxr.resample(self.samples, self.sampling_rate, sampling_rate, "HQ")
        np.clip(samples, -1.0, 1.0, out=samples)
        samples.flags.writeable = False  # so that the clip needs no copy
        return Clip(samples, sampling_rate, self.name)
