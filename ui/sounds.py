"""Clips as files that players play, as loud as they are."""

from __future__ import annotations

import io
import wave

import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from audio.clip import Clip


def wav(clip: Clip) -> bytes:
    """The clip as a 16-bit WAV file; full scale stays full scale."""
    steps = np.round(clip.samples * np.float32(32767)).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(clip.sampling_rate)
        file.writeframes(steps.tobytes())
    return buffer.getvalue()


def file_of(clip: Clip, cache_dir: str) -> str:
    """A WAV file in Gradio's cache, which serves it and deletes it with the uploads."""
    return save_bytes_to_cache(wav(clip), "sound.wav", cache_dir)
