"""Where a song's answer is shown, what one does with its map, and what one waits for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from classifier.predict import Prediction
from classifier.verdict import judge
from errors import KnownError
from ui import canvas
from ui.handlers import QUIETLY, Handler
from ui.player.clip_bar import title_of
from ui.player.passage import Passage
from ui.server import files
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session, View
from ui.tabs.classify import card, song_map
from ui.tabs.classify.answer import parts
from ui.waiting import Update

# On the page but not seen: a button that has yet to be put there may miss that it is to
# be shown, where answers follow each other closely.
HIDDEN: Literal["hidden"] = "hidden"
SCRIPTS = (Path(__file__).with_name("answer.js"), card.SCRIPT)
TO_THE_TOP = '() => window.scrollTo({ top: 0, behavior: "smooth" })'
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
    """Make the handler that cuts out the part that plays for one genre."""

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
        name = f"{files.download_name(Path(answered.path).stem)}-genres"
        if len(predictions) == 1:
            data = song_map.content(predictions[0], event.format, language)
            return files.kept(data, f"{name}.{event.format}", cache_dir)
        data = song_map.contents(predictions, event.format, language)
        return files.kept(data, f"{name}-{event.format}.zip", cache_dir)

    return save
