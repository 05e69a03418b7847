"""One song of those that were looked at: chosen, heard and seen."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

import gradio as gr
from gradio.events import Dependency

import words
from audio.hearing import SAMPLING_RATE
from errors import KnownError
from ui import pictures, sounds
from ui.access import Visitor
from ui.classifying.answer import genre_name
from ui.clip_bar import clock
from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.language import text
from ui.lessons import mel
from ui.lessons.frame import player
from ui.looking import Looked
from ui.pictures.plot import Sheet
from ui.scene import Scene, Transforms
from ui.survey_html import hertz

N_SHOWN = 4  # samples of a song, as numbers


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a song is chosen, heard and seen."""

    genre: gr.Dropdown
    song: gr.Dropdown
    facts: gr.HTML
    numbers: gr.HTML
    player: gr.Audio
    picture: gr.HTML


def build() -> Place:
    """Lay out the place."""
    heard = player(text("data.player"))
    picture = pictures.place("song_empty", name="song-picture")
    with gr.Row(elem_classes=["lesson", "data"]):
        with gr.Column(scale=1, min_width=300):
            gr.Markdown(text("data.listen"))
            genre = gr.Dropdown([], label=text("data.genre"))
            song = gr.Dropdown([], label=text("data.song"))
            facts = gr.HTML(elem_classes="numbers")
            numbers = gr.HTML(elem_classes="numbers")
        with gr.Column(scale=2, min_width=320, elem_classes="song-shown"):
            heard.render()
            picture.render()
    return Place(genre, song, facts, numbers, heard, picture)


def wire(desk: Desk, place: Place, looked: gr.State, work: Dependency) -> None:
    """Offer the songs once ``work`` has looked at them, and show the chosen one."""

    @desk.guarded
    def show(looked: Looked | None, index: int, visitor: Visitor) -> list[Any]:
        known = _known(looked)
        return [
            facts_html(known, index, visitor.language),
            numbers_html(known, index, visitor.language),
            sounds.file_of(known.clip(index), place.player.GRADIO_CACHE),
            picture(known, index, visitor.language).as_json(),
        ]

    showing: dict[str, Any] = {
        "fn": show,
        "inputs": [looked, place.song],
        "outputs": [place.facts, place.numbers, place.player, place.picture],
        **QUIETLY,
    }
    both = [place.genre, place.song]
    work.success(desk.guarded(list_genres), looked, both, **QUIETLY).success(**showing)
    songs = desk.guarded(list_songs)
    listing = place.genre.input(songs, [looked, place.genre], place.song, **QUIETLY)
    listing.success(**showing)
    place.song.input(**showing)


def list_genres(looked: Looked | None, visitor: Visitor) -> list[gr.Dropdown]:
    """The genres, the first one chosen, and its songs."""
    known = _known(looked)
    genres = [(genre_name(g, visitor.language), g) for g in known.songs.genres]
    first = known.songs.genres[0]
    return [gr.Dropdown(genres, value=first), list_songs(known, first)]


def list_songs(looked: Looked | None, genre: str) -> gr.Dropdown:
    """A genre's songs, the first one chosen."""
    songs = _known(looked).in_genre(genre)
    return gr.Dropdown(songs, value=songs[0][1])


def _known(looked: Looked | None) -> Looked:
    if looked is None:
        raise KnownError("not_looked")
    return looked


def facts_html(looked: Looked, index: int, language: str) -> str:
    """What a song is, in a line: its part, its length, its rates."""
    song = looked.song(index)
    rate = hertz(song.sampling_rate)
    facts = [
        words.word(f"data.part_{looked.part(index)}", language),
        clock(song.duration_s),
        words.word("data.in_file", language, rate=rate),
        f"→ {hertz(SAMPLING_RATE)}",
    ]
    same = song.sampling_rate == SAMPLING_RATE
    return html.escape(" · ".join(facts[:-1] if same else facts))


def numbers_html(looked: Looked, index: int, language: str) -> str:
    """The tutorial's look at one sample: an array of numbers, and a label's number."""
    samples, song = looked.clip(index).samples, looked.song(index)
    middle = samples[len(samples) // 2 :][:N_SHOWN]
    number = looked.songs.genres.index(song.genre)
    said = words.word(
        "data.as_numbers",
        language,
        n=len(samples),
        low=float(samples.min()),
        high=float(samples.max()),
        middle=" ".join(f"{value:.4f}" for value in middle),
        number=number,
        last=len(looked.songs.genres) - 1,
        genre=genre_name(song.genre, language),
    )
    return f"<p>{html.escape(said)}</p>"


def picture(looked: Looked, index: int, language: str) -> Sheet:
    """A song's mel spectrogram, as the mel lesson draws it; no zoom, no selection."""
    scene = Scene(looked.clip(index), Transforms(), language)
    sheet = mel.draw(scene, 128, "slaney", 0, 8000, False, "level")
    plots = tuple(dataclasses.replace(plot, is_sound=False) for plot in sheet.plots)
    return dataclasses.replace(sheet, plots=plots)
