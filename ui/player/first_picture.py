"""The pictures that come with a new sound: those of the lessons in view.

Asked for by themselves they would be there two answers later, once the page has taken the
sound and noticed what it lacks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from errors import KnownError
from ui.newest import Newest

# A picture that is begun later than that delays the sound and the first one: it is asked
# for afterwards. The first of 4 minutes takes about that long, the next may take five times.
BEGIN_S = 0.04
# Of a position: where a sound leaves less, there is nothing to choose.
LEAST_STEP_S = 0.01


@dataclass(frozen=True)
class Position:
    """A knob for where in the sound, which each new sound sets.

    Attributes:
        slider: the knob (s).
        knobs: others that it depends on.
        find: where it is set to and where it ends (s), of the path of the sound and those
            knobs' values.
    """

    slider: gr.Slider
    knobs: Sequence[Component]
    find: Callable[..., tuple[float, float]]


@dataclass(frozen=True)
class FirstPicture:
    """A picture that may come with a new sound.

    Attributes:
        name: of its lesson.
        place: where the page shows it.
        knobs: that it depends on.
        draw: its sheet as JSON, of the sound's path, a language and the knobs' values.
        position: the one of them that a new sound sets; None without.
    """

    name: str
    place: gr.HTML
    knobs: Sequence[Component]
    draw: Callable[..., str]
    position: Position | None = None


@dataclass(frozen=True)
class Drawn:
    """What comes with a sound.

    Attributes:
        text: the pictures, for each its name and its sheet, a line each; "" without any.
        positions: for each slider of ``sliders_of`` where it is set to, or nothing.
    """

    text: str
    positions: Sequence[Any]


def knobs_of(pictures: Sequence[FirstPicture]) -> list[Component]:
    """List the knobs of all pictures, each once, in the order that ``drawn`` takes."""
    return [*{knob._id: knob for each in pictures for knob in each.knobs}.values()]


def sliders_of(pictures: Sequence[FirstPicture]) -> list[gr.Slider]:
    """List the knobs that a new sound sets."""
    return [each.position.slider for each in pictures if each.position]


def set_to(at_s: float, most_s: float) -> gr.Slider:
    """Set a position and its end (s)."""
    can_move = most_s > LEAST_STEP_S
    return gr.Slider(maximum=most_s, value=round(at_s, 3), interactive=can_move)


def drawn(
    pictures: Sequence[FirstPicture],
    seen: str,
    values: Sequence[Any],
    newest: Newest,
    path: str,
    language: str,
) -> Drawn:
    """Draw the pictures in view.

    Args:
        pictures: that may come with a sound.
        seen: names of those in view, from the top, with spaces between. One that cannot
            come, cannot be drawn, or of which a knob was turned meanwhile is left out: it
            is asked for as all others are.
        values: of the knobs of all pictures, as ``knobs_of`` lists them.
        newest: is told that an older request for the same picture is out of date.
        path: of the new sound.
        language: of the visitor.
    """
    given = {knob._id: of for knob, of in zip(knobs_of(pictures), values, strict=False)}
    lines: list[str] = []
    moved: dict[int, gr.Slider] = {}
    for each in _in_time(pictures, seen):
        mine = dict(given)
        is_newest = newest.ask(each.place)
        try:
            place = _placed(each.position, path, mine)
            sheet = each.draw(path, language, *(mine[knob._id] for knob in each.knobs))
        except KnownError:
            continue
        if is_newest(each.place):
            lines += [each.name, sheet]
            moved |= place
    positions = [moved.get(one._id, gr.skip()) for one in sliders_of(pictures)]
    return Drawn("\n".join(lines), positions)


def _in_time(pictures: Sequence[FirstPicture], seen: str) -> Iterator[FirstPicture]:
    """Yield those in view, from the top, as long as it is not too late to begin."""
    named = {each.name: each for each in pictures}
    end_s = time.monotonic() + BEGIN_S
    for number, name in enumerate(each for each in seen.split() if each in named):
        if number and time.monotonic() > end_s:
            return
        yield named[name]


def _placed(
    position: Position | None, path: str, values: dict[int, Any]
) -> Mapping[int, gr.Slider]:
    """Set a position among the knobs' values; return what the page is to show of it."""
    if position is None:
        return {}
    at_s, most_s = position.find(path, *(values[knob._id] for knob in position.knobs))
    values[position.slider._id] = round(at_s, 3)
    return {position.slider._id: set_to(at_s, most_s)}
