"""Going on where a run ended: the losses of a run that went through."""

import shutil

import numpy as np
import pytest

from errors import KnownError
from support import tiny
from support.small_runs import GENRES, config_for, losses, never, of, trained
from support.songs import song_folder
from trainer.config import RunConfig
from trainer.process import jobs
from trainer.run import checkpoints, runs
from trainer.run.events import Evaluated, Noted, Planned, Step
from trainer.training import initial_model
from trainer.training.recipe import Batches

pytestmark = pytest.mark.minute

# Two epochs and a half; tests and whole checkpoints at steps 2, 4, 6 and 7.
CHANGES = {"n_steps": 7, "batch_size": 2, "n_accumulated": 2, "eval_every_n_steps": 2}


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    return song_folder(tmp_path_factory.mktemp("data") / "songs", 5, GENRES)


def go(songs, folder, checkpoint=None, until=never, **changes):
    config = config_for(songs, **{**CHANGES, **changes})
    return trained(config, folder, songs.parent / "cache", until, checkpoint)


@pytest.fixture(scope="module")
def through(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("through")
    return *go(songs, folder), folder


class StopsIn:
    """Asks to stop at the ``n``th question after a step."""

    def __init__(self, step, n):
        self.step, self.left = step, n

    def __call__(self, told):
        if len(of(told, Step)) >= self.step:
            self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(
    ("step", "question"),
    [(1, 1), (3, 0), (4, 0)],
    ids=["after a step", "within a step", "within a test"],
)
def test_resumed_losses_are_those_of_a_run_that_went_through(
    songs, tmp_path, through, step, question
):
    first, told = go(songs, tmp_path, until=StopsIn(step, question))
    assert first.was_stopped
    assert first.step in (step, step + 1)
    checkpoint = checkpoints.newest(tmp_path)
    assert checkpoints.step_of(checkpoint) == first.step
    shutil.rmtree(tmp_path / "model")
    last, more = go(songs, tmp_path, checkpoint)
    assert last.step == 7
    assert of(more, Planned)[0].first_step == first.step
    assert "resumed" in [note.code for note in of(more, Noted)]
    assert losses(told) | losses(more) == losses(through[1])
    tests = {e.step: (e.accuracy, e.loss) for e in of(told + more, Evaluated)}
    whole = {e.step: (e.accuracy, e.loss) for e in of(through[1], Evaluated)}
    assert {7} <= tests.keys() <= whole.keys()
    assert tests == {step: whole[step] for step in tests}


def test_half_written_checkpoint_is_skipped_and_swept(through, tmp_path):
    run_dir = tmp_path / "run"
    shutil.copytree(through[2], run_dir)
    newest, older = checkpoints.every(run_dir)[:2]
    assert checkpoints.newest(run_dir) == newest
    with (newest / "optimizer.pt").open("r+b") as file:
        file.truncate(100)
    assert checkpoints.newest(run_dir) == older
    (older / "model.safetensors").unlink()
    (run_dir / "checkpoints" / "checkpoint-9").mkdir()
    assert checkpoints.newest(run_dir) is None
    checkpoints.sweep(run_dir)
    assert checkpoints.every(run_dir) == []


def test_newest_and_best_checkpoint_are_kept_and_no_others(through):
    state = checkpoints.state_of(checkpoints.newest(through[2]))
    kept = {checkpoints.step_of(path) for path in checkpoints.every(through[2])}
    assert kept == {7, state["best_global_step"]}


def test_resumed_run_owns_what_it_goes_on_from(through, tmp_path):
    parent = runs.create(tmp_path, RunConfig())
    shutil.copytree(through[2] / "checkpoints", parent.folder / "checkpoints")
    newest = checkpoints.newest(parent.folder)
    child = runs.create(tmp_path, RunConfig())
    checkpoints.adopt(parent, child.folder, newest)
    shutil.rmtree(parent.folder)
    mine = checkpoints.newest(child.folder)
    assert mine.name == newest.name
    best = checkpoints.state_of(mine)["best_global_step"]
    assert checkpoints.is_complete(child.folder / "checkpoints" / f"checkpoint-{best}")


@pytest.mark.parametrize("is_other", [False, True])
def test_run_that_resumes_on_other_songs_says_so(songs, tmp_path, is_other):
    go(songs, tmp_path, until=StopsIn(1, 1))
    shutil.rmtree(tmp_path / "model")
    if is_other:
        (tmp_path / runs.SONGS).write_text('{"folder": "songs-of-an-older-composer"}')
    checkpoint = checkpoints.newest(tmp_path)
    _, told = go(songs, tmp_path, checkpoint, until=StopsIn(1, 1))
    notes = [note.code for note in of(told, Noted)]
    assert ("other_songs" in notes) == is_other


def test_run_at_work_or_without_a_checkpoint_cannot_be_resumed(tmp_path):
    young = runs.create(tmp_path, RunConfig())
    with pytest.raises(KnownError, match="run_is_at_work"):
        jobs.resume(young, cache_dir=tmp_path, env={})
    runs.write_whole(young.folder / "result.json", '{"state": "stopped"}')
    with pytest.raises(KnownError, match="nothing_to_resume"):
        jobs.resume(young, cache_dir=tmp_path, env={})
    assert runs.every(tmp_path) == [young]


def out_of_memory_above(monkeypatch, n_windows, at_call=1):
    """Let the model fail as CUDA does for more than ``n_windows`` at once."""
    import torch

    load_base = initial_model.load_base
    n_calls = []

    def limited(*given):
        model, extractor = load_base(*given)
        forward = model.forward

        def guarded(input_values=None, labels=None):
            n_calls.append(len(input_values))
            if len(input_values) > n_windows and len(n_calls) >= at_call:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
            return forward(input_values=input_values, labels=labels)

        model.forward = guarded
        return model, extractor

    monkeypatch.setattr(initial_model, "load_base", limited)


def test_out_of_memory_halves_the_batch_and_keeps_the_step(
    songs, tmp_path, monkeypatch
):
    out_of_memory_above(monkeypatch, 2)
    sizes = {"batch_size": 8, "n_accumulated": 1, "eval_every_n_steps": 7}
    result, told = go(songs, tmp_path, n_steps=2, **sizes)
    assert result.step == 2
    halved = [n.details for n in of(told, Noted) if n.code == "batch_halved"]
    assert halved == [
        {"size": 4, "n_accumulated": 2},
        {"size": 2, "n_accumulated": 4},
    ]
    monkeypatch.undo()
    (tmp_path / "plain").mkdir()
    _, plain = go(songs, tmp_path / "plain", n_steps=2, n_accumulated=4)
    assert losses(told) == losses(plain)


def test_out_of_memory_later_goes_on_from_the_last_checkpoint(
    songs, tmp_path, monkeypatch
):
    # Two passes a step and three a test: the 10th is after the save at step 2.
    out_of_memory_above(monkeypatch, 1, at_call=10)
    result, told = go(songs, tmp_path, n_steps=4)
    assert result.step == 4
    assert [plan.first_step for plan in of(told, Planned)] == [0, 2]


def test_out_of_memory_with_one_window_has_a_cause(songs, tmp_path, monkeypatch):
    out_of_memory_above(monkeypatch, 0)
    with pytest.raises(KnownError, match="out_of_memory"):
        go(songs, tmp_path)


@pytest.mark.parametrize(
    ("size", "n", "smaller"), [(8, 1, (4, 2)), (3, 4, (1, 12)), (9, 1, (3, 3))]
)
def test_smaller_batches_hear_as_many_windows_a_step(size, n, smaller):
    assert Batches(size, n).smaller() == Batches(*smaller)


def test_one_window_cannot_be_halved():
    assert Batches(1, 8).smaller() is None


def test_ruined_weights_are_not_saved(songs, tmp_path, monkeypatch):
    load_base = initial_model.load_base

    def poisoned(*given):
        import torch

        model, extractor = load_base(*given)
        n_calls = []

        def ruin(gradient):
            n_calls.append(1)
            return gradient * (np.nan if len(n_calls) == 6 else 1.0)

        model.classifier.weight.register_hook(ruin)
        assert isinstance(model, torch.nn.Module)
        return model, extractor

    monkeypatch.setattr(initial_model, "load_base", poisoned)
    with pytest.raises(KnownError, match="nan_loss") as caught:
        go(songs, tmp_path)
    assert caught.value.details["step"] == 3  # the 6th pass, the loss still finite
    assert checkpoints.saved_step(tmp_path) == 2
    assert checkpoints.is_complete(tmp_path / "checkpoints" / "checkpoint-2")


@pytest.fixture
def another_bundled_model(tmp_path, monkeypatch):
    """Replaces the bundled model by one of another shape, when called."""
    first = tiny.save_tiny_model(tmp_path / "bundled")
    other = tiny.save_tiny_model(tmp_path / "other", hidden_size=8, num_hidden_layers=1)
    monkeypatch.setattr(initial_model, "BUNDLED_DIR", first)
    return lambda: monkeypatch.setattr(initial_model, "BUNDLED_DIR", other)


@pytest.mark.parametrize(
    ("part", "left"), [("all", "checkpoint"), ("encoder", "model"), ("head", "model")]
)
def test_run_goes_on_though_the_bundled_model_has_changed(
    songs, tmp_path, another_bundled_model, part, left
):
    changes = {"base_model": "bundled", "trained_part": part}
    parent = runs.create(tmp_path, RunConfig())
    first, told = go(songs, parent.folder, until=StopsIn(3, 0), **changes)
    if left == "checkpoint":
        shutil.rmtree(parent.model_dir)
    another_bundled_model()
    child = runs.create(tmp_path, RunConfig())
    checkpoints.adopt(parent, child.folder, checkpoints.newest(parent.folder))
    newest = checkpoints.newest(child.folder)
    last, more = go(songs, child.folder, newest, **changes)
    assert (first.step, last.step) == (3, 7)
    assert losses(told).keys() | losses(more).keys() == set(range(1, 8))


def test_run_whose_frozen_layers_are_gone_is_refused(
    songs, tmp_path, another_bundled_model
):
    changes = {"base_model": "bundled", "trained_part": "head"}
    go(songs, tmp_path, until=StopsIn(3, 0), **changes)
    shutil.rmtree(tmp_path / "model")
    another_bundled_model()
    with pytest.raises(KnownError, match="base_model_changed"):
        go(songs, tmp_path, checkpoints.newest(tmp_path), **changes)


def stopped_run(through, songs, runs_dir):
    """A run that can be resumed, of these songs."""
    config = config_for(songs, **{**CHANGES, "n_steps": 9})
    run = runs.create(runs_dir, config)
    shutil.copytree(through[2] / "checkpoints", run.folder / "checkpoints")
    shutil.copyfile(through[2] / runs.SPLIT, run.folder / runs.SPLIT)
    runs.write_whole(run.folder / "result.json", '{"state": "stopped"}')
    return run


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda root: song_folder(root, 3, {"new": 700.0}), "genres_changed"),
        (lambda root: (root / "low").rename(root / "Low bass"), "genres_changed"),
        (lambda root: (root / "low" / "0.wav").unlink(), "songs_changed"),
    ],
    ids=["added", "renamed", "removed"],
)
def test_run_whose_songs_have_changed_is_not_resumed(
    through, songs, tmp_path, change, code
):
    mine = tmp_path / "songs"
    shutil.copytree(songs, mine)
    folder = tmp_path / "run"
    shutil.copytree(through[2], folder)
    change(mine)
    checkpoint = checkpoints.newest(folder)
    with pytest.raises(KnownError, match=code):
        go(mine, folder, checkpoint, n_steps=9)


def test_run_whose_cache_was_deleted_reads_its_songs_again(through, songs, tmp_path):
    mine, folder = tmp_path / "songs", tmp_path / "run"
    shutil.copytree(songs, mine)
    shutil.copytree(through[2], folder)
    shutil.rmtree(folder / "model")
    assert not (tmp_path / "cache").exists()
    last, told = go(mine, folder, checkpoints.newest(folder), n_steps=9)
    assert last.step == 9
    assert losses(told).keys() == {8, 9}


def test_run_whose_songs_are_gone_is_refused_at_the_click(through, songs, tmp_path):
    run = stopped_run(through, tmp_path / "gone", tmp_path / "runs")
    with pytest.raises(KnownError, match="songs_moved"):
        jobs.resume(run, cache_dir=tmp_path, env={})
    assert runs.every(tmp_path / "runs") == [run]
