"""Find the sound of a run's song by its name, for playback."""

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
    """Read a song of a run: from the cache as the model got it, or from its source.

    Songs of the Hub are read from the cache alone, since finding one there could mean
    downloading all.

    Raises:
        KnownError: ``song_gone``, or what reading it raises.
    """
    found = _from_cache(run, name, genre, cache_dir) or _from_source(run, name, genre)
    if found is None:
        raise KnownError("song_gone", name=name)
    return found


def _from_cache(run: Run, name: str, genre: str, cache_dir: Path) -> Clip | None:
    """Read the song from the cache folder that the run recorded."""
    record = runs.read_json(run.folder / runs.SONGS)
    songs = record and dataset.reopen(cache_dir / Path(record["folder"]).name)
    if not songs:
        return None
    for index, song in enumerate(songs.songs):
        if (song.name, song.genre) == (name, genre):
            samples = songs.song(index).astype(np.float32) / np.float32(INT16_MAX)
            return Clip(samples, SAMPLING_RATE, name)
    return None


def _from_source(run: Run, name: str, genre: str) -> Clip | None:
    """Compose the song again, or decode it from its folder or zip."""
    config = run.config()
    if config.data != "composed" and not config.data.startswith((FOLDER, ZIP)):
        return None
    for song in sources.source_of(config, lambda event: None).songs:
        if (song.name, song.genre) == (name, genre):
            return song.read()
    return None
