"""Pitch on a scale: tuning, rows, chroma and harmonics of sounds made for it."""

from math import log2

import numpy as np
import pytest

from audio import transforms
from audio.clip import Clip
from audio.notes import hz_of
from audio.transforms.pitch import (
    cents_off,
    harmonic_beside_key,
    harmonic_note,
    pitches,
    tuned_hz,
)
from support.scenes import scene_of
from support.signals import chord, noise, silence, tone
from ui.tabs.see import pitch

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WHOLE = {"start_s": 0.0, "stop_s": 3.0}


@pytest.mark.parametrize(("hz", "off"), [(442.0, 7.85), (440.0, 0.0), (432.0, -31.77)])
def test_tuning_of_a_tone_is_its_distance_from_a4(hz, off):
    found = tuned_hz(tone(hz, duration_s=3.0), **WHOLE)
    assert cents_off(found) == pytest.approx(off, abs=1.1)  # librosa's step is 1 cent
    assert cents_off(hz) == pytest.approx(off, abs=0.01)


def test_chroma_of_a_c_major_chord_is_c_e_and_g():
    notes = chord([hz_of(name) for name in ("C4", "E4", "G4")], duration_s=3.0)
    found = pitches(notes, **WHOLE, a4_hz=440.0)
    assert set(found.strongest()) == {"C", "E", "G"}
    means = found.chroma.mean(axis=1)
    assert np.delete(means, [0, 4, 7]).max() < 0.5 * means[[0, 4, 7]].min()


@pytest.mark.parametrize("name", ["A2", "C4", "E5"])
def test_tone_is_loudest_in_its_own_row(name):
    found = pitches(tone(hz_of(name), duration_s=3.0), **WHOLE, a4_hz=440.0)
    row = found.levels_db[:, 60].argmax()
    assert found.frequencies_hz[row] == pytest.approx(hz_of(name), rel=1e-3)
    assert found.levels_db.max() == 0.0


def test_rows_follow_the_tuning():
    found = pitches(tone(415.0, duration_s=3.0), **WHOLE, a4_hz=415.0)
    assert found.strongest(1) == ["A"]
    assert pitches(tone(415.0, duration_s=3.0), **WHOLE, a4_hz=440.0).strongest(1) == [
        "G♯"
    ]


@pytest.mark.parametrize(
    ("number", "off"), [(2, 0), (3, 2), (5, -14), (7, -31), (8, 0)]
)
def test_harmonics_lie_beside_keys(number, off):
    note = harmonic_note(number)
    assert round(note.cents) == off
    assert note.cents == pytest.approx(
        1200 * log2(number) - 100 * round(12 * log2(number)), abs=1e-6
    )


def test_key_and_harmonic_are_heard_apart_and_then_together():
    heard = harmonic_beside_key(7, 440.0)
    found_hz = [
        transforms.strongest(
            transforms.dft(heard, start_s=at_s, n_samples=16_384)
        ).frequency_hz
        for at_s in (0.1, 1.25)
    ]
    assert found_hz[1] == pytest.approx(770.0, abs=0.2)
    assert 1200 * log2(found_hz[0] / found_hz[1]) == pytest.approx(31.2, abs=0.5)
    both = heard.slice(2.3, 4.3).samples
    slow = np.abs(both).reshape(-1, 441)[:100].max(axis=1)
    assert slow.min() < 0.5 * slow.max()  # it beats


def test_lesson_shows_three_pictures_on_the_same_times():
    clip = chord([261.63, 329.63, 392.0], duration_s=4.0)
    sheet = pitch.draw(scene_of(clip), 0.0, 440, 7)
    rows, levels, classes = sheet.plots
    assert (rows.x, rows.y) == (levels.x, levels.y)
    assert classes.y.names[0] == "C"
    assert "Harmonic 7 of A2 is −31 cents from the key G5." in sheet.about
    assert "Strongest on average: C, E, G." in sheet.about
    assert "NaN" not in sheet.as_json()


def test_found_tuning_can_be_drawn():
    about = pitch.draw(scene_of(tone(442.0, duration_s=3.0)), 0.0, 0, 2).about
    assert "drawn for 441.8 Hz" in about  # librosa counts in whole cents


@pytest.mark.parametrize("clip", [silence(), Clip([], 8000), Clip([0.5], 8000)])
def test_odd_sounds_have_their_picture(clip):
    sheet = pitch.draw(scene_of(clip), 0.0, 440, 7)
    assert "NaN" not in sheet.as_json()
    assert sheet.about


def test_long_song_is_drawn_by_its_excerpt():
    clip = noise(duration_s=240.0, sampling_rate=8000)
    sheet = pitch.draw(scene_of(clip), 236.0, 440, 7)
    assert (sheet.plots[0].x.start, sheet.plots[0].x.stop) == (230.0, 240.0)
