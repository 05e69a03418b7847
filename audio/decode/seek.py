"""Decode only the parts of a file that are asked for, where its container can be sought.

Six windows of a song of four minutes are an eighth of it. What cannot be read so for
certain (the beginning, an unknown length, a position that the demuxer misses, channels that cancel,
floats of any scale, broken samples) is an ``UnsoughtError``: decode the whole file then.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio.clip import Clip, Samples, clamped
from audio.decode.downmix import Mix
from audio.decode.file import opened
from audio.decode.limits import Limits

if TYPE_CHECKING:
    from av import AudioStream

# Decoded before each part and dropped: an mp3's frames lean on those before them.
PREROLL_S = 0.25


class UnsoughtError(Exception):
    """The file has to be decoded from its beginning."""


@dataclass(frozen=True, eq=False)
class Sought:
    """Mono sound of an open file, each part decoded when it is read.

    Attributes:
        stream: of the open file.
        n_samples: of the sound, by its header.
        sampling_rate: Hz.
        name: for display; never a path.
    """

    stream: AudioStream
    n_samples: int
    sampling_rate: int
    name: str = ""
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sampling_rate

    def part(self, start: int, stop: int) -> Samples:
        """Decode samples from ``start`` to ``stop``, float32 (n,), as ``Readable.part``.

        Raises:
            UnsoughtError: they cannot be found for certain.
        """
        import av

        start, stop = max(start, 0), min(stop, self.n_samples)
        try:
            with self._lock:
                return self._decoded(start, stop)
        except (av.FFmpegError, ValueError, ArithmeticError) as error:
            raise UnsoughtError from error

    def slice(self, start_s: float, stop_s: float) -> Clip:
        """Decode the part from ``start_s`` to ``stop_s`` (s), clamped to the sound.

        Raises:
            KnownError: ``empty_range`` where no sample is between the two.
        """
        start, stop = clamped(self, start_s, stop_s)
        return Clip(self.part(start, stop), self.sampling_rate, self.name)

    def _decoded(self, start: int, stop: int) -> Samples:
        """Decode from a little before ``start`` to ``stop``."""
        mix, at = Mix(None), None
        for frame, found_at in self._frames(start):
            at = found_at if at is None else at
            mix.add(frame)
            if at + mix.n_samples >= stop:
                break
        if at is None or at > start or at + mix.n_samples < stop:
            raise UnsoughtError
        if mix.is_cancelled or mix.n_broken:
            raise UnsoughtError
        samples = mix.samples(mix.duration_s, is_any_scale=False)
        return samples[start - at : stop - at]

    def _frames(self, start: int) -> Iterator[tuple[Any, int]]:
        """Yield packed float32 frames, and where each begins (samples)."""
        import av

        base, first_pts = self.stream.time_base, self.stream.start_time or 0
        if base is None:
            raise UnsoughtError
        from_s = start / self.sampling_rate - PREROLL_S
        if from_s <= 0:  # codecs keep a frame before the first, where nothing seeks to
            raise UnsoughtError
        container: Any = self.stream.container
        container.seek(first_pts + int(from_s / base), stream=self.stream)
        resampler = None
        for frame in container.decode(self.stream):
            if frame.pts is None or frame.sample_rate != self.sampling_rate:
                raise UnsoughtError
            at = round((frame.pts - first_pts) * base * self.sampling_rate)
            if resampler is None:
                resampler = av.AudioResampler("flt", frame.layout, frame.sample_rate)
            for part in resampler.resample(frame):
                yield part, at


@contextmanager
def sought(path: Path, name: str, limits: Limits) -> Iterator[Sought]:
    """Open a file whose parts can be decoded one by one.

    Yields:
        Its sound, to be read within the block.

    Raises:
        KnownError: as ``decode.probe``.
        UnsoughtError: it has to be decoded from its beginning.
    """
    with opened(path, name, limits) as (stream, facts):
        duration_s = facts.duration_s
        is_scaled = facts.codec.startswith("pcm_f")
        if duration_s is None or duration_s > limits.max_duration_s or is_scaled:
            raise UnsoughtError
        rate = facts.sampling_rate
        yield Sought(stream, int(duration_s * rate), rate, name)
