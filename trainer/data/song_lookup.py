"""A song that a run heard, by its name, to be heard again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError
from trainer.config import FOLDER, ZIP
from trainer.data import dataset, sources
from trainer.data.dataset import INT16_MAX
from trainer.run import runs
from trainer.run.runs import Run


def clip(run: Run, name: str, genre: str, cache_dir: Path) -> Clip:
    """A song of a run, as its model heard it: from the cache, or read once more.

    Songs of the Hub are read from the cache alone: to look for one there would mean
    to download all.

    Raises:
        KnownError: ``song_gone``, or what reading it raises.
    """
    found = _kept(run, name, genre, cache_dir) or _read(run, name, genre)
    if found is None:
        raise KnownError("song_gone", name=name)
    return found


def _kept(run: Run, name: str, genre: str, cache_dir: Path) -> Clip | None:
    """The song in the folder of the cache that the run noted."""
    noted = runs.read_json(run.folder / runs.SONGS)
    songs = noted and dataset.reopened(cache_dir / Path(noted["folder"]).name)
    if not songs:
        return None
    for index, song in enumerate(songs.songs):
        if (song.name, song.genre) == (name, genre):
            samples = songs.song(index).astype(np.float32) / np.float32(INT16_MAX)
            return Clip(samples, SAMPLING_RATE, name)
    return None


def _read(run: Run, name: str, genre: str) -> Clip | None:
    """The song composed anew, or decoded from where its file was."""
    config = run.config()
    if config.data != "composed" and not config.data.startswith((FOLDER, ZIP)):
        return None
    for song in sources.source_of(config, lambda event: None).songs:
        if (song.name, song.genre) == (name, genre):
            return song.read()
    return None
