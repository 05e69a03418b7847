"""Pitch as a scale: constant-Q, chroma, tuning, and harmonics between the keys."""

from __future__ import annotations

import gradio as gr

from audio import transforms
from audio.clip import Clip
from audio.notes import A4_HZ
from audio.transforms import Frames
from audio.transforms.pitch import harmonic_beside_key, pitches, tuned_hz
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
from viz import pitch
from viz.plot import N_COLUMNS, Sheet

ESTIMATED = 0  # a choice, for the tuning that is found
TUNINGS_HZ = (415, 432, 440, 442)
EXCERPT_S = 10.0
HIGHEST_HARMONIC = 16


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_harmonic"), visible=False)
    with lesson("pitch", players=[sound]) as picture:
        start_s = position()
        tunings: Choices = [(text("see.a4_found"), ESTIMATED)]
        tunings += [(f"{hz} Hz", hz) for hz in TUNINGS_HZ]
        a4_hz = gr.Radio(tunings, value=440, label=text("see.a4"))
        number = gr.Slider(
            2, HIGHEST_HARMONIC, 7, step=1, label=text("see.harmonic_number")
        )
    at_loudest = placed(session, start_s, _n_shown, when=picture.near)
    knobs = {"start_s": start_s, "a4_hz": a4_hz, "harmonic": number}
    plays(session, picture, sound, hear, a4_hz, number, after=at_loudest)
    return draws(session, Lesson("pitch", picture, knobs, draw), after=at_loudest)


def draw(scene: Scene, start_s: float, a4_hz: float, harmonic: int) -> Sheet:
    """Draw ten seconds in rows of semitones, as chroma, and as a spectrogram."""
    clip, language = scene.clip, scene.language
    start_s = round(max(min(start_s, clip.duration_s - EXCERPT_S), 0.0), 3)
    stop_s = round(min(start_s + EXCERPT_S, scene.clip.duration_s), 3)
    shown_s = (start_s, max(stop_s, start_s + 0.01))
    ends = {"start_s": start_s, "stop_s": stop_s}
    found_hz = scene.of(tuned_hz, **ends)
    used_hz = a4_hz or found_hz
    found = scene.of(pitches, **ends, a4_hz=used_hz)
    frames = Frames(n_columns=N_COLUMNS, start_s=start_s, stop_s=stop_s or None)
    rows = pitch.constant_q(found, shown_s, language)
    plots = (
        rows,
        pitch.beside(scene.of(transforms.stft, frames=frames), rows, language),
        pitch.chroma(found, shown_s, language),
    )
    made = scene.provenance("pitch", **ends, a4_hz=used_hz, harmonic=harmonic)
    about = pitch.describe(found, harmonic, used_hz, found_hz, shown_s, language)
    return scene.sheet(plots, about, pitch.table(harmonic, used_hz, language), made)


def hear(_: Clip, a4_hz: float, harmonic: int) -> Clip:
    """Return the nearest key, the harmonic, then both."""
    return harmonic_beside_key(harmonic, a4_hz or A4_HZ)


def _n_shown(clip: Clip) -> int:
    return round(EXCERPT_S * clip.sampling_rate)
