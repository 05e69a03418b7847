"""Which songs are on the map, and how each is found again to be played.

Composed songs and uploads are for everyone; folders and the songs of runs belong to who
may train here. A path never comes from a visitor: a folder is one of those that are
listed, an upload is what Gradio itself has just received.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

import i18n
from audio.clip import Clip
from audio.decode import Limits
from audio.decode.archive import Song, unpacked
from audio.hubert.preprocessing import SAMPLING_RATE
from audio.library import layout
from audio.library.walk import walk
from classifier.batch import song_at
from classifier.embeddings import MAX_SONGS
from errors import KnownError
from settings import Settings
from trainer.config import FOLDER
from trainer.data import dataset, sources
from trainer.data.dataset import INT16_MAX, SongSet
from trainer.data.song_files import Source
from trainer.run import runs
from trainer.run.runs import Run
from ui import uploads
from ui.player import sound_files
from ui.server import files
from ui.server.access import Visitor

COMPOSED, UPLOADS, RUN = "composed", "uploads", "run:"
N_COMPOSED = 8  # a style


@dataclass(frozen=True)
class MapSong:
    """A song on the map.

    Attributes:
        name: for display.
        label: its genre, where a folder or a set gives one; else "".
        key: of its content: equal keys have equal embeddings.
        path: its file, or the zip that holds it; None where ``read`` gives its sound.
        inner: its name inside a zip; else "".
        read: gives its sound; None where it is in a file.
    """

    name: str
    label: str
    key: str
    path: Path | None = None
    inner: str = ""
    read: Callable[[], Clip] | None = None


@dataclass(frozen=True)
class Found:
    """Songs of one source, and its zips that could not be read, with the errors."""

    songs: tuple[MapSong, ...]
    failed: tuple[tuple[Path, KnownError], ...] = ()


def choices(settings: Settings, visitor: Visitor) -> list[tuple[str, str]]:
    """List the sources that a visitor may map, in the visitor's language."""
    language = visitor.language
    found = [
        (i18n.word("on_map.composed", language, n=N_COMPOSED), COMPOSED),
        (i18n.word("on_map.uploads", language), UPLOADS),
    ]
    if not visitor.may_train:
        return found
    folders = settings.songs_dir.glob("[!.]*/") if settings.songs_dir.is_dir() else ()
    found += [
        (f"songs/{path.name}", f"{FOLDER}{path.name}") for path in sorted(folders)
    ]
    for run in runs.every(settings.runs_dir):
        title = run.title or run.id
        named = i18n.word("on_map.run", language, title=title)
        found.append((named, f"{RUN}{run.id}"))
    return found


def of(
    source: str, given: Sequence[str] | None, settings: Settings, visitor: Visitor
) -> Found:
    """List the songs of a source; decode none.

    Args:
        source: a value of ``choices``.
        given: uploads, paths from Gradio.
        settings: of this host.
        visitor: who asks.

    Raises:
        KnownError: ``may_not_look``, ``unknown_data``, ``no_songs_given``,
            ``too_many_songs``, ``too_many_on_map``, or what the source raises.
    """
    if source == COMPOSED:
        return Found(_listed(sources.composed_songs(N_COMPOSED)))
    if source == UPLOADS:
        return uploaded(given, visitor.language)
    if not visitor.may_train:
        raise KnownError("may_not_look")
    if source not in [value for _, value in choices(settings, visitor)]:
        raise KnownError("unknown_data", value=source)
    if source.startswith(RUN):
        run = runs.find(settings.runs_dir, source.removeprefix(RUN))
        songs = _of_run(run, settings.cache_dir)
    else:
        songs = _in_folder(settings.songs_dir / source.removeprefix(FOLDER))
    if len(songs) > MAX_SONGS:
        raise KnownError("too_many_on_map", n=len(songs), most=MAX_SONGS)
    return Found(songs)


def _listed(source: Source) -> tuple[MapSong, ...]:
    """Take over the songs of a data source, whose fingerprint names their content."""
    mark = hashlib.sha256(source.fingerprint.encode()).hexdigest()
    return tuple(
        MapSong(
            song.name, song.genre, f"{mark}/{song.genre}/{song.name}", read=song.read
        )
        for song in source.songs
    )


def uploaded(given: Sequence[str] | None, language: str) -> Found:
    """List the songs of uploads and of zips among them.

    Raises:
        KnownError: ``no_songs_given`` or ``too_many_songs``.
    """
    if not given:
        raise KnownError("no_songs_given")
    failed, found = uploads.sources(map(Path, given), language)
    songs: list[MapSong] = []
    for source in found:
        upload, names = source.upload, source.inner
        if not names:
            songs.append(MapSong(source.name, "", str(upload), upload))
        labels = _labels(names)
        songs += [
            MapSong(name, label, f"{upload}/{name}", upload, name)
            for name, label in zip(names, labels, strict=True)
        ]
    if len(songs) > uploads.MAX_SONGS:
        raise KnownError("too_many_songs", n=len(songs), most=uploads.MAX_SONGS)
    return Found(tuple(songs), tuple(failed))


def _labels(names: Sequence[str]) -> list[str]:
    """Read the genres that folders give; "" where they give none."""
    try:
        places = layout.of(names).places
    except KnownError:  # folders that are parts of a split, and no genres
        return [""] * len(names)
    return [place.genre if place else "" for place in places]


def _in_folder(folder: Path) -> tuple[MapSong, ...]:
    tree = walk(folder)
    if not tree.files:
        raise KnownError("folder_without_songs", name=folder.name)
    labels = _labels([name for name, _ in tree.files])
    songs = []
    for (name, path), label in zip(tree.files, labels, strict=True):
        facts = song_at(path)
        key = f"{path}/{facts.size_bytes}/{facts.modified_s}"
        songs.append(MapSong(name, label, key, path))
    return tuple(songs)


def _of_run(run: Run, cache_dir: Path) -> tuple[MapSong, ...]:
    """List a run's songs: as it decoded them, or of its source where those are gone."""
    record = runs.read_json(run.folder / runs.SONGS)
    found = record and dataset.reopen(cache_dir / Path(record["folder"]).name)
    if not found:
        return _listed(sources.source_of(run.config(), sources.ignore))
    return tuple(
        MapSong(song.name, song.genre, song.checksum, read=partial(_clip, found, index))
        for index, song in enumerate(found.songs)
    )


def _clip(songs: SongSet, index: int) -> Clip:
    samples = songs.song(index).astype(np.float32) / np.float32(INT16_MAX)
    return Clip(samples, SAMPLING_RATE, songs.songs[index].name)


def opened(songs: Sequence[MapSong], folder: Path, language: str) -> Iterator[Song]:
    """Yield each song to be read, named by its key; those of zips unpacked in their turn.

    Args:
        songs: of any source.
        folder: where zips are unpacked; a song is deleted once it is read.
        language: of the visitor.
    """
    zipped: defaultdict[Path, dict[str, str]] = defaultdict(dict)
    for song in songs:
        if song.path and song.inner:
            zipped[song.path][song.inner] = song.key
    for song in songs:
        if song.path is None:
            yield Song(song.key, Path(), read=song.read)
        elif not song.inner:
            yield Song(song.key, song.path)
        elif keys := zipped.pop(song.path, None):
            yield from _unzipped(song.path, keys, folder, language)


def _unzipped(
    path: Path, keys: Mapping[str, str], folder: Path, language: str
) -> Iterator[Song]:
    """Unpack songs of a zip; one that cannot be unpacked is a file that is not there."""
    inside = folder / str(len(list(folder.iterdir())))
    inside.mkdir()
    left = dict(keys)
    try:
        for song in unpacked(
            path, inside, uploads.ZIP_LIMITS, language, lambda name: name in keys
        ):
            if left.pop(song.name, None):
                yield replace(song, name=keys[song.name])
    except KnownError as error:
        if error.code == "no_room":
            raise
    yield from (Song(key, inside / "gone") for key in left.values())


def sound_of(song: MapSong, limits: Limits, cache_dir: str, language: str) -> str:
    """Write a song's sound to a file of Gradio's cache that browsers play.

    Raises:
        KnownError: ``clip_gone``, or what reading it raises.
    """
    if song.read:
        return sound_files.file_of(song.read(), cache_dir)
    assert song.path is not None
    data, name = uploads.file_of(song.path, song.inner, song.name, language)
    return uploads.playable(files.kept(data, name, cache_dir), limits, cache_dir)
