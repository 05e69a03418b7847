"""The page as people meet it, in headless Chromium."""

import json
import re

import pytest

from support import browser
from support.files import write_audio
from support.page import (
    DRAWN,
    lesson,
    says,
    scrolls_sideways,
    upload,
    wait_for_pictures,
)
from support.page import choose as choose_sound
from support.signals import chord

pytestmark = pytest.mark.browser

# The page has not scrolled for three frames.
STILL = """() => new Promise((done) => {
  let n = 0, before = -1;
  const look = () => {
    n = scrollY === before ? n + 1 : 0;
    before = scrollY;
    n < 3 ? requestAnimationFrame(look) : done(true);
  };
  look();
})"""
# What has the focus, where the lines that stay above the page are in front of it.
COVERED = """() => {
  const at = document.activeElement, { x, y, width } = at.getBoundingClientRect();
  const above = document.elementFromPoint(x + width / 2, Math.max(y, 0) + 1);
  return above?.closest(".clip-bar, .contents") && !above.contains(at) ? at.outerHTML : "";
}"""
TABS = {
    "en-US": (
        "en",
        ["See", "Live", "Data", "Train", "Classify", "Map", "Teach & about"],
    ),
    "zh-HK": (
        "zh-TW",
        ["看聲音", "即時", "資料", "訓練", "曲風辨識", "地圖", "教學與說明"],
    ),
    "zh-Hans-CN": (
        "zh-CN",
        ["看声音", "实时", "数据", "训练", "流派识别", "地图", "教学与说明"],
    ),
}


@pytest.fixture
def song(tmp_path):
    return write_audio(tmp_path / "two notes.mp3", chord(duration_s=3.0))


@pytest.mark.parametrize("locale", TABS)
def test_page_speaks_the_visitor_s_language(open_page, locale):
    page = open_page(locale=locale)
    language, tabs = TABS[locale]
    assert page.locator("html").get_attribute("lang") == language
    assert page.get_by_role("tab").all_inner_texts() == tabs
    for name in reversed(tabs):
        page.get_by_role("tab", name=name).click()
        assert "__i18n__" not in page.locator("body").inner_text()


def test_language_can_be_chosen_and_stays(open_page, server):
    page = open_page()
    page.get_by_role("link", name="繁體中文").click()
    page.get_by_role("tab", name="看聲音").wait_for()
    page.goto(server.url)
    page.get_by_role("tab", name="看聲音").wait_for()
    current = page.locator("nav a[aria-current]")
    assert current.all_inner_texts() == ["繁體中文"]
    browser.forgive_leaving(page)


def test_upload_draws_its_pictures_and_says_what_it_is(open_page, song):
    page = open_page()
    upload(page, song)
    wait_for_pictures(page)
    facts = page.locator(".block.clip-facts").inner_text()
    assert "two notes.mp3" in facts
    assert "MP3 · 22.05 kHz · mono · 3.0 s" in facts
    assert page.locator(DRAWN).count()
    says(lesson(page, "Spectrum (DFT)"), re.compile("440[.]|880[.]|439[.]9|879[.]9"))


# What comes with a sound: a lesson's name, its picture.
CAME = """() => {
  const { renewed } = Genrescope;
  window.came = [];
  Genrescope.renewed = (lesson, sheet) => {
    came.push([lesson, sheet]);
    return renewed(lesson, sheet);
  };
}"""


def test_sound_and_the_picture_in_view_come_in_one_answer(open_page):
    page = open_page()
    page.locator(".front-look").click()
    stft = page.locator("#lesson-stft")
    stft.locator("canvas[role=img]").wait_for()
    stft.get_by_role("combobox").first.click()
    page.get_by_role("option", name="8192").click()
    stft.locator(".sheet-facts").filter(has_text="8,192").wait_for()
    wait_for_pictures(page)
    page.evaluate(CAME)
    choose_sound(page, "Octave")
    page.wait_for_function("came.length")
    [[name, sheet]] = page.evaluate("came")
    assert name == "stft"
    assert "8,192" in json.loads(sheet)["plots"][0]["facts"][0]  # as its knob is set
    page.wait_for_function("Genrescope.isDrawn()")
    about = json.loads(sheet)["about"]
    assert stft.locator(".numbers").inner_text() == about
    assert page.locator(".clip-facts strong").inner_text() == "Octave"


CLICK = """(sounds) => {
  for (const each of sounds) document.getElementById(`sound-${each}`).click();
}"""


def test_last_click_counts_although_one_before_arrives_after_it(open_page):
    page = open_page()
    page.locator(".front-look").click()
    wait_for_pictures(page)
    page.evaluate(CAME)
    late = []

    def let_through(route):
        event = route.request.post_data_json.get("event_data") or {}
        if event.get("sound") == "semitone":
            late.append(route)
        else:
            route.continue_()

    page.route("**/queue/join*", let_through)
    page.evaluate(CLICK, ["semitone", "chord"])
    name = page.locator(".clip-facts strong")
    name.filter(has_text="Octave").wait_for()
    page.wait_for_function("Genrescope.isDrawn()")
    with page.expect_response("**/queue/join*"):
        late[0].continue_()
    page.evaluate(CLICK, ["click"])
    name.filter(has_text="Click").wait_for()
    page.wait_for_function("Genrescope.isDrawn()")
    of_chord, of_click = [
        json.loads(sheet)["about"] for _, sheet in page.evaluate("came")
    ]
    assert of_chord != of_click
    assert page.locator("#lesson-stft .numbers").inner_text() == of_click


def test_knob_redraws_its_own_picture_only(open_page, song):
    page = open_page()
    upload(page, song)
    wait_for_pictures(page)
    before = page.locator(".numbers").all_text_contents()
    stft = lesson(page, "Spectrogram (STFT)")
    choose(page, stft, "Compare with frame length", "512")
    stft.locator("canvas[role=img]").nth(1).wait_for()
    stft.get_by_text("512 samples: 23.2 ms, 43.1 Hz").wait_for()
    # Lessons that came near meanwhile were drawn for the first time.
    assert set(before) <= set(page.locator(".numbers").all_text_contents())
    assert stft.locator("canvas[role=img]").count() == 2


def choose(page, place, label, option):
    place.get_by_label(label).click()
    page.get_by_role("option", name=option, exact=True).click()


@pytest.mark.slow
def test_every_new_lesson_answers_with_the_trumpet_phrase(open_page):
    page = open_page()
    page.get_by_role("button", name="Trumpet phrase", exact=True).click()
    wait_for_pictures(page)

    rate = lesson(page, "Sampling rate")
    rate.get_by_label("Filter out").uncheck()
    choose(page, rate, "Sampling rate", "2,000 Hz")
    says(rate, re.compile(r"1,24[0-9] Hz \(too high: heard as 75[0-9] Hz"))
    rate.locator(".sound").get_by_role("button", name="Play").wait_for()

    bits = lesson(page, "Bit depth")
    choose(page, bits, "Bit depth", "3 bit")
    says(bits, "3 bits give 8 values")
    bits.get_by_label("Add dither").check()
    bits.locator(".sound").get_by_role("button", name="Play").wait_for()

    spectrum = lesson(page, "Spectrum (DFT)")
    says(spectrum, "Spectrum of")
    first = spectrum.locator("tr").nth(1).locator("td").all_inner_texts()
    note, cents, harmonic = first[3:]
    assert (note, harmonic) == ("D♯5/E♭5", "1 ×")
    assert abs(int(cents.replace("−", "-"))) <= 2  # a player's pitch, not a machine's
    choose(page, spectrum, "0 dB is", "full scale (dBFS)")
    spectrum.locator("td").filter(has_text="dBFS").first.wait_for()

    back = lesson(page, "Back to sound")
    back.get_by_label("8", exact=True).check()
    back.get_by_label("mel spectrogram").check()
    choose(page, back, "A new frame starts every", "1 frame")
    back.get_by_role("button", name="Rebuild").click()
    says(back, "after 8 iterations")
    assert "mel bands" in back.locator(".numbers").inner_text()
    assert "COLA fails" in back.locator(".numbers").inner_text()
    back.locator(".sound").get_by_role("button", name="Play").nth(2).wait_for()
    page.locator(".bar-sounds").click()
    page.locator(".chips").get_by_role("button", name="Octave", exact=True).click()
    back.locator("canvas").first.wait_for(state="detached")  # of another sound
    back.get_by_role("button", name="Play").first.wait_for(state="detached")

    hearing = lesson(page, "The model's input")
    says(hearing, "48,000 values at 16,000 Hz")

    masking = lesson(page, "How HuBERT learned")
    masking.get_by_label("4", exact=True).check()
    says(masking, re.compile("^The 149 frames of this sound fall into 4 clusters"))
    masking.locator(".sound").get_by_role("button", name="Play").wait_for()

    mel = lesson(page, "Mel spectrogram")
    mel.get_by_label("HTK").check()
    says(mel, re.compile("HTK's mel.*128 triangles.* narrowest is 13.9 Hz"))
    mel.get_by_label("Compare with a linear STFT").check()
    mel.locator("canvas[role=img]").nth(3).wait_for()

    two = lesson(page, "Two sounds")
    choose(page, two, "The other sound", "the sound before this one")
    says(two, "Trumpet phrase: ")
    two.get_by_label("Spectrum").check()
    says(two, re.compile("Octave: Spectrum of.*Trumpet phrase: Spectrum of"))


def test_part_of_the_sound_is_seen_heard_and_its_spectrum_taken(open_page):
    page = open_page()
    page.get_by_role("button", name="Trumpet phrase", exact=True).click()
    wait_for_pictures(page)
    wave, stft = lesson(page, "Waveform"), lesson(page, "Spectrogram (STFT)")
    plot = wave.locator("canvas[role=img]").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    position = lesson(page, "Spectrum (DFT)").locator("input[type=number]").first
    before = position.input_value()
    page.mouse.click(x + 100, y)
    page.wait_for_function(
        "([input, before]) => input.value !== before",
        arg=[position.element_handle(), before],
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=4)
    page.mouse.up()
    with page.expect_response(re.compile("file=.*sound.wav")):
        wave.get_by_role("button", name="Play").click()
    wave.get_by_role("button", name="Zoom in").click()
    says(wave, "Shown: ")
    says(stft, "Shown: ")
    wave.get_by_role("button", name="Whole sound").click()
    stft.scroll_into_view_if_needed()
    stft.locator(".numbers").filter(has_text="Shown: ").wait_for(state="detached")


def test_rebuilding_without_a_sound_asks_for_one(open_page):
    page = open_page("?view=back")
    page.get_by_role("button", name="Rebuild").click()
    page.get_by_test_id("toast-body").wait_for()


def test_newcomer_starts_with_one_click_and_nothing_jumps(open_page):
    page = open_page()
    page.get_by_role("button", name="See what it's made of").click()
    wait_for_pictures(page)
    assert "Trumpet phrase" in page.locator(".block.clip-facts").inner_text()
    assert page.evaluate("window.shifted") < 0.1


def test_file_without_sound_gets_a_sentence_and_nothing_is_lost(open_page, tmp_path):
    page = open_page()
    page.get_by_role("button", name="Octave").click()
    wait_for_pictures(page)
    bad = tmp_path / "notes.mp3"
    bad.write_text("do re mi")
    upload(page, bad)
    toast = page.get_by_test_id("toast-body")
    toast.wait_for()
    assert "notes.mp3" in toast.inner_text()
    assert toast.count() == 1
    assert page.locator(DRAWN).count()
    assert "Octave" in page.locator(".block.clip-facts").inner_text()
    page.wait_for_function("Genrescope.sound.player()?.src")  # it still plays
    page.problems = [text for text in page.problems if "Waveform" not in text]


def test_classify_without_a_sound_asks_for_one(open_page):
    page = open_page(locale="zh-CN")
    page.get_by_role("tab", name="流派识别").click()
    page.get_by_role("button", name="识别流派").click()
    toast = page.get_by_test_id("toast-body")
    toast.wait_for()
    assert "还没有声音" in toast.inner_text()


def test_phone_shows_the_picture_first_and_never_scrolls_sideways(open_page, song):
    page = open_page(width=390, height=844)
    upload(page, song)
    wait_for_pictures(page)
    tops = [
        page.locator(selector).first.bounding_box()["y"]
        for selector in (".lesson-title", DRAWN, ".lesson .md p")
    ]
    assert tops == sorted(tops)
    drawn = page.locator(DRAWN).first
    assert drawn.bounding_box()["width"] == pytest.approx(358, abs=2)
    for tab in page.get_by_role("tab").all():
        tab.click()
        assert not scrolls_sideways(page)


def test_dark_page_has_light_ink_on_dark_paper(open_page, song):
    page = open_page(dark=True)
    upload(page, song)
    wait_for_pictures(page)
    lightness = """(one) => getComputedStyle(one)
      .getPropertyValue("{}").match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"""
    paper = page.locator("body").evaluate(lightness.replace("{}", "background-color"))
    ink = page.locator(DRAWN).first.evaluate(lightness.replace("{}", "color"))
    assert paper < 3 * 40
    assert ink > 3 * 160


def test_keyboard_reaches_the_controls_with_a_visible_ring(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    style = page.evaluate(
        "[document.activeElement.textContent,"
        " getComputedStyle(document.activeElement).outlineStyle]"
    )
    assert style == ["English", "solid"]


@pytest.mark.parametrize("width", [1280, 390])
def test_focus_in_the_bar_scrolls_no_page_and_one_below_is_not_covered(
    open_page, width
):
    page = open_page("?view=decibels&sound=click", width=width)
    page.locator(".clip-bar.has-sound .bar-play:enabled").wait_for()
    page.locator("#lesson-decibels canvas").first.wait_for()
    page.locator("#lesson-decibels").click(
        position={"x": 2, "y": 2}
    )  # nothing moves it
    page.mouse.wheel(0, 40)
    page.wait_for_function(STILL)
    at = page.evaluate("scrollY")
    assert at > 300
    page.locator(".bar-play").focus()
    reached = set()
    while page.evaluate("Boolean(document.activeElement.closest('.clip-bar'))"):
        reached.add(page.evaluate("document.activeElement.outerHTML"))
        assert page.evaluate("scrollY") == at
        page.keyboard.press("Tab")
    assert len(reached) >= 4
    # Back from the end of the lesson: each control is scrolled to from above.
    page.locator("#lesson-decibels .lesson-steps a").last.focus()
    for _ in range(8):
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(COVERED) == ""


def test_server_wrote_no_traceback(server):
    assert "Traceback" not in server.log.read_text()
