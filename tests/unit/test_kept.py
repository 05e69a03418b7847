"""Runs beside storage that cannot hold a run at work."""

import json

import pytest

import settings
from support import bucket
from trainer.config import RunConfig
from trainer.run import runs
from trainer.run.kept import KeptRuns

SPACE = {"SYSTEM": "spaces", "SPACE_ID": "studio/genrescope"}
ALL = ("append", "replace", "lock", "map")


def test_disk_lacks_nothing_and_nothing_is_left_on_it(tmp_path):
    assert settings.lacks(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ALL)
def test_what_a_file_system_cannot_is_named(tmp_path, monkeypatch, what):
    bucket.mount(monkeypatch, tmp_path, {what})
    found = settings.lacks(tmp_path)
    # Without append a file cannot be opened to be mapped for writing either.
    assert found == (("append", "map") if what == "append" else (what,))


def test_file_system_that_cannot_be_written_lacks_everything(tmp_path):
    assert settings.lacks(tmp_path / "none") == ALL


def test_runs_are_not_on_a_bucket_and_the_cache_never(tmp_path, monkeypatch):
    bucket.mount(monkeypatch, tmp_path, set(ALL))
    found = settings.from_environment(SPACE, tmp_path)
    assert not found.host.is_lasting
    assert found.host.lacks == ALL
    assert found.runs_dir == settings.ROOT / "runs"
    assert found.kept_runs_dir == tmp_path / "runs"
    assert found.songs_dir == tmp_path / "songs"
    assert found.cache_dir == settings.ROOT / "cache"


def test_disk_as_storage_holds_runs_themselves(tmp_path):
    found = settings.from_environment(SPACE, tmp_path)
    assert found.host.is_lasting
    assert found.runs_dir == tmp_path / "runs"
    assert found.kept_runs_dir is None
    assert found.cache_dir == settings.ROOT / "cache"


def test_folder_that_was_named_holds_everything(tmp_path):
    given = {**SPACE, "GENRESCOPE_HOME": str(tmp_path / "mine")}
    found = settings.from_environment(given, tmp_path / "none")
    assert found.runs_dir == tmp_path / "mine" / "runs"
    assert found.cache_dir == tmp_path / "mine" / "cache"
    assert found.kept_runs_dir is None


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder of runs, and a bucket."""
    here, there = tmp_path / "runs", tmp_path / "data" / "runs"
    bucket.mount(monkeypatch, tmp_path / "data", set(ALL))
    return here, there


def ended(runs_dir, state="finished"):
    run = runs.create(runs_dir, RunConfig())
    run.model_dir.mkdir()
    (run.model_dir / "model.safetensors").write_bytes(b"weights")
    (run.folder / "checkpoints" / "checkpoint-3").mkdir(parents=True)
    (run.folder / "checkpoints" / "checkpoint-3" / "optimizer.pt").write_bytes(b"x")
    run.events_file.write_text("{}\n")
    if state:
        (run.folder / "result.json").write_text(json.dumps({"state": state}))
    return run


def test_ended_run_outlives_a_restart_on_a_bucket(places):
    here, there = places
    run = ended(here)
    KeptRuns(here, there).update()
    run.folder.rename(here.parent / "gone")
    KeptRuns(here, there).restore()
    assert run.state().name == "finished"
    assert run.config() == RunConfig()
    assert (run.model_dir / "model.safetensors").read_bytes() == b"weights"
    assert not (run.folder / "checkpoints").exists()


def test_run_at_work_is_copied_once_it_has_ended(places):
    here, there = places
    run, kept = ended(here, state=""), KeptRuns(*places)
    kept.update()
    assert runs.every(there) == []
    (run.folder / "result.json").write_text('{"state": "stopped"}')
    kept.update()
    (copy,) = runs.every(there)
    assert copy.id == run.id


def test_deleted_run_is_deleted_there_too_and_no_other(places):
    here, there = places
    first, second = ended(here), ended(here)
    kept = KeptRuns(here, there)
    kept.update()
    runs.delete(here, first.id)
    kept.update()
    assert [run.id for run in runs.every(there)] == [second.id]
    # What is there and was never here was not deleted by anybody.
    KeptRuns(here.parent / "other", there).update()
    assert [run.id for run in runs.every(there)] == [second.id]


def test_copy_that_was_cut_off_is_no_copy(places):
    here, there = places
    run = ended(here)
    KeptRuns(here, there).update()
    (there / run.id / "result.json").unlink()
    (there / run.id / "model" / "model.safetensors").write_bytes(b"wei")
    run.folder.rename(here.parent / "gone")
    KeptRuns(here, there).restore()
    assert runs.every(here) == []
    (here.parent / "gone").rename(run.folder)
    KeptRuns(here, there).update()
    copied = there / run.id / "model" / "model.safetensors"
    assert copied.read_bytes() == b"weights"
