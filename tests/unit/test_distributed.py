"""Two processes on this machine's CPU, as a launcher starts them on several GPUs."""

import dataclasses
import json
import math
import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

import i18n
import settings
from errors import KnownError
from networks import device, masked_prediction
from support import gpus, small_runs
from support.places import ROOT
from support.songs import song_folder
from support.waiting import wait_until
from trainer import __main__ as command_line
from trainer.config import PRESETS
from trainer.process import jobs
from trainer.process import launched as launching
from trainer.run import checkpoints, locks, runs
from trainer.run.events import Evaluated, Guessed, Noted, Step, StopRequested
from trainer.training import train as training
from trainer.training.distributed import ProcessGroup

LAUNCH = "-m torch.distributed.run --standalone --nproc-per-node 2 -m trainer".split()
FLAGS = "--base-model small --window-s 0.5 --batch-size 2 --n-accumulated 2"


def command(folder, *flags):
    """The command that a launcher repeats for each process, and its environment."""
    songs = song_folder(folder / "songs", 6)
    given = [
        *FLAGS.split(),
        "--split",
        "stratified",
        *flags,
        "--data",
        f"folder:{songs}",
    ]
    given += ["--runs-dir", str(folder / "runs"), "--cache-dir", str(folder / "cache")]
    environment = {**settings.child_environment(), "OMP_NUM_THREADS": "1"}
    return [sys.executable, *LAUNCH, *given], environment


def finished(folder, *flags):
    """The one run that two processes made, and what they printed."""
    line, environment = command(folder, *flags)
    done = subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-9000:]
    (run,) = runs.every(folder / "runs")
    return run, done.stdout


@contextmanager
def at_work(folder, line, environment):
    """A launched run after three steps, and the launcher's process."""
    process = subprocess.Popen(line, cwd=ROOT, env=environment)
    try:
        wait_until(lambda: runs.every(folder / "runs"), "the run")
        (run,) = runs.every(folder / "runs")
        wait_until(lambda: len(of(run, Step)) > 2, "three steps")
        yield run, process
    finally:
        process.kill()


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """The one run that two processes made, and what they printed."""
    folder = tmp_path_factory.mktemp("crew")
    return finished(folder, "--n-steps", "3", "--eval-every-n-steps", "3")


def of(run, kind):
    return [event for event in run.events()[0] if isinstance(event, kind)]


@pytest.mark.minute
def test_two_processes_make_one_result(launched):
    run, printed = launched
    assert run.state().name == "finished"
    assert {path.name for path in run.model_dir.iterdir()} == {
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
    }
    counts = json.loads((run.folder / "confusion.json").read_text())["counts"]
    split = json.loads((run.folder / "split.json").read_text())
    assert sum(map(sum, counts)) == len(split["test"])  # no song was heard twice
    assert printed.count("Step 1 of 3") == 1


@pytest.mark.minute
def test_each_step_is_told_once_with_a_finite_loss(launched):
    steps = of(launched[0], Step)
    assert [step.step for step in steps] == [1, 2, 3]
    assert all(math.isfinite(step.loss) for step in steps)
    assert steps[0].loss == pytest.approx(math.log(2), abs=0.1)
    assert len(of(launched[0], Evaluated)) == 1


@pytest.mark.minute
def test_two_small_batches_are_one_large_one(launched, tmp_path):
    config = dataclasses.replace(launched[0].config(), batch_size=8, n_accumulated=1)
    _, alone = small_runs.trained(config, tmp_path, tmp_path / "cache")
    whole = small_runs.of(alone, Step)
    for shared, one in zip(of(launched[0], Step), whole, strict=True):
        # Dropout differs; a factor of the number of processes would not pass.
        assert shared.loss == pytest.approx(one.loss, rel=0.02)
        assert shared.gradient_norm == pytest.approx(one.gradient_norm, rel=0.05)


@pytest.mark.minute
def test_two_processes_with_validation_songs_test_once_and_save(tmp_path):
    flags = ("--n-steps", "2", "--validation-fraction", "0.2")
    run, _ = finished(tmp_path, *flags)
    assert run.state().name == "finished"
    assert (run.model_dir / "model.safetensors").exists()
    assert runs.read_json(run.folder / "result.json")["test_accuracy"] is not None


@pytest.mark.minute
def test_two_processes_guess_the_same_clusters_in_both_iterations(tmp_path):
    flags = "--preset pretrain --n-steps 2 --eval-every-n-steps 2 --n-clusters 4"
    run, _ = finished(
        tmp_path,
        *flags.split(),
        *("--validation-fraction", "0.2", "--test-fraction", "0.2"),
    )
    assert run.state().name == "finished"
    assert [step.step for step in of(run, Step)] == [1, 2]
    assert all(math.isfinite(step.loss) for step in of(run, Step))
    (second,) = [n for n in of(run, Noted) if n.code == "second_iteration"]
    assert second.details == {"step": 1}
    (guessed,) = of(run, Guessed)
    assert guessed.step == 2 and guessed.n_frames > 0
    model = masked_prediction.load(run.model_dir, "it")
    assert (model.iteration, model.n_clusters) == (2, 4)


@pytest.mark.minute
def test_effective_batch_counts_both_processes(launched):
    (note,) = [note for note in of(launched[0], Noted) if note.code == "crew"]
    assert note.details == {"n_processes": 2, "n_windows": 8}  # 2 x 2 x 2


@pytest.mark.minute
@pytest.mark.slow
def test_stop_ends_both_processes_and_saves_once(tmp_path):
    line, environment = command(tmp_path, "--n-steps", "10000")
    with at_work(tmp_path, line, environment) as (run, process):
        run.stop_file.touch()
        assert process.wait(120) == 0
    assert run.state().name == "stopped"
    assert (run.model_dir / "model.safetensors").exists()


def test_launched_run_waits_for_the_one_that_trains(tmp_path):
    """Both would share one GPU."""
    told = []
    with locks.held(tmp_path / ".lock"):
        waiting = threading.Thread(
            target=lambda: told.append(launching._turn(tmp_path, told.append))
        )
        waiting.start()
        wait_until(lambda: told, "the note")
        assert (told[0].code, told[0].details) == ("waiting", {"n": 1})
        assert waiting.is_alive()
    waiting.join(30)
    assert locks.is_held(tmp_path / ".lock")
    os.close(told[-1])


def test_launcher_resumes_nothing(monkeypatch, tmp_path, capsys):
    """It would have begun another run."""
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        command_line.launched, "run", lambda *_, **__: pytest.fail("a new run")
    )
    given = ["--resume", "20260101-000000-abcd", "--runs-dir", str(tmp_path)]
    assert command_line.main(given) == 2
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize("n_processes", [1, 2])
def test_launched_process_ends_before_threads_of_its_group_can_abort_it(
    monkeypatch, n_processes
):
    launcher = {"WORLD_SIZE": str(n_processes), "RANK": "1", "MASTER_ADDR": "localhost"}
    for name, value in launcher.items():
        monkeypatch.setenv(name, value)
    ended = []
    monkeypatch.setattr(command_line.os, "_exit", ended.append)
    with pytest.raises(SystemExit):
        command_line._exit(1)
    assert ended == ([1] if n_processes > 1 else [])


def test_process_of_several_computes_on_its_own_gpu(monkeypatch):
    import torch

    gpus.answers(monkeypatch, n=2)
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    for rank in (0, 1, 3):
        device.choose(rank)
    assert chosen == [0, 1, 1]


@pytest.mark.parametrize(("n", "expected"), [(1, []), (2, [2])])
def test_second_gpu_that_stays_idle_is_told(monkeypatch, n, expected):
    gpus.answers(monkeypatch, n=n)
    told = []
    training._note_device(device.best(), 1, told.append)
    assert told[0].code == "trains_on"
    assert told[0].details["name"] == "T4"
    assert [note.details["n"] for note in told[1:]] == expected
    told.clear()
    training._note_device(device.best(), 2, told.append)
    assert len(told) == 1


@pytest.mark.slow
@pytest.mark.parametrize("validation_fraction", ["0", "0.2"])
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_two_processes_carry_out_every_preset(tmp_path, preset, validation_fraction):
    small = "--n-epochs 0 --n-steps 2 --eval-every-n-steps 0 --n-accumulated 1"
    flags = ["--preset", preset, *small.split()]
    flags += ["--validation-fraction", validation_fraction]
    run, _ = finished(tmp_path, *flags)
    assert run.state().name == "finished"
    result = runs.read_json(run.folder / "result.json")
    needs_genres = run.config().needs_genres
    assert ("masked_accuracy" in result) == (not needs_genres)
    is_tested = needs_genres and validation_fraction != "0"
    assert ("test_accuracy" in result) == is_tested
    assert (run.model_dir / "model.safetensors").exists()
    assert len([n for n in of(run, Noted) if n.code == "trains_on"]) == 1


@pytest.mark.slow
def test_stopped_launch_is_resumed_on_one_device(tmp_path):
    line, environment = command(tmp_path, "--n-steps", "1000")
    with at_work(tmp_path, line, environment) as (run, process):
        run.stop_file.touch()
        assert process.wait(120) == 0
    saved_step = checkpoints.saved_step(run.folder)
    child = jobs.resume(run, cache_dir=tmp_path / "cache", env=environment)
    wait_until(lambda: of(child, Step), "a step")
    jobs.stop(child)
    wait_until(lambda: child.state().is_ended, "its end")
    assert child.state().name == "stopped"
    assert of(child, Step)[0].step == saved_step + 1


@pytest.mark.slow
@pytest.mark.parametrize("is_main", [True, False])
def test_launch_that_loses_a_process_ends_and_says_so(tmp_path, is_main):
    import psutil

    line, environment = command(tmp_path, "--n-steps", "1000")
    with at_work(tmp_path, line, environment) as (run, process):
        main_pid = runs.read_json(run.started_file)["pid"]
        trainers = psutil.Process(process.pid).children()
        (victim,) = [each for each in trainers if (each.pid == main_pid) == is_main]
        victim.kill()
        assert process.wait(120) != 0
    state = run.state()
    assert state.name == "failed"
    assert i18n.sentence(KnownError(state.code, **state.details))


def test_crew_of_one_asks_and_speaks_as_if_alone():
    group = ProcessGroup(1, is_main=True)
    told = []
    assert group.main_only(told.append) == told.append
    assert group.broadcast_stop(str) is str
    assert group.main_process_first(lambda: 7) == 7
    group.announce(8, told.append)
    assert not told


def test_stop_of_what_the_main_process_computes_alone_is_one_of_all(monkeypatch):
    def stopped():
        raise StopRequested

    assert ProcessGroup(1, is_main=True).compute_once(lambda: 7) == 7
    shared = []
    monkeypatch.setattr(
        ProcessGroup,
        "broadcast",
        lambda self, answer: shared.append(answer()) or shared[-1],
    )
    assert ProcessGroup(2, is_main=True).compute_once(lambda: 7) == 7
    with pytest.raises(StopRequested):
        ProcessGroup(2, is_main=True).compute_once(stopped)
    monkeypatch.setattr(ProcessGroup, "broadcast", lambda self, answer: shared[-1])
    with pytest.raises(StopRequested):
        ProcessGroup(2, is_main=False).compute_once(lambda: pytest.fail("it began"))


def test_process_that_is_not_the_main_one_says_nothing():
    told = []
    ProcessGroup(2, is_main=False).main_only(told.append)(Noted("split"))
    assert not told


def test_others_do_not_begin_what_the_main_process_could_not(monkeypatch):
    monkeypatch.setattr(ProcessGroup, "broadcast", lambda self, answer: False)
    with pytest.raises(StopRequested):
        ProcessGroup(2, is_main=False).main_process_first(
            lambda: pytest.fail("it began")
        )


def test_stop_is_the_main_process_s_word(monkeypatch):
    monkeypatch.setattr(ProcessGroup, "broadcast", lambda self, answer: True)
    should_stop = ProcessGroup(2, is_main=False).broadcast_stop(lambda: False)
    assert should_stop() is True


def test_main_process_that_fails_lets_the_others_go(monkeypatch):
    shared = []
    monkeypatch.setattr(
        ProcessGroup, "broadcast", lambda self, answer: shared.append(answer())
    )

    def fail():
        raise StopRequested

    with pytest.raises(StopRequested):
        ProcessGroup(2, is_main=True).main_process_first(fail)
    assert shared == [False]
