"""Tones go to the harmonic part, clicks to the percussive one; their sum is the whole."""

import numpy as np
import pytest

from audio.clip import Clip
from audio.transforms.separation import (
    HIGHEST_RATE,
    frame_length,
    odd,
    relative_db,
    separated,
)
from errors import KnownError
from support.scenes import scene_of
from support.signals import noise, silence, sweep, tone
from ui.tabs.see import separation as lesson

# librosa's loader imports what Python is about to lose, at its first call.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RATE = 22_050
USUAL = {"kernel_ms": 400, "kernel_hz": 400}


def separate(clip, **settings):
    whole = {"start_s": 0.0, "stop_s": clip.duration_s}
    return separated(clip, **whole, **{**USUAL, **settings})


def clicks(duration_s=4.0):
    """A stroke of 2 ms every half second."""
    samples = np.zeros(round(duration_s * RATE), np.float32)
    burst = np.random.default_rng(0).uniform(-1, 1, 44).astype(np.float32)
    for first in range(RATE // 4, len(samples) - 44, RATE // 2):
        samples[first : first + 44] = burst
    return samples


def test_tone_and_clicks_are_separated_by_more_than_20_db():
    held, strokes = tone(440.0, 4.0, RATE, 0.05).samples, clicks()
    parts = separate(Clip(held + strokes, RATE))
    assert relative_db(parts.harmonic - held, held) < -20
    assert relative_db(parts.percussive - strokes, strokes) < -20


@pytest.mark.parametrize("margin", [1, 2, 5])
def test_parts_are_those_of_librosa_and_add_up_to_the_whole(margin):
    import librosa

    clip = Clip(tone(330.0, 2.0, RATE, 0.2).samples + noise(0, 2.0).samples, RATE)
    parts = separate(clip, margin=margin)
    n_fft, hop_length = parts.n_fft, parts.hop_length
    bins = librosa.stft(clip.samples, n_fft=n_fft, hop_length=hop_length)
    theirs = librosa.decompose.hpss(
        bins, kernel_size=(parts.n_frames, parts.n_bins), margin=margin
    )
    for name, found in zip(parts.names, theirs, strict=False):
        sound = librosa.istft(
            found, n_fft=n_fft, hop_length=hop_length, length=clip.n_samples
        )
        assert np.allclose(parts.samples_of(name), sound, atol=1e-6), name
    assert (parts.residual is None) == (margin == 1)
    assert parts.error_db < -130


def test_larger_margin_leaves_more_to_the_residual():
    clip = noise(0, 2.0)
    levels_db = [
        separate(clip, margin=margin).level_db("residual") for margin in (2, 3, 5)
    ]
    assert levels_db == sorted(levels_db)
    assert levels_db[-1] > -1


def test_held_tone_is_harmonic_and_a_click_percussive():
    assert separate(tone(duration_s=2.0)).level_db("percussive") < -30
    assert separate(Clip(clicks(), RATE)).level_db("harmonic") < -30


def test_fast_glide_and_deep_vibrato_are_taken_for_strokes():
    t = np.arange(2 * RATE) / RATE
    vibrato = np.sin(2 * np.pi * 1000 * t - 40 * np.cos(2 * np.pi * 6 * t))
    for clip in (sweep(100, 10_000), Clip(0.3 * vibrato, RATE)):
        assert separate(clip).level_db("percussive") > -6


@pytest.mark.parametrize("sampling_rate", [8000, 22_050, 44_100, 96_000])
def test_lengths_are_near_what_was_asked_at_every_rate(sampling_rate):
    clip = noise(duration_s=1.0, sampling_rate=sampling_rate)
    parts = separate(clip)
    assert parts.sampling_rate == min(sampling_rate, HIGHEST_RATE)
    assert parts.n_frames % 2 == parts.n_bins % 2 == 1
    assert parts.time_ms == pytest.approx(400, abs=15)
    assert parts.band_hz == pytest.approx(400, abs=25)
    assert frame_length(sampling_rate) / sampling_rate == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("length", "rounded"), [(0.2, 3), (4.1, 5), (5.9, 5), (6.1, 7)]
)
def test_a_median_has_a_middle(length, rounded):
    assert odd(length) == rounded


@pytest.mark.parametrize("clip", [silence(), Clip([], 8000), Clip([0.5], 8000)])
def test_silence_and_next_to_nothing_are_separated_too(clip):
    parts = separate(clip, margin=2)
    assert len(parts.harmonic) == len(parts.residual) == clip.n_samples
    assert np.isfinite(parts.harmonic).all()
    assert (parts.level_db("harmonic") is None) == (not clip.samples.any())


def test_margin_below_one_is_refused():
    with pytest.raises(KnownError, match="out_of_range"):
        separate(tone(), margin=0.5)


def test_lesson_draws_the_whole_and_each_part_on_the_same_axes():
    scene = scene_of(Clip(clicks() + tone(440.0, 4.0, RATE, 0.05).samples, RATE))
    two = lesson.draw(scene, 0.0, 10, 400, 400, 1)
    three = lesson.draw(scene, 1.0, 10, 400, 400, 3)
    assert [plot.title for plot in two.plots] == [
        "Whole",
        "Harmonic part",
        "Percussive part",
    ]
    assert three.plots[3].title == "Residual"
    assert len({(plot.x, plot.y) for plot in two.plots}) == 1
    assert "35 frames (406 ms) and 19 bins (409 Hz)" in two.about
    assert "differ from the whole by −14" in two.about
    assert two.table[1] == ("Whole", "0.0 dB")
    limits = {plot.layers[0].limits for plot in two.plots}
    assert len(limits) == 1


@pytest.mark.parametrize("clip", [silence(), Clip([], 8000), Clip([0.0], 8000)])
def test_lesson_has_odd_sounds_too(clip):
    sheet = lesson.draw(scene_of(clip), 0.0, 5, 50, 1600, 2)
    assert "NaN" not in sheet.as_json()
    assert "Silence has no parts" in sheet.about
