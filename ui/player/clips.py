"""Keep decoded songs in memory: a path that Gradio handed over in, its sound out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audio.clip import Clip, Sound
from audio.decode import Decoded, Limits, load, spooled
from cache import Cache
from errors import KnownError
from ui.server import files
from ui.server.shares import charge

SHELF_BYTES = 500_000_000  # two songs of ten minutes at 96 kHz, or twenty usual ones


class ClipShelf:
    """Hold decoded songs by path; the least recently used leave first.

    The pictures of one song ask for it at the same moment: it is decoded once, and the
    rest wait. A path can be its sound's key, because Gradio names an upload's folder
    by the content's hash.

    Args:
        limits: what a file may be.
        max_bytes: of samples kept; the song asked for last stays in any case.
        own: what a file of the person at the machine may be, where it is read in parts;
            as ``limits`` by default.

    Attributes:
        limits: what a file may be.
    """

    def __init__(
        self,
        limits: Limits,
        max_bytes: int = SHELF_BYTES,
        own: Limits | None = None,
    ) -> None:
        self.limits = limits
        self._own = own or limits
        self._songs: Cache[str, Decoded] = Cache(max_bytes, _n_bytes)

    def limits_of(self, is_own: bool) -> Limits:
        """Return the limits on files of who may train here, or of anybody."""
        return self._own if is_own else self.limits

    def take(self, path: str | None) -> Decoded:
        """Return the sound of a file that ``gr.Audio`` handed over.

        Raises:
            KnownError: ``no_clip`` without a path, ``clip_gone`` where the server has
                deleted an old upload, ``too_much_sound``, or a code of ``decode.load``.
        """
        if path is None:
            raise KnownError("no_clip")
        return self._songs.compute(path, lambda: self._decoded(path))

    def _decoded(self, path: str) -> Decoded:
        """Decode a file, at the expense of the visitor for whom this thread works."""
        charge(0.0)  # who has nothing left is refused before
        decoded = load(existing(path), name=files.name_of(path), limits=self.limits)
        charge(decoded.clip.duration_s)
        return decoded

    @contextmanager
    def passing(self, path: str | None) -> Iterator[Sound]:
        """Give the sound of a file for one use: from the shelf, or else from the disk.

        Raises:
            KnownError: ``no_clip``, or another code of ``take``.
        """
        if path is None:
            raise KnownError("no_clip")
        decoded = self._songs.get(path)
        if decoded:
            yield decoded.clip
            return
        charge(0.0)
        file, name = existing(path), files.name_of(path)
        with spooled(file, name=name, limits=self.limits) as (sound, _):
            charge(sound.duration_s)
            yield sound

    def path_of(self, clip: Clip) -> str:
        """Return the file that a clip of this shelf was decoded from.

        Raises:
            KnownError: ``clip_gone`` where the clip has left the shelf.
        """
        for path, decoded in self._songs.items():
            if decoded.clip is clip:
                return path
        raise KnownError("clip_gone", name=clip.name)


def _n_bytes(decoded: Decoded) -> int:
    return decoded.clip.samples.nbytes


def existing(path: str) -> Path:
    """Return the file at a path.

    Raises:
        KnownError: ``clip_gone`` where the server has deleted it.
    """
    file = Path(path)
    if not file.exists():
        raise KnownError("clip_gone", name=files.name_of(path))
    return file
