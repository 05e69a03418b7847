"""A zip from anyone in, its songs as files in one folder out, within limits.

No name inside is used as a path: songs are numbered, and their own names are only
shown. Sizes are counted while unpacking, since a header may lie.
"""

from __future__ import annotations

import lzma
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from errors import FULL_DISK, KnownError

AUDIO_SUFFIXES = frozenset(
    ".wav .w64 .aif .aiff .au .flac .mp3 .ogg .oga .opus .m4a .aac .mp4 .webm .wma".split()
)  # what is looked for in folders and zips; a song that is named is read regardless
UNSHOWN = ("Cc", "Cs", "Zl", "Zp")  # controls, lone surrogates, ends of lines
BLOCK = 1 << 20  # bytes


@dataclass(frozen=True)
class Song:
    """A file to be heard.

    Attributes:
        name: what tables call it.
        path: where it is.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class ZipLimits:
    """What a zip may hold.

    Attributes:
        max_files: songs; whole folders of other files count as well.
        max_bytes: all songs unpacked.
        max_ratio: of a song's size unpacked to packed; audio hardly packs at all.
    """

    max_files: int = 1000
    max_bytes: int = 2_000_000_000
    max_ratio: float = 100.0


USUAL = ZipLimits()


def shown(name: str) -> str:
    """A name as one line of text that every encoding of ours can hold.

    What breaks a line, and bytes that were no UTF-8, are written as Python writes them.
    """
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in UNSHOWN
        else letter
        for letter in name
    )


def unpacked(archive: Path, folder: Path, limits: ZipLimits = USUAL) -> Iterator[Song]:
    """Each song in a zip, unpacked into a folder when its turn comes.

    Args:
        archive: the zip.
        folder: exists, and is empty; who made it deletes it.
        limits: what the zip may hold.

    Raises:
        KnownError: ``zip_broken``, ``zip_too_large``, ``zip_without_songs`` or
            ``no_room``.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = _songs(opened, archive.name, limits)
            n_left = limits.max_bytes
            for number, entry in enumerate(entries):
                suffix = PurePosixPath(entry.filename).suffix.lower()
                path = folder / f"{number:05}{suffix}"
                n_left -= _unpack(opened, entry, path, min(n_left, entry.file_size))
                yield Song(entry.filename, path)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,  # a packing method or an encryption that we do not know
        RuntimeError,  # a password
        EOFError,
        OSError,
        ValueError,
    ) as error:
        is_full = isinstance(error, OSError) and error.errno in FULL_DISK
        code = "no_room" if is_full else "zip_broken"
        raise KnownError(code, name=archive.name) from error


def is_song(name: str) -> bool:
    """Whether a name ends as audio does, and is not what macOS leaves beside it."""
    path = PurePosixPath(name)
    is_hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not is_hidden and path.suffix.lower() in AUDIO_SUFFIXES


def _songs(
    opened: zipfile.ZipFile, name: str, limits: ZipLimits
) -> list[zipfile.ZipInfo]:
    """The entries that are songs; refused by what the headers say alone."""
    entries = opened.infolist()
    songs = [entry for entry in entries if is_song(entry.filename)]
    n_bytes = sum(entry.file_size for entry in songs)
    ratios = [entry.file_size / max(entry.compress_size, 1) for entry in songs]
    if not songs:
        raise KnownError("zip_without_songs", name=name)
    is_bomb = n_bytes > limits.max_bytes or max(ratios) > limits.max_ratio
    if is_bomb or len(entries) > limits.max_files:
        raise _too_large(name, limits)
    return sorted(songs, key=lambda entry: entry.filename)


def _unpack(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, max_bytes: int
) -> int:
    """Write one entry, never more than it said; how many bytes it took."""
    with opened.open(entry) as source, path.open("xb") as target:
        while block := source.read(BLOCK):
            target.write(block)
            if target.tell() > max_bytes:
                raise zipfile.BadZipFile("larger than its header says")
        return target.tell()


def _too_large(name: str, limits: ZipLimits) -> KnownError:
    return KnownError(
        "zip_too_large",
        name=name,
        max_files=limits.max_files,
        max_mb=limits.max_bytes / 1e6,
    )
