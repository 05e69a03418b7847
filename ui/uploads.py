"""Songs that a visitor hands over: files, and zips of songs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audio.decode import Limits, load
from audio.decode.archive import ZipLimits, members, opened, unpacked
from audio.library.kinds import AUDIO_SUFFIXES
from errors import KnownError
from ui.player import sound_files
from ui.server import files

MAX_SONGS = 200  # at once; a whole collection is for the command line
ZIP_LIMITS = ZipLimits(max_files=MAX_SONGS, max_bytes=1_000_000_000)
FILE_TYPES = [*sorted(AUDIO_SUFFIXES), "audio", "video", ".zip"]


@dataclass(frozen=True)
class Source:
    """An upload.

    Attributes:
        upload: the file.
        inner: names of the songs in it; none where it is a song itself.
    """

    upload: Path
    inner: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what the person calls the file."""
        return files.name_of(self.upload)


def sources(
    uploads: Iterable[Path], language: str
) -> tuple[list[tuple[Path, KnownError]], list[Source]]:
    """List the zips that cannot be read, and the other uploads; unpack nothing.

    Args:
        uploads: files from Gradio.
        language: of the visitor, for names whose encoding nobody noted.
    """
    failed: list[tuple[Path, KnownError]] = []
    found: list[Source] = []
    for upload in uploads:
        if upload.suffix.lower() != ".zip":
            found.append(Source(upload))
            continue
        try:
            with opened(upload) as archive:
                name = files.name_of(upload)
                songs, _ = members(archive, name, ZIP_LIMITS, language)
            if not songs:
                raise KnownError("zip_without_songs", name=name)
        except KnownError as error:
            failed.append((upload, error))
            continue
        found.append(Source(upload, tuple(song.name for song in songs)))
    return failed, found


def file_of(
    upload: Path, inner: str, name: str, language: str = ""
) -> tuple[bytes, str]:
    """Read a song's file as it came, and its name; unpack it again where it is in a zip.

    Args:
        upload: the file that holds it.
        inner: its name inside, where that is a zip; else "".
        name: of the song, for the error.
        language: of the visitor.

    Raises:
        KnownError: ``clip_gone`` where the server has deleted it, or a code of
            ``unpacked``.
    """
    if not upload.exists():
        raise KnownError("clip_gone", name=name)
    if not inner:
        return upload.read_bytes(), upload.name
    with files.scratch() as folder:
        for song in unpacked(
            upload, folder, ZIP_LIMITS, language, lambda each: each == inner
        ):
            if song.path.exists():
                return song.path.read_bytes(), files.safe_name(Path(inner).name)
    raise KnownError("clip_gone", name=name)


def playable(path: str, limits: Limits, cache_dir: str) -> str:
    """Return a file that browsers play: this one, or its sound as wav."""
    try:
        decoded = load(Path(path), limits=limits)
    except KnownError:
        return path
    if sound_files.is_playable(decoded.facts, path):
        return path
    return sound_files.file_of(decoded.clip, cache_dir)
