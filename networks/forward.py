"""Windows in, logits and probabilities out: the one forward pass.

Classification, evaluation and the caching of features decide here where a model runs,
how many windows go through it at once, and what its outputs mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from errors import KnownError

if TYPE_CHECKING:
    from torch import Tensor

CUDA_BATCH_SIZE = 16  # windows


def fastest_device() -> str:
    """Return the device where a model runs unless a person names another."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def batch_size(model: Any) -> int:
    """Return how many windows go through a model at once.

    On a CPU a batch takes longer than its windows one by one, and more memory.
    """
    device = next(model.parameters()).device
    return CUDA_BATCH_SIZE if device.type == "cuda" else 1


def batches(lengths: Sequence[int], size: int) -> Iterator[range]:
    """Yield neighbouring windows of one length, which no batch pads.

    Args:
        lengths: (n_windows,) in samples.
        size: windows of a batch at most.
    """
    start = 0
    for _, equal in groupby(lengths):
        stop = start + len(list(equal))
        for first in range(start, stop, size):
            yield range(first, min(first + size, stop))
        start = stop


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


def logits(
    model: Any, values: NDArray[np.float32] | Tensor, title: str = ""
) -> NDArray[np.float32]:
    """Run a batch through a model in evaluation mode.

    Nothing is padded, so no attention mask is given: attention takes its fast path.

    Args:
        model: a transformers audio classifier.
        values: float32 (n_windows, ...), as of ``features``.
        title: of the model in messages; its class by default.

    Returns:
        Float32 (n_windows, n_labels).

    Raises:
        KnownError: ``model_broken`` where a logit is not finite.
    """
    import torch

    device = next(model.parameters()).device
    with torch.inference_mode():
        outputs = model(torch.as_tensor(values).to(device)).logits
        found: NDArray[np.float32] = outputs.float().cpu().numpy()
    if not np.isfinite(found).all():
        raise KnownError("model_broken", title=title or type(model).__name__)
    return found


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
