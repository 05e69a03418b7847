"""The real trumpet's numbers: notes found by ear, kept beside the recording, with credit."""

import json

import pytest

from audio.notes import hz_of
from audio.synth import trumpet
from audio.synth.examples import example
from support.files import write_audio
from support.signals import silence
from ui.front import front, phrase, recorded
from ui.player import recordings
from ui.player.examples import TRUMPET


@pytest.fixture
def folder(tmp_path):
    """The folder of the built-in sounds, with a trumpet as the recording."""
    path = recordings.file_of(TRUMPET, tmp_path)
    write_audio(path, example(phrase.PHRASE).resampled(48_000))
    return tmp_path


def test_notes_found_are_those_that_are_played():
    found = recorded.notes(example(phrase.PHRASE))
    assert len(found) == len(trumpet.NOTES)
    for (start_s, stop_s, midi, *_), each in zip(trumpet.NOTES, found, strict=True):
        assert hz_of(each["name"]) == pytest.approx(440 * 2 ** ((midi - 69) / 12))
        assert each["start_s"] == pytest.approx(start_s, abs=0.06)
        assert each["stop_s"] == pytest.approx(stop_s, abs=0.06)


def test_numbers_are_computed_once_and_shown_from_then_on(folder, monkeypatch):
    assert recorded.shown(folder) == phrase.FILE
    recorded.prepare(folder)
    file = recorded.shown(folder)
    assert file.parent == folder
    numbers = json.loads(file.read_text("utf-8"))
    stored = json.loads(phrase.FILE.read_text("utf-8"))
    assert numbers.keys() == stored.keys()
    assert numbers["sound"] == TRUMPET
    assert numbers["partials"][0]["name"] == stored["partials"][0]["name"]
    monkeypatch.delattr(recorded, "computed")
    recorded.prepare(folder)
    assert len(list(folder.iterdir())) == 2  # nothing unfinished is left


def test_without_the_recording_the_phrase_is_shown(tmp_path):
    recorded.prepare(tmp_path)
    assert recorded.shown(tmp_path) == recorded.shown(None) == phrase.FILE
    recorded.file_of(tmp_path).write_text("{}")
    assert recorded.shown(tmp_path) == phrase.FILE


def test_recording_without_a_note_changes_nothing(tmp_path):
    write_audio(recordings.file_of(TRUMPET, tmp_path), silence(2.0), 48_000)
    recorded.prepare(tmp_path)
    assert recorded.shown(tmp_path) == phrase.FILE


def test_script_credits_the_recording_and_nothing_computed(folder):
    recorded.prepare(folder)
    script = front.script("en", recorded.shown(folder))
    assert "Mihai Sorohan" in script
    assert recordings.BY_ID[TRUMPET].licence[1] in script
    assert "Mihai Sorohan" not in front.script("en")
