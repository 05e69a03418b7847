"""Pointer, keys and players on the pictures that the page's script draws."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from support.canvas import (
    ADD_PLAYER,
    LEFT,
    NEXT_FRAMES,
    RIGHT,
    asked,
    at,
    box_of,
    curves,
    drag,
    one_row,
    pixel,
    powers,
    reading,
    spectrogram,
    wait_for_reading,
    waveform,
)
from viz import curves as training_curves
from viz.curves import Curve
from viz.plot import Line, Sheet

pytestmark = pytest.mark.browser


def test_read_out_of_a_tone_names_its_note_and_level(show):
    page = show(one_row(440.0, -23.5))  # the row at 450 Hz is the nearest
    page.mouse.move(*at(page, 0.5, 1 - 440 / 8000))
    wait_for_reading(page, "A4")
    assert "1.000 s" in reading(page)
    assert "−23.5 dBFS" in reading(page)


def test_question_mark_lists_the_keys_unless_somebody_types(show):
    page = show(one_row(440.0, -23.5))
    page.evaluate("document.body.append(document.createElement('input'))")
    page.locator("input:not([type])").last.press("?")
    assert not page.locator("dialog[open]").count()
    page.locator("canvas[role=img]").first.press("?")
    keys = page.locator("dialog[open] kbd").all_inner_texts()
    assert {"Space", "Enter", "L", "Esc", "?"} < set(keys)
    page.keyboard.press("?")
    assert not page.locator("dialog[open]").count()


def test_read_out_of_silence_says_below(show):
    page = show(spectrogram(np.full((20, 30), -200.0), np.linspace(0, 8000, 20)))
    page.mouse.move(*at(page, 0.5))
    wait_for_reading(page, "below −122 dBFS")


def test_read_out_of_power_has_three_decimals_and_no_db(show):
    page = show(powers([1.0, 0.25, 0.0]))
    for share_y, text in ((0.9, "1.000"), (0.5, "0.251"), (0.1, "below 0.002")):
        page.mouse.move(*at(page, 0.5, share_y))
        wait_for_reading(page, text)
        assert "dB" not in reading(page)


def run_of(n, of="a"):
    """Two plots over the same steps of one run, after some of them."""
    steps = [*range(1, n + 1)]
    loss = Curve("a", steps, [2.0 / step for step in steps])
    share = Curve("a", steps[9::10], [float(step) for step in steps[9::10]])
    drawn = partial(training_curves.plot, language="en", n_steps=100, range_of=of)
    return Sheet((drawn("loss", [loss]), drawn("accuracy", [share])), "")


def shown_steps(page, i=0):
    """Which steps a button says that it would leave; "" where all are shown."""
    page.evaluate(NEXT_FRAMES)
    button = page.locator(f"#place{i} .sheet-all_steps")
    return button.inner_text() if button.is_visible() else ""


def step_at(page, step, n=0):
    """The place of a step of 100 on the page, in one of both plots."""
    box = page.locator("#place0 canvas[role=img]").nth(n).bounding_box()
    width = box["width"] - LEFT - RIGHT
    return box["x"] + LEFT + step / 100 * width, box["y"] + box["height"] / 2


def test_dragging_over_steps_zooms_all_plots_of_the_run(show):
    page = show(run_of(60), run_of(60))
    drag(page, step_at(page, 20, 1), step_at(page, 40, 1))
    page.wait_for_selector("#place1 .sheet-all_steps:visible")
    assert shown_steps(page) == shown_steps(page, 1) == "Steps 20 to 40: show all"
    # In both plots: what is now in the middle was step 30.
    for n in (0, 1):
        page.mouse.move(*step_at(page, 50, n))
        wait_for_reading(page, "Step 30")
    # The run grows: what is shown stays.
    page.evaluate("(sheet) => places[0].show(sheet)", run_of(80).as_json())
    page.mouse.move(*step_at(page, 95))
    wait_for_reading(page, "Step 39")
    page.locator("#place0 canvas[role=img]").first.dblclick()
    page.wait_for_selector("#place1 .sheet-all_steps", state="hidden")
    page.mouse.move(*step_at(page, 70))
    wait_for_reading(page, "Step 70")


def test_range_of_one_run_is_not_that_of_another(show):
    page = show(run_of(60), run_of(60, of="b"))
    drag(page, step_at(page, 20), step_at(page, 40))
    page.wait_for_selector("#place0 .sheet-all_steps:visible")
    assert shown_steps(page, 1) == ""


def test_keys_zoom_into_steps_and_back(show):
    page = show(run_of(100))
    canvas = page.locator("#place0 canvas[role=img]").first
    canvas.press("End")
    canvas.press("+")
    assert shown_steps(page) == "Steps 50 to 100: show all"
    canvas.press("Home")
    canvas.press("ArrowLeft")  # at the edge: the steps before
    assert shown_steps(page) == "Steps 45 to 95: show all"
    canvas.press("Escape")
    assert shown_steps(page) == ""


def test_part_of_a_run_is_saved_as_it_is_shown(show):
    page = show(run_of(60))
    drag(page, step_at(page, 20), step_at(page, 40))
    page.locator("#place0 .sheet-save").select_option("csv")
    (saved,) = asked(page, "save")
    assert (round(saved["start"]), round(saved["stop"])) == (20, 40)


def note(page, text):
    page.locator("#place0 .sheet-notes form input").fill(text)
    page.keyboard.press("Enter")


def test_note_on_a_selection_is_a_layer_that_can_be_hidden_and_stays(show):
    page = show(one_row())
    page.locator("#place0 .sheet-notes summary").click()
    drag(page, at(page, 0.25), at(page, 0.5))
    add = page.locator(".sheet-notes form button")
    add.filter(has_text="0.50–1.00 s").wait_for()
    note(page, "a <b>tone</b>")
    page.locator(".sheet-notes li").filter(has_text="a <b>tone</b>").wait_for()
    page.locator("#place0 .sheet-save").select_option("png")
    page.locator(".sheet-clear").click()
    box = box_of(page)
    inside = box["left"] + 0.4 * (box["right"] - box["left"]), box["bottom"] - 30
    page.wait_for_timeout(100)
    shaded = pixel(page, *inside, name="aria-hidden")
    page.get_by_label("Show on the picture").uncheck()
    page.wait_for_timeout(100)
    assert shaded[3] > pixel(page, *inside, name="aria-hidden")[3] == 0
    page.locator("#place0 .sheet-save").select_option("png")
    noted, plain = asked(page, "save")  # as they are seen
    assert [each["text"] for each in noted["notes"]] == ["a <b>tone</b>"]
    assert plain["notes"] == []
    again = show(one_row(), context=page.context)
    again.locator(".sheet-notes summary").filter(has_text="Notes (1)").click()
    again.locator(".sheet-notes li button").last.click()
    again.locator(".sheet-notes summary").filter(has_text="Notes (0)").wait_for()


def test_notes_are_read_as_they_are_saved_and_as_others_save_them(show):
    page = show(one_row())
    read = "(text) => Genrescope.notes.read(text)"
    told = [
        {"start_s": 0.5, "stop_s": 0.5, "text": "click"},
        {"start_s": 1, "stop_s": 1.25, "text": 'low, "dark" note'},
    ]
    for kind in ("txt", "csv"):
        file = page.evaluate(
            "([kind, notes]) => Genrescope.notes.files[kind](notes)", [kind, told]
        )
        assert page.evaluate(read, file) == told
    other = "TIME,LABEL\n1.5,verse\n\\\t200.0\t800.0\n-1\t2\tbefore\n3\t2\tback\n"
    assert page.evaluate(read, other) == [
        {"start_s": 1.5, "stop_s": 1.5, "text": "verse"}
    ]


def test_only_the_picture_of_the_spectrogram_has_notes(show):
    table = Sheet((), "one row", (("part", "share"), ("low", "1")))
    page = show(waveform(np.full(9, -1.0), np.ones(9)), table)
    page.locator("#place1 td").first.wait_for()
    assert page.locator(".sheet-notes:visible").count() == 0


def test_read_out_of_lines_is_that_of_the_nearest_points(show):
    first = Line([0, 440, 1000], [-60, -12.3, -60], "line", "before")
    second = Line([0, 440, 1000], [-60, -45.6, -60], "line", "after", 1)
    page = show(curves(first, second))
    page.mouse.move(*at(page, 0.46, right=RIGHT))
    wait_for_reading(page, "440.0 Hz · A4 · before −12.3 dBFS · after −45.6 dBFS")


def test_read_out_of_a_waveform_gives_both_ends_of_a_column(show):
    page = show(waveform([-0.5] * 100, [0.25] * 100))
    page.mouse.move(*at(page, 0.5, right=RIGHT))
    wait_for_reading(page, "−0.500 … 0.250")


def test_drag_selects_seconds_and_the_buttons_ask_for_them(show):
    page = show(one_row(), waveform([-1] * 10, [1] * 10))
    drag(page, at(page, 0.75), at(page, 0.25))
    for event in ("hear", "use", "zoom"):
        page.locator(f"#place0 .sheet-{event}").click()
        (data,) = asked(page, event)
        assert data["start_s"] == pytest.approx(0.5, abs=0.01)
        assert data["stop_s"] == pytest.approx(1.5, abs=0.01)
    assert asked(page, "at") == []


def test_selection_is_shared_and_cleared_everywhere(show):
    page = show(one_row(), waveform([-1] * 10, [1] * 10))
    buttons = page.locator(".sheet-clear:visible")
    assert buttons.count() == 0
    drag(page, at(page, 0.25), at(page, 0.75))
    page.wait_for_function(
        "document.querySelectorAll('.sheet-clear:not([hidden])').length === 2"
    )
    box = box_of(page, 1, RIGHT)
    middle = (box["left"] + box["right"]) / 2
    assert pixel(page, middle, box["top"] + 3, 1, "aria-hidden")[3] > 0
    page.locator("#place1 .sheet-clear").click()
    page.wait_for_function(
        "document.querySelectorAll('.sheet-clear:not([hidden])').length === 0"
    )


def test_selection_ends_where_the_sound_ends(show):
    page = show(replace(one_row(), duration_s=1.6))
    drag(page, at(page, 0.5), at(page, 1.2))
    page.locator(".sheet-hear").click()
    assert asked(page, "hear")[0]["stop_s"] == 1.6


def test_click_moves_the_player_and_tells_the_position(show):
    page = show(one_row())
    page.evaluate(ADD_PLAYER, 2)
    page.mouse.click(*at(page, 0.25))
    assert asked(page, "at")[0]["at_s"] == pytest.approx(0.5, abs=0.01)
    assert page.evaluate("audio.currentTime") == pytest.approx(0.5, abs=0.01)


def test_zoom_stretches_at_once_and_whole_sound_goes_back(show):
    sheet = one_row()
    page = show(sheet)
    drag(page, at(page, 0.25), at(page, 0.5))
    page.locator(".sheet-zoom").click()
    page.locator(".sheet-whole").wait_for()  # it is drawn
    page.mouse.move(*at(page, 0.4))
    page.mouse.move(*at(page, 0.5))
    wait_for_reading(page, "0.75")  # the middle of 0.5 to 1
    (plot,) = sheet.plots
    narrow = replace(plot, x=replace(plot.x, start=0.5, stop=1.0))
    page.evaluate("s => places[0].show(s)", replace(sheet, plots=(narrow,)).as_json())
    page.locator(".sheet-whole").click()
    assert asked(page, "zoom")[-1] == {"start_s": None, "stop_s": None}


def test_wheel_with_control_zooms_around_the_pointer(show):
    page = show(one_row())
    page.mouse.move(*at(page, 0.5))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.wait_for_function("asked.length > 0")
    (data,) = asked(page, "zoom")
    assert data["start_s"] + data["stop_s"] == pytest.approx(2.0, abs=0.02)
    assert data["stop_s"] - data["start_s"] < 1.5


def test_keyboard_moves_the_cursor_selects_zooms_and_escapes(show):
    page = show(one_row())
    page.locator("canvas[role=img]").focus()
    page.keyboard.press("ArrowRight")
    wait_for_reading(page, "0.02")
    page.keyboard.press("Shift+ArrowRight")
    wait_for_reading(page, "0.22")
    page.keyboard.press("[")
    page.keyboard.press("End")
    wait_for_reading(page, "2.00")
    page.locator(".sheet-hear").wait_for()
    page.keyboard.press("Escape")
    page.locator(".sheet-hear").wait_for(state="hidden")
    page.keyboard.press("Home")
    page.keyboard.press("+")
    assert asked(page, "zoom") == [{"start_s": 0, "stop_s": 1}]


def test_enter_plays_from_the_cursor_and_the_line_follows(show):
    page = show(one_row())
    page.evaluate(ADD_PLAYER, 2)
    page.locator("canvas[role=img]").focus()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function("!audio.paused && Genrescope.sound.state.at_s > 1.05")
    assert page.evaluate("audio.currentTime") >= 1.0
    page.keyboard.press(" ")
    page.wait_for_function("audio.paused && !Genrescope.sound.state.isPlaying")


def test_playing_does_not_draw_the_image_again(show):
    page = show(one_row())
    page.evaluate(ADD_PLAYER, 2)
    page.evaluate(
        """() => { window.n_drawn = 0;
          const draw = CanvasRenderingContext2D.prototype.drawImage;
          CanvasRenderingContext2D.prototype.drawImage = function (...all) {
            window.n_drawn++; return draw.apply(this, all); }; }"""
    )
    page.locator("canvas[role=img]").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("Genrescope.sound.state.at_s > 0.2")
    assert page.evaluate("n_drawn") == 0


def test_passage_moves_the_line_from_its_start_and_stops_the_player(show):
    page = show(one_row())
    page.evaluate(ADD_PLAYER, 2)
    page.locator("canvas[role=img]").focus()
    page.keyboard.press(" ")
    page.wait_for_function("Genrescope.sound.state.isPlaying")
    page.evaluate("Genrescope.play(wav, 0.5)")
    page.wait_for_function("audio.paused && Genrescope.sound.state.at_s > 0.6")


def test_slice_shows_the_column_under_the_cursor(show):
    levels_db = np.full((20, 30), -200.0)
    levels_db[:, 15:] = -10.0
    page = show(spectrogram(levels_db, np.linspace(0, 8000, 20)))
    box = box_of(page)
    inside = (box["right"] + 26 + 40, box["top"] + 20)
    page.mouse.move(*at(page, 0.75))
    page.wait_for_function(
        """([x, y]) => document.querySelector("canvas[aria-hidden]")
          .getContext("2d").getImageData(x, y, 1, 1).data[3] > 0""",
        arg=inside,
    )
    page.mouse.move(*at(page, 0.25))
    wait_for_reading(page, "0.50")
    assert pixel(page, *inside, name="aria-hidden")[3] == 0
