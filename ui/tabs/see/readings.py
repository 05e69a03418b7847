"""What each layer knows: how much of the genre a linear reading finds in it.

The figures are measured once: of a run beside it, of the bundled model when it was made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import gradio as gr

import i18n
from classifier.models import Models
from errors import KnownError
from networks.checkpoint import ModelRef
from settings import Settings
from trainer.evaluation import layers, model_lookup
from trainer.evaluation.layers import LayerReadings
from trainer.run import runs
from trainer.run.events import RunEvent, Stage, StopRequested
from trainer.run.runs import Run
from ui import canvas, waiting
from ui.handlers import QUIETLY
from ui.model_choice import title
from ui.scene import Scene
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Newest, Session, View
from ui.tabs.see.hubert_input import at_hand
from ui.tabs.see.lesson import Lesson, lesson
from viz import inside as pictures
from viz.plot import Sheet
from viz.wording import joined

EVERY_S = 0.5  # between two looks at how far a measurement is


def build(session: Session, settings: Settings, models: Models) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("readings") as picture:
        measure = gr.Button(text("see.measure_layers"), visible=False)
        status = gr.HTML(elem_classes=["classify-status"])
        cancel = gr.Button(text("classify.cancel"), visible=False, min_width=80)
    draw_chosen = partial(draw, models, settings)
    here = Lesson("readings", picture, {"classifier": session.model}, draw_chosen)
    redraw = _redrawing(session, models, settings, here, measure)
    picture.near(**redraw)
    picture.again(**redraw)
    work = measure.click(
        session.guarded(_measuring(models, settings)),
        session.model,
        [status, cancel],
        show_progress="hidden",
        api_visibility="private",
        concurrency_id="layers",
        concurrency_limit=1,
    )
    ended = session.guarded(lambda: ("", gr.Button(visible=False)))
    work.failure(ended, None, [status, cancel], **QUIETLY)
    work.success(**redraw)
    cancel.click(ended, None, [status, cancel], cancels=[work], **QUIETLY)
    session.model.change(
        None, None, None, js=canvas.waiting(["readings"], is_new=False), **QUIETLY
    )
    return here


def _redrawing(
    session: Session,
    models: Models,
    settings: Settings,
    here: Lesson,
    measure: gr.Button,
) -> dict[str, Any]:
    """Return what an event needs to draw the figures, and to offer what lacks them."""

    @session.guarded
    def redraw(
        path: str | None,
        view: View,
        newest: Newest,
        classifier: str | None,
        visitor: Visitor,
    ) -> Any:
        if path is None:
            return gr.skip(), gr.skip()
        is_newest = newest.ask(here.picture)
        scene = session.scene(path, view, visitor.language)
        sheet = here.draw(scene, classifier).as_json()
        ref, _ = at_hand(models, classifier)
        run = unmeasured(ref, settings)
        offered = gr.Button(visible=visitor.may_train and run is not None)
        return (sheet, offered) if is_newest(here.picture) else (gr.skip(), gr.skip())

    inputs = [session.bar.path, session.view, session.newest, session.model]
    return {
        "fn": redraw,
        "inputs": inputs,
        "outputs": [here.picture, measure],
        **QUIETLY,
    }


def unmeasured(ref: ModelRef, settings: Settings) -> Run | None:
    """Return a model's run if its layers could be measured, and are not yet."""
    if ref.source != "run":
        return None
    run = runs.find(settings.runs_dir, ref.id)
    is_measured = layers.read(run.folder / layers.FILE) is not None
    return run if not is_measured and run.config().needs_genres else None


def _measuring(models: Models, settings: Settings) -> Any:
    """Make the handler that measures the chosen run's layers, once."""

    def measure(classifier: str | None, visitor: Visitor) -> Iterator[list[Any]]:
        if not visitor.may_train:
            raise KnownError("may_not_train")
        run = unmeasured(at_hand(models, classifier)[0], settings)
        if run is not None:
            for line in measuring(run, settings, visitor.language):
                yield [line, gr.Button(visible=True)]
        yield ["", gr.Button(visible=False)]

    return measure


def measuring(run: Run, settings: Settings, language: str) -> Iterator[str]:
    """Measure a run's layers in a thread, keep the figures beside it, yield how far it is.

    Closing the iterator before its end stops the thread before its next window.

    Raises:
        KnownError: those of ``layers.measure``.
    """
    is_left = threading.Event()
    newest = [Stage("songs")]

    def emit(event: RunEvent) -> None:
        if is_left.is_set():
            raise StopRequested
        if isinstance(event, Stage):
            newest[0] = event

    def work() -> LayerReadings:
        source = model_lookup.find(
            run.id, settings.runs_dir, settings.bundled_model_dir
        )
        return layers.measure(
            source,
            settings.cache_dir,
            emit=emit,
            should_stop=is_left.is_set,
            precision=settings.precision,
        )

    pool = ThreadPoolExecutor(1, "layers")
    try:
        future = pool.submit(work)
        while wait([future], EVERY_S).not_done:
            yield _line(newest[0], language)
        runs.write_whole(run.folder / layers.FILE, future.result().to_json())
    finally:
        is_left.set()
        pool.shutdown(wait=False)


def _line(stage: Stage, language: str) -> str:
    bar = (stage.done, stage.total) if stage.total else waiting.ENDLESS
    phase = i18n.word(f"stages.{stage.name}", language)
    return waiting.status("layers_measured", language, bar=bar, phase=phase)


def draw(
    models: Models, settings: Settings, scene: Scene, classifier: str | None
) -> Sheet:
    """Draw the accuracy of each layer of the chosen model, or else of the bundled one."""
    language = scene.language
    ref, _ = at_hand(models, classifier)
    found, about = None, []
    if ref.source == "run":
        found = layers.read(settings.runs_dir / ref.id / layers.FILE)
    if found is None and ref.source != "bundled":
        key = "missing" if ref.source == "run" else "none"
        facts = {"title": title(ref, language), "id": ref.id}
        about.append(i18n.word(f"viz.about_readings_{key}", language, **facts))
    is_run = found is not None
    found = found or layers.read(settings.bundled_model_dir / layers.FILE)
    if found is None:
        about.append(i18n.word("viz.about_readings_nothing", language))
        return scene.sheet((), joined(about, language))
    about.append(describe(found, title(ref, language), language, is_run=is_run))
    plot = pictures.readings(found.shares, found.chance, language)
    made = scene.provenance(
        "readings",
        n_right=found.n_right,
        n_songs=found.n_songs,
        chance=round(found.chance, 4),
    )
    return scene.sheet((plot,), joined(about, language), _table(found, language), made)


def describe(found: LayerReadings, name: str, language: str, *, is_run: bool) -> str:
    """Describe which songs were read, and the best layer."""
    shares = found.shares
    best = max(range(len(shares)), key=lambda at: shares[at][0])
    share, low, high = shares[best]
    details = {
        "title": name,
        "n_train": found.n_train,
        "n_songs": found.n_songs,
        "n_genres": len(found.genres),
        "layer": pictures.layer_name(best, language),
        "percent": 100 * share,
        "low": 100 * low,
        "high": 100 * high,
        "chance": 100 * found.chance,
    }
    keys = ["run" if is_run else "bundled", "best", *([] if is_run else ["composed"])]
    sentences = [
        i18n.word(f"viz.about_readings_{key}", language, **details) for key in keys
    ]
    return joined(sentences, language)


def _table(found: LayerReadings, language: str) -> tuple[tuple[str, ...], ...]:
    """Tabulate each layer's right answers, accuracy and interval; the head first."""
    head = tuple(
        i18n.word(f"see.readings_{name}", language)
        for name in ("layer", "right", "accuracy", "interval")
    )
    rows = (
        (
            pictures.layer_name(at, language),
            f"{n} / {found.n_songs}",
            f"{share:.0%}",
            f"{low:.0%}–{high:.0%}",
        )
        for at, (n, (share, low, high)) in enumerate(
            zip(found.n_right, found.shares, strict=True)
        )
    )
    return (head, *rows)
