"""Songs that somebody looks at before a run: read once, where runs find them again."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audio.clip import Clip
from audio.hearing import SAMPLING_RATE
from trainer import data, sources
from trainer.config import RunConfig
from trainer.data import INT16_MAX, Song, SongSet
from trainer.events import Noted, RunEvent, Stage, StopRequested
from trainer.faults import Fault, faults
from trainer.splits import PARTS, Split
from trainer.survey import Survey, survey

EVERY_S = 0.25  # between two reports


@dataclass(frozen=True, eq=False)
class Looked:
    """Songs that were looked at.

    Attributes:
        songs: they.
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

    def divided(self, **wish: Any) -> Looked:
        """The same songs, split otherwise.

        Args:
            **wish: fields of RunConfig that say how to split.

        Raises:
            KnownError: what RunConfig or ``data.divided`` refuses.
        """
        config = dataclasses.replace(self.config, **wish)
        split = data.divided(self.songs, config)
        return dataclasses.replace(self, config=config, split=split)

    def survey(self) -> Survey:
        """What is in them."""
        return survey(self.songs, self.split, self.faults)

    def in_genre(self, genre: str) -> list[tuple[str, int]]:
        """(name, index) of a genre's songs."""
        return [
            (song.name, index)
            for index, song in enumerate(self.songs.songs)
            if song.genre == genre
        ]

    def song(self, index: int) -> Song:
        """What is known of a song."""
        return self.songs.songs[index]

    def clip(self, index: int) -> Clip:
        """A song as the models hear it."""
        samples = self.songs.song(index).astype(np.float32) / np.float32(INT16_MAX)
        return Clip(samples, SAMPLING_RATE, self.song(index).name)

    def part(self, index: int) -> str:
        """Of ``splits.PARTS``, or "none"; the test songs that choose as well are "test"."""
        parts = [part for part in PARTS if index in getattr(self.split, part)]
        return parts[-1] if parts else "none"


def look(config: RunConfig, cache_dir: Path) -> Iterator[Stage | Looked]:
    """Read a config's songs into the cache and look for what is wrong with them.

    The work is done by a thread. Whoever closes the iterator before its end, such as a
    page that is left, stops it before the next song or file.

    Yields:
        How far it is, every now and then; at last what was looked at.

    Raises:
        KnownError: what the sources, ``data.prepare`` and ``data.divided`` raise.
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

    def work() -> Looked:
        source = sources.source_of(config, emit)
        songs = data.prepare(source, cache_dir, emit=emit, should_stop=is_left.is_set)
        split = data.divided(songs, config)
        wrong = faults(songs, emit=emit, should_stop=is_left.is_set)
        return Looked(songs, wrong, config, split, tuple(notes))

    pool = ThreadPoolExecutor(1, "look")
    try:
        looking = pool.submit(work)
        while wait([looking], EVERY_S).not_done:
            yield newest[0]
        yield looking.result()
    finally:
        is_left.set()
        pool.shutdown(wait=False)
