"""The plainest files are read without FFmpeg, to the same samples; all others with it."""

import shutil
import wave

import numpy as np
import pytest

from audio import decode
from audio.decode import wav
from errors import KnownError
from support.signals import noise


def save(path, samples, *, n_channels=1, width=2, rate=22_050):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(n_channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture
def samples():
    return np.rint(noise(duration_s=1.0).samples * 32_767).astype("<i2")


def test_plainest_file_gives_the_samples_that_ffmpeg_gives(tmp_path, samples):
    samples[:2] = -32_768, 32_767
    path = save(tmp_path / "song.wav", samples)
    assert wav.plain(path) is not None
    quick, usual = wav.clip(path), decode.load(path).clip
    assert np.array_equal(quick.samples, usual.samples)
    assert (quick.sampling_rate, quick.name) == (usual.sampling_rate, usual.name)
    assert not quick.samples.flags.writeable


def test_what_is_not_the_plainest_kind_is_left_to_ffmpeg(tmp_path, samples):
    stereo = save(tmp_path / "stereo.wav", np.repeat(samples, 2), n_channels=2)
    fine = save(tmp_path / "fine.wav", samples.astype("<i4") << 16, width=4)
    renamed = shutil.copy(save(tmp_path / "a.wav", samples), tmp_path / "song.au")
    for path in (stereo, fine, renamed):
        usual = decode.load(path).clip
        assert np.array_equal(wav.clip(path).samples, usual.samples)
    assert wav.plain(stereo) is None
    assert wav.plain(fine) is None


@pytest.mark.parametrize("n_bytes", [0, 20, 44, 20_000])
def test_file_that_is_cut_off_ends_as_it_does_with_ffmpeg(tmp_path, samples, n_bytes):
    path = save(tmp_path / "song.wav", samples)
    path.write_bytes(path.read_bytes()[:n_bytes])
    assert wav.plain(path) is None
    ends = []
    for read in (wav.clip, lambda path: decode.load(path).clip):
        try:
            ends.append(len(read(path).samples))
        except KnownError as error:
            ends.append(error.code)
    assert ends[0] == ends[1]


def test_file_whose_header_says_no_length_is_read_by_ffmpeg(tmp_path, samples):
    path = save(tmp_path / "song.wav", samples)
    content = bytearray(path.read_bytes())
    content[40:44] = bytes(4)
    path.write_bytes(content)
    assert wav.plain(path) is None


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (decode.Limits(max_bytes=1000), "too_large"),
        (decode.Limits(min_duration_s=2.0), "too_short"),
        (decode.Limits(min_sampling_rate=30_000), "odd_sampling_rate"),
    ],
)
def test_limits_hold_for_the_plainest_files_too(tmp_path, samples, limits, code):
    path = save(tmp_path / "song.wav", samples)
    with pytest.raises(KnownError, match=code):
        wav.clip(path, limits=limits)


def test_plain_file_that_is_too_long_is_cut(tmp_path, samples):
    path = save(tmp_path / "song.wav", samples)
    clip = wav.clip(path, limits=decode.Limits(max_duration_s=0.5))
    assert clip.duration_s == pytest.approx(0.5, abs=1e-3)


def test_text_named_wav_is_refused(tmp_path):
    (tmp_path / "song.wav").write_text("no sound")
    with pytest.raises(KnownError):
        wav.clip(tmp_path / "song.wav")
