"""Compare all runs at a glance: a row each, and all of them as CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import messages
from trainer.config import FOLDER, ZIP, RunConfig
from trainer.run.events import Planned, RunEvent, Step
from trainer.run.runs import Run

FORMULA = ("=", "+", "-", "@")  # how a cell begins that a spreadsheet would compute


@dataclass(frozen=True)
class Row:
    """What is compared of one run.

    Attributes:
        id: of the run.
        name: its title; without one, the end of its id.
        state: as of ``RunState``.
        recipe: its preset.
        songs: of a folder or zip its name alone, else as in its config.
        base_model: what it started from, without the owner.
        test_accuracy: in [0, 1]; None where there was no test.
        validation_accuracy: of the best checkpoint.
        n_validation_songs: that this was measured on.
        masked_accuracy: share of hidden frames that are guessed.
        step: the last that is done, in this run or in those that it continues.
        n_steps: planned.
        took_s: its own time (s).
        parent_id: of the run that it continues; "" for none.
        tags: what people call it besides.
        notes: what people wrote about it.
    """

    id: str
    name: str
    state: str
    recipe: str
    songs: str
    base_model: str
    test_accuracy: float | None
    validation_accuracy: float | None
    n_validation_songs: int | None
    masked_accuracy: float | None
    step: int
    n_steps: int
    took_s: float
    parent_id: str
    tags: tuple[str, ...]
    notes: str


def row(run: Run, story: Sequence[RunEvent], own: Sequence[RunEvent]) -> Row:
    """Read what is compared of a run.

    Args:
        run: the run.
        story: its events after the steps and validations of those that it continues.
        own: its own events.
    """
    config, labels = run.config(), run.labels
    best = messages.best(story)
    steps = [each for each in story if isinstance(each, Step)]
    plans = [each for each in story if isinstance(each, Step | Planned)]
    return Row(
        id=run.id,
        name=run.title or run.id[-4:],
        state=run.state().name,
        recipe=config.preset,
        songs=songs_of(config),
        base_model=config.base_model.rpartition("/")[2],
        test_accuracy=messages.test_accuracy(story),
        validation_accuracy=best.accuracy if best else None,
        n_validation_songs=best.n_songs if best else None,
        masked_accuracy=messages.masked_accuracy(story),
        step=steps[-1].step if steps else 0,
        n_steps=plans[-1].n_steps if plans else config.n_steps,
        took_s=messages.took_s(own),
        parent_id=run.parent_id,
        tags=labels.tags,
        notes=labels.notes,
    )


def songs_of(config: RunConfig) -> str:
    """Name the songs of a run: of a folder or zip its name, never where it is."""
    is_path = config.data.startswith((FOLDER, ZIP))
    return Path(config.data).name if is_path else config.data


def as_csv(rows: Iterable[tuple[Row, RunConfig]], *, with_notes: bool) -> str:
    """Write runs as CSV, a line each, with all their settings.

    Args:
        rows: what is compared, and the run's config.
        with_notes: whether what people wrote about their runs is among it.

    Returns:
        CSV after a byte order mark, by which spreadsheets know its encoding.
    """
    facts = [item.name for item in dataclasses.fields(Row)]
    facts = [name for name in facts if with_notes or name != "notes"]
    given = [item.name for item in dataclasses.fields(RunConfig)]
    settings = [name for name in given if name not in ("preset", "data", *facts)]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*facts, *settings])
    for each, config in rows:
        values = [getattr(each, name) for name in facts]
        values += [getattr(config, name) for name in settings]
        writer.writerow([_cell(value) for value in values])
    return "\ufeff" + file.getvalue()


def _cell(value: object) -> str:
    """Format a value; a text that a spreadsheet would compute is kept as a text."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = " ".join(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text
