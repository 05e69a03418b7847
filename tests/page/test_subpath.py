"""The app below a path of another server, set up by the lines of SECURITY.md."""

import json
import re
from urllib.parse import urljoin, urlsplit

import anyio
import httpx
import pytest
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from support import tiny
from support.files import write_audio
from support.places import ROOT
from support.relays import path_relay
from support.served import served, settings_in
from support.signals import tone
from ui.server import gradio_patches

pytestmark = pytest.mark.minute
PATH = "/genrescope"
SECRET = "a long secret of this host"
ADDRESS = re.compile(r'(?:src|href)="([^"#]+)"')
LINES = (ROOT / "SECURITY.md").read_text("utf-8")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of the page below the path, without a slash at its end."""
    home = tmp_path_factory.mktemp("home")
    model_dir = tiny.save_tiny_model(home / "model")
    settings = settings_in(home, model_dir, secret=SECRET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PATH)
        with (
            served(settings, home / "gradio", gradio_patches.type_mcp_answers) as demo,
            path_relay(urlsplit(demo.local_url).port, PATH, LINES) as url,
        ):
            yield url


@pytest.fixture(scope="module")
def browser(url):
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as browser:
        yield browser


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    return write_audio(path, tone(duration_s=2.0))


def test_page_and_all_that_it_loads_come_from_below_the_path(url, browser):
    page = browser.get("/?lang=zh-TW")
    assert page.status_code == 200
    assert f'"root":"{url}"' in page.text
    named = {urljoin(f"{url}/", each) for each in ADDRESS.findall(page.text)}
    assert len(named) > 3
    for address in named:
        assert address.startswith(f"{url}/")
        assert browser.get(address).status_code == 200
    assert browser.get("/config").json()["root"] == url


def test_uploaded_sound_comes_back_by_the_address_that_the_page_gets(
    url, browser, song
):
    with song.open("rb") as file:
        (path,) = browser.post("/gradio_api/upload", files={"files": file}).json()
    sound = browser.get(f"/gradio_api/file={path}")
    assert sound.headers["content-type"].startswith("audio/")
    assert sound.content == song.read_bytes()


def test_picture_of_an_upload_lies_below_the_path(url, browser, song):
    with song.open("rb") as file:
        (path,) = browser.post("/gradio_api/upload", files={"files": file}).json()
    given = {"path": path, "meta": {"_type": "gradio.FileData"}}
    asked = browser.post("/gradio_api/call/waveform", json={"data": [given, False]})
    event = asked.json()["event_id"]
    answer = browser.get(f"/gradio_api/call/waveform/{event}").text
    picture = json.loads(answer.partition("data: ")[2])[0]
    assert picture["url"].startswith(f"{url}/gradio_api/file=")
    assert browser.get(picture["url"]).headers["content-type"] == "image/png"


def test_classify_answers_a_program_below_the_path(url, song):
    answer = Client(f"{url}/", verbose=False).predict(
        handle_file(song), api_name="/classify"
    )
    assert len(answer["genres"]) == 3


def test_tool_names_the_genre_of_an_upload_by_its_address_below_the_path(
    url, browser, song
):
    with song.open("rb") as file:
        (path,) = browser.post("/gradio_api/upload", files={"files": file}).json()

    async def named():
        address = f"{url}/gradio_api/mcp/"
        async with (
            streamable_http_client(address, http_client=httpx.AsyncClient()) as pipes,
            ClientSession(pipes[0], pipes[1]) as session,
        ):
            await session.initialize()
            given = {"song": f"{url}/gradio_api/file={path}"}
            return await session.call_tool("classify", given)

    answer = anyio.run(named)
    assert not answer.isError
    assert len(answer.structuredContent["genres"]) == 3


@pytest.mark.parametrize("left_in", ["", PATH])
def test_person_with_the_secret_is_led_back_to_the_page(browser, left_in):
    answer = browser.post(f"{left_in}/secret", data={"secret": SECRET})
    assert answer.status_code == 303
    led = urljoin(str(answer.request.url), answer.headers["location"])
    assert urlsplit(led).path == f"{PATH}{left_in}/"
    assert browser.get(f"{left_in}/").status_code == 200
    assert "genrescope_key" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "route",
    ["proxy=https://example.org", "file=https://example.org/a", "file=/etc/passwd"],
)
@pytest.mark.parametrize("left_in", ["", PATH])
def test_side_doors_are_closed_below_the_path_too(browser, route, left_in):
    assert browser.get(f"{left_in}/gradio_api/{route}").status_code == 403
