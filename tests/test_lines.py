"""Lines over steps, of one run or several."""

import math

import pytest
from viz.lines import Line

from viz import lines, style
from viz.style import Look


def axes_of(*drawn, **choices):
    (axes,) = lines.figure(drawn, "Loss", Look(), **choices).axes
    return axes


def test_each_run_has_a_line_of_its_own_colour_and_name():
    axes = axes_of(Line("a", [1, 2], [2.0, 1.0]), Line("b", [1, 2], [3.0, 2.0]))
    assert [list(line.get_ydata()) for line in axes.lines] == [[2, 1], [3, 2]]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]


def test_value_that_is_none_is_a_gap_and_spoils_no_scale():
    axes = axes_of(Line("", [1, 2, 3], [1.0, math.inf, 2.0]))
    assert math.isnan(axes.lines[0].get_ydata()[1])
    assert axes.get_ylim() == pytest.approx((0, 2.2))
    assert axes.get_legend() is None


def test_long_run_is_drawn_as_means_with_no_more_points_than_pixels():
    n = 100_000
    axes = axes_of(Line("", list(range(n)), [1.0] * n), top=100)
    (line,) = axes.lines
    assert len(line.get_xdata()) <= style.size_px(axes)[0]
    assert set(line.get_ydata()) == {1.0}
    assert axes.get_ylim() == (0, 100)


def test_run_without_a_step_is_an_empty_picture():
    svg = style.svg(lines.figure([Line("a", [], [])], "Loss", Look()), alt="nothing")
    assert svg.startswith("<svg")
