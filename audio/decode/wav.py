"""Read the most common files without FFmpeg: wav, one channel, 16 bits.

A set of a thousand clips often holds nothing else (GTZAN does), and opening a file in
FFmpeg costs more than all of such a song. Whatever is unusual is left to ``decode``.
"""

from __future__ import annotations

import dataclasses
import wave
from pathlib import Path

import numpy as np

from audio.clip import Clip, Samples
from audio.decode.file import load
from audio.decode.limits import USUAL, Limits

FULL_SCALE = np.float32(2**15)
HEADER_BYTES = 44  # at least, before the samples


def clip(path: Path, *, limits: Limits = USUAL) -> Clip:
    """Load any file as ``decode.load`` does, faster where it is a mono 16-bit wav.

    Where a file is not, the clip knows how much of it is clipped before the mix.

    Raises:
        KnownError: as ``decode.load``.
    """
    found = plain(path) if path.suffix.lower() == ".wav" else None
    if found is not None:
        samples, sampling_rate = found
        duration_s = len(samples) / max(sampling_rate, 1)
        is_usual = (
            limits.min_sampling_rate <= sampling_rate <= limits.max_sampling_rate
            and limits.min_duration_s <= duration_s <= limits.max_duration_s
            and path.stat().st_size <= limits.max_bytes
        )
        if is_usual:
            samples.flags.writeable = False  # so that the clip needs no copy
            return Clip(samples, sampling_rate, path.name)
    decoded = load(path, limits=limits)
    return dataclasses.replace(decoded.clip, n_clipped=decoded.n_clipped)


def plain(path: Path) -> tuple[Samples, int] | None:
    """Read a mono 16-bit wav: float32 (n_samples,) in [-1, 1), and its rate (Hz).

    Returns:
        None for any other file, and for one shorter than its header states.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                return None
            n_samples, sampling_rate = file.getnframes(), file.getframerate()
            if not 0 < 2 * n_samples <= path.stat().st_size - HEADER_BYTES:
                return None
            data = file.readframes(n_samples)
    except (wave.Error, EOFError, OSError, RuntimeError):
        return None
    if len(data) != 2 * n_samples:
        return None
    return np.frombuffer(data, "<i2").astype(np.float32) / FULL_SCALE, sampling_rate
