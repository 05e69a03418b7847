"""The run itself: RunConfig in, checkpoint folder out, events on the way.

No page and no thread knows of it, and it knows of none. The Trainer of transformers
does the training; this module gives it the songs, listens, and keeps the result.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import libraries
from errors import KnownError
from trainer import (
    causes,
    checkpoints,
    dashboards,
    evaluate,
    feature_cache,
    products,
    windows,
)
from trainer import crew as crews
from trainer.config import RunConfig
from trainer.events import Emit, Noted, ShouldStop, Stage, StopNow, StopRequested
from trainer.follow import Rhythm, follower
from trainer.prepare import (
    Parts,
    prepare,
    with_cached_features,
    with_fresh_model,
)
from trainer.recipe import Batches, trainer_class, training_arguments
from trainer.scores import Scores

if TYPE_CHECKING:
    import transformers


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        accuracy: share of the test songs named rightly by the model that was kept,
            NaN where the run was stopped before it was tested.
        step: the last step that was made.
        was_stopped: a person ended it early.
    """

    accuracy: float
    step: int
    was_stopped: bool


def train(
    config: RunConfig,
    run_dir: Path,
    *,
    cache_dir: Path,
    emit: Emit,
    should_stop: ShouldStop,
    checkpoint: Path | None = None,
) -> Result:
    """Train as the config says; the model ends in ``run_dir/model``.

    Where the memory is not enough, the same step is made of smaller batches.

    Args:
        config: the run's choices.
        run_dir: gets ``split.json``, ``songs.json``, ``checkpoints/``, ``model/``,
            ``scores.json`` and ``confusion.json``.
        cache_dir: where decoded songs are kept between runs.
        emit: hears every event.
        should_stop: asked between songs, steps and test windows.
        checkpoint: a whole one to go on from, in ``run_dir/checkpoints``.

    Raises:
        KnownError: ``nan_loss``, ``no_cuda``, ``out_of_memory``, or what data and
            models raise.
        StopRequested: stopped before there was anything to save.
    """
    dashboards.check(config.report_to)
    crew = crews.here()
    emit = crew.voice(emit)
    parts = crew.first(lambda: prepare(config, cache_dir, emit, should_stop))
    should_stop = crew.ear(should_stop)
    parts = parts.planned(crew.n_processes)
    if crew.is_main:
        products.keep_split(parts.songs.names, parts.split, run_dir)
        products.keep_place(parts.songs, run_dir)
    crew.introduce(config.batch_size * config.n_accumulated, emit)
    if crew.n_processes == 1:
        parts = with_cached_features(parts, run_dir, emit, should_stop)
    try:
        return _until_it_fits(parts, run_dir, checkpoint, emit, should_stop)
    finally:
        feature_cache.delete_cache(run_dir)


def _until_it_fits(
    parts: Parts,
    run_dir: Path,
    checkpoint: Path | None,
    emit: Emit,
    should_stop: ShouldStop,
) -> Result:
    """Train, with smaller batches each time that the memory is not enough."""
    batches = Batches(parts.config.batch_size, parts.config.n_accumulated)
    while True:
        if checkpoint:
            emit(Noted("resumed", {"step": checkpoints.step_of(checkpoint)}))
        try:
            return _attempt(parts, run_dir, batches, checkpoint, emit, should_stop)
        except (RuntimeError, MemoryError) as error:
            # Of several processes the others would wait for ever for this one.
            if crews.here().n_processes > 1 or not causes.is_out_of_memory(error):
                raise
        # Outside of the handler, because the error holds on to what filled the memory.
        batches = _smaller(batches, emit)
        checkpoint = checkpoints.newest(run_dir)
        parts = with_fresh_model(parts)


def _attempt(
    parts: Parts,
    run_dir: Path,
    batches: Batches,
    checkpoint: Path | None,
    emit: Emit,
    should_stop: ShouldStop,
) -> Result:
    """The training itself, and the saving of its model."""
    put_back = parts.bypass_frozen()
    trainer = _trainer(parts, run_dir, batches, checkpoint, emit, should_stop)
    was_stopped = False
    try:
        trainer.train(
            resume_from_checkpoint=str(checkpoint) if checkpoint else None,
            ignore_keys_for_eval=["hidden_states", "attentions"],  # large, and unasked
        )
    except StopNow:
        raise
    except StopRequested:  # in the middle of a test, before its checkpoint
        was_stopped = True
        _save_checkpoint(trainer)
    was_stopped |= should_stop() and trainer.state.global_step < parts.config.n_steps
    accuracy = _best_accuracy(trainer)
    scores = None
    if crews.here().is_main and parts.split.is_honest and not was_stopped:
        scores = _reported(parts, put_back, emit, should_stop)
    put_back()
    if crews.here().is_main:
        if scores:
            evaluate.keep(scores, parts.songs.genres, run_dir)
        accuracy = scores.accuracy if scores else accuracy
        emit(Stage("save"))
        _save(parts, run_dir, accuracy, scores.temperature if scores else 1.0)
    return Result(accuracy, trainer.state.global_step, was_stopped)


def _reported(
    parts: Parts, put_back: Callable[[], None], emit: Emit, should_stop: ShouldStop
) -> Scores | None:
    """The test songs are heard, once; None where a person does not wait for it."""
    hear = functools.partial(
        evaluate.answers_of, parts.model, emit=emit, should_stop=should_stop
    )
    try:
        chosen_on = hear(parts.checked)  # as it was recorded, where it was
        put_back()
        return evaluate.final(chosen_on, hear(parts.test))
    except StopRequested:
        return None


def _save_checkpoint(trainer: transformers.Trainer) -> None:
    """What the Trainer does where a save is due; it has no public name for it."""
    trainer._save_checkpoint(trainer.model_wrapped, trial=None)
    trainer.callback_handler.on_save(trainer.args, trainer.state, trainer.control)


def _smaller(batches: Batches, emit: Emit) -> Batches:
    """The batches to try after the memory was not enough.

    Raises:
        KnownError: ``out_of_memory`` where not even one window at a time fits.
    """
    smaller = batches.smaller()
    if smaller is None:
        raise KnownError("out_of_memory")
    emit(Noted("batch_halved", dataclasses.asdict(smaller)))
    return smaller


def _trainer(
    parts: Parts,
    run_dir: Path,
    batches: Batches,
    checkpoint: Path | None,
    emit: Emit,
    should_stop: ShouldStop,
) -> transformers.Trainer:
    """The Trainer of transformers, set up for these parts."""
    libraries.settle()
    from transformers import PrinterCallback

    # forward(**kwargs) makes the Trainer believe that the model divides the loss by
    # the number of accumulated batches itself. It does not: without this line the
    # loss starts at 4 ln(n) for 4 of them, and clipping bites 4 times too early
    # (transformers issue 47688).
    parts.model.accepts_loss_kwargs = False
    best = checkpoints.state_of(checkpoint).get("best_metric") if checkpoint else None
    rhythm = Rhythm.of(parts.config, batches, len(parts.train), parts.validation)
    trainer = trainer_class()(
        model=parts.model,
        args=training_arguments(parts.config, run_dir, batches),
        train_dataset=parts.train,
        eval_dataset=parts.checked,
        data_collator=windows.collate,
        compute_metrics=evaluate.Checks(
            parts.validation,
            run_dir if crews.here().is_main else None,
            -1.0 if best is None else best,
        ),
        callbacks=[follower(emit, should_stop, run_dir, rhythm, parts.train)],
    )
    trainer.encoder_rate_fraction = parts.config.encoder_rate_fraction
    trainer.remove_callback(PrinterCallback)
    return trainer


def _best_accuracy(trainer: transformers.Trainer) -> float:
    """Of the checkpoint that was kept; NaN before the first evaluation."""
    best = trainer.state.best_metric
    return math.nan if best is None else float(best)


def _save(parts: Parts, run_dir: Path, accuracy: float, temperature: float) -> None:
    """The checkpoint folder, with what pages and cards say of the model."""
    config = parts.config
    parts.model.config.genrescope = {
        "window_s": config.window_s,
        "trained_on": config.data.split(":")[0],
        "accuracy": None if math.isnan(accuracy) else accuracy,
        "n_tested": len(parts.test.indices),
        "temperature": temperature,
        "preset": config.preset,
        "saved_at": time.time(),
    }
    products.save_model(parts.model, parts.extractor, run_dir)
