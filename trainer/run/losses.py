"""Read the losses and the accuracy of a run over its steps: one here, or a recorded one.

Recorded ones are real runs of this trainer; ``bench/recorded_runs.py`` has the
commands that made them, and writes ``assets/recorded_runs.json``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from trainer.run import runs
from trainer.run.events import Evaluated, Finished, Step

N_POINTS = 60  # of the training loss, means of neighbours


@dataclass(frozen=True)
class Part:
    """A part of a model: ``front_end``, ``encoder`` or ``head``.

    Attributes:
        name: of the part.
        n_parameters: numbers in it.
        is_trained: whether the run changes them.
    """

    name: str
    n_parameters: int
    is_trained: bool


@dataclass(frozen=True)
class Losses:
    """How a run went.

    Attributes:
        steps: of the training losses.
        training: mean loss of the training windows since the step before.
        validation_steps: of the validations.
        validation: mean loss of the validation songs.
        accuracies: share of right answers there, in [0, 1].
        n_steps: planned.
        n_validation_songs: songs in the validation part.
        n_training_songs: songs that it learns from; 0 where unknown.
        test_accuracy: of the chosen checkpoint on the test songs; None before its end.
        parts: of the model; empty where unknown.
    """

    steps: tuple[int, ...]
    training: tuple[float, ...]
    validation_steps: tuple[int, ...]
    validation: tuple[float, ...]
    accuracies: tuple[float, ...]
    n_steps: int
    n_validation_songs: int
    n_training_songs: int = 0
    test_accuracy: float | None = None
    parts: tuple[Part, ...] = ()

    @property
    def best(self) -> int:
        """Index of the validation with the lowest loss."""
        return int(np.argmin(self.validation))

    @property
    def has_parted(self) -> bool:
        """Whether the validation loss has risen by a tenth since it was lowest."""
        return self.validation[-1] > 1.1 * self.validation[self.best]


def of_run(run: runs.Run) -> Losses | None:
    """Read a run's events; None where it has not been validated yet."""
    events, _ = run.events()
    steps = [event for event in events if isinstance(event, Step)]
    evaluated = [event for event in events if isinstance(event, Evaluated)]
    losses = [event.loss for event in steps] + [event.loss for event in evaluated]
    if not steps or not evaluated or not np.isfinite(losses).all():
        return None
    finished = [event for event in events if isinstance(event, Finished)]
    at, training = _thinned([s.step for s in steps], [s.loss for s in steps])
    return Losses(
        steps=at,
        training=training,
        validation_steps=tuple(event.step for event in evaluated),
        validation=tuple(round(event.loss, 4) for event in evaluated),
        accuracies=tuple(round(event.accuracy, 4) for event in evaluated),
        n_steps=steps[-1].n_steps,
        n_validation_songs=evaluated[-1].n_songs,
        test_accuracy=finished[-1].test_accuracy if finished else None,
    )


def newest(runs_dir: Path) -> Losses | None:
    """Read the newest run that has been validated; None where there is none."""
    found = (of_run(run) for run in runs.every(runs_dir))
    return next((each for each in found if each), None)


@functools.cache
def recorded(path: Path) -> dict[str, Losses]:
    """Read the recorded runs of a file, by name."""
    told = json.loads(path.read_text("utf-8"))
    return {name: _from_json(each) for name, each in told.items()}


def written(losses: dict[str, Losses]) -> str:
    """Write recorded runs as JSON, which ``recorded`` reads."""
    lines = (f"  {json.dumps(n)}: {json.dumps(asdict(e))}" for n, e in losses.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _from_json(told: dict[str, object]) -> Losses:
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in told.items()
    }
    values["parts"] = tuple(Part(**part) for part in told["parts"])  # type: ignore
    return Losses(**values)  # type: ignore[arg-type]


def _thinned(
    steps: Sequence[int], losses: Sequence[float]
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return means of neighbours, each at the last of their steps."""
    n_each = -(-len(steps) // N_POINTS)
    starts = range(0, len(steps), n_each)
    return (
        tuple(steps[min(i + n_each, len(steps)) - 1] for i in starts),
        tuple(round(float(np.mean(losses[i : i + n_each])), 4) for i in starts),
    )
