"""The tab Classify: the chosen sound's genre, as one of this host's models hears it."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.i18n import I18nData

import viz.genres
import words
from classifier.models import ModelRef, Models
from classifier.predict import Prediction, predict
from errors import KnownError
from ui import pictures
from ui.access import Visitor
from ui.clip_bar import name_of
from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.language import text
from ui.screen import look_of
from viz import style

# One song at a time: on a CPU two would take turns, and both be late.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
BARS_RATIO, ALONG_RATIO = 0.4, 0.36  # height to width
TITLES = {"bundled": "classify.bundled", "run": "classify.run", "hub": "classify.hub"}


def build(demo: gr.Blocks, tab: gr.Tab, desk: Desk, models: Models) -> None:
    """Lay out the tab, inside ``tab``, and wire it."""
    with gr.Row(elem_classes=["lesson", "classify"]):
        with gr.Column(scale=1, min_width=260):
            gr.Markdown(text("classify.text"))
            model = gr.Dropdown([], label=text("classify.model"))
            button = gr.Button(text("classify.button"), variant="primary")
        with gr.Column(scale=2, min_width=320):
            answer = pictures.place(text("classify.empty"), name="answer").render()

    @desk.guarded
    def refresh(chosen: str | None, visitor: Visitor) -> gr.Dropdown:
        refs = models.available()
        keys = [ref.key for ref in refs]
        choices = [(title(ref, visitor.language), ref.key) for ref in refs]
        value = chosen if chosen in keys else next(iter(keys), None)
        return gr.Dropdown(choices=choices, value=value)

    @desk.guarded
    def ask(
        path: str | None,
        key: str | None,
        width_px: float,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
        *,
        visitor: Visitor,
    ) -> str:
        unit = words.word("classify.windows", visitor.language)

        def tell(done: int, total: int) -> None:
            progress((done, total), unit=unit)

        prediction = answered(desk, models, path, key, tell)
        return as_html(prediction, path or "", width_px, visitor)

    @desk.guarded
    def forget() -> I18nData:
        return text("classify.empty")

    gr.on([demo.load, tab.select], refresh, model, model, **QUIETLY)
    desk.bar.path.change(forget, None, answer, **QUIETLY)  # it was of another sound
    button.click(
        ask,
        [desk.bar.path, model, desk.width_px],
        answer,
        api_visibility="private",
        **MODEL_QUEUE,
    )


def answered(
    desk: Desk,
    models: Models,
    path: str | None,
    key: str | None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Prediction:
    """Ask a model for a sound's genre.

    Raises:
        KnownError: ``no_clip``, ``no_model``, or a code of ``Models`` or ``predict``.
    """
    clip = desk.clip(path)
    if not key:
        raise KnownError("no_model")
    model = models.load(models.ref(key))
    return predict(clip, model, on_progress=on_progress)


def title(ref: ModelRef, language: str) -> str:
    """What the list of models calls one."""
    return words.word(TITLES[ref.source], language, title=ref.title)


def as_html(
    prediction: Prediction, path: str, width_px: float, visitor: Visitor
) -> str:
    """The answer: the likeliest genre in words, all as bars, and along the song."""
    language = visitor.language
    genres = prediction.genres
    chunks = [(c.start_s, c.stop_s, c.probabilities) for c in prediction.chunks]
    bars = viz.genres.figure(genres, look_of(width_px, visitor, BARS_RATIO))
    along = viz.genres.along(chunks, look_of(width_px, visitor, ALONG_RATIO))
    name, probability = genre_name(genres[0][0], language), genres[0][1]
    return (
        f'<p class="top"><strong>{html.escape(name)}</strong> {probability:.0%}</p>'
        f"{style.svg(bars, alt=viz.genres.describe(genres, language))}"
        f'<p class="numbers">{html.escape(basis(prediction, path, language))}</p>'
        f"<h3>{words.word('classify.along', language)}</h3>"
        f"{style.svg(along, alt=viz.genres.describe_along(chunks, language))}"
    )


def genre_name(label: str, language: str) -> str:
    """A model's label in the visitor's language, if it is one of GTZAN's ten."""
    return words.table(language).get(f"genres.{label}", label)


def basis(prediction: Prediction, path: str, language: str) -> str:
    """What the answer rests on: sound, model, training, windows, time."""
    ref = prediction.model
    said = ref.trained_on or words.word("classify.unknown_training", language)
    trained_on = words.table(language).get(f"trained_on.{said}", said)
    return words.word(
        "classify.basis",
        language,
        name=name_of(path, language),
        title=title(ref, language),
        trained_on=trained_on,
        n_windows=len(prediction.chunks),
        window_s=ref.window_s,
        elapsed_s=prediction.elapsed_s,
    )
