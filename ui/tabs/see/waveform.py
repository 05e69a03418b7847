"""The waveform: where a newcomer starts."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr

import viz.waveform
from audio.levels import loudness
from ui import sheets
from ui.handlers import QUIETLY
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Lesson, draws, lesson, loudest_s
from viz.plot import Sheet
from viz.wording import phrase

CLOSE_S = 0.02  # in which a wave of a voice or an instrument is seen


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("waveform", empty="first", start="start_with_example") as picture:
        is_stretched = gr.Checkbox(False, label=text("see.is_stretched"))
    picture.start(session.bar.first_example, None, session.bar.player, **QUIETLY)
    knobs = {"is_stretched": is_stretched}
    here = Lesson("waveform", picture, knobs, draw, is_over_time=True)
    return draws(session, here)


def draw(scene: Scene, is_stretched: bool) -> Sheet:
    """Draw the whole sound, and a moment of it where single waves are seen.

    A sound that is zoomed into shows its waves by itself.
    """
    sheet = sheets.waveform(scene, is_stretched)
    start_s, stop_s = scene.shown_s
    if scene.view or stop_s - start_s < 2 * CLOSE_S:
        return sheet
    n_samples = round(CLOSE_S * scene.clip.sampling_rate)
    at_s = loudest_s(scene.clip, n_samples)
    close = viz.waveform.plot(
        scene.clip,
        (at_s, at_s + CLOSE_S),
        scene.of(loudness),
        scene.language,
        is_stretched=is_stretched,
    )
    title = phrase("loudest_moment", scene.language, ms=1000 * CLOSE_S, at_s=at_s)
    close = replace(close, name="close", title=title, facts=(), is_sound=False)
    return replace(sheet, plots=(*sheet.plots, close))
