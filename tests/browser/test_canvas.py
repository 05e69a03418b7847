"""What the page's script draws, in a browser but without a server."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import colormaps

from audio import transforms
from audio.transforms import Frames, pixels
from support import canvas
from support.canvas import (
    RIGHT,
    box_of,
    curves,
    one_row,
    pixel,
    powers,
    spectrogram,
    waveform,
)
from support.signals import click, tone
from viz.plot import Axis, Line, Marks, Plot, Rows, Sheet

pytestmark = pytest.mark.browser


INK = "document.querySelector('canvas').toDataURL()"
EVIL = '<img src="x" onerror="window.isBroken = true">'


def colour_of(level_db, name="magma", range_db=(-80.0, 0.0)):
    low_db, high_db = range_db
    share = (level_db - low_db) / (high_db - low_db)
    return [*colormaps[name](int(np.clip(share * 256, 0, 255)), bytes=True)[:3]]


def mels(hz):
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


@pytest.mark.parametrize(
    ("scale", "warp", "lowest_hz"),
    [
        ("linear", float, 0),
        ("log", np.log, 32),
        ("note", np.log, 32),
        ("mel", mels, 0),
    ],
)
@pytest.mark.parametrize("hz", [700.0, 3000.0])
def test_row_of_a_tone_has_its_colour_at_its_place(show, scale, warp, lowest_hz, hz):
    page = show(one_row(hz, scales=(scale,)))
    box = box_of(page)
    share = (warp(hz) - warp(lowest_hz)) / (warp(8000) - warp(lowest_hz))
    y = box["bottom"] - share * (box["bottom"] - box["top"])
    assert np.allclose(pixel(page, 300, y)[:3], colour_of(-20), atol=5)
    for other in (y - 40, min(y + 40, box["bottom"] - 2)):
        assert np.allclose(pixel(page, 300, other)[:3], colour_of(-110), atol=5)


def test_pixels_are_those_of_the_rows_that_python_draws(show):
    clip = tone(440, duration_s=0.5)
    levels = transforms.stft(clip, Frames(n_columns=40))
    wanted = pixels.rows(levels, 150, "log", 32.0)
    sheet = canvas.spectrogram(levels.levels_db, levels.frequencies_hz, stop_s=1.0)
    page = show(None)
    got = page.evaluate(
        """async ([image, stop_hz]) => {
          const { ruler } = Genrescope.axes;
          const bytes = await Genrescope.image.unpacked(image);
          const x = ruler({ start: 0, stop: 1 }, "linear", 0, image.n_columns);
          const y = ruler({ start: 32, stop: stop_hz }, "log", 150, 0);
          return [...Genrescope.image.pooled(image, bytes, x, y, image.n_columns, 150)];
        }""",
        [
            json.loads(sheet.as_json())["plots"][0]["layers"][0],
            float(levels.frequencies_hz[-1]),
        ],
    )
    steps = np.clip(np.rint((wanted[::-1] + 122) * 2), 0, 255)
    assert np.array_equal(np.reshape(got, steps.shape), steps)


def test_loud_column_stays_bright_where_a_pixel_holds_many(show):
    levels_db = np.full((20, 8000), -110.0)
    levels_db[:, 4000] = 0.0
    page = show(spectrogram(levels_db, np.linspace(0, 8000, 20)))
    box = box_of(page)
    middle = (box["left"] + box["right"]) / 2
    near = [pixel(page, middle + d, 200)[:3] for d in (-2, -1, 0, 1, 2)]
    assert any(np.allclose(colour, colour_of(0), atol=5) for colour in near)


def test_image_stands_on_device_pixels(show):
    page = show(one_row(), scale=2)
    canvas = page.locator("#place0 canvas[role=img]")
    assert canvas.evaluate(
        "c => [c.width / c.clientWidth, c.height / c.clientHeight]"
    ) == [2, 2]


def test_band_reaches_from_the_lowest_to_the_highest_sample(show):
    page = show(waveform([-0.5] * 100, [0.25] * 100))
    box = box_of(page, right=RIGHT)
    middle = (box["top"] + box["bottom"]) / 2
    half = (box["bottom"] - box["top"]) / 2
    blue = [43, 123, 186, 255]
    for value, is_inside in [
        (0.24, True),
        (0.27, False),
        (-0.49, True),
        (-0.52, False),
    ]:
        assert (pixel(page, 333, middle - value * half) == blue) is is_inside, value


def test_envelope_of_a_click_is_seen(show):
    outline = pixels.envelope(click(1.0, 2.0).samples, 1024)
    page = show(waveform(outline.lows, outline.highs))
    box = box_of(page, right=RIGHT)
    middle = (box["left"] + box["right"]) / 2
    assert any(pixel(page, middle + d, box["top"] + 20)[3] for d in (-1, 0, 1))


def test_every_shape_of_a_line_leaves_ink_of_its_own(show):
    page = show(curves())
    seen = [page.evaluate(INK)]
    for shape in ("line", "dots", "steps", "fill", "rule"):
        sheet = curves(Line([100, 500, 900], [-40, -20, -60], shape))
        page.evaluate("sheet => places[0].show(sheet)", sheet.as_json())
        page.wait_for_function(f"old => ({INK}) !== old", arg=seen[-1])
        seen.append(page.evaluate(INK))
    assert len(set(seen)) == 6


def test_texts_from_the_server_are_only_text(show):
    plot = curves(
        Line([1, 2], [-1, -2], "line", EVIL), Marks([500], [-40], [EVIL])
    ).plots[0]
    plot = replace(plot, title=EVIL, facts=(EVIL,), note=EVIL)
    page = show(Sheet((plot, plot), EVIL, ((EVIL,), (EVIL,)), 1.0))
    assert page.locator(".numbers").inner_text() == EVIL
    assert page.locator(".peaks th").inner_text() == EVIL
    assert page.locator(".picture img").count() == 0
    assert page.evaluate("window.isBroken") is None


def test_ink_follows_the_theme_without_the_server(show):
    page = show(waveform([-1] * 10, [1] * 10))
    box = box_of(page, right=RIGHT)
    where = (box["left"] - 1, 100)
    assert pixel(page, *where)[:3] == [10, 20, 30]
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(
        """([x, y]) => document.querySelector("canvas")
          .getContext("2d").getImageData(x, y, 1, 1).data[0] === 240""",
        arg=where,
    )
    assert page.evaluate("asked") == []


def test_look_is_shared_and_remembered(show):
    sheet = one_row(scales=("linear", "mel"))
    page = show(sheet, sheet)
    page.locator("#place0 .sheet-colours").select_option("magma")
    page.locator("#place0 .sheet-scale").select_option("mel")
    page.locator("#place0 .sheet-range").select_option("60")
    assert page.evaluate("asked") == []
    again = show(sheet, context=page.context)
    for each, name in ((page, "#place1"), (again, "#place0")):
        chosen = [
            each.locator(f"{name} .sheet-{k}") for k in ("colours", "scale", "range")
        ]
        each.wait_for_function(
            f"document.querySelector('{name} .sheet-colours').value === 'magma'"
        )
        assert [select.input_value() for select in chosen] == ["magma", "mel", "60"]
        assert np.allclose(pixel(each, 300, 20)[:3], colour_of(-110, "magma"), atol=5)


def test_colours_reach_down_as_far_as_was_chosen(show):
    page = show(one_row(1000.0, -70.0))
    box = box_of(page)
    y = box["bottom"] - (box["bottom"] - box["top"]) / 8
    for range_db in ("60", "120"):
        page.locator(".sheet-range").select_option(range_db)
        colour = colour_of(-70, range_db=(-float(range_db), 0))
        page.wait_for_function(
            """([y, wanted]) => [...document.querySelector("canvas").getContext("2d")
              .getImageData(300, y, 1, 1).data].slice(0, 3)
              .every((c, i) => Math.abs(c - wanted[i]) <= 5)""",
            arg=[int(y), [int(c) for c in colour]],
        )


def test_power_has_the_colours_of_a_linear_scale(show):
    page = show(powers([1.0, 0.25, 0.0]))
    box = box_of(page)
    page.evaluate("Genrescope.tools.look.range = 60")  # of levels, and of no power
    for share_y, power in ((0.9, 1.0), (0.5, 0.25), (0.1, 0.0)):
        y = box["top"] + share_y * (box["bottom"] - box["top"])
        colour = colour_of(power, range_db=(0.0, 1.0))
        assert np.allclose(pixel(page, 300, y)[:3], colour, atol=5)


TICKS = [
    ("time", 0, 5, "linear", "0 1 2 3 4 5"),
    ("time", 0, 240, "linear", "0:00 1:00 2:00 3:00 4:00"),
    ("time", 100, 100.2, "linear", "1:40.00 1:40.05 1:40.10 1:40.15 1:40.20"),
    ("time", 1.2, 1.2002, "linear", "1.20000 1.20005 1.20010 1.20015 1.20020"),
    ("frequency", 32, 11_025, "log", "100 1k 10k"),
    ("frequency", 900, 1300, "log", "900 1k 1.1k 1.2k 1.3k"),
    ("frequency", 0, 8000, "mel", "0 1k 2k 5k"),
    ("frequency", 32, 11_025, "note", "C2 A4 C8"),
    ("level", -80, 0, "linear", "−80 −60 −40 −20 0"),
    ("amplitude", -1, 1, "linear", "−1.0 −0.5 0.0 0.5 1.0"),
    ("count", 0, 3, "linear", "0 1 2 3"),
    ("number", 0, 2.5, "log", "0.001 0.01 0.1 1"),
]
NOTES = {440: "A4", 442: "A4 +8 ¢", 622.25: "D♯5/E♭5", 261: "C4 −4 ¢", 8: ""}


def test_ticks_are_round_and_written_as_people_do(show):
    page = show(None)
    for quantity, start, stop, scale, labels in TICKS:
        got = page.evaluate(
            """([quantity, start, stop, scale]) => Genrescope.axes.ticks(
              Genrescope.axes.ruler({ quantity, start, stop }, scale, 0, 400), 80)
              .map(({ label }) => label).join(" ")""",
            [quantity, start, stop, scale],
        )
        assert got == labels


def test_notes_are_called_as_python_calls_them(show):
    page = show(None)
    for hz, name in NOTES.items():
        assert page.evaluate("hz => Genrescope.axes.note(hz)", hz) == name


def test_long_word_of_a_mark_makes_way_for_its_neighbours(show):
    drawn = show(one_row()).evaluate(
        """() => {
          const drawn = [], same = (value) => value;
          const pen = { measureText: (text) => ({ width: 7 * text.length }),
            strokeText() {}, fillText: (...one) => drawn.push(one) };
          const area = { left: 0, right: 400, top: 0, bottom: 200 };
          const box = { area, px: same, y: { place: same }, x: { start: 0, stop: 400, place: same } };
          Genrescope.layers.markWords(pen, { box, style: { size: 12 } },
            { words: ["1", "2 · 880.0 Hz", "3"], xs: [100, 140, 180], ys: [50, 48, 52] });
          return drawn;
        }"""
    )
    places = {text: (x, x + 7 * len(text), y) for text, x, y in drawn}
    assert set(places) == {"1", "2 · 880.0 Hz", "3"}
    left, right, height = places.pop("2 · 880.0 Hz")
    assert left < 140 < right
    for start, stop, y in places.values():
        assert abs(y - height) >= 12 or right < start or stop < left


def test_larger_letters_are_for_all_pictures(show):
    page = show(one_row(), one_row())
    page.locator("#place0 .sheet-letters").click()
    page.wait_for_selector("#place1 .sheet.large")
    left = page.locator("#place1 .sheet-plot").evaluate(
        "e => getComputedStyle(e).getPropertyValue('--left')"
    )
    assert left == "96px"
    page.locator("#place1 .sheet-letters[aria-pressed=true]").wait_for()


def test_script_leaves_one_name_on_the_page(show):
    page = show(None)
    fresh = page.context.new_page()
    fresh.problems = []
    known = set(fresh.evaluate("Object.keys(window)"))
    added = set(page.evaluate("Object.keys(window)")) - known
    assert added == {"Genrescope", "asked", "places"}


def test_row_is_as_full_as_its_share_and_the_cursor_names_it(show):
    rows = Rows(
        [0.0, 1.0], [1.0, 2.0], [[0.0, 1.0], [1.0, 0.25]], ["#ff0000", "#0000ff"]
    )
    names = Axis("row", 0, 2, "", names=("rock", "jazz"))
    time = Axis("time", 0.0, 2.0, "Time (s)")
    plot = Plot("song_map", time, names, (rows,), is_sound=True)
    page = show(Sheet((plot,), "A map.", (), 2.0))
    box = box_of(page, right=RIGHT)
    x = box["left"] + 0.25 * (box["right"] - box["left"])
    y = box["top"] + 0.25 * (box["bottom"] - box["top"])
    assert pixel(page, x, y) == [0, 0, 255, 255]
    page.mouse.move(box["x"] + x, box["y"] + y)
    canvas.wait_for_reading(page, "jazz 100%")


def test_faint_line_is_paler_than_others(show):
    lines = (Line([0, 1000], [-60, -60]), Line([0, 1000], [-20, -20], is_faint=True))
    page = show(curves(*lines))
    box = box_of(page, right=RIGHT)
    middle = (box["left"] + box["right"]) / 2
    rows = range(int(box["top"]) + 2, int(box["bottom"]) - 2)
    strengths = [pixel(page, middle + 7, y)[3] for y in rows]
    upper, lower = strengths[: len(rows) // 2], strengths[len(rows) // 2 :]
    assert 0 < max(upper) < 0.75 * max(lower)
