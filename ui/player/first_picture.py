"""The picture that comes with a new sound: that of the lesson in view.

Asked for by itself it would be there two answers later, once the page has taken the sound
and noticed what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import gradio as gr
from gradio.components import Component

from errors import KnownError
from ui.newest import Newest


@dataclass(frozen=True)
class FirstPicture:
    """A picture that may come with a new sound.

    Attributes:
        name: of its lesson.
        place: where the page shows it.
        knobs: that it depends on; none that a new sound sets.
        draw: its sheet as JSON, of the sound's path, a language and the knobs' values.
    """

    name: str
    place: gr.HTML
    knobs: Sequence[Component]
    draw: Callable[..., str]


def knobs_of(pictures: Sequence[FirstPicture]) -> list[Component]:
    """List the knobs of all pictures, in the order in which ``drawn`` takes values."""
    return [knob for each in pictures for knob in each.knobs]


def drawn(
    pictures: Sequence[FirstPicture],
    seen: str,
    values: Sequence[Any],
    newest: Newest,
    path: str,
    language: str,
) -> str:
    """Draw the picture in view; return its lesson's name and the sheet, a line each.

    Args:
        pictures: that may come with a sound.
        seen: names of the lessons in view, from the top, with spaces between: the first
            of them that has such a picture counts.
        values: of the knobs of all pictures.
        newest: is told that an older request for the same picture is out of date.
        path: of the new sound.
        language: of the visitor.

    Returns:
        "" where no such picture is in view, it cannot be drawn, or a knob of it was
        turned meanwhile: then it is asked for as all others are.
    """
    given = iter(values)
    knobs = {each.name: list(islice(given, len(each.knobs))) for each in pictures}
    named = {each.name: each for each in pictures}
    first = next((named[name] for name in seen.split() if name in named), None)
    if first is None:
        return ""
    is_newest = newest.ask(first.place)
    try:
        sheet = first.draw(path, language, *knobs[first.name])
    except KnownError:
        return ""
    return f"{first.name}\n{sheet}" if is_newest(first.place) else ""
