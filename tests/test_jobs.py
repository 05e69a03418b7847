"""Runs as child processes: what a page and a terminal rely on."""

import dataclasses
import os
import signal
import time

import pytest
from test_data import song_folder
from test_train import config_for

import settings
from errors import KnownError
from trainer import __main__ as command
from trainer import jobs, runs, telling
from trainer.config import RunConfig
from trainer.events import Evaluated, Step

PATIENCE_S = 120


def wait_until(claim, what):
    """Wait for a condition; the time is only where a broken build gives up."""
    end = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.05)


def start(tmp_path, **changes):
    folder = tmp_path / "songs"
    songs = folder if folder.exists() else song_folder(folder, 4)
    return jobs.start(
        config_for(songs, **changes),
        tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        env=settings.child_environment(),
    )


def steps_of(run):
    return [event for event in run.events()[0] if isinstance(event, Step)]


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


def test_second_start_is_refused_stop_saves_and_the_next_run_starts(tmp_path):
    run = start(tmp_path, n_steps=10_000, eval_every_n_steps=0)
    with pytest.raises(KnownError) as caught:
        start(tmp_path)
    assert caught.value.code == "busy"
    assert caught.value.details["id"] == run.id
    wait_until(lambda: len(steps_of(run)) > 1, "two steps")
    assert jobs.current(tmp_path / "runs") == run
    jobs.stop(run)
    assert run.state().name in ("stopping", "stopped")
    wait_until(lambda: run.state().is_ended, "the stop")
    assert run.state().name == "stopped"
    assert (run.model_dir / "model.safetensors").exists()
    again = start(tmp_path)
    assert again.id != run.id
    os.killpg(process_id(again), signal.SIGKILL)
    wait_until(lambda: again.state().is_ended, "the kill to be noticed")


def process_id(run):
    return runs.read_json(run.folder / "process.json")["pid"]


def test_killed_run_is_failed_with_its_last_words_and_frees_the_lock(tmp_path):
    run = start(tmp_path, n_steps=10_000)
    wait_until(lambda: steps_of(run), "a step")
    os.killpg(process_id(run), signal.SIGKILL)
    wait_until(lambda: run.state().is_ended, "the kill to be noticed")
    state = run.state()
    assert (state.name, state.code) == ("failed", "run_vanished")
    assert telling.failure(state.code, state.details, "en")
    again = start(tmp_path)
    jobs.stop(again)
    wait_until(lambda: again.state().is_ended, "the stop while preparing")
    assert again.state().name == "stopped"


def test_bad_songs_end_the_run_with_a_sentence(tmp_path):
    song_folder(tmp_path / "songs", 3, ["low"])
    run = start(tmp_path)
    wait_until(lambda: run.state().is_ended, "the refusal")
    state = run.state()
    assert (state.name, state.code) == ("failed", "one_genre")
    assert "low" in telling.failure(state.code, state.details, "zh-TW")


def test_command_line_trains_and_prints_what_the_page_shows(tmp_path, capsys):
    songs = song_folder(tmp_path / "songs", 4)
    flags = ["--data", f"folder:{songs}", "--base-model", "small", "--window-s", "0.5"]
    flags += ["--n-steps", "2", "--batch-size", "2", "--eval-every-n-steps", "2"]
    flags += ["--runs-dir", str(tmp_path / "runs"), "--preset", "smoke"]
    flags += ["--cache-dir", str(tmp_path / "cache")]
    assert command.main(flags) == 0
    printed = capsys.readouterr().out
    (run,) = runs.every(tmp_path / "runs")
    for line in telling.log_lines(run.events()[0], "en"):
        assert line in printed
    assert run.config() == dataclasses.replace(
        command.configs.preset("smoke"),
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


def test_half_written_line_is_read_once_it_is_whole(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    line = '{"kind": "stopped", "at": 1.0, "step": 3}\n'
    run.events_file.write_text(line + line[:20])
    first, cursor = run.events()
    assert len(first) == 1
    run.events_file.write_text(line + line)
    second, _ = run.events(cursor)
    assert len(second) == 1


def test_reused_process_id_is_not_our_run(tmp_path):
    assert not runs.is_alive(os.getpid(), created_at=1.0)


def test_run_whose_start_died_does_not_wait_for_ever(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    assert run.state().name == "waiting"
    long_ago = time.time() - 2 * runs.START_PATIENCE_S
    os.utime(run.folder, (long_ago, long_ago))
    assert run.state().code == "run_vanished"
