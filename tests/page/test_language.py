"""The page is told its language before Gradio looks for it."""

import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import i18n
from settings import ROOT
from ui.server.language import OF_GRADIO, SPOKEN, UNSPOKEN, texts
from ui.server.middleware import Language
from ui.tabs.teach.tab import plan_addresses

SECTION = re.compile(r"\btext\(\s*f?\"([a-z_]+)\.")
PAGE = "<!doctype html><html><head><title>曲</title></head><body></body></html>"


@pytest.fixture
def browser():
    routes = [
        Route("/", lambda _: HTMLResponse(PAGE)),
        Route("/broken", lambda _: HTMLResponse(PAGE, status_code=500)),
        Route("/text", lambda _: PlainTextResponse("<head>")),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Language)])
    return TestClient(app)


def language_told(answer):
    return answer.text.split("documentElement.lang = ")[1].split('"')[1]


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("en-GB", "en"),
        ("zh", "zh-CN"),
        ("zh-SG,en", "zh-CN"),
        ("zh-Hans-HK", "zh-CN"),
        ("zh-HK", "zh-TW"),
        ("zh-MO", "zh-TW"),
        ("zh-Hant-TW", "zh-TW"),
        ("de, zh-TW;q=0.8", "zh-TW"),
        ("ja", "en"),
    ],
)
def test_page_speaks_the_language_nearest_to_the_browser_s(browser, wish, language):
    answer = browser.get("/", headers={"Accept-Language": wish})
    assert language_told(answer) == language


def test_scripts_come_first_in_the_head_and_the_rest_is_whole(browser):
    answer = browser.get("/?lang=zh-TW")
    language, pictures, rest = answer.text.split("</script>")
    assert language.startswith("<!doctype html><html><head><script>")
    assert 'window.Genrescope = {"language": "zh-TW"' in pictures
    style, rest = rest.split("</style>")  # the page's width, before its style sheets
    assert style.strip().startswith("<style>.gradio-container > .main {")
    assert rest.strip() == PAGE.split("<head>")[1]
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_choice_in_the_address_wins_and_is_remembered(browser):
    browser.headers["Accept-Language"] = "en"
    answer = browser.get("/?lang=zh-TW")
    assert language_told(answer) == "zh-TW"
    assert "SameSite=Lax" in answer.headers["set-cookie"]
    assert language_told(browser.get("/")) == "zh-TW"
    assert language_told(browser.get("/?lang=zh-CN")) == "zh-CN"
    assert language_told(browser.get("/")) == "zh-CN"


@pytest.mark.parametrize("lang", ["xx", "", "zh-HK", "%22%3Cscript%3E", "en%0d%0aX:1"])
def test_unknown_choice_changes_nothing(browser, lang):
    answer = browser.get(f"/?lang={lang}", headers={"Accept-Language": "zh-TW"})
    assert language_told(answer) == "zh-TW"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/text", "/broken", "/nowhere"])
def test_other_answers_pass_untouched(browser, path):
    answer = browser.get(path)
    assert "documentElement" not in answer.text


def test_components_get_every_text_in_every_language():
    translations = texts(
        hours=1, minutes=2, megabytes=3, **plan_addresses()
    ).translations_dict
    assert set(translations) == set(i18n.LANGUAGES)
    for language, table in translations.items():
        spoken = {key for key in i18n.table(language) if key.split(".")[0] in SPOKEN}
        assert spoken >= table.keys()
        assert all(
            key.startswith("teach.") and key.endswith(UNSPOKEN)
            for key in spoken - table.keys()
        )
        assert "{" not in table["about.text"]


def test_page_carries_every_section_that_a_component_may_speak():
    sources = [path.read_text("utf-8") for path in (ROOT / "ui").rglob("*.py")]
    sources.append((ROOT / "app.py").read_text("utf-8"))
    named = {name for each in sources for name in SECTION.findall(each)}
    assert named | {OF_GRADIO} == set(SPOKEN)
