"""The queue of runs, and what a person may do with a run's folder."""

import os
import signal

import pytest

import settings
from errors import KnownError
from support import actor
from support.actor import UNTIL_STOPPED, start, trainer_pid, wait_for, wait_for_end
from trainer import __main__ as command
from trainer.config import RunConfig
from trainer.process import jobs
from trainer.run import runs
from trainer.run.events import Step
from ui.tabs.train.cache import RunCache


def test_runs_wait_their_turn_in_order_and_no_more_than_three(tmp_path):
    first = start(tmp_path)
    wait_for(first, Step, 2)
    queue = [start(tmp_path) for _ in range(jobs.N_WAITING)]
    assert jobs.waiting(tmp_path / "runs") == queue
    assert [run.state().name for run in queue] == ["waiting"] * 3
    assert jobs.current(tmp_path / "runs") == first
    with pytest.raises(KnownError, match="queue_full"):
        start(tmp_path)
    # One leaves the queue; the others keep their order, and nobody's page is open.
    jobs.stop(queue[0])
    assert wait_for_end(queue[0]).name == "stopped"
    assert not queue[0].started_file.exists()
    jobs.stop(first)
    wait_for(queue[1], Step, 2)
    assert first.state().name == "stopped"
    assert jobs.waiting(tmp_path / "runs") == [queue[2]]
    # A run that is killed makes room as well.
    os.kill(trainer_pid(queue[1]), signal.SIGKILL)
    wait_for(queue[2], Step, 2)
    jobs.cancel(queue[2])
    assert wait_for_end(queue[2]).name == "cancelled"
    assert jobs.current(tmp_path / "runs") is None


def test_stop_start_stop_ends_both(tmp_path):
    first = start(tmp_path)
    jobs.stop(first)
    second = start(tmp_path)
    jobs.stop(second)
    assert wait_for_end(first).name == "stopped"
    assert wait_for_end(second).name == "stopped"


def test_waiting_run_that_is_cancelled_never_starts(tmp_path):
    first = start(tmp_path)
    wait_for(first, Step)
    second = start(tmp_path)
    jobs.cancel(second)
    assert wait_for_end(second).name == "cancelled"
    assert not second.started_file.exists()
    jobs.stop(first)
    wait_for_end(first)


def test_cancel_removes_what_the_run_made_and_keeps_its_record(tmp_path):
    part = """
(run_dir / "model").mkdir()
(run_dir / "model" / "model.safetensors").write_bytes(b"x")
for name in ("confusion", "scores", "split", "songs"):
    (run_dir / f"{name}.json").write_text("{}")
(run_dir / "recorded").mkdir()
(run_dir / "recorded" / "train").write_bytes(b"x")
"""
    run = start(tmp_path, part + UNTIL_STOPPED)
    wait_for(run, Step, 2)
    runs.rename(run, "mine")
    jobs.cancel(run)
    assert wait_for_end(run).name == "cancelled"
    left = {path.name for path in run.folder.iterdir()}
    assert left == {
        *("config.json", "title", "ticket.json", "process.json", "started.json"),
        *("lock", "stop", "cancel", "events.jsonl", "trainer.log", "result.json"),
    }
    with pytest.raises(KnownError, match="run_is_over"):
        jobs.cancel(run)


def test_cancel_of_a_trainer_that_must_be_killed_leaves_nothing_half_built(tmp_path):
    part = """
from trainer.data.staging import staging_folder
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with staging_folder(run_dir.parents[1] / "cache") as folder:
    (folder / "samples.i16").write_bytes(bytes(1000))
    emit(Step(1, 9, 2.0, 1e-3, 1.0, 4.0))
    wait()
"""
    run = start(tmp_path, part, grace_s=0.2)
    wait_for(run, Step)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    jobs.cancel(run)
    assert wait_for_end(run).name == "cancelled"
    assert list((tmp_path / "cache").iterdir()) == []


def test_resumed_run_is_a_new_one_and_its_parent_keeps_all(tmp_path):
    parent = start(tmp_path)
    wait_for(parent, Step, 2)
    jobs.stop(parent)
    wait_for_end(parent)
    part = """
emit(Step(3, 9, 1.2, 1e-3, 1.0, 4.0))
return Result(9)
"""
    child = jobs.resume(
        parent,
        cache_dir=tmp_path / "cache",
        env=actor.environment(tmp_path / "child", part),
    )
    assert wait_for_end(child).name == "finished"
    assert runs.read_json(child.parent_file) == {"id": parent.id, "step": 2}
    assert child.config() == parent.config()
    for run in (parent, child):
        assert (run.folder / "checkpoints" / "checkpoint-2" / "whole.json").exists()
    told = RunCache(tmp_path / "runs").story(child)
    assert [event.step for event in told if isinstance(event, Step)] == [1, 2, 3]
    runs.delete(tmp_path / "runs", parent.id)
    told = RunCache(tmp_path / "runs").story(child)
    assert [event.step for event in told if isinstance(event, Step)] == [3]


def test_command_line_resumes_by_the_run_s_id(tmp_path, monkeypatch, capsys):
    parent = start(tmp_path)
    wait_for(parent, Step, 2)
    jobs.stop(parent)
    wait_for_end(parent)
    part = 'emit(Noted("resumed", {"step": 2}))\nreturn Result(9)'
    environment = actor.environment(tmp_path / "child", part)
    monkeypatch.setattr(settings, "child_environment", lambda: environment)
    flags = ["--runs-dir", str(tmp_path / "runs"), "--cache-dir", str(tmp_path)]
    assert command.main(["--resume", parent.id, *flags]) == 0
    assert "after step 2" in capsys.readouterr().out
    assert command.main(["--resume", "../runs", *flags]) == 2
    assert "no run" in capsys.readouterr().err


def test_deleted_run_is_gone_with_all_it_made(tmp_path):
    run = start(tmp_path)
    wait_for(run, Step, 2)
    with pytest.raises(KnownError, match="run_is_at_work"):
        runs.delete(tmp_path / "runs", run.id)
    jobs.stop(run)
    wait_for_end(run)
    runs.delete(tmp_path / "runs", run.id)
    assert runs.every(tmp_path / "runs") == []
    assert not list((tmp_path / "runs").glob(f"*{run.id}*"))


@pytest.mark.parametrize("run_id", ["", ".", "..", "../other", "/etc", "a/b"])
def test_nothing_but_a_run_can_be_deleted(tmp_path, run_id):
    (tmp_path / "other").mkdir()
    (tmp_path / "runs").mkdir()
    with pytest.raises(KnownError, match="unknown_run"):
        runs.delete(tmp_path / "runs", run_id)
    assert (tmp_path / "other").is_dir()


def test_link_out_of_the_folder_of_runs_is_not_a_run(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "runs").mkdir()
    link = tmp_path / "runs" / "20260101-000000-abcd"
    link.symlink_to(tmp_path / "other")
    with pytest.raises(KnownError, match="unknown_run"):
        runs.delete(tmp_path / "runs", link.name)


def test_title_is_kept_in_the_folder_and_cleaned(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    assert run.title == ""
    runs.rename(run, "  My\nfirst\x00 run " + "x" * 200)
    title = runs.find(tmp_path, run.id).title
    assert title.startswith("My first run xxx")
    assert len(title) == runs.TITLE_LENGTH
    runs.rename(run, "")
    assert run.title == ""


def test_story_of_a_run_without_a_parent_is_its_events(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    assert RunCache(tmp_path).story(run) == ()
