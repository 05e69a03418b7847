"""What a model receives: the bridge to Train and Classify."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

import i18n
from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE, FrontEnd, model_input, resampled
from audio.transforms import Frames, MelBands, mel
from classifier.models import AUTO, Models
from errors import KnownError
from networks import front_end as front_ends
from networks.checkpoint import ModelRef
from networks.windows import window_starts
from ui import canvas
from ui.handlers import QUIETLY
from ui.model_choice import title
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import (
    Choices,
    Lesson,
    draws,
    excerpt,
    excerpt_start_s,
    lesson,
    placed,
    plays,
    position,
)
from viz import closeup
from viz import spectrogram as pictures
from viz.plot import Plot, Sheet
from viz.spectrogram import Cut
from viz.wording import joined, phrase

CHOSEN = "chosen"  # a choice, for the model that is chosen in the tab Classify
# As published, so that a lesson needs no network; the Hub's configs say the same.
PUBLISHED: dict[str, FrontEnd] = {
    name: front_ends.published(kind, extractor)
    for name, kind, extractor in (
        ("DistilHuBERT", "hubert", {"do_normalize": False}),
        ("HuBERT", "hubert", {}),
        ("wav2vec 2.0", "wav2vec2", {}),
        ("AST", front_ends.AST, {}),
        ("Whisper", front_ends.WHISPER, {}),
    )
}
BANDS: dict[str, dict[str, Any]] = {
    "ast": {"formula": "htk", "fmin_hz": 20.0},  # Kaldi's
    "whisper": {"formula": "slaney"},
}


def build(session: Session, models: Models) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_by_model"))
    both = canvas.switch()
    with lesson("hearing", players=[sound], switch=both) as picture:
        start_s = position()
        names: Choices = [(text("see.model_chosen"), CHOSEN)]
        names += [(name, name) for name in PUBLISHED]
        model = gr.Dropdown(names, value=CHOSEN, label=text("see.model"))
    at_loudest = placed(session, start_s, _n_shown, when=picture.near)
    plays(
        session,
        picture,
        sound,
        hear,
        start_s,
        after=at_loudest,
        switch=both,
        since_s=excerpt_start_s,
    )
    knobs = {"start_s": start_s, "model": model, "classifier": session.model}
    here = draws(
        session,
        Lesson("hearing", picture, knobs, partial(draw, models)),
        after=at_loudest,
    )
    session.model.change(
        None, None, None, js=canvas.waiting(["hearing"], is_new=False), **QUIETLY
    )
    return here


def draw(
    models: Models, scene: Scene, start_s: float, model: str, classifier: str | None
) -> Sheet:
    """Draw some frames of a model's input; the whole clip is resampled but once.

    Args:
        models: of this host.
        scene: the sound.
        start_s: where the picture begins (s).
        model: one of ``PUBLISHED``, or ``CHOSEN``.
        classifier: key of the model that is chosen in Classify; None for none yet.
    """
    name, front_end, notes = (
        (model, PUBLISHED[model], [])
        if model in PUBLISHED
        else _chosen(models, classifier, scene.language)
    )
    sound = scene.of(resampled)
    start, stop = window_of(sound.clip, front_end, start_s)
    signal = model_input(sound, front_end, start, stop)
    plots: tuple[Plot, ...] = (closeup.model_frames(signal, start_s, scene.language),)
    if front_end.n_mels and signal.n_frames:
        from_s = closeup.shown_from_s(signal, start_s)
        plots = (*plots, _mel(sound.clip, front_end, from_s, scene.language))
    said = closeup.describe_model_input(signal, scene.clip, name, scene.language)
    about = joined([*notes, said], scene.language)
    made = scene.provenance(
        "hearing",
        start_s=start_s,
        model=name,
        kernels=front_end.kernels,
        strides=front_end.strides,
        padding=front_end.padding,
        window_start=start,
        n_window=stop - start,
        is_normalized=front_end.is_normalized,
    )
    return scene.sheet(plots, about, (), made)


def window_of(clip: Clip, front_end: FrontEnd, at_s: float) -> tuple[int, int]:
    """Find the window around a time (s), as classification cuts a song.

    Returns:
        First sample at 16 kHz, and the one after the last.
    """
    n_window = round(front_end.window_s * SAMPLING_RATE)
    if front_end.takes_any_length:
        n_window = min(n_window, max(clip.n_samples, 1))
    starts = window_starts(clip.n_samples, n_window)
    before = [start for start in starts if start <= at_s * SAMPLING_RATE]
    start = before[-1] if before else 0
    return start, start + n_window


def hear(clip: Clip, start_s: float) -> Clip:
    """Return the excerpt at the model's rate, as loud as it was."""
    _, part = excerpt(clip, start_s)
    return part.resampled(SAMPLING_RATE)


def at_hand(models: Models, key: str | None) -> tuple[ModelRef, Path]:
    """Find the checkpoint of the model chosen in Classify, or of the one that answers.

    Raises:
        KnownError: ``no_model``.
    """
    try:
        found = models.at_hand(key or AUTO)
    except KnownError:  # it is gone, or was never listed
        found = None
    found = found or models.at_hand(AUTO)
    if found is None:
        raise KnownError("no_model")
    return found


def _chosen(
    models: Models, key: str | None, language: str
) -> tuple[str, FrontEnd, list[str]]:
    """Return the name and front end of the model that is drawn, and any doubt."""
    ref, folder = at_hand(models, key)
    name, notes = title(ref, language), []
    if key not in (None, AUTO, ref.key):
        notes.append(i18n.word("viz.about_not_here", language, model=key, title=name))
    front_end = front_ends.of_model(ref, folder)
    if front_end is None:
        notes.append(i18n.word("viz.about_not_known", language, title=name))
        name, front_end = "HuBERT", PUBLISHED["HuBERT"]
    return name, front_end, notes


def _mel(clip: Clip, front_end: FrontEnd, start_s: float, language: str) -> Plot:
    """Draw the mel spectrogram that a model reads, of the frames that are drawn."""
    stop_s = start_s + closeup.N_SHOWN * front_end.hop_length / SAMPLING_RATE
    bands = MelBands(n_mels=front_end.n_mels, **BANDS[front_end.reads])
    frames = Frames(
        front_ends.MEL_FRAME, front_ends.MEL_HOP, start_s=start_s, stop_s=stop_s
    )
    cut = Cut((start_s, stop_s), language, title=phrase("mel_of_model", language))
    return pictures.mel(mel(clip, bands, frames), cut)


def _n_shown(clip: Clip) -> int:
    return round(closeup.FRAMES_S * clip.sampling_rate)
