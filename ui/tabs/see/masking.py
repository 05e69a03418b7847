"""How HuBERT learned: more than half of the frames hidden, their clusters to guess."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import gradio as gr

import i18n
from audio.clip import Clip
from audio.hubert import masking
from audio.hubert.preprocessing import HOP_LENGTH, SAMPLING_RATE, n_frames
from cache import Cache
from classifier.models import Models
from errors import KnownError
from networks import front_end, masked_prediction
from networks.checkpoint import ModelRef, read_json
from networks.masked_prediction import PretrainedModel
from settings import Settings
from trainer.run import runs
from ui import canvas
from ui.handlers import QUIETLY
from ui.model_choice import title
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.hubert_input import at_hand
from ui.tabs.see.lesson import (
    Choices,
    Lesson,
    draws,
    excerpt,
    lesson,
    loudest_s,
    plays,
)
from viz import guessing
from viz.plot import Sheet
from viz.wording import joined

N_CLUSTERS = [4, 8, 16]  # as many rows as a picture has room for
N_DRAWS = 20
# Base models that never guessed hidden frames: one of random weights, and ours, which
# learned from labels and from another model's.
BEGAN = {"small": "none", "bundled": "tagged", "demo": "tagged"}
NOBODY, SHIPPED, RUN = "", "shipped", "run:"  # who guesses
MAX_KEPT_BYTES = 500_000_000  # of models in memory


class Guessers:
    """The models of this host that guess hidden frames, each loaded once.

    Args:
        shipped_dir: the model that ships with the app, if it is there.
        runs_dir: of all runs; those that learned to guess are listed.
    """

    def __init__(self, shipped_dir: Path, runs_dir: Path) -> None:
        self._shipped_dir = shipped_dir
        self._runs_dir = runs_dir
        self._loaded: Cache[str, PretrainedModel] = Cache(
            MAX_KEPT_BYTES, size_of=lambda model: model.n_bytes
        )

    @property
    def first(self) -> str:
        """Who guesses at first."""
        is_here = masked_prediction.is_pretrained(self._shipped_dir)
        return SHIPPED if is_here else NOBODY

    def choices(self) -> Choices:
        """List who can guess, runs from the newest on."""
        found: Choices = [(text("see.guesser_you"), NOBODY)]
        if self.first == SHIPPED:
            found.append((text("see.guesser_shipped"), SHIPPED))
        for run in runs.every(self._runs_dir):
            if masked_prediction.is_pretrained(run.model_dir):
                found.append((_title(run), f"{RUN}{run.id}"))
        return found

    def about(self, key: str, language: str) -> str:
        """Describe who guesses; of the model that ships, what it learned from."""
        if key == SHIPPED:
            return i18n.word("viz.guesser_shipped", language)
        run = runs.find(self._runs_dir, key.removeprefix(RUN))
        return i18n.word("viz.guesser_run", language, title=_title(run))

    def of(self, key: str) -> PretrainedModel:
        """Find a model by its key in ``choices``, and load it.

        Raises:
            KnownError: ``unknown_run``, ``run_without_model`` or ``model_broken``.
        """
        folder = self._shipped_dir
        if key != SHIPPED:
            run_id = key.removeprefix(RUN)
            folder = runs.find(self._runs_dir, run_id).model_dir
            if not masked_prediction.is_pretrained(folder):
                raise KnownError("run_without_model", id=run_id)
        return self._loaded.compute(key, lambda: masked_prediction.load(folder, key))


def _title(run: runs.Run) -> str:
    """Name a run in the list of who guesses."""
    return run.title or f"{RUN}{run.id}"


def build(session: Session, settings: Settings, models: Models) -> Lesson:
    """Lay out the lesson and wire it."""
    guessers = Guessers(settings.pretrained_model_dir, settings.runs_dir)
    sound = player(text("see.heard_masked"))
    both = canvas.switch()
    with lesson("masking", players=[sound], switch=both) as picture:
        n_clusters = gr.Radio(N_CLUSTERS, value=8, label=text("see.n_clusters"))
        number = gr.Slider(1, N_DRAWS, 1, step=1, label=text("see.draw_number"))
        guesser = gr.Dropdown(
            guessers.choices(),
            value=guessers.first,
            label=text("see.guesser"),
            info=text("see.guesser_info"),
        )
    plays(session, picture, sound, hear, number, switch=both, since_s=_since_s)

    @session.guarded
    def offer() -> gr.Dropdown:
        return gr.Dropdown(guessers.choices())

    # Runs that have ended since.
    picture.near(offer, None, guesser, **QUIETLY)
    knobs = {
        "n_clusters": n_clusters,
        "number": number,
        "classifier": session.model,
        "guesser": guesser,
    }
    drawn = partial(draw, models, guessers=guessers)
    here = draws(session, Lesson("masking", picture, knobs, drawn, is_over_time=True))
    session.model.change(
        None, None, None, js=canvas.waiting(["masking"], is_new=False), **QUIETLY
    )
    return here


def draw(
    models: Models,
    scene: Scene,
    n_clusters: int,
    number: int,
    classifier: str | None,
    guesser: str = NOBODY,
    *,
    guessers: Guessers | None = None,
) -> Sheet:
    """Draw the clusters of all frames, which are hidden, and what a model guesses.

    Beside them is what the model chosen in Classify learned before it met a genre.
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
    if not guesser or guessers is None:
        return scene.sheet((plot,), about, (), made)
    guessed = _guessed(scene, number, guessers.of(guesser))
    plots = plot, guessing.model_guesses(guessed, scene.shown_s, scene.language)
    if more := guessing.describe_guesses(guessed, scene.language):
        who = guessers.about(guesser, scene.language)
        about = joined([about, who, more], scene.language)
    return scene.sheet(plots, about, (), made)


def _guessed(scene: Scene, number: int, model: PretrainedModel) -> guessing.Guessed:
    """Let a model guess what is hidden of what is seen."""
    middle_s = sum(scene.shown_s) / 2
    found = scene.of(
        masked_prediction.guesses, model=model, draw=number, middle_s=middle_s
    )
    return guessing.Guessed(
        found.clusters,
        found.guessed,
        found.is_hidden,
        found.grid.hop_length / SAMPLING_RATE,
        found.first,
    )


def training(models: Models, key: str | None, language: str) -> str:
    """Describe what the chosen model learned before it met a genre."""
    ref, folder = at_hand(models, key)
    kind = front_end.training(read_json(folder / "config.json"))
    if kind == "none":  # a small HuBERT, which may have begun with anything
        kind = _began(ref, folder)
    return i18n.word(f"viz.training_{kind}", language, title=title(ref, language))


def _began(ref: ModelRef, folder: Path) -> str:
    """Name what a small HuBERT learned before it met a genre, as far as is known here."""
    if ref.source == "bundled":
        return BEGAN["bundled"]
    if ref.source != "run":
        return "unknown"
    config = read_json(folder.parent / "config.json")
    return BEGAN.get(str(config.get("base_model")), "unknown")


def _since_s(clip: Clip, _: int) -> float:
    return excerpt(clip, loudest_s(clip, clip.sampling_rate))[0]


def hear(clip: Clip, number: int) -> Clip:
    """Return the loudest ten seconds, silent where frames are hidden."""
    since_s, part = excerpt(clip, loudest_s(clip, clip.sampling_rate))
    n = n_frames(round(clip.duration_s * SAMPLING_RATE))
    first = round(since_s * SAMPLING_RATE / HOP_LENGTH)
    return masking.silenced(part, masking.hidden(n, number)[first:])
