"""Addresses that restore what a lesson shows of a built-in sound.

``?sound=brass&stft.n_fft=4096&stft.window=hann``: the clip bar reads ``sound``, this
module the rest. Only what a knob offers is accepted; a position is not kept, because
each new sound sets it to its loudest passage.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio.components import Component

from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.lessons.frame import Lesson


def build(desk: Desk, lessons: Sequence[Lesson]) -> None:
    """Set the knobs as the page's address says, once it has loaded."""
    knobs = [knob for lesson in lessons for knob in lesson.knobs]

    @desk.guarded
    def restore(page: gr.Request) -> list[Any]:
        return restored(lessons, page.query_params)

    gr.on(None, restore, None, knobs, **QUIETLY)


def query(lesson: Lesson, sound: str, values: Sequence[Any]) -> str:
    """The part of an address from its question mark on.

    Args:
        lesson: whose knobs are written.
        sound: id of a built-in sound.
        values: of the lesson's knobs.
    """
    named = zip(knob_names(lesson), lesson.knobs, values, strict=True)
    settings = {
        f"{lesson.name}.{name}": value for name, knob, value in named if offers(knob)
    }
    return f"?{urlencode({'sound': sound, **settings})}"


def restored(lessons: Sequence[Lesson], asked: Mapping[str, str]) -> list[Any]:
    """A value, or none, for each knob of each lesson in turn.

    Args:
        lessons: with the knobs.
        asked: an address's parameters; unknown ones are ignored.
    """
    updates = []
    for lesson in lessons:
        for name, knob in zip(knob_names(lesson), lesson.knobs, strict=True):
            text = asked.get(f"{lesson.name}.{name}")
            found = [value for value in offers(knob) if str(value) == text]
            updates.append(gr.update(value=found[0]) if found else gr.skip())
    return updates


def offers(knob: Component) -> list[Any]:
    """The values that a knob lets choose from; none for a position."""
    if isinstance(knob, gr.Checkbox):
        return [False, True]
    return [value for _, value in getattr(knob, "choices", None) or ()]


def knob_names(lesson: Lesson) -> list[str]:
    """What the lesson calls its knobs, in their order."""
    _, *names = inspect.signature(lesson.draw).parameters
    return names
