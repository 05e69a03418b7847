"""Compare songs by their embeddings: neighbours, places on a map, groups, odd ones.

Features differ in their range, so that each is standardised over the songs of a map
first. How alike two songs are is the cosine of the angle between them, from -1 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from networks.novelty import Novelty

Vectors = NDArray[np.float32]

FEW = 8  # songs
N_NEAR = 10  # neighbours that are listed
N_BLOCK = 512  # songs that are compared with all others at a time: 20 MB of 10,000
FLOOR = 1e-3  # of the largest deviation: a feature that hardly moves is no measure
SEED = 0
# t-SNE in stages, between which it can be stopped; scikit-learn's least are 250 steps.
N_STAGES, N_STAGE_STEPS = 4, 250
PERPLEXITY = 30.0
EXAGGERATION = 12.0  # of the first stage
MIN_TSNE = 5  # songs; fewer are drawn by PCA
MAX_TSNE = 5000  # songs: minutes on two cores
N_EXACT = 300
N_REDUCED = 50  # features, by PCA, before t-SNE, as its authors do, and k-means
# Copies are nearly equal, or far nearer to each other than to any third song.
COPY, LIKELY_COPY = 0.98, 0.85
COPY_RATIO = 0.5  # of the distances to each other and to the next
N_VOTES = 5
MIN_VOTE, MAX_OWN_VOTE = 0.6, 0.2  # shares, for another genre and for its own


@dataclass(frozen=True, eq=False)
class Scale:
    """What standardises features.

    Attributes:
        mean: float32 (n_features,).
        deviation: float32 (n_features,), above 0.
    """

    mean: Vectors
    deviation: Vectors

    @classmethod
    def of(cls, vectors: Vectors) -> Scale:
        """Measure mean and deviation of songs: (n_songs, n_features)."""
        deviation = vectors.std(axis=0)
        floor = max(float(deviation.max(initial=0)) * FLOOR, 1e-6)
        return cls(vectors.mean(axis=0), np.maximum(deviation, floor))

    def standardised(self, vectors: Vectors) -> Vectors:
        """Standardise songs: (n_songs, n_features)."""
        return np.asarray((vectors - self.mean) / self.deviation, np.float32)


def scale_for(vectors: Vectors, novelty: Novelty | None = None) -> Scale:
    """Choose what standardises songs: themselves, unless they are few.

    Few songs do not tell how far features spread: then the songs tell that the model
    learned from, where it keeps what they are like, or else nothing is standardised.

    Args:
        vectors: (n_songs, n_features).
        novelty: of the model.
    """
    if len(vectors) >= FEW:
        return Scale.of(vectors)
    if novelty and novelty.n_features == vectors.shape[1]:
        mean, scale = novelty.mean, novelty.scale
        return Scale(mean.astype(np.float32), scale.astype(np.float32))
    n_features = vectors.shape[1]
    return Scale(np.zeros(n_features, np.float32), np.ones(n_features, np.float32))


def directions(standard: Vectors) -> Vectors:
    """Scale songs (n_songs, n_features) to length 1: dot products are similarities."""
    lengths = np.linalg.norm(standard, axis=1, keepdims=True)
    return np.asarray(standard / np.maximum(lengths, 1e-12), np.float32)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The songs nearest to each song, the nearest first.

    Attributes:
        songs: int (n_songs, k) their numbers; k is ``N_NEAR``, or all others if fewer.
        similarities: float32 (n_songs, k), cosines.
    """

    songs: NDArray[np.int64]
    similarities: Vectors


def neighbours(standard: Vectors, n_near: int = N_NEAR) -> Neighbours:
    """Find the nearest songs of each song, itself left out, in bounded memory."""
    unit = directions(standard)
    n_songs = len(unit)
    n_near = min(n_near, n_songs - 1)
    songs = np.zeros((n_songs, max(n_near, 0)), np.int64)
    similarities = np.zeros(songs.shape, np.float32)
    for start in range(0, n_songs if n_near > 0 else 0, N_BLOCK):
        block = unit[start : start + N_BLOCK] @ unit.T
        rows = np.arange(len(block))
        block[rows, start + rows] = -np.inf
        best = np.argpartition(-block, n_near - 1, axis=1)[:, :n_near]
        order = np.argsort(-np.take_along_axis(block, best, axis=1), axis=1)
        best = np.take_along_axis(best, order, axis=1)
        songs[start : start + N_BLOCK] = best
        similarities[start : start + N_BLOCK] = np.take_along_axis(block, best, axis=1)
    return Neighbours(songs, similarities)


def similarities(one: Vectors, standard: Vectors) -> Vectors:
    """Compare one standardised song (n_features,) with others: (n_songs,) cosines."""
    return directions(standard) @ directions(one[None])[0]


@dataclass(frozen=True, eq=False)
class Projection:
    """The two directions in which songs differ most.

    Attributes:
        mean: (n_features,) of the standardised songs.
        axes: (2, n_features), orthonormal.
        fractions: (2,) of the variance along each.
    """

    mean: Vectors
    axes: Vectors
    fractions: Vectors

    def places(self, standard: Vectors) -> Vectors:
        """Project songs onto the map: (n_songs, 2)."""
        return np.asarray((standard - self.mean) @ self.axes.T, np.float32)


def principal_components(standard: Vectors) -> Projection:
    """Fit the map's directions by PCA; of fewer than three songs, some may be 0."""
    from sklearn.decomposition import PCA

    n_axes = min(2, *standard.shape)
    fitted = PCA(n_axes, random_state=SEED).fit(standard)
    axes = np.zeros((2, standard.shape[1]), np.float32)
    fractions = np.zeros(2, np.float32)
    axes[:n_axes] = fitted.components_
    fractions[:n_axes] = np.nan_to_num(fitted.explained_variance_ratio_)
    return Projection(fitted.mean_.astype(np.float32), axes, fractions)


def tsne(standard: Vectors) -> Generator[int, None, Vectors]:
    """Place songs by t-SNE: (n_songs, 2). Near ones stay near; far distances mean little.

    It begins with PCA's places, so that it is the same every time. Not UMAP: that needs
    a further package, which compiles itself by numba for seconds at its first call.

    Yields:
        How many of ``N_STAGES`` stages are done, before each. Closing it stops.

    Source: L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", JMLR 2008.
    """
    from sklearn.manifold import TSNE

    yield 0
    near = reduced(standard)
    places = principal_components(standard).places(standard)
    places = (places / max(float(places[:, 0].std()), 1e-12) * 1e-4).astype(np.float32)
    for stage in range(N_STAGES):
        if stage:
            yield stage
        fitting = TSNE(
            perplexity=min(PERPLEXITY, (len(standard) - 1) / 3),
            early_exaggeration=1.0 if stage else EXAGGERATION,
            max_iter=N_STAGE_STEPS,
            init=places,
            random_state=SEED,
            # Of few songs the threads of the other method mostly wait for each other.
            method="exact" if len(standard) <= N_EXACT else "barnes_hut",
        )
        places = fitting.fit_transform(near).astype(np.float32)
    return places


def reduced(standard: Vectors) -> Vectors:
    """Reduce songs to their first principal components: (n_songs, ``N_REDUCED``).

    Fewer columns where there are fewer songs or features.
    """
    from sklearn.decomposition import PCA

    n_axes = min(N_REDUCED, *standard.shape)
    fitting = PCA(n_axes, random_state=SEED)
    return np.asarray(fitting.fit_transform(standard), np.float32)


def place_among(near: Sequence[int], weights: Vectors, places: Vectors) -> Vectors:
    """Place a song at the weighted mean of its neighbours: (2,), where PCA is not used."""
    positive = np.maximum(weights, 1e-6)
    mean = np.average(places[list(near)], axis=0, weights=positive)
    return np.asarray(mean, np.float32)


def clusters(standard: Vectors, n_clusters: int) -> NDArray[np.int64]:
    """Group songs by k-means: (n_songs,) numbers from 0 on, the largest group first."""
    from sklearn.cluster import KMeans

    n_clusters = max(min(n_clusters, len(standard)), 1)
    fitting = KMeans(n_clusters, n_init=4, random_state=SEED)
    found = fitting.fit_predict(reduced(standard))
    by_size = [number for number, _ in Counter(found.tolist()).most_common()]
    ranks = {number: rank for rank, number in enumerate(by_size)}
    return np.array([ranks[number] for number in found.tolist()], np.int64)


@dataclass(frozen=True)
class Vote:
    """What a song's neighbours are labelled.

    Attributes:
        song: its number.
        label: the one with the largest share.
        share: of the votes, weighted by similarity, 0 to 1.
        own_share: for the song's own label.
    """

    song: int
    label: str
    share: float
    own_share: float


def votes(near: Neighbours, labels: Sequence[str]) -> list[Vote]:
    """Let the nearest labelled songs vote on each label: a song has no vote on itself.

    Nearly equal ones have none either: a copy carries the label of its original, wrong
    or right. A song with too few neighbours has no vote.
    """
    found = []
    for song, label in enumerate(labels):
        if not label:
            continue
        pairs = zip(near.songs[song], near.similarities[song], strict=True)
        voters = [(labels[i], float(s)) for i, s in pairs if labels[i] and s < COPY]
        voters = [(each, max(weight, 0.0)) for each, weight in voters[:N_VOTES]]
        total = sum(weight for _, weight in voters)
        if len(voters) < N_VOTES or not total:
            continue
        shares: dict[str, float] = {}
        for each, weight in voters:
            shares[each] = shares.get(each, 0.0) + weight / total
        first = max(shares, key=lambda each: shares[each])
        found.append(Vote(song, first, shares[first], shares.get(label, 0.0)))
    return found


def doubtful(cast: Sequence[Vote], labels: Sequence[str]) -> list[Vote]:
    """List the songs whose neighbours agree on another label, the clearest first."""
    found = [
        vote
        for vote in cast
        if vote.label != labels[vote.song]
        and vote.share >= MIN_VOTE
        and vote.own_share <= MAX_OWN_VOTE
    ]
    return sorted(found, key=lambda vote: -vote.share)


def copies(near: Neighbours) -> list[tuple[int, int, float]]:
    """List pairs that may be one recording: (song, other, similarity), likeliest first.

    Other codecs and levels are nearly equal. Transposed copies are less so, but each
    other's nearest, and clearly nearer than the next one (the ratio test by which
    D. Lowe matches image features, IJCV 2004).
    """
    found = {}
    for song, (others, values) in enumerate(
        zip(near.songs, near.similarities, strict=True)
    ):
        for other, value in zip(others.tolist(), values.tolist(), strict=True):
            pair = min(song, other), max(song, other)
            if value >= COPY or _is_apart(near, song, other, value):
                found[pair] = value
    return sorted(
        ((one, other, value) for (one, other), value in found.items()),
        key=lambda each: -each[2],
    )


def _is_apart(near: Neighbours, song: int, other: int, value: float) -> bool:
    """Whether two songs are each other's nearest, the next ones much farther."""
    is_mutual = near.songs[song, 0] == other and near.songs[other, 0] == song
    if value < LIKELY_COPY or not is_mutual or near.songs.shape[1] < 2:
        return False
    next_value = max(float(near.similarities[each, 1]) for each in (song, other))
    return 1 - value <= COPY_RATIO * (1 - next_value)
