"""One song: its genre at once, better as it goes; the song as a map; why it says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr

import words
from classifier.models import Models
from classifier.predict import Prediction
from classifier.verdict import Verdict, judge
from errors import KnownError
from networks.checkpoint import LoadedModel
from ui.access import Visitor
from ui.classifying import answer, map_hands, song_map, waiting
from ui.classifying.asking import (
    EFFORTS,
    calmly,
    chosen_pair,
    effort_of,
    title,
    together,
)
from ui.classifying.history import History
from ui.classifying.picker import Picker
from ui.classifying.places import HIDDEN, Answered, Places, lay_out, nothing
from ui.classifying.waiting import Update
from ui.clip_bar import name_of
from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.language import text

# Of programs, two at a time. Of pages so many that all stand in our own line, which says
# one's place in every language; half of Gradio's threads at most, which they wait in.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 2}
PAGE_QUEUE: dict[str, Any] = {"concurrency_id": "asking", "concurrency_limit": 20}


def build(desk: Desk, models: Models, picker: Picker, history: History) -> None:
    """Lay out the question and its answer, and wire both."""
    with gr.Row(elem_classes=["lesson", "classify"]):
        with gr.Column(scale=1, min_width=260):
            gr.Markdown(text("classify.text"))
            picker.render()
            efforts = [(text(f"classify.{each}"), each) for each in EFFORTS]
            effort = gr.Radio(efforts, value="whole", label=text("classify.effort"))
            with gr.Row():
                button = gr.Button(text("classify.button"), variant="primary")
                cancel = gr.Button(text("classify.cancel"), min_width=80)
            status = gr.HTML(elem_classes=["classify-status"])
            picker.render_hub()
        with gr.Column(scale=2, min_width=320):
            places = lay_out(status)
    ask = _asking(desk, models, places, history)
    ask = waiting.in_line(models.queue.line, places.status, ask)
    ask = desk.guarded(waiting.tidied(places.status, ask))
    asking = button.click(
        ask,
        [desk.bar.path, picker.model, picker.other, effort, history.songs],
        [*places.all, history.songs],
        show_progress="minimal",
        show_progress_on=places.status,
        api_visibility="private",
        **PAGE_QUEUE,
    )
    asking.success(
        desk.guarded(_reasons(places)), places.answered, list(places.hear), **QUIETLY
    )
    cancelled = desk.guarded(waiting.cancelled)
    cancel.click(
        cancelled,
        places.status,
        places.status,
        cancels=[asking, picker.fetching],
        **QUIETLY,
    )
    forget, given = _forgetting(places), [desk.bar.path, places.answered]
    desk.bar.path.change(
        desk.guarded(forget), given, places.all, cancels=[asking], **QUIETLY
    )
    map_hands.wire(desk, places)


def _asking(desk: Desk, models: Models, places: Places, history: History) -> Any:
    """A handler that answers again and again, until all is heard."""

    def ask(
        path: str | None,
        key: str | None,
        other: str | None,
        effort: str,
        songs: Any,
        visitor: Visitor,
    ) -> Iterator[Update]:
        language = visitor.language
        clip, heard = desk.clip(path), effort_of(effort)
        loaded: list[LoadedModel] = []
        pair = chosen_pair(models, (key, other), visitor)
        yield dict.fromkeys(places.hear, gr.Button(visible=HIDDEN))
        for ref in pair:
            place = places.status
            loaded.append((yield from waiting.loaded(place, models, ref, language)))
        shown = partial(_shown, desk, places, str(path), language)
        try:
            answers = together(clip, loaded, models.queue, heard)
            for predictions, is_last in calmly(answers):
                verdicts = [judge(each, clip) for each in predictions if is_last]
                yield shown(predictions, verdicts)
        except KnownError as error:
            if error.code != "silent":
                raise
            yield {
                **nothing(places),
                places.answer: answer.silent(language),
                places.answered: Answered(str(path), ()),
            }
            return
        name = name_of(str(path), language)
        rows = history.with_song(songs, name, predictions[0], verdicts[0])
        yield {history.songs: rows}

    return ask


def _shown(
    desk: Desk,
    places: Places,
    path: str,
    language: str,
    predictions: tuple[Prediction, ...],
    verdicts: Sequence[Verdict],
) -> Update:
    """What the page shows of an answer; it is the last one if there are verdicts."""
    scene = desk.scene(path, None, language)
    shown: Update = {
        places.status: "" if verdicts else _progress(predictions, language),
        places.answer: answer.answers(predictions, verdicts, language),
        places.song_map: song_map.sheet(scene, predictions).as_json(),
        places.answered: Answered(path, predictions),
    }
    return shown


def _reasons(places: Places) -> Any:
    """A handler that offers the reasons once the answer stands.

    An event of its own: of a generator's updates that follow each other closely, the
    page may miss that a button is to be shown.
    """

    def reasons(answered: Answered | None, visitor: Visitor) -> list[gr.Button]:
        found = answered.reasons if answered else []
        is_pair = answered is not None and len(answered.predictions) > 1
        said = [
            _why(prediction if is_pair else None, stretch.genre, visitor.language)
            for prediction, stretch in found
        ]
        n_hidden = len(places.hear) - len(said)
        shown = [gr.Button(why, visible=True) for why in said]
        return [*shown, *(gr.Button(visible=HIDDEN) for _ in range(n_hidden))]

    return reasons


def _why(prediction: Prediction | None, label: str, language: str) -> str:
    """What a button says that lets hear why; of two models, whose answer it is."""
    genre = answer.genre_name(label, language)
    why = words.word("classify.hear_why", language, genre=genre)
    if prediction is None:
        return why
    model = title(prediction.model, language)
    return words.word("classify.of_model", language, model=model, why=why)


def _progress(predictions: Sequence[Prediction], language: str) -> str:
    done = sum(each.n_done for each in predictions)
    total = sum(each.n_total for each in predictions)
    return waiting.progress("progress", done, total, language)


def _forgetting(places: Places) -> Any:
    """A handler that takes away what was said of another sound, and only that."""

    def forget(path: str | None, answered: Answered | None) -> Any:
        is_of_another = answered is not None and answered.path != path
        return nothing(places) if is_of_another else gr.skip()

    return forget
