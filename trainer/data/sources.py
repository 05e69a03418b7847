"""List the songs of a source: composed, a folder, a zip, or a data set of the Hub.

Each song is decoded only when its ``read`` is called.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from audio.clip import Clip
from audio.decode import archive, wav
from errors import KnownError
from trainer.config import FOLDER, HUB, ZIP, RunConfig
from trainer.data import hub_songs
from trainer.data.song_files import LIMITS, SongFile, Source, reader
from trainer.data.splits import PARTS
from trainer.run.events import Emit

# Beside the genres' folders: columns file, and artist, album or group, and split.
LIST = "songs.csv"
GROUP_COLUMNS = ("group", "artist", "album")
ARTIST = re.compile(r"(.+?) - .+")  # "Artist - Title.mp3"
MIN_NAMED_FRACTION = 0.8  # of the files; below it the dash is no separator

ZIP_LIMITS = archive.ZipLimits(max_files=5000, max_bytes=8_000_000_000, max_ratio=200)
MAX_LIST_BYTES = 10_000_000
MAX_SUFFIX = 16  # characters; a longer one is no suffix, and no valid file name


@dataclass(frozen=True)
class Listing:
    """Groups, such as the artist, and parts of songs, by the name ``genre/file``."""

    groups: Mapping[str, str]
    parts: Mapping[str, str]

    @classmethod
    def of(cls, names: Sequence[str], text: str) -> Listing:
        """Parse a list as CSV; without groups there, use file names and folders."""
        groups: dict[str, str] = {}
        parts: dict[str, str] = {}
        for cells in _rows(text):
            name = cells.get("file", "").replace("\\", "/")
            group = next((cells[c] for c in GROUP_COLUMNS if cells.get(c)), "")
            groups[name] = group
            parts[name] = cells.get("split", "").lower()
        if not any(groups.values()):
            groups = _artists(names) or _albums(names)
        return cls(groups, {n: part for n, part in parts.items() if part in PARTS})


def source_of(config: RunConfig, emit: Emit) -> Source:
    """List the songs of a config's ``data``; a download emits its progress.

    Raises:
        KnownError: what the kind of source raises.
    """
    data, labelled = config.data, {"needs_genres": config.needs_genres}
    if data == "composed":
        return composed_songs(config.n_songs_per_genre)
    if data.startswith(FOLDER):
        return folder_songs(Path(data.removeprefix(FOLDER)), **labelled)
    if data.startswith(ZIP):
        return zip_songs(Path(data.removeprefix(ZIP)), **labelled)
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


def folder_songs(folder: Path, *, needs_genres: bool = True) -> Source:
    """List a folder's songs: one subfolder a genre, the files in it its songs.

    Folders within a genre's folder are albums or artists, and group its songs. A file
    ``songs.csv`` beside the subfolders may have the columns ``file`` (as
    ``genre/name``), ``artist``, ``album`` or ``group``, and ``split``.

    Args:
        folder: of the songs.
        needs_genres: whether only files in subfolders are songs.

    Raises:
        KnownError: ``no_folder`` or ``no_genres``, with the folder.
    """
    if not folder.is_dir():
        raise KnownError("no_folder", folder=folder)
    genres = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    if needs_genres and not genres:
        raise KnownError("no_genres", folder=folder.name)
    listed = folder / LIST
    if needs_genres:
        files = [path for genre in genres for path in files_of(genre)]
    else:
        files = [path for path in files_of(folder) if path != listed]
    facts: list[object] = [_facts(path) for path in files]
    if listed.is_file():
        facts.append(_facts(listed))
    names = [path.relative_to(folder).as_posix() for path in files]
    text = listed.read_text("utf-8-sig") if listed.is_file() else ""
    songs = _songs(names, [functools.partial(_read, path) for path in files], text)
    return Source(repr(facts), len(songs), songs)


def _songs(
    names: Sequence[str], reads: Sequence[Callable[[], Clip]], text: str
) -> list[SongFile]:
    """Make songs of names ``genre/file``, with groups and parts of a list's text.

    A name without a slash has no genre.
    """
    known = Listing.of(names, text)
    return [
        SongFile(
            name,
            name.split("/")[0] if "/" in name else "",
            read,
            known.groups.get(name, ""),
            known.parts.get(name, ""),
        )
        for name, read in zip(names, reads, strict=True)
    ]


def files_of(genre: Path) -> list[Path]:
    """List a genre's files, including subfolders, except hidden ones."""
    return sorted(
        path
        for path in genre.rglob("*")
        if path.is_file()
        and not any(part[0] == "." for part in path.relative_to(genre).parts)
    )


def _read(path: Path) -> Clip:
    return wav.clip(path, limits=LIMITS)


def _facts(path: Path) -> tuple[str, int, int]:
    """Return what changes when a file does: path, size and time."""
    return str(path), path.stat().st_size, path.stat().st_mtime_ns


def zip_songs(path: Path, *, needs_genres: bool = True) -> Source:
    """List a zip's songs; a file's folder is its genre. No entry is extracted by name.

    Args:
        path: of the zip.
        needs_genres: whether only files in folders are songs.

    Raises:
        KnownError: ``not_a_zip``, ``zip_broken``, ``zip_too_large``, or ``no_genres``.
    """
    if not zipfile.is_zipfile(path):
        raise KnownError("not_a_zip", name=path.name)
    with archive.opened(path) as opened:
        is_song = _is_song if needs_genres else _is_song_anywhere
        members = archive.songs_in(opened, path.name, ZIP_LIMITS, is_song)
        if not members:
            raise KnownError("no_genres", folder=path.name)
        text = _list_in(opened)
    names = ["/".join(PurePosixPath(m.filename).parts[-2:]) for m in members]
    songs = _songs(names, [_member_reader(path, member) for member in members], text)
    facts = [(m.filename, m.CRC, m.file_size) for m in members]
    return Source(repr((facts, text)), len(songs), songs)


def _list_in(opened: zipfile.ZipFile) -> str:
    """Read the text of a zip's ``songs.csv``; empty without one."""
    for entry in opened.infolist():
        if PurePosixPath(entry.filename).name.lower() == LIST:
            with opened.open(entry) as listed:  # its declared size may be wrong
                return listed.read(MAX_LIST_BYTES).decode("utf-8-sig", "replace")
    return ""


def _is_song(entry: str) -> bool:
    """Return whether an entry is a file in a folder, and not hidden."""
    return len(PurePosixPath(entry).parts) > 1 and _is_song_anywhere(entry)


def _is_song_anywhere(entry: str) -> bool:
    """Return whether an entry is a file that is not hidden, and no list."""
    name = PurePosixPath(entry)
    is_hidden = any(p.startswith((".", "__MACOSX")) for p in name.parts)
    is_list = len(name.parts) == 1 and name.name.lower() == LIST
    return bool(name.suffix) and not is_hidden and not is_list


def _member_reader(path: Path, member: zipfile.ZipInfo) -> Callable[[], Clip]:
    def read_bytes() -> bytes:
        try:
            with archive.opened(path) as opened:
                return opened.read(member)
        except KnownError as error:
            name = PurePosixPath(member.filename).name
            raise KnownError("unreadable", name=name) from error

    return reader(read_bytes, PurePosixPath(member.filename).suffix[:MAX_SUFFIX])


def _rows(text: str) -> Iterator[dict[str, str]]:
    """Yield a CSV list's rows, by lower-case column, up to the first error."""
    table = csv.DictReader(io.StringIO(text), restkey="", restval="")
    with contextlib.suppress(csv.Error):  # such as a cell of megabytes
        for row in table:
            yield {
                str(column).strip().lower(): cell.strip()
                for column, cell in row.items()
                if isinstance(cell, str)
            }


def _artists(names: Sequence[str]) -> dict[str, str]:
    """Parse the artist of each song, where most files are "Artist - Title"."""
    matches = {name: ARTIST.match(PurePosixPath(name).name) for name in names}
    found = {name: match[1] for name, match in matches.items() if match}
    return found if len(found) >= MIN_NAMED_FRACTION * len(names) else {}


def _albums(names: Sequence[str]) -> dict[str, str]:
    """Return the folder of each song within its genre, where most songs have one."""
    found = {name: name.rpartition("/")[0] for name in names if name.count("/") > 1}
    return found if len(found) >= MIN_NAMED_FRACTION * len(names) else {}
