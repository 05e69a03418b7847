"""The page behind relays that say nothing about what they are."""

import shutil

import pytest

from support import tiny
from support.browser import CHROMIUM_FLAGS, READY, WAIT_MS, Server
from support.page import wait_for_pictures
from support.relays import NAME, https_relay

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECRET = "a secret of this school"


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
        chromium = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[*CHROMIUM_FLAGS, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"],
        )
        page = chromium.new_context(ignore_https_errors=True).new_page()
        problems, asked = [], []
        page.on(
            "console",
            lambda each: problems.append(each.text) if each.type == "error" else None,
        )
        page.on("request", lambda each: asked.append(each.url))
        page.set_default_timeout(WAIT_MS)
        page.goto(f"https://{NAME}:{secure_port}/?sound=chord")
        page.wait_for_function(READY)
        wait_for_pictures(page)
        chromium.close()
    assert problems == []
    assert not [url for url in asked if url.startswith("http:")]
