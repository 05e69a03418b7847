"""The mono mix: channels averaged, none cancelled, every sample a number."""

from __future__ import annotations

import numpy as np
import pytest

from audio import decode
from audio.levels import extent, loudness
from errors import KnownError
from support.files import stereo, write_audio, write_wav
from support.signals import noise, silence, tone
from ui.player.clip_bar import facts_line
from viz import channels


def test_mix_is_the_mean_of_two_channels(tmp_path):
    left, right = tone(400, amplitude=0.6), tone(900, amplitude=0.2)
    path = write_audio(tmp_path / "song.wav", stereo(left, right), 22_050)
    mean = (left.samples + right.samples) / 2
    np.testing.assert_allclose(decode.load(path).clip.samples, mean, atol=1e-4)


def test_mix_of_one_sounding_channel_stays_a_mean(tmp_path):
    path = write_audio(tmp_path / "song.wav", stereo(tone(), silence()), 22_050)
    half = tone().samples / 2
    np.testing.assert_allclose(decode.load(path).clip.samples, half, atol=1e-4)


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a"])
def test_mix_of_antiphase_stereo_is_not_silent(tmp_path, suffix):
    quiet, loud = tone(amplitude=0.4).samples, -tone(amplitude=0.5).samples
    path = write_audio(tmp_path / f"song{suffix}", np.stack([quiet, loud]), 22_050)
    clip = decode.load(path).clip
    assert np.std(clip.samples) == pytest.approx(np.std(loud), rel=0.1)


@pytest.mark.parametrize("n_channels", [3, 6, 8])
def test_mix_of_many_channels_is_their_mean(tmp_path, n_channels):
    channels = [tone(400, amplitude=0.9 / (k + 1)).samples for k in range(n_channels)]
    path = write_audio(tmp_path / "song.flac", np.stack(channels), 22_050)
    facts, mix = decode.probe(path), decode.load(path).clip.samples
    assert facts.n_channels == n_channels
    np.testing.assert_allclose(mix, np.mean(channels, axis=0), atol=1e-4)


def test_mix_takes_more_channels_than_any_layout_names(tmp_path):
    path = write_wav(tmp_path / "song.wav", np.tile(tone().samples[:, None], (1, 12)))
    mix = decode.load(path).clip.samples
    np.testing.assert_allclose(mix, tone().samples, atol=1e-6)


def test_mix_of_many_channels_that_cancel_is_the_loudest(tmp_path):
    left = tone(amplitude=0.5).samples
    channels = np.stack([left, -left, 0 * left, 0 * left], axis=1)
    path = write_wav(tmp_path / "song.wav", channels)
    np.testing.assert_allclose(decode.load(path).clip.samples, left, atol=1e-6)


def test_mix_of_silence_is_silence(tmp_path):
    path = write_audio(tmp_path / "song.wav", stereo(silence()), 22_050)
    assert not decode.load(path).clip.samples.any()


def test_float_file_beyond_full_scale_is_scaled(tmp_path):
    at_scale_of_int16 = tone().samples * 2**15
    clip = decode.load(write_wav(tmp_path / "song.wav", at_scale_of_int16)).clip
    full_scale = tone(amplitude=1.0).samples
    np.testing.assert_allclose(clip.samples, full_scale, atol=1e-3)


def test_lossy_overshoot_is_clipped_and_the_rest_kept(tmp_path):
    sung = noise(amplitude=0.5).samples  # clipped noise overshoots when it is coded
    clip = decode.load(write_audio(tmp_path / "song.mp3", sung, 22_050)).clip
    assert np.abs(clip.samples).max() == 1.0
    assert np.std(clip.samples) == pytest.approx(np.std(sung), rel=0.15)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_few_samples_that_are_no_numbers_become_zero(tmp_path, value):
    samples = tone().samples.copy()
    samples[100:150] = value
    clip = decode.load(write_wav(tmp_path / "song.wav", samples)).clip
    assert not clip.samples[100:150].any()
    np.testing.assert_array_equal(clip.samples[150:], tone().samples[150:])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_many_samples_that_are_no_numbers_are_refused(tmp_path, value):
    samples = tone().samples.astype(np.float64)
    samples[::2] = value
    with pytest.raises(KnownError, match="not_finite") as caught:
        decode.load(write_wav(tmp_path / "song.wav", samples))
    assert caught.value.details["share"] == pytest.approx(0.5)


def test_bass_that_the_mix_loses_is_said(tmp_path):
    """As on a phasey backing track: the bass is opposed, the rest is not."""
    bass, rest = tone(80.0, amplitude=0.3).samples, tone(1000.0, amplitude=0.3).samples
    for left, right, is_lost in [
        (rest + bass, rest - bass, True),
        (rest + bass, rest + bass, False),
        (rest + bass, rest, False),
        (rest, rest, False),
        (bass, -bass, False),  # all of it: one channel is taken alone
    ]:
        path = write_audio(tmp_path / "song.wav", np.stack([left, right]), 22_050)
        found = decode.load(path)
        assert found.levels.is_bass_cancelled is is_lost
        said = channels.describe(
            found, loudness(found.clip), extent(found.clip), None, "en"
        )
        assert ("the bass is lost" in said) is is_lost
        line = facts_line(found, str(path), "en")
        assert ("bass cancels" in line) is is_lost
