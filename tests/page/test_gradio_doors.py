"""The running app, asked by a stranger to fetch and to read what is not theirs."""

import itertools
import json
import os
import stat
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio import processing_utils
from gradio.state_holder import StateHolder
from gradio_client import Client
from gradio_client.exceptions import AppError

import i18n
from errors import KnownError
from support.files import write_audio
from support.served import served, settings_in
from support.signals import tone
from ui.server import gradio_patches

META = {"_type": "gradio.FileData"}
SECRET = "planted in a file of this machine"


class Canary(BaseHTTPRequestHandler):
    """Notes who comes."""

    def do_GET(self):
        self.server.visits.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/again")
        self.end_headers()

    do_HEAD = do_POST = do_GET  # noqa: N815 - their names

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def canary():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    server.visits = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.address = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def fetched():
    """What Gradio set out to fetch; nothing of it is."""
    asked = []

    async def get(url, **_):
        asked.append(url)
        raise OSError("this test has no network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processing_utils.sh, "get", get)
        yield asked


@pytest.fixture(scope="module")
def demo(tmp_path_factory, tiny_model_dir, fetched):
    home = tmp_path_factory.mktemp("home")
    settings = settings_in(home, tiny_model_dir)
    with served(settings, tmp_path_factory.mktemp("gradio")) as demo:
        yield demo


@pytest.fixture(scope="module")
def browser(demo):
    with httpx.Client(base_url=demo.local_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / "secret.wav"
    path.write_text(SECRET)
    return path


def events(demo):
    """Every event that a stranger can name, with its inputs' kinds."""
    kinds = {each["id"]: each["type"] for each in demo.config["components"]}
    for event in demo.config["dependencies"]:
        inputs = [kinds[number] for number in event["inputs"]]
        if event["backend_fn"] and set(inputs) - {"state"}:
            yield event["id"], inputs


def ask(browser, number, data):
    """All that an event says, as text, called by its number."""
    session = uuid.uuid4().hex
    joined = browser.post(
        "/gradio_api/queue/join",
        json={"fn_index": number, "data": data, "session_hash": session},
    )
    told = joined.text
    if joined.status_code != 200:
        return told
    with browser.stream(
        "GET", "/gradio_api/queue/data", params={"session_hash": session}
    ) as answer:
        for line in answer.iter_lines():
            told += line
            if '"process_completed"' in line:
                return told
    return told


@pytest.mark.minute
def test_no_event_fetches_an_address(demo, browser, canary, fetched):
    sentence = i18n.sentence(KnownError("not_an_upload"))

    def try_it(event):
        number, inputs = event
        song = {"path": f"{canary.address}/{number}.wav", "meta": META}
        song |= {"url": f"{canary.address}/url", "orig_name": "a.wav"}
        return ask(browser, number, [[song]] * len(inputs))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(try_it, events(demo)))
    assert len(answers) > 50
    assert [told for told in answers if sentence not in told] == []
    assert not fetched
    assert not canary.visits


def test_address_beside_an_upload_is_not_fetched(
    demo, browser, canary, fetched, tmp_path
):
    song = write_audio(tmp_path / "a.wav", tone())
    (path,) = browser.post(
        "/gradio_api/upload", files={"files": ("a.wav", song.read_bytes())}
    ).json()
    client = Client(demo.local_url, analytics_enabled=False, verbose=False)
    given = {"path": path, "url": f"{canary.address}/url", "meta": META}
    assert client.predict(given, api_name="/waveform")
    assert not fetched
    assert not canary.visits


@pytest.mark.parametrize("is_stream", [False, True])
def test_no_event_reads_a_file_that_was_not_uploaded(demo, browser, secret, is_stream):
    relative = os.path.relpath(secret, Path.cwd())
    places = (str(secret), f"file://{secret}", relative, "/etc/passwd")
    takers = [each for each in events(demo) if {"audio", "file"} & set(each[1])]
    assert len(takers) > 5

    def try_it(asked):
        (number, inputs), place = asked
        song = {"path": place, "meta": META, "is_stream": is_stream}
        return ask(browser, number, [song] * len(inputs))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(try_it, itertools.product(takers, places)))
    for told in answers:
        assert '"success":false' in told
        assert SECRET not in told
        assert "root:" not in told


def test_no_path_of_the_server_reads_elsewhere(browser, canary, secret, fetched):
    for place in (
        f"file={secret}", f"file=/etc/../{secret}", f"file=file://{secret}",
        "file=/etc/passwd", "file=..%2f..%2f..%2fetc%2fpasswd", f"file/{secret}",
        f"file={canary.address}/a", f"file/{canary.address}/a",
        f"FILE={canary.address}/a", f"proxy={canary.address}/a", "proxy=https://a.b/c",
        f"stream/a/b/1/{secret}", "deep_link?session_hash=x", "vibe-code/",
    ):  # fmt: skip
        for prefix in ("/gradio_api/", "/"):
            answer = browser.get(prefix + place, follow_redirects=True)
            assert SECRET not in answer.text
            assert "root:" not in answer.text
            assert answer.status_code >= 400 or "<!doctype html>" in answer.text
    assert not fetched
    assert not canary.visits


def test_address_in_place_of_a_model_is_no_model(demo, browser, canary, tmp_path):
    song = write_audio(tmp_path / "a.wav", tone())
    (path,) = browser.post(
        "/gradio_api/upload", files={"files": ("a.wav", song.read_bytes())}
    ).json()
    client = Client(demo.local_url, analytics_enabled=False, verbose=False)
    given = {"path": path, "meta": META}
    for model in (canary.address, f"hub:{canary.address}", "../../etc", "hub:../../x"):
        with pytest.raises(AppError):
            client.predict(given, model, api_name="/classify")
    assert not canary.visits


@pytest.mark.parametrize(
    "name", ["../../evil.wav", "/etc/evil.wav", "a\0b.wav", "..", "x" * 400 + ".wav",
             "<img src=x onerror=alert(1)>.wav", "C:\\evil.wav", "歌.wav"],
)  # fmt: skip
def test_name_of_an_upload_is_never_a_path(browser, tmp_path, name):
    content = write_audio(tmp_path / "a.wav", tone()).read_bytes()
    answer = browser.post("/gradio_api/upload", files={"files": (name, content)})
    if answer.status_code != 200:
        assert answer.status_code < 500
        return
    (path,) = answer.json()
    folder = Path(os.environ["GRADIO_TEMP_DIR"]).resolve()
    assert Path(path).resolve().parent.parent == folder
    assert Path(path).read_bytes() == content
    assert "<" not in path


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/process_recording", "/gradio_api/vibe-edit/", "/gradio_api/proxy=x",
        "/gradio_api/file/http://example.com", "/file=%20https://example.com",
        "/gradio_api/deep_link", "/gradio_api/run-history/records",
    ],
)  # fmt: skip
def test_side_doors_are_closed(browser, path):
    for answer in (browser.get(path), browser.post(path)):
        assert answer.status_code == 403


def test_songs_named_like_side_doors_are_served():
    for name in ("vibe-check.mp3", "proxy=1.mp3", "process_recording", "deep_link"):
        assert not gradio_patches.is_closed(f"/gradio_api/file=/tmp/gradio/ab/{name}")


def test_player_asks_no_program_of_this_machine(tmp_path, monkeypatch):
    met = tmp_path / "met"
    for name in ("ffmpeg", "ffprobe"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho met > {met}\n")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    subprocess.run(["ffmpeg"], check=True)  # it would be found
    met.unlink()
    monkeypatch.setattr(
        processing_utils, "ffmpeg_installed", processing_utils.ffmpeg_installed
    )
    gradio_patches.keep_ffmpeg_out()
    song = write_audio(tmp_path / "a.aiff", tone())
    with gr.Blocks():
        player = gr.Audio(type="filepath", format=None)
    assert player.postprocess(str(song)).path == str(song)
    assert not met.exists()


def test_session_keeps_no_copy_of_the_page():
    with gradio_patches.Page() as page:
        box = gr.Textbox("here")
    page.state_session_capacity = 1
    holder = StateHolder()
    holder.set_blocks(page)
    session = holder["anyone"]
    session._update_value_in_config(box._id, "typed")
    assert not list(session.components)
    shown = {part["id"]: part for part in page.get_config_file()["components"]}
    assert shown[box._id]["props"]["value"] == "here"


@pytest.mark.parametrize(
    ("song", "code", "details"),
    [
        ({"path": "/etc/passwd", "meta": META}, "not_an_upload", {}),
        ([{"path": "/a", "meta": META}], "not_an_upload", {}),
        ("/etc/passwd", "wrong_value", {"value": "['/etc/passwd']"}),
        (17, "wrong_value", {"value": "[17]"}),
    ],
)
def test_what_is_no_upload_is_answered_by_a_sentence_and_not_logged(
    demo, browser, capfd, song, code, details
):
    fns = demo.config["dependencies"]
    (number,) = [each["id"] for each in fns if each["api_name"] == "waveform"]
    told = json.loads(ask(browser, number, [song]).split("data: ")[-1])
    assert told["output"]["error"] == i18n.sentence(KnownError(code, **details))
    assert "Traceback" not in capfd.readouterr().err
