"""Wire what pictures ask for: a part of the sound to see, play, choose; a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ui import canvas
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
    at = session.guarded(_moment(session))
    start_s, n_samples = (spectrum.knobs[name] for name in ("start_s", "n_samples"))
    path = session.bar.path
    session.at_new_sound(lambda: None, [], [session.view])
    for each in over_time:
        picture = each.picture
        others = [other.name for other in over_time if other is not each]
        inputs = [path, session.newest, *each.knobs.values()]
        zoom = session.guarded(_zooming(session, each))
        zoomed = picture.zoom(zoom, inputs, [session.view, picture], **QUIETLY)
        again = canvas.waiting(others, is_new=False)
        zoomed.then(None, None, None, js=again, **QUIETLY)
        passage.wire(picture)
        moved = picture.at(at, [path, n_samples], start_s, **QUIETLY)
        moved.then(**redrawing(session, spectrum))


def _zooming(session: Session, lesson: Lesson) -> Any:
    """Draw the picture that asks; the others show the same part once they are near."""

    def zoom(
        path: str | None,
        newest: Newest,
        event: gr.EventData,
        *values: Any,
        visitor: Visitor,
    ) -> Any:
        if path is None:
            return gr.skip()
        is_newest = newest.ask(lesson.picture)
        view: View = None
        if event.start_s is not None:
            view = path, float(event.start_s), float(event.stop_s)
        sheet = lesson.draw(session.scene(path, view, visitor.language), *values)
        is_due = is_newest(lesson.picture) and newest.is_of(path)
        return view, sheet.as_json() if is_due else gr.skip()

    return zoom


def _moment(session: Session) -> Any:
    """Return the spectrum's passage, with the moment in its middle."""

    def at(path: str | None, n_samples: int, event: gr.EventData) -> gr.Slider:
        clip = session.clip(path)
        start_s = float(event.at_s) - n_samples / clip.sampling_rate / 2
        most_s = last_s(clip, n_samples)
        n_steps = min(max(start_s, 0.0), most_s) // SLIDER_STEP_S
        # The lesson may not have been near yet, so that it has another sound's end.
        return gr.Slider(maximum=most_s, value=round(n_steps * SLIDER_STEP_S, 3))

    return at
