"""Decibels: ratios in closed form, and pairs of sounds that differ by them."""

import numpy as np
import pytest

from audio import gain
from audio.levels import loudness
from support.scenes import scene_of
from support.signals import silence, tone
from ui.tabs.see import decibels
from viz.decibels import written


@pytest.mark.parametrize(
    ("db", "amplitude", "power"),
    [(0, 1, 1), (20, 10, 100), (-20, 0.1, 0.01), (6.0206, 2, 4), (3.0103, 1.41421, 2)],
)
def test_decibels_are_ratios_of_amplitude_and_of_power(db, amplitude, power):
    assert gain.amplitude_ratio(db) == pytest.approx(amplitude, rel=1e-5)
    assert gain.power_ratio(db) == pytest.approx(power, rel=1e-5)


@pytest.mark.parametrize("db", [-40, -6, 0, 3, 12])
def test_pair_differs_by_the_decibels_and_fits(db):
    both = gain.pair(tone(amplitude=0.8), db)
    apart_db = loudness(both.after).rms_dbfs - loudness(both.before).rms_dbfs
    assert apart_db == pytest.approx(db, abs=1e-3)
    assert np.abs(both.after.samples).max() <= 1 + 1e-6
    assert (both.lowered_db > 0) == (db >= 3)


def test_pair_is_heard_in_turn_first_as_it_was():
    both = gain.pair(tone(duration_s=1.0), -20)
    heard = both.in_turn()
    assert heard.duration_s == pytest.approx(2 + gain.PAUSE_S, abs=1e-3)
    first, second = (heard.slice(at, at + 0.5) for at in (0.2, 1.6))
    apart_db = loudness(second).rms_dbfs - loudness(first).rms_dbfs
    assert apart_db == pytest.approx(-20, abs=0.05)


def test_lesson_names_both_ratios_and_both_peaks():
    sheet = decibels.draw(scene_of(tone(amplitude=0.5)), -6, "chosen", 0.2)
    assert "−6 dB: the amplitude × 0.501, the power × 0.251." in sheet.about
    assert "from −6.0 to −12.0 dBFS" in sheet.about
    assert ("−20 dB", "× 0.100", "× 0.0100") in sheet.table
    assert sheet.plots[1].layers[-1].words == ["× 0.501", "× 0.251"]


@pytest.mark.parametrize(("db", "sides"), [(-6, "left right"), (3, "right left")])
def test_words_of_both_ratios_are_at_other_sides_of_their_dots(db, sides):
    def marks(db):
        return decibels.draw(scene_of(tone()), db, "chosen", 0.2).plots[1].layers[-1]

    assert [*marks(db).sides] == sides.split()
    assert not marks(-38).sides  # no room at the left


def test_louder_sound_is_drawn_beside_one_that_was_lowered():
    sheet = decibels.draw(scene_of(tone(amplitude=1.0)), 12, "chosen", 0.2)
    assert "lowered by 12.0 dB" in sheet.about
    before, after = sheet.plots[0].layers
    assert np.max(after.ys) == pytest.approx(3.98 * np.max(before.ys), rel=0.01)


def test_silence_and_the_tone_have_their_pictures():
    assert "silent" in decibels.draw(scene_of(silence()), 12, "chosen", 0.0).about
    sheet = decibels.draw(scene_of(silence()), 0, "tone", 0.7)
    assert "from −6.0 to −6.0 dBFS" in sheet.about
    assert decibels.hear(silence(), -6, "chosen", 0.0).n_samples


def test_ratios_are_written_in_three_digits():
    assert [written(r) for r in (0.5012, 1, 100, 1e-6)] == [
        "0.501",
        "1.00",
        "100",
        "0.00000100",
    ]
