"""Curves over steps, of one run or several."""

import json
import math

import numpy as np
import pytest

from support.gallery import ACCURACY, LOSS, training
from viz import curves, paper, reliability, table
from viz.curves import Curve
from viz.palette import GREY_LINE
from viz.plot import N_COLUMNS, Sheet
from viz.reliability import Point


def plot_of(*drawn, **choices):
    return curves.plot("loss", drawn, "en", **choices)


def test_each_run_has_a_line_of_its_own_colour_and_name():
    plot = plot_of(Curve("a", [1, 2], [2.0, 1.0]), Curve("b", [1, 2], [3.0, 2.0]))
    assert [line.ys for line in plot.layers] == [[2, 1], [3, 2]]
    assert [line.name for line in plot.layers] == ["a", "b"]
    assert len({line.colour for line in plot.layers}) == 2


def test_many_runs_are_told_apart_by_dashes_and_none_is_grey():
    every = [Curve(f"{i}", [1, 2], [1.0, 2.0]) for i in range(18)]
    lines = plot_of(*every).layers
    assert len({(line.colour, line.dash) for line in lines}) == 18
    assert GREY_LINE not in {line.colour for line in lines}
    assert paper.png(Sheet((plot_of(*every),), ""))


def test_value_that_is_none_is_a_gap_and_spoils_no_scale():
    plot = plot_of(Curve("", [1, 2, 3], [1.0, math.inf, 2.0]))
    assert plot.layers[0].ys == [1.0, None, 2.0]
    assert plot.y.stop == pytest.approx(2.2)
    (axes,) = paper.figure(Sheet((plot,), "")).axes
    assert math.isnan(axes.lines[0].get_ydata()[1])
    assert axes.get_legend() is None


def test_what_falls_by_powers_of_ten_can_be_drawn_on_a_logarithmic_axis():
    falling = Curve("", [1, 2, 3], [2.0, 0.02, 0.002])
    plot = plot_of(falling)
    assert plot.y.scales == ("linear", "log")
    assert plot_of(falling, is_percent=True).y.scales == ("linear",)
    look = paper.Look({"loss.y": "log"})
    (axes,) = paper.figure(Sheet((plot,), ""), look).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["0.001", "0.01", "0.1", "1"]
    assert np.allclose(axes.lines[0].get_ydata(), np.log10([2.0, 0.02, 0.002]))


def test_part_of_the_steps_is_as_high_as_its_values():
    falling = Curve("", [0, 10, 20, 30], [8.0, 4.0, 2.0, 1.0])
    shown = curves.part(plot_of(falling, n_steps=40), 15, 30)
    assert (shown.x.start, shown.x.stop) == (15, 30)
    assert shown.layers[0].xs == [15, 20, 30]  # the first one where it crosses the edge
    assert shown.layers[0].ys == [3, 2, 1]
    assert shown.y.start == pytest.approx(1 - 0.06 * 2, abs=0.03)
    assert shown.y.stop == pytest.approx(3 + 0.06 * 2)
    assert table.as_csv(Sheet((shown,), "")).decode().count("\n") == 4


def test_part_with_no_value_keeps_its_upright_axis():
    plot = plot_of(Curve("", [30], [50.0]), n_steps=40, is_percent=True)
    assert curves.part(plot, 0, 10).y == plot.y


def test_numbers_of_curves_are_saved_under_their_names():
    drawn = [Curve("training", [1, 2], [2.0, 1.0]), Curve("validation", [2], [1.5])]
    text = table.as_csv(Sheet((plot_of(*drawn),), "")).decode()
    assert text.startswith("Step,Loss · training\n1.0,2.0\n2.0,1.0\n")
    assert text.endswith("Step,Loss · validation\n2.0,1.5\n")


def test_long_run_is_drawn_as_means_with_no_more_points_than_columns():
    n = 100_000
    (line,) = plot_of(Curve("", range(n), [1.0] * n)).layers
    assert len(line.xs) <= N_COLUMNS
    assert set(line.ys) == {1.0}


def test_ended_run_of_many_steps_keeps_each_for_a_closer_look():
    measured = np.random.default_rng(0).random(curves.N_WHOLE)
    curve = Curve("", range(len(measured)), measured)
    (line,) = plot_of(curve, n_points=curves.N_WHOLE).layers
    assert line.xs[5000:5010] == [*range(5000, 5010)]
    assert np.allclose(line.ys[5000:5010], measured[5000:5010], rtol=1e-5)


def test_few_points_are_marked_so_that_one_alone_is_seen():
    assert plot_of(Curve("", [7], [1.0])).layers[0].shape == "marked"
    assert plot_of(Curve("", range(500), [1.0] * 500)).layers[0].shape == "line"


@pytest.mark.parametrize(
    ("loss", "accuracy"),
    [
        (Curve("", [], []), Curve("", [], [])),
        (Curve("", [1], [2.3]), Curve("", [], [])),
        (Curve("", [1, 2], [0.0, 0.0]), Curve("", [], [])),
        (Curve("", [1, 2], [math.nan, math.inf]), Curve("", [2], [math.nan])),
        (Curve("", range(5000), np.linspace(3, 1, 5000)), Curve("", [], [])),
    ],
)
def test_training_draws_whatever_there_is(loss, accuracy):
    sheet = training(loss, accuracy, 100)
    text = sheet.as_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert len(text) < 40_000
    assert json.loads(text)["about"]
    assert b"nan" not in paper.svg(sheet).lower()


def test_training_says_its_last_numbers_or_that_there_are_none():
    about = curves.describe(LOSS, ACCURACY, 100, "en")
    assert "step 30 of 100, loss 1.200" in about
    assert "70.0%" in about
    small = Curve("", [30], [0.00031])
    assert "loss 0.0003100" in curves.describe(small, ACCURACY, 100, "en")
    nothing = Curve("", [1], [math.nan])
    assert "none is done" in curves.describe(nothing, Curve("", [], []), 9, "en")


def test_reliability_has_a_dot_and_a_number_of_songs_a_bin():
    points = [Point(0.57, 1.0, 1, 0.21, 1.0), Point(0.8, 0.67, 3, 0.21, 0.94)]
    (plot,) = reliability.sheet(points, "en").plots
    rule, line, bars, marks = plot.layers
    assert bars.xs == [57, 57, 57, 80, 80, 80]
    assert bars.ys == [21, 100, None, 21, 94, None]
    assert (rule.xs, rule.ys) == ([0, 100], [0, 100])
    assert (line.xs, line.ys) == ([57, 80], [100, 67])
    assert marks.words == ["1", "3"]
    assert plot.x.stop == 100
    assert marks.radii_px == [5.2, 9.0]  # the areas are as the songs
