"""The plainest files of all, read without FFmpeg: wav, one channel, 16 bits.

A set of a thousand clips often holds nothing else (GTZAN does), and opening a file in
FFmpeg costs more than all of such a song. Whatever is unusual is left to ``decode``.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from audio.clip import Samples

FULL_SCALE = np.float32(2**15)
HEADER_BYTES = 44  # the least that stands before the sound


def plain(path: Path) -> tuple[Samples, int] | None:
    """(n_samples,) float32 in [-1, 1) and Hz; None where it is not the plainest kind.

    A file that is shorter than its header says is not.
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
