"""A clip and a model in, its genres with their probabilities out.

The song goes through the model in windows of the length that it was trained on, none
of them padded: HuBERT's first layer normalises over time, so the length of its input
and any padding change the answer. The song's answer is the mean of its windows'.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip
from classifier.models import LoadedModel, ModelRef
from errors import KnownError

MIN_DURATION_S = 0.1  # five of HuBERT's frames of 20 ms; it refuses less than 25 ms
SILENCE = 10 ** (-60 / 20)  # -60 dBFS; windows are normalised, so noise would be loud
CUDA_BATCH_SIZE = 16  # on a CPU batches are slower than windows one at a time


@dataclass(frozen=True)
class Chunk:
    """One window's answer.

    Attributes:
        start_s: where it begins in the song (s).
        stop_s: where it ends (s).
        probabilities: by genre; their sum is 1.
    """

    start_s: float
    stop_s: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Prediction:
    """A song's answer.

    Attributes:
        genres: (genre, probability), the likeliest first; the sum is 1.
        chunks: the windows' answers, in the order of the song.
        model: whose answer it is.
        elapsed_s: how long it took, without loading the model (s).
    """

    genres: tuple[tuple[str, float], ...]
    chunks: tuple[Chunk, ...]
    model: ModelRef
    elapsed_s: float


def predict(
    clip: Clip,
    model: LoadedModel,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Prediction:
    """Name a clip's genre.

    The last window is shifted back to end with the clip. A clip shorter than one
    window is repeated until it fills it; below 0.1 s there is nothing to repeat.

    Args:
        clip: at any rate; it is resampled once.
        model: its window length and rate are used.
        on_progress: told (windows done, windows in all) as they are done.
        should_stop: asked before each batch of windows.

    Raises:
        KnownError: ``too_short``, ``silent``, ``prediction_stopped``, or
            ``model_broken`` where the model answers with NaN.
    """
    began = time.perf_counter()
    windows = _windows(_heard(clip, model.sampling_rate), model.window_s)
    batch_size = _batch_size(model)
    answers: list[NDArray[np.float64]] = []
    for first in range(0, len(windows), batch_size):
        if should_stop and should_stop():
            raise KnownError("prediction_stopped", name=clip.name)
        batch = [window for _, window in windows[first : first + batch_size]]
        answers.extend(_probabilities(batch, model))
        if on_progress:
            on_progress(len(answers), len(windows))
    mean = np.mean(answers, axis=0)
    if not np.isfinite(mean).all():
        raise KnownError("model_broken", title=model.ref.title)
    return Prediction(
        genres=_ranked(mean, model.labels),
        chunks=tuple(
            _chunk(start_s, window, answer, clip, model)
            for (start_s, window), answer in zip(windows, answers, strict=True)
        ),
        model=model.ref,
        elapsed_s=time.perf_counter() - began,
    )


def _heard(clip: Clip, sampling_rate: int) -> Clip:
    """The clip as the model hears it; refused where that is nothing."""
    if clip.duration_s < MIN_DURATION_S:
        raise KnownError(
            "too_short",
            name=clip.name,
            duration_s=clip.duration_s,
            min_duration_s=MIN_DURATION_S,
        )
    heard = clip.resampled(sampling_rate)
    if np.abs(heard.samples).max() < SILENCE:
        raise KnownError("silent", name=clip.name)
    return heard


def _windows(heard: Clip, window_s: float) -> list[tuple[float, Clip]]:
    """(start in s, window) for each window, all of one length."""
    n_window = round(window_s * heard.sampling_rate)
    if heard.n_samples < n_window:
        repeated = np.resize(heard.samples, n_window)
        return [(0.0, Clip(repeated, heard.sampling_rate, heard.name))]
    return list(heard.chunks(window_s))


def _batch_size(model: LoadedModel) -> int:
    return CUDA_BATCH_SIZE if model.model.device.type == "cuda" else 1


def _probabilities(batch: list[Clip], model: LoadedModel) -> NDArray[np.float64]:
    """Float64 (n_windows, n_genres); each row's sum is 1."""
    import torch

    inputs = model.feature_extractor(
        [window.samples for window in batch],
        sampling_rate=model.sampling_rate,
        return_tensors="pt",
    ).to(model.model.device)
    with torch.inference_mode():
        logits = model.model(**inputs).logits
    return logits.double().softmax(dim=-1).cpu().numpy()


def _ranked(
    probabilities: NDArray[np.float64], labels: tuple[str, ...]
) -> tuple[tuple[str, float], ...]:
    pairs = zip(labels, probabilities.tolist(), strict=True)
    return tuple(sorted(pairs, key=lambda pair: -pair[1]))


def _chunk(
    start_s: float,
    window: Clip,
    answer: NDArray[np.float64],
    clip: Clip,
    model: LoadedModel,
) -> Chunk:
    stop_s = min(start_s + window.duration_s, clip.duration_s)
    return Chunk(start_s, stop_s, dict(zip(model.labels, answer.tolist(), strict=True)))
