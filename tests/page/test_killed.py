"""The server is killed while strangers abuse it, and starts again in the same home."""

import itertools
import json
import os
import signal
import socket
import zipfile
from contextlib import suppress

import httpx
import psutil
import pytest
from gradio_client import Client, handle_file

from support import browser, tiny
from support.files import write_audio
from support.finished_runs import finished_run
from support.signals import tone
from support.waiting import wait_until
from ui.server.files import SCRATCH

pytestmark = pytest.mark.slow

STRANGER = {"X-Forwarded-For": "198.51.100.7"}
CLEAN_S = 60.0  # after a start
UPLOAD = "/gradio_api/upload"
HEAD = (
    f"POST {UPLOAD} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 198.51.100.7\r\n"
    "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000000\r\n\r\n"
    '--b\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
)


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "PATIENCE_S", 300)  # a run is at work meanwhile
    model_dir = tiny.save_tiny_model(tmp_path / "model")
    finished_run(tmp_path / "runs", model_dir)
    uploads = str(tmp_path / "cache" / "uploads")
    server = browser.Server(tmp_path, model_dir, GRADIO_TEMP_DIR=uploads)
    with server.running():
        yield server


def half_an_upload(server):
    """Send a part of a file, and say no more; the connection stays open."""
    connection = socket.create_connection(
        ("127.0.0.1", int(server.url[:-1].split(":")[-1]))
    )
    connection.sendall(HEAD.encode() + b"0" * 5_000_000)
    return connection


def ask_for_many(server, folder):
    """Have a zip of songs classified, by somebody who never reads the answer."""
    song = write_audio(folder / "song.wav", tone(duration_s=30.0))
    with zipfile.ZipFile(folder / "songs.zip", "w") as archive:
        for number in range(40):
            archive.write(song, f"{number}.wav")
    page = httpx.Client(base_url=server.url, headers=STRANGER, timeout=60)
    with (folder / "songs.zip").open("rb") as file:
        path = page.post(UPLOAD, files={"files": ("songs.zip", file)}).json()[0]
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [[file], "bundled", "whole"]}
    call = "/gradio_api/call/classify_many"
    return page, f"{call}/{page.post(call, json=body).json()['event_id']}"


def steps_of(server, run_id):
    """Count the steps that a run has told of."""
    events = server.home / "runs" / run_id / "events.jsonl"
    lines = events.read_text().splitlines() if events.exists() else []
    return sum(json.loads(line)["kind"] == "step" for line in lines)


def left_behind(uploads):
    """List what nobody will ask for: half uploads, folders for one use."""
    return [
        path.name
        for path in uploads.iterdir()
        if path.is_file() or path.name.startswith(SCRATCH)
    ]


def test_runs_and_models_outlive_a_kill_in_the_middle_of_an_abuse(server, tmp_path):
    uploads = tmp_path / "cache" / "uploads"
    page = Client(server.url, verbose=False, analytics_enabled=False)
    started = page.predict("smoke", "composed", 5000, api_name="/start_run")
    run_id = started["id"]
    wait_until(lambda: steps_of(server, run_id) > 1, "a step", 300)
    (tmp_path / "given").mkdir()
    stranger, call = ask_for_many(server, tmp_path / "given")
    half = half_an_upload(server)
    with stranger.stream("GET", call, timeout=None) as answers:
        lines = answers.iter_lines()
        wait_until(
            lambda: any(SCRATCH in name for name in left_behind(uploads)), "a zip"
        )
        list(itertools.islice(lines, 2))
        assert any(path.is_file() for path in uploads.iterdir())
        workers = readers_of(server)
        assert workers
        os.kill(server.child.pid, signal.SIGKILL)
        server.child.wait()
        with suppress(httpx.HTTPError):
            list(lines)
    half.close()
    assert left_behind(uploads)

    n_steps = steps_of(server, run_id)
    server.start()
    wait_until(lambda: not left_behind(uploads), "a clean disk", CLEAN_S)
    wait_until(lambda: not any(map(psutil.pid_exists, workers)), "no reader of before")
    wait_until(lambda: steps_of(server, run_id) > n_steps, "another step", 300)
    back = Client(server.url, verbose=False, analytics_enabled=False)
    runs = {run["id"]: run["state"] for run in back.predict(api_name="/runs")}
    assert runs.pop(run_id) == "running"
    assert set(runs.values()) == {"finished"}
    (finished,) = runs
    song = handle_file(str(tmp_path / "given" / "song.wav"))
    answer = back.predict(song, f"run:{finished}", api_name="/classify")
    assert answer["model"] == f"run:{finished}"
    back.predict(run_id, api_name="/stop_run")
    states = lambda: {run["id"]: run["state"] for run in back.predict(api_name="/runs")}  # noqa: E731
    wait_until(lambda: states()[run_id] in ("stopped", "finished"), "its end", 300)


def readers_of(server):
    """List the processes that decode for a server."""
    children = psutil.Process(server.child.pid).children()
    return [each.pid for each in children if "audio.decode.worker" in each.cmdline()]
