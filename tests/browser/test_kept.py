"""The chosen sound stays: at the top of the screen, over a reload, in another language."""

import json
import shutil
import threading

import pytest

from support import browser, tiny
from support.files import write_audio
from support.page import DRAWN, choose, upload, wait_for_pictures
from support.signals import chord, tone

pytestmark = pytest.mark.browser

TOLD = ".block.answer .verdict:not(.so_far)"
NAME = ".clip-facts strong"
TAB = "[role=tab][aria-selected=true]"
BAR_PX = 56  # at most, on a phone
# What somebody sees at each frame: the sound's name, and whether the answer before it is
# still there.
WATCH = """(told) => {
  document.querySelector(told).isOld = true;
  window.frames = [];
  const look = () => {
    const one = document.querySelector(told);
    const isSeen = Boolean(one?.isOld && one.checkVisibility({ visibilityProperty: true }));
    window.frames.push([document.querySelector(".clip-facts strong").textContent, isSeen]);
    requestAnimationFrame(look);
  };
  look();
}"""
COVERED = """() => {
  const one = document.activeElement.getBoundingClientRect();
  const bar = document.querySelector("#player");
  const isInside = bar.contains(document.activeElement);
  return !isInside && one.height > 0 && one.top < bar.getBoundingClientRect().bottom - 1;
}"""
SCROLLED_AWAY = """() => {
  scrollTo(0, 600);
  return document.querySelector("#player").getBoundingClientRect().bottom < 0;
}"""
FORBIDDEN = """Object.defineProperty(window, "sessionStorage", {
  get() { throw new DOMException("denied", "SecurityError"); },
});"""


# Frames in which the answer of one model is seen below the name of another.
MIX = """(told) => {
  const old = document.querySelector(told);
  window.mixed = 0;
  const look = () => {
    const chosen = [...document.querySelectorAll("[aria-label=Model]")].at(-1).value;
    const isSeen = old.checkVisibility({ visibilityProperty: true });
    if (isSeen && chosen.startsWith("head")) window.mixed += 1;
    requestAnimationFrame(look);
  };
  look();
}"""


@pytest.fixture
def song(tmp_path):
    return write_audio(tmp_path / "my song.mp3", chord(duration_s=4.0))


def named(page, name):
    page.locator(NAME).filter(has_text=name).wait_for()


def classify(page):
    page.locator("[data-tab-id=classify]:visible").click()
    page.locator("#ask").click()
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)


@pytest.fixture
def run(server):
    """A finished run of this host."""
    folder = server.home / "runs" / "20260101-000000-aaaa"
    tiny.save_tiny_model(folder / "model", genrescope=tiny.FACTS | {"preset": "head"})
    (folder / "result.json").write_text('{"state": "finished"}')
    (folder / "config.json").write_text('{"data": "folder:/songs/ours"}')
    yield
    shutil.rmtree(folder)


def pick(page, label, option):
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option).click()


def picked(page, label, text):
    page.wait_for_function(
        "([label, text]) => document.querySelector(`[aria-label='${label}']`)"
        "?.value.includes(text)",
        arg=[label, text],
    )


def asks(page):
    """Count the songs whose answers this visit has brought."""
    return page.locator(".song-history li:has(summary)").count()


@pytest.mark.slow
def test_bar_is_one_line_on_a_phone_and_covers_nothing_that_has_focus(open_page):
    page = open_page(width=390, height=844)
    page.get_by_role("button", name="Composed classical").click()
    wait_for_pictures(page)
    page.evaluate("scrollTo(0, 3000)")
    page.wait_for_function("scrollY > 2000")
    box = page.locator("#player").bounding_box()
    assert box["y"] == pytest.approx(0, abs=1)
    assert box["height"] <= BAR_PX
    names = page.locator("#player .bar-line button").all_inner_texts()
    assert [each.strip() for each in names] == ["", "Sounds", "Record", "Upload"]
    page.locator("#lesson-stft select, #lesson-stft input").first.focus()
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        assert not page.evaluate(COVERED)
    page.get_by_role("tab", name="Train").click()
    page.wait_for_function(SCROLLED_AWAY)


@pytest.mark.slow
def test_upload_opens_the_dialog_at_once_and_the_sound_stays_meanwhile(open_page, song):
    page = open_page()
    page.get_by_role("button", name="Octave").click()
    wait_for_pictures(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload").click()
    named(page, "Octave")
    page.locator(".bar-play").click()
    page.wait_for_function("Genrescope.sound.state.isPlaying")
    chooser.value.set_files(song)
    named(page, "my song.mp3")
    page.locator(".bar-time").filter(has_text="/ 0:04").wait_for()


def test_old_answer_is_gone_before_the_server_knows_of_the_new_sound(open_page, song):
    page = open_page()
    upload(page, song)
    named(page, "my song.mp3")
    classify(page)
    page.evaluate(WATCH, TOLD)
    held, is_open = [], threading.Event()

    def hold(route):
        if is_open.is_set():
            route.continue_()
        else:
            held.append(route)

    page.route("**/queue/join*", hold)
    other = write_audio(song.with_name("other.wav"), tone(duration_s=3.0))
    with page.expect_request("**/queue/join*"):
        upload(page, other)
    page.wait_for_function("!window.frames.at(-1)[1]")  # no answer of the server's yet
    assert page.locator(NAME).inner_text() == "my song.mp3"
    is_open.set()
    for route in held:
        route.continue_()
    named(page, "other.wav")
    page.locator(TOLD).wait_for()  # classified at once
    frames = page.evaluate("window.frames")
    assert ["other.wav", True] not in frames


@pytest.mark.slow
def test_sound_that_cannot_be_read_leaves_the_answer_as_it_was(open_page, song):
    page = open_page()
    upload(page, song)
    named(page, "my song.mp3")
    classify(page)
    told = page.locator(".block.answer").inner_text()
    bad = song.with_name("notes.mp3")
    bad.write_text("do re mi")
    upload(page, bad)
    page.get_by_test_id("toast-body").wait_for()
    page.locator(TOLD).wait_for()
    assert page.locator(".block.answer").inner_text() == told
    assert page.locator(NAME).inner_text() == "my song.mp3"
    page.problems = [text for text in page.problems if "Waveform" not in text]


@pytest.mark.slow
def test_sound_that_arrives_on_the_tab_is_classified_once(open_page, song):
    page = open_page("?view=classify")
    page.locator("#ask").wait_for()
    page.get_by_role("button", name="History").click()
    upload(page, song)
    named(page, "my song.mp3")
    page.locator("#ask").click()  # while the same is asked
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)
    page.locator(".song-history li").first.wait_for()
    assert asks(page) == 1
    choose(page, "Octave")
    page.locator(".song-history li:has(summary)").nth(1).wait_for()
    page.locator(TOLD).wait_for()
    assert asks(page) == 2
    page.locator("#ask").click()  # once more
    page.locator(".song-history li:has(summary)").nth(2).wait_for()


def test_song_tab_answer_and_settings_survive_a_reload_and_a_language(open_page, song):
    page = open_page()
    browser.forgive_leaving(page)
    upload(page, song)
    named(page, "my song.mp3")
    wait_for_pictures(page)
    page.locator("#lesson-waveform input[type=checkbox]").first.check()
    page.wait_for_function("location.search.includes('waveform.')")
    classify(page)
    page.reload()
    page.locator(TAB, has_text="Classify").wait_for()
    named(page, "my song.mp3")
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)
    page.get_by_role("link", name="繁體中文").click()
    page.locator("nav a[aria-current]", has_text="繁體中文").wait_for()
    named(page, "my song.mp3")
    page.locator(TAB).filter(has_text="曲風").wait_for()
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)
    page.get_by_role("tab").first.click()
    page.locator(DRAWN).first.wait_for()
    assert page.locator("#lesson-waveform input[type=checkbox]").first.is_checked()


@pytest.mark.slow
def test_models_and_effort_are_kept_and_no_answer_is_below_another_choice(
    open_page, song, run
):
    page = open_page("?view=classify")
    browser.forgive_leaving(page)
    upload(page, song)
    named(page, "my song.mp3")
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)
    page.evaluate(MIX, TOLD)
    pick(page, "Model", "head · ours")
    by_run = page.locator(".answer .model").filter(has_text="head · ours")
    by_run.wait_for()
    assert page.evaluate("window.mixed") <= 30  # frames, until the page knows
    pick(page, "Compare with", "Bundled model")
    page.locator(".answers section").nth(1).locator(".verdict").wait_for()
    page.get_by_label("6 excerpts (quick)").first.check()
    for leave in (
        page.reload,
        lambda: page.get_by_role("link", name="简体中文").click(),
        page.reload,
    ):
        page.locator(TOLD).nth(1).wait_for()
        leave()
        named(page, "my song.mp3")
        page.locator(TOLD).nth(1).wait_for(timeout=1000 * browser.PATIENCE_S)
        by_run.wait_for()
        assert page.locator(".answers section").count() == 2
        assert page.locator("input[value=quick]").first.is_checked()


@pytest.mark.slow
def test_training_form_is_as_it_was_last_filled_in(open_page):
    page = open_page("?view=train")
    browser.forgive_leaving(page)
    pick(page, "Recipe", "head")
    pick(page, "Songs", "Songs composed here")
    form = page.locator(".run-form")
    form.get_by_label("Songs to compose per genre").fill("7")
    page.get_by_role("button", name="All settings").click()
    page.get_by_label("Learning rate", exact=True).fill("0.003")
    page.get_by_label("Learning rate", exact=True).blur()
    for _ in range(2):
        page.wait_for_function(
            "sessionStorage['genrescope.form.train']?.includes('0.003')"
        )
        page.reload()
        picked(page, "Recipe", "head")
        n_songs = form.get_by_label("Songs to compose per genre")
        n_songs.wait_for()
        assert n_songs.input_value() == "7"
        page.get_by_role("button", name="All settings").click()
        rate = page.get_by_label("Learning rate", exact=True)
        assert rate.input_value() == "0.003"
    other = open_page("?view=train")
    picked(other, "Recipe", "smoke")


@pytest.mark.slow
def test_another_visitor_gets_nothing_and_a_deleted_song_a_sentence(
    open_page, server, song
):
    page = open_page()
    browser.forgive_leaving(page)
    upload(page, song)
    named(page, "my song.mp3")
    kept = json.loads(page.evaluate("sessionStorage['genrescope.sound']"))
    assert "my song" not in page.url
    other = open_page(page.url.removeprefix(server.url))
    assert other.evaluate("sessionStorage.length") == 0
    assert other.locator(NAME).count() == 0
    folder = server.home / "gradio"
    for file in list(folder.rglob("my song.mp3")):
        shutil.rmtree(file.parent)
    assert kept["path"].startswith(str(folder))
    page.reload()
    toast = page.get_by_test_id("toast-body")
    toast.filter(has_text="“my song.mp3” is no longer on the server").wait_for()
    page.wait_for_function("!sessionStorage['genrescope.sound']")
    assert page.locator(NAME).count() == 0


@pytest.mark.slow
def test_built_in_sound_is_kept_in_the_address_where_storage_is_forbidden(
    open_page, song
):
    page = open_page()
    browser.forgive_leaving(page)
    page.context.add_init_script(FORBIDDEN)
    page.reload()
    page.wait_for_function(browser.READY)
    page.get_by_role("button", name="Octave").click()
    named(page, "Octave")
    page.wait_for_function("location.search.includes('sound=chord')")
    upload(page, song)
    named(page, "my song.mp3")
    page.wait_for_function("!location.search.includes('sound=')")
    page.reload()
    page.wait_for_function(browser.READY)
    assert page.locator(NAME).count() == 0


@pytest.mark.slow
def test_recording_that_is_given_up_gives_the_sound_back(open_page):
    page = open_page()
    browser.forgive_leaving(page)
    page.add_init_script(f"({browser.HUMMING})()")
    page.reload()
    page.wait_for_function(browser.READY)
    page.get_by_role("button", name="Octave").click()
    wait_for_pictures(page)
    page.get_by_role("button", name="Record").click()
    page.locator("#player .stop-button:visible").wait_for()
    named(page, "Octave")
    page.keyboard.press("Escape")
    page.wait_for_function("Genrescope.sound.player()?.src")
    page.locator(".bar-play").click()
    page.wait_for_function("Genrescope.sound.state.isPlaying")
