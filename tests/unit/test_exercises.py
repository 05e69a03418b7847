"""Questions about the built-in sounds: their answers, and how people type them."""

import re
from math import log, log2

import pytest

import i18n
from audio.synth import exercises
from audio.synth.composer import STYLES
from audio.synth.examples import example
from audio.synth.exercises import EXERCISES
from audio.synth.trumpet import FIRST_DB, FIRST_HZ
from errors import KnownError
from support.places import ROOT
from trainer.evaluation.metrics import wilson_interval
from ui.scene import Scene, Transforms
from ui.tabs.see import sampling
from ui.tabs.see.lesson import loudest_s
from viz.closeup import LENGTH_S

DISCO_BPM = 116.28  # that the composer drew: a beat every 0.516 s
# What the sounds were made to be, so what measuring them has to find.
MADE = {
    "note": FIRST_HZ,
    "harmonic": 1 + FIRST_DB.index(max(FIRST_DB)),
    "passage": 2048,  # 21.5 Hz with the Hann window, less than the 26 Hz between them
    "windows": 4,  # all but none, -41 dB, and Hamming, -58 dB
    "click": 0.0,
    "folds": 16_000,  # the next one, 22,050 Hz, still holds 11,000 Hz
    "alias": 2000 - 2 * FIRST_HZ,
    "bit": 6.02,
    "mel": 33.0,  # Slaney: 15 of 45.2 mels
    "frames": 264,  # 5.3 s less 5 ms, in steps of 20 ms
    "chance": 100 / len(STYLES),
    "decibel": 10.0,
    "missing": 220.5,
    "timbre": 3,
    "frame": 22_050 / 256,
    "return": 3,  # all but one frame after the other, without overlap
    "seventh": 1200 * (34 / 12 - log2(7)),
    "tempo": DISCO_BPM,
    "masked": 100 * (1 - 0.92**10),
    "loss": log(3),
    "interval": 100 * wilson_interval(8, 10)[0],
    "calibration": 45,
    "uniform": 100 / 264,
    "stripe": 2 * 60 / DISCO_BPM,
    "glide": 4.9,
    "cutoff": 8250,  # of LAME's filter: 1.5 × 5,500 Hz for one channel
}


def test_every_exercise_has_a_known_answer():
    assert {each.id for each in EXERCISES} == set(MADE)


@pytest.mark.parametrize("id", MADE)
def test_measured_answer_is_what_the_sound_was_made_to_be(id):
    assert exercises.is_right(id, MADE[id])


@pytest.mark.parametrize(
    ("id", "wrong"),
    [
        ("note", 2 * FIRST_HZ),  # the strongest partial
        ("note", 659.26),  # a semitone up
        ("harmonic", 1),
        ("passage", 1024),
        ("windows", 6),
        ("click", 6.0),
        ("folds", 22_050),
        ("alias", 1244.5),
        ("bit", 3.0),
        ("mel", 12.5),
        ("frames", 500),
        ("chance", 50.0),
        ("decibel", 1.0),
        ("missing", 441.0),
        ("timbre", 2),
        ("frame", 10.8),
        ("return", 4),
        ("seventh", 14),
        ("tempo", 90),
        ("masked", 50),
        ("uniform", 1.5),
        ("stripe", 0.52),  # one beat
        ("loss", 0.69),
        ("interval", 80),
        ("calibration", 40),
        ("glide", 2.0),  # the harmonic part
        ("cutoff", 11_025),
    ],
)
def test_wrong_answer_is_not_right(id, wrong):
    assert not exercises.is_right(id, wrong)


@pytest.mark.parametrize(
    "typed",
    [
        "E♭5",
        "Eb5",
        "eb5",
        "D#5",
        "D♯5/E♭5",
        "e flat 5",
        "降E5",
        "升 D5",
        "622",
        "622 Hz",
        "622Hz",
        "0.622 kHz",
        "0,622 kHz",
        "６２２ 赫茲",
        "≈ 622.3 hz",
    ],
)
def test_note_may_be_typed_in_many_ways(typed):
    assert exercises.is_right("note", exercises.read(typed, "note"))


@pytest.mark.parametrize(
    ("typed", "unit", "value"),
    [
        ("1,244 Hz", "hz", 1244.0),
        ("16 kHz", "hz", 16_000.0),
        ("16000", "hz", 16_000.0),
        ("6,02 dB", "db", 6.02),
        ("−6 分貝", "db", -6.0),
        ("10 %", "percent", 10.0),
        ("10％", "percent", 10.0),
        ("2,048 samples", "count", 2048.0),
        ("2nd", "count", 2.0),
        ("118 BPM", "count", 118.0),
        ("1.10", "number", 1.1),
    ],
)
def test_number_may_have_its_unit(typed, unit, value):
    assert exercises.read(typed, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("typed", "unit", "code"),
    [
        ("", "hz", "not_an_answer"),
        ("many", "count", "not_an_answer"),
        ("6 dB", "hz", "not_an_answer"),
        ("6 Hz", "count", "not_an_answer"),
        ("1.2.3", "hz", "not_an_answer"),
        ("H5", "note", "not_a_note"),
        ("E♭", "note", "note_without_octave"),
    ],
)
def test_what_cannot_be_read_says_why(typed, unit, code):
    with pytest.raises(KnownError) as caught:
        exercises.read(typed, unit)
    assert caught.value.code == code


def test_unknown_exercise_is_refused():
    with pytest.raises(KnownError) as caught:
        exercises.exercise("nonsense")
    assert caught.value.code == "not_a_choice"


def test_question_names_the_frequencies_that_its_lesson_shows():
    clip = example("brass")
    start_s = loudest_s(clip, round(LENGTH_S * clip.sampling_rate))
    scene = Scene(clip, Transforms())
    shown = sampling.draw_rate(scene, start_s, exercises.SLOW_RATE, False).about
    numbers = re.findall(r"[\d,]+ Hz", shown)
    asked = i18n.word("teach.alias_question", "en")
    assert f"{exercises.solution('alias'):,.0f} Hz" == numbers[-1] == "755 Hz"
    assert f"{numbers[-2]} at its loudest" in asked


def test_page_for_teachers_names_each_question_as_the_app_does():
    words = i18n.table("en")
    titles = {words[f"teach.{each.id}_title"] for each in EXERCISES}
    page = (ROOT / "docs" / "teachers.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) (.+?) \|", page, re.MULTILINE)
    assert {f"{number} · {name}" for number, name in rows} == titles
    assert f"{len(EXERCISES)} questions" in page
    assert f"{len(EXERCISES)} questions" in (ROOT / "README.md").read_text("utf-8")
