"""No room on the disk: a sentence, wherever a visitor's file is written."""

import errno
import zipfile

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import i18n
from audio.decode.archive import unpacked
from errors import KnownError
from support.handlers import guarded, run
from ui.server.middleware import Gate

FULL = OSError(errno.ENOSPC, "No space left on device")


def sentence(language="en"):
    return i18n.sentence(KnownError("no_room"), language)


def server(endpoint):
    routes = [Route("/gradio_api/upload", endpoint, methods=["POST"])]
    gate = Middleware(Gate, is_local=True)
    return TestClient(
        Starlette(routes=routes, middleware=[gate]),
        base_url="http://127.0.0.1:7860",
        raise_server_exceptions=False,
    )


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_upload_to_a_full_disk_is_answered_in_the_visitors_language(language):
    async def upload(_):
        raise FULL

    answer = server(upload).post(
        "/gradio_api/upload", headers={"Accept-Language": language}
    )
    assert (answer.status_code, answer.text) == (507, sentence(language))


def test_other_failures_of_an_upload_stay_what_they_are():
    async def upload(_):
        raise PermissionError(errno.EACCES, "denied")

    assert server(upload).post("/gradio_api/upload").status_code == 500


def test_upload_that_works_is_not_touched():
    async def upload(_):
        return PlainTextResponse("here")

    assert server(upload).post("/gradio_api/upload").text == "here"


def test_real_upload_to_a_full_disk(small_disk, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(small_disk))
    with gr.Blocks() as demo:
        gr.Audio()
    gate = Middleware(Gate, is_local=True)
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, app_kwargs={"middleware": [gate]}
    )
    import httpx

    try:
        files = {"files": ("a.wav", bytes(5_000_000))}
        answer = httpx.post(f"{address}gradio_api/upload", files=files, timeout=60)
        assert (answer.status_code, answer.text) == (507, sentence())
        small = {"files": ("a.wav", bytes(1000))}
        for left in small_disk.iterdir():
            assert not left.is_file() or left.stat().st_size < 5_000_000
        assert httpx.post(f"{address}gradio_api/upload", files=small).status_code in (
            200,
            507,
        )
    finally:
        demo.close()


def test_handler_that_cannot_write_says_so():
    @guarded
    def save() -> None:
        raise FULL

    with pytest.raises(gr.Error) as caught:
        run(save, language="zh-TW")
    assert caught.value.message == sentence("zh-TW")


def test_handler_that_writes_to_a_full_disk_says_so(small_disk):
    @guarded
    def save() -> None:
        (small_disk / "sound.wav").write_bytes(bytes(5_000_000))

    with pytest.raises(gr.Error) as caught:
        run(save)
    assert caught.value.message == sentence()


def test_zip_that_finds_no_room_is_not_called_broken(small_disk, tmp_path):
    packed = tmp_path / "songs.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.mp3", bytes(5_000_000))
    with pytest.raises(KnownError, match="no_room"):
        list(unpacked(packed, small_disk))
