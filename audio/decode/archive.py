"""Read untrusted zips within limits.

No name inside is used as a path: songs are numbered, and their own names are only
displayed. Sizes are counted while unpacking, since a header may be wrong.
"""

from __future__ import annotations

import lzma
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from errors import FULL_DISK, KnownError

AUDIO_SUFFIXES = frozenset(
    ".wav .w64 .aif .aiff .au .flac .mp3 .ogg .oga .opus .m4a .aac .mp4 .webm .wma".split()
)  # what is looked for in folders and zips; a song that is named is read regardless
UNSHOWN = ("Cc", "Cs", "Zl", "Zp")  # controls, lone surrogates, ends of lines
BLOCK = 1 << 20  # bytes
# Damaged, packed in a way that Python lacks, or locked by a password.
FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a packing method or an encryption that we do not know
    RuntimeError,  # a password
    EOFError,
    OSError,  # what it names begins before the file does
    ValueError,
)


@dataclass(frozen=True)
class Song:
    """A file that may be a song.

    Attributes:
        name: for display.
        path: of the file.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class ZipLimits:
    """What a zip may hold.

    Attributes:
        max_files: songs.
        max_bytes: all songs unpacked.
        max_ratio: of a song's size unpacked to packed; audio hardly packs at all, a
            bomb does.
    """

    max_files: int = 1000
    max_bytes: int = 2_000_000_000
    max_ratio: float = 100.0


USUAL = ZipLimits()


def shown(name: str) -> str:
    """Escape a name, so that it is one line of valid UTF-8.

    Line breaks, control characters and lone surrogates become Python's escapes.
    """
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in UNSHOWN
        else letter
        for letter in name
    )


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; any fault in it found while it is open is raised as a known error.

    Raises:
        KnownError: ``zip_broken``, or ``no_room`` where the disk is full.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FAULTS as error:
        is_full = isinstance(error, OSError) and error.errno in FULL_DISK
        raise KnownError(
            "no_room" if is_full else "zip_broken", name=path.name
        ) from error


def songs_in(
    archive: zipfile.ZipFile,
    name: str,
    limits: ZipLimits,
    is_song: Callable[[str], bool],
) -> list[zipfile.ZipInfo]:
    """List a zip's entries that are songs, by its headers alone.

    Args:
        archive: an open zip.
        name: of the zip, for the error.
        limits: what it may hold.
        is_song: whether an entry is one, by its name.

    Raises:
        KnownError: ``zip_too_large``.
    """
    songs = [entry for entry in archive.infolist() if is_song(entry.filename)]
    n_bytes = sum(entry.file_size for entry in songs)
    is_bomb = any(
        entry.file_size > limits.max_ratio * max(entry.compress_size, 1)
        for entry in songs
    )
    if is_bomb or n_bytes > limits.max_bytes or len(songs) > limits.max_files:
        raise KnownError(
            "zip_too_large",
            name=name,
            max_files=limits.max_files,
            max_mb=limits.max_bytes / 1e6,
        )
    return songs


def unpacked(path: Path, folder: Path, limits: ZipLimits = USUAL) -> Iterator[Song]:
    """Unpack each song of a zip into a folder when its turn comes.

    Args:
        path: the zip.
        folder: exists, and is empty; its maker deletes it.
        limits: what the zip may hold.

    Raises:
        KnownError: ``zip_broken``, ``zip_too_large``, ``zip_without_songs`` or
            ``no_room``.
    """
    with opened(path) as archive:
        songs = songs_in(archive, path.name, limits, is_song)
        if not songs:
            raise KnownError("zip_without_songs", name=path.name)
        n_left = limits.max_bytes
        for number, entry in enumerate(sorted(songs, key=lambda each: each.filename)):
            suffix = PurePosixPath(entry.filename).suffix.lower()
            target = folder / f"{number:05}{suffix}"
            n_left -= _unpack(archive, entry, target, min(n_left, entry.file_size))
            yield Song(entry.filename, target)


def is_song(name: str) -> bool:
    """Return whether a name has an audio suffix, and is none of macOS's own files."""
    path = PurePosixPath(name)
    is_hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not is_hidden and path.suffix.lower() in AUDIO_SUFFIXES


def _unpack(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, max_bytes: int
) -> int:
    """Write one entry, at most ``max_bytes``; return the number of bytes written."""
    with archive.open(entry) as source, path.open("xb") as target:
        while block := source.read(BLOCK):
            target.write(block)
            if target.tell() > max_bytes:
                raise zipfile.BadZipFile("larger than in its header")
        return target.tell()
