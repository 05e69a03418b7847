"""The list of lessons, what their texts let try, and the page for a projector."""

import pytest

from support.page import wait_for_pictures

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HERE = ".contents a[aria-current]"
IS_HERE = (
    "name => document.querySelector('.contents a[aria-current]')?.dataset.name === name"
)
FOLLOWS = "name => new URLSearchParams(location.search).get('view') === name"

IS_NEAR_THE_TOP = """(id) => {
  const { top } = document.getElementById(id).getBoundingClientRect();
  return top >= 0 && top < 140;
}"""

# What is at the middle of a place is that place, and not the bar that stays above it.
IS_UNCOVERED = """(place) => {
  const here = document.querySelector(place), { x, y, width, height } = here.getBoundingClientRect();
  return here.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


def test_list_marks_the_lesson_in_view_and_leads_to_others(open_page):
    page = open_page("?view=rate&sound=brass")
    page.wait_for_function(IS_HERE, arg="rate")
    wait_for_pictures(page)
    assert page.locator(".contents a").count() == 22
    assert page.locator(".contents ol").bounding_box()["y"] >= 0  # it stays in view
    page.locator("#lesson-rate .lesson-steps a").last.click()
    page.wait_for_function(IS_HERE, arg="bits")
    page.wait_for_function(FOLLOWS, arg="bits")
    assert (
        page.evaluate("document.activeElement.closest('.lesson').id") == "lesson-bits"
    )
    page.locator(HERE).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_function(IS_HERE, arg="rate")
    page.mouse.move(900, 400)
    page.mouse.wheel(0, 10)
    page.evaluate("document.getElementById('lesson-bits').scrollIntoView()")
    page.wait_for_function(FOLLOWS, arg="bits")
    assert "sound=brass" in page.url
    assert page.evaluate(IS_UNCOVERED, ".contents p")


@pytest.mark.parametrize("width", [1280, 390])
def test_end_is_the_page_s_end_and_the_list_leads_on_from_a_page_that_loads(
    open_page, width
):
    page = open_page("?view=waveform&sound=brass", width=width)
    page.locator("#lesson-waveform canvas").first.wait_for()
    page.evaluate("document.querySelector('.contents a[data-name=pitch]').click()")
    page.locator("#lesson-pitch canvas").first.wait_for()
    page.wait_for_function(FOLLOWS, arg="pitch")
    page.wait_for_function(IS_NEAR_THE_TOP, arg="lesson-pitch")
    page.keyboard.press("End")
    page.locator("#lesson-two canvas").first.wait_for()
    page.wait_for_function("Genrescope.isDrawn()")
    page.wait_for_function(
        "scrollY >= document.documentElement.scrollHeight - innerHeight - 1"
    )


def test_link_in_a_text_sets_the_knob_right_there(open_page):
    page = open_page("?view=stft&sound=chord")
    stft = page.locator("#lesson-stft")
    stft.locator(".sheet-facts", has_text="2,048").wait_for()
    page.evaluate("window.isSamePage = true")
    stft.get_by_role("link", name="8,192").click()
    stft.locator(".sheet-facts", has_text="8,192").wait_for()
    assert stft.get_by_label("Frame length (samples)").input_value() == "8192"
    assert "stft.n_fft=8192" in page.url  # a reload or a copied address keeps it
    wave = page.locator("#lesson-waveform")
    wave.get_by_role("link", name="the click").click()
    page.locator(".block.clip-facts", has_text="Click").wait_for()
    assert page.evaluate("window.isSamePage")


def test_word_to_try_rebuilds_the_sound_without_another_press(open_page):
    page = open_page("?view=back&sound=chord")
    back = page.locator("#lesson-back")
    back.get_by_role("link", name="1", exact=True).click()
    back.get_by_text("after 1 iteration:").first.wait_for()
    back.get_by_role("link", name="8", exact=True).click()
    back.get_by_text("after 8 iterations:").first.wait_for()


def test_presentation_fills_the_window_until_escape(open_page):
    page = open_page("?view=stft&sound=chord", width=1920, height=1080)
    wait_for_pictures(page)
    plot = page.locator("#lesson-stft canvas[role=img]").first
    plot.wait_for()
    letters = "getComputedStyle(document.querySelector('#lesson-stft .md p')).fontSize"
    before, small = plot.bounding_box(), float(page.evaluate(letters)[:-2])
    top = "document.querySelector('#lesson-stft').getBoundingClientRect().top"
    place = page.evaluate(top)
    page.locator(".presents").click()
    page.wait_for_function(f"place => Math.abs({top} - place) < 20", arg=place)
    page.wait_for_function(
        "least => document.querySelector('#lesson-stft canvas').clientHeight > least",
        arg=0.65 * 1080,
    )
    assert plot.bounding_box()["width"] > before["width"] * 1.2
    assert float(page.evaluate(letters)[:-2]) >= 1.3 * small
    page.keyboard.press("Escape")
    page.wait_for_function(
        "height => document.querySelector('#lesson-stft canvas').clientHeight === height",
        arg=round(before["height"]),
    )


def test_phone_has_a_menu_in_a_slim_line_that_stays(open_page):
    page = open_page("?view=mel&sound=chord", width=390, height=844)
    menu = page.locator(".contents select")
    page.wait_for_function("document.querySelector('.contents select').value === 'mel'")
    assert page.locator(".contents ol").is_hidden()
    menu.select_option("pitch")
    page.wait_for_function(FOLLOWS, arg="pitch")
    page.locator("#lesson-pitch canvas").first.wait_for()
    line = page.locator(".block.contents").bounding_box()
    assert line["y"] >= 0
    assert line["height"] <= 48
    assert page.evaluate(IS_UNCOVERED, ".contents select")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
