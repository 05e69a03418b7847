"""The tab Map: songs appear, play and list their neighbours; by mouse and by keyboard."""

import json

import pytest

from support import browser
from support.page import scrolls_sideways

pytestmark = pytest.mark.browser

CANVAS = ".map-left > canvas"
# Two rows of songs that the browser gets without a server's help.
TOLD = {
    "axes": "PCA", "summary": "20 songs", "language": "en",
    "x": [i % 10 for i in range(20)], "y": [i // 10 for i in range(20)],
    "names": [f"song {i}" for i in range(20)],
    "labels": [i // 10 for i in range(20)], "answers": [0] * 20,
    "clusters": [i % 3 for i in range(20)],
    "genres": [["Blues", "#3f90da"], ["Jazz", "#92dadd"]], "colours": ["#3f90da"] * 3,
    "near": [[(i + 1) % 20, (i + 2) % 20] for i in range(20)],
    "alike": [[0.9, 0.8]] * 20, "doubts": [[3, 1, 0.8]], "copies": [[4, 5, 0.99]],
}  # fmt: skip
TAKE = """told => {
  Genrescope.songMap.take(JSON.stringify(told));
  Genrescope.songMap.drawNow();
}"""


def drawn(page):
    page.get_by_role("button", name="Draw the map").click()
    page.wait_for_function("Genrescope.songMap.map?.names.length === 80")
    page.locator(CANVAS).scroll_into_view_if_needed()


def click(page, number):
    page.wait_for_function("Genrescope.songMap.view")
    x, y = page.evaluate(f"Genrescope.songMap.at({number})")
    page.locator(CANVAS).click(position={"x": x, "y": y})


def test_composed_songs_appear_play_and_name_their_neighbours(open_page):
    page = open_page("?view=map")
    page.evaluate("() => { Genrescope.play = (url) => { window.played = url; }; }")
    drawn(page)
    click(page, 5)
    page.wait_for_function("window.played?.endsWith('.wav')")
    page.get_by_role("button", name="Sounds like").and_(
        page.locator("[aria-pressed=true]")
    ).wait_for()
    assert page.locator(".map-rows tbody tr").count() == 10
    page.get_by_role("button", name="Composed blues").click()
    page.get_by_role("button", name="Your song").wait_for()
    assert page.evaluate("Genrescope.songMap.own.near.length") == 10


@pytest.fixture
def known(open_page):
    """A map of twenty songs whose places are known."""

    def known(**look):
        page = open_page("?view=map", **look)
        page.get_by_role("tab", selected=True).wait_for()
        page.wait_for_function("window.Genrescope?.songMap?.place.checkVisibility()")
        words = json.loads((browser.ROOT / "locales/en.json").read_text("utf-8"))
        page.evaluate(TAKE, TOLD | {"words": words["on_map"]})
        return page

    return known


@pytest.mark.slow
def test_rectangle_and_lasso_list_what_they_surround(known):
    page = known(height=1400)
    for way in ("Rectangle", "Lasso"):
        page.get_by_role("button", name=way).click()
        box = page.locator(CANVAS).bounding_box()
        (left, y), (right, _) = (
            page.evaluate(f"Genrescope.songMap.at({i})") for i in (10, 12)
        )
        corners = [(left - 9, y - 9), (right + 9, y - 9), (right + 9, y + 9)]
        corners += [(left - 9, y + 9)] if way == "Lasso" else []
        page.mouse.move(box["x"] + corners[0][0], box["y"] + corners[0][1])
        page.mouse.down()
        for corner in corners[1:]:
            page.mouse.move(box["x"] + corner[0], box["y"] + corner[1], steps=4)
        page.mouse.up()
        assert page.evaluate("[...Genrescope.songMap.chosen]") == [10, 11, 12], way
        page.get_by_role("button", name="Selected (3)").wait_for()
        page.locator(CANVAS).press("Escape")
        page.get_by_role("button", name="Selected (0)").wait_for()


@pytest.mark.slow
def test_map_that_grows_keeps_the_song_that_was_chosen(known):
    page = known()
    click(page, 5)
    more = {name: [*each, each[0]] for name, each in TOLD.items() if len(each) == 20}
    more["names"][-1] = "song 20"
    told = page.evaluate("Genrescope.songMap.map")
    page.evaluate(TAKE, told | more)
    assert page.evaluate("Genrescope.songMap.focus") == 5
    more["names"] = [f"other {i}" for i in range(21)]
    page.evaluate(TAKE, told | more)
    assert page.evaluate("Genrescope.songMap.focus") is None


@pytest.mark.slow
def test_table_sorts_selects_and_finds_by_keyboard(known):
    page = known()
    page.get_by_role("button", name="Song", exact=True).press("Enter")
    page.get_by_role("button", name="Song", exact=True).press("Enter")
    assert page.locator(".map-rows .open").first.inner_text() == "song 19"
    page.get_by_role("button", name="song 19", exact=True).press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "song 19"
    page.get_by_role("button", name="Sounds like song 19 (2)").press("Enter")
    assert page.locator(".map-rows .open").all_inner_texts() == ["song 1", "song 0"]
    page.get_by_role("button", name="Labels to check (1)").press("Enter")
    page.get_by_text("neighbours: Jazz 80%").wait_for()
    page.get_by_role("button", name="Possible copies (1)").press("Enter")
    page.get_by_text("like song 5, 0.99").wait_for()
    page.get_by_role("button", name="All (20)").press("Enter")
    page.get_by_role("searchbox").fill("song 1")
    assert page.locator(".map-rows .open").count() == 11


@pytest.mark.slow
def test_keys_wheel_and_buttons_zoom_and_pan(known):
    page = known()
    canvas = page.locator(CANVAS)
    scale = "Genrescope.songMap.view.scale"
    first = page.evaluate(scale)
    canvas.press("+")
    assert page.evaluate(scale) == pytest.approx(1.5 * first)
    before = page.evaluate("Genrescope.songMap.at(0)")
    canvas.press("ArrowLeft")
    assert page.evaluate("Genrescope.songMap.at(0)[0]") == pytest.approx(before[0] + 40)
    page.get_by_role("button", name="Whole map").click()
    page.wait_for_function(f"{scale} === {first}")
    canvas.hover()
    canvas.focus()
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"{scale} > 2 * {first}")


@pytest.mark.slow
def test_map_fits_a_phone(known):
    page = known(width=390, height=844)
    assert not scrolls_sideways(page)
    assert page.locator(CANVAS).bounding_box()["width"] > 300
