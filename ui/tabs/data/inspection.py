"""Songs that somebody inspects before a run: read once, then chosen, played and drawn.

Runs find them again in the cache.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import Dependency
from markupsafe import Markup, escape

import i18n
from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE
from audio.transforms import MEL_BANDS
from errors import KnownError
from i18n import clock, genre_name
from trainer.config import RunConfig
from trainer.data import dataset, sources
from trainer.data.dataset import INT16_MAX, Song, SongSet
from trainer.data.faults import Fault, faults
from trainer.data.splits import PARTS, Split
from trainer.data.survey import Survey, survey
from trainer.run.events import Noted, RunEvent, Stage, StopRequested
from ui import canvas, sheets
from ui.handlers import QUIETLY
from ui.player import sound_files
from ui.player.audio import player
from ui.scene import Scene, Transforms
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.templates import paragraphs
from viz.plot import Sheet

EVERY_S = 0.25  # between two reports
N_SHOWN = 4  # samples of a song, as numbers


@dataclass(frozen=True, eq=False)
class InspectedSongs:
    """Songs that were inspected.

    Attributes:
        songs: the decoded songs.
        faults: what is wrong with them.
        config: what they were chosen and split by.
        split: into parts.
        notes: where they come from, if that is not plain from the choice.
    """

    songs: SongSet
    faults: tuple[Fault, ...]
    config: RunConfig
    split: Split
    notes: tuple[Noted, ...] = ()

    def divided(self, **settings: Any) -> InspectedSongs:
        """Split the same songs otherwise.

        Args:
            **settings: fields of RunConfig that choose the split.

        Raises:
            KnownError: what RunConfig or ``dataset.split_songs`` refuses.
        """
        config = dataclasses.replace(self.config, **settings)
        split = dataset.split_songs(self.songs, config)
        return dataclasses.replace(self, config=config, split=split)

    def survey(self) -> Survey:
        """Survey the songs."""
        return survey(self.songs, self.split, self.faults)

    def in_genre(self, genre: str) -> list[tuple[str, int]]:
        """List a genre's songs: (name, index)."""
        return [
            (song.name, index)
            for index, song in enumerate(self.songs.songs)
            if song.genre == genre
        ]

    def song(self, index: int) -> Song:
        """Return what is known of a song."""
        return self.songs.songs[index]

    def clip(self, index: int) -> Clip:
        """Return a song as the models get it."""
        samples = self.songs.song(index).astype(np.float32) / np.float32(INT16_MAX)
        return Clip(samples, SAMPLING_RATE, self.song(index).name)

    def part(self, index: int) -> str:
        """Return a song's part of ``splits.PARTS``, or "none"; of several the last."""
        parts = [part for part in PARTS if index in getattr(self.split, part)]
        return parts[-1] if parts else "none"


def inspect(config: RunConfig, cache_dir: Path) -> Iterator[Stage | InspectedSongs]:
    """Read a config's songs into the cache and look for what is wrong with them.

    The work is done by a thread. Closing the iterator before its end, as when a page is
    left, stops it before the next song or file.

    Yields:
        How far it is, every now and then; at last the inspected songs.

    Raises:
        KnownError: what the sources, ``dataset.prepare`` and ``dataset.split_songs`` raise.
    """
    is_left = threading.Event()
    newest = [Stage("songs")]
    notes: list[Noted] = []

    def emit(event: RunEvent) -> None:
        if is_left.is_set():
            raise StopRequested
        if isinstance(event, Stage):
            newest[0] = event
        elif isinstance(event, Noted) and event.code.startswith("gtzan_"):
            notes.append(event)

    def work() -> InspectedSongs:
        source = sources.source_of(config, emit)
        songs = dataset.prepare(
            source, cache_dir, emit=emit, should_stop=is_left.is_set
        )
        split = dataset.split_songs(songs, config)
        wrong = faults(songs, emit=emit, should_stop=is_left.is_set)
        return InspectedSongs(songs, wrong, config, split, tuple(notes))

    pool = ThreadPoolExecutor(1, "inspect")
    try:
        inspecting = pool.submit(work)
        while wait([inspecting], EVERY_S).not_done:
            yield newest[0]
        yield inspecting.result()
    finally:
        is_left.set()
        pool.shutdown(wait=False)


@dataclass(frozen=True)
class Place:
    """Where a song is chosen, played and drawn."""

    genre: gr.Dropdown
    song: gr.Dropdown
    facts: gr.HTML
    numbers: gr.HTML
    player: gr.Audio
    picture: gr.HTML


def build() -> Place:
    """Lay out the place."""
    sound = player(text("data.player"))
    picture = canvas.place("song_empty", name="song-picture")
    with gr.Row(elem_classes=["lesson", "data"]):
        with gr.Column(scale=1, min_width=300):
            gr.Markdown(text("data.listen"))
            genre = gr.Dropdown([], label=text("data.genre"))
            song = gr.Dropdown([], label=text("data.song"))
            facts = gr.HTML(elem_classes="numbers")
            numbers = gr.HTML(elem_classes="numbers")
        with gr.Column(scale=2, min_width=320, elem_classes="song-shown"):
            sound.render()
            picture.render()
    return Place(genre, song, facts, numbers, sound, picture)


def wire(session: Session, place: Place, inspected: gr.State, work: Dependency) -> None:
    """Offer the songs once ``work`` has inspected them, and show the chosen one."""

    @session.guarded
    def show(
        inspected: InspectedSongs | None, index: int, visitor: Visitor
    ) -> list[Any]:
        known = _known(inspected)
        return [
            facts_html(known, index, visitor.language),
            numbers_html(known, index, visitor.language),
            sound_files.file_of(known.clip(index), place.player.GRADIO_CACHE),
            picture(known, index, visitor.language).as_json(),
        ]

    showing: dict[str, Any] = {
        "fn": show,
        "inputs": [inspected, place.song],
        "outputs": [place.facts, place.numbers, place.player, place.picture],
        **QUIETLY,
    }
    both = [place.genre, place.song]
    work.success(session.guarded(list_genres), inspected, both, **QUIETLY).success(
        **showing
    )
    songs = session.guarded(list_songs)
    listing = place.genre.input(songs, [inspected, place.genre], place.song, **QUIETLY)
    listing.success(**showing)
    place.song.input(**showing)


def list_genres(
    inspected: InspectedSongs | None, visitor: Visitor
) -> list[gr.Dropdown]:
    """List the genres, the first one chosen, and its songs."""
    known = _known(inspected)
    genres = [(genre_name(g, visitor.language), g) for g in known.songs.genres]
    first = known.songs.genres[0]
    return [gr.Dropdown(genres, value=first), list_songs(known, first)]


def list_songs(inspected: InspectedSongs | None, genre: str) -> gr.Dropdown:
    """List a genre's songs, the first one chosen."""
    songs = _known(inspected).in_genre(genre)
    return gr.Dropdown(songs, value=songs[0][1])


def _known(inspected: InspectedSongs | None) -> InspectedSongs:
    if inspected is None:
        raise KnownError("not_looked")
    return inspected


def facts_html(inspected: InspectedSongs, index: int, language: str) -> Markup:
    """Describe a song in a line: its part, its duration, its sampling rates."""
    song = inspected.song(index)
    rate = hertz(song.sampling_rate)
    facts = [
        i18n.word(f"data.part_{inspected.part(index)}", language),
        clock(song.duration_s),
        i18n.word("data.in_file", language, rate=rate),
        f"→ {hertz(SAMPLING_RATE)}",
    ]
    same = song.sampling_rate == SAMPLING_RATE
    return escape(" · ".join(facts[:-1] if same else facts))


def numbers_html(inspected: InspectedSongs, index: int, language: str) -> Markup:
    """Show one sample as the tutorial does: an array of numbers, and a label's number."""
    samples, song = inspected.clip(index).samples, inspected.song(index)
    middle = samples[len(samples) // 2 :][:N_SHOWN]
    number = inspected.songs.genres.index(song.genre)
    sentence = i18n.word(
        "data.as_numbers",
        language,
        n=len(samples),
        low=float(samples.min()),
        high=float(samples.max()),
        middle=" ".join(f"{value:.4f}" for value in middle),
        number=number,
        last=len(inspected.songs.genres) - 1,
        genre=genre_name(song.genre, language),
    )
    return paragraphs([sentence])


def picture(inspected: InspectedSongs, index: int, language: str) -> Sheet:
    """Draw a song's mel spectrogram as the mel lesson does; no zoom, no selection."""
    scene = Scene(inspected.clip(index), Transforms(), language)
    sheet = sheets.mel(scene, MEL_BANDS)
    plots = tuple(dataclasses.replace(plot, is_sound=False) for plot in sheet.plots)
    return dataclasses.replace(sheet, plots=plots)


def hertz(sampling_rate: int) -> str:
    """Format a sampling rate."""
    return f"{sampling_rate:,} Hz"
