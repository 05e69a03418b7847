"""Which songs the arguments of a command line name, and each when its turn comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audio.decode.archive import Song, ZipLimits, members, opened, song_of, unpacked
from audio.library import layout
from audio.library.kinds import kind, shown
from audio.library.walk import walk
from classifier.batch import song_at, songs_of
from classifier.report import Table
from classifier.share import Crew
from errors import KnownError

# A library in one zip: it is unpacked song by song, so that the free space decides.
ZIP_LIMITS = ZipLimits(max_files=50_000, max_bytes=10**12)


@dataclass(frozen=True)
class Part:
    """Songs of one argument.

    Attributes:
        songs: that need a row; those of a zip have no path yet.
        archive: the zip that holds them; None where they are files.
    """

    songs: tuple[Song, ...]
    archive: Path | None = None


def part_named(path: Path) -> tuple[Part, Sequence[str], Mapping[str, int]]:
    """List an argument's songs, the folders in it that are closed, and other files.

    Raises:
        KnownError: ``folder_without_songs``, ``zip_without_songs``, or a code of
            ``archive.opened``.
    """
    if path.is_dir():
        tree = walk(path)
        if not tree.files and not tree.closed:
            raise KnownError("folder_without_songs", name=shown(str(path)))
        closed = [name if name != str(path) else "" for name in tree.closed]
        return Part(tuple(songs_of(tree))), closed, tree.passed
    if path.suffix.lower() != ".zip" or not path.is_file():
        return Part((song_at(path),)), (), {}
    with opened(path) as archive:
        found, others = members(archive, path.name, ZIP_LIMITS)
    if not found:
        raise KnownError("zip_without_songs", name=path.name)
    songs = [song_of(each, path) for each in found]
    named = [replace(song, name=shown(f"{path}/{song.name}")) for song in songs]
    return Part(tuple(named), path), (), Counter(kind(each.name) for each in others)


def shared(
    plan: Sequence[Part], crew: Crew, own: Table | None, there: Sequence[Table]
) -> list[Part]:
    """Return this process's songs of a plan, without those that have a row."""
    mine = {song.name for song in crew.share([s for part in plan for s in part.songs])}
    left = []
    for part in plan:
        songs = [
            song
            for song in part.songs
            if song.name in mine and not any(table.has(song) for table in there)
        ]
        left.append(replace(part, songs=tuple(own.left(songs) if own else songs)))
    return left


def labels_of(plan: Sequence[Part]) -> dict[str, str]:
    """Read the genres that the folders of an argument give its songs, by their names."""
    labels: dict[str, str] = {}
    for part in plan:
        names = [song.name for song in part.songs]
        try:
            places = layout.of(names).places
        except KnownError:  # folders that are parts of a split, and no genres
            continue
        labels |= {
            name: place.genre
            for name, place in zip(names, places, strict=True)
            if place
        }
    return labels


def songs_in_turn(
    plan: Iterable[Part], folder: Path, on_failed: Callable[[KnownError], object]
) -> Iterator[Song]:
    """Yield the songs of a plan; unpack those of zips when their turn comes.

    Each is deleted once it is classified: a zip takes the room of a few songs.

    Args:
        plan: what is to be classified.
        folder: for what is unpacked.
        on_failed: is called with why a zip could not be read to its end.

    Raises:
        KnownError: ``no_room``.
    """
    for number, part in enumerate(plan):
        if part.archive:
            inside = folder / str(number)
            inside.mkdir()
            yield from _unpacked(part, part.archive, inside, on_failed)
        else:
            yield from part.songs


def _unpacked(
    part: Part, archive: Path, folder: Path, on_failed: Callable[[KnownError], object]
) -> Iterator[Song]:
    """Yield a zip's songs; those that it does not give have no file."""
    wanted = frozenset(song.name for song in part.songs)
    left = set(wanted)

    def is_wanted(name: str) -> bool:
        return shown(f"{archive}/{name}") in wanted

    try:
        for song in unpacked(archive, folder, ZIP_LIMITS, is_wanted=is_wanted):
            name = shown(f"{archive}/{song.name}")
            left.discard(name)
            yield replace(song, name=name)
    except KnownError as error:
        if error.code == "no_room":
            raise
        on_failed(error)
        gone = [song for song in part.songs if song.name in left]
        yield from (replace(song, path=folder / "gone") for song in gone)
