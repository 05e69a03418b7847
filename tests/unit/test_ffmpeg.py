"""Odd files: those with sound are heard, and those without cannot do harm."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from audio import decode
from audio.decode import ffmpeg
from errors import KnownError
from support.files import CODECS, stereo, write_audio, write_video, write_wav
from support.signals import noise, tone


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 10**9])
def test_streamed_wav_gives_all_of_it(tmp_path, size):
    samples = tone(duration_s=3.0).samples
    path = write_wav(tmp_path / "song.wav", samples, size=size)
    assert decode.load(path).clip.duration_s == 3.0


@pytest.mark.parametrize(
    "oddness",
    [
        {"extra": b"JUNK" + struct.pack("<I", 28) + bytes(28)},
        {"extra": b"LIST" + struct.pack("<I", 10) + b"INFOabcdef"},
        {"block_align": 0},
        {"block_align": 3},
    ],
)
def test_wav_with_an_odd_header_is_read(tmp_path, oddness):
    path = write_wav(tmp_path / "song.wav", tone().samples, **oddness)
    assert decode.load(path).clip.duration_s == 1.0


def test_recording_of_a_browser_is_read(tmp_path):
    spoken = tone(440, 2.0, 48_000)
    path = write_audio(tmp_path / "audio.webm", spoken, options={"live": "1"})
    song = decode.load(path)
    assert song.facts.duration_s is None
    assert song.clip.duration_s == pytest.approx(2.0, abs=0.03)


def test_fragmented_mp4_is_read(tmp_path):
    options = {"movflags": "frag_keyframe+empty_moov"}
    path = write_audio(tmp_path / "song.mp4", tone(440, 2.0, 44_100), options=options)
    assert decode.load(path).clip.duration_s == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize("suffix", sorted(set(CODECS) - {".m4a", ".mp4", ".mov"}))
def test_truncated_file_gives_what_is_there(tmp_path, suffix):
    sung = stereo(noise(duration_s=4.0, sampling_rate=48_000))
    path = write_audio(tmp_path / f"song{suffix}", sung, 48_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0.9 < decode.load(path).clip.duration_s < 2.5  # ogg's pages last a second


@pytest.mark.parametrize("suffix", [".mp3", ".wav", ".m4a", ".txt"])
@pytest.mark.parametrize(
    "content",
    [
        b"This is not a song. " * 500,
        b"x",
        bytes(50_000),
        b"\xff" * 50_000,
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(500),
        b"GIF89a" + bytes(500),
        b"%PDF-1.7\n" + bytes(500),
        b"PK\x03\x04" + bytes(500),
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n",
        b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(500),
        np.random.default_rng(0).bytes(50_000),
    ],
)
def test_what_is_no_sound_is_not_audio(tmp_path, suffix, content):
    path = tmp_path / f"song{suffix}"
    path.write_bytes(content)
    with pytest.raises(KnownError, match="not_audio"):
        decode.load(path)


@pytest.mark.parametrize(
    "playlist",
    [
        "ffconcat version 1.0\nfile '{song}'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{song}\n#EXT-X-ENDLIST\n",
        "[playlist]\nFile1={song}\n",
        "file '{song}'\n",
    ],
)
def test_playlist_cannot_name_a_local_file(tmp_path, playlist):
    song = write_audio(tmp_path / "secret.wav", tone()).name  # absolute ones are easy
    for suffix in (".mp3", ".m3u8", ".ffconcat", ".wav"):
        path = tmp_path / f"song{suffix}"
        path.write_text(playlist.format(song=song))
        with pytest.raises(KnownError, match="not_audio"):
            decode.load(path)


def test_video_without_sound_is_not_audio(tmp_path):
    with pytest.raises(KnownError, match="not_audio"):
        decode.load(write_video(tmp_path / "film.mp4"))


def test_video_is_never_decoded():
    assert not {"h264", "hevc", "mpeg4", "vp8", "png", "mjpeg"} & set(ffmpeg.CODECS)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".m4a", ".mkv", ".w64"])
def test_file_cut_within_its_header_is_broken(tmp_path, suffix):
    path = write_audio(tmp_path / f"song{suffix}", tone(sampling_rate=48_000))
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(KnownError, match="broken_audio"):
        decode.load(path)


def test_mp4_that_lost_its_index_is_broken(tmp_path):
    path = write_audio(tmp_path / "song.m4a", tone(duration_s=3.0))
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(KnownError, match="broken_audio"):
        decode.load(path)


def test_file_whose_every_packet_is_broken_is_broken(tmp_path):
    path = write_audio(tmp_path / "song.m4a", tone(duration_s=3.0))
    content = bytearray(path.read_bytes())
    start, stop = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[start:stop] = b"\xff" * (stop - start)
    path.write_bytes(content)
    assert decode.probe(path).codec == "aac"
    with pytest.raises(KnownError, match="broken_audio"):
        decode.load(path)
