"""ZeroGPU: a Space's GPU that is lent to one call at a time, for seconds.

Outside such a call there is no GPU, though torch is made to report one. So the page
classifies on the processor, as it would without, and the API's call is lent the GPU:
for the forward pass alone, in another process. Downloads, decoding, and waiting for
others come before. What visitors are lent a day is minutes, so that each call asks for
as long as its song needs. Nothing here counts anywhere else.

Source: the package ``spaces``, which ZeroGPU brings along.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import KnownError
from networks import checkpoint, forward
from networks.checkpoint import LoadedModel, ModelRef
from networks.forward import Outputs
from settings import Host

NAME = "ZeroGPU"
START_S = 8.0  # to start the process and to load the model from the disk
SHARE = 0.02  # of a song's length: a tenth of it is what a HuBERT base takes
MAX_S = 60.0  # what ``spaces`` lends by default

Compute = Callable[..., Outputs]


def device(host: Host) -> str | None:
    """Choose the device of the page's models; None for the fastest."""
    return "cpu" if host.kind == "zero" else None


class LentGpu:
    """Compute with models on the GPU that is lent, where one is.

    Args:
        host: the machine.
    """

    def __init__(self, host: Host) -> None:
        self._outputs = _on_gpu(host)

    @property
    def is_lent(self) -> bool:
        """Whether there is such a GPU."""
        return self._outputs is not None

    def of(self, ref: ModelRef, folder: Path) -> Compute:
        """Make the function that computes with a checkpoint, as ``forward.outputs``.

        Args:
            ref: of the model.
            folder: where its checkpoint is on this disk.
        """

        def outputs(
            model: Any,
            values: NDArray[np.float32],
            title: str = "",
            *,
            with_features: bool = False,
        ) -> Outputs:
            assert self._outputs, "asked only where a GPU is lent"
            found = self._outputs(ref, folder, values, with_features)
            # ``spaces`` lets through only the class of an error, so it comes as a value.
            if isinstance(found, KnownError):
                raise found
            return found

        return outputs


def _on_gpu(host: Host) -> Callable[..., Outputs | KnownError] | None:
    """Mark the forward pass as what needs the GPU; None where none is lent."""
    if host.kind != "zero":
        return None
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        return None
    marked: Callable[..., Outputs | KnownError]
    marked = spaces.GPU(_outputs, duration=_duration_s)
    return marked


def _duration_s(
    ref: ModelRef, folder: Path, values: NDArray[np.float32], with_features: bool
) -> int:
    """Return for how long to ask, by the length of the song (s)."""
    sound_s = len(values) * ref.window_s
    return math.ceil(min(START_S + SHARE * sound_s, MAX_S))


def _outputs(
    ref: ModelRef, folder: Path, values: NDArray[np.float32], with_features: bool
) -> Outputs | KnownError:
    """Run windows through a model, in the process that has the GPU."""
    try:
        model = _loaded(ref, folder).model

        def compute(batch: range) -> Outputs:
            some = values[batch.start : batch.stop]
            return forward.outputs(model, some, ref.title, with_features=with_features)

        size = forward.batch_size(model, ref.window_s)
        lengths = [values.shape[-1]] * len(values)
        found = [each for _, each in forward.in_batches(lengths, size, compute)]
    except KnownError as error:
        return error
    return Outputs(
        np.concatenate([each.logits for each in found]),
        np.concatenate([each.features for each in found])
        if all(each.features is not None for each in found)
        else None,
    )


@functools.lru_cache(maxsize=1)  # the process is kept for the next call
def _loaded(ref: ModelRef, folder: Path) -> LoadedModel:
    """Load a model on the GPU."""
    return checkpoint.load(ref, folder, device="cuda")
