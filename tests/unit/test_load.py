"""Fifty visitors at once, and a server that is killed among them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from gradio_client import Client, handle_file

from support import browser, tiny
from support.files import write_audio
from support.signals import chord
from trainer.config import RunConfig

pytestmark = pytest.mark.slow

N_VISITORS = 50
PATIENCE_S = 300
RUN = "20260101-000000-aaaa"
QUESTIONS = ("/waveform", "/stft", "/mel", "/classify")
DEFAULTS = {
    "/stft": [2048, 512, "hann"],
    "/mel": [128, 8000, 0, "slaney"],
    "/classify": ["bundled", "whole"],
}


@pytest.fixture(scope="module", autouse=True)
def patience():
    """Wait longer for a server that starts beside a run at work and fifty visitors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(browser, "PATIENCE_S", PATIENCE_S)
        yield


class Visitors:
    """Everybody uploads a song and asks about it, again and again, until they leave."""

    def __init__(self, url, song):
        self.url, self.song = url, song.read_bytes()
        self.answered, self.refused = [], []
        self.leave = threading.Event()

    def visit(self, number):
        question = QUESTIONS[number % len(QUESTIONS)]
        while not self.leave.wait(1.0):
            try:
                with httpx.Client(base_url=self.url, timeout=PATIENCE_S) as page:
                    told = self.ask(page, question)
            except httpx.TransportError:  # the server is gone, or not back yet
                continue
            (self.answered if "complete" in told else self.refused).append(told)

    def ask(self, page, question):
        files = {"files": ("song.mp3", self.song)}
        (path,) = page.post("gradio_api/upload", files=files).json()
        song = {"path": path, "meta": {"_type": "gradio.FileData"}}
        call = f"gradio_api/call{question}"
        data = {"data": [song, *DEFAULTS.get(question, [])]}
        event = page.post(call, json=data).json()["event_id"]
        return page.get(f"{call}/{event}").text

    def wait_for(self, n_more):
        until, n_answers = time.monotonic() + PATIENCE_S, len(self.answered) + n_more
        while len(self.answered) < n_answers:
            assert time.monotonic() < until, self.refused[-3:]
            time.sleep(0.1)


def run_of(client, run_id):
    return next(run for run in client.predict(api_name="/runs") if run["id"] == run_id)


def opened(server):
    return Client(server.url, analytics_enabled=False, verbose=False)


def test_server_killed_under_load_has_its_runs_and_models_when_it_is_back(
    server, tmp_path
):
    folder = server.home / "runs" / RUN
    tiny.save_tiny_model(folder / "model", genres=("calm", "wild", "odd"))
    (folder / "config.json").write_text(RunConfig().to_json())
    (folder / "result.json").write_text('{"state": "finished"}')
    song = write_audio(tmp_path / "song.mp3", chord(duration_s=5.0))
    at_work = opened(server).predict(
        preset="smoke", n_steps=5000, api_name="/start_run"
    )
    visitors = Visitors(server.url, song)
    with ThreadPoolExecutor(N_VISITORS) as pool:
        for number in range(N_VISITORS):
            pool.submit(visitors.visit, number)
        try:
            visitors.wait_for(2 * N_VISITORS)
            before = run_of(opened(server), at_work["id"])
            server.killed_and_started_anew()
            visitors.refused.clear()
            visitors.wait_for(2 * N_VISITORS)
        finally:
            visitors.leave.set()
    client = opened(server)
    after = run_of(client, at_work["id"])
    client.predict(at_work["id"], api_name="/stop_run")
    assert visitors.refused == []
    assert (before["state"], after["state"]) == ("running", "running")
    assert after["step"] > before["step"]
    assert run_of(client, RUN)["state"] == "finished"
    answer = client.predict(handle_file(str(song)), f"run:{RUN}", api_name="/classify")
    assert {each["genre"] for each in answer["genres"]} == {"calm", "wild", "odd"}
    assert "Traceback" not in server.log.read_text()
