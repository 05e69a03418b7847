"""The app started in environments of companies, clusters, containers and notebooks.

``pytest -m slow tests/page/test_starts.py``: each row of the matrix is one start.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import pytest

from support.browser import free_port
from support.places import ROOT

pytestmark = pytest.mark.slow
PATIENCE_S = 180
USUAL = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
NOWHERE = "http://127.0.0.1:9"
# sitecustomize of a container whose user has no name, and of a disk without locks.
NAMELESS = """
import os, pwd
def getpwuid(uid): raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = getpwuid
"""
LOCKLESS = """
import errno, fcntl
def flock(*_): raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
"""
STARTS = {
    "plain": {},
    "company proxy": {"HTTP_PROXY": NOWHERE, "NO_PROXY": ".corp.example"},
    "lower case": {"http_proxy": NOWHERE, "https_proxy": NOWHERE, "no_proxy": ".corp"},
    "gnome": {"http_proxy": NOWHERE, "no_proxy": "localhost,127.0.0.0/8,::1/128"},
    "socks": {"ALL_PROXY": "socks5://127.0.0.1:9", "no_proxy": ".corp"},
    "socks of gnome": {"all_proxy": "socks://127.0.0.1:9/"},
    "https proxy": {"HTTPS_PROXY": NOWHERE},
    "mirror": {"HF_ENDPOINT": "https://hub.example", "XDG_CACHE_HOME": "/nonexistent"},
    "empty": dict.fromkeys(
        ("GENRESCOPE_READERS", "GENRESCOPE_HOME_", "GRADIO_SERVER_NAME", "WORLD_SIZE",
         "HF_HUB_ETAG_TIMEOUT", "HTTP_PROXY", "ALL_PROXY", "HF_ENDPOINT"), ""
    ),
    "cluster": {"WORLD_SIZE": "8", "MASTER_ADDR": "node1", "LOCAL_RANK": ""},
    "secret": {"GENRESCOPE_SECRET": "a long secret of mine"},
    "notebook": {"GENRESCOPE_TRUST_THIS_MACHINE": "1"},
    "no reader": {"GENRESCOPE_READERS": "0"},
    "subpath": {"GRADIO_ROOT_PATH": "/gs"},
    "nameless": {"CODE": NAMELESS, "HOME": "/nonexistent"},
    "no locks": {"CODE": LOCKLESS},
}  # fmt: skip
REFUSALS = {
    "readers": ({"GENRESCOPE_READERS": "two"}, "GENRESCOPE_READERS"),
    "port": ({"GRADIO_SERVER_PORT": "http"}, "GRADIO_SERVER_PORT"),
    "socks4": ({"ALL_PROXY": "socks4://127.0.0.1:9"}, "ALL_PROXY"),
    "short secret": ({"GENRESCOPE_SECRET": "short"}, "GENRESCOPE_SECRET"),
    "home": ({"GENRESCOPE_HOME": "/proc/nowhere"}, "GENRESCOPE_HOME"),
}


def environment(home, variables):
    given = dict(variables)
    if code := given.pop("CODE", ""):
        (home / "site").mkdir()
        (home / "site" / "sitecustomize.py").write_text(code)
        given["PYTHONPATH"] = str(home / "site")
    return {
        **{name: os.environ[name] for name in USUAL if name in os.environ},
        "HOME": str(home),
        "GENRESCOPE_HOME": str(home / "genrescope"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **given,
    }


@contextlib.contextmanager
def started(home, variables):
    """The app as a process, and the file with all that it writes."""
    log = home / "log"
    command = [sys.executable, str(ROOT / "app.py")]
    with log.open("wb") as file:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(home, variables),
            stdout=file,
            stderr=file,
        )
    try:
        yield child, log
    finally:
        child.kill()
        child.wait()


def address_of(child, log):
    """The address that the app prints, once it does."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and child.poll() is None:
        if found := re.search(r"open (http://\S+) in a browser", log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize("name", STARTS)
def test_app_starts_and_serves(tmp_path, name):
    if name.startswith("socks"):
        pytest.importorskip("socksio")  # of requirements.txt, since it was first made
    port = {"GRADIO_SERVER_PORT": str(free_port())}
    with started(tmp_path, port | STARTS[name]) as (child, log):
        address = address_of(child, log)
        with httpx.Client(trust_env=False, follow_redirects=True) as client:
            answer = client.get(address)
        assert answer.status_code == 200
        assert "Traceback" not in log.read_text()
        is_keyed = name not in ("secret", "notebook")
        assert ("?key=" in address) is is_keyed
        assert bool(answer.history) is is_keyed


@pytest.mark.parametrize("name", REFUSALS)
def test_app_ends_with_one_sentence(tmp_path, name):
    variables, named = REFUSALS[name]
    with started(tmp_path, variables) as (child, log):
        assert child.wait(PATIENCE_S) == 1
        (sentence,) = log.read_text().splitlines()
        assert named in sentence


def test_port_that_is_taken_is_said_and_without_one_another_is_found(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with started(tmp_path, {"GRADIO_SERVER_PORT": port}) as (child, log):
            assert child.wait(PATIENCE_S) == 1
            assert port in log.read_text().splitlines()[-1]
            assert "Traceback" not in log.read_text()
    with socket.socket() as other:
        # Or what is left of a connection of before would look like somebody else.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # taken by somebody else: as well
            other.bind(("127.0.0.1", 7860))
            other.listen()
        home = tmp_path / "free"
        home.mkdir()
        with started(home, {}) as (child, log):
            assert urlsplit(address_of(child, log)).port != 7860
