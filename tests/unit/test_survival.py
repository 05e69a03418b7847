"""What a run survives, and what it says where it does not."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest

from errors import KnownError
from support import actor
from support.actor import (
    start,
    supervisor_pid,
    trainer_pid,
    wait_for,
    wait_for_end,
)
from support.waiting import wait_until
from trainer import messages
from trainer.config import RunConfig
from trainer.process import jobs, supervisor
from trainer.run import checkpoints, runs
from trainer.run.events import Device, Stage, Step

pytestmark = pytest.mark.minute

STAGES = "songs download decode model train validate test save".split()

DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
checkpoint(run_dir, 4)
child = subprocess.Popen(["sleep", "1000"])
(run_dir / "child").write_text(str(child.pid))
emit(Stage("train"))
wait()
"""


def stage_and_wait(name):
    return f"checkpoint(run_dir, 3)\nemit(Stage({name!r}))\nprint('last words')\nwait()"


def test_stop_finishes_and_saves_and_leaves_no_process(tmp_path):
    run = start(tmp_path)
    wait_for(run, Step, 2)
    pids = [trainer_pid(run), supervisor_pid(run)]
    promise = jobs.stop(run)
    assert promise.usually_s is not None
    assert promise.at_most_s == jobs.STOP_GRACE_S + jobs.TERM_S
    assert run.state().name in ("stopping", "stopped")
    assert wait_for_end(run).name == "stopped"
    assert runs.read_json(run.folder / "result.json")["saved_step"] == 2
    wait_until(lambda: all(map(actor.is_gone, pids)), "no process")
    with pytest.raises(KnownError, match="run_is_over"):
        jobs.stop(run)


def test_stop_of_a_deaf_trainer_is_forced_and_its_children_go_too(tmp_path):
    run = start(tmp_path, DEAF, grace_s=0.2)
    wait_for(run, Stage)
    pids = [trainer_pid(run), int((run.folder / "child").read_text())]
    jobs.stop(run)
    assert wait_for_end(run).name == "stopped"
    assert checkpoints.saved_step(run.folder) == 4
    wait_until(lambda: all(map(actor.is_gone, pids)), "no process")


def test_stop_breaks_off_what_does_not_look_at_the_flag(tmp_path):
    run = start(tmp_path, stage_and_wait("download"), grace_s=0.2)
    wait_for(run, Stage)
    jobs.stop(run)
    assert wait_for_end(run).name == "stopped"


def test_stop_is_forced_without_the_supervisor_when_it_is_asked_again(tmp_path):
    run = start(tmp_path, DEAF, grace_s=0.0)
    wait_for(run, Stage)
    os.kill(supervisor_pid(run), signal.SIGKILL)
    wait_until(lambda: actor.is_gone(supervisor_pid(run)), "the supervisor's end")
    assert run.state().name == "running"
    jobs.stop(run)
    os.utime(run.stop_file, (1.0, 1.0))
    jobs.stop(run)
    wait_until(lambda: actor.is_gone(trainer_pid(run)), "the trainer's end")
    assert wait_for_end(run).code == "run_vanished"


def test_run_without_its_supervisor_ends_as_it_should(tmp_path):
    run = start(tmp_path)
    wait_for(run, Step, 2)
    os.kill(supervisor_pid(run), signal.SIGKILL)
    jobs.stop(run)
    assert wait_for_end(run).name == "stopped"


@pytest.mark.parametrize("stage", STAGES)
def test_killed_trainer_is_noticed_in_every_phase_and_the_next_run_starts(
    tmp_path, stage
):
    run = start(tmp_path, stage_and_wait(stage))
    wait_for(run, Stage)
    os.kill(trainer_pid(run), signal.SIGKILL)
    state = wait_for_end(run)
    assert (state.name, state.code) == ("failed", "killed")
    for language in ("en", "zh-TW", "zh-CN"):
        assert "SIGKILL" in messages.failure(state.code, state.details, language)
    assert checkpoints.saved_step(run.folder) == 3
    if stage == "train":
        after = start(tmp_path, "return Result(9)")
        assert wait_for_end(after).name == "finished"


def test_run_of_which_all_is_killed_vanished_with_its_last_words(tmp_path):
    run = start(tmp_path, stage_and_wait("train"))
    wait_for(run, Stage)
    for pid in (supervisor_pid(run), trainer_pid(run)):
        os.kill(pid, signal.SIGKILL)
    state = wait_for_end(run)
    assert state.code == "run_vanished"
    assert state.details["last_line"] == "last words"
    with pytest.raises(KnownError, match="run_is_over"):
        jobs.stop(run)
    after = start(tmp_path, "return Result(9)")
    assert wait_for_end(after).name == "finished"


def test_server_killed_in_the_middle_changes_nothing(tmp_path):
    code = f"""
import sys, time
sys.path.insert(0, "tests")
from pathlib import Path
from support import actor
actor.start(Path({str(tmp_path)!r}))
time.sleep(1000)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as server:
        wait_until(lambda: runs.every(tmp_path / "runs"), "the run")
        (run,) = runs.every(tmp_path / "runs")
        wait_for(run, Step, 2)
        server.kill()
    assert run.state().name == "running"
    assert jobs.current(tmp_path / "runs") == run
    jobs.stop(run)
    assert wait_for_end(run).name == "stopped"


def test_five_megabytes_of_output_are_capped(tmp_path):
    part = """
for number in range(50):
    os.write(1, (b"x" * 99 + b"\\n") * 1000)
    time.sleep(0.02)
print("the end", flush=True)
"""
    run = start(tmp_path, part + actor.UNTIL_STOPPED)
    wait_for(run, Step, 2)
    limit = supervisor.LOG_LIMIT_BYTES
    wait_until(lambda: run.log_file.stat().st_size < limit, "a shorter log")
    assert run.last_line() == "the end"
    jobs.stop(run)
    assert wait_for_end(run).name == "stopped"


def test_capped_log_keeps_whole_lines_of_its_end(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    lines = [f"line {number:06d}" for number in range(250_000)]
    run.log_file.write_text("\n".join(lines) + "\n")
    supervisor.cap_log(run)
    kept = run.log_file.read_text().splitlines()
    assert kept[0] == "(the beginning was deleted)"
    assert kept[1:] == lines[-len(kept) + 1 :]


def test_device_is_seen_in_the_events(tmp_path):
    noted = 'emit(Noted("trains_on", {"kind": "cpu", "why": "no_gpu"}))'
    run = start(tmp_path, f"{noted}\n{actor.UNTIL_STOPPED}")
    (figures, *_) = wait_for(run, Device)
    assert figures.name
    assert 0 < figures.memory_bytes <= figures.memory_total_bytes
    assert not any("GiB" in line for line in messages.log_lines([figures], "en"))
    assert "GiB" in messages.line(figures)
    jobs.stop(run)
    wait_for_end(run)


def test_full_disk_is_said_and_the_last_checkpoint_stands(tmp_path, small_disk):
    part = """
checkpoint(run_dir, 3, 500_000)
emit(Step(3, 9, 1.5, 1e-3, 1.0, 4.0))
with open(run_dir.parent / "filler", "wb", 0) as file:
    while True:
        file.write(bytes(10_000))
"""
    run = start(tmp_path, part, runs_dir=small_disk / "runs")
    state = wait_for_end(run)
    assert (state.name, state.code) == ("failed", "disk_full")
    assert checkpoints.saved_step(run.folder) == 3
    (run.folder.parent / "filler").unlink()
    after = start(tmp_path, "return Result(9)", runs_dir=small_disk / "runs")
    assert wait_for_end(after).name == "finished"


def test_read_only_folder_is_refused_with_a_sentence(tmp_path, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(KnownError) as caught:
        start(tmp_path, runs_dir=small_disk / "runs")
    assert caught.value.code == "runs_not_writable"
    assert str(small_disk) in messages.failure(
        "runs_not_writable", caught.value.details, "en"
    )


def test_folder_that_is_a_file_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(KnownError, match="runs_not_writable"):
        start(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_corrupt_process_file_changes_no_state(tmp_path, text):
    run = runs.create(tmp_path, RunConfig())
    run.lock_file.touch()
    (run.folder / "process.json").write_text(text)
    assert run.state().code == "run_vanished"


def test_process_id_that_is_used_again_is_neither_ours_nor_killed(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    run.lock_file.touch()
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as other:
        for name in ("process.json", "started.json"):
            runs.write_whole(run.folder / name, json.dumps({"pid": other.pid}))
        assert run.state().code == "run_vanished"
        jobs._kill(run)
        assert other.poll() is None
        other.kill()


def test_torn_last_line_of_events_hides_nothing(tmp_path):
    run = start(tmp_path)
    steps = wait_for(run, Step, 2)
    with run.events_file.open("a") as file:
        file.write('{"kind": "step", "st')
    told, cursor = run.events()
    assert [event for event in told if isinstance(event, Step)] == steps
    assert cursor < run.events_file.stat().st_size
    jobs.stop(run)
    assert wait_for_end(run).name == "stopped"


def test_event_after_a_torn_line_is_read(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    run.events_file.write_text('{"kind": "step", "st')
    supervisor.append_event(run, Stage("train"))
    supervisor.append_event(run, Stage("save"))
    assert [event.name for event in run.events()[0]] == ["train", "save"]


def test_torn_result_is_no_result(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    run.lock_file.touch()
    (run.folder / "result.json").write_text('{"state": "fini')
    assert run.state().code == "run_vanished"


def test_clock_that_is_put_back_changes_no_state(tmp_path):
    yesterday = """
for number in range(1, 7):
    emit(Step(number, 99, 2.0, 1e-3, 1.0, 4.0, at=time.time() - 86_400 * (number > 3)))
"""
    run = start(tmp_path, yesterday + actor.UNTIL_STOPPED)
    wait_for(run, Step, 8)
    tomorrow = time.time() + 86_400
    for path in (run.folder, run.lock_file, run.started_file, run.events_file):
        os.utime(path, (tomorrow, tomorrow))
    assert run.state().name == "running"
    assert 0 <= messages.progress(run.events()[0]).left_s < 86_400
    jobs.stop(run)
    assert wait_for_end(run).name == "stopped"


def test_run_after_a_clock_was_put_back_is_still_the_newest(tmp_path, monkeypatch):
    class Earlier(datetime):
        @classmethod
        def now(cls):
            return datetime.now() - timedelta(hours=1)

    first = [runs.create(tmp_path, RunConfig()) for _ in range(3)]
    monkeypatch.setattr(runs, "datetime", Earlier)
    made = [*first, *(runs.create(tmp_path, RunConfig()) for _ in range(3))]
    assert runs.every(tmp_path) == made[::-1]
    far = tmp_path / "20991231-235959-aaaa"  # of a machine whose clock was wrong
    made[0].folder.rename(far)
    assert not runs.create(tmp_path, RunConfig()).id.startswith("2099")


def test_unknown_error_has_a_reference_to_the_log(tmp_path):
    state = wait_for_end(run := start(tmp_path, "return 1 / 0"))
    assert state.code == "bug"
    log = run.log_file.read_text()
    assert "ZeroDivisionError" in log
    assert state.details["reference"] in log


def test_trainer_that_leaves_without_a_word_is_a_failure(tmp_path):
    state = wait_for_end(start(tmp_path, "os._exit(0)"))
    assert (state.name, state.code) == ("failed", "trainer_left")


def test_trainer_is_a_fresh_interpreter_in_a_group_of_its_own(tmp_path):
    """A fork of a process with threads may hang; on macOS it is aborted."""
    import psutil

    run = start(tmp_path)
    wait_for(run, Step)
    pid, above = trainer_pid(run), supervisor_pid(run)
    assert "--trainer" in psutil.Process(pid).cmdline()
    assert psutil.Process(pid).ppid() == above
    assert os.getpgid(pid) == pid != os.getpgid(above)
    assert os.getsid(pid) == os.getsid(above) == above
    jobs.stop(run)
    wait_for_end(run)
    assert "DeprecationWarning" not in run.log_file.read_text()
