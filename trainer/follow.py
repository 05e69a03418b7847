"""The Trainer's callbacks, turned into events and a stop that stops."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from errors import KnownError
from trainer.config import RunConfig
from trainer.events import Emit, Evaluated, ShouldStop, Stage, Step, StopRequested
from trainer.windows import AllWindows

if TYPE_CHECKING:
    import transformers


def follower(
    emit: Emit, should_stop: ShouldStop, config: RunConfig, test: AllWindows
) -> transformers.TrainerCallback:
    """A callback that speaks in events and obeys the stop flag.

    Args:
        emit: hears a Step after every optimizer step, and a Stage during tests.
        should_stop: asked after every forward pass, training or testing.
        config: for the number of windows in a step.
        test: the windows that one evaluation hears.
    """
    import transformers

    class Follower(_Listener, transformers.TrainerCallback):
        """The listener, as the type that the Trainer knows."""

    return Follower(emit, should_stop, config, test)


class _Listener:
    """What happens at the Trainer's events that matter to us."""

    def __init__(
        self, emit: Emit, should_stop: ShouldStop, config: RunConfig, test: AllWindows
    ) -> None:
        self.emit = emit
        self.should_stop = should_stop
        self.n_per_batch = config.batch_size
        self.n_per_step = config.batch_size * config.n_accumulated
        self.n_windows = len(test)
        self.n_songs = len(test.indices)
        self.n_tested = 0
        self.began_at = time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.began_at = time.monotonic()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any
    ) -> None:
        if "loss" not in logs:
            return
        took_s = max(time.monotonic() - self.began_at, 1e-9)
        self.emit(
            Step(
                state.global_step,
                state.max_steps,
                float(logs["loss"]),
                float(logs["learning_rate"]),
                float(logs.get("grad_norm", math.nan)),
                self.n_per_step / took_s,
            )
        )
        if not math.isfinite(logs["loss"]):
            raise KnownError("nan_loss", step=state.global_step)

    def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._stop_if_asked(control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._stop_if_asked(control)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._stop_if_asked(control)

    def _stop_if_asked(self, control: Any) -> None:
        """Save and end, without hearing the test songs once more."""
        if self.should_stop():
            control.should_training_stop = True
            control.should_save = True
            control.should_evaluate = False

    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.should_stop():
            raise StopRequested
        self.n_tested += self.n_per_batch
        self.emit(Stage("test", min(self.n_tested, self.n_windows), self.n_windows))

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any
    ) -> None:
        self.n_tested = 0
        accuracy, loss = metrics["eval_accuracy"], metrics["eval_loss"]
        self.emit(Evaluated(state.global_step, accuracy, loss, self.n_songs))
        self.emit(Stage("train", state.global_step, state.max_steps))
