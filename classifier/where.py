"""Where in a song an answer comes from: tiles of time and band are hidden, one by one.

Occlusion, after M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional
networks" (2014), on the STFT: a tile's magnitudes become the song's mean of each bin (or
nothing), its phase stays. What the genre's log-odds lose in the window around the tile
is what the tile says for the genre. Large tiles come first; those that move the answer
most are taken apart.

It finds what one tile alone can move. Two places that say the same stand in for each
other, and hiding one of them moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip, Samples
from audio.effects import excerpt_of
from audio.transforms import overlap_add
from audio.transforms.checks import check_choice
from audio.transforms.mel_scale import band_edges_hz
from audio.transforms.windows import window_values
from classifier.predict import Compute, Prediction, predict
from classifier.queue import InferenceQueue
from errors import KnownError
from networks import forward
from networks.checkpoint import LoadedModel, ModelRef
from networks.windows import Windows

Fill = Literal["mean", "nothing"]
Numbers = NDArray[np.float64]
Mask = NDArray[np.float32]

FILLS: tuple[Fill, ...] = ("mean", "nothing")
N_FFT = 1024  # 64 ms at 16 kHz
HOP_LENGTH = N_FFT // 4
SLICE_S = 2.5  # of the first tiles, where a window has room for no more than
MOST_SLICES = 4  # of them; each costs a window
N_BANDS = 4  # of the first tiles, evenly spaced in mel
N_LEVELS = 3  # 2.5 s and four bands, 1.25 s and eight, 0.6 s and sixteen
N_FINER = 8  # tiles of a level that are taken apart, each into four
EXPLAINED = (
    0.5  # of a tile's effect; where its quarters alone have less, it stays whole
)
SPEAKING = 0.8  # of all that speaks for a genre: the tiles that count as doing so
TINY = 1e-12  # a probability of 1 has no log-odds


@dataclass(frozen=True, eq=False)
class Tile:
    """A piece of the picture that was hidden.

    Attributes:
        window: number of the window that the answer was computed of.
        level: 0 for the largest tiles; each next one halves both sides.
        parent: number of the tile that it is a quarter of; -1 for the largest.
        start_s: where it begins in the excerpt (s).
        stop_s: where it ends (s).
        low_hz: its lower edge (Hz).
        high_hz: its upper edge (Hz).
        effects: (n_genres,) what the log-odds of each genre lose without it.
    """

    window: int
    level: int
    parent: int
    start_s: float
    stop_s: float
    low_hz: float
    high_hz: float
    effects: Numbers

    @property
    def n_cells(self) -> int:
        """Its area, in tiles of the finest level."""
        return int(4 ** (N_LEVELS - 1 - self.level))


@dataclass(frozen=True)
class Piece:
    """A tile with what it says for one genre.

    Attributes:
        start_s: where it begins in the excerpt (s), as ``stop_s``.
        stop_s: where it ends.
        low_hz: its lower edge (Hz), as ``high_hz``.
        high_hz: its upper edge.
        effect: what the genre's log-odds lose without it; below 0 it speaks against.
        density: the effect, for as much of the picture as the finest tile covers.
    """

    start_s: float
    stop_s: float
    low_hz: float
    high_hz: float
    effect: float
    density: float


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

        Four quarters stand for their tile where they explain it: where the sum of what
        each alone does is at least half of what the tile does. Where it is less, they
        stand in for each other, and the tile is shown whole.

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
        return tuple(_piece(self.tiles[number], place) for number in found)

    def speaking(self, genre: str) -> tuple[Piece, ...]:
        """Return the places that speak for a genre: the densest, with most of it."""
        pieces = [each for each in self.pieces(genre) if each.effect > 0]
        pieces.sort(key=lambda each: -each.density)
        wanted = SPEAKING * sum(each.effect for each in pieces)
        before = np.cumsum([0.0, *(each.effect for each in pieces)])[:-1]
        return tuple(
            each for each, sum_ in zip(pieces, before, strict=True) if sum_ < wanted
        )


def _piece(tile: Tile, place: int) -> Piece:
    effect = float(tile.effects[place])
    sides = (tile.start_s, tile.stop_s, tile.low_hz, tile.high_hz)
    return Piece(*sides, effect, effect / tile.n_cells)


@dataclass(frozen=True, eq=False)
class Picture:
    """An excerpt and its STFT, from which tiles are hidden.

    Attributes:
        clip: at the model's sampling rate.
        bins: complex64 (n_frames, n_bins).
        means: float32 (n_bins,) mean magnitudes over the excerpt.
    """

    clip: Clip
    bins: overlap_add.Spectra
    means: Mask

    @classmethod
    def of(cls, clip: Clip) -> Picture:
        """Transform a clip."""
        taper = window_values("hann", N_FFT).astype(np.float32)
        bins = overlap_add.spectra(clip.samples, taper, HOP_LENGTH, N_FFT)
        return cls(clip, bins, np.abs(bins).mean(axis=0))

    def places(self, piece: Tile | Piece) -> tuple[slice, slice]:
        """Return the frames and the bins of a tile; neighbours share none."""
        rate, n_frames = self.clip.sampling_rate, len(self.bins)
        # The middle of frame i is sample i * hop - n_fft / 2.
        first, last = (
            min(ceil((at_s * rate + N_FFT / 2) / HOP_LENGTH), n_frames)
            for at_s in (piece.start_s, piece.stop_s)
        )
        low, high = (ceil(hz * N_FFT / rate) for hz in (piece.low_hz, piece.high_hz))
        if piece.start_s <= 0:  # what begins or ends with the sound has its edges too
            first = 0
        if piece.stop_s >= self.clip.duration_s - 1 / rate:
            last = n_frames
        if high >= N_FFT // 2:
            high = N_FFT // 2 + 1
        return slice(first, last), slice(low, high)

    def without(self, tile: Tile, fill: Fill) -> Clip:
        """Hide a tile; all samples that it has no part in stay as they are."""
        frames, bins = self.places(tile)
        inside = self.bins[frames, bins]
        if not inside.size:
            return self.clip
        levels = np.abs(inside)
        wanted = self.means[bins] if fill == "mean" else np.float32(0)
        # Where there is no sound, there is no phase to keep: it stays silent.
        gain = np.divide(wanted, levels, out=np.ones_like(levels), where=levels > 0)
        changed = np.zeros((len(inside), N_FFT // 2 + 1), np.complex64)
        changed[:, bins] = inside * (gain - 1)
        samples = np.array(self.clip.samples)
        _add(samples, _sound(changed), frames.start * HOP_LENGTH - N_FFT)
        return replace(self.clip, samples=samples)

    def only(self, pieces: Sequence[Piece], *, is_rest: bool = False) -> Clip:
        """Keep what is in some tiles, or the rest; both add up to the excerpt."""
        kept = np.zeros_like(self.bins)
        for piece in pieces:
            place = self.places(piece)
            kept[place] = self.bins[place]
        samples = np.zeros_like(self.clip.samples)
        _add(samples, _sound(kept), -N_FFT)
        if is_rest:
            samples = self.clip.samples - samples
        return replace(self.clip, samples=np.clip(samples, -1, 1))


def _sound(bins: overlap_add.Spectra) -> Samples:
    """Return the samples of frames; the sum of all windows is divided out."""
    total = overlap_add.added(overlap_add.inverse(bins, N_FFT), HOP_LENGTH)
    gain = HOP_LENGTH / window_values("hann", N_FFT).sum()
    return np.asarray(total * np.float32(gain), np.float32)


def _add(samples: Samples, piece: Samples, start: int) -> None:
    """Add a piece at a place that may lie partly outside."""
    first, last = max(start, 0), min(start + len(piece), len(samples))
    if first < last:
        samples[first:last] += piece[first - start : last - start]


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
    asked = _Asked(excerpt.resampled(model.sampling_rate), model, queue, compute)
    asked.should_stop = should_stop
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
    """

    should_stop: Callable[[], bool] | None = None

    def __init__(
        self,
        clip: Clip,
        model: LoadedModel,
        queue: InferenceQueue | None,
        compute: Compute | None,
    ) -> None:
        self.picture = Picture.of(clip)
        self.model = model
        self._queue = queue
        self._compute = compute
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
        answers: list[Prediction | None] = []
        for is_rest in (False, True):
            clip = self.picture.only(pieces, is_rest=is_rest)
            more: dict[str, Any] = {"compute": self._compute}
            try:
                answers.append(
                    predict(
                        clip,
                        self.model,
                        self._queue,
                        should_stop=self.should_stop,
                        **more,
                    )
                )
            except KnownError as error:
                if error.code != "silent":
                    raise
                answers.append(None)
        return Check(genre, *answers)

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
            if self.should_stop and self.should_stop():
                raise KnownError("prediction_stopped", name=self.picture.clip.name)
            values = np.stack(
                [self._values(make(), start) for make, start in _of(batch)]
            )
            more = {"with_features": False}
            work = partial(compute, model.model, values, model.ref.title, **more)
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
    return [part for at in sorted(most) for part in _four(tiles[at], at)]


def _four(tile: Tile, number: int) -> list[Tile]:
    """Halve a tile in time and, on the mel scale, in frequency."""
    middle_s = (tile.start_s + tile.stop_s) / 2
    (_, middle_hz, _) = band_edges_hz(1, tile.low_hz, tile.high_hz).tolist()
    return [
        replace(
            tile,
            level=tile.level + 1,
            parent=number,
            start_s=start_s,
            stop_s=stop_s,
            low_hz=low_hz,
            high_hz=high_hz,
        )
        for start_s, stop_s in ((tile.start_s, middle_s), (middle_s, tile.stop_s))
        for low_hz, high_hz in ((tile.low_hz, middle_hz), (middle_hz, tile.high_hz))
    ]
