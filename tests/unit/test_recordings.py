"""Real sounds: fetched once in the background, credited, and absent without a network."""

import dataclasses
import hashlib
import threading

import gradio as gr
import pytest

import app
from audio import decode
from settings import Settings, from_environment
from support.files import write_audio
from support.model_hub import HubServer
from support.signals import tone
from ui.player import clip_bar, examples, recordings

PATIENCE_S = 30
EVERY_ID = {each.id for each in recordings.RECORDINGS}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A server of recordings of our own, which are a tone each; slow while not released."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "shop"
    folder.mkdir()
    made = []
    for number, each in enumerate(recordings.RECORDINGS):
        path = write_audio(
            folder / each.file, tone(440.0 + number, sampling_rate=48_000)
        )
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        made.append(dataclasses.replace(each, sha256=checksum))
    monkeypatch.setattr(recordings, "RECORDINGS", tuple(made))
    server = HubServer(folder)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()


def fetch_all(server, folder, on_new=lambda: None):
    thread = recordings.start(f"{server.address}/audio/", folder, on_new)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def ids_in(folder):
    return {examples.id_of(str(path)) for path in folder.glob("*")}


def test_recordings_are_fetched_once_the_trumpet_first(shop, tmp_path):
    folder, news = tmp_path / "new" / "examples", []
    fetch_all(shop, folder, lambda: news.append(ids_in(folder)))
    assert news[0] == {"trumpet"}
    assert ids_in(folder) == EVERY_ID
    n_asked = len(shop.asked)
    fetch_all(shop, folder)
    assert len(shop.asked) == n_asked == len(EVERY_ID)
    assert decode.load(recordings.file_of("brahms", folder)).clip.duration_s > 0.9


@pytest.mark.parametrize("status", [403, 404, 500])
def test_refused_recording_leaves_no_trace(shop, tmp_path, status):
    shop.status = status
    fetch_all(shop, tmp_path / "examples")
    assert not (tmp_path / "examples").exists()


def test_recording_with_another_checksum_leaves_no_trace(shop, tmp_path):
    (shop.folder / recordings.RECORDINGS[0].file).write_bytes(b"<html>Sign in</html>")
    fetch_all(shop, tmp_path / "examples")
    assert ids_in(tmp_path / "examples") == EVERY_ID - {"trumpet"}


def test_recording_that_is_too_long_leaves_no_trace(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "MAX_BYTES", 1000)
    fetch_all(shop, tmp_path / "examples")
    assert not (tmp_path / "examples").exists()


def test_slow_recording_is_given_up_and_nobody_waits(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "ANSWER_TIMEOUT_S", 0.2)
    shop.release.clear()
    thread = recordings.start(f"{shop.address}/", tmp_path / "examples", lambda: None)
    first = examples.first_of(tmp_path / "examples")  # while it is on its way
    assert examples.id_of(str(first)) == "brass"
    thread.join(PATIENCE_S)
    assert ids_in(tmp_path / "examples") == {"brass"}


def test_recording_that_breaks_off_leaves_no_trace(shop, tmp_path, monkeypatch):
    halves = shop.folder / recordings.RECORDINGS[0].file
    content = halves.read_bytes()
    monkeypatch.setattr(shop.RequestHandlerClass, "answer", breaking_off(content))
    fetch_all(shop, tmp_path / "examples")
    assert not (tmp_path / "examples").exists()


def breaking_off(content):
    def answer(self, status, body, error_code=""):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True

    return answer


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "nonsense", "http://[/"])
def test_address_where_nobody_answers_leaves_no_trace(shop, tmp_path, address):
    recordings.start(address, tmp_path / "examples", lambda: None).join(PATIENCE_S)
    assert not (tmp_path / "examples").exists()


@pytest.mark.parametrize("change", [{"is_offline": True}, {"recordings": ""}])
def test_host_that_may_not_or_wants_none_asks_for_none(shop, tmp_path, change):
    usual = {"recordings": f"{shop.address}/", "cache_dir": tmp_path}
    app.fetch_recordings(gr.Blocks(), Settings(**{**usual, **change}))
    assert not any(each.name == "recordings" for each in threading.enumerate())
    assert shop.asked == []


def test_host_names_another_address_or_none():
    assert from_environment({}).recordings.startswith("https://librosa.org/")
    assert from_environment({"GENRESCOPE_RECORDINGS": ""}).recordings == ""
    assert from_environment({"HF_HUB_OFFLINE": "1"}).is_offline


def buttons_of(demo):
    shown = {
        each["props"]["elem_id"]: each["props"]["visible"]
        for each in demo.config["components"]
        if str(each["props"].get("elem_id")).startswith("sound-")
    }
    here = {name.removeprefix("sound-") for name, visible in shown.items() if visible}
    return here & EVERY_ID  # the others are computed


def test_page_offers_recordings_once_they_are_here(shop, tmp_path):
    settings = Settings(cache_dir=tmp_path, recordings=f"{shop.address}/")
    with gr.Blocks() as demo:
        clip_bar._example_buttons(clip_bar.examples_dir(settings))
    assert buttons_of(demo) == set()
    app.fetch_recordings(demo, settings)
    (thread,) = (each for each in threading.enumerate() if each.name == "recordings")
    thread.join(PATIENCE_S)
    assert buttons_of(demo) == EVERY_ID
    with gr.Blocks() as later:
        clip_bar._example_buttons(clip_bar.examples_dir(settings))
    assert buttons_of(later) == EVERY_ID


def test_first_visit_opens_with_the_real_trumpet_where_it_is_here(shop, tmp_path):
    assert examples.id_of(str(examples.first_of(tmp_path))) == "brass"
    fetch_all(shop, tmp_path)
    assert examples.id_of(str(examples.first_of(tmp_path))) == "trumpet"


def test_address_of_a_recording_gives_the_computed_trumpet_without_it(shop, tmp_path):
    assert examples.id_of(str(examples.named("fishin", tmp_path))) == "brass"
    assert examples.id_of(str(examples.named("click", tmp_path))) == "click"
    fetch_all(shop, tmp_path)
    assert examples.id_of(str(examples.named("fishin", tmp_path))) == "fishin"


def test_visitor_reads_why_a_recording_does_not_play(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Info", said.append)
    settings = Settings(cache_dir=tmp_path)
    clip_bar._given("click", settings, "en")
    assert said == []
    clip_bar._given("brahms", settings, "en")
    assert "“Real strings” is not on this server" in said[0]


def test_recording_is_credited_where_it_plays(shop, tmp_path):
    fetch_all(shop, tmp_path)
    path = recordings.file_of("trumpet", tmp_path)
    line = clip_bar.facts_line(decode.load(path), str(path), "en")
    assert "<strong>Real trumpet</strong>" in line
    assert 'Mihai Sorohan: <a href="https://freesound.org/s/77711/"' in line
    assert "CC BY 3.0</a>" in line
    own = examples.file_of("click", tmp_path)
    assert "credit" not in clip_bar.facts_line(decode.load(own), str(own), "en")


def test_visitor_s_own_file_is_no_recording():
    for own in ("trumpet.ogg", "genrescope-trumpet.mp3", "genrescope-brass.ogg"):
        assert examples.id_of(own) is None
