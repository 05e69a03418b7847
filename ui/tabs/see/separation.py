"""Harmonic and percussive: an excerpt separated by two medians, each part to hear."""

from __future__ import annotations

import gradio as gr

import i18n
from audio.clip import Clip
from audio.transforms.separation import NAMES, Parts, separated
from ui import canvas
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.comparison import on_the_same_axes
from ui.tabs.see.lesson import (
    Lesson,
    PlayerSound,
    draws,
    lesson,
    placed,
    plays_each,
    position,
)
from ui.tabs.see.rhythm import excerpt_s
from viz import separation as pictures
from viz.plot import Sheet

LENGTHS_S = (5, 10, 20)
KERNELS_MS = (50, 100, 200, 400, 800)
KERNELS_HZ = (100, 200, 400, 800, 1600)
MARGINS = (1, 2, 3, 5)
NAME = "separation"


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sounds = [
        player(text(f"see.part_{name}"), visible=False)
        for name in (pictures.WHOLE, *NAMES)
    ]
    switch = canvas.switch()
    with lesson(NAME, players=sounds, switch=switch) as picture:
        start_s = position()
        lengths = [(f"{n} s", n) for n in LENGTHS_S]
        length_s = gr.Radio(lengths, value=10, label=text("see.length_s"))
        times = [(f"{n} ms", n) for n in KERNELS_MS]
        kernel_ms = gr.Dropdown(times, value=400, label=text("see.kernel_ms"))
        bands = [(f"{n:,} Hz", n) for n in KERNELS_HZ]
        kernel_hz = gr.Dropdown(bands, value=400, label=text("see.kernel_hz"))
        margins = [(f"{n} ×", n) for n in MARGINS]
        margin = gr.Radio(margins, value=1, label=text("see.margin"))
    at_loudest = placed(session, start_s, _n_shown, length_s, when=picture.near)
    knobs = {
        "start_s": start_s,
        "length_s": length_s,
        "kernel_ms": kernel_ms,
        "kernel_hz": kernel_hz,
        "margin": margin,
    }

    def hear(clip: Clip, language: str, *values: float) -> list[PlayerSound]:
        start_s, length_s, *settings = values
        scene = Scene(clip, session.transforms, language)
        parts: Parts = scene.of(
            separated, **_settings(clip, start_s, length_s, *settings)
        )
        names = (pictures.WHOLE, *parts.names)
        return [
            PlayerSound(parts.clip(name), i18n.word(f"see.part_{name}", language))
            for name in names
        ]

    plays_each(session, picture, sounds, hear, *knobs.values(), after=at_loudest)
    return draws(session, Lesson(NAME, picture, knobs, draw), after=at_loudest)


def draw(
    scene: Scene,
    start_s: float,
    length_s: float,
    kernel_ms: float,
    kernel_hz: float,
    margin: float,
) -> Sheet:
    """Draw an excerpt and the parts that it is separated into."""
    settings = _settings(scene.clip, start_s, length_s, kernel_ms, kernel_hz, margin)
    found = scene.computed(separated, **settings)
    parts, language = found.result, scene.language
    shown_s = settings["start_s"], settings["stop_s"]
    plots = on_the_same_axes(pictures.plots(parts, shown_s[0], language))
    about = pictures.describe(parts, shown_s, margin, language)
    made = scene.provenance(NAME, found, length_s=round(shown_s[1] - shown_s[0], 3))
    return scene.sheet(plots, about, pictures.table(parts, language), made)


def _settings(
    clip: Clip,
    start_s: float,
    length_s: float,
    kernel_ms: float,
    kernel_hz: float,
    margin: float,
) -> dict[str, float]:
    """Return the arguments of ``separated``, the excerpt within the sound."""
    ends = dict(
        zip(("start_s", "stop_s"), excerpt_s(clip, start_s, length_s), strict=True)
    )
    return {
        **ends,
        "kernel_ms": kernel_ms,
        "kernel_hz": kernel_hz,
        "margin": float(margin),
    }


def _n_shown(clip: Clip, length_s: float) -> int:
    return round(length_s * clip.sampling_rate)
