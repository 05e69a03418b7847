"""What if and where it listens, as people meet them in headless Chromium."""

import numpy as np
import pytest

from audio.clip import Clip
from support.files import write_audio
from support.page import choose
from support.signals import tone

pytestmark = pytest.mark.browser

CHANGED = ".block.what-if.changed"
TABLE = ".block.what-if:not(.changed)"
PICTURE = ".block.where-map"
RATE = 16_000


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    low, high = (np.array(tone(hz, 3.0, RATE, 0.3).samples) for hz in (300.0, 3000.0))
    high[: 2 * RATE] = 0
    path = tmp_path_factory.mktemp("songs") / "two tones.wav"
    return write_audio(path, Clip(low + high, RATE))


def opened(open_page, song, title, **look):
    page = open_page("?view=classify", **look)
    page.locator("#player input[type=file]").set_input_files(song)
    page.locator(".block.answer .verdict:not(.so_far)").wait_for()
    page.get_by_role("button", name=title).click()
    return page


def what_if(open_page, song, **look):
    return opened(open_page, song, "What if the song were different?", **look)


def where(open_page, song, **look):
    page = opened(open_page, song, "Where does it listen?", **look)
    page.get_by_role("button", name="Find out where").click()
    page.locator(f"{PICTURE} canvas").first.wait_for()
    page.locator(f"{PICTURE} .numbers").filter(has_text="Asked:").wait_for()
    return page


def turn(page, label, value):
    """Type a slider's value, by the keyboard alone."""
    number = page.get_by_role("spinbutton", name=label)
    number.focus()
    number.fill(str(value))
    number.press("Tab")


@pytest.mark.slow
def test_slider_changes_the_song_its_answer_and_what_is_heard(open_page, song):
    page = what_if(open_page, song)
    page.get_by_text("The answer to the changed song appears here").wait_for()
    turn(page, "Low-pass", 1000)
    page.locator(f"{CHANGED} table").wait_for()
    assert page.locator(f"{CHANGED} tbody tr").count() == 3
    moved = page.locator(f"{CHANGED} .verdict").inner_text()
    assert "of the probability has moved" in moved
    page.locator(".changes audio").first.wait_for(state="attached")
    page.get_by_role("button", name="Reset", exact=True).click()
    page.locator(f"{CHANGED} .verdict").filter(has_text="0% of").wait_for()
    assert page.get_by_role("spinbutton", name="Low-pass").input_value() == "8000"


@pytest.mark.slow
def test_tiles_speak_for_a_genre_and_are_heard(open_page, song):
    page = where(open_page, song)
    canvas = page.locator(f"{PICTURE} canvas[role=img]")
    canvas.scroll_into_view_if_needed()
    label = canvas.get_attribute("aria-label")
    assert "rests most on" in label or "No single tile" in label
    before = canvas.screenshot()
    genres = page.get_by_label("Genre", exact=True)
    genres.click()
    page.locator("ul[role=listbox] [role=option]").nth(3).click()
    page.wait_for_function(
        """(before) => document.querySelector(".block.where-map canvas[role=img]")
        .getAttribute("aria-label") !== before""",
        arg=label,
    )
    assert canvas.screenshot() != before
    with page.expect_response(lambda answer: "sound.wav" in answer.url):
        page.get_by_role("button", name="Hear the rest").click()
    with page.expect_download() as download:
        page.locator(f"{PICTURE} .sheet-save").select_option("csv")
    assert download.value.suggested_filename == "two tones-where.csv"


@pytest.mark.slow
def test_newest_slider_wins_and_a_new_sound_empties_the_answer(open_page, song):
    page = what_if(open_page, song)
    for value in (500, 2000, 5000):
        turn(page, "Low-pass", value)
    turn(page, "Loudness", -10)
    page.locator(f"{CHANGED} table").wait_for()
    page.wait_for_function("!document.querySelector('.changes progress')")
    page.locator("#player input[type=file]").set_input_files(song.with_name(song.name))
    choose(page, "Composed blues")
    page.get_by_text("The answer to the changed song appears here").wait_for()


@pytest.mark.slow
def test_all_changes_have_their_row_and_each_is_heard(open_page, song):
    page = what_if(open_page, song)
    page.get_by_role("button", name="Try all changes").click()
    page.locator(f"{TABLE} .verdict").first.wait_for()
    assert page.locator(f"{TABLE} tbody tr").count() == 14
    with page.expect_response(lambda answer: "sound.wav" in answer.url):
        page.locator(f"{TABLE} button.play").nth(3).click()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_pages_of_any_width_hold_both(open_page, song, width, dark):
    page = where(open_page, song, width=width, dark=dark)
    page.get_by_role("button", name="What if the song were different?").click()
    turn(page, "Transpose", 3)
    page.locator(f"{CHANGED} table").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
