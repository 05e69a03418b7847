"""How a model learns: loss and softmax by hand, and two curves of a real run."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import gradio as gr

import i18n
from settings import ROOT
from trainer.evaluation.metrics import wilson_interval
from trainer.run import losses
from trainer.run.losses import Losses
from ui import canvas
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Lesson, draws, lesson
from viz import learning
from viz.curves import Curve
from viz.plot import Sheet
from viz.wording import described, joined, phrase

GENRES = ("blues", "classical", "disco")
LOGITS = (2, 1, 0)
HIGHEST = 8  # of a logit
RECORDED = ROOT / "assets" / "recorded_runs.json"
NEWEST = "newest"  # a choice, for the newest run on this host
RUNS = ("all", "head", NEWEST)


def build(session: Session, runs_dir: Path) -> tuple[Lesson, Lesson]:
    """Lay out the lesson and wire it: an answer's loss, and the losses of a run."""
    curves = canvas.place()
    with lesson("learning", more=[curves]) as picture:
        logits = {
            f"logit_{genre}": gr.Slider(
                -HIGHEST, HIGHEST, value, step=1, label=text(f"see.logit_{genre}")
            )
            for genre, value in zip(GENRES, LOGITS, strict=True)
        }
        genres = [(text(f"see.true_{genre}"), genre) for genre in GENRES]
        truth = gr.Radio(genres, value=GENRES[0], label=text("see.truth"))
        choices = [(text(f"see.run_{name}"), name) for name in RUNS]
        run = gr.Radio(choices, value=RUNS[0], label=text("see.shown_run"))
    by_hand = Lesson("learning", picture, {**logits, "truth": truth}, draw)
    of_run = Lesson("overfitting", curves, {"run": run}, partial(draw_run, runs_dir))
    return (
        draws(session, by_hand),
        draws(session, of_run),
    )


def draw(
    scene: Scene, blues: float, classical: float, disco: float, truth: str
) -> Sheet:
    """Draw three probabilities, and the loss of the true one's."""
    logits, language = (blues, classical, disco), scene.language
    names = [i18n.short_name(genre, language) for genre in GENRES]
    true = GENRES.index(truth)
    plots = (
        learning.bars(logits, true, names, language),
        learning.loss_curve(logits, true, language),
    )
    made = scene.provenance("learning", logits=logits, truth=true, genres=GENRES)
    about = learning.describe(logits, true, names, language)
    return scene.sheet(
        plots, about, learning.table(logits, true, names, language), made
    )


def draw_run(runs_dir: Path, scene: Scene, run: str) -> Sheet:
    """Draw the losses of a recorded run, or of the newest one here that has any."""
    language = scene.language
    found = losses.newest(runs_dir) if run == NEWEST else None
    is_missing = run == NEWEST and found is None
    shown = found or losses.recorded(RECORDED)[RUNS[0] if run == NEWEST else run]
    training = Curve("", shown.steps, shown.training)
    validation = Curve("", shown.validation_steps, shown.validation)
    percents = [100 * each for each in shown.accuracies]
    best_step = shown.validation_steps[shown.best]
    plots = (
        learning.losses(training, validation, shown.n_steps, best_step, language),
        learning.accuracy(
            Curve("", shown.validation_steps, percents), shown.n_steps, language
        ),
    )
    made = scene.provenance(
        "overfitting",
        steps=shown.steps,
        training_loss=shown.training,
        validation_steps=shown.validation_steps,
        validation_loss=shown.validation,
        accuracy=shown.accuracies,
    )
    about = [phrase("no_run_here", language)] if is_missing else []
    about.append(describe(shown, language))
    return scene.sheet(plots, joined(about, language), parts(shown, language), made)


def describe(shown: Losses, language: str) -> str:
    """Describe where the curves part, if they do, and what was measured at the end."""
    details = {
        "step": shown.validation_steps[shown.best],
        "lowest": shown.validation[shown.best],
        "last": shown.validation[-1],
        "training": shown.training[-1],
        "n": shown.n_validation_songs,
        "n_training": shown.n_training_songs,
        "percent": 100 * max(shown.accuracies),
        "test_percent": 100 * (shown.test_accuracy or 0.0),
    }
    n_right = round(max(shown.accuracies) * shown.n_validation_songs)
    low, high = wilson_interval(n_right, shown.n_validation_songs)
    details |= {"low": 100 * low, "high": 100 * high}
    names = ["about_songs"] if shown.n_training_songs else []
    names.append("about_parted" if shown.has_parted else "about_together")
    names.append("about_best")
    if shown.test_accuracy is not None:
        names.append("about_test")
    return described(names, language, **details)


def parts(shown: Losses, language: str) -> tuple[tuple[str, ...], ...]:
    """Tabulate the parts of the model, and which of them learned; the head first."""
    if not shown.parts:
        return ()
    head = tuple(
        i18n.word(f"see.part_{name}", language) for name in ("name", "n", "trained")
    )
    rows = (
        (
            i18n.word(f"see.part_{part.name}", language),
            f"{part.n_parameters:,}",
            i18n.word(f"see.part_{'learns' if part.is_trained else 'rests'}", language),
        )
        for part in shown.parts
    )
    return (head, *rows)
