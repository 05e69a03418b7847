"""Carry out a run: train by a RunConfig, evaluate, and save the model.

transformers' Trainer does the training; this module gives it the data sets, emits
events, and saves what is left of the run. It imports nothing of the user interface.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import process
from errors import KnownError
from networks import novelty
from networks.novelty import Novelty
from trainer.config import RunConfig
from trainer.data import masked_windows, windows
from trainer.evaluation import evaluate
from trainer.evaluation.scores import Scores
from trainer.run import checkpoints, failures, runs
from trainer.run.events import Emit, Noted, ShouldStop, Stage, StopNow, StopRequested
from trainer.training import (
    dashboards,
    distributed,
    feature_cache,
    own_features,
    pretraining,
)
from trainer.training.callback import Schedule, event_callback
from trainer.training.prepare import (
    Parts,
    prepare,
    with_cached_features,
    with_fresh_model,
)
from trainer.training.pretraining import MaskedAccuracy
from trainer.training.recipe import Batches, trainer_class, training_arguments

if TYPE_CHECKING:
    import transformers


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        step: number of optimizer steps done.
        was_stopped: the user ended it early.
        validation_accuracy: of the best checkpoint, in [0, 1]; None where the
            run was stopped before its first validation.
        test_accuracy: of its model on the test songs; None where the split has no
            validation part, or the run was stopped before the test.
        masked: how well hidden frames of the test songs are guessed, where that was
            learned; None where the run was stopped before.
    """

    step: int
    was_stopped: bool
    validation_accuracy: float | None = None
    test_accuracy: float | None = None
    masked: MaskedAccuracy | None = None

    @property
    def accuracy(self) -> float | None:
        """The accuracy to report: of the test, or without a test of the validation."""
        if self.test_accuracy is None:
            return self.validation_accuracy
        return self.test_accuracy


@dataclass(frozen=True)
class _Stop:
    """Whether the run is asked to stop.

    Attributes:
        of_main: known to the main process; for what that does alone.
        of_all: the same answer in every process, which all must ask for equally often.
    """

    of_main: ShouldStop
    of_all: ShouldStop


def train(
    config: RunConfig,
    run_dir: Path,
    *,
    cache_dir: Path,
    emit: Emit,
    should_stop: ShouldStop,
    checkpoint: Path | None = None,
) -> Result:
    """Train with a config and save the model to ``run_dir/model``.

    Where the memory is not enough, each step is split into smaller batches.

    Args:
        config: the run's settings.
        run_dir: where to write ``split.json``, ``songs.json``, ``checkpoints/``, ``model/``,
            ``scores.json`` and ``confusion.json``.
        cache_dir: where decoded songs are kept between runs.
        emit: called with every event.
        should_stop: called between songs, training steps and evaluated windows.
        checkpoint: a complete one to resume from, in ``run_dir/checkpoints``.

    Raises:
        KnownError: ``nan_loss``, ``no_cuda``, ``out_of_memory``, or what data and
            models raise.
        StopRequested: where it is stopped before there is anything to save.
    """
    dashboards.check(config.report_to)
    group = distributed.process_group()
    emit = group.main_only(emit)
    former = _former(config, run_dir, checkpoint)
    parts = group.main_process_first(
        lambda: prepare(config, cache_dir, emit, should_stop, former)
    )
    stop = _Stop(should_stop, group.broadcast_stop(should_stop))
    parts = parts.with_steps(group.n_processes)
    if group.is_main:
        _write_split(parts, run_dir)
    group.announce(config.batch_size * config.n_accumulated, emit)
    if not config.needs_genres:
        parts = pretraining.with_clusters(parts, group, emit, should_stop)
    elif group.n_processes == 1:
        parts = with_cached_features(parts, run_dir, emit, should_stop)
    try:
        return _train_until_it_fits(parts, run_dir, checkpoint, emit, stop)
    finally:
        feature_cache.delete_cache(run_dir)


def _former(config: RunConfig, run_dir: Path, checkpoint: Path | None) -> list[Path]:
    """List folders with weights that this run may go on from, by ``load_base``."""
    base_run = runs.base_model_dir(config, run_dir.parent)
    folders = (base_run, run_dir / checkpoints.BASE, checkpoint)
    return [each for each in folders if each and (each / "config.json").is_file()]


def _write_split(parts: Parts, run_dir: Path) -> None:
    """Write the songs of each part, and the cache folder that has their samples."""
    split = parts.split.by_name(parts.songs.names)
    runs.write_whole(run_dir / runs.SPLIT, json.dumps(split, ensure_ascii=False))
    if parts.songs.folder:
        place = {"folder": parts.songs.folder.name}
        runs.write_whole(run_dir / runs.SONGS, json.dumps(place))


def _train_until_it_fits(
    parts: Parts,
    run_dir: Path,
    checkpoint: Path | None,
    emit: Emit,
    stop: _Stop,
) -> Result:
    """Train, and retry with smaller batches whenever the memory is not enough."""
    batches = Batches(parts.config.batch_size, parts.config.n_accumulated)
    while True:
        if checkpoint:
            emit(Noted("resumed", {"step": checkpoints.step_of(checkpoint)}))
        try:
            return _attempt(parts, run_dir, batches, checkpoint, emit, stop)
        except (RuntimeError, MemoryError) as error:
            # With several processes, the others would wait for ever for this one.
            if (
                distributed.process_group().n_processes > 1
                or not failures.is_out_of_memory(error)
            ):
                raise
        # Outside of the handler, because the error keeps what filled the memory alive.
        batches = _smaller(batches, emit)
        checkpoint = checkpoints.newest(run_dir)
        parts = with_fresh_model(parts)


def _attempt(
    parts: Parts,
    run_dir: Path,
    batches: Batches,
    checkpoint: Path | None,
    emit: Emit,
    stop: _Stop,
) -> Result:
    """Train once, test, and save the model."""
    restore_frozen = parts.bypass_frozen()
    trainer = _trainer(parts, run_dir, batches, checkpoint, emit, stop.of_all)
    was_stopped = False
    try:
        trainer.train(
            resume_from_checkpoint=str(checkpoint) if checkpoint else None,
            ignore_keys_for_eval=["hidden_states", "attentions"],  # large and unused
        )
    except StopNow:
        raise
    except StopRequested:  # in the middle of a validation, before its checkpoint
        was_stopped = True
        _save_checkpoint(trainer)
    was_stopped |= stop.of_all() and trainer.state.global_step < parts.config.n_steps
    if not parts.config.needs_genres:
        step = trainer.state.global_step
        return _end_pretraining(parts, run_dir, step, was_stopped, emit, stop)
    tested = None
    if (
        distributed.process_group().is_main
        and parts.split.is_honest
        and not was_stopped
    ):
        tested = _test(parts, restore_frozen, emit, stop.of_main)
    restore_frozen()
    result = Result(
        trainer.state.global_step,
        was_stopped,
        trainer.state.best_metric,
        tested.accuracy if tested else None,
    )
    if distributed.process_group().is_main:
        if tested:
            evaluate.save_scores(tested, parts.songs.genres, run_dir)
        own = None if was_stopped else own_features.fit(parts, emit, stop.of_main)
        emit(Stage("save"))
        _save(parts, run_dir, result.accuracy, tested, own)
    distributed.process_group().wait_for_main()
    return result


def _end_pretraining(
    parts: Parts,
    run_dir: Path,
    step: int,
    was_stopped: bool,
    emit: Emit,
    stop: _Stop,
) -> Result:
    """Measure the guesses on the test songs, and save the base model."""
    measured = None
    if distributed.process_group().is_main:
        if not was_stopped:
            measured = pretraining.test(parts, emit, stop.of_main)
        emit(Stage("save"))
        pretraining.save(parts, run_dir, measured)
    distributed.process_group().wait_for_main()
    return Result(step, was_stopped, masked=measured)


def _test(
    parts: Parts,
    restore_frozen: Callable[[], None],
    emit: Emit,
    should_stop: ShouldStop,
) -> Scores | None:
    """Score the model on the test songs, once; None where the user stops it.

    The temperature is fitted on the validation songs first.
    """
    compute = functools.partial(
        evaluate.predict, parts.model, emit=emit, should_stop=should_stop
    )
    assert not isinstance(parts.eval_set, masked_windows.MaskedWindows)
    try:
        validation = compute(
            parts.eval_set, stage="calibrate"
        )  # the frozen layers bypassed
        restore_frozen()
        return evaluate.score_test(validation, compute(parts.test, stage="test"))
    except StopRequested:
        return None


def _save_checkpoint(trainer: transformers.Trainer) -> None:
    """Save as the Trainer does at its save steps; it has no public method for it."""
    trainer._save_checkpoint(trainer.model_wrapped, trial=None)
    trainer.callback_handler.on_save(trainer.args, trainer.state, trainer.control)


def _smaller(batches: Batches, emit: Emit) -> Batches:
    """Return smaller batches to try after the memory was not enough.

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
    """Build transformers' Trainer for these parts."""
    process.settle()
    from transformers import PrinterCallback

    # forward(**kwargs) makes the Trainer assume that the model divides the loss by the
    # number of accumulated batches itself. It does not: without this line the
    # loss starts at 4 ln(n) for 4 of them, and clipping bites 4 times too early
    # (transformers issue 47688).
    parts.model.accepts_loss_kwargs = False
    best = checkpoints.state_of(checkpoint).get("best_metric") if checkpoint else None
    schedule = Schedule.of(
        parts.config, batches, len(parts.train_set), parts.validation
    )
    callbacks = [event_callback(emit, should_stop, run_dir, schedule, parts.train_set)]
    group = distributed.process_group()
    if parts.config.needs_genres:
        collate: Any = windows.collate
        metrics: Any = evaluate.ComputeMetrics(
            parts.validation,
            run_dir if group.is_main else None,
            -1.0 if best is None else best,
        )
    else:
        collate, metrics = masked_windows.collate, pretraining.compute_metrics
        second = pretraining.second_iteration(parts, group, emit, should_stop)
        callbacks += [second] if second else []
    trainer = trainer_class()(
        model=parts.model,
        args=training_arguments(parts.config, run_dir, batches),
        train_dataset=parts.train_set,
        eval_dataset=parts.eval_set,
        data_collator=collate,
        compute_metrics=metrics,
        callbacks=callbacks,
    )
    trainer.encoder_rate_fraction = parts.config.encoder_rate_fraction
    trainer.remove_callback(PrinterCallback)
    return trainer


def _save(
    parts: Parts,
    run_dir: Path,
    accuracy: float | None,
    tested: Scores | None,
    own: Novelty | None,
) -> None:
    """Save the model with the facts that pages and cards show, atomically by rename.

    ``Trainer.save_model`` would add ``training_args.bin``, a pickle; this does not.
    """
    config = parts.config
    clear = tested.risk_coverage if tested else None
    facts = {
        "window_s": config.window_s,
        "trained_on": config.data.split(":")[0],
        "accuracy": accuracy,
        "n_tested": len(parts.test.indices),
        "temperature": tested.temperature if tested else 1.0,
        "preset": config.preset,
        "saved_at": time.time(),
    }
    if clear and clear.is_held_out:
        facts["clear"] = clear.rule().to_config()
    parts.model.config.genrescope = facts
    part = run_dir / f"{runs.MODEL}.part"
    parts.model.save_pretrained(part)
    parts.extractor.save_pretrained(part)
    if own:
        novelty.save(own, part)
    part.rename(run_dir / runs.MODEL)
