"""The waveform: where a newcomer starts."""

from __future__ import annotations

import gradio as gr

from ui import sheets
from ui.handlers import QUIETLY
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Lesson, draws, lesson


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("waveform", empty="first", start="start_with_example") as picture:
        is_stretched = gr.Checkbox(False, label=text("see.is_stretched"))
    picture.start(session.bar.first_example, None, session.bar.player, **QUIETLY)
    knobs = {"is_stretched": is_stretched}
    here = Lesson("waveform", picture, knobs, sheets.waveform, is_over_time=True)
    return draws(session, here)
