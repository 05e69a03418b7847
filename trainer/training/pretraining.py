"""Pretrain as HuBERT was: guess the clusters of hidden frames (``objective: masked``).

The run is that of any other recipe, by the same Trainer; here is what differs: the
clusters of both iterations, the accuracy beside two guesses that know nothing, and what
is saved. What it makes is no classifier but a base model for other runs.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import process
from audio.hubert import masking
from networks import masked_prediction
from trainer.config import METRIC, RunConfig
from trainer.data.masked_windows import MaskedWindows, collate
from trainer.data.windows import AllWindows, RandomWindows
from trainer.run import runs
from trainer.run.events import Emit, Noted, ShouldStop, Stage, StopRequested
from trainer.training.distributed import ProcessGroup
from trainer.training.prepare import Parts

if TYPE_CHECKING:
    import transformers

MAX_WINDOWS = 400  # of the training songs, that k-means learns from
MAX_FRAMES = 40_000  # of them
GPU_BATCH_SIZE = 16  # windows tested at once; on a CPU each alone is faster
N_STARTS = 3  # of k-means; the best of them stays

Frames = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class MaskedAccuracy:
    """How many hidden frames are guessed rightly, beside two guesses without a model.

    Attributes:
        accuracy: of the model, in [0, 1].
        commonest: of the cluster that most visible frames of the window have.
        as_before: of the cluster of the last frame before the gap.
        n_frames: hidden frames.
    """

    accuracy: float
    commonest: float
    as_before: float
    n_frames: int

    @classmethod
    def of(cls, guesses: Any, targets: Any, is_hidden: Any) -> MaskedAccuracy:
        """Measure windows, (n_windows, n_frames) each."""
        counts = np.zeros(3)
        for guess, target, hidden in zip(guesses, targets, is_hidden, strict=True):
            found = masking.Clusters(target, int(target.max()) + 1)
            simple = masking.baselines(found, hidden)
            shares = (
                (guess == target)[hidden].mean(),
                simple.commonest,
                simple.as_before,
            )
            counts += np.array(shares) * hidden.sum()
        n_frames = int(np.sum(is_hidden))
        accuracy, commonest, as_before = (float(count / n_frames) for count in counts)
        return cls(accuracy, commonest, as_before, n_frames)


def compute_metrics(outputs: transformers.EvalPrediction) -> dict[str, float]:
    """Measure a validation, for the Trainer; the accuracy chooses the checkpoint."""
    guesses, targets, is_hidden = map(np.asarray, outputs.predictions)
    found = MaskedAccuracy.of(guesses, targets, is_hidden.astype(bool))
    return {METRIC: found.accuracy, **dataclasses.asdict(found)}


def with_clusters(
    parts: Parts, group: ProcessGroup, emit: Emit, should_stop: ShouldStop
) -> Parts:
    """Make the first iteration's clusters, and data sets of hidden frames.

    Raises:
        StopRequested: between two windows.
    """
    config, model_config = parts.config, parts.model.config
    own = _own_windows(parts)

    def compute() -> Frames:
        given = [item["mfccs"] for item in _items(own, model_config, emit, should_stop)]
        frames = np.concatenate(given)
        return cluster(frames, frames, config.n_clusters, config.seed)

    assert isinstance(parts.train_set, RandomWindows)
    emit(Stage("cluster"))
    # By the main process alone: on another machine, rounding may differ.
    centres = group.compute_once(compute)
    parts = dataclasses.replace(
        parts,
        train_set=MaskedWindows(parts.train_set, model_config),
        eval_set=MaskedWindows.fixed(parts.validation, model_config, config.seed),
        centres=centres,
    )
    return parts.with_predictor()


def _own_windows(parts: Parts) -> AllWindows:
    """Choose windows of the training songs, evenly spread, for k-means."""
    indices = _spread(parts.split.train, MAX_WINDOWS)
    return AllWindows(
        parts.songs,
        indices,
        parts.extractor,
        parts.config.window_s,
        n_at_most=max(MAX_WINDOWS // len(indices), 1),
    )


def _items(
    windows: AllWindows, config: Any, emit: Emit, should_stop: ShouldStop
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield windows with their MFCCs."""
    masked = MaskedWindows(windows, config)
    for place in range(len(masked)):
        if should_stop():
            raise StopRequested
        emit(Stage("cluster", place, len(masked)))
        yield masked[place]


def _spread(values: NDArray[Any], n_at_most: int) -> NDArray[Any]:
    """Choose some values, evenly spread."""
    n = min(len(values), n_at_most)
    return values[np.linspace(0, len(values) - 1, n).round().astype(int)]


def cluster(features: Frames, mfccs: Frames, n_clusters: int, seed: int) -> Frames:
    """Find the centres of clusters by k-means, from dark to bright.

    Args:
        features: (n_frames, n) to sort.
        mfccs: (n_frames, 39) of the same frames; the second coefficient falls as a
            spectrum gets brighter.
        n_clusters: how many.
        seed: of the first centres.

    Returns:
        float32 (n_clusters, n). Where fewer than ``n_clusters`` frames differ, the last
        ones are ``masked_prediction.FAR`` from everything.
    """
    from sklearn.cluster import MiniBatchKMeans

    places = _spread(np.arange(len(features)), MAX_FRAMES)
    frames = features[places].astype(np.float64)
    n_found = min(n_clusters, len(np.unique(frames, axis=0)))
    kmeans = MiniBatchKMeans(
        n_found, random_state=seed, n_init=N_STARTS, batch_size=4096
    ).fit(frames)
    centres, labels = kmeans.cluster_centers_, kmeans.predict(frames)
    counts = np.maximum(np.bincount(labels, minlength=n_found), 1)
    darkness = np.bincount(labels, mfccs[places, 1], n_found) / counts
    found = np.full((n_clusters, features.shape[1]), masked_prediction.FAR, np.float32)
    found[:n_found] = centres[np.argsort(-darkness)]
    return found


def second_iteration(
    parts: Parts, group: ProcessGroup, emit: Emit, should_stop: ShouldStop
) -> transformers.TrainerCallback | None:
    """Make the callback that begins the second iteration; None where there is none.

    Args:
        parts: of the run.
        group: of all processes.
        emit: called with its phases.
        should_stop: of the main process, which clusters alone.
    """
    process.settle()
    import transformers

    at_step = parts.config.second_iteration_step
    if not at_step:
        return None

    class SecondIteration(transformers.TrainerCallback):
        """Cluster the model's own middle layer, once, and go on with a new head."""

        def on_step_begin(
            self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any
        ) -> None:
            is_first = int(parts.model.iteration) == 1
            if state.global_step < at_step or not is_first:
                return
            _begin_second(parts, group, emit, should_stop)
            emit(Noted("second_iteration", {"step": state.global_step}))
            for weights in parts.model.head.parameters():
                optimizer.state.pop(weights, None)  # Adam's averages of the former head
            # What was guessed before was easier or harder: no accuracy of it counts.
            state.best_metric = state.best_global_step = None
            state.best_model_checkpoint = None
            emit(Stage("train", state.global_step, state.max_steps))

    return SecondIteration()


def _begin_second(
    parts: Parts, group: ProcessGroup, emit: Emit, should_stop: ShouldStop
) -> None:
    """Give a model the clusters of its own middle layer, and a new linear layer."""
    import torch

    model, config = parts.model, parts.config
    model.keep_lower_half()
    device = next(model.parameters()).device

    def compute() -> Frames:
        own, mfccs = [], []
        windows = _own_windows(parts)
        with torch.inference_mode():
            for item in _items(windows, model.config, emit, should_stop):
                values = torch.from_numpy(item["input_values"])[None].to(device)
                own.append(model.own_features(values)[0].cpu().numpy())
                mfccs.append(item["mfccs"])
        frames = np.concatenate(own), np.concatenate(mfccs)
        return cluster(*frames, config.n_clusters, config.seed)

    centres = group.compute_once(compute)
    model.own_centres.copy_(torch.from_numpy(centres))
    model.iteration.fill_(2)
    model.draw_head(config.seed + 1)


def test(parts: Parts, emit: Emit, should_stop: ShouldStop) -> MaskedAccuracy | None:
    """Measure the model on the test songs, once; None where the user stops it."""
    windows = MaskedWindows.fixed(parts.test, parts.model.config, parts.config.seed)
    try:
        return measure(parts.model, windows, emit, should_stop)
    except StopRequested:
        return None


def measure(
    model: Any, windows: MaskedWindows, emit: Emit, should_stop: ShouldStop
) -> MaskedAccuracy:
    """Measure how well a model guesses the hidden frames of windows.

    Raises:
        StopRequested: between two batches.
    """
    import torch

    device = next(model.parameters()).device
    model.eval()
    found = []
    n_each = 1 if device.type == "cpu" else GPU_BATCH_SIZE
    for start in range(0, len(windows), n_each):
        batch = range(start, min(start + n_each, len(windows)))
        if should_stop():
            raise StopRequested
        emit(Stage("test", batch.start, len(windows)))
        given = collate([windows[place] for place in batch])
        with torch.inference_mode():
            out = model(**{name: value.to(device) for name, value in given.items()})
        names = ("guesses", "targets", "is_hidden")
        found.append([out[name].cpu().numpy() for name in names])
    return MaskedAccuracy.of(*map(np.concatenate, zip(*found, strict=True)))


def save(parts: Parts, run_dir: Path, measured: MaskedAccuracy | None) -> None:
    """Save the body as a base model, and beside it what guesses; whole, by rename."""
    model, config = parts.model, parts.config
    model.config.genrescope = _facts(config, int(model.iteration), measured)
    names = {number: f"LABEL_{number}" for number in range(2)}  # it has no genres
    model.config.id2label = names
    model.config.label2id = {name: number for number, name in names.items()}
    part = run_dir / f"{runs.MODEL}.part"
    masked_prediction.save(model, part)
    parts.extractor.save_pretrained(part)
    part.rename(run_dir / runs.MODEL)


def _facts(
    config: RunConfig, iteration: int, measured: MaskedAccuracy | None
) -> dict[str, Any]:
    """Collect what pages and cards show of the model."""
    return {
        "objective": config.objective,
        "window_s": config.window_s,
        "trained_on": config.data.split(":")[0],
        "n_clusters": config.n_clusters,
        "iteration": iteration,
        "masked": dataclasses.asdict(measured) if measured else None,
        "preset": config.preset,
        "saved_at": time.time(),
    }
