"""Requests within bounds: sizes, pieces that never come, foreign pages."""

import asyncio
import socket
from contextlib import closing
from types import SimpleNamespace

import pytest
import uvicorn
from gradio.http_server import Server
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import i18n
from errors import KnownError
from ui.server import bounds, files
from ui.server.bounds import MAX_BYTES, MAX_TOOL_BYTES, RequestBounds
from ui.server.fair_queue import Listeners
from ui.server.shares import ADDRESS, REFUSAL_S, Pace, Share, Shares

JOIN, TOOLS, UPLOAD = (
    f"/gradio_api/{name}" for name in ("queue/join", "mcp/", "upload")
)
SHARE = Share(
    bytes_per_hour=3_000_000,
    request_bytes=2_000_000,
    n_requests=5,
    n_pages=3,
    n_gets=8,
    post_pace=Pace(10.0, 1),
)
STRANGER = {"X-Forwarded-For": "93.184.216.34"}


class Queue:
    def __init__(self):
        self.shares = Shares(SHARE, clock=lambda: 0.0)
        self.streams, self.pages = Listeners(), Listeners()


async def length(request: Request):
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client():
    app = Starlette(
        routes=[Route("/{path:path}", length, methods=["GET", "POST"])],
        middleware=[Middleware(RequestBounds, queue=Queue())],
    )
    return TestClient(app, client=("127.0.0.1", 1))


def posted(path):
    """The scope of what a stranger posts."""
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"x-forwarded-for", b"93.184.216.34")],
        "client": ("127.0.0.1", 1),
        "query_string": b"",
    }


def sentence(code, **details):
    return i18n.sentence(KnownError(code, **details), "en")


@pytest.mark.parametrize(("path", "most"), [(JOIN, MAX_BYTES), (TOOLS, MAX_TOOL_BYTES)])
def test_question_of_a_stranger_has_a_size(client, path, most):
    assert client.post(path, content=b"0" * most, headers=STRANGER).text == str(most)
    refused = client.post(path, content=b"0" * (most + 1), headers=STRANGER)
    assert refused.status_code == 413
    assert refused.text == sentence("request_too_large", max_kb=most / 1e3)


def test_size_is_counted_where_none_is_announced(client):
    pieces = (b"0" * 100_000 for _ in range(4))
    assert client.post(JOIN, content=pieces, headers=STRANGER).status_code == 413


def test_refusal_is_in_the_visitors_language(client):
    headers = {**STRANGER, "Accept-Language": "zh-TW"}
    answer = client.post(JOIN, content=b"0" * (MAX_BYTES + 1), headers=headers)
    assert "最多" in answer.text


def test_who_sits_here_may_send_more(client):
    assert client.post(JOIN, content=b"0" * (MAX_BYTES + 1)).status_code == 200


@pytest.mark.parametrize("is_announced", [True, False])
def test_upload_is_refused_over_one_requests_share(client, is_announced):
    body = b"0" * (SHARE.request_bytes + 1)
    content = (
        body
        if is_announced
        else (body[i : i + 65_536] for i in range(0, len(body), 65_536))
    )
    refused = client.post(UPLOAD, content=content, headers=STRANGER)
    assert (refused.status_code, refused.text) == (
        413,
        sentence("uploads_too_large", max_mb=SHARE.request_bytes / 1e6),
    )


def test_uploads_of_an_hour_are_counted_for_each_address(client):
    body = b"0" * 1_600_000
    assert client.post(UPLOAD, content=body, headers=STRANGER).status_code == 200
    refused = client.post(UPLOAD, content=body, headers=STRANGER)
    assert (refused.status_code, refused.text) == (
        429,
        sentence("share_spent", max_mb=SHARE.bytes_per_hour / 1e6),
    )
    other = {"X-Forwarded-For": "93.184.216.35"}
    assert client.post(UPLOAD, content=body, headers=other).status_code == 200
    assert client.post(UPLOAD, content=body).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_upload_that_a_foreign_page_sends_is_refused(client, site):
    refused = client.post(UPLOAD, content=b"0", headers={"Sec-Fetch-Site": site})
    assert (refused.status_code, refused.text) == (403, sentence("foreign_page"))
    own = client.post(UPLOAD, content=b"0", headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 200


def test_pages_of_one_address_are_counted_and_nobody_else_notices(client):
    statuses = [client.get("/", headers=STRANGER).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert client.get("/config", headers=STRANGER).status_code == 429
    assert client.get("/theme.css", headers=STRANGER).status_code == 200
    other = {"X-Forwarded-For": "93.184.216.35"}
    assert client.get("/", headers=other).status_code == 200
    assert client.get("/").status_code == 200


def test_files_of_one_address_are_counted_too(client):
    statuses = [client.get("/a.css", headers=STRANGER).status_code for _ in range(9)]
    assert statuses == [200] * 8 + [429]
    assert client.get("/a.css").status_code == 200


def test_one_address_gets_one_page_at_a_time():
    at_work, most = [], []

    async def slow(scope, receive, send):
        at_work.append(scope[ADDRESS])
        most.append(list(at_work))
        await asyncio.sleep(0)
        at_work.remove(scope[ADDRESS])

    async def open_pages():
        bounded = RequestBounds(slow, Queue())
        scopes = [
            {
                "type": "http",
                "method": "GET",
                "path": "/",
                "query_string": b"",
                "client": ("127.0.0.1", 1),
                "headers": [(b"x-forwarded-for", address)],
            }
            for address in [b"93.184.216.34"] * 3 + [b"93.184.216.35"]
        ]
        await asyncio.gather(*(bounded(scope, None, None) for scope in scopes))

    asyncio.run(open_pages())
    assert len(most) == 4
    assert all(len(set(each)) == len(each) for each in most)
    assert max(map(len, most)) == 2


@pytest.fixture
def slept(monkeypatch):
    """For how long requests have waited (s); none of it passes."""
    waits_s = []

    async def sleep(duration_s):
        waits_s.append(duration_s)

    monkeypatch.setattr(bounds.asyncio, "sleep", sleep)
    return waits_s


def test_who_is_refused_waits_longer_for_each_sentence(client, slept):
    for _ in range(SHARE.n_pages):
        client.get("/", headers=STRANGER)
    assert not slept
    answers = [client.get("/", headers=STRANGER) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {429}
    assert {answer.headers["connection"] for answer in answers} == {"close"}
    assert slept == [REFUSAL_S, 2 * REFUSAL_S, 3 * REFUSAL_S]


def test_refusal_of_the_queue_keeps_waiting_too(slept):
    async def refuse(request):
        return PlainTextResponse("no", 429)

    app = Starlette(
        routes=[Route("/{path:path}", refuse, methods=["POST"])],
        middleware=[Middleware(RequestBounds, queue=Queue())],
    )
    client = TestClient(app, client=("127.0.0.1", 1))
    for _ in range(2):
        assert client.post(JOIN, headers=STRANGER).status_code == 429
    assert slept == [REFUSAL_S, 2 * REFUSAL_S]


def test_questions_come_in_turns_while_others_ask(client, slept):
    other = {"X-Forwarded-For": "93.184.216.35"}
    for _ in range(5):
        client.post(JOIN, headers=STRANGER)
    assert not slept  # nobody else is here
    client.get("/a.css", headers=other)
    for _ in range(5):
        client.post(JOIN, headers=STRANGER)
    per_s = SHARE.post_pace.per_s
    assert slept == pytest.approx([n / per_s for n in range(1, 5)])
    slept.clear()
    client.post(JOIN, headers=other)
    client.post(JOIN)
    assert not slept


def test_more_connections_than_a_share_are_refused_at_once(slept):
    async def hold(scope, receive, send):
        await asyncio.Event().wait()

    async def open_many():
        bounded = RequestBounds(hold, Queue())
        sent = []

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/a.css",
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "headers": [(b"x-forwarded-for", b"93.184.216.34")],
        }
        tasks = [
            asyncio.ensure_future(bounded({**scope}, None, send))
            for _ in range(SHARE.n_requests + 1)
        ]
        done, held = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in held:
            task.cancel()
        return len(done), sent[0]["status"]

    assert asyncio.run(open_many()) == (1, 429)
    assert not slept


def test_upload_is_taken_in_large_pieces(slept):
    """A thread writes each piece: many small ones would keep all threads busy."""
    pieces = [b"%d" % (n % 10) * 10_000 for n in range(101)]
    coming = [
        {"type": "http.request", "body": piece, "more_body": n < 100}
        for n, piece in enumerate(pieces)
    ]
    taken = []

    async def receive():
        return coming.pop(0)

    async def read(scope, receive, send):
        taken.extend([each async for each in Request(scope, receive).stream() if each])

    asyncio.run(RequestBounds(read, Queue())(posted(UPLOAD), receive, None))
    assert b"".join(taken) == b"".join(pieces)
    assert [len(each) for each in taken] == [bounds.PIECE_BYTES] * 4 + [10_000]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:7860"}, 200),
        ({"Origin": "https://page.example", "X-Forwarded-Host": "page.example"}, 200),
        ({}, 200),
    ],
)
def test_browser_that_says_nothing_of_sites_is_judged_by_its_origin(
    client, headers, status
):
    headers = {"Host": "localhost:7860", **headers}
    assert client.post(UPLOAD, content=b"0", headers=headers).status_code == status


def test_upload_leaves_the_reserve_of_the_disk(client, monkeypatch, tmp_path):
    free = files.RESERVE_BYTES + 100_000
    monkeypatch.setattr(
        files.shutil, "disk_usage", lambda _: SimpleNamespace(free=free)
    )
    app = RequestBounds(client.app, Queue(), tmp_path)
    stranger = TestClient(app, client=("127.0.0.1", 1), headers=STRANGER)
    assert stranger.post(UPLOAD, content=b"0" * 100_000).status_code == 200
    for content in (b"0" * 100_001, iter([b"0" * 100_001])):
        refused = stranger.post(UPLOAD, content=content)
        assert (refused.status_code, refused.text) == (507, sentence("no_room"))


@pytest.mark.parametrize("path", [JOIN, UPLOAD])
def test_body_that_never_ends_is_given_up(monkeypatch, path):
    monkeypatch.setattr(bounds, "PIECE_S", 0.05)
    sent = []

    async def receive():
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    async def read(scope, receive, send):
        await Request(scope, receive).body()

    asyncio.run(RequestBounds(read, Queue())(posted(path), receive, send))
    assert sent[0]["status"] == 408
    assert sent[1]["body"].decode() == sentence("request_too_slow")


@pytest.mark.parametrize(
    ("path", "who", "key"),
    [
        ("/gradio_api/queue/data?session_hash=abc", "streams", "abc"),
        ("/gradio_api/call/stft/abc", "streams", "abc"),
        ("/gradio_api/call/v2/stft/abc", "streams", "abc"),
        ("/gradio_api/heartbeat/abc", "pages", "abc"),
    ],
)
def test_who_listens_is_known_while_the_stream_is_open(path, who, key):
    queue, seen = Queue(), []

    async def answer(request):
        seen.append(getattr(queue, who)._open[key])
        return PlainTextResponse("")

    app = Starlette(
        routes=[Route("/{path:path}", answer)],
        middleware=[Middleware(RequestBounds, queue=queue)],
    )
    TestClient(app).get(path)
    assert seen == [1]
    assert not getattr(queue, who)._open[key]


@pytest.fixture
def address():
    """A server that gives up a request whose headers take longer than half a second."""

    async def slowly(request):
        await asyncio.sleep(1.0)
        return PlainTextResponse("here")

    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    listening.close()
    app = Starlette(routes=[Route("/", slowly)])
    server = Server(uvicorn.Config(app, port=port, log_level="warning"))
    server.run_in_thread()
    bounds.bound_heads(server, 0.5)
    yield "127.0.0.1", port
    server.close()


def answer_to(address, *pieces):
    """Send pieces, and return all that comes until the server closes."""
    with closing(socket.create_connection(address, timeout=30)) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return b"".join(iter(lambda: connection.recv(1000), b""))


WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: 1"])
def test_connection_whose_request_does_not_come_is_closed(address, begun):
    assert answer_to(address, begun) == b""


def test_answer_takes_the_time_that_it_needs(address):
    answer = answer_to(address, WHOLE.replace(b"x\r\n", b"x\r\nConnection: close\r\n"))
    assert answer.endswith(b"here")


def test_second_request_of_a_connection_may_not_hang_either(address):
    assert answer_to(address, WHOLE + WHOLE[:20]).count(b"here") == 1


def test_who_leaves_in_the_middle_of_an_upload_is_no_fault_of_ours():
    async def gone(scope, receive, send):
        raise ClientDisconnect

    scope = {
        "type": "http",
        "method": "POST",
        "path": UPLOAD,
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "headers": [],
    }
    asyncio.run(RequestBounds(gone, Queue())(scope, None, None))
