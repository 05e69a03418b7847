"""The app as an MCP server: a real server, the MCP package's own client."""

import base64
import json
import threading
import time

import anyio
import httpx
import pytest
from gradio import FileData
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from classifier import batch
from errors import KnownError
from support import tiny
from support.files import write_audio
from support.served import served, settings_in
from support.signals import tone
from support.waiting import wait_until
from ui.server import gradio_patches, mcp

PICTURES = {"waveform", "dft", "stft", "mel"}
PATIENCE_S = 60
NAMES = {*PICTURES, "classify", "classify_many", "runs", "start_run", "stop_run"}
NAMES |= {"embed", "similar"}
NAMES |= {"what_if", "where"}


@pytest.fixture(scope="module")
def url(tmp_path_factory, tiny_model_dir):
    """The address of a running app, without a slash at its end."""
    home = tmp_path_factory.mktemp("home")
    settings = settings_in(home, tiny_model_dir)
    typed = gradio_patches.type_mcp_answers
    with served(settings, home / "gradio", typed) as demo:
        yield demo.local_url.rstrip("/")


def asked(url, question, **headers):
    """What a session with the server gives: ``question`` gets the session."""

    async def ask():
        async with (
            httpx.AsyncClient(headers=headers, timeout=60) as http,
            streamable_http_client(f"{url}/gradio_api/mcp/", http_client=http) as pipes,
            ClientSession(pipes[0], pipes[1]) as session,
        ):
            await session.initialize()
            return await question(session)

    return anyio.run(ask)


def call(url, name, arguments, **headers):
    """A tool's result, checked by the client against the tool's output schema."""
    return asked(url, lambda session: session.call_tool(name, arguments), **headers)


def text_of(result):
    return " ".join(getattr(content, "text", "") for content in result.content)


@pytest.fixture
def song(tmp_path):
    return write_audio(tmp_path / "song.mp3", tone(duration_s=2.0))


@pytest.fixture
def uploaded(url, song):
    """The address of a song that was uploaded to the app."""
    with song.open("rb") as file:
        (path,) = httpx.post(f"{url}/gradio_api/upload", files={"files": file}).json()
    return f"{url}/gradio_api/file={path}"


def data_of(song):
    return f"data:audio/mpeg;base64,{base64.b64encode(song.read_bytes()).decode()}"


def test_tools_are_the_public_endpoints_each_described(url):
    found = {tool.name: tool for tool in asked(url, list_tools)}
    assert set(found) == NAMES
    for tool in found.values():
        assert tool.description
        assert "$" not in json.dumps(tool.inputSchema)  # nothing to look up elsewhere
        for parameter in tool.inputSchema["properties"].values():
            assert len(parameter["description"]) > 3


def test_typed_answers_have_a_schema_that_describes_every_field(url):
    found = {tool.name: tool.outputSchema for tool in asked(url, list_tools)}
    assert {name for name in NAMES if not found[name]} == PICTURES
    fields = found["classify"]["properties"]
    assert fields["verdict"]["enum"] == ["sure", "unsure", "speech", "unlike"]
    row = found["classify_many"]["$defs"]["SongRow"]["properties"]
    for field in (*fields.values(), *row.values()):
        assert field["description"]


async def list_tools(session):
    return (await session.list_tools()).tools


def test_genre_of_an_uploaded_song_is_typed_and_the_text_is_the_same_json(
    url, uploaded
):
    result = call(url, "classify", {"song": uploaded})
    answer = result.structuredContent
    assert {each["genre"] for each in answer["genres"]} == set(tiny.GENRES)
    assert sum(each["probability"] for each in answer["genres"]) == pytest.approx(1)
    assert (answer["model"], answer["windows"]) == ("bundled", 4)
    assert json.loads(text_of(result)) == answer


def test_song_is_taken_as_data_too(url, song):
    answer = call(url, "classify", {"song": data_of(song)}).structuredContent
    assert answer["windows"] == 4


def test_many_songs_come_as_a_list_of_rows(url, uploaded):
    result = call(url, "classify_many", {"songs": [uploaded], "effort": "quick"})
    (row,) = result.structuredContent["result"]
    assert (row["song"], row["reason"]) == ("song.mp3", None)
    assert row["genre"] in tiny.GENRES


@pytest.fixture
def endless(monkeypatch):
    """Makes every song of a table take until it is stopped; tells when that is."""
    stopped = threading.Event()
    stopped.begun = threading.Event()

    def predict(sound, *_, should_stop, **__):
        stopped.begun.set()
        while not should_stop():
            time.sleep(0.01)
        stopped.set()
        raise KnownError("prediction_stopped", name=sound.name)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "predict", predict)
        patch.setattr(mcp, "NEWS_S", 0.1)
        yield stopped


def test_client_of_a_long_table_is_told_that_it_goes_on_and_may_leave(
    url, uploaded, endless
):
    told = []

    async def leave_after_some_news(session):
        async with anyio.create_task_group() as group:

            async def note(progress, total, message):
                told.append((progress, message))
                if len(told) == 20:  # two seconds
                    group.cancel_scope.cancel()

            asked = {"songs": [uploaded], "effort": "quick"}
            await session.call_tool("classify_many", asked, progress_callback=note)

    asked(url, leave_after_some_news)
    times = [progress for progress, _ in told]
    assert times == sorted(set(times))
    assert told[-1][1] == "0 songs done"
    assert endless.wait(PATIENCE_S)  # the place is free


def test_table_that_a_program_cancels_frees_the_place(url, song, endless):
    client = Client(url, verbose=False, analytics_enabled=False)
    songs = [handle_file(str(song))]
    job = client.submit(songs, effort="quick", api_name="/classify_many")
    wait_until(job.outputs, "an answer")
    job.cancel()
    assert endless.wait(PATIENCE_S)


def test_call_of_another_goes_on_when_one_who_waits_leaves(url, uploaded, endless):
    songs = {"songs": [uploaded], "effort": "quick"}

    async def both_and_one_leaves(session):
        async with anyio.create_task_group() as group:
            group.start_soon(session.call_tool, "classify_many", songs)
            await anyio.to_thread.run_sync(endless.begun.wait, PATIENCE_S)
            await anyio.to_thread.run_sync(asked, url, leaves_while_waiting)
            assert not endless.is_set()
            group.cancel_scope.cancel()

    async def leaves_while_waiting(session):
        with anyio.move_on_after(2):
            await session.call_tool("classify_many", songs)

    asked(url, both_and_one_leaves)
    assert endless.wait(PATIENCE_S)


def test_picture_is_a_picture(url, uploaded):
    picture, where = call(url, "mel", {"song": uploaded}).content
    assert picture.mimeType == "image/png"
    assert base64.b64decode(picture.data).startswith(b"\x89PNG")
    assert url in where.text


def test_runs_are_listed(url):
    assert call(url, "runs", {}).structuredContent == {"result": []}


def test_what_goes_wrong_is_told_in_a_sentence(url, song):
    (song.parent / "notes.mp3").write_text("do re mi")
    result = call(url, "classify", {"song": data_of(song.parent / "notes.mp3")})
    assert result.isError
    assert "No sound was found" in text_of(result)
    assert "Traceback" not in text_of(result)


def test_file_of_the_server_cannot_be_asked_for(url, tmp_path):
    secret = tmp_path / "secret.wav"
    write_audio(secret, tone(duration_s=1.0))
    file = FileData(path=str(secret)).model_dump()
    for asked_for in (
        str(secret),
        f"file://{secret}",
        f"{url}/gradio_api/file={secret}",
        f"{url}/gradio_api/file=/{secret}",
        file,
    ):
        result = call(url, "classify", {"song": asked_for})
        assert result.isError, asked_for


def test_stranger_may_not_start_a_run_through_a_tool(url):
    refused = call(url, "start_run", {"preset": "no"}, **{"X-Forwarded-For": "8.8.8.8"})
    assert "Only the person running this page" in text_of(refused)
    here = call(url, "start_run", {"preset": "no"})
    assert here.isError
    assert "Only the person running this page" not in text_of(here)


def test_stranger_in_the_network_does_not_become_the_person_here(url, monkeypatch):
    """The tool's call goes on from this machine, wherever it came from."""
    monkeypatch.setattr(mcp, "is_loopback", lambda host: False)
    refused = call(url, "start_run", {"preset": "no"})
    assert "Only the person running this page" in text_of(refused)


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}]
)
def test_foreign_page_gets_no_answer_from_a_tool(url, headers):
    kinds = {"Accept": "application/json, text/event-stream"}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "start_run", "arguments": {"preset": "no"}},
    }
    address = f"{url}/gradio_api/mcp/"
    answer = httpx.post(address, json=body, headers={**kinds, **headers}, timeout=60)
    refused = (
        answer.status_code >= 400 or "Only the person running this page" in answer.text
    )
    assert refused
