"""The page is for everyone: screen readers, keyboards, phones, no network."""

import json
from pathlib import Path

import pytest

from audio.synth.exercises import EXERCISES
from support import browser
from support.page import lesson, scrolls_sideways, wait_for_pictures

axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
N_ASKED = len(EXERCISES)

pytestmark = pytest.mark.browser

AXE = (Path(axe.__file__).parent / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
CHECK = f"axe.run(document, {{ runOnly: {json.dumps(RULES)}, resultTypes: ['violations'] }})"
# Out of reach of a style sheet, most of it Gradio's: (rule, a part of the element), and why.
FORGIVEN = {
    ("aria-prohibited-attr", 'aria-label="Empty value"'): (
        "the icon that stands where a player has no sound yet has a name and no role"
    ),
}
FINGER_PX = 32
PATIENCE_MS = 120_000  # only where something is broken, or the machine is very busy
# Ours and Gradio's; a box is hit through its label, a menu's input through its frame.
TARGETS = """() => {
  const small = [];
  for (const one of document.querySelectorAll("a, button, select, input, summary")) {
    if (!one.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true })) continue;
    if (one.closest(".visually-hidden, .prose, .plan")) continue;
    const inside = ["checkbox", "radio"].includes(one.type) ? "label"
      : one.closest("[role=listbox], .wrap-inner, .secondary-wrap") ? ".wrap"
      : one.type === "number" ? ".tab-like-container" : null;
    const target = (inside && one.closest(inside)) || one;
    const { width, height } = target.getBoundingClientRect();
    if (width && height && Math.min(width, height) < FINGER - 0.5)
      small.push([one.outerHTML.slice(0, 120), width, height]);
  }
  return small;
}""".replace("FINGER", str(FINGER_PX))
PLACES = ("#header", "#player", ".tabs [role=tablist]", ".lesson")
WHERE = """(places) => {
  const here = document.activeElement;
  const style = getComputedStyle(here);
  window.steps = window.steps ?? new Map();
  if (!window.steps.has(here)) window.steps.set(here, window.steps.size);
  return {
    step: window.steps.get(here),
    place: places.findIndex((place) => here.closest(place)),
    isSeen: style.outlineStyle !== "none" || style.boxShadow !== "none",
    html: here.outerHTML.slice(0, 120),
  };
}"""
OPENED = """(tab) => tab.ariaSelected === "true"
  && [...document.querySelectorAll("[role=tabpanel]")].some(
    (panel) => panel.checkVisibility() && panel.querySelector(".block"))"""
FORBIDDEN = "() => { Storage.prototype.setItem = () => { throw new DOMException(); }; }"
LATER = ("source", "separation", "codec", "masking", "inside", "attention")
# Of a lesson, what begins left of the screen or ends right of it, unless it scrolls there.
BEYOND = """(lesson) => [...lesson.querySelectorAll("p, th, td, h2, span, button, select")]
  .filter((each) => each.checkVisibility() && !each.closest(".sheet-table, .scrolls"))
  .filter((each) => {
    const { left, right, width } = each.getBoundingClientRect();
    return width && (left < 0 || right > innerWidth + 1);
  }).map((each) => each.textContent.slice(0, 80))"""
MOVING = """document.getAnimations().filter(
  (each) => each.playState === "running" && each.effect.getTiming().duration > 1).length"""


def start(page):
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_role("button", name="Trumpet phrase", exact=True).click()
    wait_for_pictures(page)


def through_tabs(page):
    """Each tab once it is there, those that only the menu has room for as well."""
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_function(OPENED, arg=tab.element_handle())
        yield tab.inner_text()
    for name in ("Map", "Teach & about"):
        if page.get_by_role("tab", name=name).count() == 0:
            page.locator(".overflow-menu > button").click()
            page.locator(".overflow-dropdown button").filter(has_text=name).click()
            page.get_by_role("tab", name=name, selected=True).wait_for()
            yield name


def broken_rules(page):
    found = page.evaluate(CHECK)["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
        if not any(
            rule["id"] == known and part in node["html"] for known, part in FORGIVEN
        )
    ]


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
def test_every_tab_keeps_wcag_2_1_aa(open_page, dark, width):
    page = open_page(dark=dark, width=width)
    start(page)
    page.evaluate(AXE)
    for name in through_tabs(page):
        assert broken_rules(page) == [], name


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
def test_first_view_keeps_wcag_2_1_aa(open_page, dark, width):
    page = open_page(dark=dark, width=width)
    page.locator(".front-view").wait_for()
    page.evaluate(AXE)
    assert broken_rules(page) == []
    assert page.evaluate(TARGETS) == []


@pytest.mark.slow
def test_later_lessons_keep_wcag_2_1_aa_and_a_phone_s_edges(open_page):
    page = open_page(dark=True, width=390, height=844)
    start(page)
    page.evaluate(AXE)
    for name in LATER:
        place = page.locator(f"#lesson-{name}")
        place.evaluate("(one) => one.scrollIntoView()")
        place.locator("canvas[role=img], .sheet-table td").first.wait_for()
        page.wait_for_function("Genrescope.isDrawn()")
        assert place.evaluate(BEYOND) == [], name
    assert broken_rules(page) == []
    assert page.evaluate(TARGETS) == []


@pytest.mark.slow
@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
def test_map_and_reasons_keep_wcag_2_1_aa(open_page, dark, width):
    page = open_page("?view=classify&sound=blues_song", dark=dark, width=width)
    page.set_default_timeout(PATIENCE_MS)
    page.locator(".block.answer .verdict:not(.so_far)").wait_for()
    page.evaluate(AXE)
    page.get_by_role("button", name="What if the song were different?").click()
    page.get_by_role("button", name="Where does it listen?").click()
    page.get_by_role("button", name="Find out where").click()
    page.locator(".block.where-map .numbers").filter(has_text="Asked:").wait_for()
    assert broken_rules(page) == []
    browser.forgive_leaving(page)
    page.goto(page.url.split("?")[0] + "?view=map")
    page.wait_for_function(browser.READY)
    page.evaluate(AXE)
    page.get_by_role("button", name="Draw the map").click()
    page.wait_for_function("Genrescope.songMap.map?.names.length === 80")
    page.get_by_text("most neighbours carry the same label").wait_for()
    assert broken_rules(page) == []
    assert width > 390 or page.evaluate(TARGETS) == []
    assert not scrolls_sideways(page)


def test_finger_hits_everything_on_a_phone(open_page):
    page = open_page(width=390, height=844)
    start(page)
    for name in through_tabs(page):
        assert page.evaluate(TARGETS) == [], name
        assert not scrolls_sideways(page), name


def test_tab_key_goes_down_the_page_and_is_seen(open_page):
    page = open_page()
    start(page)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.locator("#header h1").click()  # where the walk begins
    walk = []
    while not walk or walk[-1]["place"] != len(PLACES) - 1:
        page.keyboard.press("Tab")
        walk.append(page.evaluate(WHERE, list(PLACES)))
        assert len(walk) < 60, walk
    assert [each["step"] for each in walk] == list(range(len(walk)))  # no trap
    assert all(each["isSeen"] for each in walk), walk
    places = [each["place"] for each in walk if each["place"] >= 0]
    assert set(places) == set(range(len(PLACES)))
    assert places == sorted(places)


def test_page_stands_still_for_those_who_ask(open_page):
    page = open_page()
    page.emulate_media(reduced_motion="reduce")
    start(page)
    for name in through_tabs(page):
        assert page.evaluate(MOVING) == 0, name


def test_first_click_plays_and_shows(open_page):
    page = open_page()
    page.get_by_role("button", name="See what it's made of").click()
    lesson(page, "Spectrogram (STFT)").locator("canvas[role=img]").wait_for()
    page.wait_for_function("Genrescope.sound.state.at_s > 2")  # and nothing stops it


def test_page_works_with_the_network_unplugged(open_page, server):
    page = open_page()
    page.context.route(lambda url: not url.startswith(server.url), lambda r: r.abort())
    start(page)
    assert len(list(through_tabs(page))) == 7
    asked = page.evaluate("performance.getEntriesByType('resource').map((e) => e.name)")
    assert len(asked) > 20
    local = ("http://127.0.0.1:", "blob:", "data:")
    assert [address for address in asked if not address.startswith(local)] == []


def test_teacher_s_link_opens_the_questions_and_checks_an_answer(open_page):
    page = open_page("?view=teach")
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_role("tab", name="Teach & about", selected=True).wait_for()
    dock = page.locator(".dock.all")
    dock.get_by_text(f"0 of {N_ASKED}").wait_for()
    assert not dock.get_by_role("button", name="Show the answer").is_visible()
    dock.get_by_label("Your answer").fill("1244 Hz")
    dock.get_by_role("button", name="Check", exact=True).click()
    dock.get_by_role("status").filter(has_text="✗").get_by_text("Not yet").wait_for()
    dock.get_by_role("button", name="Show the answer").click()
    dock.get_by_role("status").filter(has_text="The answer: D♯5/E♭5").wait_for()
    dock.get_by_text(f"0 of {N_ASKED}").wait_for()  # for the answer was not given
    dock.get_by_label("Your answer").fill("Eb5")
    dock.get_by_label("Your answer").press("Enter")
    dock.get_by_role("status").filter(has_text="✓").get_by_text("Right: D♯5").wait_for()
    dock.get_by_text(f"1 of {N_ASKED}").wait_for()
    dock.get_by_role("button", name="7 · Heard as what?").click()
    dock.locator(".dock-question", has_text="1,245 Hz").wait_for()
    dock.get_by_role("link", name="Open it in its place: 4 · Sampling rate").click()
    # In the same tab of the browser, which still knows what was answered.
    place = lesson(page, "Sampling rate")
    place.locator(".dock[open]", has_text="1,245 Hz").wait_for()
    heard = "1,245 Hz (too high: heard as 755 Hz"
    place.locator(".numbers", has_text=heard).wait_for()
    page.wait_for_function("scrollY > 800")
    place.get_by_label("Your answer").fill("755")
    place.get_by_label("Your answer").press("Enter")
    place.locator(".dock-count", has_text="1 of 2").wait_for()
    spectrum = lesson(page, "Spectrum (DFT)").locator(".dock")
    spectrum.locator(".dock-count", has_text="1 of 5").wait_for()
    browser.forgive_leaving(page)


def test_sheet_for_the_class_prints_alone(open_page):
    page = open_page("?view=teach&lang=zh-TW")
    page.set_default_timeout(PATIENCE_MS)
    page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.get_by_role("button", name="列印學習單與解答").click()
    page.wait_for_function("window.printed")
    page.emulate_media(media="print")
    sheet = page.locator(".class-sheet")
    assert sheet.locator("li").count() == 2 * N_ASKED
    assert "D♯5/E♭5" in sheet.locator(".sheet-answers").inner_text()
    assert not page.locator("[role=tablist]").first.is_visible()
    page.emulate_media(media="screen")
    assert not sheet.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert sheet.count() == 0


def test_ticks_last_for_the_visit_where_storage_is_forbidden(open_page):
    page = open_page("?view=teach")
    page.set_default_timeout(PATIENCE_MS)
    page.evaluate(FORBIDDEN)
    dock = page.locator(".dock.all")
    dock.get_by_label("Your answer").fill("622")
    dock.get_by_role("button", name="Check", exact=True).click()
    dock.get_by_text(f"1 of {N_ASKED}").wait_for()
    dock.get_by_role("button", name="Clear the ticks").click()
    dock.get_by_text(f"0 of {N_ASKED}").wait_for()
