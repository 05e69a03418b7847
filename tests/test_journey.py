"""The main journey in a browser: a song, its pictures, its genre, a run, its model."""

import browser
import pytest
from files import write_audio
from test_browser import upload, wait_for_pictures

from audio.composer import compose
from trainer.base import DEMO_DIR

server, chromium, open_page = browser.server, browser.chromium, browser.open_page
pytestmark = pytest.mark.browser

PATIENCE_MS = 300_000  # only where a broken build gives up
BAR_MOVES = "(last) => (document.querySelector('progress')?.value ?? 2) !== last"


@pytest.fixture
def song(tmp_path):
    clip = compose("reggae", 1_000_000, duration_s=9.0, sampling_rate=22_050)
    return write_audio(tmp_path / "a reggae.mp3", clip)


@pytest.mark.skipif(not DEMO_DIR.exists(), reason="the bundled model is not built")
def test_newcomer_walks_from_a_song_to_a_model_of_their_own(open_page, song):
    page = open_page()
    page.set_default_timeout(PATIENCE_MS)
    upload(page, song)
    wait_for_pictures(page)

    page.get_by_role("tab", name="Classify").click()
    page.get_by_role("button", name="Name the genre").click()
    page.locator(".answer .top").wait_for()

    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="All settings").click()
    page.get_by_label("Songs to compose per genre").fill("3")
    page.get_by_label("Steps", exact=True).fill("12")
    page.get_by_label("Test every").fill("6")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator("progress").wait_for()
    values = [page.locator("progress").evaluate("bar => bar.value")]
    for _ in range(2):  # the bar moves while nobody touches the page
        page.wait_for_function(BAR_MOVES, arg=values[-1])
        values.append(page.evaluate("document.querySelector('progress')?.value ?? 2"))
    assert len(set(values)) == 3

    page.locator(".log", has_text="Step 2 of 12").wait_for()
    page.reload()  # the run does not notice, and the page finds it again
    page.get_by_role("tab", name="Train").click()
    page.locator(".log", has_text="Step 3 of 12").wait_for()
    page.locator(".log", has_text="Step 12 of 12").wait_for()
    page.get_by_text("Its model is in the list").wait_for()
    assert page.locator(".run-curves svg").count() == 1
    assert page.get_by_role("button", name="Start", exact=True).is_enabled()
    assert page.get_by_role("button", name="Stop", exact=True).is_disabled()

    upload(page, song)
    page.get_by_role("tab", name="Classify").click()
    page.get_by_label("Model", exact=True).click()
    page.get_by_role("option", name="Your run").click()
    page.get_by_role("button", name="Name the genre").click()
    page.locator(".answer .numbers", has_text="Your run").wait_for()
    assert "windows of 4 s" in page.locator(".answer .numbers").inner_text()
    browser.forgive_leaving(page)


@pytest.mark.skipif(not DEMO_DIR.exists(), reason="the bundled model is not built")
def test_stop_ends_the_run_and_another_page_sees_it(open_page):
    page, other = open_page(), open_page(locale="zh-CN")
    for each, train in ((page, "Train"), (other, "训练")):
        each.set_default_timeout(PATIENCE_MS)
        each.get_by_role("tab", name=train).click()
    page.get_by_label("Steps", exact=True).fill("9000")
    page.get_by_role("button", name="Start", exact=True).click()
    other.locator(".log", has_text="第 3 步，共 9000 步").wait_for()
    assert other.get_by_role("button", name="开始", exact=True).is_disabled()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped; what it had learned is saved").wait_for()
    other.get_by_text("已停止；已学到的都保存好了").wait_for()
    page.wait_for_function("!document.querySelector('button.primary[disabled]')")


def test_value_out_of_range_gets_a_sentence_and_the_form_stays(open_page):
    page = open_page(locale="zh-TW")
    page.get_by_role("tab", name="訓練").click()
    page.get_by_label("步數", exact=True).fill("0")
    page.get_by_role("button", name="開始", exact=True).click()
    toast = page.get_by_test_id("toast-body")
    toast.wait_for()
    assert "步數" in toast.inner_text()
    assert page.get_by_label("步數", exact=True).input_value() == "0"


def test_recipe_fills_the_form(open_page):
    page = open_page()
    page.get_by_role("tab", name="Train").click()
    page.get_by_label("Recipe").click()
    page.get_by_role("option", name="tutorial").click()
    page.wait_for_function(
        "[...document.querySelectorAll('input')].some(i => i.value === 'ntu-spml/distilhubert')"
    )
    assert page.get_by_label("Steps", exact=True).input_value() == "100"


def test_server_wrote_no_traceback(server):
    assert "Traceback" not in server.log.read_text()
