"""Define SongFile, a song that can be decoded, and Source, a set of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from audio import decode
from audio.clip import Clip
from audio.decode import wav

LIMITS = decode.Limits(max_duration_s=120.0)  # of one song; GTZAN's last 30 s


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


def reader(read_bytes: Callable[[], bytes], suffix: str) -> Callable[[], Clip]:
    """Make a function that decodes bytes through a temporary file, as FFmpeg needs."""

    def read() -> Clip:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"song{suffix if suffix.isascii() else ''}"
            path.write_bytes(read_bytes())
            return wav.clip(path, limits=LIMITS)

    return read
