"""The tab Live: what the microphone records, drawn and named in the browser."""

import numpy as np
import pytest

from support import browser
from support.signals import tone

pytestmark = pytest.mark.browser

RATE = 48000
NOTES = {"C4": 261.63, "E4": 329.63, "A4": 440.0, "B4": 493.88, "A5": 880.0}
NOTE_S = 1.0


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser whose microphone plays a scale, then half a second of silence."""
    notes = [sawtooth(hz) for hz in NOTES.values()]
    played = np.concatenate([*notes, np.zeros(RATE // 2, np.float32)])
    with browser.recording(played, RATE, tmp_path_factory.mktemp("mic")) as chromium:
        yield chromium


def sawtooth(hz):
    wave = sum(tone(hz * k, NOTE_S, RATE).samples / k for k in range(1, 6))
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


@pytest.fixture
def page(open_page):
    page = open_page("?view=live")
    page.locator(".live-start").click()
    page.wait_for_function("Genrescope.live.columns.length > 30")
    return page


def said(page, text):
    page.locator(".live-said").filter(has_text=text).wait_for()


def test_played_scale_is_named_note_by_note(page):
    page.evaluate("""() => {
      window.named = new Set();
      const note = document.querySelector(".live-note");
      new MutationObserver(() => {
        const pitch = document.querySelector(".live-pitch").textContent;
        window.named.add(`${note.textContent} ${pitch.split(" · ")[1] ?? ""}`);
      }).observe(note, { childList: true, subtree: true, characterData: true });
    }""")
    for name in NOTES:
        page.wait_for_function(
            "name => [...window.named].some(said => said.startsWith(name + ' '))",
            arg=name,
        )


AXIS = """() => {
  const { canvas, plot, ratio } = Genrescope.live;
  const { data } = canvas.getContext("2d").getImageData(0, 0, plot.left * ratio - 4, canvas.height);
  const inked = [...data.keys()].filter((i) => i % 4 === 3 && data[i] > 200);
  return inked.reduce((sum, i) => sum + data[i - 1], 0) / inked.length;
}"""


@pytest.mark.slow
def test_axis_follows_light_and_dark_while_it_is_paused(page):
    page.locator(".live-start").click()
    page.wait_for_function("!Genrescope.live.isOn")
    light = page.evaluate(AXIS)
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"({AXIS})() > 128")
    assert light < 128


@pytest.mark.slow
def test_partials_stand_at_their_frequencies(page):
    page.wait_for_function("document.querySelector('.live-note').textContent === 'A4'")
    peak_hz = page.evaluate("""() => {
      const { columns, microphone } = Genrescope.live;
      const levels = columns.at(-4).levels;
      return (levels.indexOf(Math.max(...levels)) * microphone.rate) / 4096;
    }""")
    assert min(abs(peak_hz - hz) for hz in NOTES.values()) < 12  # one bin


@pytest.mark.slow
def test_pausing_gives_the_microphone_back_and_scrolls(page):
    page.wait_for_function("Genrescope.live.now_s > 11")
    page.locator(".live canvas").press(" ")
    said(page, "Paused")
    assert page.evaluate("Genrescope.live.microphone.stream") is None
    before = page.evaluate("Genrescope.live.canvas.toDataURL()")
    page.locator(".live canvas").press("ArrowLeft")
    assert page.evaluate("Genrescope.live.back_s") > 0
    assert page.evaluate("Genrescope.live.canvas.toDataURL()") != before
    n_columns = page.evaluate("Genrescope.live.columns.length")
    page.locator(".live-start").click()
    said(page, "Running")
    page.wait_for_function("Genrescope.live.columns.length > 5")
    assert page.evaluate("Genrescope.live.columns.length") < n_columns


def test_what_is_kept_becomes_the_sound_of_the_page(page):
    page.wait_for_function("Genrescope.live.now_s > 3")
    page.get_by_role("button", name="Keep the last 30 s").click()
    said(page, "Kept")
    facts = page.locator(".block.clip-facts").filter(has_text="recording.wav")
    facts.wait_for()
    assert "WAV 16 bit" in facts.inner_text()
    assert "mono" in facts.inner_text()


@pytest.mark.slow
def test_leaving_the_tab_stops_the_microphone(page):
    page.get_by_role("tab", name="See").click()
    page.wait_for_function("!Genrescope.live.isOn")
    assert page.evaluate("Genrescope.live.microphone.stream") is None


@pytest.mark.slow
def test_scales_and_colours_redraw_what_was(page):
    page.locator(".live-start").click()
    said(page, "Paused")
    seen = set()
    for menu, value in ((0, "mel"), (0, "linear"), (0, "note"), (1, "viridis")):
        page.locator(".live select").nth(menu).select_option(value)
        seen.add(page.evaluate("Genrescope.live.canvas.toDataURL()"))
    assert len(seen) == 4


@pytest.mark.slow
def test_refused_microphone_gets_a_sentence(open_page):
    page = open_page("?view=live")
    page.evaluate(browser.REFUSING % "NotAllowedError")
    page.locator(".live-start").click()
    said(page, "not allowed to use the microphone")
    assert page.locator(".live-start").is_enabled()


@pytest.mark.slow
def test_phone_holds_it_without_scrolling_sideways(open_page):
    page = open_page("?view=live", width=390, height=844, locale="zh-TW")
    page.locator(".live-start").click()
    said(page, "進行中")
    assert not page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )


@pytest.mark.slow
def test_genre_is_named_for_who_wants_that_and_for_nobody_else(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.locator(".live-answer .genres li")
    page.wait_for_function("Genrescope.live.now_s > 3")
    assert not [url for url in asked if "queue/join" in url]
    page.get_by_label("Also classify the genre").check()
    answer.first.wait_for()
    assert page.locator(".live-answer .verdict").inner_text()
    page.get_by_label("Also classify the genre").uncheck()
    answer.first.wait_for(state="detached")


@pytest.mark.slow
def test_sound_that_is_no_longer_wanted_named_is_not_sent(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_function("Genrescope.live.now_s > 2")
    page.evaluate("""() => {
      const render = OfflineAudioContext.prototype.startRendering;
      OfflineAudioContext.prototype.startRendering = async function () {
        await new Promise((goOn) => { window.goOn = goOn; });
        const sound = await render.call(this);
        setTimeout(() => { window.isOver = true; });
        return sound;
      };
    }""")
    page.get_by_label("Also classify the genre").check()
    page.wait_for_function("Boolean(window.goOn)")
    page.get_by_label("Also classify the genre").uncheck()
    page.evaluate("window.goOn()")
    page.wait_for_function("window.isOver")
    page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
    assert not [url for url in asked if "queue/join" in url]


@pytest.mark.slow
def test_pitch_of_known_tones_is_right_to_a_cent(page):
    for hz in (82.41, 110.0, 440.0, 1318.5):
        found = page.evaluate(
            """hz => {
              const wave = Float32Array.from({ length: 4096 }, (_, i) =>
                [1, 2, 3].reduce((sum, k) => sum + Math.sin(2 * Math.PI * hz * k * i / 48000) / k, 0));
              return Genrescope.live.pitchOf(wave, 48000).hz;
            }""",
            hz,
        )
        assert abs(1200 * np.log2(found / hz)) < 2
    silence = "Genrescope.live.pitchOf(new Float32Array(2048), 48000).clarity"
    assert page.evaluate(silence) == 0
