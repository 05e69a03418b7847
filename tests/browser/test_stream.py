"""Answers reach the page however the end of their stream and the next question meet."""

import pytest

from support import browser

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium, server, open_page):
    page = open_page()
    page.add_init_script(browser.SLOW_END)
    page.reload()
    page.wait_for_function(browser.READY)
    return page


def lesson(page, title):
    return page.locator(".lesson").filter(has=page.get_by_role("heading", name=title))


def choose(page, place, label, option):
    place.get_by_label(label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_question_asked_while_the_stream_ends_is_answered(page):
    page.get_by_role("button", name="Start with the trumpet").click()
    page.wait_for_function(
        "n => document.querySelectorAll('canvas[role=img]').length >= n",
        arg=browser.N_DRAWN,
    )
    page.evaluate("slow.isOn = true")
    choose(page, lesson(page, "Spectrum (DFT)"), "0 dB is", "full scale (dBFS)")
    page.wait_for_function("slow.isWaiting")
    stft = lesson(page, "Spectrogram (STFT)")
    with page.expect_response("**/queue/join*") as joined:
        choose(page, stft, "Compare with frame length", "512")
    joined.value.finished()
    page.evaluate("slow.arrive()")
    stft.locator("canvas[role=img]").nth(1).wait_for()
