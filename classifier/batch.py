"""Classify many songs: a row for each, with its genre or its error."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audio import decode
from audio.clip import Sound
from audio.decode import spooled
from audio.decode.archive import Song
from audio.decode.seek import UnsoughtError, sought
from audio.library.kinds import shown
from audio.library.walk import Tree
from classifier.predict import Effort, Prediction, predict
from classifier.queue import InferenceQueue
from classifier.verdict import Verdict, judge
from errors import KnownError
from networks.checkpoint import LoadedModel


@dataclass(frozen=True)
class Row:
    """The result of one song.

    Attributes:
        song: its name.
        elapsed_s: of decoding and inference (s).
        duration_s: of the decoded sound (s); None where it could not be read.
        cut_at_s: where a song longer than the limit was cut; None when it was not.
        prediction: None where the song failed.
        verdict: on the prediction.
        error: why the song failed; None where it did not.
        size_bytes: of its file; None where unknown.
        modified_s: when that last changed, in seconds since 1970; None where unknown.
    """

    song: str
    elapsed_s: float
    duration_s: float | None = None
    cut_at_s: float | None = None
    prediction: Prediction | None = None
    verdict: Verdict | None = None
    error: KnownError | None = None
    size_bytes: int | None = None
    modified_s: int | None = None


class _StoppedError(Exception):
    """The batch was stopped between two windows."""


def songs_of(tree: Tree) -> list[Song]:
    """Return the files of a folder as songs."""
    return [song_at(path) for _, path in tree.files]


def song_at(path: Path) -> Song:
    """Return a file as a song, with its size and date where they can be read."""
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return Song(shown(str(path)), path)
    return Song(shown(str(path)), path, facts.st_size, int(facts.st_mtime))


def rows(
    songs: Iterable[Song],
    model: LoadedModel,
    queue: InferenceQueue,
    *,
    effort: Effort = "whole",
    limits: decode.Limits = decode.USUAL,
    n_workers: int = 1,
    should_stop: Callable[[], bool] | None = None,
    with_embedding: bool = False,
) -> Iterator[Row]:
    """Yield a row for each song, in their order; a failed song does not end the others.

    Closing the generator stops the work within a window.

    Args:
        songs: taken one by one, a few ahead of what is done.
        model: a loaded one.
        queue: where inference of all songs runs.
        effort: as for ``listen``.
        limits: what a file may be.
        n_workers: songs classified at the same time.
        should_stop: is called before each window; True ends the iteration.
        with_embedding: as for ``predict``.
    """
    found = rows_or_waits(
        songs,
        model,
        queue,
        effort=effort,
        limits=limits,
        n_workers=n_workers,
        should_stop=should_stop,
        with_embedding=with_embedding,
    )
    with closing(found):
        yield from filter(None, found)


def rows_or_waits(
    songs: Iterable[Song],
    model: LoadedModel,
    queue: InferenceQueue,
    *,
    effort: Effort = "whole",
    limits: decode.Limits = decode.USUAL,
    n_workers: int = 1,
    should_stop: Callable[[], bool] | None = None,
    patience_s: float | None = None,
    with_embedding: bool = False,
) -> Generator[Row | None]:
    """Yield what ``rows`` does, and None whenever a row takes longer than some seconds.

    So that a caller can close the generator although a long song is being classified.
    """
    left = threading.Event()

    def is_over() -> bool:
        return left.is_set() or bool(should_stop and should_stop())

    def run(sound: Sound) -> Prediction:
        return predict(
            sound,
            model,
            queue,
            effort=effort,
            should_stop=is_over,
            with_embedding=with_embedding,
        )

    def work(song: Song) -> Row:
        return _row(song, run, limits, in_parts=effort == "quick")

    waiting: deque[Future[Row]] = deque()
    with ThreadPoolExecutor(n_workers) as pool:
        try:
            for song in songs:
                # With the caller's context: for whom the queue charges.
                waiting.append(pool.submit(copy_context().run, work, song))
                if len(waiting) > n_workers:
                    yield from _next(waiting, patience_s)
            while waiting:
                yield from _next(waiting, patience_s)
        except _StoppedError:
            return
        finally:
            left.set()
            pool.shutdown(cancel_futures=True)


def _next(
    waiting: deque[Future[Row]], patience_s: float | None
) -> Iterator[Row | None]:
    """Take the first row, and yield None for each time that it lets us wait."""
    while not wait([waiting[0]], patience_s).done:
        yield None
    yield waiting.popleft().result()


def _row(
    song: Song,
    run: Callable[[Sound], Prediction],
    limits: decode.Limits,
    *,
    in_parts: bool,
) -> Row:
    """Classify one song; its error is part of the row, and what was unpacked is deleted.

    Args:
        song: its file may be gone by then.
        run: predicts a sound.
        limits: what a file may be.
        in_parts: decode the windows alone, where that is possible.

    Raises:
        _StoppedError: where the batch was stopped.
    """
    began = time.perf_counter()
    row = Row(song.name, 0.0, size_bytes=song.size_bytes, modified_s=song.modified_s)
    found: dict[str, Any] = {}
    try:
        if in_parts:
            found |= _sought(song, run, limits)
        if not found:
            _spooled(song, run, limits, found)
    except KnownError as error:
        if error.code == "prediction_stopped":
            raise _StoppedError from error
        found["error"] = error
    finally:
        if song.is_scratch:
            song.path.unlink(missing_ok=True)
    return replace(row, elapsed_s=time.perf_counter() - began, **found)


def _sought(
    song: Song, run: Callable[[Sound], Prediction], limits: decode.Limits
) -> dict[str, Any]:
    """Classify what is decoded of a song's windows alone.

    Returns:
        Fields of a ``Row``; none where the song has to be decoded whole, which also
        finds out what is wrong with it.
    """
    if limits.decoder or song.read:
        return {}
    try:
        with sought(song.path, song.name, limits) as sound:
            named = replace(sound, name=song.name)
            answer = run(named)
            verdict = judge(answer, named)
    except (UnsoughtError, KnownError) as error:
        if isinstance(error, KnownError) and error.code == "prediction_stopped":
            raise
        return {}
    return {"duration_s": sound.duration_s, "prediction": answer, "verdict": verdict}


def _spooled(
    song: Song,
    run: Callable[[Sound], Prediction],
    limits: decode.Limits,
    found: dict[str, Any],
) -> None:
    """Classify a song that is decoded to the disk; set what is found as of ``Row``."""
    if song.read:
        clip = replace(song.read(), name=song.name)
        found |= {"duration_s": clip.duration_s, "prediction": run(clip)}
        found["verdict"] = judge(found["prediction"], clip)
        return
    with spooled(song.path, name=song.name, limits=limits) as (sound, cut_s):
        named = replace(sound, name=song.name)
        found |= {"duration_s": sound.duration_s, "cut_at_s": cut_s}
        found["prediction"] = run(named)
        found["verdict"] = judge(found["prediction"], named)
