"""The simple model beside a network: MFCC statistics and an SVM."""

import dataclasses
import json

import numpy as np
import pytest

import i18n
from errors import KnownError
from support import tiny
from support.marked import keep_scores
from support.songs import song_folder
from trainer.__main__ import main
from trainer.config import RunConfig
from trainer.data import dataset
from trainer.evaluation import baseline, evaluate, report, scores
from trainer.evaluation.scores import Scores
from trainer.run import runs
from trainer.run.events import StopRequested

TONES = ("high", "low")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return song_folder(tmp_path_factory.mktemp("set") / "songs", 5, TONES)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    return tiny.save_tiny_model(tmp_path_factory.mktemp("model") / "m", genres=TONES)


def noise_or_hum(n_songs):
    """Songs of white noise (0) and of a falling spectrum (1), in turn."""
    rng = np.random.default_rng(0)
    clips = []
    for number in range(n_songs):
        noise = rng.standard_normal(16_000)
        if number % 2:
            noise = np.cumsum(noise) / 50
        clips.append(np.round(3000 * noise / np.abs(noise).max()).astype(np.int16))
    facts = [
        dataset.Song(str(n), "", "", "", 16_000, 16_000, "", 1.0, 0)
        for n in range(n_songs)
    ]
    return dataset.SongSet(
        ("noise", "hum"),
        tuple(facts),
        (),
        np.arange(n_songs) % 2,
        np.arange(n_songs + 1) * 16_000,
        np.concatenate(clips),
    )


def named(songs, n_train, **options):
    train, test = np.arange(n_train), np.arange(n_train, len(songs.songs))
    given = {"emit": lambda event: None, "should_stop": lambda: False, **options}
    return baseline.predict(songs, train, test, **given)


def test_statistics_are_those_of_the_coefficients_and_their_deltas():
    samples = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    values = baseline.mfcc_statistics(samples)
    assert values.shape == (80,)
    assert np.isfinite(values).all()
    louder = baseline.mfcc_statistics(10 * samples)
    assert louder[0] > values[0]  # the first coefficient is the level
    assert louder[1:60] == pytest.approx(values[1:60], abs=1e-2)
    assert abs(values[40:60]).max() < 1  # noise goes nowhere


@pytest.mark.parametrize("n_train", [6, 12])
def test_noise_and_hum_are_told_apart_whatever_the_number_of_songs(n_train):
    songs = noise_or_hum(20)
    said, c = named(songs, n_train)
    assert said.tolist() == songs.labels[n_train:].tolist()
    assert c in baseline.C_VALUES


def test_one_song_a_genre_is_enough_to_answer():
    said, c = named(noise_or_hum(6), 2)
    assert (len(said), c) == (4, 10.0)  # no fold to choose with


def test_groups_stay_together_while_c_is_chosen():
    songs = noise_or_hum(20)
    said, _ = named(songs, 12, groups=[str(n // 4) for n in range(20)])
    assert said.tolist() == songs.labels[12:].tolist()
    alone, c = named(songs, 12, groups=["one artist"] * 20)
    assert alone.tolist() == said.tolist()
    assert c == 10.0


def test_songs_of_one_genre_are_refused_in_a_sentence():
    songs = dataclasses.replace(noise_or_hum(4), labels=np.zeros(4, int))
    with pytest.raises(KnownError, match="baseline_one_genre") as caught:
        named(songs, 2)
    assert "2 training songs" in i18n.sentence(caught.value)


def test_progress_is_told_and_a_stop_obeyed():
    told = []
    with pytest.raises(StopRequested):
        named(noise_or_hum(8), 4, emit=told.append, should_stop=lambda: len(told) > 2)
    assert [(each.name, each.done, each.total) for each in told] == [
        ("baseline", done, 8) for done in range(3)
    ]


def test_shell_tells_the_simple_model_beside(
    model_dir, folder, cache_dir, tmp_path, capsys
):
    kept = tmp_path / "all.json"
    given = ["evaluate", str(model_dir), "--data", f"folder:{folder}", "--baseline"]
    given += ["--split", "stratified", "--test-fraction", "0.4"]
    given += ["--json", str(kept), "--cache-dir", str(cache_dir)]
    assert main(given) == 0
    shown = capsys.readouterr().out
    assert "trained on 6 songs and classified 100.0% of the same 4 correctly" in shown
    assert "only MFCC + SVM" in shown
    assert "What it means: these songs do not show" in shown
    (entry,) = json.loads(kept.read_text("utf-8"))["entries"]
    assert entry["scores"]["baseline"]["accuracy"] == 1.0


def test_all_songs_of_a_set_leave_none_to_learn_from(
    model_dir, folder, cache_dir, capsys
):
    given = ["evaluate", str(model_dir), "--data", f"folder:{folder}", "--baseline"]
    assert main([*given, "--cache-dir", str(cache_dir)]) == 2
    assert "--split stratified" in capsys.readouterr().err


def test_run_keeps_what_the_simple_model_got(
    model_dir, folder, cache_dir, tmp_path, capsys
):
    run = runs.create(tmp_path, RunConfig(data=f"folder:{folder}", split="stratified"))
    run.model_dir.symlink_to(model_dir)
    names = [f"{tone}/{number}.wav" for number in range(5) for tone in TONES]
    parts = {"train": names[:6], "validation": [], "test": names[6:]}
    runs.write_whole(run.folder / "split.json", json.dumps(parts))
    keep_scores(run.folder)  # of 4 songs
    before = evaluate.load_scores(run.folder)
    given = ["evaluate", run.id, "--baseline", "--runs-dir", str(tmp_path)]
    assert main([*given, "--cache-dir", str(cache_dir)]) == 0
    after = evaluate.load_scores(run.folder)
    assert (after.baseline.n_train, after.baseline.accuracy) == (6, 1.0)
    assert dataclasses.replace(after, baseline=None) == before
    assert Scores.from_json(after.to_json()) == after


def test_scores_of_older_versions_have_no_baseline(tmp_path):
    keep_scores(tmp_path)
    values = json.loads((tmp_path / evaluate.SCORES).read_text("utf-8"))
    values.pop("baseline", None)
    assert Scores.from_json(json.dumps(values)).baseline is None
    assert report.baseline(evaluate.load_scores(tmp_path), "it") == []


@pytest.mark.parametrize(
    ("model", "simple", "meaning"),
    [(20, 0, "below"), (0, 20, "above"), (11, 9, "alike")],
)
@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_sentence_says_which_is_better_and_whether_that_is_shown(
    model, simple, meaning, language, tmp_path
):
    keep_scores(tmp_path)
    right = np.arange(20) < model
    other = np.arange(20) >= 20 - simple
    found = dataclasses.replace(
        evaluate.load_scores(tmp_path),
        baseline=scores.baseline_of(right, other, 50, 10.0),
    )
    said = report.baseline(found, "mine", language)
    assert said[-1] == i18n.word(f"scores.baseline_{meaning}", language, model="mine")
    assert f"{simple / 20:.1%}" in said[0]
