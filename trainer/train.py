"""The run itself: RunConfig in, checkpoint folder out, events on the way.

No page and no thread knows of it, and it knows of none. The Trainer of transformers
does the training; this module gives it the songs, listens, and keeps the result.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from errors import KnownError
from trainer import base, data, metrics, windows
from trainer.config import RunConfig
from trainer.data import SongSet
from trainer.events import Emit, Noted, ShouldStop, Stage, StopRequested
from trainer.follow import follower

if TYPE_CHECKING:
    import transformers

METRIC = "accuracy"


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


@dataclass(frozen=True, eq=False)
class Parts:
    """What a run is made of once its songs and its model are there."""

    config: RunConfig
    songs: SongSet
    train: windows.RandomWindows
    test: windows.AllWindows
    model: Any
    extractor: Any


def train(
    config: RunConfig,
    run_dir: Path,
    *,
    cache_dir: Path,
    emit: Emit,
    should_stop: ShouldStop,
) -> Result:
    """Train as the config says; the model ends in ``run_dir/model``.

    Args:
        config: the run's choices.
        run_dir: gets ``split.json``, ``checkpoints/``, ``model/``, ``confusion.json``.
        cache_dir: where decoded songs are kept between runs.
        emit: hears every event.
        should_stop: asked between songs, steps and test windows.

    Raises:
        KnownError: ``nan_loss``, ``no_cuda``, or what data and models raise.
        StopRequested: stopped before there was anything to save.
    """
    parts = _parts(config, cache_dir, emit, should_stop)
    _keep_split(parts, run_dir)
    trainer = _trainer(parts, run_dir, emit, should_stop)
    emit(Stage("train", 0, config.n_steps))
    was_stopped = False
    try:
        trainer.train()
    except StopRequested:  # in the middle of an evaluation
        was_stopped = True
    was_stopped |= should_stop() and trainer.state.global_step < config.n_steps
    emit(Stage("save"))
    accuracy = _best_accuracy(trainer)
    _save(parts, run_dir, accuracy)
    return Result(accuracy, trainer.state.global_step, was_stopped)


def _parts(
    config: RunConfig, cache_dir: Path, emit: Emit, should_stop: ShouldStop
) -> Parts:
    """Songs split in two, and the model that will learn their genres."""
    emit(Stage("songs"))
    source = data.source_of(config, emit)
    songs = data.prepare(source, cache_dir, emit=emit, should_stop=should_stop)
    data.check_split(songs)
    train_songs, test_songs = data.split(
        songs.labels, config.test_fraction, config.seed
    )
    emit(Noted("split", {"n_train": len(train_songs), "n_test": len(test_songs)}))
    emit(Stage("model"))
    model, extractor = base.load_base(config, songs.genres)
    n_parameters = sum(p.numel() for p in model.parameters())
    emit(Noted("model", {"name": config.base_model, "millions": n_parameters / 1e6}))
    return Parts(
        config,
        songs,
        windows.RandomWindows(
            songs,
            train_songs,
            extractor,
            config.window_s,
            config.seed,
            config.augmentation,
        ),
        windows.AllWindows(songs, test_songs, extractor, config.window_s),
        model,
        extractor,
    )


def _keep_split(parts: Parts, run_dir: Path) -> None:
    """Which songs the model learned from, and which it never heard, by name."""
    halves = {"train": parts.train.indices, "test": parts.test.indices}
    names = {
        half: [parts.songs.names[index] for index in indices]
        for half, indices in halves.items()
    }
    (run_dir / "split.json").write_text(json.dumps(names, ensure_ascii=False), "utf-8")


def _trainer(
    parts: Parts, run_dir: Path, emit: Emit, should_stop: ShouldStop
) -> transformers.Trainer:
    """The Trainer of transformers, set up for these parts."""
    import transformers

    # forward(**kwargs) makes the Trainer believe that the model divides the loss by
    # the number of accumulated batches itself. It does not: without this line the
    # loss starts at 4 ln(n) for 4 of them, and clipping bites 4 times too early
    # (transformers issue 47688).
    parts.model.accepts_loss_kwargs = False
    trainer = transformers.Trainer(
        model=parts.model,
        args=training_arguments(parts.config, run_dir),
        train_dataset=parts.train,
        eval_dataset=parts.test,
        data_collator=windows.collate,
        compute_metrics=_Scores(parts, run_dir),
        callbacks=[follower(emit, should_stop, parts.config, parts.test)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def training_arguments(config: RunConfig, run_dir: Path) -> Any:
    """The tutorial's recipe in the words of today's transformers.

    Raises:
        KnownError: ``no_cuda`` where fp16 is asked of a machine without a CUDA GPU.
    """
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_warning()
    precision = _precision(config.precision)
    rhythm = "steps" if config.eval_every_n_steps else "epoch"
    every = config.eval_every_n_steps or config.n_steps
    return transformers.TrainingArguments(
        output_dir=str(run_dir / "checkpoints"),
        max_steps=config.n_steps,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.n_accumulated,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_fraction,  # below 1 it is the fraction
        lr_scheduler_type=config.schedule,
        weight_decay=config.weight_decay,
        fp16=precision == "fp16",
        bf16=precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        eval_strategy=rhythm,
        eval_steps=every,
        save_strategy=rhythm,
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=METRIC,
        logging_steps=1,
        logging_nan_inf_filter=False,  # a NaN loss shall be seen
        disable_tqdm=True,
        remove_unused_columns=False,
        report_to="none",
        seed=config.seed,
    )


def _precision(wanted: str) -> str:
    """The number format to train in, settled for this machine."""
    import torch

    has_cuda = torch.cuda.is_available()
    if wanted == "fp16" and not has_cuda:
        raise KnownError("no_cuda", field="precision", value=wanted)
    if wanted != "auto":
        return wanted
    if not has_cuda:
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


class _Scores:
    """Called by the Trainer with the logits of all test windows: scores by song.

    The confusion matrix of the best evaluation so far is kept on disk, because the
    best checkpoint is the one that becomes the model.
    """

    def __init__(self, parts: Parts, run_dir: Path) -> None:
        self.parts = parts
        self.run_dir = run_dir
        self.best = -1.0
        self.accuracy = metrics.accuracy_metric()

    def __call__(self, outputs: transformers.EvalPrediction) -> dict[str, float]:
        test = self.parts.test
        logits = np.asarray(outputs.predictions, np.float32)
        answers = metrics.song_probabilities(logits, test.owners).argmax(axis=1)
        truths = self.parts.songs.labels[test.indices]
        score = self.accuracy.compute(predictions=answers, references=truths)
        if score[METRIC] > self.best:
            self.best = score[METRIC]
            self._keep_confusion(truths, answers)
        return score

    def _keep_confusion(
        self, truths: NDArray[np.int64], answers: NDArray[np.int64]
    ) -> None:
        genres = self.parts.songs.genres
        counts = metrics.confusion(truths, answers, len(genres)).tolist()
        text = json.dumps({"genres": genres, "counts": counts}, ensure_ascii=False)
        (self.run_dir / "confusion.json").write_text(text, "utf-8")


def _best_accuracy(trainer: transformers.Trainer) -> float:
    """Of the checkpoint that was kept; NaN before the first evaluation."""
    best = trainer.state.best_metric
    return math.nan if best is None else float(best)


def _save(parts: Parts, run_dir: Path, accuracy: float) -> None:
    """The checkpoint folder, whole or not at all: by rename.

    ``Trainer.save_model`` would add ``training_args.bin``, a pickle; this does not.
    """
    config = parts.config
    source = "folder" if config.data.startswith("folder:") else config.data
    parts.model.config.genrescope = {
        "window_s": config.window_s,
        "trained_on": source,
        "accuracy": None if math.isnan(accuracy) else accuracy,
        "n_tested": len(parts.test.indices),
        "preset": config.preset,
        "saved_at": time.time(),
    }
    part = run_dir / "model.part"
    parts.model.save_pretrained(part)
    parts.extractor.save_pretrained(part)
    part.rename(run_dir / "model")
