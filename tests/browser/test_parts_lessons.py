"""Lessons with several sounds of one: harmonic and percussive, and codecs."""

import pytest

from support.page import says, scrolls_sideways

pytestmark = pytest.mark.browser

SWITCH = ".sound-switch button:not(.sheet-hear)"
PLAYING = """() => [...document.querySelectorAll(".lesson .heard .sound")]
  .map((block) => Genrescope.sound.audioIn(block)).find((audio) => audio && !audio.paused)"""


def test_parts_and_codings_are_drawn_measured_and_switched(open_page):
    page = open_page("?view=separation&sound=chord")
    parts = page.locator("#lesson-separation")
    says(parts, "the percussive part at −4")  # 47.8 dB: two held tones
    parts.get_by_label("3 ×").check()
    says(parts, "With a margin of 3, the residual is at −4")
    parts.locator(SWITCH).nth(3).filter(has_text="Residual").wait_for()
    assert parts.locator("canvas[role=img]").count() == 4
    codec = page.locator("#lesson-codec")
    says(codec, "MP3, 64 kbit/s: ")
    codec.locator(SWITCH).nth(2).wait_for()
    codec.get_by_role("link", name="FLAC").click()
    says(codec, "There is no difference, not in a single sample")
    codec.locator(SWITCH).filter(has_text="B FLAC (lossless)").wait_for()


@pytest.mark.slow
def test_switch_keeps_the_moment_in_the_other_part(open_page):
    page = open_page("?view=separation&sound=disco_song")
    parts = page.locator("#lesson-separation")
    parts.scroll_into_view_if_needed()
    parts.locator(SWITCH).nth(2).wait_for()
    parts.locator(".sheet-hear:visible").click()
    page.wait_for_function(f"({PLAYING})()?.currentTime > 0.5")
    before = page.evaluate(f"({PLAYING})()")
    parts.locator(SWITCH).nth(2).click()
    page.wait_for_function(f"({PLAYING})()?.currentTime > 0.5")
    parts.locator(SWITCH).nth(2).and_(page.locator("[aria-pressed=true]")).wait_for()
    assert before is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["separation", "codec"])
@pytest.mark.parametrize("locale", ["en-US", "zh-TW", "zh-CN"])
def test_phone_holds_them_in_every_language(open_page, name, locale):
    address = f"?view={name}&sound=disco_song&codec.other=opus&separation.margin=2"
    page = open_page(address, width=390, height=844, locale=locale, dark=True)
    lesson = page.locator(f"#lesson-{name}")
    lesson.scroll_into_view_if_needed()
    lesson.locator("canvas[role=img]").nth(3).wait_for()
    lesson.locator(SWITCH).nth(3).wait_for()
    assert not scrolls_sideways(page)


@pytest.mark.slow
def test_links_of_the_codec_lesson_set_both_codings(open_page):
    page = open_page("?view=codec&sound=disco_song")
    codec = page.locator("#lesson-codec")
    says(codec, "MP3, 64 kbit/s: ")
    codec.get_by_role("link", name="64 of Opus").click()
    says(codec, "Opus, 64 kbit/s: ")
    codec.locator(SWITCH).nth(4).wait_for()
    codec.get_by_role("link", name="20 dB louder").click()
    codec.locator(SWITCH).filter(has_text="dB").nth(1).wait_for()
    with page.expect_download() as download:
        codec.locator("select.sheet-save").select_option("py")
    assert download.value.suggested_filename == "disco_song-codec.py"
