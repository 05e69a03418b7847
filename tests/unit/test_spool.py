"""A sound on disk is the sound in memory, and takes none."""

import gc
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import app
from audio import decode
from audio.decode import Limits, spooled
from audio.speech import signs
from classifier.predict import listen, predict
from errors import KnownError
from settings import Host, Settings
from support.files import stereo, write_audio, write_wav
from support.signals import noise, sweep, tone
from trainer.data import song_files


def antiphase():
    return stereo(tone(amplitude=0.4), tone(amplitude=-0.5))


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a", ".flac"])
@pytest.mark.parametrize("sound", [stereo(tone(400), tone(900)), antiphase()])
def test_spooled_sound_is_the_decoded_one(tmp_path, suffix, sound):
    path = write_audio(tmp_path / f"song{suffix}", sound, 22_050)
    clip = decode.load(path).clip
    with spooled(path) as (spool, cut_at_s):
        assert cut_at_s is None
        assert (spool.name, spool.sampling_rate) == (clip.name, clip.sampling_rate)
        assert (spool.n_samples, spool.duration_s) == (clip.n_samples, clip.duration_s)
        np.testing.assert_array_equal(spool.part(0, 10**9), clip.samples)
        np.testing.assert_array_equal(spool.part(-5, 777), clip.part(-5, 777))
        assert len(spool.part(10**8, 10**9)) == 0
        found, expected = spool.slice(0.25, 0.5), clip.slice(0.25, 0.5)
        np.testing.assert_array_equal(found.samples, expected.samples)
        with pytest.raises(KnownError, match="empty_range"):
            spool.slice(5000.0, 6000.0)


def test_float_wav_of_any_scale_is_scaled_to_its_peak(tmp_path):
    samples = (tone(amplitude=1.0).samples * 30_000).astype(np.float32)
    path = write_wav(tmp_path / "loud.wav", samples, 22_050)
    clip = decode.load(path).clip
    with spooled(path) as (spool, _):
        np.testing.assert_allclose(spool.part(0, 10**9), clip.samples, atol=1e-6)
        assert np.abs(spool.part(0, 10**9)).max() == pytest.approx(1.0)


def test_long_sound_is_cut_at_the_limit(tmp_path):
    path = write_audio(tmp_path / "song.wav", noise(duration_s=3.0))
    limits = Limits(max_duration_s=1.5)
    with spooled(path, limits=limits) as (spool, cut_at_s):
        assert (spool.duration_s, cut_at_s) == (1.5, 1.5)
        assert len(spool.part(0, 10**9)) == spool.n_samples


def silent_but_for_a_second(path, duration_s, sampling_rate, n_channels):
    """A wav of 16 bits, loud for a second in its middle; the rest takes no disk."""
    write_audio(path, np.zeros((n_channels, 100)), sampling_rate)
    moment = 2 * n_channels  # bytes
    n_bytes, second = duration_s * sampling_rate * moment, sampling_rate * moment
    head = bytearray(path.read_bytes()[:44])
    head[4:8] = (36 + n_bytes).to_bytes(4, "little")
    head[36:44] = b"data" + n_bytes.to_bytes(4, "little")
    with path.open("wb") as file:
        file.write(head)
        file.seek(44 + duration_s // 2 * second)
        file.write(b"\0\x40" * n_channels * sampling_rate)
        file.truncate(44 + n_bytes)
    return path


def test_own_song_is_refused_for_no_size(tmp_path):
    """9:40 from a CD is more than 100 MB."""
    path = silent_but_for_a_second(tmp_path / "cd.wav", 580, 44_100, 2)
    assert path.stat().st_size > Limits().max_bytes
    in_place = replace(Settings(), n_readers=0)
    for own in (decode.OWN, app.limits_of(in_place), app.own_limits_of(in_place)):
        assert decode.probe(path, own).duration_s == 580
    space = replace(in_place, host=Host("cpu"))
    for others in (Limits(), app.limits_of(space), app.own_limits_of(space)):
        with pytest.raises(KnownError, match="too_large"):
            decode.probe(path, others)


def test_training_reads_the_middle_of_a_long_song(tmp_path):
    path = silent_but_for_a_second(tmp_path / "long.wav", 300, 4_000, 1)
    clip = song_files.read(path)
    assert clip.duration_s == song_files.MIDDLE_S
    loud_s = np.flatnonzero(clip.samples) / clip.sampling_rate
    assert loud_s[[0, -1]] == pytest.approx([60, 61], abs=0.001)


def test_bad_file_is_refused_as_it_is_in_memory(tmp_path):
    path = tmp_path / "song.mp3"
    path.write_text("no sound at all")
    with pytest.raises(KnownError, match="not_audio"), spooled(path):
        pass


def test_answer_from_the_disk_is_the_answer_from_memory(tmp_path, model):
    path = write_audio(tmp_path / "song.mp3", sweep(duration_s=4.2))
    clip = decode.load(path).clip
    with spooled(path) as (spool, _):
        assert predict(spool, model).chunks == predict(clip, model).chunks
        assert signs(spool) == signs(clip)


@pytest.mark.minute
def test_memory_of_a_song_on_disk_does_not_grow_with_its_length(tmp_path, model):
    def peak_bytes(duration_s):
        path = write_audio(tmp_path / "song.flac", noise(duration_s=duration_s))
        gc.collect()
        tracemalloc.start()
        with spooled(path) as (spool, _):
            for answer in listen(spool, model, effort="quick"):
                assert answer.genres
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(2.0)  # what is kept from the first time on
    short, long = peak_bytes(10.0), peak_bytes(60.0)
    n_grown = 50 * 22_050 * 4  # bytes of the difference, had it been kept
    assert long - short < 0.1 * n_grown
