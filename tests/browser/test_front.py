"""The first view: a picture that plays, and the ways from there."""

import re

import pytest

from support import browser
from support.page import lesson

pytestmark = pytest.mark.browser

DRAWN = "Genrescope.front.state().share === 1"
# Different colours, and of them the bright and the violet ones.
COLOURS = """() => {
  const canvas = document.querySelector(".front-frame canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  let n_bright = 0, n_violet = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue] = [data[i], data[i + 1], data[i + 2]];
    seen.add((red << 16) | (green << 8) | blue);
    if (red > 240 && green > 150 && blue < 200) n_bright += 1;
    if (red > 60 && blue > 60 && green < 50) n_violet += 1;
  }
  return [seen.size, n_bright, n_violet];
}"""
FOLDED = "!document.querySelector('.front-view').checkVisibility()"
PARTS = ".front-hero, .front-say h2, .front-door, .front-word"


@pytest.fixture
def first(open_page):
    def first(*args, **options):
        page = open_page(*args, **options)
        page.wait_for_function(DRAWN)
        return page

    return first


def button(page, name):
    return page.get_by_role("button", name=name)


def test_picture_is_there_in_colour_before_anything_is_asked_for(first):
    page = first()
    n_colours, n_bright, n_violet = page.evaluate(COLOURS)
    assert n_colours > 500
    assert n_bright > 1000
    assert n_violet > 5000
    assets = ("/", "/theme.css", "/manifest.json")
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map((e) => new URL(e.name).pathname)"
    )
    data = [
        path for path in asked if "file=" in path or path.endswith((".wav", ".json"))
    ]
    assert [path for path in data if path not in assets] == []
    named = page.locator(".front-frame canvas").first.get_attribute("aria-label")
    assert "E♭4 311 Hz, E♭5 622 Hz, B♭5 933 Hz" in named


def test_keyboard_plays_and_the_head_moves_with_the_sound(first):
    page = first()
    play = button(page, "Play the trumpet")
    play.focus()
    outline = play.evaluate("(one) => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    with page.expect_response(re.compile("file=.*brass.wav")):
        page.keyboard.press("Enter")
    page.wait_for_function("Genrescope.front.state().at_s > 0.3")
    page.keyboard.press("Enter")
    page.wait_for_function("!Genrescope.front.state().isPlaying")
    stopped_s = page.evaluate("Genrescope.front.state().at_s")
    assert 0.3 < stopped_s < 5.3
    page.locator(".front-frame").click(position={"x": 400, "y": 100})  # from there on
    page.wait_for_function("Genrescope.front.state().isPlaying")
    page.wait_for_function("Genrescope.front.state().at_s > 2")


@pytest.mark.slow
def test_way_leads_to_the_spectrogram_and_nothing_jumps(first):
    page = first()
    button(page, "See what it's made of").click()
    stft = lesson(page, "Spectrogram (STFT)")
    stft.locator("canvas[role=img]").wait_for()
    page.wait_for_function(FOLDED)
    assert page.evaluate("window.shifted") < 0.05
    top = stft.bounding_box()["y"]
    assert 0 < top < 300
    assert "Trumpet phrase" in page.locator(".clip-facts strong").inner_text()
    chosen = page.locator(".chips button[aria-pressed=true]")
    assert [name.strip() for name in chosen.all_text_contents()] == ["Trumpet phrase"]
    page.locator(".bar-sounds").click()  # the first press counts
    page.locator(".chips").get_by_role("button", name="Octave").wait_for()
    page.keyboard.press("Escape")  # the lessons before it are above it
    lesson(page, "Waveform").wait_for()
    page.wait_for_function("Genrescope.isDrawn()")
    assert stft.bounding_box()["y"] == pytest.approx(top, abs=2)


@pytest.mark.slow
def test_doors_open_tabs(first):
    page = first()
    for door, tab in (("Fine-tune", "Train"), ("Name a song's genre", "Classify")):
        button(page, door).click()
        page.get_by_role("tab", name=tab, selected=True).wait_for()
        page.get_by_role("tab", name="See", exact=True).click()
    button(page, "See sound").click()
    page.wait_for_function(FOLDED)
    lesson(page, "Waveform").locator("canvas[role=img]").first.wait_for()


@pytest.mark.slow
def test_own_sounds_are_chosen_by_words(first):
    page = first()
    with page.expect_file_chooser():
        button(page, "Upload").first.click()
    page.locator(".front-record").click()
    page.locator(".player-place").wait_for()


@pytest.mark.slow
def test_chosen_sound_folds_the_first_view_away(first):
    page = first()
    button(page, "Octave").click()
    page.wait_for_function(FOLDED)
    lesson(page, "Waveform").locator("canvas[role=img]").first.wait_for()
    assert page.evaluate("window.shifted") < 0.05


@pytest.mark.slow
def test_link_to_a_lesson_opens_it_in_place_of_the_first_view(open_page):
    page = open_page("?view=back")
    assert page.evaluate(FOLDED)
    lesson(page, "Back to sound").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en-US", "zh-TW", "zh-CN"])
def test_phone_s_first_screen_holds_all_of_it(first, locale):
    page = first(width=390, height=844, locale=locale)
    boxes = [each.bounding_box() for each in page.locator(PARTS).all()]
    assert len(boxes) == 1 + 1 + 3 + 2
    assert boxes[0]["y"] < boxes[1]["y"]  # the picture, then the words
    assert boxes[0]["height"] > 220
    for box in boxes:
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844


@pytest.mark.slow
def test_picture_stands_still_for_those_who_ask(open_page):
    page = open_page()
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.wait_for_function(browser.READY)
    page.wait_for_function(DRAWN)
    browser.forgive_leaving(page)
    running = """document.getAnimations().filter(
      (each) => each.playState === "running" && each.effect.getTiming().duration > 1).length"""
    assert page.evaluate(running) == 0
