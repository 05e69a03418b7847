"""The tab Train as people meet it, in headless Chromium: what is in sight, and when."""

import json

import pytest

from support.finished_runs import finished_run
from trainer.run import runs

pytestmark = pytest.mark.browser


@pytest.fixture
def ended(server):
    """A finished run and one that failed, the newer; gone at the end."""
    folder = server.home / "runs"
    done = finished_run(folder, server.model_dir)
    failed = runs.create(folder, done.config())
    later = folder / f"2099{failed.id[4:]}"
    failed.folder.rename(later)
    result = {"state": "failed", "code": "nan_loss", "details": {"step": 7}}
    runs.write_whole(later / "result.json", json.dumps(result))
    yield done, runs.Run(later)
    for run in runs.every(folder):
        if run.state().is_ended:
            runs.delete(folder, run.id)


def opened(open_page, tab, **look):
    """A tab, opened as people do."""
    page = open_page(**look)
    page.get_by_role("tab", name=tab).click()
    return page


def shown(page, *names):
    """Those of some buttons that are in sight."""
    every = [
        (name, page.get_by_role("button", name=name, exact=True)) for name in names
    ]
    return [name for name, button in every if button.count()]


def bottom(locator):
    box = locator.bounding_box()
    return box["y"] + box["height"]


@pytest.mark.parametrize(
    ("width", "height", "most"), [(1280, 900, 560), (390, 844, 640)]
)
def test_start_is_in_the_first_screen(open_page, width, height, most):
    page = opened(open_page, "Train", width=width, height=height)
    page.locator(".block.run-ahead", has_text="Estimated").wait_for()
    start = page.get_by_role("button", name="Start", exact=True)
    assert bottom(start) - bottom(page.get_by_role("tablist").first) < most
    assert not page.get_by_label("Base model").filter(visible=True).count()
    assert not shown(
        page, "Stop", "Discard run", "Resume", "Classify with it", "Delete"
    )
    page.get_by_role("button", name="Show command").click()
    page.locator(".run-command pre", has_text="python -m trainer").wait_for()
    scrolls = (
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    assert not page.evaluate(scrolls)


def test_what_cannot_start_is_refused_and_what_can_is_offered(open_page):
    page = opened(open_page, "Train")
    page.locator(".block.run-ahead", has_text="Estimated").wait_for()
    start = page.get_by_role("button", name="Start", exact=True)
    page.get_by_label("Recipe").click()
    page.get_by_role("option", name="tutorial").click()
    page.locator(".refused", has_text="ntu-spml/distilhubert").wait_for()
    assert start.is_disabled()
    for name in ("Use the bundled model", "Use songs composed here"):
        page.get_by_role("button", name=name).click()
        page.get_by_role("button", name=name).wait_for(state="detached")
    page.locator(".block.run-ahead", has_text="Estimated").wait_for()
    page.wait_for_function("!document.querySelector('.run-start button[disabled]')")


@pytest.mark.slow
def test_recipe_leaves_songs_of_one_s_own(open_page, server):
    (server.home / "songs" / "mine" / "rock").mkdir(parents=True, exist_ok=True)
    page = opened(open_page, "Train")
    page.locator(".own-folder code", has_text=str(server.home / "songs")).wait_for()
    songs = page.get_by_label("Songs", exact=True).filter(visible=True)
    songs.click()
    page.get_by_role("option", name="songs/mine").click()
    page.get_by_label("Recipe").click()
    page.get_by_role("option", name="head").click()
    page.get_by_role("button", name="All settings").click()
    page.wait_for_function(
        "[...document.querySelectorAll('input')].some(i => i.value === 'head')"
    )
    assert songs.input_value() == "songs/mine"


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_state_is_in_colour_with_a_sign_and_buttons_follow(open_page, ended, dark):
    page = opened(open_page, "Train", dark=dark)
    state = page.locator(".run-state")
    state.filter(has_text="✕ Failed").wait_for()
    failed = state.evaluate("e => getComputedStyle(e).color")
    page.get_by_role("button", name="Delete", exact=True).wait_for()
    every = ("Stop", "Discard run", "Resume", "Classify with it", "Delete")
    assert shown(page, *every) == ["Delete"]
    page.get_by_label("Run", exact=True).click()
    page.get_by_role("option").nth(1).click()
    state.filter(has_text="✓ Finished").wait_for()
    page.locator("button.primary", has_text="Classify with it").wait_for()
    assert shown(page, *every) == ["Classify with it", "Delete"]
    assert state.evaluate("e => getComputedStyle(e).color") != failed
    axe = page.evaluate(CONTRAST)
    assert axe >= 4.5


@pytest.mark.slow
def test_question_has_the_focus_and_says_what_goes(open_page, ended):
    page = opened(open_page, "Train")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.locator(".run-sure", has_text="is removed").or_(
        page.locator(".run-sure", has_text="are removed")
    ).wait_for()
    page.wait_for_function("document.activeElement.textContent.trim() === 'Keep it'")
    page.keyboard.press("Enter")
    page.locator(".run-sure").wait_for(state="detached")
    assert ended[1].folder.exists()


# Of the state's colour on what is behind it.
CONTRAST = """() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const state = light(getComputedStyle(document.querySelector(".run-state")).color);
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const [high, low] = [state, ground].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}"""


@pytest.mark.slow
def test_songs_looked_at_are_handed_to_the_form(open_page):
    page = opened(open_page, "Data")
    assert not shown(page, "Cancel", "Train on these songs →")
    seed = page.get_by_label("Seed").filter(visible=True)
    seed.fill("7")
    page.get_by_label("Songs to compose per genre").filter(visible=True).fill("3")
    page.get_by_role("button", name="Look at the songs").click()
    page.get_by_role("button", name="Train on these songs").click()
    page.locator(".block.run-ahead", has_text="30 songs").wait_for()
    page.get_by_role("button", name="All settings").click()
    assert page.get_by_label("Seed").filter(visible=True).input_value() == "7"
    assert "view=train" in page.url


@pytest.mark.slow
def test_all_settings_scroll_beside_the_run_and_each_is_reached(open_page):
    page = opened(open_page, "Train")
    page.get_by_role("button", name="All settings").click()
    last = page.locator(".run-more input").filter(visible=True).last
    last.wait_for()
    assert page.evaluate("document.documentElement.scrollHeight < 3 * innerHeight")
    last.scroll_into_view_if_needed()
    last.click(trial=True)  # nothing is over it
