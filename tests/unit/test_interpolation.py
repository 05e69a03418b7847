"""A stretch from nearby: the right samples at the right times, and their curve."""

import numpy as np
import pytest

from audio.clip import Clip
from audio.transforms import interpolation
from support.signals import click, noise, tone


def test_points_are_the_samples_of_the_stretch():
    clip = Clip(np.arange(100) / 100, 1000)
    stretch = interpolation.points(clip, 0.0105, 0.005)
    assert stretch.times_s == pytest.approx(np.arange(5) / 1000 + 0.0005)
    assert stretch.values == pytest.approx(np.arange(11, 16) / 100)
    assert interpolation.points(clip, 0.01, 0.005).values == pytest.approx(
        np.arange(10, 16) / 100
    )
    assert len(interpolation.points(clip, 5.0, 0.01).values) == 0


@pytest.mark.parametrize("rate", [2000, 22_050, 44_100, 192_000])
@pytest.mark.parametrize("start_s", [0.0, 0.3123, 0.99])
def test_curve_is_the_tone_between_its_samples(rate, start_s):
    clip = tone(700.0, duration_s=1.0, sampling_rate=rate)
    stretch = interpolation.curve(clip, start_s, 0.01)
    truth = 0.5 * np.sin(2 * np.pi * 700 * (start_s + stretch.times_s))
    is_inside = start_s == 0.3123  # at the ends of a clip the tone is not band-limited
    assert np.abs(stretch.values - truth).max() < (0.002 if is_inside else 0.3)
    assert len(stretch.values) >= 900


@pytest.mark.parametrize("rate", [2000, 22_050, 44_100, 192_000])
@pytest.mark.parametrize("share", [0.5, 0.93, 0.97, 0.99])
def test_curve_goes_through_its_samples_up_to_nyquist(rate, share):
    hz = share * rate / 2
    clip = tone(hz, duration_s=2.0, sampling_rate=rate, amplitude=1.0)
    curve = interpolation.curve(clip, 1.0, 0.01)
    dots = interpolation.points(clip, 1.0, 0.01)
    at_dots = np.interp(dots.times_s, curve.times_s, curve.values)
    assert np.abs(at_dots - dots.values).max() < 1e-3
    truth = np.sin(2 * np.pi * hz * (1.0 + curve.times_s))
    assert np.abs(curve.values - truth).max() < 1e-3


def test_curve_goes_through_a_click_and_through_noise():
    for clip in (click(0.5), noise(duration_s=1.0)):
        curve = interpolation.curve(clip, 0.495, 0.01)
        dots = interpolation.points(clip, 0.495, 0.01)
        at_dots = np.interp(dots.times_s, curve.times_s, curve.values)
        assert np.abs(at_dots - dots.values).max() < 1e-3


def test_curve_is_not_cut_off_where_it_exceeds_full_scale_between_samples():
    rate = 48_000
    t = np.arange(rate) / rate
    samples = np.sin(2 * np.pi * rate / 4 * t + np.pi / 4) / np.sin(np.pi / 4)
    assert np.abs(samples).max() == pytest.approx(1.0)
    curve = interpolation.curve(Clip(samples, rate), 0.5, 0.01)
    assert curve.values.max() == pytest.approx(np.sqrt(2), abs=1e-3)


def test_curve_of_next_to_nothing():
    assert len(interpolation.curve(Clip([], 8000), 0.0, 0.01).values) == 0
    assert len(interpolation.curve(Clip([1.0], 8000), 0.0, 0.01).values) >= 1
