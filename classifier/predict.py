"""A clip and a model in, its genres with their probabilities out, better as it goes.

The song goes through the model in windows of the length that it was trained on, none
of them padded: HuBERT's first layer normalises over time, so the length of its input
and any padding change the answer. Windows spread over the song come first, so that a
first answer is there at once. The song's answer is the mean of its windows'.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples, Sound
from classifier.checkpoint import LoadedModel, ModelRef
from classifier.windows import Windows
from errors import KnownError

Effort = Literal["quick", "whole"]
Note = Literal["repeated", "as_is"]

N_QUICK = 6  # windows of a quick answer,
QUICK_S = 60.0  # unless they last longer: six of 30 s are most of a song, not quick
MIN_DURATION_S = 0.1  # five of HuBERT's frames of 20 ms; it refuses less than 25 ms
MAX_REPEATS = 10  # a sound repeated more often than this is a hum, not a song
CUDA_BATCH_SIZE = 16  # on a CPU batches are slower than windows one at a time


@dataclass(frozen=True)
class Chunk:
    """One window's answer.

    Attributes:
        start_s: where it begins in the song (s).
        stop_s: where it ends (s).
        probabilities: by genre; their sum is 1 where the model's genres exclude each
            other.
    """

    start_s: float
    stop_s: float
    probabilities: Mapping[str, float]

    @property
    def top(self) -> str:
        """The likeliest genre."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class Prediction:
    """A song's answer, from the windows that were heard so far.

    Attributes:
        genres: (genre, probability), the likeliest first; the sum is 1 where the
            model's genres exclude each other.
        chunks: the windows' answers, in the order of the song.
        n_total: how many windows there will be in the end.
        model: whose answer it is.
        elapsed_s: how long it took so far, without loading the model (s).
        note: what was done with a song shorter than a window; None for the others.
    """

    genres: tuple[tuple[str, float], ...]
    chunks: tuple[Chunk, ...]
    n_total: int
    model: ModelRef
    elapsed_s: float
    note: Note | None = None

    @property
    def n_done(self) -> int:
        """How many windows were heard."""
        return len(self.chunks)


def predict(
    clip: Sound,
    model: LoadedModel,
    *,
    effort: Effort = "whole",
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Prediction:
    """Name a clip's genre: the last answer of ``listen``, with its errors.

    Args:
        clip: at any rate, in memory or on disk.
        model: who listens.
        effort: as for ``listen``.
        on_progress: told (windows done, windows in all) as they are done.
        should_stop: asked before each batch of windows.
    """
    for answer in listen(clip, model, effort=effort, should_stop=should_stop):
        if on_progress:
            on_progress(answer.n_done, answer.n_total)
    return answer


def listen(
    clip: Sound,
    model: LoadedModel,
    *,
    effort: Effort = "whole",
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Prediction]:
    """Name a clip's genre, again after each window (on a GPU: each batch of them).

    The last window of a song is shifted back to end with it. Silent windows are left
    out. A song shorter than one window is repeated until it fills it, or heard as it
    is by a model that was trained on clips of any length. Who leaves the iteration
    ends the work.

    Args:
        clip: at any rate, in memory or on disk; resampled a window at a time.
        model: its window length and rate are used.
        effort: six windows spread over the song (fewer where six last more than 60 s),
            or all of them.
        should_stop: asked before each batch of windows.

    Raises:
        KnownError: ``too_short``, ``silent``, ``prediction_stopped``, or
            ``model_broken`` where the model answers with NaN.
    """
    began = time.perf_counter()
    windows, note = _windows(clip, model)
    starts = windows.starts()
    order = [starts[at] for at in spread(len(starts))]
    order = order[: _n_quick(model) if effort == "quick" else None]
    batch_size = _batch_size(model)
    answers: dict[int, NDArray[np.float64]] = {}
    for first in range(0, len(order), batch_size):
        if should_stop and should_stop():
            raise KnownError("prediction_stopped", name=clip.name)
        turn = partial(_heard, order[first : first + batch_size], windows, model)
        answers |= model.turns.take(turn)
        if answers:
            n_left = max(len(order) - first - batch_size, 0)
            yield _prediction(answers, n_left, windows, model, note, began)
    if not answers:
        raise KnownError("silent", name=clip.name)


def spread(n_windows: int) -> list[int]:
    """Every window once, in an order whose beginning covers the song.

    First the middles of six equal parts, which are the quick answer; then the others
    in bit-reversed order (van der Corput's sequence), which halves the gaps again and
    again. Six and the rest begin in the middle of the song: beginnings and ends are
    the least like it.
    """
    if not n_windows:
        return []
    middles = [
        (2 * part + 1) * n_windows // (2 * N_QUICK) for part in (3, 1, 4, 0, 5, 2)
    ]
    n_bits = max(n_windows - 1, 1).bit_length()
    reversed_bits = [int(f"{at:0{n_bits}b}"[::-1], 2) for at in range(2**n_bits)]
    return list(
        dict.fromkeys([*middles, *(at for at in reversed_bits if at < n_windows)])
    )


def _windows(clip: Sound, model: LoadedModel) -> tuple[Windows, Note | None]:
    """The clip in windows, and what is done to fill one."""
    _check_duration(clip, MIN_DURATION_S)
    n_window = round(model.window_s * model.sampling_rate)
    windows = Windows(clip, model.sampling_rate, n_window)
    if windows.n_samples >= n_window:
        return windows, None
    if model.ref.takes_any_length:
        return replace(windows, n_window=windows.n_samples), "as_is"
    _check_duration(clip, model.window_s / MAX_REPEATS)
    return windows, "repeated"


def _check_duration(clip: Sound, min_duration_s: float) -> None:
    if clip.duration_s < min_duration_s:
        raise KnownError(
            "too_short",
            name=clip.name,
            duration_s=clip.duration_s,
            min_duration_s=min_duration_s,
        )


def _n_quick(model: LoadedModel) -> int:
    return max(min(N_QUICK, int(QUICK_S / model.window_s)), 1)


def _batch_size(model: LoadedModel) -> int:
    return CUDA_BATCH_SIZE if model.model.device.type == "cuda" else 1


def _heard(
    starts: list[int], windows: Windows, model: LoadedModel
) -> dict[int, NDArray[np.float64]]:
    """The answers for the windows that begin there, inaudible ones left out."""
    cut = {start: windows.window(start) for start in starts}
    batch = {start: window for start, window in cut.items() if window is not None}
    if not batch:
        return {}
    answers = _probabilities([*batch.values()], model)
    if not np.isfinite(answers).all():
        raise KnownError("model_broken", title=model.ref.title)
    return dict(zip(batch, answers, strict=True))


def _probabilities(batch: list[Samples], model: LoadedModel) -> NDArray[np.float64]:
    """Float64 (n_windows, n_genres), as transformers' own pipeline has them."""
    import torch

    with torch.inference_mode():
        inputs = model.feature_extractor(
            batch, sampling_rate=model.sampling_rate, return_tensors="pt"
        )
        # Nothing is padded: without its mask of ones, attention takes the fast way.
        sound = inputs[model.model.main_input_name].to(model.model.device)
        logits = model.model(sound).logits
        scores = logits.double() / model.temperature
        shares = scores.softmax(-1) if model.ref.is_exclusive else scores.sigmoid()
        return shares.cpu().numpy()


def _prediction(
    answers: Mapping[int, NDArray[np.float64]],
    n_left: int,
    windows: Windows,
    model: LoadedModel,
    note: Note | None,
    began: float,
) -> Prediction:
    """The answer of the windows heard so far."""
    mean = np.mean([*answers.values()], axis=0)
    pairs = zip(model.labels, mean.tolist(), strict=True)
    return Prediction(
        genres=tuple(sorted(pairs, key=lambda pair: -pair[1])),
        chunks=tuple(
            _chunk(start, answers[start], windows, model) for start in sorted(answers)
        ),
        n_total=len(answers) + n_left,
        model=model.ref,
        elapsed_s=time.perf_counter() - began,
        note=note,
    )


def _chunk(
    start: int, answer: NDArray[np.float64], windows: Windows, model: LoadedModel
) -> Chunk:
    start_s = start / windows.sampling_rate
    stop_s = (start + windows.n_window) / windows.sampling_rate
    probabilities = dict(zip(model.labels, answer.tolist(), strict=True))
    return Chunk(start_s, min(stop_s, windows.clip.duration_s), probabilities)
