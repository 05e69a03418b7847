"""Few bits against the rule and the theory of dither."""

import numpy as np
import pytest

from audio import transforms
from audio.clip import Clip
from audio.transforms.quantization import quantised
from errors import KnownError
from support.signals import noise, silence, sweep, tone

RATE = 22_050


def full_scale():
    return tone(997.0, duration_s=3.0, amplitude=1.0)


def test_snr_of_a_full_scale_sine_is_as_measured_elsewhere():
    for n_bits, snr_db in ((16, 98.1), (8, 49.1), (4, 23.2), (2, 9.6)):
        measured = quantised(full_scale(), n_bits, is_dithered=False)
        assert measured.snr_db == pytest.approx(snr_db, abs=0.5)


def test_rule_is_6_db_a_bit_and_holds_where_the_top_is_not_cut():
    for n_bits in range(6, 17):
        height = 2.0 ** (1 - n_bits)
        clip = tone(997.0, duration_s=3.0, amplitude=1.0 - height)
        result = quantised(clip, n_bits, is_dithered=False)
        loss_db = -20 * np.log10(1.0 - height)
        assert result.rule_db == pytest.approx(6.02 * n_bits + 1.76, abs=0.02)
        assert result.snr_db == pytest.approx(result.rule_db - loss_db, abs=0.35)


def test_samples_are_whole_steps_and_zero_is_one():
    for is_dithered in (False, True):
        for n_bits in (2, 5, 16):
            result = quantised(full_scale(), n_bits, is_dithered=is_dithered)
            stairs = result.clip.samples / result.step
            assert result.step == 2 / 2**n_bits
            assert np.array_equal(stairs, np.rint(stairs))
            assert stairs.min() == -(2 ** (n_bits - 1))
            assert stairs.max() == 2 ** (n_bits - 1) - 1
    two_bits = quantised(full_scale(), 2, is_dithered=False).clip.samples
    assert np.array_equal(np.unique(two_bits), [-1.0, -0.5, 0.0, 0.5])


def test_error_is_the_difference_and_at_most_half_a_step():
    clip = noise()
    result = quantised(clip, 6, is_dithered=False)
    assert np.allclose(result.clip.samples - clip.samples, result.error, atol=1e-7)
    assert np.abs(result.error).max() <= result.step / 2
    assert result.error.std() == pytest.approx(result.step / 12**0.5, rel=0.02)


def test_dithered_error_knows_nothing_of_the_signal():
    height = 2.0**-7
    for part in (0.0, 0.25, 0.5, 0.7):
        held = Clip(np.full(200_000, part * height), RATE)
        plain = quantised(held, 8, is_dithered=False)
        dithered = quantised(held, 8, is_dithered=True)
        assert plain.error.std() < 1e-6 * height  # the same error at every sample
        assert dithered.error.mean() == pytest.approx(0.0, abs=0.01 * height)
        assert dithered.error.std() == pytest.approx(height / 2, rel=0.01)


def test_dither_costs_4_8_db():
    clip = tone(997.0, duration_s=3.0, amplitude=0.9)
    plain, dithered = (quantised(clip, 8, is_dithered=d).snr_db for d in (False, True))
    assert plain - dithered == pytest.approx(10 * np.log10(3), abs=0.2)


def test_a_tone_below_half_a_step_is_heard_only_with_dither():
    quiet = tone(1000.0, duration_s=2.0, amplitude=0.4 * 2.0**-7)
    plain = quantised(quiet, 8, is_dithered=False)
    assert not plain.clip.samples.any()
    assert plain.snr_db == pytest.approx(0.0)
    dithered = transforms.dft(
        quantised(quiet, 8, is_dithered=True).clip,
        n_samples=32_768,
        reference="full_scale",
    )
    peak = transforms.strongest(dithered)
    assert peak.frequency_hz == pytest.approx(1000.0, abs=0.5)
    assert peak.level_db == pytest.approx(20 * np.log10(0.4 * 2.0**-7), abs=1)


def test_dither_trades_harmonics_for_hiss():
    rate, n = 32_768, 32_768  # 512 Hz and all its multiples fall on bins
    clip = tone(512.0, sampling_rate=rate, amplitude=0.02)
    third_harmonic_db = [
        transforms.dft(quantised(clip, 8, is_dithered=d).clip, n_samples=n).levels_db[
            3 * 512
        ]
        for d in (False, True)
    ]
    assert third_harmonic_db[0] > -30
    assert third_harmonic_db[1] < -45


def test_same_seed_same_dither():
    clip = sweep()
    first, again, other = (
        quantised(clip, 4, is_dithered=True, seed=seed).clip.samples
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_snr_is_none_where_nothing_is_there_or_nothing_is_lost():
    assert quantised(silence(), 4, is_dithered=False).snr_db is None
    assert quantised(silence(), 4, is_dithered=True).snr_db is None
    on_steps = quantised(sweep(), 16, is_dithered=False).clip
    again = quantised(on_steps, 16, is_dithered=False)
    assert again.snr_db is None
    assert not again.error.any()
    assert quantised(Clip(np.zeros(0), RATE), 4, is_dithered=True).snr_db is None


def test_bits_out_of_range_are_refused():
    for n_bits in (1, 0, -3, 17):
        with pytest.raises(KnownError, match="out_of_range"):
            quantised(tone(), n_bits, is_dithered=False)
