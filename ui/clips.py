"""The songs in memory: a path that Gradio handed over in, its sound out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from audio.clip import Clip, Sound
from audio.decode import Decoded, Limits, load
from audio.spool import spooled
from errors import KnownError

SHELF_BYTES = 500_000_000  # two songs of ten minutes at 96 kHz, or twenty usual ones


@dataclass
class _Place:
    """One song's place: filled once, by whoever comes first."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    decoded: Decoded | None = None

    @property
    def n_bytes(self) -> int:
        return self.decoded.clip.samples.nbytes if self.decoded else 0


class ClipShelf:
    """Decoded songs by path; the one unused for longest leaves first.

    The pictures of one song ask for it at the same moment: it is decoded once, and the
    rest wait. A path can stand for its sound, because Gradio names an upload's folder
    by the content's hash.

    Args:
        limits: what a file may be.
        max_bytes: of samples kept; the song asked for last stays in any case.

    Attributes:
        limits: what a file may be.
    """

    def __init__(self, limits: Limits, max_bytes: int = SHELF_BYTES) -> None:
        self.limits = limits
        self._max_bytes = max_bytes
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, path: str | None) -> Decoded:
        """The sound of a file that ``gr.Audio`` handed over.

        Raises:
            KnownError: ``no_clip`` without a path, ``clip_gone`` where the server has
                deleted an old upload, or a code of ``decode.load``.
        """
        if path is None:
            raise KnownError("no_clip")
        with self._lock:
            place = self._places.setdefault(path, _Place())
            self._places.move_to_end(path)
        with place.lock:
            if place.decoded is None:
                self._fill(place, path)
            decoded = place.decoded
        self._tidy()
        assert decoded is not None
        return decoded

    @contextmanager
    def passing(self, path: str | None) -> Iterator[Sound]:
        """The sound of a file for one use: from the shelf, or else from the disk.

        Raises:
            KnownError: as ``take``.
        """
        if path is None:
            raise KnownError("no_clip")
        with self._lock:
            place = self._places.get(path)
        if place and place.decoded:
            yield place.decoded.clip
            return
        with spooled(_file(path), limits=self.limits) as (sound, _):
            yield sound

    def path_of(self, clip: Clip) -> str:
        """The file that a clip of this shelf was decoded from.

        Raises:
            KnownError: ``clip_gone`` where the clip has left the shelf.
        """
        with self._lock:
            for path, place in self._places.items():
                if place.decoded and place.decoded.clip is clip:
                    return path
        raise KnownError("clip_gone", name=clip.name)

    def _fill(self, place: _Place, path: str) -> None:
        try:
            place.decoded = load(_file(path), limits=self.limits)
        finally:
            if place.decoded is None:
                with self._lock:
                    self._places.pop(path, None)

    def _tidy(self) -> None:
        with self._lock:
            while self._n_bytes() > self._max_bytes and len(self._places) > 1:
                self._places.popitem(last=False)

    def _n_bytes(self) -> int:
        return sum(place.n_bytes for place in self._places.values())


def _file(path: str) -> Path:
    file = Path(path)
    if not file.exists():
        raise KnownError("clip_gone", name=file.name)
    return file
