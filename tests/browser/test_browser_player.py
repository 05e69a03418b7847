"""The player's microphone, in headless Chromium."""

import pytest

from support import browser

pytestmark = pytest.mark.browser


def record(page):
    page.locator("#player .bar-record:visible, .front-record:visible").first.click()


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
        ("en-US", "NotAllowedError", "This page is not allowed to use the microphone."),
        ("zh-TW", "NotAllowedError", "此頁面無法使用麥克風。"),
        ("zh-CN", "NotFoundError", "找不到麦克风。"),
    ],
)
def test_microphone_that_is_refused_gets_a_sentence(
    open_page, microphone, locale, name, said
):
    microphone(browser.REFUSING % name)
    page = open_page(locale=locale)
    record(page)
    page.locator(".microphone p").filter(has_text=said).wait_for()


def test_recording_shows_its_level_until_it_ends(open_page, microphone):
    microphone(browser.HUMMING)
    page = open_page()
    meter = page.locator(".microphone meter")
    assert meter.is_hidden()
    record(page)
    page.wait_for_function("document.querySelector('.microphone meter').value > -20")
    assert meter.is_visible()
    page.locator("#player .stop-button").click()
    meter.wait_for(state="hidden")


def test_recording_goes_on_where_no_meter_can_be_shown(open_page, microphone):
    """As in Firefox, where microphone and speaker have different rates."""
    fails = "() => { throw new DOMException('rates', 'NotSupportedError'); }"
    patch = f"AudioContext.prototype.createMediaStreamSource = {fails};"
    microphone(browser.HUMMING.replace("{", "{ " + patch, 1))
    page = open_page()
    record(page)
    page.locator("#player .stop-button").wait_for()
    assert page.locator(".microphone p").inner_text() == ""
    assert page.locator(".microphone meter").is_hidden()


def test_file_list_of_the_browser_greys_out_no_kind_of_sound(open_page):
    """An iPhone does where only "audio/*" is named."""
    chooser = open_page().locator("#player input[type=file]")
    assert chooser.get_attribute("accept") in (None, "")
