"""How HuBERT learned: half of the frames hidden, their clusters to guess."""

from __future__ import annotations

import gradio as gr

from audio.clip import Clip
from audio.hubert import masking
from audio.hubert.preprocessing import HOP_LENGTH, SAMPLING_RATE, n_frames
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Lesson, draws, excerpt, lesson, loudest_s, plays
from viz import guessing
from viz.plot import Sheet

N_CLUSTERS = [4, 8, 16]  # as many rows as a picture has room for
N_DRAWS = 20


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_masked"))
    with lesson("masking", players=[sound]) as picture:
        n_clusters = gr.Radio(N_CLUSTERS, value=8, label=text("see.n_clusters"))
        number = gr.Slider(1, N_DRAWS, 1, step=1, label=text("see.draw_number"))
    plays(session, sound, hear, number)
    knobs = {"n_clusters": n_clusters, "number": number}
    return draws(session, Lesson("masking", picture, knobs, draw, is_over_time=True))


def draw(scene: Scene, n_clusters: int, number: int) -> Sheet:
    """Draw the clusters of all frames, and which are hidden."""
    found = scene.of(masking.clusters, n_clusters=n_clusters)
    is_hidden = masking.hidden(len(found.labels), number)
    plot = guessing.guessing(found, is_hidden, scene.shown_s, scene.language)
    about = guessing.describe(found, is_hidden, scene.language)
    made = scene.provenance("masking", n_clusters=n_clusters, number=number)
    return scene.sheet((plot,), scene.seen(about), (), made)


def hear(clip: Clip, number: int) -> Clip:
    """Return the loudest ten seconds, silent where frames are hidden."""
    since_s, part = excerpt(clip, loudest_s(clip, clip.sampling_rate))
    n = n_frames(round(clip.duration_s * SAMPLING_RATE))
    first = round(since_s * SAMPLING_RATE / HOP_LENGTH)
    return masking.silenced(part, masking.hidden(n, number)[first:])
