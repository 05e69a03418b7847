"""Tempo and beats of click tracks, and how the lesson shows them."""

import numpy as np
import pytest

from audio.clip import Clip
from audio.synth.examples import example
from audio.transforms.rhythm import beats, clicked, rhythm
from support.scenes import scene_of
from support.signals import silence, tone
from ui.tabs.see import rhythm as lesson

# librosa's loader imports what Python is about to lose, at its first call.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RATE = 22_050
WHOLE = {"start_s": 0.0, "stop_s": 12.0}


def click_track(bpm, duration_s=12.0):
    samples = np.zeros(round(duration_s * RATE))
    burst = np.sin(2 * np.pi * 1000 * np.arange(400) / RATE) * np.hanning(400)
    for at_s in np.arange(0.25, duration_s - 0.1, 60 / bpm):
        first = round(at_s * RATE)
        samples[first : first + 400] += burst
    return Clip(samples, RATE)


@pytest.mark.parametrize("bpm", [90, 120, 150])
def test_tempo_of_a_click_track_is_its_own(bpm):
    found = rhythm(click_track(bpm), **WHOLE)
    assert found.tempo_bpm == pytest.approx(bpm, rel=0.03)
    assert found.likeness_at(bpm) > 0.5 > found.likeness_at(1.4 * bpm)


def test_fast_clicks_are_counted_by_half():
    found = rhythm(click_track(240), **WHOLE)
    assert found.tempo_bpm == pytest.approx(120, rel=0.03)
    about = lesson.draw(scene_of(click_track(240)), 0.0, 12, 1.0).about
    assert "may fit equally well" in about


@pytest.mark.parametrize(
    ("octave", "distance_s"), [(0.5, 1.0), (1.0, 0.5), (2.0, 0.25)]
)
def test_beats_are_as_far_apart_as_the_tempo_says(octave, distance_s):
    times_s = beats(click_track(120), **WHOLE, octave=octave)
    assert np.median(np.diff(times_s)) == pytest.approx(distance_s, abs=0.012)


def test_beats_lie_on_the_clicks():
    times_s = beats(click_track(120), **WHOLE, octave=1.0)
    off_s = (times_s - 0.25 + 0.25) % 0.5 - 0.25
    assert np.abs(off_s).max() < 0.05
    assert len(times_s) >= 20


def test_clicks_are_laid_over_the_sound():
    quiet = tone(duration_s=4.0, amplitude=0.1)
    heard = clicked(quiet, np.array([1.0, 2.0]), start_s=0.0, stop_s=4.0)
    loud_s = np.flatnonzero(np.abs(heard.samples) > 0.3) / heard.sampling_rate
    assert set(np.round(loud_s)) == {1.0, 2.0}
    assert np.abs(loud_s - np.round(loud_s)).max() < 0.04
    full = clicked(tone(amplitude=1.0), np.array([0.2]), start_s=0.0, stop_s=0.5)
    assert np.abs(full.samples).max() <= 1.0 + 1e-6


def test_lesson_says_the_tempo_and_its_octaves():
    sheet = lesson.draw(scene_of(example("disco_song")), 0.0, 20, 2.0)
    assert "From 0.00 to 20.00 s." in sheet.about
    (_, half, same, double) = sheet.table
    measured = float(sheet.about.split("clicks: ")[1].split(" BPM")[0])
    assert measured == pytest.approx(2 * 116.28, abs=1)  # what the composer drew
    assert float(double[1]) == pytest.approx(4 * float(half[1]), rel=0.01)
    assert [row[4] for row in (half, same, double)] == ["", "", "●"]
    beats_drawn = [each for each in sheet.plots[0].layers if each.shape == "rule"]
    assert 70 < len(beats_drawn) < 85
    assert "NaN" not in sheet.as_json()


@pytest.mark.parametrize("clip", [silence(), Clip([], 8000), tone(duration_s=0.5)])
def test_sound_without_onsets_or_too_short_has_no_tempo(clip):
    sheet = lesson.draw(scene_of(clip), 0.0, 20, 1.0)
    assert "there is no tempo" in sheet.about
    assert sheet.table == ()
    assert "NaN" not in sheet.as_json()
    assert lesson.hear(clip, 0.0, 20, 1.0).n_samples == round(clip.duration_s * RATE)


def test_excerpt_ends_with_the_sound():
    clip = tone(duration_s=15.0)
    assert lesson.excerpt_s(clip, 14.0, 10) == (5.0, 15.0)
    assert lesson.excerpt_s(clip, 3.0, 30) == (0.0, 15.0)
