"""What a decibel is: a ratio, seen and compared by ear."""

from __future__ import annotations

import gradio as gr
import numpy as np

from audio import gain
from audio.clip import Clip
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import (
    Lesson,
    draws,
    lesson,
    placed,
    plays,
    position,
)
from viz import decibels
from viz.plot import Sheet

SOUNDS = ("chosen", "tone")
TONE_HZ, TONE_AMPLITUDE, TONE_S = 440.0, 0.5, 1.5
TONE_RATE = 44_100  # Hz
HEARD_S = 2.0  # of the chosen sound, at each of the two levels


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_level"), visible=False)
    with lesson("decibels", players=[sound]) as picture:
        low, high = round(decibels.LOWEST_DB), round(decibels.HIGHEST_DB)
        gain_db = gr.Slider(low, high, -6, step=1, label=text("see.gain_db"))
        choices = [(text(f"see.level_of_{name}"), name) for name in SOUNDS]
        of = gr.Radio(choices, value="chosen", label=text("see.level_of"))
        start_s = position()
    at_loudest = placed(session, start_s, _n_shown, when=picture.near)
    knobs = {"gain_db": gain_db, "of": of, "start_s": start_s}
    plays(session, picture, sound, hear, *knobs.values(), after=at_loudest)
    return draws(session, Lesson("decibels", picture, knobs, draw), after=at_loudest)


def draw(scene: Scene, gain_db: float, of: str, start_s: float) -> Sheet:
    """Draw ten milliseconds at both levels, and the ratios over decibels."""
    is_tone, language = of == "tone", scene.language
    pair = gain.pair(_tone() if is_tone else scene.clip, gain_db)
    plots = (
        decibels.both(pair, 0.0 if is_tone else start_s, language),
        decibels.ratios(gain_db, language),
    )
    made = scene.provenance("decibels", start_s=start_s, gain_db=gain_db, of=of)
    about = decibels.describe(pair, language)
    return scene.sheet(plots, about, decibels.table(gain_db, language), made)


def hear(clip: Clip, gain_db: float, of: str, start_s: float) -> Clip:
    """Return up to two seconds as they are, then the same at the other level."""
    if of == "tone":
        return gain.pair(_tone(), gain_db).in_turn()
    first = round(start_s * clip.sampling_rate)
    part = clip.part(first, first + round(HEARD_S * clip.sampling_rate))
    return gain.pair(Clip(part, clip.sampling_rate), gain_db).in_turn()


def _tone() -> Clip:
    times_s = np.arange(round(TONE_S * TONE_RATE)) / TONE_RATE
    wave = TONE_AMPLITUDE * np.sin(2 * np.pi * TONE_HZ * times_s)
    return Clip(wave.astype(np.float32), TONE_RATE, "tone")


def _n_shown(clip: Clip) -> int:
    return round(decibels.LENGTH_S * clip.sampling_rate)
