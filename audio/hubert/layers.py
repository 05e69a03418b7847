"""Frames of a model's layers in; their colours, and which moments are alike, out.

A model makes a vector of each frame, and each of its layers another one
(``networks.inside``). Vectors of some hundred numbers have no picture: three numbers of
each, along which most of them differ, make a colour; and the angle between two is how
alike they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_COMPONENTS = 3  # as many as a colour has
MIN_VARIANCE = 1e-12  # of a component; silence has none
SHORTEST_LAG_S = 0.4  # nearer frames are alike because little changes so soon
LEAST_REPEAT = 0.2  # mean cosine of a repeat that is worth a word

Frames = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class States:
    """What a model's layers computed of one window.

    Attributes:
        values: float32 (n_layers + 1, n_tokens, n_channels), the transformer's input
            first; empty of a silent window, which no model gets.
    """

    values: NDArray[np.float32]

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to see."""
        return not self.values.size

    @property
    def n_layers(self) -> int:
        """How many transformer layers there are."""
        return len(self.values) - 1


@dataclass(frozen=True, eq=False)
class Block:
    """Neighbouring windows of a sound, each computed by itself, as one row of frames.

    Where a window overlaps the one before it, the earlier frames stay; where the sound
    is repeated to fill a window, those of its first time do.

    Attributes:
        frames: float32 (n_layers + 1, n_frames, n_channels); of AST the means of the
            patches of each moment.
        times_s: float64 (n_frames,) middle of what each depends on, in the sound (s).
        owners: int64 (n_frames,) window of each frame.
        columns: int64 (n_frames,) position of each among its window's frames.
        states: of each window.
        hop_s: from one frame to the next (s).
    """

    frames: NDArray[np.float32]
    times_s: NDArray[np.float64]
    owners: NDArray[np.int64]
    columns: NDArray[np.int64]
    states: tuple[States, ...]
    hop_s: float

    @property
    def n_layers(self) -> int:
        """How many transformer layers there are."""
        return len(self.frames) - 1

    def nearest(self, at_s: float) -> int:
        """Find the frame whose middle is nearest to a time (s)."""
        return int(np.abs(self.times_s - at_s).argmin())


@dataclass(frozen=True, eq=False)
class Colours:
    """Frames of each layer as colours: their first three principal components.

    Attributes:
        rgb: uint8 (n_layers + 1, n_frames, 3).
        shares: float64 (n_layers + 1, 3) of the variance that each component carries.
    """

    rgb: NDArray[np.uint8]
    shares: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attention:
    """How much each frame takes from each other one, in one head of one layer.

    Attributes:
        weights: float32 (n_frames, n_frames); row i is what frame i takes from where,
            with ``elsewhere`` 1 in all. Nothing between windows: each is by itself.
        elsewhere: float64 (n_frames,) share of what is no frame of the block: AST's own
            two states, a repetition, frames that an earlier window has too.
        n_keys: int64 (n_frames,) states that each frame chooses from.
    """

    weights: NDArray[np.float32]
    elsewhere: NDArray[np.float64]
    n_keys: NDArray[np.int64]


def colours(frames: Frames) -> Colours:
    """Turn each layer's frames into colours: alike in colour, alike in what is largest.

    The first three principal components over all frames are red, green and blue, each
    from its 1st to its 99th percentile. Where one could as well point the other way, it
    points as that of the layer below does.

    Args:
        frames: (n_layers + 1, n_frames, n_channels).
    """
    rgb, shares = [], []
    below = None
    for layer in frames:
        scores, share = components(layer)
        if below is not None:
            turned = np.sign((scores * below).sum(axis=0))
            scores = scores * np.where(turned == 0, 1.0, turned)
        below = scores
        low, high = np.percentile(scores, (1, 99), axis=0)
        span = np.where(high - low > MIN_VARIANCE, high - low, np.inf)
        rgb.append(np.rint(255 * np.clip((scores - low) / span, 0, 1)))
        shares.append(share)
    return Colours(np.stack(rgb).astype(np.uint8), np.stack(shares))


def components(
    frames: Frames,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the first three principal components of frames.

    Args:
        frames: (n_frames, n_channels).

    Returns:
        (n_frames, 3) scores, and (3,) the share of the variance that each carries; 0
        where there are fewer.
    """
    import scipy.linalg

    centred = np.asarray(frames, np.float64) - frames.mean(axis=0, dtype=np.float64)
    n = centred.shape[1]
    covariance = centred.T @ centred / max(len(centred), 1)
    first = max(n - N_COMPONENTS, 0)
    variances, axes = scipy.linalg.eigh(covariance, subset_by_index=(first, n - 1))
    total = max(float(np.trace(covariance)), MIN_VARIANCE)
    scores = centred @ axes[:, ::-1]
    scores[:, variances[::-1] <= MIN_VARIANCE] = 0
    shares = np.clip(variances[::-1], 0, None) / total
    missing = N_COMPONENTS - len(shares)
    return np.pad(scores, ((0, 0), (0, missing))), np.pad(shares, (0, missing))


def smoothed(frames: Frames, n: int) -> Frames:
    """Average each frame with its neighbours, ``n`` in all; fewer at both ends.

    Args:
        frames: (n_frames, n_channels).
        n: an even one counts as the next odd one.
    """
    half = n // 2
    if not half:
        return frames
    sums = np.cumsum(np.pad(frames.astype(np.float64), ((1, 0), (0, 0))), axis=0)
    at = np.arange(len(frames))
    first, last = np.maximum(at - half, 0), np.minimum(at + half + 1, len(frames))
    means = (sums[last] - sums[first]) / (last - first)[:, None]
    return np.asarray(means, np.float32)


def similarity(
    frames: Frames, n_columns: int, *, mean: Frames | None = None
) -> NDArray[np.float32]:
    """Compare every moment with every other: the cosine of their frames.

    The mean frame is taken off first: what all frames share makes them no more alike.
    Where there are more frames than columns, neighbours' cosines are averaged.

    Args:
        frames: (n_frames, n_channels) of one layer.
        n_columns: at most.
        mean: (n_channels,) what is taken off; theirs by default.

    Returns:
        (n, n) in [-1, 1], n at most ``n_columns``; 1 on the diagonal where a column is
        one frame.
    """
    centred = frames - (frames.mean(axis=0) if mean is None else mean)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    units = centred / np.where(lengths > 0, lengths, np.inf)
    bounds = column_bounds(len(units), n_columns)
    means = np.add.reduceat(units, bounds[:-1], axis=0) / np.diff(bounds)[:, None]
    found: NDArray[np.float32] = (means @ means.T).astype(np.float32)
    return np.clip(found, -1, 1)


def column_bounds(n_frames: int, n_columns: int) -> NDArray[np.int64]:
    """(n + 1,) first frames of n columns of as many frames each, and ``n_frames``."""
    n_each = max(-(-n_frames // n_columns), 1)
    return np.append(np.arange(0, n_frames, n_each), n_frames)


def strongest_lag_s(
    frames: Frames, hop_s: float, shortest_s: float = SHORTEST_LAG_S
) -> tuple[float, float] | None:
    """Find the lag (s) with the highest peak of the mean cosine, and that cosine.

    Args:
        frames: (n_frames, n_channels).
        hop_s: from one to the next (s).
        shortest_s: lag that counts (s).

    Returns:
        None where no peak is above ``LEAST_REPEAT``.
    """
    cosines = similarity(frames, len(frames))
    means = np.array([np.diag(cosines, lag).mean() for lag in range(len(frames) // 2)])
    at = np.arange(1, len(means) - 1)
    is_peak = (means[at] > means[at - 1]) & (means[at] >= means[at + 1])
    peaks = at[is_peak & (at * hop_s >= shortest_s)]
    if not len(peaks):
        return None
    best = int(peaks[np.argmax(means[peaks])])
    if means[best] < LEAST_REPEAT:
        return None
    return best * hop_s, float(means[best])
