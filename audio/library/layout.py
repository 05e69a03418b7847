"""Read genre, album or artist, and part from the paths of the songs of a set.

The same tree gives the same labels as a folder, in a zip and on the Hub:

- folders around all genres ("Data/genres_original/") are left out;
- folders called train, validation and test, in either order with the genres, are parts;
- the next level is the genre, what is between it and the song the album;
- a table beside them gives artists, parts, and genres where no folder does.
"""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from audio.library import tables
from audio.library.kinds import shown
from audio.library.tables import Table
from errors import KnownError

# Names of parts, as ``datasets`` reads them from folders.
PARTS = {
    "train": "train", "training": "train", "val": "validation", "dev": "validation",
    "valid": "validation", "validation": "validation", "test": "test",
    "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip
# A set that holds only one of these is a set of one genre, not a folder around others.
GENRES = frozenset(
    "alternative ambient blues classical country disco electronic experimental folk"
    " funk gospel hip-hop hiphop house indie instrumental international jazz latin"
    " metal opera pop punk r&b rap reggae rock ska soul techno trance world".split()
)
ARTIST = re.compile(r"(.+?) - .+")  # "Artist - Title.mp3"
MIN_NAMED_FRACTION = 0.8  # of the songs; below it the dash is no separator
KINDS = ("artist", "album")  # columns that name what a group is
NO_GROUP = ("", "")


@dataclass(frozen=True)
class Place:
    """What a song's path gives.

    Attributes:
        name: for display, below the folders around all.
        genre: its label.
        group: such as the artist or album; "" where unknown.
        part: train, validation or test; "" where none is given.
        group_kind: ``artist``, ``album`` or ``folder``; "" where none is known.
    """

    name: str
    genre: str
    group: str = ""
    part: str = ""
    group_kind: str = ""


@dataclass(frozen=True)
class Layout:
    """What the paths of all songs give.

    Attributes:
        places: of each song, in their order; None where none gives it a genre.
        around: the folders around all genres, "" without.
        n_listed: songs that the table names; None without a table.
        columns: of the table.
    """

    places: tuple[Place | None, ...]
    around: str = ""
    n_listed: int | None = None
    columns: tuple[str, ...] = field(default=())


def of(names: Sequence[str], table: Table | None = None) -> Layout:
    """Read the layout of a set.

    Args:
        names: of the songs alone, with slashes, relative to the set's folder.
        table: beside them, if there is one.

    Raises:
        KnownError: ``parts_without_genres`` where all folders are parts and no table
            gives genres.
    """
    rows = tables.matched(table, names) if table else {}
    paths = [
        tuple(part for part in PurePosixPath(name).parts if part != "/")
        for name in names
    ]
    depth = _depth(paths)
    around = next((p[:depth] for p in paths if len(p) > depth), ())
    inner = [path[depth:] if path[:depth] == around else path for path in paths]
    level = _part_level(inner)
    found = [
        _place(path, level, rows.get(name, {}))
        for name, path in zip(names, inner, strict=True)
    ]
    if names and not any(found) and level == 0:
        raise KnownError("parts_without_genres")
    return Layout(
        _grouped(_one_spelling(found), rows, names),
        "/".join(around),
        len(rows) if table else None,
        table.columns if table else (),
    )


def _depth(paths: Sequence[tuple[str, ...]]) -> int:
    """Count the folders around all genres: each holds one folder and no song."""
    depth = 0
    while True:
        firsts = {path[depth] for path in paths if len(path) > depth + 1}
        if len(firsts) != 1 or any(len(path) == depth + 1 for path in paths):
            break
        (first,) = firsts
        if _folded(first) in GENRES or _folded(first) in PARTS:
            break
        depth += 1
    is_genre = len({path[depth] for path in paths if len(path) > depth + 1}) < 2
    if is_genre and not _are_parts(paths, depth):
        # One genre: the folder that holds the songs, or whose name is that genre's.
        named = [path for path in paths if len(path) > depth]
        is_named = any(
            len(p) > depth + 1 and _folded(p[depth]) in GENRES for p in named
        )
        return depth if is_named else 0
    return depth


def _are_parts(paths: Sequence[tuple[str, ...]], level: int) -> bool:
    firsts = {_folded(path[level]) for path in paths if len(path) > level + 1}
    return bool(firsts) and firsts <= PARTS.keys()


def _part_level(paths: Sequence[tuple[str, ...]]) -> int | None:
    """Return which level of folders, the first or the second, are parts; or None."""
    if _are_parts(paths, 0):
        return 0
    deep = [path for path in paths if len(path) > 2]
    is_second = len(deep) == sum(len(path) > 1 for path in paths)
    return 1 if is_second and _are_parts(deep, 1) else None


def _place(path: tuple[str, ...], level: int | None, row: tables.Row) -> Place | None:
    """Read one song's place; its group is the folder, until all are known."""
    folders = list(path[:-1])
    if ".." in folders:
        return None
    part = ""
    if level is not None and len(folders) > level:
        part = PARTS[_folded(folders.pop(level))]
    part = PARTS.get(tables.cell(row, tables.PART_COLUMNS).lower(), part)
    genre, *albums = folders or [tables.cell(row, tables.GENRE_COLUMNS)]
    genre = unicodedata.normalize("NFC", genre).strip()
    if not genre:
        return None
    group = "/".join([genre, *albums]) if albums else ""
    return Place(shown("/".join(path)), shown(genre), shown(group), part)


def _one_spelling(places: Sequence[Place | None]) -> list[Place | None]:
    """Give genres that differ in case alone the spelling of most of their songs."""
    counts = collections.Counter(place.genre for place in places if place)
    spelling: dict[str, str] = {}
    for genre, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        spelling.setdefault(_folded(genre), genre)
    return [
        place and replace(place, genre=spelling[_folded(place.genre)])
        for place in places
    ]


def _grouped(
    places: Sequence[Place | None], rows: Mapping[str, tables.Row], names: Sequence[str]
) -> tuple[Place | None, ...]:
    """Choose the songs' groups: of the table, else of their names, else their albums."""
    listed = {
        name: (noted, column if column in KINDS else "")
        for name, row in rows.items()
        for column in reversed(tables.GROUP_COLUMNS)  # the first one stays
        if (noted := tables.cell(row, (column,)))
    }
    known = [place for place in places if place]
    artists = {
        p.name: (m[1], "artist")
        for p in known
        if (m := ARTIST.match(p.name.split("/")[-1]))
    }
    albums = {place.name: (place.group, "folder") for place in known if place.group}

    def group(name: str, place: Place) -> tuple[str, str]:
        """Find a song's group and its kind: listed, or by enough names or folders."""
        if listed:
            return listed.get(name, NO_GROUP)
        for found in (artists, albums):
            if len(found) >= MIN_NAMED_FRACTION * len(known):
                return found.get(place.name, NO_GROUP)
        return NO_GROUP

    def grouped(name: str, place: Place) -> Place:
        """Return a place with its group."""
        found, kind = group(name, place)
        return replace(place, group=found, group_kind=kind)

    return tuple(
        place and grouped(name, place)
        for name, place in zip(names, places, strict=True)
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()
