"""Turn the Trainer's callbacks into events, sealed checkpoints and a prompt stop."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import process
from errors import KnownError
from networks import device
from trainer.config import RunConfig
from trainer.data.masked_windows import MaskedWindows
from trainer.data.windows import AllWindows, RandomWindows
from trainer.run import checkpoints
from trainer.run.events import (
    Emit,
    Evaluated,
    Guessed,
    Planned,
    ShouldStop,
    Stage,
    Step,
    StopRequested,
)
from trainer.training.recipe import Batches

if TYPE_CHECKING:
    import transformers

    from trainer.training.feature_cache import RandomCachedWindows


@dataclass(frozen=True)
class Schedule:
    """Sizes of a run's steps and validations, to turn callbacks into progress.

    Attributes:
        n_per_batch: windows in one forward pass.
        n_per_step: windows in one optimizer step.
        n_windows: windows of the validation songs.
        n_songs: validation songs.
        validate_every_n_steps: steps between two validations.
    """

    n_per_batch: int
    n_per_step: int
    n_windows: int
    n_songs: int
    validate_every_n_steps: int

    @classmethod
    def of(
        cls, config: RunConfig, batches: Batches, n_train: int, validation: AllWindows
    ) -> Schedule:
        """Compute the schedule of a run with ``n_train`` training songs."""
        n_per_step = batches.size * batches.n_accumulated
        steps_per_epoch = math.ceil(n_train / n_per_step)
        return cls(
            n_per_batch=batches.size,
            n_per_step=n_per_step,
            n_windows=len(validation),
            n_songs=len(validation.indices),
            validate_every_n_steps=config.eval_every_n_steps or steps_per_epoch,
        )


def event_callback(
    emit: Emit,
    should_stop: ShouldStop,
    run_dir: Path,
    schedule: Schedule,
    train_set: RandomWindows | RandomCachedWindows | MaskedWindows,
) -> transformers.TrainerCallback:
    """Make a callback that emits events and follows the stop flag.

    Args:
        emit: called with a Step after every optimizer step, and a Stage in validation.
        should_stop: called after every forward pass, training or validating.
        run_dir: where the checkpoints are.
        schedule: sizes of a step and of a validation.
        train_set: the training data, whose epoch is set.
    """
    process.settle()
    import transformers

    class TrainerEventCallback(_EventCallback, transformers.TrainerCallback):
        """The callback, as the type that the Trainer accepts."""

    return TrainerEventCallback(emit, should_stop, run_dir, schedule, train_set)


class _EventCallback:
    """The methods of ``transformers.TrainerCallback`` that a run needs."""

    def __init__(
        self,
        emit: Emit,
        should_stop: ShouldStop,
        run_dir: Path,
        schedule: Schedule,
        train_set: RandomWindows | RandomCachedWindows | MaskedWindows,
    ) -> None:
        self.emit = emit
        self.should_stop = should_stop
        self.run_dir = run_dir
        self.schedule = schedule
        self.train_set = train_set
        self.n_validated = 0
        self.saved_step = 0
        self.random_state: dict[str, Any] = {}
        self.last_at = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        first = self.saved_step = state.global_step
        self._point_at_best(state)
        self.random_state = _random_state()
        every = self.schedule.validate_every_n_steps
        self.emit(Planned(first, state.max_steps, every))
        self.emit(Stage("train", first, state.max_steps))
        self.last_at = time.monotonic()

    def _point_at_best(self, state: Any) -> None:
        """Point a resumed Trainer at the run's own best checkpoint, not its parent's."""
        name = f"checkpoint-{state.best_global_step}"
        best = self.run_dir / "checkpoints" / name
        state.best_model_checkpoint = str(best) if best.is_dir() else None

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # accelerate sets the epoch of the data set itself, but not for the rest of a
        # resumed epoch nor where several processes share one (DataLoaderShard.set_epoch).
        self.train_set.set_epoch(int(state.epoch or 0))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any
    ) -> None:
        if "loss" not in logs:
            return
        now = time.monotonic()
        took_s = max(now - self.last_at, 1e-9)  # loading the data included
        self.last_at = now
        loss, norm = float(logs["loss"]), float(logs.get("grad_norm", math.nan))
        self.emit(
            Step(
                state.global_step,
                state.max_steps,
                loss,
                float(logs["learning_rate"]),
                norm,
                self.schedule.n_per_step * args.world_size / took_s,
            )
        )
        # An infinite norm is ordinary in fp16, whose scaler skips such a step;
        # elsewhere it has just ruined the weights, which must not be saved.
        is_ruined = not math.isfinite(norm) and not args.fp16 and "grad_norm" in logs
        if is_ruined or not math.isfinite(loss):
            raise KnownError("nan_loss", step=state.global_step)

    def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._stop_if_asked(state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.random_state = _random_state()
        self._stop_if_asked(state, control)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._stop_if_asked(state, control)

    def _stop_if_asked(self, state: Any, control: Any) -> None:
        """Save and end without another validation where a stop is requested."""
        if self.should_stop():
            control.should_training_stop = True
            # A sealed checkpoint is never written again.
            control.should_save = state.global_step > self.saved_step
            control.should_evaluate = False

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.saved_step = state.global_step
        name = f"checkpoint-{state.global_step}"
        checkpoint = self.run_dir / "checkpoints" / name
        _save_random(self.random_state, checkpoint)
        if args.should_save:
            checkpoints.seal(checkpoint)
            checkpoints.keep_two(self.run_dir, state.best_global_step)
        self.last_at = time.monotonic()

    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.should_stop():
            raise StopRequested
        self.n_validated += self.schedule.n_per_batch * args.world_size
        n_windows = self.schedule.n_windows
        self.emit(Stage("validate", min(self.n_validated, n_windows), n_windows))

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any
    ) -> None:
        self.n_validated = 0
        _restore_random(self.random_state)
        accuracy, loss = metrics["eval_accuracy"], metrics["eval_loss"]
        if "eval_commonest" in metrics:
            simple = metrics["eval_commonest"], metrics["eval_as_before"]
            n_frames = metrics["eval_n_frames"]
            self.emit(Guessed(state.global_step, accuracy, *simple, loss, n_frames))
        else:
            n_songs = self.schedule.n_songs
            self.emit(Evaluated(state.global_step, accuracy, loss, n_songs))
        self.emit(Stage("train", state.global_step, state.max_steps))
        self.last_at = time.monotonic()


def _random_state() -> dict[str, Any]:
    """Read the state of the random generators of Python, numpy, torch and the GPU.

    It has the form of the Trainer's own ``rng_state.pth``. A run that stops in the middle
    of a step has drawn for passes that never counted, and a validation in between draws
    too. Both are undone by restoring the state at the end of the last step, so that a resumed
    run's losses are those of the run that went through.
    """
    import torch

    states = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "cpu": torch.random.get_rng_state(),
    }
    if device.best().is_gpu:
        states["cuda"] = torch.cuda.random.get_rng_state()
    return states


def _restore_random(states: dict[str, Any]) -> None:
    """Set the random generators to a state."""
    import torch

    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.random.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.random.set_rng_state(states["cuda"])


def _save_random(states: dict[str, Any], checkpoint: Path) -> None:
    """Replace the random state that the Trainer saved in a checkpoint."""
    import torch

    path = checkpoint / "rng_state.pth"
    if path.exists():  # several processes have a file each, which stays as it is
        torch.save(states, path)
