"""Nothing long runs where all requests are answered in turns, whatever is asked."""

import gc
import io
import zipfile

import httpx
import pytest

from support.files import write_audio
from support.served import served, settings_in, watched_loop
from support.signals import tone

pytestmark = pytest.mark.minute

MOST_S = 0.2  # of the processor, for one step
STRANGER = {"X-Forwarded-For": "198.51.100.7"}
MANY = "gradio_api/call/classify_many"


@pytest.fixture(scope="module")
def demo(tmp_path_factory, tiny_model_dir):
    settings = settings_in(tmp_path_factory.mktemp("home"), tiny_model_dir)
    with served(settings, tmp_path_factory.mktemp("gradio")) as demo:
        yield demo


@pytest.fixture
def page(demo):
    """A stranger's client; no step of the loop may take long while it asks."""
    with httpx.Client(base_url=demo.local_url, headers=STRANGER, timeout=120) as page:
        page.get("")  # what is made once
        gc.collect()
        gc.freeze()  # what other tests have made is none of this
        with watched_loop() as done:
            yield page
        gc.unfreeze()
        assert max(done)[0] < MOST_S, max(done)


def upload(page, name, data):
    path = page.post("gradio_api/upload", files={"files": (name, data)}).json()[0]
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def answer(page, name, *data):
    call = f"gradio_api/call/{name}"
    event = page.post(call, json={"data": data}).json()["event_id"]
    return page.get(f"{call}/{event}").text


def test_honest_visitor_keeps_nobody_waiting(page, tmp_path):
    song = write_audio(tmp_path / "song.wav", tone(duration_s=60.0))
    for path in ("", "config", "gradio_api/info"):
        assert page.get(path).status_code == 200
    file = upload(page, "song.wav", song.read_bytes())
    for name, *data in (
        ("stft", file, 2048, 512, "hann"),
        ("classify", file, "bundled", "whole"),
        ("classify_many", [file], "bundled", "quick"),
    ):
        assert "event: complete" in answer(page, name, *data), name


def test_stranger_with_long_lists_and_large_zips_keeps_nobody_waiting(page):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(60_000):
            archive.writestr(f"{number}", b"")
    file = upload(page, "many.zip", packed.getvalue())
    assert "event: complete" in answer(
        page, "classify_many", [file], "bundled", "quick"
    )
    listed = [{"path": "/a"}] * 15_000
    assert "event: error" in answer(page, "classify_many", listed, "bundled", "quick")
    for content in ("{}," * 1_000_000, "0" * 3_000_000):
        body = '{"data":[' + content.rstrip(",") + "]}"
        typed = {"Content-Type": "application/json"}
        assert page.post(MANY, content=body, headers=typed).status_code == 413
