"""What a file was, as its header says."""

from __future__ import annotations

import numpy as np
import pytest

from audio import decode
from support.files import stereo, write_audio, write_tracks
from support.signals import tone
from ui.player.clip_bar import facts_line


def test_facts_tell_what_the_file_was(tmp_path):
    path = write_audio(tmp_path / "song.flac", stereo(tone(duration_s=1.5)), 22_050)
    facts = decode.SourceFacts("flac", "flac", 2, 22_050, 16, 1.5, path.stat().st_size)
    assert decode.probe(path) == facts
    assert decode.load(path).facts == facts


@pytest.mark.parametrize(
    ("suffix", "codec", "facts"),
    [
        (".wav", "pcm_s24le", ("wav", "pcm_s24le", 24)),
        (".wav", "pcm_u8", ("wav", "pcm_u8", 8)),
        (".wav", "pcm_f32le", ("wav", "pcm_f32le", 32)),
        (".m4a", "alac", ("mp4", "alac", 24)),
        (".m4a", "aac", ("mp4", "aac", None)),
        (".mp3", "libmp3lame", ("mp3", "mp3", None)),
        (".webm", "libopus", ("matroska", "opus", None)),
    ],
)
def test_facts_name_codec_and_bit_depth(tmp_path, suffix, codec, facts):
    sung = tone(sampling_rate=48_000)
    found = decode.probe(write_audio(tmp_path / f"song{suffix}", sung, codec=codec))
    assert (found.container, found.codec, found.bit_depth) == facts


def test_facts_leave_a_guessed_duration_out(tmp_path):
    sung = tone(duration_s=3.0)
    bare = write_audio(tmp_path / "bare.mp3", sung, options={"write_xing": "0"})
    assert decode.probe(bare).duration_s is None
    assert decode.load(bare).clip.duration_s == pytest.approx(3.0, abs=0.1)
    assert decode.probe(write_audio(tmp_path / "a.aac", sung)).duration_s is None
    counted = write_audio(tmp_path / "counted.mp3", sung)
    assert decode.probe(counted).duration_s == pytest.approx(3.0)


def test_facts_find_the_duration_behind_a_cover(tmp_path):
    path = write_audio(tmp_path / "song.mp3", tone(duration_s=3.0))
    n_bytes = 70_000
    size = bytes(n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x04\0\0" + size + bytes(n_bytes) + path.read_bytes())
    assert decode.probe(path).duration_s == pytest.approx(3.0)


def test_facts_tell_which_of_a_film_s_sound_tracks_is_read(tmp_path):
    comment, music = np.stack([tone().samples]), np.stack([tone().samples] * 6)
    path = write_tracks(tmp_path / "film.mkv", comment, music)
    found = decode.load(path)
    facts = found.facts
    assert (facts.n_channels, facts.track, facts.n_tracks) == (6, 2, 2)
    assert "sound track 2 of 2" in facts_line(found, str(path), "en")
