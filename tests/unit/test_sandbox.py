"""What a decoding process can no longer do, and what it still can."""

import subprocess
import sys

import pytest

from audio.decode import sandbox
from audio.decode.pool import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernel of Linux")

BEGIN = """
import ctypes, os, pathlib, signal, socket, subprocess, sys, threading
from audio.decode import sandbox
sandbox.enter()
"""


def attempt(code):
    """Run code in a sandbox; return the name of what it raised, or what it printed."""
    wrapped = f"{BEGIN}\ntry:\n    {code}\nexcept OSError as e:\n    print('refused')"
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


def landlock():
    code = "print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    done = subprocess.run(
        [sys.executable, "-c", f"import ctypes\n{code}"], capture_output=True, text=True
    )
    return int(done.stdout)


needs_landlock = pytest.mark.skipif(
    sys.platform == "linux" and landlock() < 6, reason="the kernel has no Landlock 6"
)


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


def test_kernel_that_can_none_of_it_lets_songs_be_decoded_all_the_same(monkeypatch):
    class Library:
        def prctl(self, *_):
            return -1

        syscall = prctl

    monkeypatch.setattr(sandbox.ctypes, "CDLL", lambda *_, **__: Library())
    sandbox.enter()
    monkeypatch.setattr(sandbox.platform, "machine", lambda: "riscv64")
    sandbox.enter()
