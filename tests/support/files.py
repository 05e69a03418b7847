"""Audio files of every kind, written where a test wants them."""

from __future__ import annotations

import struct
from fractions import Fraction

import av
import numpy as np

# What a suffix is written as, unless the test says otherwise.
CODECS = {
    ".wav": "pcm_s16le",
    ".w64": "pcm_s16le",
    ".aiff": "pcm_s16be",
    ".au": "pcm_s16be",
    ".flac": "flac",
    ".mp3": "libmp3lame",
    ".ogg": "libopus",
    ".opus": "libopus",
    ".webm": "libopus",
    ".m4a": "aac",
    ".mp4": "aac",
    ".mov": "aac",
    ".aac": "aac",
    ".mkv": "flac",
    ".wma": "wmav2",
}
MUXERS = {".m4a": "ipod", ".aac": "adts", ".mkv": "matroska", ".wma": "asf"}
LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 6: "5.1", 8: "7.1"}


def stereo(left, right=None):
    """Two clips as an array (2, n_samples); one clip on both sides by default."""
    return np.stack([left.samples, (right or left).samples])


def write_audio(path, sound, sampling_rate=None, *, codec=None, options=None):
    """Write a sound as what the suffix says, and return the path.

    Args:
        path: its suffix chooses container and codec.
        sound: a Clip, or an array (n_samples,) or (n_channels, n_samples).
        sampling_rate: Hz; a Clip brings its own. Opus takes 48, 24, 16 or 8 kHz only.
        codec: another encoder than the suffix's.
        options: for FFmpeg's muxer.
    """
    channels = np.atleast_2d(getattr(sound, "samples", sound)).astype(np.float32)
    rate = sampling_rate or sound.sampling_rate
    with _container(path, options) as container:
        codec = codec or CODECS[path.suffix]
        layout = LAYOUTS[len(channels)]
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 128_000  # where the codec has one
        _encode(container, stream, _frame(channels, rate, layout))
    return path


def write_tracks(path, *sounds, sampling_rate=22_050):
    """Write a film of sound tracks alone, an array (n_channels, n_samples) each."""
    with _container(path) as container:
        layouts = [LAYOUTS[len(channels)] for channels in sounds]
        tracks = [
            container.add_stream("pcm_s16le", rate=sampling_rate, layout=layout)
            for layout in layouts
        ]
        for track, channels, layout in zip(tracks, sounds, layouts, strict=True):
            _encode(container, track, _frame(channels, sampling_rate, layout))
    return path


def write_video(path, sound=None):
    """Write a second of grey video, with a Clip as its sound or without any."""
    grey = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), "rgb24")
    grey.pts, grey.time_base = 0, Fraction(1)
    with _container(path) as container:
        video = container.add_stream("mpeg4", rate=1)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        if sound is not None:
            rate = sound.sampling_rate
            audio = container.add_stream("aac", rate=rate, layout="mono")
            _encode(container, audio, _frame(sound.samples[None], rate, "mono"))
        _encode(container, video, grey)
    return path


def write_wav(
    path, samples, sampling_rate=22_050, *, size=None, block_align=None, extra=b""
):
    """Write a wav by hand, so that its header can be wrong, and return the path.

    Args:
        path: of any name.
        samples: (n_samples,) or (n_samples, n_channels); integers or floats.
        sampling_rate: what the header says, Hz.
        size: what the data chunk says it holds; the truth by default.
        block_align: bytes a moment; the truth by default.
        extra: chunks between the format and the data.
    """
    data = np.ascontiguousarray(samples)
    n_channels = 1 if data.ndim == 1 else data.shape[1]
    width = data.dtype.itemsize
    align = n_channels * width if block_align is None else block_align
    kind = 3 if data.dtype.kind == "f" else 1
    rates = (sampling_rate, sampling_rate * n_channels * width)
    form = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, kind, n_channels, *rates, align, 8 * width
    )
    size = data.nbytes if size is None else size
    body = b"WAVE" + form + extra + struct.pack("<4sI", b"data", size) + data.tobytes()
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def _container(path, options=None):
    muxer = MUXERS.get(path.suffix, path.suffix[1:])
    return av.open(path, "w", format=muxer, options=options or {})


def _frame(channels, sampling_rate, layout):
    packed = np.ascontiguousarray(channels.T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
    frame.sample_rate = sampling_rate
    frame.pts, frame.time_base = 0, Fraction(1, sampling_rate)
    return frame


def _encode(container, stream, frame):
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
