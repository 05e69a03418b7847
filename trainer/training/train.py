"""The run itself: RunConfig in, checkpoint folder out, events on the way.

No page and no thread knows of it, and it knows of none. The Trainer of transformers
does the training; this module gives it the songs, listens, and keeps the result.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import process
from errors import KnownError
from trainer.config import RunConfig
from trainer.evaluation import evaluate
from trainer.evaluation.scores import Scores
from trainer.run import checkpoints, failures, runs
from trainer.run.events import Emit, Noted, ShouldStop, Stage, StopNow, StopRequested
from trainer.training import dashboards, feature_cache, windows
from trainer.training import distributed as crews
from trainer.training.callback import Rhythm, follower
from trainer.training.prepare import (
    Parts,
    prepare,
    with_cached_features,
    with_fresh_model,
)
from trainer.training.recipe import Batches, trainer_class, training_arguments

if TYPE_CHECKING:
    import transformers


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        step: the last step that was made.
        was_stopped: a person ended it early.
        validation_accuracy: of the checkpoint that was kept, in [0, 1]; None where the
            run was stopped before its first validation.
        test_accuracy: of its model on the test songs; None where the split has no
            validation part, or the run was stopped before the test.
    """

    step: int
    was_stopped: bool
    validation_accuracy: float | None = None
    test_accuracy: float | None = None

    @property
    def accuracy(self) -> float | None:
        """The figure to report: of the test, or where there was none of validation."""
        tested = self.test_accuracy
        return self.validation_accuracy if tested is None else tested


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
        emit: gets every event.
        should_stop: asked between songs, steps and windows that are evaluated.
        checkpoint: a whole one to go on from, in ``run_dir/checkpoints``.

    Raises:
        KnownError: ``nan_loss``, ``no_cuda``, ``out_of_memory``, or what data and
            models raise.
        StopRequested: stopped before there was anything to save.
    """
    dashboards.check(config.report_to)
    crew = crews.here()
    emit = crew.voice(emit)
    base = run_dir / checkpoints.BASE
    former = [folder for folder in (base, checkpoint) if folder and folder.is_dir()]
    parts = crew.first(lambda: prepare(config, cache_dir, emit, should_stop, former))
    should_stop = crew.ear(should_stop)
    parts = parts.planned(crew.n_processes)
    if crew.is_main:
        _keep_songs(parts, run_dir)
    crew.introduce(config.batch_size * config.n_accumulated, emit)
    if crew.n_processes == 1:
        parts = with_cached_features(parts, run_dir, emit, should_stop)
    try:
        return _until_it_fits(parts, run_dir, checkpoint, emit, should_stop)
    finally:
        feature_cache.delete_cache(run_dir)


def _keep_songs(parts: Parts, run_dir: Path) -> None:
    """Write which song is in which part, and which folder of the cache holds them."""
    split = parts.split.by_name(parts.songs.names)
    runs.write_whole(run_dir / runs.SPLIT, json.dumps(split, ensure_ascii=False))
    if parts.songs.place:
        place = {"folder": parts.songs.place.name}
        runs.write_whole(run_dir / runs.SONGS, json.dumps(place))


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
            if crews.here().n_processes > 1 or not failures.is_out_of_memory(error):
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
    except StopRequested:  # in the middle of a validation, before its checkpoint
        was_stopped = True
        _save_checkpoint(trainer)
    was_stopped |= should_stop() and trainer.state.global_step < parts.config.n_steps
    tested = None
    if crews.here().is_main and parts.split.is_honest and not was_stopped:
        tested = _tested(parts, put_back, emit, should_stop)
    put_back()
    result = Result(
        trainer.state.global_step,
        was_stopped,
        trainer.state.best_metric,
        tested.accuracy if tested else None,
    )
    if crews.here().is_main:
        if tested:
            evaluate.keep(tested, parts.songs.genres, run_dir)
        emit(Stage("save"))
        _save(parts, run_dir, result.accuracy, tested.temperature if tested else 1.0)
    return result


def _tested(
    parts: Parts, put_back: Callable[[], None], emit: Emit, should_stop: ShouldStop
) -> Scores | None:
    """Score the model on the test songs, once; None where a person stops it.

    Its temperature is fitted on the validation songs before.
    """
    compute = functools.partial(
        evaluate.answers_of, parts.model, emit=emit, should_stop=should_stop
    )
    try:
        validation = compute(parts.checked, stage="calibrate")  # as it was recorded
        put_back()
        return evaluate.final(validation, compute(parts.test, stage="test"))
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
    process.settle()
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


def _save(
    parts: Parts, run_dir: Path, accuracy: float | None, temperature: float
) -> None:
    """Save the model, with the facts that pages and cards show: by rename, whole.

    ``Trainer.save_model`` would add ``training_args.bin``, a pickle; this does not.
    """
    config = parts.config
    parts.model.config.genrescope = {
        "window_s": config.window_s,
        "trained_on": config.data.split(":")[0],
        "accuracy": accuracy,
        "n_tested": len(parts.test.indices),
        "temperature": temperature,
        "preset": config.preset,
        "saved_at": time.time(),
    }
    half = run_dir / f"{runs.MODEL}.part"
    parts.model.save_pretrained(half)
    parts.extractor.save_pretrained(half)
    half.rename(run_dir / runs.MODEL)
