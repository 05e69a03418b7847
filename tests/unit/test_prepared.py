"""The page, made once for all who get the same, and anew where it differs."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.server.prepared import Prepared


class Server:
    """One whose page says for whom, and the how manieth time, it was made."""

    def __init__(self):
        self.n_made = 0
        self.status = 200
        self.facts = ({"of": "parts"},)
        app = Starlette(
            routes=[Route("/{path:path}", self.made, methods=["GET", "POST"])],
            middleware=[Middleware(Prepared, made_of=lambda: self.facts)],
        )
        self.client = TestClient(app)

    async def made(self, request: Request):
        self.n_made += 1
        await asyncio.sleep(0)
        host, said = request.headers["host"], request.headers.get("accept-language")
        text = f"{host} {said} {request.url.query} " + "page " * 1000
        return PlainTextResponse(text, self.status)

    def get(self, path="/", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers=named)


@pytest.fixture
def server():
    return Server()


def test_page_is_made_once_for_all_who_get_the_same(server):
    first = server.get()
    assert [server.get().text for _ in range(5)] == [first.text] * 5
    assert server.get("/?view=waveform").text == first.text  # the browser reads it
    assert server.n_made == 1


@pytest.mark.parametrize(
    "other",
    [
        {"accept_language": "zh-TW"},
        {"cookie": "genrescope_language=zh-CN"},
        {"host": "other.example"},
        {"x_forwarded_host": "other.example"},
        {"x_forwarded_proto": "https"},
        {"x_gradio_server": "http://other.example"},
        {"accept_encoding": "identity"},
        {"path": "/config"},
        {"path": "/?lang=zh-TW"},
    ],
)
def test_page_is_made_anew_where_it_differs(server, other):
    server.get()
    for _ in range(2):
        server.get(**other)
    assert server.n_made == 2


@pytest.mark.parametrize(
    "path", ["/?page=x", "/?deep_link=x", "/?key=x", "/gradio_api/info?all_endpoints=1"]
)
def test_what_is_one_visitors_own_is_kept_for_nobody(server, path):
    for _ in range(2):
        server.get(path)
    assert server.n_made == 2


def test_only_what_is_asked_for_and_succeeds_is_kept(server):
    server.status = 503
    assert server.get().status_code == 503
    server.status = 200
    assert server.get().status_code == 200
    server.client.post("/")
    server.get("/gradio_api/upload_progress")
    server.get("/gradio_api/upload_progress")
    assert server.n_made == 5


def test_page_is_made_anew_once_its_parts_are_others(server):
    server.get()
    server.facts = ({"of": "parts"},)  # equal ones
    server.get()
    assert server.n_made == 1
    server.facts = ({"of": "more parts"},)
    server.get()
    server.get()
    assert server.n_made == 2


def test_page_that_is_kept_travels_compressed(server):
    for _ in range(2):
        answer = server.get(accept_encoding="gzip")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.text.endswith("page ")
        assert int(answer.headers["content-length"]) < 1000


def test_pages_that_are_asked_for_at_once_are_made_once(server):
    async def ask():
        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message["type"])

        sent = []
        scope = {
            "type": "http", "method": "GET", "path": "/", "query_string": b"",
            "headers": [(b"host", b"here")], "scheme": "http", "server": ("here", 1),
        }  # fmt: skip
        app = server.client.app
        await asyncio.gather(*(app({**scope}, receive, send) for _ in range(4)))
        return sent

    assert asyncio.run(ask()).count("http.response.start") == 4
    assert server.n_made == 1
