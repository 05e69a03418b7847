"""What hands do with the map of a song: hear, zoom, take a part, save."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from errors import KnownError
from ui import files, sounds
from ui.classifying import song_map
from ui.classifying.places import Answered, Places
from ui.handlers import QUIETLY
from ui.lessons import selection
from ui.scripts import PLAY, TAKE
from ui.server.access import Visitor
from ui.session import Session as Desk
from ui.session import View

PLAY_FROM = "() => Genrescope.sound.playFrom(Genrescope.sound.state.at_s)"


def wire(desk: Desk, places: Places) -> None:
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
        # Nothing was heard, or silence.
        if answered is None or number >= len(answered.reasons):
            raise KnownError("no_clip")
        _, stretch = answered.reasons[number]
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
        if answered is None or not answered.predictions:
            raise KnownError("no_clip")
        said, language = answered.predictions, visitor.language
        name = f"{Path(answered.path).stem}-genres"
        if len(said) == 1:
            data = song_map.content(said[0], asked.format, language)
            return files.kept(data, f"{name}.{asked.format}", cache_dir)
        data = song_map.contents(said, asked.format, language)
        return files.kept(data, f"{name}-{asked.format}.zip", cache_dir)

    return save
