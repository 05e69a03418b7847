"""Tones of sines: what is put in is what the DFT finds, levels and phases."""

import numpy as np
import pytest

from audio import transforms
from audio.synth import harmonics
from audio.synth.harmonics import Recipe
from audio.transforms.partials import fundamental_hz
from support.scenes import scene_of
from support.signals import silence
from ui.tabs.see import sines

LOTS = [(shape, phases) for shape in harmonics.SHAPES for phases in harmonics.PHASES]


@pytest.mark.parametrize("hz", harmonics.FUNDAMENTALS_HZ)
@pytest.mark.parametrize(("shape", "phases"), LOTS)
def test_dft_finds_every_level_and_phase_that_was_put_in(shape, phases, hz):
    recipe = harmonics.recipe(shape, phases=phases)
    sound = harmonics.sines(recipe, hz, harmonics.N_ANALYSED).sum(axis=0)
    found = harmonics.found(sound, hz)
    is_there = recipe.amplitudes > 1e-4
    put_in_db = 20 * np.log10(recipe.amplitudes[is_there])
    assert np.abs(found.levels_db[is_there] - put_in_db).max() < 0.01
    off = found.phases_deg[is_there] - np.array(recipe.phases_deg)[is_there]
    assert np.abs((off + 180) % 360 - 180).max() < 0.1
    assert np.all(found.levels_db[~is_there] < -79)
    beside = np.ones(len(found.amplitudes), bool)
    beside[np.rint(np.arange(1, 17) * hz / harmonics.bin_width_hz()).astype(int)] = (
        False
    )
    assert found.amplitudes[beside].max() < 1e-9


def test_shapes_are_what_their_names_say():
    turns = np.arange(100) / 100  # a period
    limits = {"saw": 0.5 - turns, "square": np.sign(0.5 - turns)}
    limits["triangle"] = np.arcsin(np.sin(2 * np.pi * turns))
    for shape, limit in limits.items():
        recipe = harmonics.recipe(shape)
        wave = harmonics.sines(recipe, 220.5, 100).sum(axis=0)
        assert np.corrcoef(wave[1:], limit[1:])[0, 1] > 0.97


def test_square_wave_has_odd_harmonics_as_strong_as_one_by_their_number():
    levels_db = harmonics.recipe("square").levels_db
    assert levels_db[2] == pytest.approx(-9.54, abs=0.01)
    assert levels_db[1] == harmonics.ABSENT_DB


def test_phases_change_the_wave_and_not_its_spectrum():
    waves = [
        harmonics.sines(harmonics.recipe("saw", phases=name), 220.5, 4000).sum(axis=0)
        for name in harmonics.PHASES
    ]
    levels = [harmonics.found(wave, 220.5).levels_db for wave in waves]
    assert np.allclose(levels[0], levels[1]) and np.allclose(levels[0], levels[2])
    crests_db = [harmonics.crest_db(wave) for wave in waves]
    assert crests_db[1] > crests_db[2] + 3


def test_missing_fundamental_is_still_the_pitch():
    recipe = harmonics.recipe("missing")
    assert harmonics.heard_hz(recipe, 220.5) == 220.5
    clip = harmonics.tone(recipe, 220.5)
    found = fundamental_hz(transforms.dft(clip, start_s=0.5))
    assert found == pytest.approx(220.5, abs=0.5)
    about = sines.draw(scene_of(clip), "missing", 16, "shape", 220.5, 0, 0, 0).about
    assert "7 sines; their sum repeats 220.5 times a second" in about
    assert "No sine of that frequency" in about


def test_no_sample_of_a_tone_is_above_full_scale():
    for shape, phases in LOTS:
        clip = harmonics.tone(harmonics.recipe(shape, phases=phases), 441.0)
        assert np.abs(clip.samples).max() <= harmonics.SUM_OF_AMPLITUDES + 1e-6


def test_one_harmonic_can_be_changed_alone():
    scene = scene_of(silence())
    sheet = sines.draw(scene, "saw", 16, "shape", 220.5, 3, -6, 90)
    rows = {row[0]: row for row in sheet.table[1:]}
    strongest, third = (float(rows[n][2].replace("−", "-")) for n in ("1", "3"))
    assert third == pytest.approx(strongest - 6, abs=0.01)
    assert rows["3"][4:] == ("90°", "90°")
    assert sheet.plots[0].layers[-2].name == "harmonic 3"
    silenced = sines.draw(scene, "saw", 16, "shape", 220.5, 3, sines.LOWEST_DB, 0)
    assert "3" not in {row[0] for row in silenced.table}


def test_tone_without_any_sine_says_so():
    sheet = sines.draw(scene_of(silence()), "sine", 1, "shape", 110.25, 1, -60, 0)
    assert sheet.about == "No sines: silence."
    assert sheet.table == ()
    assert "NaN" not in sheet.as_json()
    assert harmonics.heard_hz(Recipe((-120.0,) * 16, (0.0,) * 16), 110.25) == 0.0
