"""The page as people meet it, in headless Chromium."""

import browser
import pytest
from files import write_audio
from signals import chord

server, chromium, open_page = browser.server, browser.chromium, browser.open_page
pytestmark = pytest.mark.browser

TABS = {
    "en-US": ("en", ["See", "Train", "Classify", "About"]),
    "zh-HK": ("zh-TW", ["看聲音", "訓練", "曲風辨識", "關於"]),
    "zh-Hans-CN": ("zh-CN", ["看声音", "训练", "流派识别", "关于"]),
}
DRAWN = ".lesson-picture svg"


@pytest.fixture
def song(tmp_path):
    return write_audio(tmp_path / "two notes.mp3", chord(duration_s=3.0))


def upload(page, path):
    page.locator("#player input[type=file]").set_input_files(path)


def wait_for_pictures(page, n_pictures=browser.N_DRAWN):
    page.wait_for_function(
        f"document.querySelectorAll('{DRAWN}').length === {n_pictures}"
    )


def scrolls_sideways(page):
    return page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )


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
    left = ("AbortError", "Connection errored out")  # a page that was still loading
    page.problems = [text for text in page.problems if not any(w in text for w in left)]


def test_upload_draws_its_pictures_and_says_what_it_is(open_page, song):
    page = open_page()
    upload(page, song)
    wait_for_pictures(page)
    facts = page.locator(".block.clip-facts").inner_text()
    assert "two notes.mp3" in facts
    assert "MP3 · 22.05 kHz · mono · 3.0 s" in facts
    numbers = page.locator(".numbers").all_inner_texts()
    assert len(numbers) == browser.N_DRAWN
    assert any(text in numbers[3] for text in ("440.", "880.", "439.9", "879.9"))


def test_knob_redraws_its_own_picture_only(open_page, song):
    page = open_page()
    upload(page, song)
    wait_for_pictures(page)
    before = page.locator(DRAWN).evaluate_all("all => all.map(one => one.outerHTML)")
    page.get_by_label("Frame length").click()
    page.get_by_role("option", name="512", exact=True).click()
    page.wait_for_function("document.body.innerText.includes('frames of 512 samples')")
    after = page.locator(DRAWN).evaluate_all("all => all.map(one => one.outerHTML)")
    changed = [old != new for old, new in zip(before, after, strict=True)]
    assert [i for i, is_new in enumerate(changed) if is_new] == [4]


def lesson(page, title):
    return page.locator(".lesson").filter(has=page.get_by_role("heading", name=title))


def choose(page, place, label, option):
    place.get_by_label(label).click()
    page.get_by_role("option", name=option, exact=True).click()


def says(place, text):
    place.locator(".numbers").filter(has_text=text).wait_for()


def test_every_new_lesson_answers_with_the_brass_tone(open_page):
    page = open_page()
    page.get_by_role("button", name="Start with the brass tone").click()
    wait_for_pictures(page)

    rate = lesson(page, "Sampling rate")
    rate.get_by_label("Filter out").uncheck()
    choose(page, rate, "Sampling rate", "2,000 Hz")
    says(rate, "1,244 Hz, does not fit and is heard as 756 Hz")
    rate.get_by_role("button", name="Play").wait_for()

    bits = lesson(page, "Bit depth")
    choose(page, bits, "Bit depth", "3 bit")
    says(bits, "3 bits hold 8 values")
    bits.get_by_label("Add dither").check()
    bits.get_by_role("button", name="Play").wait_for()

    spectrum = lesson(page, "Spectrum (DFT)")
    assert spectrum.locator("tr").nth(1).locator("td").all_inner_texts()[3:] == [
        "D♯5/E♭5",
        "0",
        "1 ×",
    ]
    choose(page, spectrum, "0 dB is", "full scale (dBFS)")
    spectrum.locator("td").filter(has_text="dBFS").first.wait_for()

    back = lesson(page, "Back to sound")
    back.get_by_label("8", exact=True).check()
    back.get_by_label("mel spectrogram").check()
    back.get_by_role("button", name="Rebuild").click()
    says(back, "after 8 iterations")
    assert "mel bands" in back.locator(".numbers").inner_text()
    back.get_by_role("button", name="Play").nth(2).wait_for()
    page.get_by_role("button", name="Octave").click()
    back.locator("svg[role=img]").wait_for(state="detached")  # of another sound

    hearing = lesson(page, "What the model hears")
    says(hearing, "48,000 values at 16,000 Hz and 149 frames")


def test_rebuilding_without_a_sound_asks_for_one(open_page):
    page = open_page()
    page.get_by_role("button", name="Rebuild").click()
    page.get_by_test_id("toast-body").wait_for()


def test_newcomer_starts_with_one_click_and_nothing_jumps(open_page):
    page = open_page()
    page.get_by_role("button", name="Start with the brass tone").click()
    wait_for_pictures(page)
    assert "Brass tone" in page.locator(".block.clip-facts").inner_text()
    assert page.evaluate("window.shifted") < 0.1


def test_file_without_sound_gets_a_sentence_and_nothing_is_lost(open_page, tmp_path):
    page = open_page()
    page.get_by_role("button", name="Octave").click()
    wait_for_pictures(page)
    bad = tmp_path / "notes.mp3"
    bad.write_text("do re mi")
    page.get_by_role("button", name="Clear").click()
    upload(page, bad)
    toast = page.get_by_test_id("toast-body")
    toast.wait_for()
    assert "notes.mp3" in toast.inner_text()
    assert toast.count() == 1
    assert page.locator(DRAWN).count() == browser.N_DRAWN
    assert "Octave" in page.locator(".block.clip-facts").inner_text()
    page.locator("#player .upload-container").wait_for()  # ready for another file
    page.problems = [text for text in page.problems if "Waveform" not in text]


def test_classify_ranks_the_genres_and_says_what_that_rests_on(open_page, song):
    page = open_page()
    upload(page, song)
    wait_for_pictures(page)
    page.get_by_role("tab", name="Classify").click()
    page.get_by_role("button", name="Name the genre").click()
    page.locator(".answer .top").wait_for()
    top, probability = page.locator(".answer .top").inner_text().split()
    assert top.lower() in ("blues", "jazz", "rock")
    assert int(probability.rstrip("%")) >= 33
    assert page.locator(".answer svg").count() == 2
    basis = page.locator(".answer .numbers").inner_text()
    assert basis.startswith("two notes.mp3 · Bundled demo model · trained on: tests")
    assert "6 windows of 0.5 s" in basis
    page.get_by_role("button", name="Click", exact=True).click()
    page.locator(".answer .top").wait_for(state="detached")  # of another sound


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
    assert drawn.evaluate("svg => svg.viewBox.baseVal.width") == pytest.approx(358)
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


def test_server_wrote_no_traceback(server):
    assert "Traceback" not in server.log.read_text()
