"""One song: its genre at once, better as it goes; the song as a map; why it says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.i18n import I18nData

import words
from classifier.along import N_STRETCHES, stretches
from classifier.checkpoint import LoadedModel
from classifier.models import Models
from classifier.predict import Prediction
from classifier.verdict import judge
from errors import KnownError
from ui import files, pictures, sounds
from ui.access import Visitor
from ui.classifying import answer, song_map, waiting
from ui.classifying.asking import EFFORTS, calmly, chosen, effort_of, together
from ui.classifying.history import History
from ui.classifying.picker import Picker
from ui.classifying.waiting import Update
from ui.clip_bar import name_of
from ui.desk import Desk, View
from ui.downloads import TAKE
from ui.handlers import QUIETLY
from ui.language import text
from ui.lessons import selection
from ui.lessons.selection import PLAY

# Of programs, two at a time. Of pages so many that all stand in our own line, which says
# one's place in every language; half of Gradio's threads at most, which they wait in.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 2}
PAGE_QUEUE: dict[str, Any] = {"concurrency_id": "asking", "concurrency_limit": 20}
# On the page but not seen: a button that has yet to be put there may miss that it is to
# be shown, where answers follow each other closely.
HIDDEN: Literal["hidden"] = "hidden"
PLAY_FROM = "() => Genrescope.sound.playFrom(Genrescope.sound.state.at_s)"


@dataclass(frozen=True)
class Answered:
    """What the page shows, for those who ask about it afterwards.

    Attributes:
        path: of the sound.
        predictions: a model each; none of silence.
    """

    path: str
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Places:
    """Where the answer is shown.

    Attributes:
        status: how far it is.
        answer: the ranked genres.
        hear: a button for each of the likeliest genres.
        song_map: genre along the song.
        answered: state, an ``Answered`` or None.
    """

    status: gr.HTML
    answer: gr.HTML
    hear: tuple[gr.Button, ...]
    song_map: gr.HTML
    answered: gr.State

    @property
    def all(self) -> list[Any]:
        """Every place, as an event's outputs."""
        return [self.status, self.answer, *self.hear, self.song_map, self.answered]


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
            places = _places(status)
    ask = _asking(desk, models, places, history)
    ask = waiting.in_line(models.line, places.status, ask)
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
    _wire_map(desk, places)


def _places(status: gr.HTML) -> Places:
    shown = gr.HTML(text("classify.empty"), elem_classes=["answer"])
    with gr.Row(elem_classes=["chips", "hear-why"]):
        hear = tuple(
            gr.Button(visible=HIDDEN, size="sm", min_width=0)
            for _ in range(N_STRETCHES)
        )
    place = pictures.place(
        "song_map_empty", name="song-map", formats=("png", "svg", "csv")
    )
    place.render()
    return Places(status, shown, hear, place, gr.State(None))


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
        for ref in (chosen(models, each, visitor) for each in (key, other) if each):
            hidden = dict.fromkeys(places.hear, gr.Button(visible=HIDDEN))
            yield {places.status: waiting.loading(ref, language), **hidden}
            loaded.append(models.load(ref))
        if not loaded:
            raise KnownError("no_model")
        shown = partial(_shown, desk, places, str(path), language)
        try:
            for predictions, is_last in calmly(together(clip, loaded, heard)):
                yield shown(predictions, is_last)
        except KnownError as error:
            if error.code != "silent":
                raise
            yield {
                **_nothing(places),
                places.answer: answer.silent(language),
                places.answered: Answered(str(path), ()),
            }
            return
        name = name_of(str(path), language)
        yield {history.songs: history.with_song(songs, name, predictions[0])}

    return ask


def _shown(
    desk: Desk,
    places: Places,
    path: str,
    language: str,
    predictions: tuple[Prediction, ...],
    is_last: bool,
) -> Update:
    """What the page shows of an answer, the last one or not."""
    scene = desk.scene(path, None, language)
    verdicts = []
    if is_last:
        verdicts = [judge(each, scene.clip) for each in predictions]
    shown: Update = {
        places.status: "" if is_last else _progress(predictions, language),
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
        predictions = answered.predictions if answered else ()
        genres = predictions[0].genres[:N_STRETCHES] if predictions else ()
        names = [answer.genre_name(label, visitor.language) for label, _ in genres]
        said = [
            words.word("classify.hear_why", visitor.language, genre=name)
            for name in names
        ]
        n_hidden = len(places.hear) - len(said)
        shown = [gr.Button(why, visible=True) for why in said]
        return [*shown, *(gr.Button(visible=HIDDEN) for _ in range(n_hidden))]

    return reasons


def _progress(predictions: Sequence[Prediction], language: str) -> str:
    done = sum(each.n_done for each in predictions)
    total = sum(each.n_total for each in predictions)
    return waiting.progress("progress", done, total, language)


def _nothing(places: Places) -> Update:
    """An empty page, in the order of ``Places.all``."""
    empty: tuple[I18nData | str | None, ...] = ("", text("classify.empty"))
    hidden = [gr.Button(visible=HIDDEN) for _ in places.hear]
    return dict(zip(places.all, [*empty, *hidden, None, None], strict=True))


def _forgetting(places: Places) -> Any:
    """A handler that takes away what was said of another sound, and only that."""

    def forget(path: str | None, answered: Answered | None) -> Any:
        is_of_another = answered is not None and answered.path != path
        return _nothing(places) if is_of_another else gr.skip()

    return forget


def _wire_map(desk: Desk, places: Places) -> None:
    """A place to hear, a part to hear or to zoom into, and what may be saved."""
    passage = gr.Audio(type="filepath", format=None, visible=False)
    at_s = gr.Number(0, visible=False)
    cache_dir = passage.GRADIO_CACHE
    hearing = [passage, at_s]
    for number, button in enumerate(places.hear):
        why = desk.guarded(_hearing_why(desk, number, cache_dir))
        heard = button.click(why, places.answered, hearing, **QUIETLY)
        heard.then(None, hearing, None, js=PLAY, **QUIETLY)
    place, path = places.song_map, desk.bar.path
    part = place.hear(
        desk.guarded(selection.hearing(desk, cache_dir)), path, hearing, **QUIETLY
    )
    part.then(None, hearing, None, js=PLAY, **QUIETLY)
    place.at(None, None, None, js=PLAY_FROM, **QUIETLY)
    place.use(desk.bar.use_part, path, desk.bar.player, **QUIETLY)
    place.zoom(desk.guarded(_zooming(desk)), places.answered, place, **QUIETLY)
    file, query = gr.File(visible=False), gr.Textbox(visible=False)
    save = desk.guarded(_saving(file.GRADIO_CACHE))
    saved = place.save(save, places.answered, file, **QUIETLY)
    saved.success(None, [file, query], None, js=TAKE, **QUIETLY)


def _hearing_why(desk: Desk, number: int, cache_dir: str) -> Any:
    def hear_why(answered: Answered | None) -> tuple[str, float]:
        if answered is None or not answered.predictions:  # nothing heard, or silence
            raise KnownError("no_clip")
        stretch = stretches(answered.predictions[0])[number]
        part = desk.clip(answered.path).slice(stretch.start_s, stretch.stop_s)
        return sounds.file_of(part, cache_dir), stretch.start_s

    return hear_why


def _zooming(desk: Desk) -> Any:
    def zoom(answered: Answered | None, asked: gr.EventData, visitor: Visitor) -> Any:
        if answered is None:
            return gr.skip()
        view: View = None
        if asked.start_s is not None:
            view = answered.path, float(asked.start_s), float(asked.stop_s)
        scene = desk.scene(answered.path, view, visitor.language)
        return song_map.sheet(scene, answered.predictions).as_json()

    return zoom


def _saving(cache_dir: str) -> Any:
    def save(answered: Answered | None, asked: gr.EventData, visitor: Visitor) -> str:
        if answered is None:
            raise KnownError("no_clip")
        data = song_map.content(answered.predictions[0], asked.format, visitor.language)
        stem = Path(answered.path).stem
        return files.kept(data, f"{stem}-genres.{asked.format}", cache_dir)

    return save
