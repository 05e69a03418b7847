"""Rhythm: onsets, tempo and its octaves, beats clicked over the sound."""

from __future__ import annotations

import gradio as gr

from audio.clip import Clip
from audio.transforms.rhythm import OCTAVES, beats, clicked, rhythm
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import (
    Choices,
    Lesson,
    draws,
    lesson,
    placed,
    plays,
    position,
)
from viz import rhythm as pictures
from viz.plot import Sheet

LENGTHS_S = (10, 20, 30)


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_beats"), visible=False)
    with lesson("rhythm", players=[sound]) as picture:
        start_s = position()
        lengths = [(f"{n} s", n) for n in LENGTHS_S]
        length_s = gr.Radio(lengths, value=10, label=text("see.length_s"))
        octaves: Choices = [
            (text(f"see.{pictures.octave_key(octave)}"), octave) for octave in OCTAVES
        ]
        octave = gr.Radio(octaves, value=1.0, label=text("see.octave"))
    at_loudest = placed(session, start_s, _n_shown, length_s, when=picture.near)
    knobs = {"start_s": start_s, "length_s": length_s, "octave": octave}
    plays(session, picture, sound, hear, *knobs.values(), after=at_loudest)
    return draws(session, Lesson("rhythm", picture, knobs, draw), after=at_loudest)


def draw(scene: Scene, start_s: float, length_s: float, octave: float) -> Sheet:
    """Draw onsets and beats of an excerpt, and how well each tempo fits."""
    shown = excerpt_s(scene.clip, start_s, length_s)
    ends = dict(zip(("start_s", "stop_s"), shown, strict=True))
    found = scene.of(rhythm, **ends)
    beats_s = scene.of(beats, **ends, octave=octave)
    language = scene.language
    plots = (
        pictures.onsets(found, beats_s, shown, language),
        pictures.tempos(found, language),
    )
    made = scene.provenance(
        "rhythm", **ends, length_s=shown[1] - shown[0], octave=octave
    )
    about = pictures.describe(found, beats_s, octave, shown, language)
    return scene.sheet(plots, about, pictures.table(found, octave, language), made)


def hear(clip: Clip, start_s: float, length_s: float, octave: float) -> Clip:
    """Return the excerpt with a click on each beat."""
    start_s, stop_s = excerpt_s(clip, start_s, length_s)
    times_s = beats(clip, start_s=start_s, stop_s=stop_s, octave=octave)
    return clicked(clip, times_s, start_s=start_s, stop_s=stop_s)


def excerpt_s(clip: Clip, start_s: float, length_s: float) -> tuple[float, float]:
    """Return start and stop (s) of an excerpt, moved back where the clip ends before."""
    start_s = max(min(start_s, clip.duration_s - length_s), 0.0)
    return round(start_s, 3), round(min(start_s + length_s, clip.duration_s), 3)


def _n_shown(clip: Clip, length_s: float) -> int:
    return round(length_s * clip.sampling_rate)
