"""Channels before the mix: outlines that are exact, and what one side has alone."""

import numpy as np
import pytest

from audio import decode
from audio.decode import channels
from audio.transforms.pixels import envelope
from support.files import stereo, write_audio, write_wav
from support.signals import click, noise, silence, tone

LEFT, RIGHT = noise(1, 2.0), tone(440, 2.0)


def blocks(path):
    return decode.channel_blocks(path)


def outlined(path, n_columns=300, start=0, stop=LEFT.n_samples):
    return channels.outlined(blocks(path), start, stop, n_columns)


def test_blocks_are_all_that_is_in_the_file(tmp_path):
    path = write_audio(tmp_path / "a.wav", stereo(LEFT, RIGHT), 22_050)
    both = np.concatenate(list(blocks(path)))
    assert both.shape == (LEFT.n_samples, 2)
    np.testing.assert_allclose(both.T, stereo(LEFT, RIGHT), atol=1 / 2**15)


@pytest.mark.parametrize(("start", "stop"), [(0, 44_100), (12_345, 31_000), (7, 9)])
def test_passage_is_exact_wherever_blocks_end(tmp_path, start, stop):
    path = write_audio(tmp_path / "a.flac", stereo(LEFT, RIGHT), 22_050)
    whole = np.concatenate(list(blocks(path)))
    part = np.concatenate(list(channels.passage(blocks(path), start, stop)))
    np.testing.assert_array_equal(part, whole[start:stop])


@pytest.mark.parametrize(("start", "stop"), [(0, 44_100), (16_000, 40_001), (5, 25)])
def test_outlines_equal_those_of_each_channel_alone(tmp_path, start, stop):
    path = write_audio(tmp_path / "a.flac", stereo(LEFT, RIGHT), 22_050)
    whole = np.concatenate(list(blocks(path)))
    found = outlined(path, 300, start, stop)
    for outline, samples in zip(found.outlines, whole.T, strict=True):
        alone = envelope(np.ascontiguousarray(samples[start:stop]), 300)
        np.testing.assert_array_equal(outline.lows, alone.lows)
        np.testing.assert_array_equal(outline.highs, alone.highs)


def test_click_on_one_side_stays_on_that_side(tmp_path):
    clicked = click(1.0, 2.0, amplitude=0.9)
    path = write_audio(tmp_path / "a.wav", stereo(silence(2.0), clicked), 22_050)
    left, right = outlined(path, 100).outlines
    assert not left.highs.any()
    assert right.highs.argmax() == 50
    assert np.count_nonzero(right.highs) == 1


def test_side_level_tells_how_wide_a_sound_is(tmp_path):
    def side_db(right):
        samples = np.stack([RIGHT.samples, right], axis=1)
        return outlined(write_wav(tmp_path / "a.wav", samples)).side_db

    assert side_db(RIGHT.samples) < -150
    assert side_db(silence(2.0).samples) == pytest.approx(0, abs=0.01)
    assert side_db(LEFT.samples) == pytest.approx(0, abs=0.1)  # nothing in common
    assert side_db(-RIGHT.samples) > 150


def test_level_of_each_channel_is_sine_referenced(tmp_path):
    sound = np.stack([RIGHT.samples, RIGHT.samples / 10], axis=1)
    found = outlined(write_wav(tmp_path / "a.wav", sound))
    assert found.rms_dbfs == pytest.approx((-6.02, -26.02), abs=0.01)


def test_single_channel_has_no_side(tmp_path):
    found = outlined(write_audio(tmp_path / "a.wav", LEFT))
    assert len(found.outlines) == 1
    assert found.side_db is None


def test_eight_channels_have_eight_outlines(tmp_path):
    eight = np.stack([tone(440, 2.0, amplitude=n / 10).samples for n in range(1, 9)])
    found = outlined(write_audio(tmp_path / "a.wav", eight, 22_050))
    highest = [outline.highs.max() for outline in found.outlines]
    assert highest == pytest.approx(np.arange(1, 9) / 10, abs=1e-3)


def test_levels_beyond_full_scale_are_drawn_at_full_scale(tmp_path):
    loud = (4 * stereo(RIGHT)).T.astype(np.float32)
    for outline in outlined(write_wav(tmp_path / "a.wav", loud)).outlines:
        assert outline.highs.max() == 1
        assert outline.lows.min() == -1
