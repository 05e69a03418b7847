"""The tab Map: songs as points, near each other what a model computes alike.

The server computes embeddings, places, neighbours and groups; the browser draws them,
zooms, selects and lists. Nothing is computed before somebody asks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from markupsafe import Markup

import i18n
from classifier import embeddings
from classifier.models import AUTO, Models
from classifier.similarity import N_STAGES
from errors import KnownError
from i18n import listed
from settings import Settings
from ui import canvas, uploads, waiting
from ui.handlers import QUIETLY
from ui.model_choice import chosen, full_title
from ui.player.clip_bar import title_of
from ui.server import files
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.tabs.map import maps, sheet
from ui.tabs.map import songs as sources
from ui.tabs.map.maps import Points, Progress, SongMap

HERE = Path(__file__).parent
SCRIPT = HERE / "map.js"
STYLE = HERE / "map.css"
ID = "map"
Layout = Literal["pca", "tsne"]
LAYOUTS: tuple[Layout, ...] = ("pca", "tsne")
N_CLUSTERS = 8
MOST_CLUSTERS = 12
EVERY_S = 0.3  # between two reports
N_NAMED = 3  # songs that could not be read
# Minutes of computing: one map at a time. Where one's own song lies takes a second.
MAP_QUEUE: dict[str, Any] = {"concurrency_id": "map", "concurrency_limit": 1}
ONE_QUEUE: dict[str, Any] = {"concurrency_id": "on_map", "concurrency_limit": 2}
MINE = "(told) => Genrescope.songMap.mine(told)"
FORMATS = {"npz": embeddings.as_npz, "csv": embeddings.as_csv}


@dataclass(frozen=True)
class Places:
    """What a map is made from, and where it is shown.

    Attributes:
        source: which songs.
        given: uploads.
        model: key of the model.
        layout: one of ``LAYOUTS``.
        n_clusters: of k-means.
        status: how far it is.
        drawn: the map. Its events carry, as ``gr.EventData``: ``play`` a song's
            ``number``, ``save`` a ``format``; ``locate`` nothing.
        song_map: state, a ``SongMap``; None before the first.
    """

    source: gr.Dropdown
    given: gr.File
    model: gr.Dropdown
    layout: gr.Radio
    n_clusters: gr.Slider
    status: gr.HTML
    drawn: gr.HTML
    song_map: gr.State


def build(tab: gr.Tab, session: Session, settings: Settings, models: Models) -> None:
    """Lay out the tab, inside ``tab``, and wire it."""
    gr.Markdown(text("map.intro"))
    with gr.Row(elem_classes=["map-form"]):
        first = [(text("map.composed_short"), sources.COMPOSED)]
        source = gr.Dropdown(first, value=sources.COMPOSED, label=text("map.songs"))
        model = gr.Dropdown([], label=text("classify.model"))
        layouts = [(text(f"map.{each}"), each) for each in LAYOUTS]
        layout = gr.Radio(layouts, value="pca", label=text("map.layout"))
        n_clusters = gr.Slider(
            2, MOST_CLUSTERS, N_CLUSTERS, step=1, label=text("map.n_clusters")
        )
    given = gr.File(
        file_count="multiple",
        file_types=uploads.FILE_TYPES,
        label=text("classify.files"),
        height=160,
        visible=False,
    )
    with gr.Row():
        button = gr.Button(
            text("map.button"), variant="primary", scale=0, min_width=200
        )
        cancel = waiting.cancel_button(scale=0)
    status = gr.HTML(elem_classes=["classify-status"])
    drawn = gr.HTML(
        None, html_template="", js_on_load=SCRIPT.read_text("utf-8"), elem_id="song-map"
    )
    places = Places(
        source, given, model, layout, n_clusters, status, drawn, gr.State(None)
    )
    points = Points()
    _wire_choices(tab, session, settings, models, places)
    _wire_drawing(session, settings, models, places, points, (button, cancel))
    _wire_songs(session, models, places, points)


def _wire_choices(
    tab: gr.Tab, session: Session, settings: Settings, models: Models, places: Places
) -> None:
    """List songs and models whenever the tab opens, and show the field for uploads."""

    def offer(source: str, key: str | None, visitor: Visitor) -> list[Any]:
        language = visitor.language
        every = sources.choices(settings, visitor)
        is_there = source in [value for _, value in every]
        other: dict[str, Any] = {} if is_there else {"value": sources.COMPOSED}
        refs = models.available()
        known = [(full_title(ref, language), ref.key) for ref in refs]
        known = [(i18n.word("classify.auto", language), AUTO), *known]
        is_known = key in [value for _, value in known]
        first: dict[str, Any] = {} if is_known else {"value": AUTO}
        return [gr.update(choices=every, **other), gr.update(choices=known, **first)]

    def show(source: str) -> gr.File:
        return gr.File(visible=source == sources.UPLOADS)

    both: list[Any] = [places.source, places.model]
    tab.select(session.guarded(offer), both, both, **QUIETLY)
    shown = session.guarded(show)
    places.source.change(shown, places.source, places.given, **QUIETLY)


def _wire_drawing(
    session: Session,
    settings: Settings,
    models: Models,
    places: Places,
    points: Points,
    buttons: tuple[gr.Button, gr.Button],
) -> None:
    """Compute a map, and arrange what is there in another way."""
    button, cancel = buttons
    look: list[Any] = [places.layout, places.n_clusters]
    outputs = [places.status, places.drawn, places.song_map]
    shown: dict[str, Any] = {
        "show_progress": "minimal",
        "show_progress_on": places.status,
        "api_visibility": "private",
    }
    draw = _drawing(session, settings, models, places, points)
    drawing = button.click(
        session.guarded(waiting.tidied(places.status, draw)),
        [places.source, places.given, places.model, *look],
        outputs,
        **shown,
        **MAP_QUEUE,
    )
    arrange = session.guarded(waiting.tidied(places.status, _arranging(places)))
    arranging = gr.on(
        [places.layout.input, places.n_clusters.release],
        arrange,
        [places.song_map, *look],
        outputs,
        trigger_mode="always_last",
        **shown,
        **MAP_QUEUE,
    )
    cancelled = session.guarded(waiting.cancelled)
    work = [drawing, arranging]
    cancel.click(cancelled, places.status, places.status, cancels=work, **QUIETLY)


def _drawing(
    session: Session, settings: Settings, models: Models, places: Places, points: Points
) -> Any:
    """Make the handler that computes a map, which grows as songs are read."""

    def draw(
        source: str,
        given: list[str] | None,
        key: str | None,
        layout: str,
        n_clusters: float,
        visitor: Visitor,
    ) -> Iterator[waiting.Update]:
        language = visitor.language
        asked = _layout(layout), _n_clusters(n_clusters)
        ref = chosen(models, key, visitor)
        found = sources.of(source, given, settings, visitor)
        model = yield from waiting.loaded(places.status, models, ref, language)
        limits = session.shelf.limits_of(visitor.may_train)
        last: Progress | None = None
        told_s = 0.0
        for last in maps.computed(
            found.songs, model, models.queue, points, limits, language
        ):
            is_new = last.map is not None and last.n_done < last.n_total
            if is_new or time.monotonic() - told_s >= EVERY_S:
                told_s = time.monotonic()
                yield {places.status: _progress(last, language)}
            if is_new and last.map:
                yield _shown(places, last.map, asked[1], language)
        assert last and last.map
        yield from _placed(places, last.map, *asked, language)
        yield {places.status: _ended(last, len(found.failed), language)}

    return draw


def _arranging(places: Places) -> Any:
    """Make the handler that draws the same songs by another layout or other groups."""

    def arrange(
        song_map: SongMap | None, layout: str, n_clusters: float, visitor: Visitor
    ) -> Iterator[waiting.Update]:
        asked = _layout(layout), _n_clusters(n_clusters)
        if song_map is None:
            yield {places.status: ""}
            return
        yield from _placed(places, song_map, *asked, visitor.language)
        yield {places.status: ""}

    return arrange


def _placed(
    places: Places, song_map: SongMap, layout: Layout, n_clusters: int, language: str
) -> Iterator[waiting.Update]:
    """Show a map in a layout; by t-SNE stage by stage, unless it has been placed so."""
    if layout == "pca":
        song_map = replace(song_map, is_by_tsne=False)
    else:
        for done, placed in maps.by_tsne(song_map):
            if placed:
                song_map = placed
            else:
                bar = done, N_STAGES
                said = waiting.status("on_map.placing", language, bar=bar)
                yield {places.status: said}
    yield _shown(places, song_map, n_clusters, language)


def _shown(
    places: Places, song_map: SongMap, n_clusters: int, language: str
) -> waiting.Update:
    told = sheet.as_json(song_map, n_clusters, language)
    return {places.drawn: told, places.song_map: song_map}


def _progress(now: Progress, language: str) -> Markup:
    bar = now.n_done, now.n_total
    facts = {"done": now.n_done, "total": now.n_total}
    return waiting.status("many_progress", language, bar=bar, **facts)


def _ended(last: Progress, n_zips: int, language: str) -> Markup | str:
    """Tell what could not be read; nothing where all could."""
    n_failed = len(last.failed) + n_zips
    if not n_failed:
        return ""
    names = listed(last.failed[:N_NAMED], language)
    return waiting.status("on_map.failed", language, n=n_failed, names=names or "zip")


def _wire_songs(
    session: Session, models: Models, places: Places, points: Points
) -> None:
    """Play songs of the map, find the place of one's own, save the embeddings."""
    sound = gr.Audio(type="filepath", format=None, visible=False)
    file, query = gr.File(visible=False), gr.Textbox(visible=False)
    mine = gr.Textbox(visible=False)
    play = session.guarded(_playing(session, sound.GRADIO_CACHE))
    played = places.drawn.play(play, places.song_map, sound, **QUIETLY)
    played.success(None, sound, None, js=canvas.PLAY_OTHER, **QUIETLY)
    locate = session.guarded(_locating(session, models, points))
    asked: list[Any] = [session.bar.path, places.song_map]
    located = places.drawn.locate(locate, asked, mine, **QUIETLY, **ONE_QUEUE)
    located.success(None, mine, None, js=MINE, **QUIETLY)
    save = session.guarded(_saving(file.GRADIO_CACHE))
    saved = places.drawn.save(save, places.song_map, file, **QUIETLY)
    saved.success(None, [file, query], None, js=canvas.TAKE, **QUIETLY)


def _playing(session: Session, cache_dir: str) -> Any:
    def play(song_map: SongMap | None, event: gr.EventData, visitor: Visitor) -> str:
        number = int(event.number)
        if song_map is None or not 0 <= number < len(song_map.songs):
            raise KnownError("no_map")
        song, limits = song_map.songs[number], session.shelf.limits
        return sources.sound_of(song, limits, cache_dir, visitor.language)

    return play


def _locating(session: Session, models: Models, points: Points) -> Any:
    """Make the handler that finds the place of the chosen sound; "" without one."""

    def locate(path: str | None, song_map: SongMap | None, visitor: Visitor) -> str:
        if path is None or song_map is None:
            return ""
        model = models.load(song_map.model)
        with models.queue.line.turn(), session.shelf.passing(path) as sound:
            try:
                point = maps.point_of(path, sound, model, models.queue, points)
            except KnownError as error:
                if error.code not in ("silent", "too_short"):
                    raise
                return ""
        place, near = song_map.located(point.vector)
        name = title_of(path, visitor.language)
        return sheet.mine_as_json(song_map, name, place, near)

    return locate


def _saving(cache_dir: str) -> Any:
    def save(song_map: SongMap | None, event: gr.EventData) -> str:
        if song_map is None or event.format not in FORMATS:
            raise KnownError("no_map")
        data = FORMATS[event.format](song_map.embeddings)
        return files.kept(data, f"embeddings.{event.format}", cache_dir)

    return save


def _layout(value: str) -> Layout:
    for layout in LAYOUTS:
        if value == layout:
            return layout
    raise KnownError("not_a_choice", field="layout", value=value, choices=LAYOUTS)


def _n_clusters(value: float) -> int:
    return max(1, min(int(value), MOST_CLUSTERS))
