"""Processes of a launcher share the songs; what one that was killed left is taken up."""

import csv
import os
import sys
import time

import pytest

from classifier import __main__ as cli
from classifier import share
from support.files import write_audio
from support.signals import sweep
from support.waiting import wait_until

N_SONGS = 7


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(N_SONGS):
        write_audio(folder / f"{number}.wav", sweep(duration_s=1.0 + number / 10))
    return folder


@pytest.fixture
def run(tmp_path, tiny_model_dir, monkeypatch, music):
    """Run one process of several; return its exit code."""
    runs = tmp_path / "runs"
    (runs / "20260101-000000-aaaa").mkdir(parents=True)
    (runs / "20260101-000000-aaaa" / "model").symlink_to(tiny_model_dir)
    (runs / "20260101-000000-aaaa" / "result.json").write_text('{"state": "finished"}')
    monkeypatch.setattr(share, "BEAT_S", 0.05)
    monkeypatch.setattr(share, "PATIENCE_S", 0.3)

    def start(rank, n):
        facts = {
            "RANK": rank,
            "WORLD_SIZE": n,
            "LOCAL_RANK": rank,
            "MASTER_ADDR": "::1",
        }
        for name, value in facts.items():
            monkeypatch.setenv(name, str(value))
        asked = [str(music), "--csv", str(tmp_path / "out.csv"), "--workers", "1"]
        asked += ["--runs-dir", str(runs), "--model", "run:20260101-000000-aaaa"]
        return cli.main(asked)

    return start


def songs_in(path):
    with path.open(encoding="utf-8", newline="") as file:
        return [row["song"].rsplit("/", 1)[1] for row in csv.DictReader(file)]


ALL = [f"{number}.wav" for number in range(N_SONGS)]


def test_each_process_takes_its_share_and_the_first_joins_them(run, tmp_path):
    assert [run(rank, 3) for rank in (1, 2)] == [0, 0]
    parts = [songs_in(part) for part in share.parts_of(tmp_path / "out.csv")]
    assert parts == [["1.wav", "4.wav"], ["2.wav", "5.wav"]]
    assert not (tmp_path / "out.csv").exists()
    assert run(0, 3) == 0
    assert sorted(songs_in(tmp_path / "out.csv")) == ALL
    assert {path.name for path in tmp_path.glob("*.csv*")} == {"out.csv"}
    assert not list(tmp_path.glob(".out.csv*"))


def test_share_of_a_killed_process_is_taken_up_by_the_next_start(
    run, tmp_path, capsys, monkeypatch
):
    real, done = share.Table.add, []

    def add(table, row):
        done.append(row.song)
        if len(done) > 1:
            raise KeyboardInterrupt  # the process ends here, without a last sign
        real(table, row)

    with monkeypatch.context() as killed:
        killed.setattr(share.Table, "add", add)
        with pytest.raises(KeyboardInterrupt):
            run(1, 2)
    assert run(0, 2) == 1
    assert "1 of the processes" in capsys.readouterr().err
    assert sorted(songs_in(tmp_path / "out.csv")) == sorted([*ALL[0::2], "1.wav"])
    assert run(1, 2) == 0  # the next start, whichever process comes first
    assert run(0, 2) == 0
    assert sorted(songs_in(tmp_path / "out.csv")) == ALL


def test_next_start_may_have_another_number_of_processes(run, tmp_path):
    assert run(1, 2) == 0
    assert run(2, 3) == 0  # and its first process has not been started yet
    assert run(1, 3) == 0
    assert run(0, 3) == 0
    assert sorted(songs_in(tmp_path / "out.csv")) == ALL


def test_first_process_waits_for_one_that_is_still_at_work(tmp_path, monkeypatch):
    monkeypatch.setattr(share, "BEAT_S", 0.05)
    monkeypatch.setattr(share, "PATIENCE_S", 30.0)
    table, crew = tmp_path / "out.csv", share.Crew(0, 2)
    slow = share.at_work(table, 1)
    slow.__enter__()
    import threading

    found = []
    waiting = threading.Thread(
        target=lambda: found.append(share.wait_for_others(table, crew, time.time()))
    )
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    slow.__exit__(None, None, None)
    waiting.join(20)
    assert found == [0]


@pytest.mark.slow
def test_launch_that_was_killed_is_finished_by_the_next(tmp_path, music):
    """Two real processes, started as ``accelerate launch`` does on GPUs.

    On a CPU accelerate starts one, whatever number it is given.
    """
    import subprocess

    import psutil

    from bench.pictures import ROOT

    out = tmp_path / "out.csv"
    for number in range(N_SONGS, 60):
        write_audio(music / f"{number}.wav", sweep(duration_s=20.0))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "classifier"]
    command += [str(music), "--csv", str(out), "--model", "bundled"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    first = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        part = share.part_of(out, 1)
        wait_until(lambda: part.exists() and len(songs_in(part)) >= 2, "two rows")
    finally:
        workers = psutil.Process(first.pid).children(recursive=True)
        for each in (first, *workers):
            each.kill()
        first.wait()
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)
    assert len(songs_in(out)) == len(set(songs_in(out))) == 60
