"""A tone built from sines, and the DFT that finds them again."""

from __future__ import annotations

import gradio as gr

from audio.clip import Clip
from audio.synth import harmonics
from audio.synth.harmonics import Recipe
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Choices, Lesson, draws, lesson, plays
from viz import sines
from viz.plot import Sheet

NONE = 0  # a choice, for no harmonic that differs
LOWEST_DB, STEP_DEG = -60, 15


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_sines"), visible=False)
    with lesson("sines", players=[sound]) as picture:
        shapes = [(text(f"see.shape_{name}"), name) for name in harmonics.SHAPES]
        shape = gr.Dropdown(shapes, value="saw", label=text("see.shape"))
        number = gr.Slider(
            1, harmonics.N_HARMONICS, 16, step=1, label=text("see.n_harmonics")
        )
        phases = [(text(f"see.phases_{name}"), name) for name in harmonics.PHASES]
        phase = gr.Radio(phases, value="shape", label=text("see.phases"))
        pitches = [(f"{hz} Hz", hz) for hz in harmonics.FUNDAMENTALS_HZ]
        pitch = gr.Radio(pitches, value=220.5, label=text("see.fundamental"))
        numbers = range(1, harmonics.N_HARMONICS + 1)
        others: Choices = [(text("see.no_harmonic"), NONE)]
        others += [(str(n), n) for n in numbers]
        changed = gr.Dropdown(others, value=NONE, label=text("see.changed_harmonic"))
        level = gr.Slider(LOWEST_DB, 6, 0, step=1, label=text("see.changed_level"))
        degrees = gr.Slider(
            0, 360 - STEP_DEG, 0, step=STEP_DEG, label=text("see.changed_phase")
        )
    knobs = {
        "shape": shape,
        "n_harmonics": number,
        "phases": phase,
        "fundamental_hz": pitch,
        "changed": changed,
        "level_db": level,
        "phase_deg": degrees,
    }
    plays(session, picture, sound, hear, *knobs.values())
    return draws(session, Lesson("sines", picture, knobs, draw))


def draw(
    scene: Scene,
    shape: str,
    n_harmonics: int,
    phases: str,
    fundamental_hz: float,
    changed: int,
    level_db: float,
    phase_deg: float,
) -> Sheet:
    """Draw the sines and their sum, and what the DFT finds of them."""
    recipe = recipe_of(shape, n_harmonics, phases, changed, level_db, phase_deg)
    waves = harmonics.sines(recipe, fundamental_hz, harmonics.N_ANALYSED)
    found = harmonics.found(waves.sum(axis=0), fundamental_hz)
    language = scene.language
    plots = (
        sines.waves(recipe, fundamental_hz, changed, language),
        sines.spectrum(found, fundamental_hz, language),
    )
    made = scene.provenance(
        "sines",
        fundamental_hz=fundamental_hz,
        levels_db=recipe.levels_db,
        phases_deg=recipe.phases_deg,
    )
    about = sines.describe(recipe, fundamental_hz, found, language)
    table = sines.table(recipe, found, fundamental_hz, language)
    return scene.sheet(plots, about, table, made)


def hear(
    _: Clip,
    shape: str,
    n_harmonics: int,
    phases: str,
    fundamental_hz: float,
    changed: int,
    level_db: float,
    phase_deg: float,
) -> Clip:
    """Return two seconds of the tone."""
    recipe = recipe_of(shape, n_harmonics, phases, changed, level_db, phase_deg)
    return harmonics.tone(recipe, fundamental_hz)


def recipe_of(
    shape: str,
    n_harmonics: int,
    phases: str,
    changed: int,
    level_db: float,
    phase_deg: float,
) -> Recipe:
    """Return the recipe that the controls choose; the lowest level is silence."""
    recipe = harmonics.recipe(shape, int(n_harmonics), phases)
    if not changed:
        return recipe
    if level_db <= LOWEST_DB:
        level_db = harmonics.ABSENT_DB
    return recipe.changed(changed, level_db, phase_deg)
