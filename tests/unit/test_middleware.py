"""The door: local names only on a local server, no proxy for strangers."""

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.server.middleware import Gate, headers, known_https
from ui.server.prepared import Prepared


def browser(is_local=True):
    routes = [
        Route("/", lambda _: PlainTextResponse("page " * 1000)),
        Route("/{path:path}", lambda _: PlainTextResponse("in")),
    ]
    gate = Middleware(Gate, is_local=is_local)
    app = Starlette(routes=routes, middleware=[gate, Middleware(Prepared)])
    return TestClient(app, base_url="http://127.0.0.1:7860")


def status(host, is_local=True):
    return browser(is_local).get("/", headers={"Host": host}).status_code


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1:7860", "[::1]:7860", "abc123.gradio.live", "0.0.0.0:7860",
     "LOCALHOST:7860", "localhost.", "[::ffff:127.0.0.1]:7860"],
)  # fmt: skip
def test_local_server_answers_to_its_own_names_and_a_share_link(host):
    assert status(host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evilgradio.live", "[::1", ""]
)
def test_local_server_refuses_foreign_names(host):
    assert status(host) == 400


def test_refused_name_is_told_with_what_to_set():
    given = {"Host": "mypc.local:7860", "accept-language": "zh-TW"}
    answer = browser().get("/", headers=given)
    for word in ("mypc.local", "GRADIO_SERVER_NAME", "GENRESCOPE_SECRET", "請"):
        assert word in answer.text


def test_public_server_answers_to_any_name():
    assert status("someone-genrescope.hf.space", is_local=False) == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=https://example.com/a.wav",
        "/gradio_api/file=http://169.254.169.254/",
        "/file=HTTPS://example.com",
        "/gradio_api/file=%20http%3A//example.com",
    ],
)
def test_addresses_outside_are_not_fetched_for_strangers(path):
    assert browser().get(path).status_code == 403


@pytest.mark.parametrize("root", ["/path", "/path/"])
@pytest.mark.parametrize("before", ["", "/path", "/path/path"])
def test_relay_may_leave_the_path_of_the_page_in(root, before):
    routes = [
        Route("/", lambda _: PlainTextResponse("page " * 1000)),
        Route("/a", lambda _: PlainTextResponse("a")),
    ]
    gate = Middleware(Gate, is_local=True)
    app = Starlette(routes=routes, middleware=[gate, Middleware(Prepared)])
    client = TestClient(app, base_url="http://127.0.0.1:7860", root_path=root)
    assert client.get(f"{before}/").headers["content-encoding"] == "gzip"
    assert client.get(f"{before}/a").text == "a"
    assert client.get(f"{before}/proxy=https://example.org").status_code == 403
    assert client.get("/paths/a").status_code == 404


def test_own_files_are_served_and_nothing_is_sniffed():
    answer = browser().get("/gradio_api/file=/tmp/gradio/https/a.wav")
    assert answer.text == "in"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


def policy(**host):
    """What browsers are told, by directive."""
    text = headers(**host)["Content-Security-Policy"]
    return dict(each.split(" ", 1) for each in text.split("; "))


def test_browsers_load_and_send_nothing_elsewhere():
    told = policy(is_space=False)
    for name, sources in told.items():
        assert "http" not in sources, name
        assert "*" not in sources, name
    assert told["default-src"] == told["frame-ancestors"] == "'self'"
    assert told["object-src"] == "'none'"


def test_pages_of_the_hub_may_show_a_space_and_no_others():
    told = policy(is_space=True)
    hub = "https://huggingface.co"
    assert told["frame-ancestors"] == f"'self' {hub}"
    assert told.pop("connect-src").endswith(hub)
    assert hub not in str({**told, "frame-ancestors": ""})


def test_refusal_carries_the_policy_as_well():
    answer = browser().get("/gradio_api/file=https://example.com/a.wav")
    assert answer.headers["content-security-policy"]


def test_page_travels_compressed():
    answer = browser().get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.startswith("page page")


@pytest.mark.parametrize(
    ("given", "scheme"),
    [
        ({"Host": "a.example:8443", "Origin": "https://a.example:8443"}, "https"),
        ({"Host": "a.example", "Origin": "http://a.example"}, None),
        ({"Host": "a.example", "Origin": "https://b.example"}, None),
        ({"Host": "a.example"}, None),
        ({"Host": "a.example", "Origin": "https://a.example",
          "X-Forwarded-Proto": "http"}, "http"),
    ],
)  # fmt: skip
def test_https_that_a_relay_does_not_mention_is_known_by_the_page(given, scheme):
    raw = Headers(given).raw
    scope = known_https({"type": "http", "headers": raw})
    assert Headers(scope=scope).get("x-forwarded-proto") == scheme
