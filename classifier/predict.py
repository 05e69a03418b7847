"""Predict a clip's genre probabilities, refined window by window.

The model runs on windows of the length that it was trained on, as cut by
``networks.windows``. Windows spread over the song come first, for an early first
prediction. The song's prediction is the mean of its windows'.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples, Sound
from audio.decode.seek import Sought, UnsoughtError
from classifier.queue import InferenceQueue
from errors import KnownError
from networks import device, forward, texture
from networks.checkpoint import LoadedModel, ModelRef
from networks.cpu.precision import Precision
from networks.forward import Outputs
from networks.windows import Windows

Effort = Literal["quick", "whole"]
Note = Literal["repeated", "as_is"]

N_QUICK = 6  # windows of a quick answer,
QUICK_S = 60.0  # unless they last longer: six of 30 s are most of a song, not quick
MIN_DURATION_S = 0.1  # five of HuBERT's frames of 20 ms; it refuses less than 25 ms
# As ``forward.outputs``: the model on its own device, or on another one that is lent.
Compute = Callable[..., Outputs]
MAX_REPEATS = 10  # a sound repeated more often than this is a hum, not a song


@dataclass(frozen=True)
class Chunk:
    """One window's prediction.

    Attributes:
        start_s: where it begins in the song (s).
        stop_s: where it ends (s).
        probabilities: by genre; their sum is 1 where the model's genres exclude each
            other.
        distance: from what the model learned from; 1 is what 99 % of such windows stay
            below. None where the model has no such measure.
    """

    start_s: float
    stop_s: float
    probabilities: Mapping[str, float]
    distance: float | None = None

    @property
    def top(self) -> str:
        """The likeliest genre."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class Prediction:
    """A song's prediction, from the windows computed so far.

    Attributes:
        genres: (genre, probability), the likeliest first; the sum is 1 where the
            model's genres exclude each other.
        chunks: the windows' predictions, in the order of the song.
        n_total: number of windows in the end.
        model: that computed it.
        device: name of the GPU or processor that computed it.
        elapsed_s: time taken so far, without loading the model (s).
        note: what was done with a song shorter than a window; None for the others.
        precision: of the model's products.
        embedding: float32 (n_features,), the mean over the windows of
            ``forward.Outputs.features``; None where nobody asked, or the model has none.
    """

    genres: tuple[tuple[str, float], ...]
    chunks: tuple[Chunk, ...]
    n_total: int
    model: ModelRef
    elapsed_s: float
    note: Note | None = None
    precision: Precision = "fp32"
    device: str = ""
    embedding: NDArray[np.float32] | None = field(
        default=None, compare=False, repr=False
    )

    @property
    def n_done(self) -> int:
        """Number of windows computed so far."""
        return len(self.chunks)

    @property
    def distance(self) -> float | None:
        """The median of the windows' distances; None where they have none."""
        found = [c.distance for c in self.chunks if c.distance is not None]
        return float(np.median(found)) if found else None


@dataclass(frozen=True, eq=False)
class _Answer:
    """What the model makes of a window.

    Attributes:
        probabilities: (n_genres,).
        distance: as of ``Chunk``.
        features: float32 (n_features,); None where the model gave none.
    """

    probabilities: NDArray[np.float64]
    distance: float | None
    features: NDArray[np.float32] | None


def predict(
    clip: Sound,
    model: LoadedModel,
    queue: InferenceQueue | None = None,
    *,
    effort: Effort = "whole",
    compute: Compute | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    with_embedding: bool = False,
) -> Prediction:
    """Predict a clip's genre: the last prediction of ``listen``, with its errors.

    Args:
        clip: at any rate, in memory or on disk.
        model: a loaded one.
        queue: as for ``listen``.
        effort: as for ``listen``.
        compute: as for ``listen``.
        on_progress: is called with (windows done, windows in all) as they are done.
        should_stop: is called before each batch of windows.
        with_embedding: as for ``listen``.
    """
    answers = listen(
        clip,
        model,
        queue,
        effort=effort,
        compute=compute,
        should_stop=should_stop,
        with_embedding=with_embedding,
    )
    for answer in answers:
        if on_progress:
            on_progress(answer.n_done, answer.n_total)
    return answer


def listen(
    clip: Sound,
    model: LoadedModel,
    queue: InferenceQueue | None = None,
    *,
    effort: Effort = "whole",
    compute: Compute | None = None,
    should_stop: Callable[[], bool] | None = None,
    with_embedding: bool = False,
) -> Iterator[Prediction]:
    """Yield a clip's prediction after each window (on a GPU: each batch of them).

    The last window of a song is shifted back to end with it. Silent windows are left
    out. A song shorter than one window is repeated until it fills it, or classified as
    it is by a model that was trained on clips of any length. Closing the generator
    stops inference.

    Args:
        clip: at any rate, in memory or on disk; resampled a window at a time.
        model: its window length and rate are used.
        queue: where inference runs, in turns with other callers; in this thread by
            default.
        effort: six windows spread over the song (fewer where six last more than 60 s),
            or all of them. Of a song that is decoded in parts, no others are looked
            at, so that silent ones elsewhere move none.
        compute: runs all windows through the model, elsewhere; batches of them run on
            the model's own device by default.
        should_stop: is called before each batch of windows.
        with_embedding: give each prediction its ``embedding``.

    Raises:
        KnownError: ``too_short``, ``silent``, ``prediction_stopped``, ``model_broken``
            where a logit is NaN, ``model_out_of_memory``, or a code of the queue's
            ``charge``.
        UnsoughtError: a song that is decoded in parts has to be decoded whole.
    """
    began = time.perf_counter()
    windows, note = _windows(clip, model)
    in_parts = effort == "quick" and isinstance(clip, Sought)
    starts = windows.all_starts() if in_parts else windows.starts()
    order = _order(starts, effort, model)
    if queue:
        queue.charge(min(len(order) * model.window_s, clip.duration_s))
    needs = with_embedding or model.novelty is not None
    outputs = partial(compute or forward.outputs, with_features=needs)

    def answers_of(batch: range) -> dict[int, _Answer]:
        if should_stop and should_stop():
            raise KnownError("prediction_stopped", name=clip.name)
        some = order[batch.start : batch.stop]
        work = partial(_answers, some, windows, model, outputs)
        return queue.run(work) if queue else work()

    size = len(order) if compute else forward.batch_size(model.model, model.window_s)
    answers: dict[int, _Answer] = {}
    lengths = [windows.n_window] * len(order)
    with _memory(model):
        for batch, some in forward.in_batches(lengths, size, answers_of):
            answers |= some
            if answers:
                n_left = len(order) - batch.stop
                yield _prediction(answers, n_left, windows, model, note, began)
    if in_parts and len(answers) < len(order):  # another window is to stand in
        raise UnsoughtError
    if not answers:
        raise KnownError("silent", name=clip.name)


def _order(starts: list[int], effort: Effort, model: LoadedModel) -> list[int]:
    """Order the windows that are computed."""
    order = [starts[at] for at in spread(len(starts))]
    n_quick = max(min(N_QUICK, int(QUICK_S / model.window_s)), 1)
    return order[:n_quick] if effort == "quick" else order


@contextmanager
def _memory(model: LoadedModel) -> Iterator[None]:
    """Name what is too large for the memory; give back what inference took of a GPU's.

    A run may be training on the same GPU.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not device.is_out_of_memory(error):
            raise
        raise KnownError("model_out_of_memory", title=model.ref.title) from error
    finally:
        device.empty_cache()


def spread(n_windows: int) -> list[int]:
    """Order all windows so that the first ones cover the song.

    First the middles of six equal parts, which are the quick prediction; then the
    others in bit-reversed order (van der Corput's sequence), which halves the gaps
    again and again. Six and the rest begin in the middle of the song: beginnings and
    ends are the least like it.
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
    """Cut the clip into windows, and note what is done to fill one."""
    _check_duration(clip, MIN_DURATION_S)
    takes_any = model.ref.takes_any_length
    rate, window_s = model.sampling_rate, model.window_s
    windows = Windows.of(clip, rate, window_s, takes_any_length=takes_any)
    if windows.n_window < round(window_s * rate):
        return windows, "as_is"
    if not windows.is_short:
        return windows, None
    _check_duration(clip, window_s / MAX_REPEATS)
    return windows, "repeated"


def _check_duration(clip: Sound, min_duration_s: float) -> None:
    if clip.duration_s < min_duration_s:
        raise KnownError(
            "too_short",
            name=clip.name,
            duration_s=clip.duration_s,
            min_duration_s=min_duration_s,
        )


def _answers(
    starts: list[int], windows: Windows, model: LoadedModel, compute: Compute
) -> dict[int, _Answer]:
    """Compute the answers to windows by their starts, silent ones left out."""
    cut = {start: windows.window(start) for start in starts}
    audible = {start: window for start, window in cut.items() if window is not None}
    if not audible:
        return {}
    values = [
        forward.features(model.feature_extractor, window, model.sampling_rate)
        for window in audible.values()
    ]
    outputs = compute(model.model, np.stack(values), model.ref.title)
    found = forward.probabilities(
        outputs.logits, model.temperature, is_exclusive=model.ref.is_exclusive
    )
    distances: list[float] | list[None] = [None] * len(found)
    if model.novelty and outputs.features is not None:
        distances = model.novelty.distances(
            outputs.features, outputs.deviations, _textures(audible.values(), model)
        ).tolist()
    features = [None] * len(found) if outputs.features is None else outputs.features
    answers = map(_Answer, found, distances, features)
    return dict(zip(audible, answers, strict=True))


def _textures(
    windows: Collection[Samples], model: LoadedModel
) -> NDArray[np.float32] | None:
    """Compute the windows' textures, where the model's detector reads them."""
    is_read = model.novelty is not None and model.novelty.reads_texture
    if not is_read or not texture.is_described(model.window_s, model.sampling_rate):
        return None
    return np.stack([texture.texture(window) for window in windows])


def _prediction(
    answers: Mapping[int, _Answer],
    n_left: int,
    windows: Windows,
    model: LoadedModel,
    note: Note | None,
    began: float,
) -> Prediction:
    """Return the mean of the windows computed so far."""
    mean = np.mean([each.probabilities for each in answers.values()], axis=0)
    pairs = zip(model.labels, mean.tolist(), strict=True)
    features = [each.features for each in answers.values() if each.features is not None]
    rate, sound = windows.sampling_rate, windows.sound
    duration_s = sound.n_samples / sound.sampling_rate
    return Prediction(
        genres=tuple(sorted(pairs, key=lambda pair: -pair[1])),
        chunks=tuple(
            Chunk(
                start / rate,
                min((start + windows.n_window) / rate, duration_s),
                dict(
                    zip(
                        model.labels, answers[start].probabilities.tolist(), strict=True
                    )
                ),
                answers[start].distance,
            )
            for start in sorted(answers)
        ),
        n_total=len(answers) + n_left,
        model=model.ref,
        elapsed_s=time.perf_counter() - began,
        note=note,
        precision=model.precision,
        device=model.device,
        embedding=np.mean(features, axis=0, dtype=np.float32) if features else None,
    )
