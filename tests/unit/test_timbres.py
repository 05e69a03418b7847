"""Notes of four instruments: pitch, level, partials, attack and stiffness."""

from math import log2

import numpy as np
import pytest

from audio.levels import loudness
from audio.synth import timbres
from audio.synth.timbres import INSTRUMENTS, PITCHES_HZ
from support.scenes import scene_of
from support.signals import silence
from ui.tabs.see import timbre

EVERY = [(name, hz) for name in INSTRUMENTS for hz in PITCHES_HZ]


def rungs_of(instrument, hz, **more):
    clip = timbres.note(instrument, hz, **more)
    return timbres.ladder(timbres.spectrum(clip), hz)


@pytest.mark.parametrize(("instrument", "hz"), EVERY)
def test_notes_have_one_pitch_and_one_level(instrument, hz):
    clip = timbres.note(instrument, hz)
    first = clip.slice(0.0, 1.0)
    assert loudness(first).rms_dbfs == pytest.approx(timbres.LEVEL_DBFS, abs=0.01)
    assert np.abs(clip.samples).max() < 1
    rung = rungs_of(instrument, hz)[0]
    assert 1200 * log2(rung.frequency_hz / hz) == pytest.approx(0, abs=3)


@pytest.mark.parametrize("stiffness", [0.0, 1e-4, 4e-4, 1e-3])
@pytest.mark.parametrize("hz", PITCHES_HZ)
def test_stiffness_of_a_string_is_read_from_its_partials(hz, stiffness):
    found = timbres.inharmonicity(rungs_of("plucked", hz, stiffness=stiffness))
    assert found[1] == pytest.approx(stiffness, rel=0.03, abs=5e-6)
    assert found[0] == pytest.approx(hz, rel=1e-3)


def test_partials_of_a_stiff_string_are_followed_as_they_widen():
    rungs = rungs_of("plucked", 110.0, stiffness=1e-3)
    for rung in rungs:
        expected_hz = rung.number * 110 * np.sqrt(1 + 1e-3 * rung.number**2)
        assert rung.frequency_hz == pytest.approx(expected_hz, abs=1.0)
    assert len(rungs) >= 12


def test_clarinet_has_hardly_any_even_partials():
    levels_db = {rung.number: rung.level_db for rung in rungs_of("clarinet", 220.0)}
    for odd in (1, 3, 5, 7):
        assert levels_db[odd] > levels_db[2] + 15
    put_in_db = dict(enumerate(timbres.CLARINET_DB, 1))
    for number, level_db in levels_db.items():
        if number <= len(put_in_db):
            beside_db = level_db - levels_db[1]
            assert beside_db == pytest.approx(put_in_db[number], abs=1.5)


def test_sine_has_one_partial_and_no_stiffness():
    rungs = rungs_of("sine", 220.0)
    assert [rung.number for rung in rungs] == [1]
    assert timbres.inharmonicity(rungs) is None


def test_attack_is_that_of_the_envelope():
    own_s = {
        name: timbres.attack_s(timbres.note(name, 220.0), 220.0) for name in INSTRUMENTS
    }
    assert own_s["plucked"] < 0.02 < 0.08 < own_s["clarinet"]
    swapped = timbres.note("plucked", 220.0, envelope="clarinet")
    assert timbres.attack_s(swapped, 220.0) == pytest.approx(
        own_s["clarinet"], abs=0.03
    )
    faded = timbres.note("trumpet", 220.0, envelope="plucked")
    _, amplitudes = timbres.envelope(faded, 220.0)
    assert amplitudes[150] < 0.2 * amplitudes[2]
    _, steady = timbres.envelope(timbres.note("trumpet", 220.0), 220.0)
    assert np.ptp(steady[50:150]) < 0.01 * steady[50]


def test_lesson_draws_the_note_and_its_partials():
    sheet = timbre.draw(scene_of(silence()), "plucked", "own", 220.0, 1e-3)
    assert "B = 0.0010" in sheet.about
    assert len(sheet.plots[0].layers) == len(INSTRUMENTS)
    tenth = sheet.table[10]
    assert tenth[0] == "10"
    assert float(tenth[3]) == pytest.approx(1200 * log2(np.sqrt(1.1)), abs=1)
    trumpet = timbre.draw(scene_of(silence()), "trumpet", "own", 440.0, 1e-3)
    assert "B = 0." in trumpet.about
    assert "NaN" not in trumpet.as_json()
