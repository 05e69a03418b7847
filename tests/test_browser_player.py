"""The player's microphone and drops, in headless Chromium."""

import base64

import browser
import pytest
from files import write_audio
from signals import tone

server, chromium, open_page = browser.server, browser.chromium, browser.open_page
pytestmark = pytest.mark.browser

REFUSING = """() => {
  navigator.mediaDevices.__proto__.getUserMedia = async () => {
    throw new DOMException("Permission denied", "%s");
  };
}"""
HUMMING = """() => {
  navigator.mediaDevices.__proto__.getUserMedia = async () => {
    const context = new AudioContext(), hum = context.createOscillator();
    const place = context.createMediaStreamDestination();
    hum.connect(place), hum.start();
    return place.stream;
  };
}"""
DROP = """([name, type, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type }));
  const place = document.querySelector("#player input[type=file]");
  place.dispatchEvent(
    new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer })
  );
}"""


def record(page):
    page.locator("#player .source-selection button").nth(1).click()
    page.locator("#player .record-button").click()


@pytest.fixture
def microphone(chromium, monkeypatch):
    """Give every page a microphone that does as a script says."""

    def microphone(script):
        new_context = chromium.new_context

        def with_script(**choices):
            context = new_context(**choices)
            context.add_init_script(f"({script})()")
            return context

        monkeypatch.setattr(chromium, "new_context", with_script)

    return microphone


@pytest.mark.parametrize(
    ("locale", "name", "said"),
    [
        ("en-US", "NotAllowedError", "This page may not use the microphone."),
        ("zh-TW", "NotAllowedError", "此頁面無法使用麥克風。"),
        ("zh-CN", "NotFoundError", "找不到麦克风。"),
    ],
)
def test_microphone_that_is_refused_gets_a_sentence(
    open_page, microphone, locale, name, said
):
    microphone(REFUSING % name)
    page = open_page(locale=locale)
    record(page)
    page.locator(".microphone p").filter(has_text=said).wait_for()
    page.locator("#player .source-selection button").first.click()
    page.wait_for_function("!document.querySelector('.microphone p').textContent")


def test_recording_shows_its_level_until_it_ends(open_page, microphone):
    microphone(HUMMING)
    page = open_page()
    meter = page.locator(".microphone meter")
    assert meter.is_hidden()
    record(page)
    page.wait_for_function("document.querySelector('.microphone meter').value > -20")
    assert meter.is_visible()
    page.locator("#player .stop-button").click()
    meter.wait_for(state="hidden")


def test_webm_that_is_dropped_becomes_the_sound(open_page, tmp_path):
    page = open_page()
    path = write_audio(
        tmp_path / "song.webm", tone(duration_s=2.0, sampling_rate=48_000)
    )
    data = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(DROP, ["song.webm", "video/webm", data])
    page.locator(".clip-facts strong").filter(has_text="song.webm").wait_for()
