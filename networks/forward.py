"""Windows in, logits, probabilities and pooled features out: the one forward pass.

Classification, evaluation and the caching of features decide here where a model runs,
how many windows go through it at once, and what its outputs mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from errors import KnownError
from networks import device

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

# Of sound in a batch on a GPU (s). A HuBERT's first convolution makes 100 values a
# sample: some 2 GB of float32 for 80 s, with the norm after it.
BATCH_S = 80.0


def batch_size(model: Any, window_s: float) -> int:
    """Return how many windows go through a model at once.

    On a CPU a batch takes longer than its windows one by one, and more memory.

    Args:
        model: on the device where it runs.
        window_s: length of a window (s).
    """
    is_gpu = next(model.parameters()).device.type == "cuda"
    return max(int(BATCH_S / window_s), 1) if is_gpu else 1


def in_batches(
    lengths: Sequence[int], size: int, compute: Callable[[range], T]
) -> Iterator[tuple[range, T]]:
    """Compute windows in batches; in smaller ones from where the memory is not enough.

    Neighbouring windows of one length are a batch, which nothing pads.

    Args:
        lengths: (n_windows,) in samples.
        size: windows of a batch at most.
        compute: is called with the positions of a batch, again for less of them where
            they were too many.

    Yields:
        The positions of a batch, and what was computed of it.

    Raises:
        RuntimeError: of torch, or MemoryError, where one window alone is too much.
    """
    start = 0
    while start < len(lengths):
        ahead = lengths[start : start + size]
        n = len(list(takewhile(lambda length: length == ahead[0], ahead)))  # noqa: B023
        batch = range(start, start + n)
        found = []
        try:
            found.append(compute(batch))
        except (RuntimeError, MemoryError) as error:
            if n == 1 or not device.is_out_of_memory(error):
                raise
        # Outside of the handler, because the error keeps what filled the memory alive.
        if found:
            yield batch, found[0]
            start += n
        else:
            device.free_memory()
            size = n // 2


def features(
    extractor: Any, window: Samples, sampling_rate: int
) -> NDArray[np.float32]:
    """Compute a model's input from a window: normalised samples, or a mel spectrogram.

    Args:
        extractor: the checkpoint's feature extractor.
        window: float32 (n_samples,).
        sampling_rate: of the window (Hz).
    """
    name = extractor.model_input_names[0]
    found = extractor(window, sampling_rate=sampling_rate)[name][0]
    return np.asarray(found, np.float32)


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a model makes of a batch of windows.

    Attributes:
        logits: float32 (n_windows, n_labels).
        features: float32 (n_windows, 2 * n_channels), the means over time of the
            middle and of the last layer's hidden states; None where they were not
            asked for, or the model has none.
        deviations: float32, of the same shape: their standard deviations over time.
            None as before.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32] | None = None
    deviations: NDArray[np.float32] | None = None


def outputs(
    model: Any,
    values: NDArray[np.float32] | Tensor,
    title: str = "",
    *,
    with_features: bool = False,
) -> Outputs:
    """Run a batch through a model in evaluation mode.

    Nothing is padded, so no attention mask is given: attention takes its fast path.

    Args:
        model: a transformers audio classifier.
        values: float32 (n_windows, ...), as of ``features``.
        title: of the model in messages; its class by default.
        with_features: compute the pooled features too, at the cost of two means and deviations.

    Raises:
        KnownError: ``model_broken`` where a logit is not finite.
    """
    import torch

    asked = {"output_hidden_states": True} if with_features else {}
    with torch.inference_mode():
        given = torch.as_tensor(values).to(next(model.parameters()).device)
        found = model(given, **asked)
        logits: NDArray[np.float32] = found.logits.float().cpu().numpy()
        layers = getattr(found, "hidden_states", None) if with_features else None
        pooled = _pooled(layers) if layers else (None, None)
    if not np.isfinite(logits).all():
        raise KnownError("model_broken", title=title or type(model).__name__)
    return Outputs(logits, *pooled)


def n_features(model: Any) -> int | None:
    """Return how many pooled features ``outputs`` gives; None where nobody knows."""
    width = getattr(model.config, "hidden_size", None)  # Whisper maps it to d_model
    return 2 * width if isinstance(width, int) else None


def _pooled(
    layers: Sequence[Tensor],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation over time of the middle and last of (n, n_frames, n_channels)."""
    import torch

    chosen = [layer.float() for layer in (layers[len(layers) // 2], layers[-1])]
    means = torch.cat([layer.mean(dim=1) for layer in chosen], dim=1)
    deviations = torch.cat([layer.std(dim=1, correction=0) for layer in chosen], dim=1)
    return means.cpu().numpy(), deviations.cpu().numpy()


def probabilities(
    logits: NDArray[np.float32], temperature: float = 1.0, *, is_exclusive: bool = True
) -> NDArray[np.float64]:
    """Turn logits into probabilities.

    Args:
        logits: (n_windows, n_labels).
        temperature: divides them.
        is_exclusive: one label is right (softmax), rather than any number (sigmoid).

    Returns:
        (n_windows, n_labels); of exclusive labels each row sums to 1.
    """
    scores = np.asarray(logits, np.float64) / temperature
    if not is_exclusive:
        return np.exp(-np.logaddexp(0, -scores))  # 1 / (1 + e^-x) without overflow
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
