"""Other sampling rates: what folds, what is filtered out, what stays the same."""

import numpy as np
import pytest

from audio import transforms
from audio.clip import Clip
from audio.levels import FLOOR_DB, loudness
from audio.synth.examples import example
from audio.transforms import resampling
from errors import KnownError
from support.signals import noise, silence, sweep, tone

RATE = 22_050


def loudest_hz(clip, **settings):
    return transforms.strongest(transforms.dft(clip, **settings)).frequency_hz


def test_alias_is_the_distance_from_the_nearest_multiple_of_the_rate():
    for frequency_hz, rate, heard_hz in (
        (5000, 5512.5, 512.5),
        (1000, 5512.5, 1000),
        (2756.25, 5512.5, 2756.25),
        (3000, 5512.5, 2512.5),
        (5512.5, 5512.5, 0),
        (6000, 5512.5, 487.5),
        (9000, 4000, 1000),
    ):
        assert resampling.alias_hz(frequency_hz, rate) == pytest.approx(heard_hz)


def test_unfiltered_at_a_whole_ratio_keeps_every_nth_sample():
    clip = noise(sampling_rate=44_100, duration_s=0.7)
    for n_th in (2, 4, 7, 10):
        thinned = resampling.resampled(clip, 44_100 // n_th, is_filtered=False)
        expected = clip.samples[::n_th][: thinned.n_samples]
        assert thinned.n_samples >= clip.n_samples // n_th
        assert np.abs(thinned.samples - expected).max() < 1e-6


def test_a_tone_of_5_khz_kept_every_4th_sample_is_heard_at_512_hz():
    clip = tone(5000.0, sampling_rate=22_052)  # its quarter is a whole number
    unfiltered = resampling.resampled(clip, 5513, is_filtered=False)
    assert loudest_hz(unfiltered) == pytest.approx(513.0, abs=0.3)
    every_4th = Clip(tone(5000.0).samples[::4], 5512)
    assert loudest_hz(every_4th) * 5512.5 / 5512 == pytest.approx(512.5, abs=0.3)


def test_unfiltered_at_an_odd_ratio_is_the_sampled_sine():
    for frequency_hz, rate in ((5000, 5512), (5000, 4000), (9871, 2000), (441, 7919)):
        unfiltered = resampling.resampled(tone(frequency_hz), rate, is_filtered=False)
        t = np.arange(unfiltered.n_samples) / rate
        sine = 0.5 * np.sin(2 * np.pi * frequency_hz * t)
        inner = slice(rate // 10, -rate // 10)  # the clip's ends are cuts
        assert np.abs(unfiltered.samples - sine)[inner].max() < 2e-3
        heard_hz = resampling.alias_hz(frequency_hz, rate)
        assert loudest_hz(unfiltered) == pytest.approx(heard_hz, abs=0.5)


def test_the_end_of_a_clip_leaves_its_beginning_alone():
    clip = example("sweep")  # which ends just below the Nyquist frequency
    first = slice(0, 4000)  # a second of tones that both hold
    unfiltered, filtered = (
        resampling.resampled(clip, 4000, is_filtered=is_filtered).samples[first]
        for is_filtered in (False, True)
    )
    assert np.abs(unfiltered - filtered).max() < 5e-3  # before, 0.02


def test_filtered_is_gone_where_unfiltered_folds():
    clip = tone(5000.0)
    inner = slice(500, -500)  # a tone that starts at once holds all frequencies
    levels_dbfs = {
        is_filtered: loudness(
            Clip(
                resampling.resampled(clip, 5512, is_filtered=is_filtered).samples[
                    inner
                ],
                5512,
            )
        ).rms_dbfs
        for is_filtered in (True, False)
    }
    assert levels_dbfs[True] < -100
    assert levels_dbfs[False] == pytest.approx(20 * np.log10(0.5), abs=0.05)


def test_a_sweep_folds_at_nyquist():
    rising = sweep(100.0, 8000.0, duration_s=2.0)
    unfiltered = resampling.resampled(rising, 8000, is_filtered=False)
    for at_s in (0.25, 0.75, 1.25, 1.75):
        true_hz = 100.0 + 3950.0 * at_s
        heard_hz = loudest_hz(unfiltered, start_s=at_s - 0.032, n_samples=512)
        assert heard_hz == pytest.approx(resampling.alias_hz(true_hz, 8000), abs=30)
    filtered = resampling.resampled(rising, 8000, is_filtered=True)
    assert loudness(filtered.slice(1.1, 1.9)).rms_dbfs < -100


def test_both_ways_agree_below_both_nyquists():
    clip = tone(997.0)
    for rate in (8000, 16_000, 44_100):
        two_ways = [
            resampling.resampled(clip, rate, is_filtered=is_filtered)
            for is_filtered in (True, False)
        ]
        filtered, unfiltered = (c.samples[rate // 10 : -rate // 10] for c in two_ways)
        assert two_ways[0].n_samples == two_ways[1].n_samples == rate
        assert np.abs(filtered - unfiltered).max() < 2e-3


def test_unfiltered_equals_scipys_fourier_interpolation_upwards():
    from scipy import signal

    clip = noise(duration_s=1.0)
    n_apart = round(resampling.APART_S * clip.sampling_rate)
    padded = np.pad(clip.samples.astype(np.float64), (0, n_apart))
    theirs = signal.resample(padded, 2 * len(padded))
    ours = resampling.resampled(clip, 44_100, is_filtered=False)
    assert ours.n_samples == 44_100
    assert np.abs(ours.samples - theirs[:44_100]).max() < 1e-6


def test_the_same_rate_is_the_same_clip():
    clip = noise()
    for is_filtered in (True, False):
        assert resampling.resampled(clip, RATE, is_filtered=is_filtered) is clip


def test_silence_and_few_samples_stay_what_they_are():
    thinned = resampling.resampled(silence(), 2000, is_filtered=False)
    assert loudness(thinned).peak_dbfs == FLOOR_DB
    for n in (0, 1, 2, 5):
        few = resampling.resampled(
            Clip(np.full(n, 0.5), RATE), 11_025, is_filtered=False
        )
        assert few.n_samples == (n + 1) // 2
        assert np.allclose(few.samples, 0.5)


def test_rates_out_of_range_are_refused():
    for rate in (0, -8000, 200_000_000):
        with pytest.raises(KnownError, match="out_of_range"):
            resampling.resampled(noise(), rate, is_filtered=False)
