"""Any model on the same songs: found by its name, heard, compared, told."""

import json
import os
import subprocess
import sys

import pytest

from errors import KnownError
from networks.cpu import precision
from support import tiny
from support.places import ROOT
from support.songs import song_folder
from trainer.__main__ import main
from trainer.config import RunConfig
from trainer.data import sources
from trainer.evaluation import compare, model_lookup, report
from trainer.evaluation.compare import FIRST_EVAL_SEED, SongSelection
from trainer.run import runs
from trainer.training.initial_model import BUNDLED_DIR

pytestmark = pytest.mark.usefixtures("one_thread")
LABELS = ("Blues", "j-a-z-z", "ROCK")  # tiny.GENRES, as others write them


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return song_folder(tmp_path_factory.mktemp("set") / "songs", 3, LABELS)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def held(names, wish, tmp_path, cache_dir):
    models = [model_lookup.find(str(name), tmp_path, BUNDLED_DIR) for name in names]
    return compare.compare(models, wish, cache_dir, emit=lambda event: None)


def finished_run(tmp_path, model_dir, folder, parts):
    run = runs.create(tmp_path, RunConfig(data=f"folder:{folder}", split="stratified"))
    run.model_dir.symlink_to(model_dir)
    runs.write_whole(run.folder / "split.json", json.dumps(parts))
    return run


def test_model_is_as_good_as_itself(tiny_model_dir, folder, tmp_path, cache_dir):
    wish = SongSelection(f"folder:{folder}")
    found = held([tiny_model_dir] * 2, wish, tmp_path, cache_dir)
    first, second = found.entries
    assert first == second
    assert first.scores.n_songs == 9
    assert first.window_s == tiny.FACTS["window_s"]
    assert found.duel.p == 1.0
    assert found.duel.n_first == found.duel.n_second == 0
    assert found.duel.n_both + found.duel.n_neither == 9


def test_labels_are_matched_by_letters_and_unknown_genres_left_out(
    tiny_model_dir, tmp_path
):
    songs = song_folder(tmp_path / "songs", 2, ("BLUES", "Jazz", "polka"))
    found = held(
        [tiny_model_dir], SongSelection(f"folder:{songs}"), tmp_path, tmp_path / "c"
    )
    scores = found.entries[0].scores
    assert [(g.genre, g.n_songs) for g in scores.genres] == [
        ("blues", 2),
        ("jazz", 2),
        ("rock", 0),
    ]
    assert (found.left_out, found.n_left_out) == (("polka",), 2)


def test_songs_that_the_model_cannot_name_at_all_are_refused(tiny_model_dir, tmp_path):
    songs = song_folder(tmp_path / "songs", 2, ("polka", "waltz"))
    with pytest.raises(KnownError, match="no_common_genres"):
        held(
            [tiny_model_dir], SongSelection(f"folder:{songs}"), tmp_path, tmp_path / "c"
        )


def test_run_is_asked_about_the_songs_that_it_kept_back(
    tiny_model_dir, folder, tmp_path, cache_dir
):
    parts = {
        "train": ["Blues/0.wav", "ROCK/0.wav"],
        "validation": ["Blues/1.wav"],
        "test": ["Blues/2.wav", "ROCK/2.wav", "ROCK/gone.wav"],
    }
    run = finished_run(tmp_path, tiny_model_dir, folder, parts)
    found = held([run.id], SongSelection(), tmp_path, cache_dir)
    assert found.entries[0].scores.n_songs == 2
    assert (found.meaning, found.n_gone, found.entries[0].n_learned) == ("run", 1, 0)
    everything = held(
        [f"run:{run.id}"], SongSelection(is_all=True), tmp_path, cache_dir
    )
    assert everything.entries[0].scores.n_songs == 9
    assert everything.entries[0].n_learned == 2


def test_run_that_chose_on_its_test_songs_is_not_called_honest(
    tiny_model_dir, folder, tmp_path, cache_dir
):
    parts = {"train": ["Blues/0.wav"], "test": ["ROCK/2.wav"]}
    run = finished_run(tmp_path, tiny_model_dir, folder, parts)
    assert held([run.id], SongSelection(), tmp_path, cache_dir).meaning == "chosen"


def test_split_hears_its_test_part_alone(tiny_model_dir, folder, tmp_path, cache_dir):
    wish = SongSelection(f"folder:{folder}", split="stratified", test_fraction=0.34)
    found = held([tiny_model_dir], wish, tmp_path, cache_dir)
    assert found.entries[0].scores.n_songs == 3
    assert [g.n_songs for g in found.entries[0].scores.genres] == [1, 1, 1]


def test_temperature_of_the_model_is_used(tmp_path, folder, cache_dir):
    facts = {**tiny.FACTS, "temperature": 2.5}
    warm = tiny.save_tiny_model(tmp_path / "warm", genrescope=facts)
    found = held([warm], SongSelection(f"folder:{folder}"), tmp_path, cache_dir)
    assert found.entries[0].scores.temperature == 2.5


@pytest.mark.parametrize(
    ("trained_on", "may_know"), [("folder", True), ("gtzan", False)]
)
def test_model_that_may_know_the_songs_is_said_so(
    trained_on, may_know, tmp_path, folder, cache_dir
):
    facts = {**tiny.FACTS, "trained_on": trained_on}
    model = tiny.save_tiny_model(tmp_path / "model", genrescope=facts)
    found = held([model], SongSelection(f"folder:{folder}"), tmp_path, cache_dir)
    assert found.entries[0].may_know == may_know
    assert ("perhaps" in report.text(found)) == may_know


def test_composed_songs_are_new_to_every_run():
    asked = sources.composed_songs(2, FIRST_EVAL_SEED)
    assert next(song.name for song in asked.songs).endswith(f" {FIRST_EVAL_SEED}")
    learned = sources.composed_songs(2)
    assert asked.fingerprint != learned.fingerprint
    assert not {s.name for s in asked.songs} & {s.name for s in learned.songs}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("20260101-000000-abcd", "unknown_run"),
        ("run:../../etc", "unknown_run"),
        ("no such thing", "no_such_model"),
        (".", "not_a_checkpoint"),
    ],
)
def test_name_of_nothing_is_refused_in_a_sentence(name, code, tmp_path):
    with pytest.raises(KnownError, match=code):
        model_lookup.find(name, tmp_path, BUNDLED_DIR)


def test_run_without_a_model_is_refused(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    with pytest.raises(KnownError, match="run_without_model"):
        model_lookup.find(run.id, tmp_path, BUNDLED_DIR)


def test_model_without_a_trained_head_is_not_heard(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tiny.save_tiny_model(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    kept = {name: w for name, w in weights.items() if "classifier" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(KnownError, match="model_broken"):
        model_lookup.load(model_lookup.find(str(folder), tmp_path, BUNDLED_DIR))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"problem_type": "regression"}, "model_wrong_task"),
        ({"architectures": ["HubertForCTC"]}, "model_wrong_task"),
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, "model_without_labels"),
        ({"num_attention_heads": 0}, "model_broken"),
        ({"hidden_size": "wide"}, "model_broken"),
    ],
)
def test_shell_refuses_what_the_page_refuses(change, code, tmp_path, capsys):
    path = tiny.save_tiny_model(tmp_path / "model") / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(KnownError, match=code):
        model_lookup.load(model_lookup.find(str(path.parent), tmp_path, BUNDLED_DIR))


def test_model_of_another_kind_hears_windows_of_its_own_length(tmp_path):
    ast = tiny.save_tiny_other("ast", tmp_path / "ast")
    assert model_lookup.load(
        model_lookup.find(str(ast), tmp_path, BUNDLED_DIR)
    ).window_s == pytest.approx(1.015)


def test_shell_prints_scores_and_writes_them(
    tiny_model_dir, folder, tmp_path, cache_dir, capsys
):
    kept = tmp_path / "scores.json"
    model, data = str(tiny_model_dir), f"folder:{folder}"
    given = ["evaluate", model, "--against", model, "--data", data]
    given += ["--json", str(kept), "--cache-dir", str(cache_dir)]
    assert main(given) == 0
    shown = capsys.readouterr().out
    assert "of 9 songs correct" in shown
    assert "no difference (p = 1)" in shown
    values = json.loads(kept.read_text("utf-8"))
    assert values["duel"]["p"] == 1.0
    assert values["entries"][0]["scores"]["n_songs"] == 9


@pytest.mark.parametrize(
    ("flag", "variable", "used"),
    [("fp32", "bf16", "fp32"), ("bf16", "fp32", "bf16"), ("", "fp32", "fp32")],
)
def test_precision_of_a_cpu_is_the_flag_s_then_the_environment_s(
    flag, variable, used, tiny_model_dir, folder, tmp_path, cache_dir, monkeypatch
):
    monkeypatch.setenv("GENRESCOPE_PRECISION", variable)
    monkeypatch.setattr(precision, "has_operators", lambda: True)
    kept = tmp_path / "scores.json"
    given = ["evaluate", str(tiny_model_dir), "--data", f"folder:{folder}"]
    given += ["--json", str(kept), "--cache-dir", str(cache_dir)]
    assert main(given + (["--precision", flag] if flag else [])) == 0
    assert json.loads(kept.read_text("utf-8"))["entries"][0]["precision"] == used


@pytest.mark.parametrize("command", ["evaluate", "layers"])
def test_shell_refuses_a_file_that_cannot_be_written_before_the_work(
    command, tmp_path, capsys
):
    nowhere = str(tmp_path / "none" / "scores.json")
    assert main([command, "no such model", "--json", nowhere]) == 2
    err = capsys.readouterr().err
    assert nowhere in err
    assert "no such model" not in err  # which is looked up later


def test_shell_asks_for_a_file_and_leaves_none(tmp_path):
    kept, new = tmp_path / "kept.json", tmp_path / "new.json"
    kept.write_text("{}")
    for path in (kept, new):
        assert main(["evaluate", "no such model", "--json", str(path)]) == 2
    assert kept.read_text() == "{}"
    assert not new.exists()


def test_environment_that_is_refused_ends_with_the_code_of_refusal():
    run = subprocess.run(
        [sys.executable, "-m", "trainer", "--preset", "smoke"],
        env={**os.environ, "GENRESCOPE_READERS": "many"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "GENRESCOPE_READERS" in run.stderr


def test_shell_refuses_in_a_sentence(tiny_model_dir, tmp_path, capsys):
    model = str(tiny_model_dir)
    assert main(["evaluate", model, "--runs-dir", str(tmp_path)]) == 2
    assert "--data composed" in capsys.readouterr().err
