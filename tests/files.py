"""Audio files of every kind, written where a test wants them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

# What a suffix is written as, unless the test says otherwise.
CODECS = {
    "wav": "pcm_s16le",
    "w64": "pcm_s16le",
    "aiff": "pcm_s16be",
    "flac": "flac",
    "mp3": "libmp3lame",
    "ogg": "libopus",
    "opus": "libopus",
    "m4a": "aac",
    "mp4": "aac",
    "mov": "aac",
    "aac": "aac",
    "webm": "libopus",
    "mkv": "flac",
    "wma": "wmav2",
}
MUXERS = {"m4a": "ipod", "aac": "adts", "mkv": "matroska", "wma": "asf"}


def write_audio(path, sound, sampling_rate=None, *, codec=None, options=None):
    """Write a clip, or an array (n_channels, n_samples), as what the suffix says.

    Args:
        path: its suffix chooses container and codec.
        sound: a Clip, or float samples; more than one channel is one row each.
        sampling_rate: Hz; a clip brings its own.
        codec: another encoder than the suffix's.
        options: for FFmpeg's muxer.

    Returns:
        ``path``, for the caller's convenience.
    """
    rate = sampling_rate or sound.sampling_rate
    channels = np.atleast_2d(getattr(sound, "samples", sound)).astype(np.float32)
    kind = Path(path).suffix[1:]
    with av.open(
        path, "w", format=MUXERS.get(kind, kind), options=options or {}
    ) as out:
        layout = av.AudioLayout(LAYOUTS[len(channels)])
        stream = out.add_stream(codec or CODECS[kind], rate=rate, layout=layout)
        stream.bit_rate = 128_000  # where the codec has one
        frame = av.AudioFrame.from_ndarray(
            channels.T.reshape(1, -1), format="flt", layout=layout
        )
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


LAYOUTS = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1", 8: "7.1"}
