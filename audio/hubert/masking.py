"""HuBERT's pretraining task: cluster the frames, mask spans, predict their clusters.

It needs no labels. k-means assigned the frames of 960 hours of speech to 100 clusters
by their MFCCs, and the model predicted the clusters of masked frames; a second
iteration clustered the features that the first one had learned. Here frames and
clusters are those of one clip.

Source: W.-N. Hsu et al., "HuBERT" (2021), sections II and IV; spans as in A. Baevski et
al., "wav2vec 2.0" (2020). Derivatives as in librosa's ``feature.delta``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip
from audio.hubert.preprocessing import (
    HOP_LENGTH,
    HUBERT_GRID,
    SAMPLING_RATE,
    FrameGrid,
)
from audio.levels import decibels_in_place
from audio.transforms.checks import check_range
from audio.transforms.frames import Grid, Levels, pooled_power
from audio.transforms.mel_scale import mel_filters
from audio.transforms.spectrum import re_peak
from audio.transforms.windows import Numbers, window_values

N_MELS = 40
N_MFCC = 13  # with both derivatives 39 numbers a frame, as in the paper
# Weights of the coefficients, 1 to 12, that let each say as much as the first, which is
# the level: without them the clusters are mostly loud and soft. Kaldi's, as HuBERT's were.
LIFTER = 22
WIDTH = 9  # frames that a derivative is taken over
RANGE_DB = 80.0  # lower levels are raised to this far below the loudest band

MIN_N_CLUSTERS, MAX_N_CLUSTERS = 2, 64
N_LEARNED_FROM = 2000  # frames, evenly spaced, that are enough for so few clusters
N_STARTS = 5  # of k-means; the best of them stays

START_PROBABILITY = 0.08  # that a frame begins a hidden span
SPAN = 10  # frames: 200 ms; spans overlap: 1 - 0.92**10 of the frames are hidden, 57 %
FADE = SAMPLING_RATE // 200  # samples, 5 ms: a sharp edge would be a click


@dataclass(frozen=True, eq=False)
class Clusters:
    """The cluster of each frame of a clip.

    Attributes:
        labels: int32 (n_frames,); cluster 0 sounds darkest, the last one brightest.
        n_clusters: at most as many as asked; a clip of few sounds has fewer.
    """

    labels: NDArray[np.int32]
    n_clusters: int


@dataclass(frozen=True)
class Baselines:
    """Accuracy of two predictions without a model; NaN where no frame is masked.

    Attributes:
        commonest: always the cluster that most of the other frames have.
        as_before: the cluster of the last frame before the span.
    """

    commonest: float
    as_before: float


def features(clip: Clip, grid: FrameGrid = HUBERT_GRID) -> Levels:
    """Compute MFCCs with their first and second derivatives, by the model's frames.

    Args:
        clip: at any rate and level: levels are relative to its loudest band.
        grid: the model's frames.

    Returns:
        float32 (n_frames, 39); librosa's, liftered, but for a constant in the first column.
    """
    return _changing(_bands_db(clip, grid))


def _bands_db(clip: Clip, frames: FrameGrid = HUBERT_GRID) -> Levels:
    """Compute mel levels (dB) relative to the loudest, float32 (n_bands, n_frames)."""
    sound = clip.resampled(SAMPLING_RATE)
    n, n_fft = frames.n_frames(sound.n_samples), frames.frame_length
    if not n:
        return np.empty((N_MELS, 0), np.float32)
    grid = Grid(n_fft // 2, n, frames.hop_length)
    taper = window_values("hann", n_fft)
    filters, _ = mel_filters(SAMPLING_RATE, n_fft, N_MELS, SAMPLING_RATE / 2)
    power = pooled_power(sound.samples, taper, grid, filters)
    levels_db: Levels = np.maximum(re_peak(decibels_in_place(power)), -RANGE_DB)
    return levels_db


def _changing(bands_db: Levels) -> Levels:
    """Compute MFCCs of bands with both derivatives, (n_frames, 39)."""
    from scipy.fft import dct
    from scipy.signal import savgol_filter

    mfccs = dct(bands_db, axis=0, norm="ortho")[:N_MFCC] * lifter()[:, None]
    n = mfccs.shape[1]
    if not n:
        return np.empty((0, 3 * N_MFCC), np.float32)
    mode = "interp" if n >= WIDTH else "nearest"
    changes = (
        savgol_filter(mfccs, WIDTH, polyorder=order, deriv=order, axis=1, mode=mode)
        for order in (1, 2)
    )
    return np.vstack([mfccs, *changes]).T.astype(np.float32)


def lifter() -> Numbers:
    """Compute the weight of each MFCC, (13,). Source: S. Young et al., "The HTK book"."""
    angles = np.pi * np.arange(N_MFCC) / LIFTER
    weights: Numbers = 1 + LIFTER / 2 * np.sin(angles)
    return weights


def clusters(clip: Clip, *, n_clusters: int = 16) -> Clusters:
    """Sort the frames of a clip by k-means, always in the same way.

    Returns:
        No labels for silence, and for less than a frame.

    Raises:
        KnownError: ``out_of_range``.
    """
    from scipy.cluster.vq import kmeans, vq

    check_range("n_clusters", n_clusters, MIN_N_CLUSTERS, MAX_N_CLUSTERS)
    bands_db = _bands_db(clip)
    if not bands_db.size or not clip.samples.any():
        return Clusters(np.empty(0, np.int32), 0)
    found = _changing(bands_db)
    every = max(len(found) // N_LEARNED_FROM, 1)
    seen = found[::every].astype(np.float64)
    n = min(n_clusters, len(np.unique(seen, axis=0)))
    centres, _ = kmeans(seen, n, iter=N_STARTS, rng=np.random.default_rng(0))
    labels, _ = vq(found.astype(np.float64), centres)
    # From dark to bright: by the spectral centroid of each cluster's frames, in bands.
    power = 10 ** (bands_db / 10)
    centroids = np.arange(N_MELS) @ power / power.sum(axis=0)
    counts = np.maximum(np.bincount(labels, minlength=len(centres)), 1)
    order = np.argsort(np.bincount(labels, centroids, len(centres)) / counts)
    return Clusters(np.argsort(order)[labels].astype(np.int32), len(centres))


def hidden(n: int, draw: int = 0, *, span: int = SPAN) -> NDArray[np.bool_]:
    """Mask spans of ten of ``n`` frames, their beginnings drawn at random.

    Args:
        n: frames.
        draw: another one masks others.
        span: frames of a span; about as many are masked, whatever its length.

    Returns:
        True for masked frames, (n,).
    """
    begins = np.random.default_rng(draw).random(n) < SPAN * START_PROBABILITY / span
    return np.convolve(np.append(begins, False), np.ones(span))[:n] > 0


def baselines(found: Clusters, is_hidden: NDArray[np.bool_]) -> Baselines:
    """Measure the baselines that a trained model has to beat."""
    targets = found.labels[is_hidden]
    if not len(targets):
        return Baselines(nan, nan)
    seen = np.bincount(found.labels[~is_hidden], minlength=found.n_clusters)
    last_seen = np.maximum.accumulate(np.where(is_hidden, 0, np.arange(len(is_hidden))))
    before = found.labels[last_seen[is_hidden]]
    known = last_seen[is_hidden] > 0  # else the clip begins with the span
    return Baselines(
        commonest=float(np.mean(targets == seen.argmax())),
        as_before=float(np.mean((targets == before) & known)),
    )


def silenced(
    clip: Clip, is_hidden: NDArray[np.bool_], hop_length: int = HOP_LENGTH
) -> Clip:
    """Resample the clip to 16 kHz and silence its masked frames.

    The model gets a learned vector there, after its convolutions; silence represents it
    for listeners.
    """
    sound = clip.resampled(SAMPLING_RATE)
    is_kept = np.repeat(~is_hidden, hop_length)[: sound.n_samples]
    n_after = sound.n_samples - len(is_kept) + FADE // 2
    gains = np.pad(is_kept.astype(np.float32), (FADE // 2, n_after), constant_values=1)
    faded = np.convolve(gains, np.full(FADE, 1 / FADE), mode="valid")
    n, still = sound.n_samples, gains[FADE // 2 :]
    return Clip(
        sound.samples * np.minimum(still[:n], faded[:n]), SAMPLING_RATE, clip.name
    )
