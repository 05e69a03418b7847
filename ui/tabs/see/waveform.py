"""The waveform: where a newcomer starts."""

from __future__ import annotations

import gradio as gr

import viz.waveform
from audio.levels import extent, loudness
from ui.handlers import QUIETLY
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Lesson, draws, lesson
from viz.plot import Sheet


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("waveform", empty="first", start="start_with_example") as picture:
        is_stretched = gr.Checkbox(False, label=text("see.is_stretched"))
    picture.start(session.bar.first_example, None, session.bar.player, **QUIETLY)
    here = Lesson(
        "waveform", picture, {"is_stretched": is_stretched}, draw, is_over_time=True
    )
    return draws(session, here)


def draw(scene: Scene, is_stretched: bool) -> Sheet:
    """Amplitude over time, down to single samples."""
    loud, language = scene.of(loudness), scene.language
    plot = viz.waveform.plot(
        scene.clip, scene.shown_s, loud, language, is_stretched=is_stretched
    )
    about = scene.seen(viz.waveform.describe(scene.clip, language, loud))
    table = viz.waveform.table(loud, scene.of(extent), language)
    made = scene.provenance("waveform", scene.part(), is_stretched=is_stretched)
    return scene.sheet((plot,), about, table, made)
