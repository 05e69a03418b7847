"""A picture's place on the page: its tools, its size, what stands there."""

import pytest

from support.canvas import asked, box_of, curves, one_row, powers
from ui.export import downloads
from viz import palette
from viz.plot import Sheet

pytestmark = pytest.mark.browser


def test_save_asks_for_the_format_that_was_chosen(show):
    page = show(one_row())
    formats = ["png", "svg", "csv", "npz", "py", "link"]
    for name in formats:
        page.locator(".sheet-save").select_option(name)
    assert [data["format"] for data in asked(page, "save")] == formats
    assert {*formats} == {*downloads.CONTENTS, downloads.LINK}


def test_save_tells_how_the_picture_looks(show):
    page = show(one_row(scales=("log", "mel")))
    as_it_comes = {"scales": {"stft.y": "log"}, "range": "", "map": "magma"}
    page.locator(".sheet-save").select_option("png")
    page.locator(".sheet-colours").select_option("grey")
    page.locator(".sheet-scale").select_option("mel")
    page.locator(".sheet-range").select_option("60")
    page.locator(".sheet-save").select_option("svg")
    chosen = {"scales": {"stft.y": "mel"}, "range": 60, "map": "grey"}
    # No steps of a curve are chosen, and nothing has been noted.
    of_all = {"start": None, "stop": None, "notes": []}
    assert asked(page, "save") == [
        {"format": "png", **as_it_comes, **of_all},
        {"format": "svg", **chosen, **of_all},
    ]
    maps = page.evaluate("Object.keys(Genrescope.image.MAPS)")
    assert {*maps} == {*palette.LEVEL_MAPS}


def test_power_has_no_range_of_levels_to_choose(show):
    page = show(powers([1.0, 0.25, 0.0]))
    assert page.locator(".sheet-colours").count() == 1
    assert page.locator(".sheet-range").count() == 0


def test_tools_are_those_that_make_sense(show):
    page = show(curves())
    assert page.locator("select").filter(visible=True).count() == 1  # save
    assert page.locator(".sheet-choices").is_hidden()


def test_full_size_fills_the_screen_and_comes_back(show):
    page = show(one_row())
    before = page.locator("canvas[role=img]").bounding_box()["height"]
    page.locator(".sheet-full").click()
    page.wait_for_function(
        f"document.querySelector('canvas').clientHeight > {before + 50}"
    )
    page.locator(".sheet-full").click()
    page.wait_for_function(
        f"document.querySelector('canvas').clientHeight === {before}"
    )


def test_full_size_shows_all_plots_however_long_the_words_below(show):
    (plot,) = curves(is_aligned=True).plots
    page = show(Sheet((plot, plot), "A word. " * 900, (), 1.0))
    page.locator(".sheet-full").click()
    page.wait_for_function(
        """() => {
          const boxes = [...document.querySelectorAll("canvas[role=img]")]
            .map((each) => each.getBoundingClientRect());
          return boxes.every(({ height, bottom }) => height > 200 && bottom <= innerHeight);
        }"""
    )


def test_words_beside_a_low_axis_can_be_read(show):
    page = show(one_row())
    page.evaluate(
        """() => {
          const fill = CanvasRenderingContext2D.prototype.fillText;
          window.drawn = [];
          CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
            drawn.push(text);
            return fill.call(this, text, ...more);
          };
        }"""
    )
    for ratio, words in (
        (0.16, "Amplitude of the wave"),
        (0.5, "Amplitude of the wave (full scale = ±1)"),
    ):
        page.evaluate(
            """(ratio) => {
              const [place] = places, sheet = JSON.parse(place.props.value);
              sheet.plots[0].ratio = ratio;
              sheet.plots[0].y.label = "Amplitude of the wave (full scale = ±1)";
              drawn.length = 0;
              place.show(JSON.stringify(sheet));
            }""",
            ratio,
        )
        page.wait_for_function("words => drawn.includes(words)", arg=words)


def test_plots_stand_side_by_side_only_where_there_is_room(show):
    (plot,) = curves().plots
    two = Sheet((plot, plot), "Two.", (), 1.0)
    for width, n_columns in ((900, 2), (700, 1)):
        page = show(two, width=width)
        tops = page.evaluate(
            "[...document.querySelectorAll('.sheet-plot')].map(e => e.offsetTop)"
        )
        assert len(set(tops)) == 3 - n_columns


def test_phone_s_pictures_are_higher(show):
    page = show(one_row(), width=390)
    size = page.locator("canvas[role=img]").bounding_box()
    assert size["height"] == pytest.approx(size["width"] * 0.5 * 1.7, abs=1)


def test_picture_in_a_hidden_place_is_drawn_once_it_is_seen(show):
    page = show(None)
    page.evaluate("document.getElementById('place0').style.display = 'none'")
    page.evaluate("sheet => places[0].show(sheet)", one_row().as_json())
    page.wait_for_selector(".sheet-tools", state="attached")
    page.evaluate("document.getElementById('place0').style.display = ''")
    page.wait_for_function("document.querySelector('canvas').clientHeight > 100")


def test_another_value_keeps_the_place_and_the_focus(show):
    page = show(one_row())
    page.locator("canvas[role=img]").focus()
    height = page.locator("#place0").bounding_box()["height"]
    page.evaluate("sheet => places[0].show(sheet)", one_row(3000.0).as_json())
    box = box_of(page)
    y = box["bottom"] - (box["bottom"] - box["top"]) * 3 / 8
    page.wait_for_function(
        f"document.querySelector('canvas').getContext('2d').getImageData(300, {int(y)}, 1, 1).data[0] > 150"
    )
    assert page.evaluate("document.activeElement.localName") == "canvas"
    assert page.locator("#place0").bounding_box()["height"] == height


def test_empty_place_says_so_and_its_button_starts(show):
    page = show(None)
    assert "Choose a sound" in page.locator("#place0 p").inner_text()
    page.locator("#place0 button").click()
    assert page.evaluate("asked") == [["start", {}]]


DAMAGE = [
    "sheet.plots[0].layers[0].levels = '!'",
    "sheet.plots[0].layers[0].levels = 'AAAA'",
    "sheet.plots[0].layers[0].n_columns = 7",
    "sheet.plots[0].layers[0].kind = 'song'",
    "delete sheet.plots[0].x",
    "sheet.plots = 5",
]


def test_malformed_sheet_is_one_line_on_the_console_and_the_next_one_is_shown(show):
    page = show(None)
    for damage in DAMAGE:
        page.evaluate("sheet => places[0].show(sheet)", one_row().as_json())
        page.wait_for_selector(".sheet-tools")
        page.evaluate(
            f"""text => {{ const sheet = JSON.parse(text); {damage};
            places[0].show(JSON.stringify(sheet)); }}""",
            one_row().as_json(),
        )
        page.wait_for_selector("#place0 > p")
        (problem,) = page.problems
        assert "cannot be shown" in problem
        page.problems.clear()


def test_picture_is_named_and_reached_by_keyboard(show):
    page = show(one_row())
    canvas = page.get_by_role("img", name="A spectrogram.")
    page.keyboard.press("Tab")
    assert canvas.evaluate("c => c === document.activeElement")
    for select in page.locator("select").all():
        assert select.get_attribute("aria-label")
