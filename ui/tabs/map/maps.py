"""Compute a map, song by song, and put one more song on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Sound
from audio.decode import Limits
from cache import Cache
from classifier import similarity
from classifier.batch import rows_or_waits
from classifier.embeddings import Embeddings
from classifier.embeddings import of as of_songs
from classifier.predict import Prediction, predict
from classifier.queue import InferenceQueue
from classifier.similarity import Neighbours, Projection, Scale, Vectors
from errors import KnownError
from networks.checkpoint import LoadedModel, ModelRef
from ui.server import files
from ui.tabs.map import songs as sources
from ui.tabs.map.songs import MapSong
from ui.waiting import PATIENCE_S

MIN_SONGS = 3  # of a map
N_WORKERS = 2  # one song is decoded while another is computed
FIRST_SHOWN = 8  # songs; then each time that they have doubled, and all
CACHE_BYTES = 64_000_000  # of embeddings: 10,000 songs of 1,536 features


@dataclass(frozen=True, eq=False)
class Point:
    """What a model computes of a song.

    Attributes:
        vector: float32 (n_features,).
        answer: the likeliest genre.
    """

    vector: Vectors
    answer: str


class Points:
    """Remember what models computed of songs, by content and model, for all visitors."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._known: Cache[tuple[str, str, str], Point] = Cache(
            max_bytes, size_of=lambda point: point.vector.nbytes + 500
        )

    def get(self, song: str, model: ModelRef) -> Point | None:
        """Return what is remembered of a song by its key."""
        return self._known.get(_key(song, model))

    def put(self, song: str, found: Prediction) -> Point:
        """Remember a song.

        Raises:
            KnownError: ``no_embedding`` where the model has none.
        """
        point = Point(vector_of(found), found.genres[0][0])
        self._known.put(_key(song, found.model), point)
        return point


def _key(song: str, model: ModelRef) -> tuple[str, str, str]:
    return song, model.key, model.revision or ""


def vector_of(found: Prediction) -> Vectors:
    """Return a song's embedding, float32 (n_features,).

    Raises:
        KnownError: ``no_embedding``.
    """
    if found.embedding is None:
        raise KnownError("no_embedding", title=found.model.title)
    return found.embedding


@dataclass(frozen=True, eq=False)
class SongMap:
    """Songs on a map, as a visitor's page knows them.

    Attributes:
        songs: (n_songs,).
        embeddings: of them, in the same order.
        model: that computed them.
        tsne: float32 (n_songs, 2), once somebody asked for it; else None.
        is_by_tsne: whether it is drawn so, rather than by PCA.
    """

    songs: tuple[MapSong, ...]
    embeddings: Embeddings
    model: ModelRef
    tsne: Vectors | None = None
    is_by_tsne: bool = False

    @cached_property
    def scale(self) -> Scale:
        """What standardises the features, over these songs."""
        return Scale.of(self.embeddings.vectors)

    @cached_property
    def standard(self) -> Vectors:
        """float32 (n_songs, n_features), standardised."""
        return self.scale.standardised(self.embeddings.vectors)

    @cached_property
    def near(self) -> Neighbours:
        """The nearest songs of each."""
        return similarity.neighbours(self.standard)

    @cached_property
    def projection(self) -> Projection:
        """The map's directions by PCA."""
        return similarity.principal_components(self.standard)

    @property
    def places(self) -> Vectors:
        """float32 (n_songs, 2), by t-SNE or by PCA."""
        if self.is_by_tsne and self.tsne is not None:
            return self.tsne
        return self.projection.places(self.standard)

    def clusters(self, n_clusters: int) -> NDArray[np.int64]:
        """Group the songs by k-means: (n_songs,) numbers."""
        return similarity.clusters(self.standard, n_clusters)

    def located(self, vector: Vectors) -> tuple[Vectors, list[tuple[int, float]]]:
        """Place one more song: (2,), and its nearest songs with their similarities."""
        standard = self.scale.standardised(vector)
        values = similarity.similarities(standard, self.standard)
        order = np.argsort(-values)[: similarity.N_NEAR].tolist()
        near = [(number, float(values[number])) for number in order]
        if not self.is_by_tsne or self.tsne is None:
            return self.projection.places(standard[None])[0], near
        # t-SNE has no place for a song that it did not know: between the nearest three.
        nearest = order[:MIN_SONGS]
        return similarity.place_among(nearest, values[nearest], self.tsne), near


@dataclass(frozen=True)
class Progress:
    """How far a map is.

    Attributes:
        n_done: songs read, those that failed included.
        n_total: songs in all.
        failed: names of the songs that could not be read.
        map: of the songs so far, now and then, and at the end; else None.
    """

    n_done: int
    n_total: int
    failed: tuple[str, ...] = ()
    map: SongMap | None = None


@dataclass(frozen=True, eq=False)
class Read:
    """What became of a song.

    Attributes:
        song: it.
        point: None where it failed.
        error: why; None where it did not.
    """

    song: MapSong
    point: Point | None = None
    error: KnownError | None = None


def points_of(
    songs: Sequence[MapSong],
    model: LoadedModel,
    queue: InferenceQueue,
    points: Points,
    limits: Limits,
    language: str = "",
) -> Iterator[Read | None]:
    """Compute songs: those that are known at once, then the others, and None meanwhile.

    Closing the iterator stops within a window. One song is in memory at a time, two
    with the next one. Songs of one key come once.

    Args:
        songs: of one source.
        model: computes them.
        queue: where it runs.
        points: what is known, and will be.
        limits: what a file may be.
        language: of the visitor.

    Raises:
        KnownError: ``no_embedding``.
    """
    missing = {song.key: song for song in songs}
    for song in list(missing.values()):
        if point := points.get(song.key, model.ref):
            del missing[song.key]
            yield Read(song, point)
    asked: dict[str, Any] = {"effort": "quick", "limits": limits}
    asked |= {"n_workers": N_WORKERS, "patience_s": PATIENCE_S, "with_embedding": True}
    with files.scratch() as folder:
        unread = sources.opened(list(missing.values()), folder, language)
        for row in rows_or_waits(unread, model, queue, **asked):
            if row is None:
                yield None
            elif row.prediction:
                point = points.put(row.song, row.prediction)
                yield Read(missing[row.song], point)
            else:
                yield Read(missing[row.song], error=row.error)


def computed(
    songs: Sequence[MapSong], model: LoadedModel, *how: Any
) -> Iterator[Progress]:
    """Compute a map, and show it on the way.

    Args:
        songs: of one source.
        model: computes them.
        *how: further arguments of ``points_of``.

    Raises:
        KnownError: ``too_few_on_map``, ``no_embedding``.
    """
    found: dict[str, Point] = {}
    failed: list[str] = []
    n_total, n_shown = len({song.key for song in songs}), FIRST_SHOWN
    for each in points_of(songs, model, *how):
        if each and each.point:
            found[each.song.key] = each.point
        elif each:
            failed.append(each.song.name)
        n_done, shown = len(found) + len(failed), None
        if each and len(found) >= n_shown and n_done < n_total:
            shown, n_shown = of(songs, found, model), 2 * len(found)
        yield Progress(n_done, n_total, tuple(failed), shown)
    if len(found) < MIN_SONGS:
        raise KnownError("too_few_on_map", n=len(found), least=MIN_SONGS)
    yield Progress(n_total, n_total, tuple(failed), of(songs, found, model))


def of(
    songs: Sequence[MapSong], found: dict[str, Point], model: LoadedModel
) -> SongMap:
    """Make the map of the songs that were found."""
    there = tuple(song for song in songs if song.key in found)
    embeddings = of_songs(
        [song.name for song in there],
        [song.label for song in there],
        [found[song.key].answer for song in there],
        [found[song.key].vector for song in there],
        model,
    )
    return SongMap(there, embeddings, model.ref)


def by_tsne(song_map: SongMap) -> Iterator[tuple[int, SongMap | None]]:
    """Place a map's songs by t-SNE, unless they have been.

    Yields:
        How many of ``similarity.N_STAGES`` stages are done; the map with the last.

    Raises:
        KnownError: ``too_many_for_tsne``.
    """
    n_songs = len(song_map.songs)
    if n_songs > similarity.MAX_TSNE:
        raise KnownError("too_many_for_tsne", n=n_songs, most=similarity.MAX_TSNE)
    found = song_map.tsne
    if found is None and n_songs >= similarity.MIN_TSNE:
        stages = similarity.tsne(song_map.standard)
        while found is None:
            try:
                yield next(stages), None
            except StopIteration as end:
                found = end.value
    is_placed = found is not None
    yield similarity.N_STAGES, replace(song_map, tsne=found, is_by_tsne=is_placed)


def point_of(
    key: str, sound: Sound, model: LoadedModel, queue: InferenceQueue, points: Points
) -> Point:
    """Compute one song as those of a map, unless it is known.

    Raises:
        KnownError: a code of ``predict``, or ``no_embedding``.
    """
    known = points.get(key, model.ref)
    if known:
        return known
    found = predict(sound, model, queue, effort="quick", with_embedding=True)
    return points.put(key, found)
