"""Read untrusted zips within limits.

No name inside is used as a path: songs are numbered, and their own names are only
displayed. Sizes are counted while unpacking, since a header may be wrong.
"""

from __future__ import annotations

import calendar
import errno
import lzma
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from audio.clip import Clip
from audio.library.encodings import decoded
from audio.library.kinds import is_song, shown
from errors import FULL_DISK, KnownError

UTF8_FLAG = 0x800  # of an entry whose name is UTF-8
UNICODE_PATH = 0x7075  # an extra field
BLOCK = 1 << 20  # bytes
MAX_DIRECTORY_BYTES = 10_000_000  # of a zip: some hundred thousand entries
# In what zipfile reads of the end record: numbers of the items, and where it is itself.
END_ENTRIES, END_SIZE, END_AT = 4, 5, 9
END_64_BYTES = 76  # between the directory of a large zip and its end record
ENTRY = b"PK\1\2"  # begins each entry of the directory
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
        size_bytes: of the file; None where unknown.
        modified_s: when it last changed, in seconds since 1970; None where unknown.
        is_scratch: it was unpacked for one use, and is deleted after it.
        read: gives the sound of a song that is in no file; raises KnownError.
    """

    name: str
    path: Path
    size_bytes: int | None = None
    modified_s: int | None = None
    is_scratch: bool = False
    read: Callable[[], Clip] | None = None


@dataclass(frozen=True)
class ZipLimits:
    """What a zip may hold.

    Attributes:
        max_files: songs.
        max_bytes: all songs unpacked.
        max_entries: songs, folders, covers and what packers add.
    """

    max_files: int = 1000
    max_bytes: int = 2_000_000_000
    max_entries: int = 50_000


USUAL = ZipLimits()


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; any fault in it found while it is open is raised as a known error.

    Raises:
        KnownError: ``zip_broken``, ``zip_too_many`` by its end record, or ``no_room``
            where the disk is full.
    """
    try:
        check_directory(path)
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FAULTS as error:
        is_full = isinstance(error, OSError) and error.errno in FULL_DISK
        raise KnownError(
            "no_room" if is_full else "zip_broken", name=path.name
        ) from error


def check_directory(path: Path) -> None:
    """Refuse a zip whose directory is too large to be read, before it is.

    Python makes an object of each entry, 400 bytes and 5 µs, before they can be counted.

    Raises:
        KnownError: ``zip_too_many``.
        OSError: where the file cannot be read.
    """
    end_record = getattr(zipfile, "_EndRecData", lambda file: None)  # not in its docs
    with path.open("rb") as file:
        record = end_record(file)
        if not record:
            return
        n_bytes, n_entries = record[END_SIZE], record[END_ENTRIES]
        if n_bytes <= MAX_DIRECTORY_BYTES:  # what the record counts may not be true
            n_read = n_bytes + END_64_BYTES
            file.seek(max(record[END_AT] - n_read, 0))
            n_entries = file.read(n_read).count(ENTRY)
    if n_bytes > MAX_DIRECTORY_BYTES or n_entries > USUAL.max_entries:
        most = USUAL.max_files
        raise KnownError("zip_too_many", name=path.name, n=n_entries, most=most)


@dataclass(frozen=True)
class Member:
    """An entry of a zip that is a song.

    Attributes:
        name: as its packer meant it, with slashes, one line; for display.
        info: the entry.
    """

    name: str
    info: zipfile.ZipInfo


def members(
    archive: zipfile.ZipFile, name: str, limits: ZipLimits = USUAL, language: str = ""
) -> tuple[list[Member], list[Member]]:
    """List a zip's entries that are songs, and the others, by its headers alone.

    Args:
        archive: an open zip.
        name: of the zip, for the error.
        limits: what it may hold.
        language: of the person, for names whose encoding nobody noted.

    Raises:
        KnownError: ``zip_too_many`` or ``zip_too_large``.
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > limits.max_entries:
        raise KnownError("zip_too_many", name=name, n=len(infos), most=limits.max_files)
    found = list(map(Member, map(shown, names(infos, language)), infos))
    songs = [each for each in found if is_song(each.name)]
    if len(songs) > limits.max_files:
        raise KnownError("zip_too_many", name=name, n=len(songs), most=limits.max_files)
    n_bytes = sum(each.info.file_size for each in songs)
    if n_bytes > limits.max_bytes:
        raise KnownError(
            "zip_too_large", name=name, mb=n_bytes / 1e6, max_mb=limits.max_bytes / 1e6
        )
    return songs, [each for each in found if not is_song(each.name)]


def names(infos: Sequence[zipfile.ZipInfo], language: str = "") -> list[str]:
    """Decode the names of entries: all that have no encoding noted by one and the same.

    Source: APPNOTE.TXT 4.4.4 (bit 11), 4.6.9 (0x7075, Info-ZIP's Unicode Path).
    """
    unknown = {
        number: info.orig_filename.replace("\n", " ").encode("cp437", "replace")
        for number, info in enumerate(infos)
        if not info.flag_bits & UTF8_FLAG and not info.orig_filename.isascii()
    }
    text = decoded(b"\n".join(unknown.values()), language, last="cp437")
    guessed = dict(zip(unknown, text.split("\n"), strict=False))
    found = [
        _unicode_path(info, unknown.get(number)) or guessed.get(number, info.filename)
        for number, info in enumerate(infos)
    ]
    # Some packers of Windows write its own slash, against the format.
    is_foreign = not any("/" in each for each in found)
    return [each.replace("\\", "/") for each in found] if is_foreign else found


def _unicode_path(info: zipfile.ZipInfo, raw: bytes | None) -> str:
    """Read the name in UTF-8 that Info-ZIP adds; "" where none belongs to this name."""
    extra = info.extra
    while raw is not None and len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and field[:1] == b"\1":
            is_of_name = field[1:5] == struct.pack("<I", zlib.crc32(raw))
            return field[5:].decode("utf-8", "replace") if is_of_name else ""
    return ""


def unpacked(
    path: Path,
    folder: Path,
    limits: ZipLimits = USUAL,
    language: str = "",
    is_wanted: Callable[[str], bool] = lambda name: True,
) -> Iterator[Song]:
    """Unpack each song of a zip into a folder when its turn comes.

    Args:
        path: the zip.
        folder: exists, and is empty; its maker deletes it, or each song once it is done.
            A song that is damaged comes last, without its file.
        limits: what the zip may hold.
        language: of the person, for names whose encoding nobody noted.
        is_wanted: whether a song is, by its name; others are not unpacked.

    Raises:
        KnownError: ``zip_broken``, ``zip_too_many``, ``zip_too_large``,
            ``zip_without_songs`` or ``no_room``.
    """
    with opened(path) as archive:
        songs, _ = members(archive, path.name, limits, language)
        if not songs:
            raise KnownError("zip_without_songs", name=path.name)
        n_left, is_any_whole = limits.max_bytes, False
        failed: list[Song] = []
        fault: Exception | None = None
        for number, member in enumerate(sorted(songs, key=lambda each: each.name)):
            if not is_wanted(member.name):
                continue
            suffix = PurePosixPath(member.name).suffix.lower()
            song = song_of(member, folder / f"{number:05}{suffix}")
            most = min(n_left, member.info.file_size)
            try:
                n_left -= _unpack(archive, member.info, song.path, most)
            except FAULTS as error:
                song.path.unlink(missing_ok=True)
                if isinstance(error, OSError) and error.errno in FULL_DISK:
                    raise
                fault = error
                failed.append(song)
                continue
            is_any_whole = True
            yield song
        if fault and not is_any_whole:
            raise fault
        yield from failed


def song_of(member: Member, path: Path) -> Song:
    """Describe an entry as a song that is unpacked to a path."""
    year, month, day, *rest = member.info.date_time
    try:  # a header may name a 13th month
        seconds = calendar.timegm((year, max(month, 1), max(day, 1), *rest))
    except ValueError:
        seconds = 0
    return Song(member.name, path, member.info.file_size, seconds, is_scratch=True)


def _unpack(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, max_bytes: int
) -> int:
    """Write one entry, at most ``max_bytes``; return the number of bytes written.

    Raises:
        OSError: ENOSPC, before anything is written, where it would fill the disk.
    """
    if min(entry.file_size, max_bytes) > shutil.disk_usage(path.parent).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with archive.open(entry) as source, path.open("xb") as target:
        while block := source.read(BLOCK):
            target.write(block)
            if target.tell() > max_bytes:
                raise zipfile.BadZipFile("larger than in its header")
        return target.tell()
