"""Timbre at one pitch: four instruments, their partials, and each other's attack."""

from __future__ import annotations

import gradio as gr

import i18n
from audio.clip import Clip
from audio.notes import note_of
from audio.synth import timbres
from audio.synth.timbres import INSTRUMENTS, PITCHES_HZ, STIFFNESSES
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Choices, Lesson, draws, lesson, plays
from viz import timbre
from viz.plot import Sheet

OWN = "own"  # a choice, for the instrument's own envelope


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_note"), visible=False)
    with lesson("timbre", players=[sound]) as picture:
        names = [(text(f"see.instrument_{name}"), name) for name in INSTRUMENTS]
        instrument = gr.Radio(names, value="trumpet", label=text("see.instrument"))
        envelopes = [(text("see.own_envelope"), OWN), *names]
        envelope = gr.Dropdown(envelopes, value=OWN, label=text("see.envelope"))
        pitches: Choices = [(_named(hz), hz) for hz in PITCHES_HZ]
        pitch = gr.Radio(pitches, value=PITCHES_HZ[1], label=text("see.pitch"))
        stiffnesses = [(f"{b:g}", b) for b in STIFFNESSES]
        stiffness = gr.Radio(
            stiffnesses, value=STIFFNESSES[2], label=text("see.stiffness")
        )
    knobs = {
        "instrument": instrument,
        "envelope": envelope,
        "hz": pitch,
        "stiffness": stiffness,
    }
    plays(session, picture, sound, hear, *knobs.values())
    return draws(session, Lesson("timbre", picture, knobs, draw))


def draw(
    scene: Scene, instrument: str, envelope: str, hz: float, stiffness: float
) -> Sheet:
    """Draw how the note begins and fades among the others, and its partials."""
    clip = _note(instrument, envelope, hz, stiffness)
    levels, language = timbres.spectrum(clip), scene.language
    rungs = timbres.ladder(levels, hz)
    names = {
        name: i18n.word(f"see.instrument_{name}", language) for name in INSTRUMENTS
    }
    notes = [
        (names[each], clip if each == instrument else _note(each, OWN, hz, stiffness))
        for each in INSTRUMENTS
    ]
    plots = (
        timbre.envelopes(notes, [*INSTRUMENTS].index(instrument), hz, language),
        timbre.partials(levels, rungs, hz, language),
    )
    made = scene.provenance(
        "timbre",
        instrument=instrument,
        envelope=instrument if envelope == OWN else envelope,
        hz=hz,
        stiffness=stiffness,
    )
    about = timbre.describe(names[instrument], clip, rungs, hz, language)
    return scene.sheet(plots, about, timbre.table(rungs, hz, language), made)


def hear(_: Clip, instrument: str, envelope: str, hz: float, stiffness: float) -> Clip:
    """Return two seconds of the note."""
    return _note(instrument, envelope, hz, stiffness)


def _note(instrument: str, envelope: str, hz: float, stiffness: float) -> Clip:
    other = "" if envelope == OWN else envelope
    return timbres.note(instrument, hz, envelope=other, stiffness=stiffness)


def _named(hz: float) -> str:
    return note_of(hz).name.split("/")[-1]
