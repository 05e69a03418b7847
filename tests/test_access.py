"""Who may train: the person at this machine, and nobody that a relay may hide."""

import gradio as gr
import pytest
from starlette.requests import Request

from settings import Settings
from ui.access import Visitor, visitor_of

HERE = {"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860"}


def request(headers=HERE, client="127.0.0.1"):
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    address = None if client is None else (client, 50_000)
    scope = {"type": "http", "headers": raw, "client": address}
    return gr.Request(Request(scope))


def may_train(headers=HERE, client="127.0.0.1", **settings):
    return visitor_of(request(headers, client), Settings(**settings)).may_train


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("127.0.0.1:7860", "127.0.0.1"),
        ("localhost:7860", "127.0.0.1"),
        ("localhost", "127.0.0.2"),
        ("[::1]:7860", "::1"),
    ],
)
def test_person_at_this_machine_may_train(host, client):
    assert may_train({"host": host, "origin": f"http://{host}"}, client)


def test_program_at_this_machine_sends_no_origin_and_may_train():
    assert may_train({"host": "127.0.0.1:7860"})


def test_nobody_may_train_on_a_space():
    assert not may_train(is_space=True)


@pytest.mark.parametrize("client", ["192.168.1.5", "8.8.8.8", "", "testclient", None])
def test_visitor_from_elsewhere_may_not_train(client):
    assert not may_train(client=client)


@pytest.mark.parametrize(
    "header",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"X-Forwarded-For": "8.8.8.8"},
        {"x-forwarded-host": "genrescope.example"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
        {"x-real-ip": "127.0.0.1"},
    ],
)
def test_relayed_visitor_may_not_train_though_the_relay_is_local(header):
    assert not may_train(HERE | {name.lower(): v for name, v in header.items()})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": ""},
        {"host": "abc.gradio.live"},
        {"host": "evil.example:7860"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost@evil.example"},
        {"host": "[::1"},
    ],
)
def test_host_with_a_foreign_name_may_not_train(headers):
    assert not may_train(headers)


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "file://"])
def test_foreign_page_that_posts_to_us_may_not_train(origin):
    assert not may_train(HERE | {"origin": origin})


def test_no_request_means_nobody_in_particular():
    assert visitor_of(None, Settings()) == Visitor("en", may_train=False)


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en"),
        ({"accept-language": "zh-HK,zh;q=0.9,en;q=0.8"}, "zh-TW"),
        ({"accept-language": "zh,en;q=0.5"}, "zh-CN"),
        ({"accept-language": "fr-FR,de;q=0.7"}, "en"),
        ({"accept-language": "en", "cookie": "genrescope_language=zh-CN"}, "zh-CN"),
        ({"accept-language": "zh-TW", "cookie": "genrescope_language=<b>"}, "zh-TW"),
        (
            {
                "cookie": "a=1; genrescope_language=zh-CN",
                "referer": "http://127.0.0.1:7860/?lang=zh-TW",
            },
            "zh-TW",
        ),
        ({"referer": "http://127.0.0.1:7860/?lang=xx"}, "en"),
    ],
)
def test_language_is_the_chosen_one_else_the_browser_s(headers, language):
    assert visitor_of(request(headers), Settings()).language == language
