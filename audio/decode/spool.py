"""Decode to a temporary file and read it in parts, so that memory stays constant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os import pread
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import numpy as np

from audio.clip import Clip, Samples, clamped
from audio.decode.file import mixed
from audio.decode.limits import USUAL, Limits, n_clipped
from errors import KnownError

N_BYTES = 4  # of a sample, float32


@dataclass(frozen=True, eq=False)
class Spool:
    """Mono sound in an open file; any number of threads may read it at once.

    Attributes:
        file: float32 samples and nothing else; its opener closes it.
        n_samples: of the sound; the file may hold more.
        sampling_rate: Hz.
        name: for display; never a path.
        gain: factor that brings the samples into [-1, 1].
        n_clipped: as of a ``Clip``.
    """

    file: BinaryIO
    n_samples: int
    sampling_rate: int
    name: str = ""
    gain: float = 1.0
    n_clipped: int | None = None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sampling_rate

    def part(self, start: int, stop: int) -> Samples:
        """Read samples from ``start`` to ``stop``, float32 (n,), as ``Readable.part``."""
        start, stop = max(start, 0), min(stop, self.n_samples)
        n_bytes = max(stop - start, 0) * N_BYTES
        found = pread(self.file.fileno(), n_bytes, start * N_BYTES)
        samples = np.frombuffer(found, np.float32)
        return np.clip(samples * np.float32(self.gain), -1.0, 1.0)

    def slice(self, start_s: float, stop_s: float) -> Clip:
        """Read the part from ``start_s`` to ``stop_s`` (s), clamped to the sound.

        Raises:
            KnownError: ``empty_range`` where no sample is between the two.
        """
        start, stop = clamped(self, start_s, stop_s)
        return Clip(self.part(start, stop), self.sampling_rate, self.name)


@contextmanager
def spooled(
    path: Path, *, name: str | None = None, limits: Limits = USUAL
) -> Iterator[tuple[Spool, float | None]]:
    """Decode a file as ``decode.load`` does, but to disk instead of memory.

    The samples are in a file without a name in the system's folder for temporary files
    (TMPDIR), which is deleted with the process at the latest: 10 MB a minute at
    44.1 kHz.

    Yields:
        The sound, and where it was cut (s) if it is longer than the limit.

    Raises:
        KnownError: as ``decode.load``, and ``no_room`` where that folder is full.
    """
    name = name or path.name
    file = _scratch()
    try:
        yield _spool(path, name, limits, file)
    finally:
        with suppress(OSError):  # a full disk, which was reported before
            file.close()


def _scratch() -> BinaryIO:
    try:
        return cast(BinaryIO, TemporaryFile())
    except OSError as error:  # no folder for temporary files can be written
        raise KnownError("no_room") from error


def _spool(
    path: Path, name: str, limits: Limits, file: BinaryIO
) -> tuple[Spool, float | None]:
    """Decode into a file; return the sound, and where it was cut (s), if it was.

    Raises:
        KnownError: ``no_room``, or what decoding raises.
    """
    if limits.decoder:
        return limits.decoder.spool(path, name, limits, file)
    facts, mix = mixed(path, name, limits, file=file)
    try:
        file.flush()
    except OSError as error:
        raise KnownError("no_room") from error
    is_long = mix.duration_s > limits.max_duration_s
    n_most = round(limits.max_duration_s * mix.sampling_rate)
    is_any_scale = facts.codec.startswith("pcm_f")
    sound = Spool(
        file,
        min(mix.n_samples, n_most),
        mix.sampling_rate,
        name,
        1 / max(mix.peak, 1.0) if is_any_scale else 1.0,
        n_clipped(facts, mix.levels),
    )
    return sound, limits.max_duration_s if is_long else None
