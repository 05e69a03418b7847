"""How loud a clip is and where it lies, against closed forms."""

import numpy as np
import pytest

from audio.clip import Clip
from audio.levels import FlatTops, extent, loudness, n_flat
from support.signals import click, noise, silence, tone


def square(amplitude=0.5):
    return Clip(amplitude * np.sign(tone(100.5).samples + 1e-9), 22_050)


@pytest.mark.parametrize("amplitude", [1.0, 0.5, 0.001])
def test_crest_factor_is_3_db_of_a_sine_and_0_of_a_square_wave(amplitude):
    assert loudness(tone(amplitude=amplitude)).crest_db == pytest.approx(3.01, abs=0.01)
    assert loudness(square(amplitude)).crest_db == pytest.approx(0, abs=0.01)


def test_crest_factor_of_one_sample_in_a_second_is_its_length():
    expected_db = 10 * np.log10(22_050)
    assert loudness(click()).crest_db == pytest.approx(expected_db, abs=0.01)


def test_extent_keeps_both_sides_apart():
    lopsided = extent(Clip(np.array([0.25, -0.75, 0.5]), 8000))
    assert (lopsided.lowest, lopsided.highest) == (-0.75, 0.5)
    assert lopsided.offset == 0


def test_extent_finds_what_a_faulty_card_adds():
    shifted = Clip(tone().samples + np.float32(0.01), 22_050)
    assert extent(shifted).offset == pytest.approx(0.01, abs=1e-5)
    assert extent(tone()).offset == pytest.approx(0, abs=1e-5)


def test_extent_counts_clipped_samples_on_both_sides():
    loud = 2 * noise(amplitude=0.4).samples
    clipped = Clip(np.clip(loud, -1, 1), 22_050)
    expected = np.count_nonzero(np.abs(loud) >= 0.999)
    assert extent(clipped).n_full == expected > 100
    assert extent(tone(amplitude=0.99)).n_full == 0


def test_silence_and_nothing_have_no_extent():
    for clip in (silence(), Clip(np.zeros(0), 8000)):
        found = extent(clip)
        assert (found.lowest, found.highest, found.offset) == (0, 0, 0)
        assert found.n_full == 0


def test_flat_tops_are_counted_wherever_they_are():
    wave = 1.5 * tone(440.0, amplitude=1.0).samples
    for limit in (1.0, 0.989):  # full scale, and a limiter at -0.1 dB
        cut = np.clip(wave, -limit, limit)
        expected = np.count_nonzero(np.abs(wave) >= limit)
        assert n_flat(cut) == pytest.approx(expected, rel=0.02)
        assert expected > 1000


def test_waves_that_nobody_cut_off_have_no_flat_tops():
    assert n_flat(tone(440.0, amplitude=1.0).samples) < 3
    assert n_flat(noise(amplitude=0.3).samples) == 0
    assert n_flat(silence().samples) == n_flat(np.zeros(0, np.float32)) == 0
    coarse = np.round(tone(50.0, amplitude=0.4).samples * 127) / 127
    assert n_flat(coarse) == 0


@pytest.mark.parametrize("n_block", [1, 2, 7, 1024])
def test_flat_tops_are_counted_alike_block_by_block(n_block):
    wave = 1.2 * tone(441.0, amplitude=1.0).samples * np.linspace(0.5, 1, 22_050)
    cut = np.clip(wave, -0.9, 0.95).astype(np.float32)
    tops = FlatTops()
    for start in range(0, len(cut), n_block):
        block = cut[start : start + n_block]
        tops.add(block, float(block.min()), float(block.max()))
    assert tops.n_samples == n_flat(cut) > 1000
