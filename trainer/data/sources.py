"""List the songs of a source: composed, a folder, a zip, or a data set of the Hub.

Each song is decoded only when its ``read`` is called.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from audio.clip import Clip
from audio.decode import archive
from audio.library import layout, tables
from audio.library.kinds import is_song, kind
from audio.library.walk import walk
from errors import KnownError
from trainer.config import FOLDER, HUB, ZIP, RunConfig
from trainer.data import hub_songs, song_files
from trainer.data.song_files import (
    SongFile,
    Source,
    described,
    note_layout,
    songs_of,
    writer_reader,
)
from trainer.run.events import Emit, Noted, RunEvent

ZIP_LIMITS = archive.ZipLimits(max_files=5000, max_bytes=8_000_000_000)


def ignore(event: RunEvent) -> None:
    """Ignore the notes on a set."""


def source_of(config: RunConfig, emit: Emit) -> Source:
    """List the songs of a config's ``data``; a download emits its progress.

    Raises:
        KnownError: what the kind of source raises.
    """
    data, labelled = config.data, {"needs_genres": config.needs_genres}
    if data == "composed":
        return composed_songs(config.n_songs_per_genre)
    if data.startswith(FOLDER):
        return folder_songs(Path(data.removeprefix(FOLDER)), emit, **labelled)
    if data.startswith(ZIP):
        return zip_songs(Path(data.removeprefix(ZIP)), emit, **labelled)
    if data.startswith(HUB):
        return hub_songs.of(data.removeprefix(HUB), emit, **labelled)
    return hub_songs.gtzan(emit)


def composed_songs(n_songs_per_genre: int, first_seed: int = 0) -> Source:
    """List songs composed from n consecutive seeds, the same on every machine."""
    from audio.synth import composer

    def song(genre: str, seed: int) -> SongFile:
        shift = composer.Shift.drawn(seed) if seed % 2 else composer.Shift()
        return SongFile(
            f"{genre} {seed}", genre, lambda: composer.compose(genre, seed, shift=shift)
        )

    rules = b"".join(path.read_bytes() for path in composer.RULES)
    seeds = range(first_seed, first_seed + n_songs_per_genre)
    songs = [song(g, seed) for seed in seeds for g in composer.STYLES]
    fingerprint = f"composed {n_songs_per_genre} {hashlib.sha256(rules).hexdigest()}"
    if first_seed:
        fingerprint += f" from {first_seed}"
    return Source(fingerprint, len(songs), songs)


def folder_songs(
    folder: Path, emit: Emit = ignore, *, needs_genres: bool = True
) -> Source:
    """List a folder's songs: one subfolder a genre, the files in it its songs.

    ``audio.library.layout`` has the rules; a table of ``tables.NAMES`` beside the
    subfolders, or in each of them, may have the columns ``file`` (as ``genre/name``),
    ``artist``, ``album`` or ``group``, ``split`` and ``genre``.

    Args:
        folder: of the songs.
        emit: called with notes of what was found.
        needs_genres: whether only files in subfolders are songs.

    Raises:
        KnownError: ``no_folder`` or ``no_genres``, with the folder;
            ``parts_without_genres``.
    """
    if not folder.is_dir():
        raise KnownError("no_folder", folder=folder)
    tree = walk(folder, lambda name: is_song(name) or tables.is_table(name))
    listed = {name: path for name, path in tree.files if tables.is_table(name)}
    files = [(name, path) for name, path in tree.files if name not in listed]
    if tree.closed:
        emit(Noted("folders_closed", {"names": ", ".join(tree.closed)}))
    is_empty = not any(path.is_dir() for path in folder.iterdir()) and not files
    if needs_genres and is_empty:
        raise KnownError("no_genres", folder=folder.name)
    opens = {name: tables.opener(path) for name, path in listed.items()}
    found = layout.of([name for name, _ in files], tables.read_all(opens))
    reads = [functools.partial(song_files.read, path) for _, path in files]
    songs = songs_of(found, reads)
    if not needs_genres:
        songs = _with_the_rest(songs, [name for name, _ in files], reads)
    if files and not songs:
        raise KnownError("no_genres", folder=folder.name)
    note_layout(found, tree.passed, ", ".join(listed), emit)
    facts = [_facts(path) for _, path in files]
    return Source(repr((facts, described(songs))), len(songs), songs)


def _with_the_rest(
    songs: list[SongFile], names: Sequence[str], reads: Sequence[Callable[[], Clip]]
) -> list[SongFile]:
    """Add the songs whose path gives no genre, without one."""
    if len(songs) == len(names):
        return songs
    return [SongFile(name, "", read) for name, read in zip(names, reads, strict=True)]


def _facts(path: Path) -> tuple[str, int, int]:
    """Return what changes when a file does: path, size and time; 0 where it vanished."""
    try:
        facts = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), facts.st_size, facts.st_mtime_ns


def check_zip(path: Path) -> None:
    """Refuse what is not a zip, before anything is started.

    Raises:
        KnownError: ``unreadable`` where there is no such file, or ``not_a_zip``.
    """
    if not path.is_file():
        raise KnownError("unreadable", name=str(path))
    if not zipfile.is_zipfile(path):
        raise KnownError("not_a_zip", name=path.name)


def zip_songs(path: Path, emit: Emit = ignore, *, needs_genres: bool = True) -> Source:
    """List a zip's songs as those of a folder. No entry is extracted by name.

    Args:
        path: of the zip.
        emit: called with notes of what was found.
        needs_genres: whether only files in folders are songs.

    Raises:
        KnownError: what ``check_zip`` raises, ``zip_broken``, ``zip_too_many``,
            ``zip_too_large``, ``no_genres`` or ``parts_without_genres``.
    """
    check_zip(path)
    with archive.opened(path) as opened:
        members, others = archive.members(opened, path.name, ZIP_LIMITS)
        listed = {each.name: each for each in others if tables.is_table(each.name)}
        opens = {
            name: functools.partial(opened.open, each.info)
            for name, each in listed.items()
        }
        table = tables.read_all(opens)
    found = layout.of([member.name for member in members], table)
    reads = [_member_reader(path, each) for each in members]
    songs = songs_of(found, reads)
    if not needs_genres:
        songs = _with_the_rest(songs, [each.name for each in members], reads)
    if not songs:
        raise KnownError("no_genres", folder=path.name)
    passed = collections.Counter(
        kind(each.name) for each in others if each.name not in listed
    )
    note_layout(found, passed, ", ".join(listed), emit)
    facts = [(each.name, each.info.CRC, each.info.file_size) for each in members]
    return Source(repr((facts, described(songs))), len(songs), songs)


def _member_reader(path: Path, member: archive.Member) -> Callable[[], Clip]:
    def write(file: BinaryIO) -> None:
        try:
            with archive.opened(path) as opened, opened.open(member.info) as source:
                shutil.copyfileobj(source, file)
        except KnownError as error:
            if error.code == "no_room":
                raise
            name = PurePosixPath(member.name).name
            raise KnownError("unreadable", name=name) from error

    return writer_reader(write, PurePosixPath(member.name).suffix)
