"""Carry out a run: train by a RunConfig, evaluate, and save the model.

transformers' Trainer does the training; this module gives it the data sets, emits
events, and saves what is left of the run. It imports nothing of the user interface.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import process
from errors import KnownError
from networks import device as devices
from networks import novelty
from networks.cpu.precision import autocast
from networks.device import Device
from networks.novelty import Novelty
from trainer.config import RunConfig
from trainer.data import masked_windows, windows
from trainer.evaluation import evaluate
from trainer.evaluation.scores import Scores
from trainer.run import checkpoints, runs
from trainer.run.events import Emit, Noted, ShouldStop, Stage, StopNow, StopRequested
from trainer.training import (
    dashboards,
    distributed,
    feature_cache,
    linear_head,
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
from trainer.training.recipe import (
    Batches,
    device_of,
    trainer_class,
    training_arguments,
)

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
    own = device_of(config)
    device = group.broadcast(lambda: own)
    _note_device(device, group.n_processes, emit)
    former = _former(config, run_dir, checkpoint)
    parts = group.main_process_first(
        lambda: prepare(config, cache_dir, emit, should_stop, former)
    )
    stop = _Stop(should_stop, group.broadcast_stop(should_stop))
    parts = parts.with_steps(group.n_processes)
    if checkpoint:
        _check_same_songs(parts, run_dir, checkpoint)
    if group.is_main:
        _note_other_songs(parts, run_dir, emit)
        _write_split(parts, run_dir)
    group.announce(config.batch_size * config.n_accumulated, emit)
    if not config.needs_genres:
        parts = pretraining.with_clusters(parts, group, emit, should_stop)
    elif group.n_processes == 1:
        parts = with_cached_features(parts, run_dir, emit, should_stop)
    if not checkpoint:
        linear_head.fit(parts, emit, should_stop)
    try:
        return _train_until_it_fits(parts, device, run_dir, checkpoint, emit, stop)
    finally:
        feature_cache.delete_cache(run_dir)


def _former(config: RunConfig, run_dir: Path, checkpoint: Path | None) -> list[Path]:
    """List folders with weights that this run may go on from, by ``load_base``."""
    base_run = runs.base_model_dir(config, run_dir.parent)
    folders = (base_run, run_dir / checkpoints.BASE, checkpoint)
    return [each for each in folders if each and (each / "config.json").is_file()]


def _note_other_songs(parts: Parts, run_dir: Path, emit: Emit) -> None:
    """Emit a note where a run resumes on other songs than its parent learned from.

    Composed songs are others after an update of the composer; files may change too.
    """
    record = runs.read_json(run_dir / runs.SONGS)
    if record and parts.songs.folder and record["folder"] != parts.songs.folder.name:
        emit(Noted("other_songs"))


def _check_same_songs(parts: Parts, run_dir: Path, checkpoint: Path) -> None:
    """Check that a resumed run has the genres and the split that it had before.

    Otherwise labels would change places, or test songs would have been trained on.

    Raises:
        KnownError: ``genres_changed`` or ``songs_changed``.
    """
    saved = runs.read_json(checkpoint / "config.json") or {}
    labels = saved.get("id2label", {})
    before = tuple(labels[number] for number in sorted(labels, key=int))
    now = parts.songs.genres
    if before and before != now:
        genres = {"before": ", ".join(before), "now": ", ".join(now)}
        raise KnownError("genres_changed", **genres)
    split = runs.read_json(run_dir / runs.SPLIT) or {}
    found = parts.split.by_name(parts.songs.names)
    if split and any(set(split.get(part, ())) != set(found[part]) for part in found):
        raise KnownError("songs_changed")


def _note_device(device: Device, n_processes: int, emit: Emit) -> None:
    """Note where the run trains, and where it could on more."""
    emit(Noted("trains_on", device.facts()))
    n_gpus = devices.n_gpus() if device.is_gpu else 0
    if n_processes == 1 and n_gpus > 1:
        emit(Noted("more_gpus", {"n": n_gpus}))


def _write_split(parts: Parts, run_dir: Path) -> None:
    """Write the songs of each part, and the cache folder that has their samples."""
    split = parts.split.by_name(parts.songs.names)
    runs.write_whole(run_dir / runs.SPLIT, json.dumps(split, ensure_ascii=False))
    if parts.songs.folder:
        place = {
            "folder": parts.songs.folder.name,
            "group_kind": parts.songs.group_kind,
        }
        runs.write_whole(run_dir / runs.SONGS, json.dumps(place))


def _train_until_it_fits(
    parts: Parts,
    device: Device,
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
            return _attempt(parts, device, run_dir, batches, checkpoint, emit, stop)
        except (RuntimeError, MemoryError) as error:
            # With several processes, the others would wait for ever for this one.
            if (
                distributed.process_group().n_processes > 1
                or not devices.is_out_of_memory(error)
            ):
                raise
        # Outside of the handler, because the error keeps what filled the memory alive.
        batches = _smaller(batches, emit)
        checkpoint = checkpoints.newest(run_dir)
        parts = with_fresh_model(parts)
        if not checkpoint:
            linear_head.fit(parts, emit, stop.of_all)


def _attempt(
    parts: Parts,
    device: Device,
    run_dir: Path,
    batches: Batches,
    checkpoint: Path | None,
    emit: Emit,
    stop: _Stop,
) -> Result:
    """Train once, save the model, and test it."""
    restore_frozen = parts.bypass_frozen()
    trainer = _trainer(parts, device, run_dir, batches, checkpoint, emit, stop)
    was_stopped = _train(trainer, checkpoint, parts.config.n_steps)
    # Without autocast, as it will classify: the scores are of the model that is saved.
    trainer.accelerator.unwrap_model(parts.model, keep_fp32_wrapper=False)
    was_stopped |= stop.of_all() and trainer.state.global_step < parts.config.n_steps
    if not parts.config.needs_genres:
        step = trainer.state.global_step
        return _end_pretraining(parts, run_dir, step, was_stopped, emit, stop)
    result = Result(trainer.state.global_step, was_stopped, trainer.state.best_metric)
    restore_frozen()
    if distributed.process_group().is_main:
        result = _finish(parts, device, run_dir, result, emit, stop)
    distributed.process_group().wait_for_main()
    return result


def _train(
    trainer: transformers.Trainer, checkpoint: Path | None, n_steps: int
) -> bool:
    """Carry out the steps of a run; return whether it was stopped in a validation.

    Raises:
        KnownError: ``out_of_memory`` after the last step, which no smaller batch would
            help, and which is no reason to train again.
    """
    try:
        trainer.train(
            resume_from_checkpoint=str(checkpoint) if checkpoint else None,
            ignore_keys_for_eval=["hidden_states", "attentions"],  # large and unused
        )
    except StopNow:
        raise
    except StopRequested:  # in the middle of a validation, before its checkpoint
        _save_checkpoint(trainer)
        return True
    except (RuntimeError, MemoryError) as error:
        is_done = trainer.state.global_step >= n_steps
        if is_done and devices.is_out_of_memory(error):
            _save_checkpoint(trainer)
            raise KnownError("out_of_memory") from error
        raise
    return False


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


def _finish(
    parts: Parts,
    device: Device,
    run_dir: Path,
    trained: Result,
    emit: Emit,
    stop: _Stop,
) -> Result:
    """Save the trained model, which is whole, then test it and save what that found."""
    emit(Stage("save"))
    _save(parts, device, run_dir, trained.accuracy)
    if trained.was_stopped:
        return trained
    result = trained
    with autocast(device.precision, device.kind):  # as a CPU will classify
        tested = _test(parts, emit, stop.of_main) if parts.split.is_honest else None
        own = own_features.fit(parts, emit, stop.of_main)
    if tested:
        evaluate.save_scores(tested, parts.songs.genres, run_dir)
        result = dataclasses.replace(trained, test_accuracy=tested.accuracy)
    _save_findings(parts, device, run_dir / runs.MODEL, result.accuracy, tested, own)
    return result


def _test(parts: Parts, emit: Emit, should_stop: ShouldStop) -> Scores | None:
    """Score the model on the test songs, once.

    The temperature is fitted on the validation songs first.

    Returns:
        None where the user stops it, or the memory is not enough for one window.
    """
    compute = functools.partial(
        evaluate.predict, parts.model, emit=emit, should_stop=should_stop
    )
    assert not isinstance(parts.eval_set, masked_windows.MaskedWindows)
    restore_frozen = parts.bypass_frozen()
    try:
        validation = compute(parts.eval_set, stage="calibrate")
        restore_frozen()
        return evaluate.score_test(validation, compute(parts.test, stage="test"))
    except StopRequested:
        return None
    except (RuntimeError, MemoryError) as error:
        if not devices.is_out_of_memory(error):
            raise
    finally:
        restore_frozen()
    devices.free_memory()
    emit(Noted("not_tested"))
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
    device: Device,
    run_dir: Path,
    batches: Batches,
    checkpoint: Path | None,
    emit: Emit,
    stop: _Stop,
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
    callbacks = [event_callback(emit, stop.of_all, run_dir, schedule, parts.train_set)]
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
        second = pretraining.second_iteration(parts, group, emit, stop.of_main)
        callbacks += [second] if second else []
    n_workers = windows.n_workers(
        parts.model,
        is_gpu=device.is_gpu and isinstance(parts.train_set, windows.RandomWindows),
        augmentation=parts.config.augmentation,
    )
    trainer = trainer_class()(
        model=parts.model,
        args=training_arguments(parts.config, run_dir, batches, device, n_workers),
        train_dataset=parts.train_set,
        eval_dataset=parts.eval_set,
        data_collator=collate,
        compute_metrics=metrics,
        callbacks=callbacks,
    )
    trainer.encoder_rate_fraction = parts.config.encoder_rate_fraction
    trainer.remove_callback(PrinterCallback)
    return trainer


def _save(parts: Parts, device: Device, run_dir: Path, accuracy: float | None) -> None:
    """Save the model with the facts that pages and cards show, atomically by rename.

    ``Trainer.save_model`` would add ``training_args.bin``, a pickle; this does not.
    """
    parts.model.config.genrescope = _facts(parts, device, accuracy, None)
    part = run_dir / f"{runs.MODEL}.part"
    parts.model.save_pretrained(part)
    parts.extractor.save_pretrained(part)
    part.rename(run_dir / runs.MODEL)


def _save_findings(
    parts: Parts,
    device: Device,
    folder: Path,
    accuracy: float | None,
    tested: Scores | None,
    own: Novelty | None,
) -> None:
    """Add to the saved model what was found with it, each file by rename."""
    if own:
        novelty.save(own, folder)
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config["genrescope"] = _facts(parts, device, accuracy, tested)
    runs.write_whole(path, json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def _facts(
    parts: Parts, device: Device, accuracy: float | None, tested: Scores | None
) -> dict[str, Any]:
    """Collect a model's facts for its ``config.json``."""
    config = parts.config
    facts = {
        "window_s": config.window_s,
        "trained_on": config.data.split(":")[0],
        "accuracy": accuracy,
        "n_tested": len(parts.test.indices),
        "temperature": tested.temperature if tested else 1.0,
        "preset": config.preset,
        "saved_at": time.time(),
        "device": device.name,
        "precision": device.precision,
    }
    clear = tested.risk_coverage if tested else None
    if tested and tested.temperature != 1 and tested.fitted_on:
        facts["n_calibration_songs"] = tested.fitted_on[0]
    if clear and clear.is_held_out:
        facts["clear"] = clear.rule().to_config()
    return facts
