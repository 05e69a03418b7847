"""How HuBERT learned: more than half of the frames hidden, their clusters to guess."""

from __future__ import annotations

from functools import partial

import gradio as gr

import i18n
from audio.clip import Clip
from audio.hubert import masking
from audio.hubert.preprocessing import HOP_LENGTH, SAMPLING_RATE, n_frames
from classifier.models import Models
from networks import front_end
from networks.checkpoint import read_json
from ui.model_choice import title
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.hubert_input import at_hand
from ui.tabs.see.lesson import (
    Lesson,
    draws,
    excerpt,
    lesson,
    loudest_s,
    plays,
    redrawing,
)
from viz import guessing
from viz.plot import Sheet
from viz.wording import joined

N_CLUSTERS = [4, 8, 16]  # as many rows as a picture has room for
N_DRAWS = 20
AT_RANDOM = ("small", "bundled", "demo")  # base models that learned from labels alone


def build(session: Session, models: Models) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_masked"))
    with lesson("masking", players=[sound]) as picture:
        n_clusters = gr.Radio(N_CLUSTERS, value=8, label=text("see.n_clusters"))
        number = gr.Slider(1, N_DRAWS, 1, step=1, label=text("see.draw_number"))
    plays(session, sound, hear, number)
    knobs = {"n_clusters": n_clusters, "number": number, "classifier": session.model}
    drawn = partial(draw, models)
    here = draws(session, Lesson("masking", picture, knobs, drawn, is_over_time=True))
    session.model.change(**redrawing(session, here))
    return here


def draw(
    models: Models, scene: Scene, n_clusters: int, number: int, classifier: str | None
) -> Sheet:
    """Draw the clusters of all frames, and which are hidden.

    Beside them stands what the model chosen in Classify learned before it met a genre.
    """
    found = scene.of(masking.clusters, n_clusters=n_clusters)
    is_hidden = masking.hidden(len(found.labels), number)
    plot = guessing.guessing(found, is_hidden, scene.shown_s, scene.language)
    about = guessing.describe(found, is_hidden, scene.language)
    made = scene.provenance("masking", n_clusters=n_clusters, number=number)
    about = joined(
        [scene.seen(about), training(models, classifier, scene.language)],
        scene.language,
    )
    return scene.sheet((plot,), about, (), made)


def training(models: Models, key: str | None, language: str) -> str:
    """Describe what the chosen model learned before it met a genre."""
    ref, folder = at_hand(models, key)
    config = read_json(folder / "config.json")
    kind = "none" if ref.source == "bundled" else front_end.training(config)
    if kind == "none" and ref.source == "run":  # which may have begun with another run
        began = read_json(folder.parent / "config.json").get("base_model")
        kind = "none" if began in AT_RANDOM else "unknown"
    return i18n.word(f"viz.training_{kind}", language, title=title(ref, language))


def hear(clip: Clip, number: int) -> Clip:
    """Return the loudest ten seconds, silent where frames are hidden."""
    since_s, part = excerpt(clip, loudest_s(clip, clip.sampling_rate))
    n = n_frames(round(clip.duration_s * SAMPLING_RATE))
    first = round(since_s * SAMPLING_RATE / HOP_LENGTH)
    return masking.silenced(part, masking.hidden(n, number)[first:])
