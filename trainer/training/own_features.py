"""Fit the measure of what is unlike a run's own songs (``networks.novelty``)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.hubert.preprocessing import SAMPLING_RATE
from networks import architecture, forward, novelty
from networks import device as devices
from networks.novelty import Novelty
from trainer.data.masked_windows import MaskedWindows
from trainer.data.windows import AllWindows, EvalWindows, WindowReader
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested
from trainer.training.feature_cache import RandomCachedWindows
from trainer.training.prepare import Parts

STAGE = "features"
MAX_WINDOWS = 500  # of the training songs; a minute of a HuBERT base on a CPU
MAX_HELD_OUT = 200  # windows of the validation songs
# Of fewer windows neither a spread nor its 99 % can be known: no measure is better then.
MIN_WINDOWS, MIN_HELD_OUT = 100, 50


def fit(parts: Parts, emit: Emit, should_stop: ShouldStop) -> Novelty | None:
    """Fit on windows of the training songs; the validation songs set the quantiles.

    Cached features are used where the frozen layers' output is as good as the sound.

    Args:
        parts: of a run, its model trained and whole.
        emit: called with the progress.
        should_stop: called between batches.

    Returns:
        None where the model has no hidden states, the windows are too few, the memory is
        not enough, or the user stops it.
    """
    own, held_out, restore = _sets(parts)
    if len(own) < MIN_WINDOWS or len(held_out) < MIN_HELD_OUT:
        restore()
        return None
    try:
        features = [
            _features(parts.model, windows, n_at_most, emit, should_stop)
            for windows, n_at_most in ((own, MAX_WINDOWS), (held_out, MAX_HELD_OUT))
        ]
    except StopRequested:
        return None
    except (RuntimeError, MemoryError) as error:
        if not devices.is_out_of_memory(error):
            raise
        return None
    finally:
        restore()
    if features[0] is None or features[1] is None:
        return None
    return novelty.fit(features[0], features[1])


def _sets(parts: Parts) -> tuple[EvalWindows, EvalWindows, Any]:
    """Return windows to learn from, others, and what undoes the bypass they need."""
    train = parts.train_set
    is_vector = parts.config.trained_part == "head"
    if isinstance(train, RandomCachedWindows) and (
        not is_vector or architecture.averages_over_time(parts.model)
    ):
        assert not isinstance(parts.eval_set, MaskedWindows), "it has cached features"
        return train.cached, parts.eval_set, parts.bypass_frozen()
    indices = _spread(parts.split.train, MAX_WINDOWS)
    windows = AllWindows(
        parts.songs,
        indices,
        parts.extractor,
        parts.config.window_s,
        n_at_most=max(MAX_WINDOWS // len(indices), 1),
    )
    return windows, parts.validation, lambda: None


def _features(
    model: Any,
    windows: EvalWindows,
    n_at_most: int,
    emit: Emit,
    should_stop: ShouldStop,
) -> NDArray[np.float32] | None:
    """Compute the pooled features of some windows, spread over all songs."""
    places = _spread(np.arange(len(windows)), n_at_most)
    lengths = [windows.lengths[place] for place in places]
    reader = WindowReader(windows, places.tolist())

    def compute(batch: range) -> NDArray[np.float32] | None:
        if should_stop():
            raise StopRequested
        emit(Stage(STAGE, batch.start, len(places)))
        values = reader.values(batch)
        return forward.outputs(model, values, with_features=True).features

    found = []
    model.eval()
    size = forward.batch_size(model, max(lengths) / SAMPLING_RATE)
    for _, features in forward.in_batches(lengths, size, compute):
        if features is None:
            return None
        found.append(features)
    return np.concatenate(found)


def _spread(values: NDArray[np.int64], n_at_most: int) -> NDArray[np.int64]:
    """Choose some values, evenly spread."""
    n = min(len(values), n_at_most)
    return values[np.linspace(0, len(values) - 1, n).round().astype(int)]
