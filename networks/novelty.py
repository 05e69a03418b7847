"""Features of songs that a model learned from in, how far another sound is from them out.

A model names a genre for anything, rain included. Its own features tell more: those of
the songs that it learned from fill a small part of their space. The distance to their
mean, in units of their own spread in each direction (Mahalanobis), is small for what is
like them. Source: K. Lee et al., "A simple unified framework for detecting
out-of-distribution samples and adversarial attacks", NeurIPS 2018.

Where sounds that are no music are at hand too, a linear detector tells them from the
songs, in the same features: noise or a voice may lie in the middle of what songs spread
over, and a rare instrument outside. The larger of the two measures counts. A detector
may read the window's texture (``networks.texture``) as well, which knows what the model
never learned to tell: whether tones last, a pulse, a tuning.

All are fitted once and kept beside the weights, in ``features.safetensors``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hub.client import FEATURES as FILE
from hub.client import MAX_FEATURES_BYTES as MAX_BYTES
from networks.texture import N_TEXTURE

TENSORS = ("mean", "scale", "axes", "variances", "quantiles")
DETECTOR = ("detector_weights", "detector_bias")  # in the file both, or neither
# Beside a detector, all or none.
TEXTURE = ("texture_mean", "texture_scale", "texture_weights", "texture_bias")
QUANTILES = (0.95, 0.99)
MAX_DEVIATIONS = 6.0  # of a number of the texture, from its mean: a test tone has many
MAX_AXES = 64
# Share of the identity in the covariance of the standardised features: of few windows
# the small eigenvalues are too small, which would make every other window far.
SHRINKAGE = 0.1
MIN_WINDOWS = 8  # too few below it to estimate a spread
MAX_DISTANCE = 1e6  # a number that JSON has, for a feature beyond every measure


@dataclass(frozen=True, eq=False)
class Novelty:
    """What the features of a model's own songs are like; all float64 and finite.

    Attributes:
        mean: (n_features,) of the windows that it was fitted on.
        scale: (n_features,) their standard deviation, which standardises.
        axes: (n_axes, n_features) orthonormal directions of the largest variance of the
            standardised features.
        variances: (n_axes + 1,) the shrunk variance along each axis, and last that of
            every direction outside them.
        quantiles: (2,) the distances that 95 and 99 % of held-out windows stay below.
        detector_weights: (2 * n_features,) of a linear detector of what is no music, on
            the features and then their deviations; None where it was not fitted.
        detector_bias: (1,); weights and bias give a log odds that is above 0 beyond
            the limit that was chosen for the songs. None as before.
        texture_mean: (n_texture,) of the textures of windows that it was fitted on.
        texture_scale: (n_texture,) their standard deviation.
        texture_weights: (n_texture,) of the standardised texture: what it adds to the
            detector's log odds. None where the detector reads no texture.
        texture_bias: (1,), added to that. None as before.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    axes: NDArray[np.float64]
    variances: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    detector_weights: NDArray[np.float64] | None = None
    detector_bias: NDArray[np.float64] | None = None
    texture_mean: NDArray[np.float64] | None = None
    texture_scale: NDArray[np.float64] | None = None
    texture_weights: NDArray[np.float64] | None = None
    texture_bias: NDArray[np.float64] | None = None

    @property
    def reads_texture(self) -> bool:
        """Whether ``distances`` can use the textures of the windows."""
        return self.texture_weights is not None

    @property
    def n_features(self) -> int:
        """How many features a window has."""
        return len(self.mean)

    def distances(
        self,
        features: NDArray[np.floating],
        deviations: NDArray[np.floating] | None = None,
        textures: NDArray[np.floating] | None = None,
    ) -> NDArray[np.float64]:
        """Compute how far windows are from the songs that the model learned from.

        Args:
            features: (n_windows, n_features), as of ``forward.outputs``.
            deviations: of the same shape, as there; without them the detector is left
                out.
            textures: (n_windows, n_texture) as of ``texture.texture``; without them the
                detector reads the features alone.

        Returns:
            (n_windows,); 1 is the distance that 99 % of held-out windows stay below,
            and the limit of the detector, which alone gives 2 at most.
        """
        values = np.asarray(features, np.float64)
        with np.errstate(all="ignore"):
            far = self._raw(values) / self.quantiles[1]
            if deviations is not None:
                both = np.concatenate([values, deviations], axis=1)
                far = np.maximum(far, self._detected(both, textures))
        return np.nan_to_num(np.minimum(far, MAX_DISTANCE), nan=MAX_DISTANCE)

    def _detected(
        self, values: NDArray[np.float64], textures: NDArray[np.floating] | None
    ) -> NDArray[np.float64]:
        """Twice the detector's probability, so that its limit is 1; 0 without one."""
        if self.detector_weights is None or self.detector_bias is None:
            return np.zeros(len(values))
        log_odds = values @ self.detector_weights + self.detector_bias
        if textures is not None:
            log_odds += self._texture_odds(textures)
        return 2 / (1 + np.exp(-log_odds))

    def _texture_odds(self, textures: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n_windows,) what the textures add to the log odds; 0 where they are unknown."""
        if not (
            self.texture_mean is not None
            and self.texture_scale is not None
            and self.texture_weights is not None
            and self.texture_bias is not None
        ):
            return np.zeros(len(textures))
        standard = (textures - self.texture_mean) / self.texture_scale
        limited = np.clip(standard, -MAX_DEVIATIONS, MAX_DEVIATIONS)
        return limited @ self.texture_weights + self.texture_bias

    def _raw(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mahalanobis, one variance for all directions outside the axes."""
        standard = (features - self.mean) / self.scale
        along = standard @ self.axes.T
        outside = np.maximum((standard**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        squares = (along**2 / self.variances[:-1]).sum(axis=1)
        return np.sqrt(squares + outside / self.variances[-1])


def fit(
    features: NDArray[np.floating], held_out: NDArray[np.floating] | None = None
) -> Novelty | None:
    """Fit the distance on a model's own songs.

    Args:
        features: (n_windows, n_features) of windows that the model learned from.
        held_out: (n_others, n_features) of windows of other songs of the same kind,
            for the quantiles. Those of ``features`` count where they are larger: what
            a model learned from is never unlike it.

    Returns:
        None where the windows are too few to estimate a spread, or not finite.
    """
    own = np.asarray(features, np.float64)
    others = own if held_out is None else np.asarray(held_out, np.float64)
    if len(own) < MIN_WINDOWS or not len(others):
        return None
    if not (np.isfinite(own).all() and np.isfinite(others).all()):
        return None
    mean, spread = own.mean(axis=0), own.std(axis=0)
    # A feature that never changes here: any change of it elsewhere counts, but not
    # without bound.
    floor = max(float(spread.max()) * 1e-3, 1e-6)
    scale = np.maximum(spread, floor)
    _, singular, axes = np.linalg.svd((own - mean) / scale, full_matrices=False)
    eigenvalues = singular**2 / len(own)
    n_axes = min(MAX_AXES, len(own) - 1, own.shape[1] - 1)
    n_left = own.shape[1] - n_axes
    rest = float(eigenvalues[n_axes:].sum()) / n_left
    variances = (1 - SHRINKAGE) * np.append(eigenvalues[:n_axes], rest) + SHRINKAGE
    found = Novelty(mean, scale, axes[:n_axes], variances, np.ones(2))
    quantiles = np.maximum(_quantiles(found._raw(own)), _quantiles(found._raw(others)))
    return Novelty(mean, scale, axes[:n_axes], variances, np.maximum(quantiles, 1e-9))


def save(novelty: Novelty, folder: Path) -> None:
    """Write ``features.safetensors``, float32, beside the weights: by rename, whole."""
    from safetensors.numpy import save_file

    half = folder / f"{FILE}.part"
    given = {name: getattr(novelty, name) for name in (*TENSORS, *DETECTOR, *TEXTURE)}
    save_file({name: _single(v) for name, v in given.items() if v is not None}, half)
    half.replace(folder / FILE)


def load(folder: Path, n_features: int | None = None) -> Novelty | None:
    """Read what ``save`` wrote.

    Args:
        folder: a checkpoint's.
        n_features: of the model; one that was fitted on others is none of its.

    Returns:
        None where there is no such file, or one that holds other tensors than ours.

    Raises:
        ValueError: for a file of ours that is broken: of no form that fits together,
            not finite, or too large.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / FILE
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("too large")
    try:
        tensors = load_file(path)
    # A dtype that numpy lacks is a KeyError, a header that lies a ValueError.
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise ValueError("no safetensors") from error
    sets = (TENSORS, (*TENSORS, *DETECTOR), (*TENSORS, *DETECTOR, *TEXTURE))
    if set(tensors) not in [set(names) for names in sets]:
        return None
    found = Novelty(**{name: each.astype(np.float64) for name, each in tensors.items()})
    _check(found, n_features)
    return found


def _check(found: Novelty, n_features: int | None) -> None:
    n_axes, n = len(np.atleast_1d(found.axes)), found.mean.size
    expected = [(n,), (n,), (n_axes, n), (n_axes + 1,), (2,)]
    values = [getattr(found, name) for name in TENSORS]
    if found.detector_weights is not None and found.detector_bias is not None:
        expected += [(2 * n,), (1,)]
        values += [found.detector_weights, found.detector_bias]
    scales = [found.scale, found.variances, found.quantiles]
    if found.texture_scale is not None:
        expected += [(N_TEXTURE,)] * 3 + [(1,)]
        values += [getattr(found, name) for name in TEXTURE]
        scales.append(found.texture_scale)
    if [each.shape for each in values] != expected or n_features not in (None, n):
        raise ValueError("tensors do not fit together")
    if not n or not all(np.isfinite(each).all() for each in values):
        raise ValueError("not finite")
    if min(each.min() for each in scales) <= 0:
        raise ValueError("no spread")
    if not np.allclose(found.axes @ found.axes.T, np.eye(n_axes), atol=1e-2):
        raise ValueError("axes are not orthonormal")


def _quantiles(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles that few windows do not make too small: of one more, the farthest."""
    n = len(distances)
    shares = np.minimum(np.array(QUANTILES) * (n + 1) / n, 1.0)
    return np.quantile(distances, shares, method="inverted_cdf")


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)
