"""Runs as child processes: what a page and a terminal rely on."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest

from errors import KnownError
from support.places import ROOT
from support.songs import song_folder
from support.started_runs import ENVIRONMENT, start
from support.waiting import wait_until
from trainer import __main__ as command
from trainer import config as configs
from trainer import messages
from trainer.config import RunConfig
from trainer.process import jobs
from trainer.run import checkpoints, runs
from trainer.run.events import Device, Evaluated, Stage, Step


def steps_of(run):
    return [event for event in run.events()[0] if isinstance(event, Step)]


@pytest.mark.minute
def test_run_finishes_and_another_process_reads_all_of_it(tmp_path):
    run = start(tmp_path)
    assert runs.find(tmp_path / "runs", run.id) == run
    wait_until(lambda: run.state().is_ended, "the end of the run")
    assert run.state().name == "finished", run.log_file.read_text()
    told, cursor = run.events()
    assert cursor == run.events_file.stat().st_size
    assert run.events(cursor) == ([], cursor)
    assert [step.step for step in steps_of(run)] == [1, 2, 3]
    assert any(isinstance(event, Evaluated) for event in told)
    assert (run.model_dir / "model.safetensors").exists()
    assert run.folder.stat().st_mode & 0o077 == 0
    with pytest.raises(KnownError, match="run_is_over"):
        jobs.stop(run)


@pytest.mark.minute
def test_stopped_run_is_resumed_and_ends_as_one_that_went_through(tmp_path):
    whole = start(tmp_path)
    run = start(tmp_path, n_steps=10_000, eval_every_n_steps=0)
    wait_until(lambda: whole.state().is_ended, "the end of the whole run")
    wait_until(lambda: len(steps_of(run)) > 1, "two steps")
    assert jobs.current(tmp_path / "runs") == run
    assert any(isinstance(event, Device) for event in run.events()[0])
    jobs.stop(run)
    assert run.state().name in ("stopping", "stopped")
    wait_until(lambda: run.state().is_ended, "the stop")
    assert run.state().name == "stopped"
    assert (run.model_dir / "model.safetensors").exists()
    saved_step = checkpoints.saved_step(run.folder)
    assert saved_step == steps_of(run)[-1].step
    again = jobs.resume(run, cache_dir=tmp_path / "cache", env=ENVIRONMENT)
    wait_until(lambda: steps_of(again), "a step after the old ones")
    assert steps_of(again)[0].step == saved_step + 1
    jobs.cancel(again)
    wait_until(lambda: again.state().is_ended, "the end")
    assert again.state().name == "cancelled"
    assert not (again.folder / "checkpoints").exists()
    assert checkpoints.saved_step(run.folder) == saved_step


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["decode", "model", "train", "validate", "save"])
def test_killed_run_keeps_what_was_saved_and_frees_the_lock(tmp_path, stage):
    song_folder(tmp_path / "songs", 60)
    run = start(tmp_path, n_steps=400, eval_every_n_steps=2)
    wait_until(run.started_file.exists, "the trainer")

    def is_there():
        return any(isinstance(e, Stage) and e.name == stage for e in run.events()[0])

    if stage == "save":  # of a checkpoint: in the middle of writing the second
        second = run.folder / "checkpoints" / "checkpoint-4"
        wait_until(second.exists, "the second checkpoint")
    else:
        wait_until(is_there, stage)
    os.killpg(runs.read_json(run.started_file)["pid"], signal.SIGKILL)
    wait_until(lambda: run.state().is_ended, "the kill to be noticed")
    state = run.state()
    assert (state.name, state.code) == ("failed", "killed")
    assert messages.failure(state.code, state.details, "en")
    assert all(map(checkpoints.is_complete, checkpoints.every(run.folder)))
    again = start(tmp_path)
    wait_until(lambda: again.state().is_ended, "the next run")
    assert again.state().name == "finished"


@pytest.mark.parametrize(
    "stage",
    [
        pytest.param("decode", marks=pytest.mark.minute),
        pytest.param("model", marks=pytest.mark.slow),
        pytest.param("validate", marks=pytest.mark.slow),
    ],
)
def test_stop_is_obeyed_in_every_phase(tmp_path, stage):
    song_folder(tmp_path / "songs", 60)
    run = start(tmp_path, n_steps=10_000, eval_every_n_steps=2)

    def is_there():
        return any(isinstance(e, Stage) and e.name == stage for e in run.events()[0])

    wait_until(is_there, stage)
    jobs.stop(run)
    wait_until(lambda: run.state().is_ended, "the stop")
    assert run.state().name == "stopped"
    told = [event.name for event in run.events()[0] if isinstance(event, Stage)]
    assert stage == "validate" or "train" not in told


@pytest.mark.minute
def test_bad_songs_end_the_run_with_a_sentence(tmp_path):
    song_folder(tmp_path / "songs", 3, ["low"])
    run = start(tmp_path)
    wait_until(lambda: run.state().is_ended, "the refusal")
    state = run.state()
    assert (state.name, state.code) == ("failed", "one_genre")
    assert "low" in messages.failure(state.code, state.details, "zh-TW")


@pytest.mark.minute
def test_hub_that_does_not_answer_ends_the_run_with_a_sentence(tmp_path):
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hub")}
    run = jobs.start(
        RunConfig(data="gtzan"),
        tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        env={**ENVIRONMENT, **nowhere},
    )
    wait_until(lambda: run.state().is_ended, "the refusal")
    state = run.state()
    assert (state.name, state.code) == ("failed", "hub_unreachable")
    assert "gtzan" in messages.failure(state.code, state.details, "en")


@pytest.mark.minute
def test_command_line_trains_and_prints_what_the_page_shows(tmp_path, capsys):
    songs = song_folder(tmp_path / "songs", 4)
    flags = ["--data", f"folder:{songs}", "--base-model", "small", "--window-s", "0.5"]
    flags += ["--n-steps", "2", "--batch-size", "2", "--eval-every-n-steps", "2"]
    flags += ["--runs-dir", str(tmp_path / "runs"), "--preset", "smoke"]
    flags += ["--cache-dir", str(tmp_path / "cache")]
    assert command.main(flags) == 0
    printed = capsys.readouterr().out
    (run,) = runs.every(tmp_path / "runs")
    for line in messages.log_lines(run.events()[0], "en"):
        assert line in printed
    assert "of 2 songs correct (" in printed
    assert f"evaluate {run.id}" in printed
    assert run.config() == dataclasses.replace(
        configs.preset("smoke"),
        data=f"folder:{songs}",
        base_model="small",
        window_s=0.5,
        n_steps=2,
        batch_size=2,
        eval_every_n_steps=2,
    )


def test_command_line_refuses_with_a_sentence(tmp_path, capsys):
    assert command.main(["--n-steps", "0", "--runs-dir", str(tmp_path)]) == 2
    assert "Steps" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("run_id", ["", "..", "../runs", "20260101-000000-zzzz", "a/b"])
def test_id_that_is_no_run_of_ours_is_refused(tmp_path, run_id):
    with pytest.raises(KnownError, match="unknown_run"):
        runs.find(tmp_path, run_id)


SERVER = """
import pathlib, sys, time
from support.started_runs import start
print(start(pathlib.Path(sys.argv[1]), n_steps=12).id, flush=True)
time.sleep(1000)
"""


@pytest.mark.minute
def test_run_goes_on_when_the_server_that_started_it_is_killed(tmp_path):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    run_id = server.stdout.readline().strip()
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()
    run = runs.find(tmp_path / "runs", run_id)  # as a restarted server finds it
    assert run.state().name in ("waiting", "running")
    wait_until(lambda: run.state().is_ended, "the end of the run")
    assert run.state().name == "finished", run.log_file.read_text()
    assert len(steps_of(run)) == 12


def test_half_written_line_is_read_once_it_is_whole(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    line = '{"kind": "stopped", "at": 1.0, "step": 3}\n'
    run.events_file.write_text(line + line[:20])
    first, cursor = run.events()
    assert len(first) == 1
    run.events_file.write_text(line + line)
    second, _ = run.events(cursor)
    assert len(second) == 1


def test_run_whose_start_died_does_not_wait_for_ever(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    assert run.state().name == "waiting"
    long_ago = time.time() - 2 * runs.START_PATIENCE_S
    os.utime(run.folder, (long_ago, long_ago))
    assert run.state().code == "run_vanished"


def test_run_that_ends_while_its_state_is_read_has_not_vanished(tmp_path, monkeypatch):
    run = runs.create(tmp_path, RunConfig())
    run.lock_file.touch()

    def is_held(lock_file):  # asked just after the run's end, with no result yet before
        runs.write_whole(run.result_file, '{"state": "finished"}')
        return False

    monkeypatch.setattr(runs.locks, "is_held", is_held)
    assert run.state().name == "finished"


def test_folder_of_a_run_that_was_never_made_is_no_run(tmp_path):
    made = runs.create(tmp_path, RunConfig())
    half = tmp_path / "20260101-000000-aaaa"  # whoever made it was killed
    half.mkdir()
    (half / "config.json.part").write_text("{")
    assert [run.id for run in runs.every(tmp_path)] == [made.id]
    with pytest.raises(KnownError, match="unknown_run"):
        runs.find(tmp_path, half.name)
