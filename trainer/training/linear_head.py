"""Fit the head of a pretrained model: the optimum itself, before any epoch.

Below a head that averages over time all is fixed, and the head is linear: its best
weights are those of a multinomial logistic regression, which a convex optimizer finds
in a second. How far it may follow few songs (its L2 penalty) and which layers it reads
are chosen by cross-validation over the training songs; a gradient descent of some
epochs chooses neither. Where the base model knows the run's genres already, the penalty
counts from its own head, so that few songs do not undo what many have taught.

Where the layers below learn too, more gently than the head, they start under a head that
fits: under a random one, the first steps would spoil what they know (A. Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR
2022).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from networks import architecture
from trainer import base_models
from trainer.config import RunConfig
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested
from trainer.training import feature_cache, initial_model
from trainer.training.feature_cache import CachedFeatures, RandomCachedWindows
from trainer.training.prepare import Parts

if TYPE_CHECKING:
    from torch import Tensor

STAGE = "linear_head"
PENALTIES = (10.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # of the mean squared weight
N_FOLDS = 4
N_STEPS = 60  # of L-BFGS
N_WINDOWS = 2  # of a song, whose layers above the convolutions are computed for this
BATCH_SIZE = 16
ONE_LAYER = 15.0  # its logit in the weighted sum: the others have less than a millionth


def fit(parts: Parts, emit: Emit, should_stop: ShouldStop) -> None:
    """Set the weights of a run's head to the best ones for its training songs.

    Nothing happens where the head is not linear below its mean, where the layers below
    learn as fast as it or know nothing yet, or where no features are cached.

    Args:
        parts: of a run, its frozen layers bypassed or not.
        emit: called with the progress.
        should_stop: called between fits.

    Raises:
        StopRequested: between two fits.
    """
    train = parts.train_set
    if (
        not _starts_fitted(parts.config)
        or not isinstance(train, RandomCachedWindows)
        or not architecture.averages_over_time(parts.model)
    ):
        return
    cached = train.cached
    values, places = _layer_means(parts, cached, should_stop)
    owners = np.asarray(cached.owners)[places]
    labels = np.asarray(cached.songs.labels)[cached.indices][owners]
    base = _own_head(parts)
    if parts.config.weighted_layers and architecture.norms_last(parts.model):
        base = None  # it reads the last layer after a norm, which a sum is without
    mixes = _mixes(values.shape[1], parts.config.weighted_layers)
    found = []
    for done, mix in enumerate(mixes):
        emit(Stage(STAGE, done, len(mixes)))
        features = np.tensordot(values, mix, axes=(1, 0))
        # Its own head reads the last layer only.
        start = base if mix[-1] == 1 else None
        given = _Songs.of(features, labels, owners, len(parts.songs.genres), start)
        for penalty in PENALTIES:
            if should_stop():
                raise StopRequested
            found.append((given.loss(penalty), done, penalty, given))
    _, done, penalty, given = min(found, key=lambda each: each[0])
    _write(parts.model, *given.raw(given.fitted(penalty)), mixes[done])


def _starts_fitted(config: RunConfig) -> bool:
    """Return whether the layers below the head know something, and shall keep it."""
    if config.trained_part == "encoder":
        is_gentle = config.encoder_rate_fraction < 1
        return is_gentle and config.base_model != base_models.SMALL
    return config.trained_part == "head"


def _layer_means(
    parts: Parts, cached: CachedFeatures, should_stop: ShouldStop
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Compute (n, n_layers, n_features) means of windows, and which (n,) these are.

    Of the head's cache, all there are; where the convolutions' output is cached, of
    ``N_WINDOWS`` windows a song, evenly spread.
    """
    if parts.config.trained_part == "head":
        return np.asarray(cached.values, np.float32), np.arange(len(cached.values))
    places = _spread(np.asarray(cached.owners), N_WINDOWS)
    found: list[NDArray[Any]] = []
    for batch in np.array_split(places, math.ceil(len(places) / BATCH_SIZE)):
        if should_stop():
            raise StopRequested
        found.extend(feature_cache.layer_means(parts.model, cached.values[batch]))
    return np.stack(found).astype(np.float32), places


def _spread(owners: NDArray[np.int64], n_each: int) -> NDArray[np.int64]:
    """Choose (n,) places, at most ``n_each`` of each owner, evenly spread."""
    chosen = []
    for owner in np.unique(owners):
        own = np.flatnonzero(owners == owner)
        n = min(n_each, len(own))
        chosen.append(own[(2 * np.arange(n) + 1) * len(own) // (2 * n)])
    return np.concatenate(chosen)


def _mixes(n_layers: int, is_weighted: bool) -> list[NDArray[np.float32]]:
    """(n_layers,) weights of the layers that are tried: all alike, the middle, the last."""
    alone = np.eye(n_layers, dtype=np.float32)
    if not is_weighted:
        return [alone[-1]]
    return [
        np.full(n_layers, 1 / n_layers, np.float32),
        alone[n_layers // 2],
        alone[-1],
    ]


class _Songs:
    """Standardised features of windows, and what a logistic regression needs of them."""

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        folds: NDArray[np.int64],
        start: Tensor,
        mean: Tensor,
        scale: Tensor,
    ) -> None:
        self.features, self.labels, self.folds = features, labels, folds
        self.start, self.mean, self.scale = start, mean, scale

    @classmethod
    def of(
        cls,
        features: NDArray[np.float32],
        labels: NDArray[np.int64],
        owners: NDArray[np.int64],
        n_genres: int,
        base: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
    ) -> _Songs:
        """Standardise (n_windows, n_features), and deal the songs out to folds."""
        import torch

        given = torch.from_numpy(features)
        mean, scale = given.mean(0), given.std(0, correction=0)
        scale = scale.clamp_min(max(float(scale.max()) * 1e-3, 1e-6))
        start = torch.zeros(n_genres, features.shape[1] + 1)
        if base is not None:
            weights, bias = map(torch.from_numpy, base)
            start = torch.cat([weights * scale, (weights @ mean + bias)[:, None]], 1)
        folds = _folds(labels, owners)
        standard = torch.cat([(given - mean) / scale, torch.ones(len(given), 1)], 1)
        return cls(standard, torch.from_numpy(labels), folds, start, mean, scale)

    def loss(self, penalty: float) -> float:
        """Compute the mean loss on songs that a fit had not met."""
        import torch
        from torch.nn.functional import cross_entropy

        total = 0.0
        for fold in np.unique(self.folds):
            out = torch.from_numpy(self.folds == fold)
            weights = self.fitted(penalty, ~out)
            logits = self.features[out] @ weights.T
            total += float(cross_entropy(logits, self.labels[out], reduction="sum"))
        return total / len(self.labels)

    def fitted(self, penalty: float, chosen: Tensor | None = None) -> Tensor:
        """Fit (n_genres, n_features + 1) weights, the last one of each the bias."""
        import torch
        from torch.nn.functional import cross_entropy

        features = self.features if chosen is None else self.features[chosen]
        labels = self.labels if chosen is None else self.labels[chosen]
        change = torch.zeros_like(self.start, requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [change], max_iter=N_STEPS, line_search_fn="strong_wolfe"
        )

        def step() -> Tensor:
            optimizer.zero_grad()
            logits = features @ (self.start + change).T
            loss = cross_entropy(logits, labels) + penalty * change[
                :, :-1
            ].square().sum() / len(change)
            loss.backward()
            return loss

        with torch.enable_grad():
            optimizer.step(step)
        return (self.start + change).detach()

    def raw(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weights and biases for features that are not standardised."""
        plain = weights[:, :-1] / self.scale
        return plain, weights[:, -1] - plain @ self.mean


def _folds(labels: NDArray[np.int64], owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n_windows,) fold of each, the songs of a genre dealt out in turn."""
    songs, first = np.unique(owners, return_index=True)
    of_song = np.zeros(int(songs.max()) + 1, np.int64)
    for label in np.unique(labels):
        own = songs[labels[first] == label]
        of_song[own] = np.arange(len(own)) % N_FOLDS
    return of_song[owners]


def _own_head(parts: Parts) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Read the base model's head, (n_genres, n_features) weights and (n_genres,) biases.

    None where it does not know all of the run's genres, or sums its layers.
    """
    from safetensors.numpy import load_file

    if parts.config.base_model == base_models.SMALL:
        return None
    folder = initial_model.base_folder(parts.config, parts.former)
    rows = _rows(folder, parts.songs.genres)
    if rows is None:
        return None
    tensors = load_file(folder / "model.safetensors")
    names = [
        f"{layer}.{part}" for layer in ("projector", "classifier") for part in PART
    ]
    if any(name not in tensors for name in names) or "layer_weights" in tensors:
        return None
    first, shift, last, bias = (tensors[name].astype(np.float32) for name in names)
    weights = last @ first
    return weights[rows], (last @ shift + bias)[rows]


PART = ("weight", "bias")


def _rows(folder: Path, genres: Sequence[str]) -> list[int] | None:
    """Return the output of each genre in a checkpoint; None where one is missing."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    places = {str(v).lower(): int(k) for k, v in (config.get("id2label") or {}).items()}
    rows = [places.get(genre.lower(), -1) for genre in genres]
    return rows if rows and min(rows) >= 0 else None


def _write(model: Any, weights: Tensor, bias: Tensor, mix: NDArray[np.float32]) -> None:
    """Express one linear map by the layers' sum, the projector and the classifier.

    The projector may be narrower than the features; of rank n_genres at most, the map
    fits into so many of its rows.
    """
    import torch

    left, sizes, right = torch.linalg.svd(weights, full_matrices=False)
    rank = min(len(sizes), model.projector.out_features)
    roots = sizes[:rank].sqrt()
    with torch.no_grad():
        device = model.projector.weight.device
        model.projector.weight[:rank] = (roots[:, None] * right[:rank]).to(device)
        model.projector.bias[:rank] = 0
        model.classifier.weight.zero_()
        model.classifier.weight[:, :rank] = (left[:, :rank] * roots).to(device)
        model.classifier.bias.copy_(bias)
        if hasattr(model, "layer_weights"):
            is_alone = mix.max() > 0.99
            logits = ONE_LAYER * mix if is_alone else 0 * mix
            model.layer_weights.copy_(torch.as_tensor(logits))
