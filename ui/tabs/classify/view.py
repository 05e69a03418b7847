"""Where a song's answer is shown, what one does with its map, and what one waits for."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from markupsafe import Markup

import i18n
from classifier.models import Models
from classifier.predict import Prediction
from classifier.queue import WaitingLine
from classifier.verdict import judge
from errors import KnownError
from networks.checkpoint import LoadedModel, ModelRef
from ui import canvas
from ui.handlers import QUIETLY, Handler
from ui.model_choice import title
from ui.player.clip_bar import title_of
from ui.player.passage import Passage
from ui.server import files
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session, View
from ui.tabs.classify import card, song_map
from ui.tabs.classify.answer import parts
from ui.templates import render

Update = dict[Any, Any]  # values by component
# On the page but not seen: a button that has yet to be put there may miss that it is to
# be shown, where answers follow each other closely.
HIDDEN: Literal["hidden"] = "hidden"
SCRIPTS = (Path(__file__).with_name("answer.js"), card.SCRIPT)
TO_THE_TOP = '() => window.scrollTo({ top: 0, behavior: "smooth" })'
PLAY_FROM = "() => Genrescope.sound.playFrom(Genrescope.sound.state.at_s)"
Bar = tuple[int, int]  # done, and in all
ENDLESS: Bar = (0, 0)
LOOK_S = 0.5  # between two looks at a download
PATIENCE_S = 1.0  # in line; then Gradio is asked whether the page is still open


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
        answer: the ranked genres. Its event ``part`` carries the ``number`` of one of
            ``answer.parts``, from 0 on, as ``gr.EventData``; ``card`` asks for a picture.
        song_map: genre along the song.
        answered: state, an ``Answered`` or None.
    """

    status: gr.HTML
    answer: gr.HTML
    song_map: gr.HTML
    answered: gr.State

    @property
    def all(self) -> list[Any]:
        """List every place, as an event's outputs."""
        return [self.status, self.answer, self.song_map, self.answered]


def lay_out(status: gr.HTML) -> Places:
    """Lay out all places but the status, which is beside the question."""
    shown = gr.HTML(
        text("classify.empty"),
        js_on_load="\n".join(each.read_text("utf-8") for each in SCRIPTS),
        elem_classes=["answer"],
    )
    place = canvas.place(
        "song_map_empty", name="song-map", formats=("png", "svg", "csv")
    )
    place.render()
    return Places(status, shown, place, gr.State(None))


def nothing(places: Places) -> Update:
    """Empty the page, in the order of ``Places.all``."""
    empty = ("", text("classify.empty"), None, None)
    return dict(zip(places.all, empty, strict=True))


def wire_map(session: Session, places: Places) -> None:
    """Wire the map: play from a moment, play, zoom or use a part, save."""
    passage, place = Passage(session), places.song_map
    passage.play(places.answer.part, _part(passage), places.answered)
    passage.wire(place)
    place.at(None, None, None, js=PLAY_FROM, **QUIETLY)
    place.zoom(session.guarded(_zooming(session)), places.answered, place, **QUIETLY)
    file, query = gr.File(visible=False), gr.Textbox(visible=False)
    save = session.guarded(_saving(file.GRADIO_CACHE))
    saved = place.save(save, places.answered, file, **QUIETLY)
    saved.success(None, [file, query], None, js=canvas.TAKE, **QUIETLY)
    facts = gr.Textbox(visible=False)
    describe = session.guarded(_card(session))
    described = places.answer.card(describe, places.answered, facts, **QUIETLY)
    described.success(None, facts, None, js=card.DRAW, **QUIETLY)


def _card(session: Session) -> Any:
    """Make the handler that describes the card of an answer."""

    def describe(answered: Answered | None, visitor: Visitor) -> str:
        if answered is None or not answered.predictions:
            raise KnownError("no_clip")
        clip = session.clip(answered.path)
        verdicts = [judge(each, clip) for each in answered.predictions]
        name = title_of(answered.path, visitor.language)
        told = answered.predictions, verdicts
        return card.content(clip, name, *told, visitor.language)

    return describe


def _part(passage: Passage) -> Handler:
    """Make the handler that cuts out what is heard of one genre."""

    def part(answered: Answered | None, event: gr.EventData) -> tuple[str, float]:
        found = parts(answered.predictions) if answered else []
        number = int(event.number)
        # No sound was classified, or a silent one.
        if answered is None or not 0 <= number < len(found):
            raise KnownError("no_clip")
        _, stretch = found[number]
        return passage.cut(answered.path, stretch.start_s, stretch.stop_s)

    return part


def _zooming(session: Session) -> Any:
    def zoom(answered: Answered | None, event: gr.EventData, visitor: Visitor) -> Any:
        if answered is None:
            return gr.skip()
        view: View = None
        if event.start_s is not None:
            view = answered.path, float(event.start_s), float(event.stop_s)
        scene = session.scene(answered.path, view, visitor.language)
        return song_map.sheet(scene, answered.predictions).as_json()

    return zoom


def _saving(cache_dir: str) -> Any:
    def save(answered: Answered | None, event: gr.EventData, visitor: Visitor) -> str:
        if answered is None or not answered.predictions:
            raise KnownError("no_clip")
        predictions, language = answered.predictions, visitor.language
        name = f"{Path(answered.path).stem}-genres"
        if len(predictions) == 1:
            data = song_map.content(predictions[0], event.format, language)
            return files.kept(data, f"{name}.{event.format}", cache_dir)
        data = song_map.contents(predictions, event.format, language)
        return files.kept(data, f"{name}-{event.format}.zip", cache_dir)

    return save


def loaded(
    place: Any, models: Models, ref: ModelRef, language: str
) -> Generator[Update, None, LoadedModel]:
    """Load a model in a thread while the page shows how far it is.

    Args:
        place: where that is shown.
        models: loads it.
        ref: of the model.
        language: of the visitor.

    Raises:
        KnownError: a code of ``Models.load``.
    """
    here: list[Bar] = [(0, 0)]  # the last word on the download
    pool = ThreadPoolExecutor(1, thread_name_prefix="load")
    future = pool.submit(models.load, ref, lambda *counts: here.append(counts))
    pool.shutdown(wait=False)  # who leaves the page finds the model there later
    shown = Markup()
    while not future.done():
        del here[:-1]
        news = loading(ref, here[-1], language)
        if news != shown:
            shown = news
            yield {place: shown}
        wait([future], LOOK_S)
    return future.result()


def all_loaded(
    place: Any, models: Models, refs: Sequence[ModelRef], language: str
) -> Generator[Update, None, list[LoadedModel]]:
    """Load several models; as ``loaded``."""
    found = []
    for ref in refs:
        found.append((yield from loaded(place, models, ref, language)))  # noqa: PERF401 (it yields)
    return found


def loading(ref: ModelRef, n_bytes: Bar, language: str) -> Markup:
    """Show that a model is being loaded, or how many of its bytes are downloaded."""
    done, total = n_bytes
    name = title(ref, language)
    if 0 < done < total:
        counts = {"mb": done / 1e6, "all_mb": total / 1e6}
        return status("fetched", language, bar=n_bytes, title=name, **counts)
    key = "fetching" if ref.source == "hub" and not total else "loading"
    return status(key, language, bar=ENDLESS, title=name)


def status(
    key: str, language: str, /, *, bar: Bar | None = None, **values: Any
) -> Markup:
    """Describe the progress in a sentence that screen readers speak by themselves.

    Args:
        key: of the sentence, in the section ``classify``.
        language: of the visitor.
        bar: how much is done, and of how much.
        **values: in the sentence.
    """
    return render("status", language, key=key, values=values, bar=bar)


def tidied(place: Any, handler: Handler) -> Handler:
    """Wrap a generator: where it ends in an error, empty the place first."""

    @functools.wraps(handler)
    def wrapper(*values: Any, **more: Any) -> Iterator[Update]:
        try:
            yield from handler(*values, **more)
        except KnownError:
            yield {place: ""}
            raise

    return wrapper


def in_line(visitors: WaitingLine, place: Any, handler: Handler) -> Handler:
    """Wrap a generator: wait for its turn, and show the place in the queue meanwhile.

    Closing the page or cancelling leaves the queue.
    """

    @functools.wraps(handler)
    def wrapper(*values: Any, visitor: Visitor) -> Iterator[Update]:
        with visitors.ticket() as ticket:
            for number in ticket.positions(PATIENCE_S):
                language = visitor.language
                line = status("in_line", language, bar=ENDLESS, place=number)
                yield {place: line}
            yield from handler(*values, visitor=visitor)

    return wrapper


def cancelled(shown: str | None, visitor: Visitor) -> str:
    """Show what was there before Cancel, unless work was in progress."""
    is_working = "<progress" in (shown or "")
    return (
        i18n.word("classify.cancelled", visitor.language) if is_working else shown or ""
    )
