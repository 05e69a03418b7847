"""Where it listens: tiles of time and band that speak for a genre, over the spectrogram."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

import i18n
from audio.effects import excerpt_of
from audio.transforms import FRAMES
from classifier import where
from classifier.models import Models
from classifier.tiles import FILLS, Fill, Picture, Piece
from classifier.where import Found
from errors import KnownError
from i18n import genre_name
from ui import canvas, sheets, waiting
from ui.export import downloads
from ui.handlers import QUIETLY
from ui.model_choice import chosen, title
from ui.player import sound_files
from ui.server import files
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Newest, Session
from ui.tabs.classify.picker import Picker
from ui.waiting import Update
from viz import palette, paper, png
from viz.plot import Sheet, Tiles, rounded
from viz.wording import joined

LIKELIEST = ""  # in the list of genres
STATUS_S, PICTURE_S = 0.5, 2.0  # between two looks at what is known
N_ROWS = 5  # of the table
LEAST_LIMIT = 0.01  # of the colours (log-odds); less is as good as nothing
HEARD = ("speaking", "rest", "whole")
# Some ten seconds of computing: one visitor at a time.
QUEUE: dict[str, Any] = {"concurrency_id": "where", "concurrency_limit": 1}


@dataclass(frozen=True)
class Shown:
    """What the page shows: of which sound, and what was found in it."""

    path: str
    found: Found

    def genre(self, chosen: str | None) -> str:
        """Return the chosen genre; the likeliest where none, or no known one, is."""
        found = self.found
        return chosen if chosen in found.labels else found.genres[0][0]


@dataclass(frozen=True)
class Place:
    """Where the answer is shown."""

    status: gr.HTML
    picture: gr.HTML
    genre: gr.Dropdown
    shown: gr.State

    @property
    def all(self) -> list[Any]:
        """List every place, as an event's outputs."""
        return [self.status, self.picture, self.genre, self.shown]


def build(session: Session, models: Models, picker: Picker) -> None:
    """Lay out the question, folded, and wire it."""
    with gr.Accordion(text("where.title"), open=False):
        gr.Markdown(text("where.intro"))
        with gr.Row():
            likeliest = [(text("where.likeliest"), LIKELIEST)]
            genre = gr.Dropdown(
                likeliest, value=LIKELIEST, label=text("where.genre"), min_width=200
            )
            fills = [(text(f"where.fill_{name}"), name) for name in FILLS]
            fill = gr.Radio(fills, value=FILLS[0], label=text("where.fill"))
        with gr.Row():
            button = gr.Button(text("where.button"), scale=0, min_width=200)
            cancel = waiting.cancel_button(scale=0)
        status = gr.HTML(elem_classes=["classify-status"])
        picture = canvas.place(
            "where_empty", name="where-map", formats=("png", "svg", "csv", "npz")
        )
        picture.render()
        with gr.Row():
            buttons = [
                gr.Button(text(f"where.hear_{name}"), size="md", scale=0, min_width=250)
                for name in HEARD
            ]
    place = Place(status, picture, genre, gr.State(None))
    _wire_search(session, models, picker, place, (button, cancel, fill))
    _wire_picture(session, place)
    _wire_sounds(session, models, place, buttons)


def _wire_search(
    session: Session,
    models: Models,
    picker: Picker,
    place: Place,
    controls: tuple[gr.Button, gr.Button, gr.Radio],
) -> None:
    button, cancel, fill = controls
    path, newest = session.bar.path, session.newest
    ask = waiting.in_line(
        models.queue.line, place.status, _asking(session, models, place)
    )
    asking = button.click(
        session.guarded(waiting.tidied(place.status, ask)),
        [path, picker.model, newest, place.genre, fill],
        place.all,
        show_progress="hidden",
        api_visibility="private",
        **QUEUE,
    )

    @session.guarded
    def stop(shown: str | None, newest: Newest, visitor: Visitor) -> str:
        newest.ask(place.picture)
        return waiting.cancelled(shown, visitor)

    cancel.click(
        stop, [place.status, newest], place.status, cancels=[asking], **QUIETLY
    )

    def forget(newest: Newest, visitor: Visitor) -> list[Any]:
        newest.ask(place.picture)
        likeliest = [(i18n.word("where.likeliest", visitor.language), LIKELIEST)]
        return ["", None, gr.Dropdown(likeliest, value=LIKELIEST), None]

    path.change(None, None, None, cancels=[asking], **QUIETLY)
    session.at_new_sound(forget, [newest], place.all)


def _asking(session: Session, models: Models, place: Place) -> Any:
    """Make the handler that searches, coarse first, and shows what is known so far."""

    def ask(
        path: str | None,
        key: str | None,
        newest: Newest,
        genre: str | None,
        fill: Fill,
        visitor: Visitor,
    ) -> Iterator[Update]:
        is_newest = newest.ask(place.picture)
        language = visitor.language
        clip = session.clip(path)
        ref = chosen(models, key, visitor)
        model = yield from waiting.loaded(place.status, models, ref, language)
        wanted = (genre or "") if genre in model.labels else LIKELIEST
        search = where.where(
            clip,
            model,
            models.queue,
            genre=wanted,
            fill=fill,
            should_stop=lambda: not is_newest(place.picture),
        )
        told, drawn = _Pace(STATUS_S), _Pace(PICTURE_S)
        try:
            for found in search:
                shown = Shown(str(path), found)
                if told.is_due():
                    yield {place.status: _progress(found, language)}
                if found.tiles and drawn.is_due():
                    so_far = _json(session, shown, wanted, language)
                    yield {place.picture: so_far, place.shown: shown}
        except KnownError as error:
            if error.code != "prediction_stopped":
                raise
            return  # the sound, the model or the question is another one
        if is_newest(place.picture):
            yield {
                place.status: "",
                place.picture: _json(session, shown, wanted, language),
                place.genre: gr.Dropdown(_choices(found, language)),
                place.shown: shown,
            }

    return ask


class _Pace:
    """Tell when to show something again: not before so many seconds."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._at = -pause_s

    def is_due(self) -> bool:
        """Return whether it is time; then the next time is a pause later."""
        now = time.monotonic()
        if now - self._at < self._pause_s:
            return False
        self._at = now
        return True


def _progress(found: Found, language: str) -> Any:
    bar = found.n_done, found.n_total
    return waiting.status("progress", language, bar=bar, done=bar[0], total=bar[1])


def _choices(found: Found, language: str) -> list[tuple[str, str]]:
    likeliest = [(i18n.word("where.likeliest", language), LIKELIEST)]
    return likeliest + [
        (
            i18n.word(
                "what_if.before",
                language,
                genre=genre_name(label, language),
                share=share,
            ),
            label,
        )
        for label, share in found.genres
    ]


def _wire_picture(session: Session, place: Place) -> None:
    """Draw another genre at once, from what is known; save; play what is selected."""

    @session.guarded
    def redraw(shown: Shown | None, genre: str | None, visitor: Visitor) -> Any:
        if shown is None:
            return gr.skip()
        return _json(session, shown, genre, visitor.language)

    given = [place.shown, place.genre]
    place.genre.input(redraw, given, place.picture, **QUIETLY)
    file, query = gr.File(visible=False), gr.Textbox(visible=False)

    @session.guarded
    def save(
        shown: Shown | None, genre: str | None, event: gr.EventData, visitor: Visitor
    ) -> str:
        if shown is None:
            raise KnownError("no_clip")
        language = visitor.language
        if event.format == "png":
            language = png.language_for(language)
        drawn = sheet(session, shown, genre, language)
        look = paper.look_of(event.scales, event.range, event.map)
        data = downloads.content(drawn, event.format, look, language)
        name = f"{files.download_name(Path(shown.path).stem)}-where.{event.format}"
        return files.kept(data, name, file.GRADIO_CACHE)

    saved = place.picture.save(save, given, file, **QUIETLY)
    saved.success(None, [file, query], None, js=canvas.TAKE, **QUIETLY)


def _wire_sounds(
    session: Session, models: Models, place: Place, buttons: list[gr.Button]
) -> None:
    """Play what speaks for the genre, the rest, or both."""
    file = gr.Audio(type="filepath", format=None, visible=False)
    start_s = gr.Number(0, visible=False)
    for name, button in zip(HEARD, buttons, strict=True):
        cut = session.guarded(_cutting(session, models, name, file.GRADIO_CACHE))
        made = button.click(cut, [place.shown, place.genre], [file, start_s], **QUIETLY)
        made.success(None, [file, start_s], None, js=canvas.PLAY, **QUIETLY)


def _cutting(session: Session, models: Models, name: str, cache_dir: str) -> Any:
    def cut(shown: Shown | None, genre: str | None) -> tuple[str, float]:
        if shown is None:
            raise KnownError("where_nothing")
        found = shown.found
        clip = excerpt_of(session.clip(shown.path))
        rate = models.load(found.model).sampling_rate
        picture = Picture.of(clip.resampled(rate))
        pieces = found.speaking(shown.genre(genre)) if name != "whole" else ()
        sound = picture.only(pieces, is_rest=name != "speaking")
        return sound_files.file_of(sound, cache_dir), found.start_s

    return cut


def _json(session: Session, shown: Shown, genre: str | None, language: str) -> str:
    return sheet(session, shown, genre, language).as_json()


def sheet(session: Session, shown: Shown, genre: str | None, language: str) -> Sheet:
    """Draw what speaks for a genre, and against it, over the excerpt's spectrogram.

    Args:
        session: with the sound.
        shown: what was found in it.
        genre: one of the model; the likeliest by default.
        language: of labels and sentences.
    """
    found, genre = shown.found, shown.genre(genre)
    stop_s = found.start_s + found.duration_s
    view_s = (shown.path, found.start_s, stop_s)
    scene = session.scene(shown.path, view_s, language)
    plot = sheets.spectrogram(scene, [FRAMES]).plots[0]
    pieces = found.pieces(genre)
    top_hz = max((each.high_hz for each in pieces), default=plot.y.stop)
    name = genre_name(genre, language)
    tiles = _tiles(pieces, found.start_s, name, language)
    y = replace(
        plot.y,
        stop=min(plot.y.stop, top_hz),
        scales=("mel", "log", "linear", "note"),
    )
    facts = (
        i18n.word("where.fact_genre", language, genre=name, share=_share(found, genre)),
        i18n.word(f"where.fact_{found.fill}", language),
        i18n.word("where.fact_windows", language, n=found.n_done),
    )
    drawn = replace(
        plot, name="where", y=y, layers=(*plot.layers, tiles), facts=facts, title=""
    )
    speaking = found.speaking(genre)
    about = joined(_about(found, genre, speaking, language), language)
    return scene.sheet((drawn,), about, _table(speaking, found.start_s, language))


def _share(found: Found, genre: str) -> float:
    return dict(found.genres)[genre]


def _tiles(
    pieces: tuple[Piece, ...], start_s: float, name: str, language: str
) -> Tiles:
    """Describe tiles by their density, so that large and small ones compare."""
    most = max((abs(each.density) for each in pieces), default=0.0)
    sides = np.array([[p.start_s, p.stop_s, p.low_hz, p.high_hz] for p in pieces])
    starts_s, stops_s, lows_hz, highs_hz = sides.reshape(-1, 4).T
    return Tiles(
        starts_s=rounded(start_s + starts_s, 4),
        stops_s=rounded(start_s + stops_s, 4),
        lows_hz=rounded(lows_hz, 2),
        highs_hz=rounded(highs_hz, 2),
        values=rounded(np.array([each.density for each in pieces])),
        limit=max(float(f"{most:.2g}"), LEAST_LIMIT),
        label=i18n.word("where.legend", language, genre=name),
        names=(
            i18n.word("where.against", language, genre=name),
            i18n.word("where.for", language, genre=name),
        ),
        colours=(palette.AGAINST, palette.FOR),
    )


def _about(
    found: Found, genre: str, speaking: tuple[Piece, ...], language: str
) -> list[str]:
    """Write where the genre comes from, and how much hangs on these places alone."""
    name = genre_name(genre, language)
    if not speaking:
        return [i18n.word("where.about_none", language, genre=name)]
    first = speaking[0]
    facts = {
        "start_s": found.start_s + first.start_s,
        "stop_s": found.start_s + first.stop_s,
        "low_hz": first.low_hz,
        "high_hz": first.high_hz,
    }
    lines = [i18n.word("where.about", language, genre=name, **facts)]
    check = found.check
    if check and check.genre == genre:
        kept, rest = (
            dict(each.genres)[genre] if each else 0.0
            for each in (check.kept, check.rest)
        )
        shares = {"kept": kept, "rest": rest, "share": _share(found, genre)}
        lines.append(i18n.word("where.check", language, genre=name, **shares))
        if rest > shares["share"] / 2:
            lines.append(i18n.word("where.stand_in", language))
        elif kept < shares["share"] / 2:
            lines.append(i18n.word("where.needs_both", language))
    elif check:
        asked = genre_name(check.genre, language)
        lines.append(i18n.word("where.finer_for", language, genre=asked))
    lines.append(
        i18n.word("where.by_model", language, model=title(found.model, language))
    )
    return lines


def _table(
    speaking: tuple[Piece, ...], start_s: float, language: str
) -> tuple[tuple[str, ...], ...]:
    if not speaking:
        return ()
    head = tuple(
        i18n.word(f"where.{name}", language) for name in ("time", "band", "effect")
    )
    rows = [
        (
            f"{start_s + each.start_s:.2f}–{start_s + each.stop_s:.2f} s",
            f"{each.low_hz:,.0f}–{each.high_hz:,.0f} Hz",
            f"{each.effect:+.3f}",
        )
        for each in speaking[:N_ROWS]
    ]
    return (head, *rows)
