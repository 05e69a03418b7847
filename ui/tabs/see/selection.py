"""Wire what pictures ask for: a part of the sound to see, play, choose; a moment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import gradio as gr

from ui.handlers import QUIETLY
from ui.player.passage import Passage
from ui.server.access import Visitor
from ui.session import Newest, Session, View
from ui.tabs.see.lesson import SLIDER_STEP_S, Lesson, last_s, redrawing


def build(session: Session, lessons: Sequence[Lesson], spectrum: Lesson) -> None:
    """Wire the pictures that run over the sound's time.

    Args:
        session: what the tabs share.
        lessons: all of the tab.
        spectrum: the one that shows a moment.
    """
    passage = Passage(session)
    over_time = [each for each in lessons if each.is_over_time]
    knobs = [knob for each in over_time for knob in each.knobs.values()]
    zoomed = [session.view, *(each.picture for each in over_time)]
    zoom = session.guarded(_zooming(session, over_time))
    at = session.guarded(_moment(session))
    start_s, n_samples = (spectrum.knobs[name] for name in ("start_s", "n_samples"))
    path = session.bar.path
    path.change(lambda: None, None, session.view, **QUIETLY)
    for picture in (each.picture for each in over_time):
        picture.zoom(zoom, [path, session.newest, *knobs], zoomed, **QUIETLY)
        passage.wire(picture)
        moved = picture.at(at, [path, n_samples], start_s, **QUIETLY)
        moved.then(**redrawing(session, spectrum))


def _zooming(session: Session, lessons: Sequence[Lesson]) -> Any:
    """Draw all pictures over time at once: they show the same part."""
    places = [each.picture for each in lessons]

    def zoom(
        path: str | None,
        newest: Newest,
        event: gr.EventData,
        *values: Any,
        visitor: Visitor,
    ) -> Any:
        if path is None:
            return gr.skip()
        is_newest = newest.ask(*places)
        view: View = None
        if event.start_s is not None:
            view = path, float(event.start_s), float(event.stop_s)
        scene = session.scene(path, view, visitor.language)
        turned = iter(values)
        sheets = [
            each.draw(scene, *islice(turned, len(each.knobs))).as_json()
            for each in lessons
        ]
        pairs = zip(places, sheets, strict=True)
        drawn = (sheet if is_newest(place) else gr.skip() for place, sheet in pairs)
        return [view, *drawn]

    return zoom


def _moment(session: Session) -> Any:
    """Return the spectrum's passage, with the moment in its middle."""

    def at(path: str | None, n_samples: int, event: gr.EventData) -> float:
        clip = session.clip(path)
        start_s = float(event.at_s) - n_samples / clip.sampling_rate / 2
        n_steps = min(max(start_s, 0.0), last_s(clip, n_samples)) // SLIDER_STEP_S
        return round(n_steps * SLIDER_STEP_S, 3)

    return at
