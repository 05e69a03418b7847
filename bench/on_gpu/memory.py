"""Out-of-memory part of ``bench.gpu``.

Training, the final test and classification each get less than they need; the outcome
is reported, not judged.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.on_gpu.setting import (
    Found,
    PeakMemory,
    Size,
    Watch,
    configured,
    loaded,
    released,
    save_model,
    some_songs,
    trained,
)

SHARE = 0.6  # of the memory that work has taken before; half its windows fit


def memory(size: Size, home: Path) -> Found:
    """Let training, test and classification run out of memory; report the outcome."""
    model = save_model(home / "memory", size, size.song_s)
    config = configured(
        some_songs(home, 40),
        window_s=size.song_s,
        n_steps=2,
        batch_size=8,
        n_accumulated=1,
        test_fraction=0.5,  # 20 windows: more than one batch of a test
    )
    tested = dataclasses.replace(
        config, batch_size=1, n_accumulated=8, validation_fraction=0.1
    )
    clip = long_clip(size)

    def train(watch: Watch) -> None:
        trained(config, model, home, watch)

    def test(watch: Watch) -> None:
        trained(tested, model, home, watch)

    def classify(watch: Watch) -> None:
        predict(clip, loaded(model))

    from classifier.predict import predict

    # On a CPU: so many windows at once are too many.
    works = {
        "training": (train, 8),
        "test": (test, 16),
        "classification": (classify, 16),
    }
    return {name: short_of_memory(work, n) for name, (work, n) in works.items()}


def short_of_memory(work: Callable[[Watch], object], n_windows: int) -> Found:
    """Report how work ends with six tenths of the memory that it took before."""
    from errors import KnownError

    released()
    peak = PeakMemory()
    work(Watch())
    peak_gb = peak.since()
    watch, ended = Watch(), "done"
    released()
    with less_memory(SHARE * peak_gb, n_windows):
        try:
            work(watch)
        except (KnownError, RuntimeError, MemoryError) as error:
            ended = f"{type(error).__name__}: {str(error).splitlines()[0][:100]}"
        released()
    return {
        "peak_gb": peak_gb,
        "limit_gb": SHARE * peak_gb,
        "ended": ended,
        "n_halved": watch.codes().count("batch_halved"),
        "n_steps": len(watch.of("Step")),
        "has_model": watch.has_model,
    }


def long_clip(size: Size) -> Any:
    """Return a song of 16 windows: one batch on a GPU."""
    from audio.clip import Clip
    from bench.pictures import song

    return Clip(song(round(16 * size.song_s), 16_000).samples, 16_000, "song")


@contextlib.contextmanager
def less_memory(gb: float, n_windows: int) -> Iterator[None]:
    """Let CUDA's allocator have so much only.

    Without a CUDA device the model refuses ``n_windows`` and more at once, in the
    allocator's words, so that the rest can be tried.
    """
    import torch
    from transformers import HubertForSequenceClassification as Model

    if torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(gb * 1e9 / total)
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
        return
    forward = Model.forward

    @functools.wraps(forward)  # the Trainer reads its arguments' names
    def refuse(model: Any, *values: Any, **named: Any) -> Any:
        if len(values[0] if values else named["input_values"]) >= n_windows:
            raise torch.OutOfMemoryError("CUDA out of memory (pretended)")
        return forward(model, *values, **named)

    Model.forward = refuse
    try:
        yield
    finally:
        Model.forward = forward
