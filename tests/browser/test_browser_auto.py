"""A better model comes while somebody reads the bundled one's answer."""

import threading

import pytest

from support import browser, tiny
from support.files import write_audio
from support.model_hub import HUB_MODEL, HubServer
from support.signals import chord

pytestmark = pytest.mark.browser

TOLD = ".block.answer .verdict:not(.so_far)"
LINE = ".block.classify-status.auto"
NAME = f"{HUB_MODEL} (Hugging Face Hub)"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A Hub that keeps back the second half of its model's weights."""
    folder = tmp_path_factory.mktemp("hub") / "model"
    tiny.save_tiny_model(folder, genres=("calm", "wild", "odd"))
    hub = HubServer(folder)
    hub.rest.clear()
    threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
    yield hub
    hub.rest.set()
    hub.shutdown()
    hub.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory, hub):
    """The app on a host with a network, of which there is that Hub alone."""
    home = tmp_path_factory.mktemp("home")
    model_dir = tiny.save_tiny_model(home / "model")
    network = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0"}
    network |= {"NO_PROXY": "127.0.0.1", "GENRESCOPE_HUB_MODEL": HUB_MODEL}
    with browser.Server(home, model_dir, **network).running() as server:
        yield server


def test_answer_stays_until_the_reader_asks_the_model_that_has_come(
    open_page, hub, tmp_path
):
    path = write_audio(tmp_path / "song.mp3", chord(duration_s=4.0))
    page = open_page()
    page.locator("#player input[type=file]").set_input_files(path)
    page.locator(".clip-facts strong").filter(has_text=path.name).wait_for()
    page.locator("[data-tab-id=classify]:visible").click()
    page.locator(LINE).filter(has_text=f"while {NAME} is downloaded").wait_for()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)
    answer = page.locator(".block.answer")
    assert "Bundled model: " in answer.inner_text()
    said = answer.inner_text()
    again = page.get_by_role("button", name=f"Classify this sound with {NAME}")
    assert not again.is_visible()
    page.evaluate("window.shifted = 0")
    hub.rest.set()
    page.locator(LINE).filter(
        has_text=f"Using {NAME}, which is available here."
    ).wait_for()
    again.wait_for()
    assert answer.inner_text() == said
    assert page.evaluate("window.shifted") == 0
    again.click()
    answer.filter(has_text="Wild").or_(answer.filter(has_text="wild")).wait_for()
    page.locator(TOLD).wait_for()
    assert f"{NAME} @ 0123456: " in answer.inner_text()
    again.wait_for(state="hidden")
