"""Clips as files that players play, as loud as they are."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np

from audio.clip import Clip, Samples
from audio.decode import SourceFacts
from ui.server import files

HEADER_BYTES = 44  # of a WAV file
# Codecs that browsers play, by container; "mp4" and "matroska" as m4a and webm.
PLAYABLE = {
    "wav": ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"),
    "flac": ("flac",),
    "mp3": ("mp3",),
    "ogg": ("vorbis", "opus", "flac"),
    "mp4": ("aac", "mp3", "flac", "opus"),
    "aac": ("aac",),
    "matroska": ("opus", "vorbis"),
}
# By any other name a file is sent as of a kind that some browsers do not know.
SUFFIXES = frozenset(
    ".wav .wave .flac .mp3 .ogg .oga .opus .m4a .mp4 .m4v .aac .webm .weba".split()
)
FLOATS = 3  # a WAV file's code for samples that are floats


def is_playable(facts: SourceFacts, path: str) -> bool:
    """Return whether every usual browser plays a file, and the track that is seen."""
    return (
        facts.codec in PLAYABLE.get(facts.container, ())
        and Path(path).suffix.lower() in SUFFIXES
        and facts.n_tracks == 1
    )


def wav(clip: Clip) -> bytes:
    """Encode a clip as a 16-bit WAV file; full scale stays full scale."""
    steps = np.round(clip.samples * np.float32(32767)).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(clip.sampling_rate)
        file.writeframes(steps.tobytes())
    return buffer.getvalue()


def wav_of_floats(samples: Samples, sampling_rate: int) -> tuple[bytes, memoryview]:
    """Encode float32 samples (n_samples, n_channels) as a WAV file; round nothing.

    Returns:
        The file's header, and the rest.
    """
    data = np.ascontiguousarray(samples, "<f4").data.cast("B")
    n_channels, width = samples.shape[1], 4
    moment = n_channels * width  # bytes
    form = (FLOATS, n_channels, sampling_rate, sampling_rate * moment, moment)
    head = struct.pack("<4sI4s", b"RIFF", HEADER_BYTES - 8 + len(data), b"WAVE")
    head += struct.pack("<4sIHHIIHH", b"fmt ", 16, *form, 8 * width)
    head += struct.pack("<4sI", b"data", len(data))
    return head, data


def file_of(clip: Clip, cache_dir: str) -> str:
    """Write a WAV file to Gradio's cache, which serves it and deletes it with the uploads."""
    return files.kept(wav(clip), "sound.wav", cache_dir)
