"""Files in, clips out; and what is refused is refused with a code of ours."""

from __future__ import annotations

import numpy as np
import pytest

import i18n
from audio import decode
from audio.decode import ffmpeg
from errors import KnownError
from support.files import CODECS, stereo, write_audio, write_video, write_wav
from support.signals import click, noise, tone

LOSSLESS = (".wav", ".w64", ".aiff", ".au", ".flac", ".mkv")
CODES = """not_audio empty_file too_large too_short broken_audio not_finite
    odd_sampling_rate unreadable""".split()


def peak_hz(clip):
    middle = clip.samples[len(clip.samples) // 4 :][: clip.sampling_rate // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return spectrum.argmax() * clip.sampling_rate / len(middle)


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples))))


@pytest.mark.parametrize("suffix", CODECS)
def test_decode_hears_a_tone_in_every_format(tmp_path, suffix):
    sung = tone(1000, 1.0, 48_000)
    path = write_audio(tmp_path / f"song{suffix}", stereo(sung), 48_000)
    clip = decode.load(path).clip
    assert clip.sampling_rate == 48_000
    assert clip.duration_s == pytest.approx(1.0, abs=0.06)  # codecs pad a frame or two
    assert peak_hz(clip) == pytest.approx(1000, abs=2)
    assert rms(clip.samples) == pytest.approx(rms(sung.samples), rel=0.1)


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_decode_keeps_every_sample_of_a_lossless_file(tmp_path, suffix):
    sung = noise(duration_s=2.0)  # a multiple of 8 bytes, which w64 pads to
    clip = decode.load(write_audio(tmp_path / f"song{suffix}", sung)).clip
    assert clip.n_samples == sung.n_samples
    np.testing.assert_allclose(clip.samples, sung.samples, atol=1 / 2**15)


def test_au_as_another_program_writes_it_is_read(tmp_path):
    import soundfile

    sung = noise(duration_s=2.0)
    soundfile.write(tmp_path / "blues.00000.au", sung.samples, sung.sampling_rate)
    song = decode.load(tmp_path / "blues.00000.au")
    assert (song.facts.container, song.facts.bit_depth) == ("au", 16)
    np.testing.assert_allclose(song.clip.samples, sung.samples, atol=1 / 2**15)


def test_decode_keeps_a_click_where_it_is(tmp_path):
    path = write_audio(tmp_path / "song.mp3", click(0.5, 1.0, 44_100, amplitude=0.9))
    clip = decode.load(path).clip
    assert np.abs(clip.samples).argmax() / 44_100 == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("rate", [2_000, 8_000, 11_025, 22_050, 96_000, 192_000])
def test_decode_keeps_the_rate_of_the_file(tmp_path, rate):
    clip = decode.load(write_audio(tmp_path / "song.flac", tone(440, 0.5, rate))).clip
    assert (clip.sampling_rate, clip.n_samples) == (rate, rate // 2)


def test_decode_gives_a_clip_that_nobody_can_change(tmp_path):
    clip = decode.load(write_audio(tmp_path / "my song.wav", tone())).clip
    assert clip.name == "my song.wav"
    assert clip.samples.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        clip.samples[0] = 0


def test_decode_calls_the_song_by_a_given_name(tmp_path):
    path = write_audio(tmp_path / "a1b2.wav", tone())
    assert decode.load(path, name="Song No. 5.wav").clip.name == "Song No. 5.wav"


@pytest.mark.parametrize(
    "name", ["歌 曲.wav", "http:%d.wav", "concat:a|b.wav", "-i.wav"]
)
def test_decode_takes_a_name_for_a_name_only(tmp_path, name):
    path = write_audio(tmp_path / "song.wav", tone()).rename(tmp_path / name)
    assert decode.load(path).clip.n_samples == tone().n_samples


def test_decode_ignores_a_wrong_suffix(tmp_path):
    path = write_audio(tmp_path / "song.m4a", tone())
    assert decode.probe(path.rename(tmp_path / "song.wav")).container == "mp4"


def test_decode_hears_the_sound_of_a_video(tmp_path):
    path = write_video(tmp_path / "film.mp4", tone(500, 1.0, 44_100))
    assert peak_hz(decode.load(path).clip) == pytest.approx(500, abs=2)


def test_damage_in_the_middle_leaves_the_rest(tmp_path):
    path = write_audio(tmp_path / "song.mp3", tone(440, 4.0, 44_100))
    content = bytearray(path.read_bytes())
    content[20_000:22_000] = bytes(2_000)
    path.write_bytes(content)
    clip = decode.load(path).clip
    assert clip.duration_s == pytest.approx(4.0, abs=0.3)
    assert peak_hz(clip) == pytest.approx(440, abs=2)


def test_chained_songs_are_heard_at_the_first_rate(tmp_path):
    first = write_audio(tmp_path / "song.mp3", tone(440, 2.0, 44_100))
    second = write_audio(tmp_path / "b.mp3", stereo(tone(880, 2.0, 22_050)), 22_050)
    first.write_bytes(first.read_bytes() + second.read_bytes())
    clip = decode.load(first).clip
    assert clip.sampling_rate == 44_100
    assert clip.duration_s == pytest.approx(4.0, abs=0.2)
    assert peak_hz(clip.slice(2.5, 4.0)) == pytest.approx(880, abs=2)


def test_long_song_is_cut_and_not_decoded_to_its_end(tmp_path, monkeypatch):
    n_decoded = []
    decoded = ffmpeg._frames

    def counted(stream):
        for frame in decoded(stream):
            n_decoded.append(frame.samples)
            yield frame

    monkeypatch.setattr(ffmpeg, "_frames", counted)
    path = write_audio(tmp_path / "song.mp3", tone(440, 60.0, 16_000))
    song = decode.load(path, limits=decode.Limits(max_duration_s=2.5))
    assert (song.cut_at_s, song.clip.duration_s) == (2.5, 2.5)
    assert song.facts.duration_s == pytest.approx(60.0)
    assert sum(n_decoded) < 5 * 16_000


def test_song_of_just_the_limit_is_not_cut(tmp_path):
    path = write_audio(tmp_path / "song.wav", tone(duration_s=2.0))
    song = decode.load(path, limits=decode.Limits(max_duration_s=2.0))
    assert song.cut_at_s is None
    assert song.clip.duration_s == 2.0


def test_large_file_is_refused_unread(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(b"RIFF" + bytes(2_000_000))
    with pytest.raises(KnownError, match="too_large") as caught:
        decode.load(path, limits=decode.Limits(max_bytes=1_000_000))
    assert caught.value.details["mb"] == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("rate", [1, 1_999, 192_001, 1_000_000])
def test_absurd_rates_are_refused(tmp_path, rate):
    path = write_wav(tmp_path / "song.wav", tone().samples, rate)
    with pytest.raises(KnownError, match="odd_sampling_rate"):
        decode.load(path)
    with pytest.raises(KnownError, match="odd_sampling_rate"):
        decode.probe(path)


def test_recording_of_a_sensor_is_refused_with_the_command_that_helps(tmp_path):
    """A seismogram: at 44,100 Hz, as the command has it, it is read."""
    slow = tone(20.0, duration_s=20.0, sampling_rate=500)
    with pytest.raises(KnownError, match="odd_sampling_rate") as caught:
        decode.load(write_audio(tmp_path / "slow.wav", slow))
    assert "ffmpeg -i in.wav -ar 44100 out.wav" in i18n.sentence(caught.value)
    assert decode.load(write_audio(tmp_path / "usual.wav", slow.resampled(44_100)))


@pytest.mark.parametrize("n_samples", [1, 10, 2_204])
def test_short_sound_is_refused(tmp_path, n_samples):
    path = write_wav(tmp_path / "song.wav", tone().samples[:n_samples])
    with pytest.raises(KnownError, match="too_short") as caught:
        decode.load(path, name="note.wav")
    assert caught.value.details["name"] == "note.wav"
    assert caught.value.details["duration_s"] == pytest.approx(n_samples / 22_050)


def test_file_without_samples_is_empty(tmp_path):
    with pytest.raises(KnownError, match="empty_file"):
        decode.load(write_wav(tmp_path / "song.wav", tone().samples[:0]))


def test_file_without_bytes_is_empty(tmp_path):
    (tmp_path / "song.mp3").touch()
    with pytest.raises(KnownError, match="empty_file"):
        decode.load(tmp_path / "song.mp3")


@pytest.mark.parametrize("name", ["missing.wav", ".", "nul\0.wav", "x" * 300])
def test_what_is_no_file_is_unreadable(tmp_path, name):
    with pytest.raises(KnownError, match="unreadable"):
        decode.load(tmp_path / name)


def test_forbidden_file_is_unreadable(tmp_path, monkeypatch):
    path = write_audio(tmp_path / "song.wav", tone())

    def deny(*_):
        raise PermissionError

    monkeypatch.setattr(ffmpeg, "demuxed", deny)  # root may read everything
    with pytest.raises(KnownError, match="unreadable"):
        decode.load(path)


def damaged(content, rng):
    """One file's content, spoilt in many ways."""
    n_bytes = len(content)
    for share in (0.01, 0.1, 0.3, 0.6, 0.9):
        yield content[: int(n_bytes * share)]
    for n_flips, within in ((3, 300), (8, 300), (30, n_bytes), (1_000, n_bytes)):
        spoilt = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(min(within, n_bytes), size=n_flips)
        spoilt[places] ^= rng.integers(1, 256, n_flips, dtype=np.uint8)
        yield spoilt.tobytes()
    yield content[100:]
    yield content[: n_bytes // 2] + rng.bytes(2_000) + content[n_bytes // 2 :]


@pytest.mark.parametrize("suffix", CODECS)
def test_damaged_files_raise_nothing_but_known_errors(tmp_path, suffix):
    rng = np.random.default_rng(1)
    sung = stereo(noise(duration_s=0.5, sampling_rate=48_000))
    content = write_audio(tmp_path / f"whole{suffix}", sung, 48_000).read_bytes()
    for k, spoilt in enumerate(damaged(content, rng)):
        path = tmp_path / f"{k}{suffix}"
        path.write_bytes(spoilt)
        try:
            samples = decode.load(path).clip.samples
        except KnownError as error:
            assert error.code in CODES
        else:
            assert np.isfinite(samples).all()
            assert np.abs(samples).max() <= 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (OSError, "unreadable"),
        (ValueError, "broken_audio"),
        (ZeroDivisionError, "broken_audio"),
    ],
)
def test_failures_of_the_decoder_are_wrapped(tmp_path, monkeypatch, failure, code):
    def fail(_):
        raise failure

    path = write_audio(tmp_path / "song.wav", tone())
    monkeypatch.setattr(ffmpeg, "blocks", fail)
    with pytest.raises(KnownError, match=code):
        decode.load(path)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_refusal_names_the_file(language):
    details = {"mb": 120.0, "max_mb": 100.0, "duration_s": 0.01, "min_duration_s": 0.1}
    details |= {"sampling_rate": 1, "lowest": 2_000, "highest": 192_000, "share": 0.5}
    for code in CODES:
        error = KnownError(code, name="song.mp3", **details)
        assert "song.mp3" in i18n.sentence(error, language)
