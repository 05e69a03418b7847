"""The form that takes the host's secret."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import i18n
from ui.server import secret
from ui.server.access import key_of
from ui.server.secret import Secret

SECRET = "a long secret of this host"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(secret, "PAUSE_S", 0.0)


def browser_of(of_host=SECRET, **options):
    routes = [Route("/{path:path}", lambda _: PlainTextResponse("page"))]
    gate = Middleware(Secret, secret=of_host, **options)
    app = Starlette(routes=routes, middleware=[gate])
    return TestClient(app, base_url="http://10.0.0.5:7860", follow_redirects=False)


def test_address_with_the_key_of_this_start_leads_to_the_page_without_it():
    browser = browser_of(is_key_of_start=True)
    answer = browser.get(f"/?lang=zh-TW&key={SECRET}&view=a")
    assert answer.status_code == 303
    assert answer.headers["location"] == "./?lang=zh-TW&view=a"
    key = answer.cookies["genrescope_key_7860"]
    assert key == key_of(SECRET, int(key.partition(".")[0]))
    assert SECRET not in str(answer.headers)
    assert browser.get("/?lang=zh-TW&view=a").text == "page"


@pytest.mark.parametrize("key", ["wrong", "", f"{SECRET}x"])
def test_address_with_another_key_is_a_stranger_s(key):
    answer = browser_of(is_key_of_start=True).get(f"/?key={key}")
    assert (answer.text, answer.cookies.get("genrescope_key_7860")) == ("page", None)


def test_secret_that_people_chose_comes_in_no_address():
    answer = browser_of().get(f"/?key={SECRET}")
    assert (answer.text, answer.cookies.get("genrescope_key_7860")) == ("page", None)


def post(given, of_host=SECRET, **headers):
    routes = [Route("/{path:path}", lambda _: PlainTextResponse("page"))]
    gate = Middleware(Secret, secret=of_host)
    app = Starlette(routes=routes, middleware=[gate])
    browser = TestClient(app, base_url="http://10.0.0.5:7860", follow_redirects=False)
    return browser.post("/secret", data=given, headers=headers)


def test_right_secret_gives_a_cookie_that_is_not_the_secret():
    answer = post({"secret": SECRET})
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    cookie = answer.headers["set-cookie"]
    expires_at = int(cookie.partition("=")[2].partition(".")[0])
    assert cookie.startswith(f"genrescope_key_7860={key_of(SECRET, expires_at)};")
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "Secure" not in cookie
    assert SECRET not in str(answer.headers)


def test_cookie_of_a_page_that_came_safely_goes_back_safely_only():
    cookie = post({"secret": SECRET}, **{"x-forwarded-proto": "https"}).headers
    assert "Secure" in cookie["set-cookie"]


@pytest.mark.parametrize(
    "given", [{"secret": "wrong"}, {"secret": ""}, {}, {"secret": SECRET + "x" * 5000}]
)
def test_anything_else_gets_a_sentence_and_no_cookie(given):
    answer = post(given, **{"accept-language": "zh-TW"})
    assert answer.status_code == 403
    assert answer.text == i18n.table("zh-TW")["errors.wrong_secret"]
    assert "set-cookie" not in answer.headers


def test_host_without_a_secret_opens_to_no_word():
    assert post({"secret": ""}, of_host="").status_code == 403


def test_other_addresses_pass():
    routes = [Route("/secret", lambda _: PlainTextResponse("page"))]
    app = Starlette(routes=routes, middleware=[Middleware(Secret, secret=SECRET)])
    assert TestClient(app).get("/secret").text == "page"
