"""Containers that people's libraries hold, and sound that would be noise."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from audio.decode import load
from errors import KnownError
from support.files import write_audio
from support.signals import noise, tone

RATE = 48_000


def encoded(path, codec, container, rate=RATE, sample_format=None):
    """A second of 440 Hz in a codec and container of FFmpeg's."""
    times = np.arange(rate) / rate
    wave = (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)[None]
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        stream.codec_context.bit_rate = 128_000
        stream.codec_context.time_base = Fraction(1, rate)
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate = rate
        target = stream.codec_context.format.name
        size = stream.codec_context.frame_size or 4096
        resampler = av.AudioResampler(target, "mono", rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("suffix", "codec", "container"),
    [
        ("m4b", "aac", "ipod"), ("mka", "aac", "matroska"), ("mp2", "mp2", "mp2"),
        ("aifc", "pcm_s16be", "aiff"), ("au", "pcm_s16be", "au"),
        ("caf", "pcm_s16be", "caf"), ("wma", "wmav2", "asf"), ("ac3", "ac3", "ac3"),
        ("eac3", "eac3", "eac3"), ("wv", "wavpack", "wv"), ("tta", "tta", "tta"),
        ("mov", "aac", "mov"), ("3gp", "aac", "3gp"), ("w64", "pcm_s24le", "w64"),
    ],
)  # fmt: skip
def test_container_of_a_library_is_read(tmp_path, suffix, codec, container):
    clip = load(encoded(tmp_path / f"a.{suffix}", codec, container)).clip
    assert clip.sampling_rate == RATE
    assert clip.duration_s == pytest.approx(1.0, abs=0.15)
    spectrum = np.abs(np.fft.rfft(clip.samples))
    assert np.argmax(spectrum) * RATE / clip.n_samples == pytest.approx(440, abs=5)


def dsf(path):
    """One bit a sample, 2.8 MHz: a tone of 1 kHz by first-order delta-sigma."""
    rate, n = 2_822_400, 2_822_400 // 4 // (8 * 4096) * (8 * 4096)
    wave = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(n) / rate)
    density = (wave + 1) / 2
    bits = np.diff(np.floor(np.cumsum(density)), prepend=0.0) > 0.5
    data = np.packbits(bits, bitorder="little").tobytes()
    fmt = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, rate, 1, n, 4096, 0)
    head = struct.pack("<4sQQQ", b"DSD ", 28, 28 + 52 + 12 + len(data), 0)
    path.write_bytes(head + fmt + struct.pack("<4sQ", b"data", 12 + len(data)) + data)
    return path


def test_one_bit_sound_is_read_at_a_rate_for_ears(tmp_path):
    decoded = load(dsf(tmp_path / "a.dsf"))
    assert decoded.facts.codec.startswith("dsd")
    assert decoded.clip.sampling_rate == 176_400
    spectrum = np.abs(np.fft.rfft(decoded.clip.samples))[10:5000]
    hz = (np.argmax(spectrum) + 10) * 176_400 / decoded.clip.n_samples
    assert hz == pytest.approx(1000, abs=10)


@pytest.mark.parametrize("tag", [b"drms", b"enca", b"aavd"])
def test_protected_song_is_refused_by_name(tmp_path, tag):
    path = encoded(tmp_path / "a.m4a", "aac", "ipod")
    path.write_bytes(path.read_bytes().replace(b"mp4a", tag, 1))
    with pytest.raises(KnownError, match="protected"):
        load(path)


def test_protected_wma_is_refused(tmp_path):
    path = encoded(tmp_path / "a.wma", "wmav2", "asf")
    guid = bytes.fromhex("14E68A292226174CB935DAE07EE9289C")
    content, at = path.read_bytes(), 30  # after the header object's own fields
    part = guid + struct.pack("<Q", 24)
    size, n_objects = struct.unpack("<QI", content[16:28])
    head = content[:16] + struct.pack("<QI", size + len(part), n_objects + 1)
    path.write_bytes(head + content[28:at] + part + content[at:])
    with pytest.raises(KnownError, match="protected"):
        load(path)


@pytest.mark.parametrize("sync", ["FE7F0180", "FF1F00E8"])
def test_dts_that_calls_itself_samples_is_no_music(tmp_path, sync):
    path = write_audio(tmp_path / "a.wav", noise(duration_s=2.0))
    content = bytearray(path.read_bytes())
    for at in range(1000, len(content) - 4096, 2048):
        content[at : at + 4] = bytes.fromhex(sync)
    path.write_bytes(content)
    with pytest.raises(KnownError, match="encoded"):
        load(path)


def test_loud_noise_is_no_dts(tmp_path):
    path = write_audio(tmp_path / "a.wav", noise(duration_s=2.0))
    assert load(path).clip.duration_s == 2.0
    assert load(write_audio(tmp_path / "b.wav", tone())).clip.duration_s == 1.0
