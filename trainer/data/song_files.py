"""A song that can be read, and a source of such songs: what every kind of source gives."""

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
    """A song that can be read.

    Attributes:
        name: what screens call it.
        genre: its label.
        read: its sound; raises KnownError where there is none.
        group: what it shares with others, such as the artist; "" where unknown.
        part: of ``splits.PARTS``, where a list says so; else "".
    """

    name: str
    genre: str
    read: Callable[[], Clip]
    group: str = ""
    part: str = ""


@dataclass(frozen=True)
class Source:
    """Where songs come from.

    Attributes:
        fingerprint: changes when any song does; the cache's key.
        n_songs: how many ``songs`` will yield (0: not known before).
        songs: every song, in a steady order.
    """

    fingerprint: str
    n_songs: int
    songs: Iterable[SongFile]


def reader(read_bytes: Callable[[], bytes], suffix: str) -> Callable[[], Clip]:
    """Decode bytes by way of a file, which is what FFmpeg reads best."""

    def read() -> Clip:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"song{suffix if suffix.isascii() else ''}"
            path.write_bytes(read_bytes())
            return wav.clip(path, limits=LIMITS)

    return read
