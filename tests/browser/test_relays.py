"""The page behind relays that say nothing about what they are."""

import shutil

import pytest

from support import tiny
from support.browser import CHROMIUM_FLAGS, READY, WAIT_MS, Server
from support.page import wait_for_pictures
from support.places import ROOT
from support.relays import NAME, https_relay, path_relay

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECRET = "a secret of this school"
LINES = (ROOT / "SECURITY.md").read_text("utf-8")


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_https_whose_relay_adds_no_header_mixes_no_http_into_the_page(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    model_dir = tiny.save_tiny_model(tmp_path / "model")
    server = Server(tmp_path, model_dir, GENRESCOPE_SECRET=SECRET)
    port = int(server.url.rstrip("/").split(":")[-1])
    with (
        server.running(),
        https_relay(tmp_path, port) as secure_port,
        playwright.sync_playwright() as driver,
    ):
        flags = [f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
        url = f"https://{NAME}:{secure_port}/"
        problems, asked = seen_by_a_browser(driver, url, flags)
    assert problems == []
    assert not [each for each in asked if each.startswith("http:")]


@pytest.mark.parametrize("root", ["/genrescope", "/genrescope/"])
def test_page_below_a_path_of_another_server_is_whole(tmp_path, root):
    playwright = pytest.importorskip("playwright.sync_api")
    model_dir = tiny.save_tiny_model(tmp_path / "model")
    server = Server(
        tmp_path, model_dir, GENRESCOPE_SECRET=SECRET, GRADIO_ROOT_PATH=root
    )
    port = int(server.url.rstrip("/").split(":")[-1])
    with (
        server.running(),
        path_relay(port, "/genrescope", LINES) as url,
        playwright.sync_playwright() as driver,
    ):
        problems, asked = seen_by_a_browser(driver, f"{url}/")
    assert problems == []
    outside = [each for each in asked if not each.startswith((url, "data:", "blob:"))]
    assert outside == []


def seen_by_a_browser(driver, url, flags=()):
    """What the console complains of, and which addresses the page asks for."""
    chromium = driver.chromium.launch(
        executable_path=shutil.which("chromium"), args=[*CHROMIUM_FLAGS, *flags]
    )
    page = chromium.new_context(ignore_https_errors=True).new_page()
    problems, asked = [], []
    page.on(
        "console",
        lambda each: (
            problems.append(f"{each.text} {each.location}")
            if each.type == "error"
            else None
        ),
    )
    page.on("request", lambda each: asked.append(each.url))
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{url}?sound=chord")
    page.wait_for_function(READY)
    wait_for_pictures(page)
    chromium.close()
    return problems, asked
