"""Three thousand odd files, classified by one command that is killed on the way.

``pytest -m slow tests/unit/test_odd_library.py``: some minutes.
"""

import collections
import csv
import itertools
import os
import shutil
import signal
import subprocess
import sys
import zipfile

import pytest

from support import odd_files, tiny
from support.files import write_audio
from support.places import ROOT
from support.signals import sweep
from support.waiting import wait_until

pytestmark = pytest.mark.slow
N_FILES = 3000
PATIENCE_S = 1800
RUN = "20260101-000000-aaaa"
KINDS = (
    odd_files.cut_off, odd_files.flipped, odd_files.spoilt_inside,
    odd_files.pointing_elsewhere, odd_files.tagged,
)  # fmt: skip
PASSED = ("cover.jpg", "list.m3u", "Thumbs.db", "notes.txt", "._a.mp3", "rip.log")


def sounds(root):
    """One good song of each kind that can be written here."""
    return {
        suffix: write_audio(
            root / f"good{suffix}", sweep(duration_s=1.2, sampling_rate=24_000)
        ).read_bytes()
        for suffix in (".wav", ".flac", ".mp3", ".ogg", ".m4a")
    }


def make(root):
    """Make the library: songs, broken songs, what is no song, links, pipes, zips."""
    good = sounds(root.parent)
    odd = [pair for kind in KINDS for pair in kind() if len(pair[1]) < 200_000]
    endless = itertools.chain(odd, itertools.cycle(
        (f"song{suffix}", content) for suffix, content in good.items()
    ))  # fmt: skip
    names = ("rock", "Björk", "搖滾", "a'b", "=1+1", "...And", "with space", "x" * 200)
    n_songs = 0
    for number, (name, content) in zip(range(N_FILES), endless, strict=False):
        folder = root / names[number % len(names)] / f"album {number // 200}"
        folder.mkdir(parents=True, exist_ok=True)
        stem, dot, suffix = name.rpartition(".")
        (folder / f"{number:04} {stem[:40]}{dot}{suffix}").write_bytes(content)
        n_songs += 1
    for name in PASSED:
        (root / "rock" / name).write_bytes(b"x")
    (root / "loop").symlink_to(root)
    (root / "gone.mp3").symlink_to(root / "nowhere")
    os.mkfifo(root / "pipe.wav")
    (root / os.fsdecode(b"caf\xe9.wav")).write_bytes(good[".wav"])
    locked = root / "locked"
    locked.mkdir()
    (locked / "a.wav").write_bytes(good[".wav"])
    locked.chmod(0)
    packed = root.parent / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(30):
            archive.writestr(f"zip/{number}.wav", good[".wav"])
            archive.writestr(f"__MACOSX/zip/._{number}.wav", b"x")
    is_root = os.access(locked, os.X_OK)  # whom nothing is locked for
    return packed, n_songs + 1 + is_root, 30, is_root


def rows_of(path):
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        return list(csv.DictReader(file))


def test_each_file_has_a_row_a_reason_or_a_count_and_a_kill_loses_none(tmp_path):
    root = tmp_path / "music"
    root.mkdir()
    packed, n_songs, n_packed, is_root = make(root)
    tiny.save_tiny_model(tmp_path / "runs" / RUN / "model")
    (tmp_path / "runs" / RUN / "result.json").write_text('{"state": "finished"}')
    table = tmp_path / "out.csv"
    command = [sys.executable, "-m", "classifier", str(root), str(packed),
               "--model", f"run:{RUN}", "--runs-dir", str(tmp_path / "runs"),
               "--csv", str(table)]  # fmt: skip
    for n_before_kill in (n_songs // 4, n_songs // 2):
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as child:

            def are_there(child=child, n=n_before_kill):
                return child.poll() is not None or len(rows_of(table)) >= n

            wait_until(are_there, "some rows")
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL
    whole = subprocess.run(
        command, cwd=ROOT, capture_output=True, timeout=PATIENCE_S, check=False
    )
    told = whole.stderr.decode(errors="replace")
    assert "Traceback" not in told
    assert whole.returncode == 1  # many have no genre
    found = rows_of(table)
    counts = collections.Counter(row["song"] for row in found)
    assert set(counts.values()) == {1}
    assert len(found) == n_songs + n_packed
    assert all(bool(row["genre"]) != bool(row["reason"]) for row in found)
    for kind in (".jpg 1", ".m3u 1", ".txt 1", "no_file 2"):
        assert kind in told
    assert ("music/locked" in told) is not is_root
    good = [
        row for row in found if "song." in row["song"] or packed.name in row["song"]
    ]
    assert good
    assert all(row["genre"] for row in good)
    shutil.rmtree(root, ignore_errors=True)
