"""Define SongFile, a song that can be decoded, and Source, a set of them.

Sets of every kind, a folder, a zip or one of the Hub, make their songs here.
"""

from __future__ import annotations

import collections
import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from audio import decode
from audio.clip import Clip
from audio.decode import wav
from audio.library import layout
from audio.library.kinds import MAX_SUFFIX
from errors import FULL_DISK, KnownError
from trainer.data.splits import PARTS, filtered_parts
from trainer.run.events import Emit, Noted

MIDDLE_S = 120.0  # of a longer song its middle is read; GTZAN's last 30 s
MIDDLE = f"middle {MIDDLE_S:g} s"  # of a fingerprint
LIMITS = dataclasses.replace(decode.OWN, max_duration_s=MIDDLE_S)


@dataclass(frozen=True)
class SongFile:
    """A song that can be decoded.

    Attributes:
        name: displayed name.
        genre: its label.
        read: decodes it; raises KnownError where that fails.
        group: such as the artist or album; "" where unknown.
        part: of ``splits.PARTS`` where a list assigns it, else "".
        group_kind: what it is: ``artist``, ``album``, ``folder``; "" where unknown.
    """

    name: str
    genre: str
    read: Callable[[], Clip]
    group: str = ""
    part: str = ""
    group_kind: str = ""


@dataclass(frozen=True)
class Source:
    """A set of songs that can be decoded.

    Attributes:
        fingerprint: changes when any song does; the cache's key.
        n_songs: number of ``songs`` (0: unknown before).
        songs: all songs, always in the same order.
    """

    fingerprint: str
    n_songs: int
    songs: Iterable[SongFile]


def note_layout(
    found: layout.Layout, passed: Mapping[str, int], listed: str, emit: Emit
) -> None:
    """Note what a set's layout was read as, and what was passed over."""
    if found.around:
        emit(Noted("folders_around", {"names": found.around}))
    parts = collections.Counter(place.part for place in found.places if place)
    if any(parts[part] for part in PARTS):
        counts = ", ".join(f"{part} {parts[part]}" for part in PARTS if parts[part])
        emit(Noted("parts_found", {"counts": counts}))
    if listed:
        facts = {"name": listed, "columns": ", ".join(found.columns)}
        n_songs = len(found.places)
        emit(Noted("list_read", {**facts, "n": found.n_listed, "n_songs": n_songs}))
    others = {**passed, "no_genre": sum(place is None for place in found.places)}
    if any(others.values()):
        text = ", ".join(f"{kind} {n}" for kind, n in sorted(others.items()) if n)
        emit(Noted("files_passed", {"n": sum(others.values()), "counts": text}))


def described(songs: Sequence[SongFile]) -> list[tuple[str, ...]]:
    """Describe songs for a fingerprint: a set whose layout changes is another one."""
    return [(MIDDLE, *(each.name, each.genre, each.group, each.part)) for each in songs]


def songs_of(
    found: layout.Layout, reads: Sequence[Callable[[], Clip]]
) -> list[SongFile]:
    """Make songs of the places that have a genre.

    Songs of GTZAN, known by their names, get the parts of its fault-filtered lists where
    nothing else gives parts.
    """
    songs = [
        SongFile(
            place.name, place.genre, read, place.group, place.part, place.group_kind
        )
        for place, read in zip(found.places, reads, strict=True)
        if place
    ]
    lists = filtered_parts([each.name.rpartition("/")[2] for each in songs])
    if any(each.part for each in songs) or 2 * sum(map(bool, lists)) < len(songs):
        return songs
    return [
        dataclasses.replace(song, part=part)
        for song, part in zip(songs, lists, strict=True)
    ]


def read(path: Path) -> Clip:
    """Decode a song; of one longer than ``MIDDLE_S`` the middle.

    Raises:
        KnownError: as ``decode.load``.
    """
    clip = wav.clip(path, limits=LIMITS)
    if clip.duration_s < MIDDLE_S:
        return clip
    with decode.spooled(path, limits=decode.OWN) as (whole, _):
        if whole.duration_s <= MIDDLE_S:
            return clip
        start_s = (whole.duration_s - MIDDLE_S) / 2
        middle = whole.slice(start_s, start_s + MIDDLE_S)
        n_clipped = (whole.n_clipped or 0) * middle.n_samples // whole.n_samples
        return dataclasses.replace(middle, n_clipped=n_clipped)


def reader(read_bytes: Callable[[], bytes], suffix: str) -> Callable[[], Clip]:
    """Make a function that decodes bytes through a temporary file, as FFmpeg needs."""

    def write(file: BinaryIO) -> None:
        file.write(read_bytes())

    return writer_reader(write, suffix)


def writer_reader(write: Callable[[BinaryIO], None], suffix: str) -> Callable[[], Clip]:
    """Make a function that decodes what ``write`` puts into a temporary file.

    Raises:
        KnownError: from the function: as ``read``, and ``no_room`` for a full disk.
    """

    def read_written() -> Clip:
        with tempfile.TemporaryDirectory() as folder:
            is_plain = suffix.isascii() and len(suffix) <= MAX_SUFFIX
            path = Path(folder) / f"song{suffix if is_plain else ''}"
            try:
                with path.open("wb") as file:
                    write(file)
            except OSError as error:
                if error.errno in FULL_DISK:
                    raise KnownError("no_room") from error
                raise
            return read(path)

    return read_written
