"""The tab Data as people meet it, in headless Chromium."""

import re
import shutil

import pytest

from support.songs import song_folder

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page):
    page = open_page()
    page.get_by_role("tab", name="Data").click()
    return page


def look(page):
    page.get_by_role("button", name="Look at the songs").click()


def status(page, text):
    page.locator(".block.look-status").filter(has_text=text).wait_for()


def choose(page, label, option):
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option).click()


def test_composed_songs_are_counted_split_anew_heard_and_seen(page):
    look(page)
    status(page, "50 songs were read")
    counts = page.locator(".counts tfoot td")
    assert counts.all_inner_texts()[:3] == ["50", "40", "10"]
    choose(page, "Split", "random, as in the tutorial")
    page.get_by_text("some genres may hardly be tested").wait_for()

    page.locator(".song-picture canvas[role=img]").wait_for()
    picture = page.locator(".block.song-picture .numbers")
    before = picture.inner_text()
    choose(page, "Genre", "Rock")
    page.wait_for_function(
        "before => document.querySelector('.song-picture .numbers').textContent !== before",
        arg=before,
    )
    with page.expect_response(re.compile("file=.*sound.wav")):
        choose(page, "Song", "rock 1")


def test_cancel_stops_reading_and_another_look_can_begin(page):
    count = page.get_by_label("Songs to compose per genre")
    count.fill("200")
    count.blur()
    look(page)
    page.locator(".look-status progress[value]").first.wait_for()
    page.get_by_role("button", name="Cancel").click()
    status(page, "Stopped before the end")
    count.fill("2")
    count.blur()
    look(page)
    status(page, "20 songs were read")


def test_zip_is_asked_for_and_then_looked_at(page, tmp_path):
    choose(page, "Songs", "A zip of your own")
    page.get_by_text("Zip: one folder per genre").wait_for()
    look(page)
    page.get_by_test_id("toast-body").filter(has_text="no zip yet").wait_for()
    status(page, "Stopped before the end")
    folder = song_folder(tmp_path / "mine", 2)
    archive = shutil.make_archive(tmp_path / "mine", "zip", folder.parent, folder.name)
    page.locator("input[type=file][accept='.zip']").set_input_files(archive)
    page.locator("td.filename[aria-label='mine.zip']").wait_for()
    look(page)
    status(page, "4 songs were read")
    assert "high" in page.locator(".counts").inner_text()


def test_phone_shows_the_counts_without_scrolling_sideways(open_page):
    page = open_page(width=390, height=844, locale="zh-TW")
    page.get_by_role("tab", name="資料").click()
    page.get_by_role("button", name="看看這些歌").click()
    page.locator(".counts tfoot").wait_for()
    assert not page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
