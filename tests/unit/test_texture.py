import numpy as np
import pytest

from audio.synth.composer import compose
from networks.texture import (
    MIN_S,
    N_TEXTURE,
    SAMPLING_RATE,
    TOP_HZ,
    is_described,
    texture,
)
from support.signals import chord, click, noise, silence, sweep, tone

SOUNDS = {
    "silence": silence(duration_s=10.0, sampling_rate=SAMPLING_RATE),
    "click": click(duration_s=10.0, sampling_rate=SAMPLING_RATE),
    "noise": noise(duration_s=10.0, sampling_rate=SAMPLING_RATE),
    "tone": tone(440.0, duration_s=10.0, sampling_rate=SAMPLING_RATE),
    "sweep": sweep(duration_s=10.0, sampling_rate=SAMPLING_RATE),
    "chord": chord((220.0, 277.18), duration_s=10.0, sampling_rate=SAMPLING_RATE),
    "song": compose("jazz", 3, duration_s=10.0).resampled(SAMPLING_RATE),
}


def of(samples):
    return texture(np.asarray(samples, np.float32))


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sound_has_as_many_finite_numbers(name):
    found = of(SOUNDS[name].samples)
    assert found.shape == (N_TEXTURE,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", ["noise", "chord", "song"])
def test_the_level_does_not_matter(name):
    samples = SOUNDS[name].samples
    assert of(0.01 * samples) == pytest.approx(of(samples), abs=0.02)


def test_the_length_hardly_matters():
    whole = np.concatenate([SOUNDS["song"].samples] * 2)
    near = np.abs(of(whole) - of(SOUNDS["song"].samples))
    far = np.abs(of(whole) - of(SOUNDS["noise"].samples))
    assert np.median(near) < 0.1 * np.median(far)


def test_what_lies_above_the_top_hardly_matters():
    song = SOUNDS["song"].samples
    spectrum = np.fft.rfft(song)
    spectrum[np.fft.rfftfreq(len(song), 1 / SAMPLING_RATE) > TOP_HZ + 100] = 0
    limited = np.fft.irfft(spectrum, len(song))
    assert np.median(np.abs(of(limited) - of(song))) < 0.01


def test_a_song_is_nearer_to_another_song_than_to_noise_clicks_and_tones():
    other = of(compose("jazz", 8, duration_s=10.0).resampled(SAMPLING_RATE).samples)
    song = of(SOUNDS["song"].samples)
    for name in ("noise", "click", "tone", "sweep"):
        strange = np.linalg.norm(of(SOUNDS[name].samples) - song)
        assert np.linalg.norm(other - song) < 0.5 * strange


def test_short_windows_and_other_rates_have_none():
    assert is_described(10.0, SAMPLING_RATE) and is_described(MIN_S, SAMPLING_RATE)
    assert not is_described(4.0, SAMPLING_RATE)
    assert not is_described(10.0, 22_050)
