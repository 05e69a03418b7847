"""Where in a song an answer comes from: tiles of time and band are hidden, one by one.

Occlusion, after M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional
networks" (2014), on the STFT: a tile's magnitudes become the song's mean of each bin (or
nothing), its phase stays. What the genre's log-odds lose in the window around the tile
is the tile's evidence for the genre. Large tiles come first; those that move the answer
most are taken apart.

It finds what one tile alone can move. Where two places hold the same evidence, hiding one
of them moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip
from audio.effects import excerpt_of
from audio.transforms.checks import check_choice
from audio.transforms.mel_scale import band_edges_hz
from classifier.predict import Compute, Prediction
from classifier.queue import InferenceQueue
from classifier.tiles import FILLS, N_LEVELS, Fill, Numbers, Picture, Piece, Tile
from classifier.what_if import predicted
from errors import KnownError
from networks import forward
from networks.checkpoint import LoadedModel, ModelRef
from networks.windows import Windows

SLICE_S = 2.5  # of the first tiles, where a window has room for no more than
MOST_SLICES = 4  # of them; each costs a window
N_BANDS = 4  # of the first tiles, evenly spaced in mel
N_FINER = 8  # tiles of a level that are taken apart, each into four
# Of a tile's effect; where its quarters alone have less, it stays whole.
EXPLAINED = 0.5
SPEAKING = 0.8  # of all that speaks for a genre: the tiles that count as doing so
TINY = 1e-12  # a probability of 1 has no log-odds


@dataclass(frozen=True)
class Check:
    """The answers to what speaks for a genre alone, and to the rest.

    Attributes:
        genre: that the places speak for.
        kept: the answer to them alone; None where that is silent.
        rest: the answer to all that is between and around them; None likewise.
    """

    genre: str
    kept: Prediction | None
    rest: Prediction | None


@dataclass(frozen=True, eq=False)
class Found:
    """What hiding tiles did to the answer, so far.

    Attributes:
        model: that was asked.
        labels: (n_genres,) its genres.
        genres: (genre, probability) of the song's excerpt as it is, the likeliest first.
        tiles: each after its parent.
        fill: what hidden magnitudes became.
        start_s: where the excerpt begins in the song (s).
        duration_s: of the excerpt (s).
        n_done: windows computed.
        n_total: windows in the end, at most.
        check: of the genre whose tiles were taken apart; None before the end.
    """

    model: ModelRef
    labels: tuple[str, ...]
    genres: tuple[tuple[str, float], ...]
    tiles: tuple[Tile, ...]
    fill: Fill
    start_s: float
    duration_s: float
    n_done: int
    n_total: int
    check: Check | None = None

    def pieces(self, genre: str) -> tuple[Piece, ...]:
        """Return the effect of each place on a genre, by tiles that do not overlap.

        Four quarters replace their tile where they explain it: where the sum of what
        each alone does is at least half of what the tile does. Where it is less, they
        hold the same evidence, and the tile is shown whole.

        Raises:
            KnownError: ``not_a_choice`` for what is no genre of the model.
        """
        check_choice("genre", genre, self.labels)
        place = self.labels.index(genre)
        quarters: dict[int, list[int]] = {}
        for number, tile in enumerate(self.tiles):
            quarters.setdefault(tile.parent, []).append(number)

        def leaves(number: int) -> list[int]:
            own = self.tiles[number].effects[place]
            parts = quarters.get(number, [])
            each = [self.tiles[part].effects[place] for part in parts]
            if len(parts) < 4 or np.abs(each).sum() < EXPLAINED * abs(own):
                return [number]
            return [leaf for part in parts for leaf in leaves(part)]

        found = [leaf for first in quarters.get(-1, []) for leaf in leaves(first)]
        return tuple(self.tiles[number].piece(place) for number in found)

    def speaking(self, genre: str) -> tuple[Piece, ...]:
        """Return the places that speak for a genre: the densest, with most of it."""
        pieces = [each for each in self.pieces(genre) if each.effect > 0]
        pieces.sort(key=lambda each: -each.density)
        wanted = SPEAKING * sum(each.effect for each in pieces)
        before = np.cumsum([0.0, *(each.effect for each in pieces)])[:-1]
        return tuple(
            each for each, sum_ in zip(pieces, before, strict=True) if sum_ < wanted
        )


def where(
    clip: Clip,
    model: LoadedModel,
    queue: InferenceQueue | None = None,
    *,
    genre: str = "",
    fill: Fill = "mean",
    compute: Compute | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Found]:
    """Find where in a song's middle the evidence for a genre is, coarse first.

    Args:
        clip: any sound.
        model: that is asked.
        queue: as of ``predict``.
        genre: whose tiles are taken apart; the likeliest by default.
        fill: what hidden magnitudes become: the song's mean of each bin, or nothing.
            A sound that never changes is its own mean: only nothing hides it.
        compute: as of ``predict``.
        should_stop: is called before each batch of windows.

    Yields:
        What is known, after each batch of windows.

    Raises:
        KnownError: ``silent``, ``too_short``, ``not_a_choice``, ``prediction_stopped``,
            or what the model raises.
    """
    check_choice("fill", fill, FILLS)
    excerpt = excerpt_of(clip)
    asked = _Asked(
        excerpt.resampled(model.sampling_rate), model, queue, compute, should_stop
    )
    found, odds = asked.first(clip.duration_s, fill)
    yield found
    if genre:
        check_choice("genre", genre, model.labels)
    genre = genre or found.genres[0][0]
    level = asked.largest()
    for number in range(N_LEVELS):
        first = len(found.tiles)
        for some in asked.without(level, fill):
            done = [
                replace(tile, effects=odds[tile.window] - left) for tile, left in some
            ]
            n_done = found.n_done + len(done)
            found = replace(found, tiles=(*found.tiles, *done), n_done=n_done)
            yield found
        if number < N_LEVELS - 1:
            level = _quarters(found.tiles, first, model.labels.index(genre))
    check = asked.check(genre, found.speaking(genre))
    yield replace(found, check=check, n_done=found.n_total)


def _n_slices(window_s: float) -> int:
    return min(max(round(window_s / SLICE_S), 1), MOST_SLICES)


class _Asked:
    """One model asked about one excerpt, whole and with tiles hidden.

    Args:
        clip: the excerpt, at the model's sampling rate.
        model: that is asked.
        queue: as of ``where``.
        compute: as of ``where``.
        should_stop: as of ``where``.
    """

    def __init__(
        self,
        clip: Clip,
        model: LoadedModel,
        queue: InferenceQueue | None,
        compute: Compute | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self.picture = Picture.of(clip)
        self.model = model
        self._queue = queue
        self._compute = compute
        self._should_stop = should_stop
        windows = self._windows(clip)
        self.n_window, self.starts = windows.n_window, windows.starts()
        if not self.starts:
            raise KnownError("silent", name=clip.name)

    def _windows(self, clip: Clip) -> Windows:
        """Cut the excerpt, or what is left of it, as classification does."""
        takes_any = self.model.ref.takes_any_length
        rate, window_s = self.model.sampling_rate, self.model.window_s
        return Windows.of(clip, rate, window_s, takes_any_length=takes_any)

    def first(self, song_s: float, fill: Fill) -> tuple[Found, Numbers]:
        """Ask about the excerpt as it is.

        Returns:
            What is known then, and the log-odds (n_windows, n_genres).
        """
        clip, model = self.picture.clip, self.model
        whole = [(lambda: clip, start) for start in self.starts]
        logits = np.concatenate([some for _, some in self._logits(whole)])
        shares = self._probabilities(logits).mean(axis=0).tolist()
        genres = sorted(zip(model.labels, shares, strict=True), key=lambda g: -g[1])
        n_first = len(self.largest())
        n_finer = 4 * min(N_FINER, max(n_first // 4, 1)) * (N_LEVELS - 1)
        found = Found(
            model=model.ref,
            labels=tuple(model.labels),
            genres=tuple(genres),
            tiles=(),
            fill=fill,
            start_s=max(0.0, (song_s - clip.duration_s) / 2),
            duration_s=clip.duration_s,
            n_done=len(self.starts),
            n_total=3 * len(self.starts) + n_first + n_finer,
        )
        return found, self._odds(logits)

    def largest(self) -> list[Tile]:
        """Cut each window into its first tiles; what two share belongs to the first."""
        clip = self.picture.clip
        n_slices = _n_slices(self.model.window_s)
        edges_hz = band_edges_hz(N_BANDS - 1, 0.0, clip.sampling_rate / 2).tolist()
        unknown = np.zeros(len(self.model.labels))
        tiles: list[Tile] = []
        done = 0
        for number, start in enumerate(self.starts):
            first, done = max(start, done), min(start + self.n_window, clip.n_samples)
            edges_s = np.linspace(first, done, n_slices + 1) / clip.sampling_rate
            tiles += [
                Tile(number, 0, -1, start_s, stop_s, low_hz, high_hz, unknown)
                for start_s, stop_s in pairwise(edges_s.tolist())
                for low_hz, high_hz in pairwise(edges_hz)
            ]
        return tiles

    def without(
        self, tiles: Sequence[Tile], fill: Fill
    ) -> Iterator[list[tuple[Tile, Numbers]]]:
        """Yield tiles with the log-odds (n_genres,) left without each, by batches."""
        asked = [
            (partial(self.picture.without, tile, fill), self.starts[tile.window])
            for tile in tiles
        ]
        for batch, logits in self._logits(asked):
            left = self._odds(logits)
            yield list(zip(tiles[batch.start : batch.stop], left, strict=True))

    def check(self, genre: str, pieces: Sequence[Piece]) -> Check:
        """Ask about some places alone, and about the rest."""
        kept, rest = (
            predicted(
                self.picture.only(pieces, is_rest=is_rest),
                self.model,
                self._queue,
                compute=self._compute,
                should_stop=self._should_stop,
            )
            for is_rest in (False, True)
        )
        return Check(genre, kept, rest)

    def _logits(
        self, asked: Sequence[tuple[Callable[[], Clip], int]]
    ) -> Iterator[tuple[range, NDArray[np.float32]]]:
        """Yield logits (n_batch, n_genres) of windows.

        Args:
            asked: what makes the sound, and where in it a window begins (samples).
        """
        model, compute = self.model, self._compute or forward.outputs
        size = forward.batch_size(model.model, model.window_s)

        def logits(batch: range) -> NDArray[np.float32]:
            if self._should_stop and self._should_stop():
                raise KnownError("prediction_stopped", name=self.picture.clip.name)
            values = np.stack(
                [self._values(make(), start) for make, start in _of(batch)]
            )
            work = partial(
                compute, model.model, values, model.ref.title, with_features=False
            )
            return (self._queue.run(work) if self._queue else work()).logits

        def _of(batch: range) -> Sequence[tuple[Callable[[], Clip], int]]:
            return asked[batch.start : batch.stop]

        yield from forward.in_batches([self.n_window] * len(asked), size, logits)

    def _values(self, clip: Clip, start: int) -> NDArray[np.float32]:
        """Compute the model's input from a window."""
        window = self._windows(clip).window(start)
        if window is None:  # hidden was all that could be heard
            window = np.zeros(self.n_window, np.float32)
        rate = self.model.sampling_rate
        return forward.features(self.model.feature_extractor, window, rate)

    def _probabilities(self, logits: NDArray[np.float32]) -> Numbers:
        """Return (n_windows, n_genres), as classification has them."""
        is_exclusive = self.model.ref.is_exclusive
        return forward.probabilities(
            logits, self.model.temperature, is_exclusive=is_exclusive
        )

    def _odds(self, logits: NDArray[np.float32]) -> Numbers:
        """Return the log-odds of each genre, which do not saturate as probabilities do."""
        shares = np.clip(self._probabilities(logits), TINY, 1.0 - TINY)
        return np.log(shares) - np.log1p(-shares)


def _quarters(tiles: Sequence[Tile], first: int, place: int) -> list[Tile]:
    """Take the tiles of a level apart that move a genre most."""
    numbers = range(first, len(tiles))
    n = min(N_FINER, max(len(numbers) // 4, 1))
    most = sorted(numbers, key=lambda at: -abs(tiles[at].effects[place]))[:n]
    return [part for at in sorted(most) for part in tiles[at].quarters(at)]
