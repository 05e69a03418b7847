"""The Trainer's callbacks, turned into events, whole checkpoints and a prompt stop."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libraries
from errors import KnownError
from trainer import checkpoints, randomness
from trainer.config import RunConfig
from trainer.events import (
    Emit,
    Evaluated,
    Planned,
    ShouldStop,
    Stage,
    Step,
    StopRequested,
)
from trainer.recipe import Batches
from trainer.windows import AllWindows, RandomWindows

if TYPE_CHECKING:
    import transformers

    from trainer.feature_cache import RandomCachedWindows


@dataclass(frozen=True)
class Rhythm:
    """The numbers that turn the Trainer's callbacks into progress.

    Attributes:
        n_per_batch: windows in one forward pass.
        n_per_step: windows in one optimizer step.
        n_windows: windows that one test hears.
        n_songs: songs that one test hears.
        tested_every: steps between two tests.
    """

    n_per_batch: int
    n_per_step: int
    n_windows: int
    n_songs: int
    tested_every: int

    @classmethod
    def of(
        cls, config: RunConfig, batches: Batches, n_train: int, test: AllWindows
    ) -> Rhythm:
        """The numbers of a run with ``n_train`` songs to learn from."""
        n_per_step = batches.size * batches.n_accumulated
        steps_per_epoch = math.ceil(n_train / n_per_step)
        return cls(
            n_per_batch=batches.size,
            n_per_step=n_per_step,
            n_windows=len(test),
            n_songs=len(test.indices),
            tested_every=config.eval_every_n_steps or steps_per_epoch,
        )


def follower(
    emit: Emit,
    should_stop: ShouldStop,
    run_dir: Path,
    rhythm: Rhythm,
    heard: RandomWindows | RandomCachedWindows,
) -> transformers.TrainerCallback:
    """A callback that speaks in events and obeys the stop flag.

    Args:
        emit: hears a Step after every optimizer step, and a Stage during tests.
        should_stop: asked after every forward pass, training or testing.
        run_dir: where the checkpoints are.
        rhythm: how much is in a step and in a test.
        heard: what the model learns from, to be told of every epoch.
    """
    libraries.settle()
    import transformers

    class Follower(_Listener, transformers.TrainerCallback):
        """The listener, as the type that the Trainer knows."""

    return Follower(emit, should_stop, run_dir, rhythm, heard)


class _Listener:
    """What happens at the Trainer's events that matter to us."""

    def __init__(
        self,
        emit: Emit,
        should_stop: ShouldStop,
        run_dir: Path,
        rhythm: Rhythm,
        heard: RandomWindows | RandomCachedWindows,
    ) -> None:
        self.emit = emit
        self.should_stop = should_stop
        self.run_dir = run_dir
        self.rhythm = rhythm
        self.heard = heard
        self.n_tested = 0
        self.saved_step = 0
        self.random_state: dict[str, Any] = {}
        self.marked_at = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        first = self.saved_step = state.global_step
        self._point_at_best(state)
        self.random_state = randomness.state()
        self.emit(Planned(first, state.max_steps, self.rhythm.tested_every))
        self.emit(Stage("train", first, state.max_steps))
        self.marked_at = time.monotonic()

    def _point_at_best(self, state: Any) -> None:
        """After a resumption the best checkpoint is our own, not the parent's."""
        name = f"checkpoint-{state.best_global_step}"
        best = self.run_dir / "checkpoints" / name
        state.best_model_checkpoint = str(best) if best.is_dir() else None

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # accelerate tells the data set of the epoch itself, but for the rest of a
        # resumed epoch and where several processes share one (DataLoaderShard.set_epoch).
        self.heard.set_epoch(int(state.epoch or 0))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any
    ) -> None:
        if "loss" not in logs:
            return
        now = time.monotonic()
        took_s = max(now - self.marked_at, 1e-9)  # the wait for the data included
        self.marked_at = now
        loss, norm = float(logs["loss"]), float(logs.get("grad_norm", math.nan))
        self.emit(
            Step(
                state.global_step,
                state.max_steps,
                loss,
                float(logs["learning_rate"]),
                norm,
                self.rhythm.n_per_step * args.world_size / took_s,
            )
        )
        # An infinite norm is ordinary in fp16, whose scaler leaves such a step out;
        # elsewhere it has just ruined the weights, which must not be saved.
        is_ruined = not math.isfinite(norm) and not args.fp16 and "grad_norm" in logs
        if is_ruined or not math.isfinite(loss):
            raise KnownError("nan_loss", step=state.global_step)

    def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._stop_if_asked(state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.random_state = randomness.state()
        self._stop_if_asked(state, control)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._stop_if_asked(state, control)

    def _stop_if_asked(self, state: Any, control: Any) -> None:
        """Save and end, without hearing the test songs once more."""
        if self.should_stop():
            control.should_training_stop = True
            # A whole checkpoint is never written again.
            control.should_save = state.global_step > self.saved_step
            control.should_evaluate = False

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.saved_step = state.global_step
        name = f"checkpoint-{state.global_step}"
        checkpoint = self.run_dir / "checkpoints" / name
        randomness.save(self.random_state, checkpoint)
        if args.should_save:
            checkpoints.seal(checkpoint)
            checkpoints.keep_two(self.run_dir, state.best_global_step)
        self.marked_at = time.monotonic()

    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.should_stop():
            raise StopRequested
        self.n_tested += self.rhythm.n_per_batch * args.world_size
        n_windows = self.rhythm.n_windows
        self.emit(Stage("test", min(self.n_tested, n_windows), n_windows))

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any
    ) -> None:
        self.n_tested = 0
        randomness.restore(self.random_state)
        accuracy, loss = metrics["eval_accuracy"], metrics["eval_loss"]
        n_songs = self.rhythm.n_songs
        self.emit(Evaluated(state.global_step, accuracy, loss, n_songs))
        self.emit(Stage("train", state.global_step, state.max_steps))
        self.marked_at = time.monotonic()
