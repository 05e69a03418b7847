"""What a decoding process can no longer do, and what it still can."""

import subprocess
import sys

import pytest

from audio.decode import sandbox
from audio.decode.pool import ROOT
from support.kernel import needs_landlock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernel of Linux")

BEGIN = """
import ctypes, os, pathlib, signal, socket, subprocess, sys, threading
from audio.decode import sandbox
sandbox.enter()
"""


def attempt(code, readable=None):
    """Run code in a sandbox; return the name of what it raised, or what it printed."""
    given = None if readable is None else list(map(str, readable))
    begin = BEGIN.replace("enter()", f"enter({given} and map(pathlib.Path, {given}))")
    wrapped = f"{begin}\ntry:\n    {code}\nexcept OSError as e:\n    print('refused')"
    done = subprocess.run(
        [sys.executable, "-c", wrapped], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket(); print('open')",
        "socket.socketpair(); print('open')",
        "subprocess.run(['true']); print('run')",
        "os.fork() and print('forked')",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_nothing_leads_out_of_it(code):
    assert attempt(code) == "refused"


@needs_landlock
@pytest.mark.parametrize(
    "code",
    [
        "pathlib.Path('/tmp/never').write_text('x')",
        "os.mkdir('/tmp/never')",
        "pathlib.Path(f'/proc/{os.getppid()}/environ').read_bytes(); print('read')",
        "os.kill(os.getppid(), 0); print('sent')",
    ],
)
def test_it_changes_nothing_and_sees_no_other_process(code):
    assert attempt(code) == "refused"


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print(len(pathlib.Path('README.md').read_text()) > 0)", "True"),
        (
            "t = threading.Thread(target=print, args=('here',)); t.start(); t.join()",
            "here",
        ),
        ("import av, soxr; print('imported')", "imported"),
        ("print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))", "1"),  # no new privileges
    ],
)
def test_it_still_reads_computes_and_imports(code, printed):
    assert attempt(code) == printed


@needs_landlock
def test_nothing_is_read_but_what_is_named_and_python_itself(tmp_path):
    song, other = tmp_path / "song.wav", tmp_path / "uploads" / "other.wav"
    other.parent.mkdir()
    for path in (song, other):
        path.write_text("here")
    for path in (
        other,
        ROOT / "README.md",
        ROOT / "ui" / "page_state.py",
        "/etc/passwd",
    ):
        code = f"print(pathlib.Path({str(path)!r}).read_text())"
        assert attempt(code, [song]) == "refused", path
    assert attempt(f"print(pathlib.Path({str(song)!r}).read_text())", [song]) == "here"
    listed = f"print(os.listdir({str(other.parent)!r}))"
    assert attempt(listed, [other.parent]) == "refused"
    named = f"print(pathlib.Path({str(other)!r}).read_text())"
    assert attempt(named, [other.parent]) == "here"
    imported = "import av, soxr, numpy.random, encodings.cp1252; print('imported')"
    assert attempt(imported, [song]) == "imported"


def test_kernel_that_can_none_of_it_lets_songs_be_decoded_all_the_same(monkeypatch):
    class Library:
        def prctl(self, *_):
            return -1

        syscall = prctl

    monkeypatch.setattr(sandbox.ctypes, "CDLL", lambda *_, **__: Library())
    sandbox.enter([ROOT / "README.md"])
    monkeypatch.setattr(sandbox.platform, "machine", lambda: "riscv64")
    sandbox.enter()
