"""Levels of tones, noise and rounding against closed forms, as the lessons state them."""

import numpy as np
import pytest

import i18n
from audio import transforms
from audio.clip import Clip
from audio.synth.exercises import solution
from audio.transforms import Frames, MelBands
from audio.transforms.mel_scale import hz_to_mel
from audio.transforms.quantization import quantised
from audio.transforms.windows import (
    WINDOWS,
    noise_bandwidth_bins,
    scalloping_db,
    window_values,
)
from support.signals import noise, tone

# F. J. Harris (1978), table I; flat top: its own coefficients.
ENBW = {
    "hann": 1.5,
    "hamming": 1.36,
    "blackman": 1.73,
    "blackmanharris": 2.0,
    "flattop": 3.77,
    "rectangular": 1.0,
}
RATE = 22_050
STEADY = noise(seed=1, duration_s=20.0, amplitude=0.1)


@pytest.mark.parametrize("window", WINDOWS)
def test_noise_bandwidth_and_scalloping_are_those_of_the_coefficients(window):
    n = 4096
    taper = window_values(window, n)
    # Sums of cosines are orthogonal: sum w^2 = N (a0^2 + sum a_k^2 / 2).
    first, *others = WINDOWS[window]
    bandwidth = (first**2 + sum(a**2 for a in others) / 2) / first**2
    assert noise_bandwidth_bins(taper) == pytest.approx(bandwidth, rel=1e-9)
    assert bandwidth == pytest.approx(ENBW[window], abs=0.01)
    # A tone half-way between two bins reads as much lower as the window's spectrum is.
    on_bin, between = (
        tone(k * RATE / n, duration_s=0.5, amplitude=0.5) for k in (400, 400.5)
    )
    levels = [
        transforms.dft(c, n_samples=n, window=window, reference="full_scale")
        for c in (on_bin, between)
    ]
    loss_db = levels[0].levels_db.max() - levels[1].levels_db.max()
    assert loss_db == pytest.approx(scalloping_db(window), abs=0.02)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("n_fft", [256, 1024, 8192])
def test_level_of_noise_in_a_bin_is_four_sigma_squared_sum_w2_over_sum_w_squared(
    window, n_fft
):
    frames = Frames(n_fft=n_fft, hop_length=n_fft, window=window)
    power = 10 ** (transforms.stft(STEADY, frames).levels_db[1:-1] / 10)
    sigma2 = float(np.var(STEADY.samples))
    enbw = noise_bandwidth_bins(window_values(window, n_fft))
    expected_db = 10 * np.log10(4 * sigma2 * enbw / n_fft)
    assert 10 * np.log10(power.mean()) == pytest.approx(expected_db, abs=0.1)


def test_tone_keeps_its_level_and_noise_falls_3_db_with_each_doubling():
    lengths = (256, 512, 1024, 2048, 4096, 8192)
    steady = tone(1033.59375, duration_s=4.0, amplitude=0.5)  # on a bin of each

    def mean_db(clip, n_fft):
        levels_db = transforms.stft(clip, Frames(n_fft, n_fft)).levels_db
        return 10 * np.log10((10 ** (levels_db / 10)).mean(axis=1))

    of_tone = [transforms.stft(steady, Frames(n, n)).levels_db.max() for n in lengths]
    of_noise = [np.mean(mean_db(STEADY, n)[1:-1]) for n in lengths]
    assert np.ptp(of_tone) < 0.1
    assert np.diff(of_noise) == pytest.approx(-3.01, abs=0.15)


@pytest.mark.parametrize("n_frames", [5, 18])
def test_loudest_of_frames_lifts_the_power_of_noise_by_the_harmonic_number(n_frames):
    """A bin's power is exponential: the mean of the largest of n is 1 + 1/2 ... + 1/n."""
    n_columns = len(STEADY.samples) // 512 // n_frames
    lifts = {}
    for pooling in ("peak", "mean"):
        frames = Frames(512, 512, n_columns=n_columns, pooling=pooling)
        power = 10 ** (transforms.stft(STEADY, frames).levels_db[2:-2] / 10)
        lifts[pooling] = 10 * np.log10(power.mean())
    expected_db = 10 * np.log10((1 / np.arange(1, n_frames + 1)).sum())
    found_db = lifts["peak"] - lifts["mean"]
    assert found_db == pytest.approx(expected_db, abs=0.5)


@pytest.mark.parametrize(
    ("n_frames", "hop_length", "lift_db"), [(5, 256, 4), (5, 512, 4), (18, 512, 7)]
)
def test_loudest_of_frames_lifts_noise_as_the_lesson_says(
    n_frames, hop_length, lift_db
):
    """The lesson tells what is seen: how much the middle level rises."""
    single = transforms.stft(STEADY, Frames(1024, hop_length))
    n_columns = -(-single.levels_db.shape[1] // n_frames)
    frames = Frames(1024, hop_length, n_columns=n_columns, pooling="peak")
    loudest = transforms.stft(STEADY, frames)
    assert loudest.n_frames_per_column == n_frames
    lifted_db = np.median(loudest.levels_db[2:-2]) - np.median(single.levels_db[2:-2])
    assert lifted_db == pytest.approx(lift_db, abs=0.8)
    for language in i18n.LANGUAGES:
        assert f"{lift_db} dB" in i18n.word("see.stft_text", language)


@pytest.mark.parametrize("n_bits", [8, 10, 12, 16])
def test_signal_to_rounding_noise_follows_the_rule_within_1_db_from_8_bits_up(n_bits):
    sine = tone(997.0, duration_s=2.0, amplitude=1.0)
    found = quantised(sine, n_bits, is_dithered=False)
    assert found.snr_db == pytest.approx(6.02 * n_bits + 1.76, abs=1.0)


def test_with_few_bits_the_missing_top_step_costs_more():
    sine = tone(997.0, duration_s=2.0, amplitude=1.0)
    for n_bits, least_db in ((6, 1.2), (4, 2.0), (2, 3.5)):
        found = quantised(sine, n_bits, is_dithered=False)
        assert found.rule_db - found.snr_db > least_db


def test_sixteen_bits_reach_98_db_and_93_with_dither():
    sine = tone(997.0, duration_s=2.0, amplitude=0.9999)
    plain, dithered = (quantised(sine, 16, is_dithered=d) for d in (False, True))
    assert plain.snr_db == pytest.approx(98.1, abs=0.3)
    assert dithered.snr_db == pytest.approx(98.1 - 4.77, abs=0.3)


def test_mel_gives_the_lowest_eighth_of_the_hertz_a_third_and_low_octaves_little():
    top = hz_to_mel(np.array([8000.0]))[0]
    shares = hz_to_mel(np.array([32.7, 65.4, 500.0, 1000.0])) / top
    assert shares[3] == pytest.approx(1 / 3, abs=0.01)
    assert solution("mel") == pytest.approx(100 / 3, abs=1.0)
    assert shares[1] - shares[0] == pytest.approx(0.011, abs=0.001)
    assert shares[3] - shares[2] == pytest.approx(0.166, abs=0.002)
    bands = MelBands(n_mels=64)
    assert transforms.mel(Clip(np.zeros(RATE), RATE), bands).levels_db.shape[0] == 64
