"""What if, over a set of songs: each change has its share of answers, with intervals."""

import dataclasses
import json

import numpy as np
import pytest

from audio.clip import Clip
from audio.effects import NAMED
from networks.forward import Outputs
from support import tiny
from support.files import write_audio
from support.songs import song_folder
from trainer.__main__ import main
from trainer.config import RunConfig
from trainer.data import dataset, sources
from trainer.evaluation import model_lookup, report, what_if
from trainer.evaluation.what_if import AS_IT_IS, NONE
from trainer.run.events import StopRequested
from trainer.training.initial_model import BUNDLED_DIR

RATE = tiny.SAMPLING_RATE
LOW, HIGH = tiny.GENRES[:2]


def planted_songs(root, n_each=4):
    """Write songs of two genres: one has a high tone besides the low one, one has none."""
    rng = np.random.default_rng(0)
    time_s = np.arange(2 * RATE) / RATE
    for genre, gain in ((LOW, 0.0), (HIGH, 0.2)):
        (root / genre).mkdir(parents=True)
        for number in range(n_each):
            phase = rng.uniform(0, 2 * np.pi)
            wave = 0.2 * np.sin(2 * np.pi * 300 * time_s + phase)
            wave += gain * np.sin(2 * np.pi * 3000 * time_s + phase)
            clip = Clip(wave.astype(np.float32), RATE)
            write_audio(root / genre / f"{number}.wav", clip)
    return root


def listening_to_the_high_band(network, windows, title="", **more):
    """A network that gives the second genre where something sounds above 1.5 kHz."""
    logits = np.zeros((len(windows), len(tiny.GENRES)), np.float32)
    for i, window in enumerate(np.asarray(windows)):
        power = np.abs(np.fft.rfft(window)) ** 2
        edge = round(1500 / (RATE / len(window)))
        logits[i, int(power[edge:].sum() > 0.1 * power.sum())] = 5.0
    return Outputs(logits)


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    home = tmp_path_factory.mktemp("planted")
    config = RunConfig(data=f"folder:{planted_songs(home / 'songs')}")
    return dataset.prepare(
        sources.source_of(config, lambda event: None),
        home / "cache",
        emit=lambda event: None,
        should_stop=lambda: False,
    )


@pytest.fixture(scope="module")
def model(tiny_model_dir, tmp_path_factory):
    runs_dir = tmp_path_factory.mktemp("runs")
    found = model_lookup.find(str(tiny_model_dir), runs_dir, BUNDLED_DIR)
    return model_lookup.load(found)


def measured(model, songs, **more):
    every = np.arange(len(songs.songs))
    asked = {"emit": lambda event: None, "should_stop": lambda: False, **more}
    compute = listening_to_the_high_band
    return what_if.measure(model, songs, every, songs.labels, compute=compute, **asked)


def test_cue_that_is_planted_in_a_band_is_found_by_the_change_that_removes_it(
    model, songs
):
    found = {each.change: each for each in measured(model, songs)}
    assert list(found) == [AS_IT_IS, *NAMED]
    assert found[AS_IT_IS].accuracy == 1.0
    assert (found["low"].changed, found["low"].accuracy) == (0.5, 0.5)
    for name in ("quieter", "reversed", "shuffled", "faster", "slower", "up", "down"):
        assert found[name].changed == 0.0, name
    low, high = found["low"].changed_interval
    assert low < 0.5 < high
    assert low == pytest.approx(0.2152, abs=1e-3)  # Wilson's, of 4 in 8
    text = report.what_if(tuple(found.values()), "the model")
    assert "Only below 1 kHz” changes the genre of 50%" in text
    assert "50.0% (21.5%–78.5%)" in text


def test_silenced_song_has_another_and_a_wrong_answer():
    answers = np.array([[0, NONE], [1, 1], [NONE, 0]])
    first, change = what_if.scores([AS_IT_IS, "low"], answers, np.array([0, 1, 0]))
    assert (first.n_songs, first.accuracy, first.changed) == (2, 1.0, 0.0)
    assert (change.accuracy, change.changed) == (0.5, 0.5)
    assert what_if.scores([AS_IT_IS], np.array([[NONE]]), np.array([0])) == ()


def test_what_does_not_matter_is_told_only_where_there_are_songs_enough():
    few, many = (
        what_if.scores([AS_IT_IS, "noise"], np.zeros((n, 2), int), np.zeros(n, int))
        for n in (4, 100)
    )
    assert "Does not matter" not in report.what_if(few, "m")
    assert "Does not matter" in report.what_if(many, "m")


def test_measuring_stops_between_two_changes(model, songs):
    with pytest.raises(StopRequested):
        measured(model, songs, should_stop=lambda: True)


def test_command_line_prints_it_and_writes_it_as_json(tiny_model_dir, tmp_path, capsys):
    folder = song_folder(tmp_path / "songs", 1, tiny.GENRES)
    file = tmp_path / "scores.json"
    asked = ["evaluate", str(tiny_model_dir), "--data", f"folder:{folder}"]
    places = ["--cache-dir", str(tmp_path / "cache"), "--json", str(file)]
    assert main([*asked, "--what-if", *places]) == 0
    printed = capsys.readouterr().out
    assert "What if the songs were different?" in printed
    (entry,) = json.loads(file.read_text("utf-8"))["entries"]
    assert [each["change"] for each in entry["what_if"]] == [AS_IT_IS, *NAMED]
    names = {each.name for each in dataclasses.fields(what_if.ChangeScore)}
    assert set(entry["what_if"][0]) == names
