"""Read and write a run's folder: its paths, config, events and state.

All data of a run are in its folder, so that every page, terminal and restarted server
reads the same. The training child is the only writer of results; pages read, and
create the empty files ``stop`` and ``cancel`` and the files ``title`` and
``labels.json``.

A run's processes hold the lock of its folder. Whether a run is alive is read from that
lock on every poll, and never stored.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from errors import KnownError
from hub.client import FEATURES, is_whole
from networks import masked_prediction
from trainer import base_models
from trainer.config import RunConfig
from trainer.run import events, locks

ID = base_models.RUN_ID
STAMP = "%Y%m%d-%H%M%S"  # how an id begins: local time
ENDED = ("finished", "stopped", "cancelled", "failed")
START_PATIENCE_S = 60.0  # then a folder without a process is a failed start
TITLE_LENGTH = 80  # characters
NOTES_LENGTH, N_TAGS, TAG_LENGTH = 2000, 12, 30
# JSON: the songs of each part, by name; the cache folder of their samples.
SPLIT, SONGS = "split.json", "songs.json"
MODEL = "model"
# Files that a cancelled run keeps: its settings, events and log.
RECORDS = frozenset(
    "config.json title labels.json parent.json ticket.json process.json started.json lock stop"
    " cancel events.jsonl trainer.log result.json".split()
)


@dataclass(frozen=True)
class RunState:
    """The state of a run.

    Attributes:
        name: ``waiting``, ``running``, ``stopping``, ``finished``, ``stopped``,
            ``cancelled`` or ``failed``; each has a sentence in the locales' section
            ``states``.
        code: of a failed run, the error's code.
        details: the values in the error's sentence.
    """

    name: str
    code: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ended(self) -> bool:
        """Whether the run is over."""
        return self.name in ENDED


@dataclass(frozen=True)
class Labels:
    """What people wrote about a run.

    Attributes:
        notes: any text.
        tags: words by which runs are found.
    """

    notes: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """One run: a folder whose name is its id."""

    folder: Path

    @property
    def id(self) -> str:
        """Time of creation and four hex digits."""
        return self.folder.name

    @property
    def model_dir(self) -> Path:
        """The finished model: a checkpoint folder as transformers reads it."""
        return self.folder / MODEL

    @property
    def group_kind(self) -> str:
        """What its songs' groups are, as of ``SongSet``; "" where nobody wrote it down."""
        return str((read_json(self.folder / SONGS) or {}).get("group_kind") or "")

    @property
    def features_file(self) -> Path:
        """The measure of what is unlike its songs; a run of an older version lacks it."""
        return self.model_dir / FEATURES

    @property
    def head_file(self) -> Path:
        """The prediction head and clusters of a pretrained model; others have none."""
        return self.model_dir / masked_prediction.FILE

    @property
    def events_file(self) -> Path:
        """One event a line, append-only."""
        return self.folder / "events.jsonl"

    @property
    def log_file(self) -> Path:
        """The raw output of the child."""
        return self.folder / "trainer.log"

    @property
    def stop_file(self) -> Path:
        """Requests a stop by its existence."""
        return self.folder / "stop"

    @property
    def cancel_file(self) -> Path:
        """Requests a stop and the removal of all results by its existence."""
        return self.folder / "cancel"

    @property
    def lock_file(self) -> Path:
        """Locked while one of the run's processes is alive."""
        return self.folder / "lock"

    @property
    def started_file(self) -> Path:
        """JSON, written when the run leaves the queue: ``pid`` of the trainer."""
        return self.folder / "started.json"

    @property
    def parent_file(self) -> Path:
        """JSON of a run that resumes another: its ``id`` and the ``step``."""
        return self.folder / "parent.json"

    @property
    def result_file(self) -> Path:
        """JSON, written last: the run's last state, and its scores."""
        return self.folder / "result.json"

    @property
    def title(self) -> str:
        """The name that the user gave the run; "" without one."""
        path = self.folder / "title"
        return path.read_text("utf-8") if path.exists() else ""

    @property
    def parent_id(self) -> str:
        """Id of the run that this one continues; "" for none."""
        return str((read_json(self.parent_file) or {}).get("id", ""))

    @property
    def labels_file(self) -> Path:
        """JSON: ``notes`` and ``tags``; a run without them, or an older one, has none."""
        return self.folder / "labels.json"

    @property
    def labels(self) -> Labels:
        """What people wrote about the run."""
        values = read_json(self.labels_file) or {}
        tags = values.get("tags", ())
        listed = tags if isinstance(tags, list) else ()
        return Labels(str(values.get("notes", "")), tuple(str(tag) for tag in listed))

    @property
    def config_file(self) -> Path:
        """The run's RunConfig as JSON."""
        return self.folder / "config.json"

    @property
    def is_made(self) -> bool:
        """Whether the run was created completely."""
        return self.config_file.is_file()

    def config(self) -> RunConfig:
        """Read the run's config."""
        return RunConfig.from_json(self.config_file.read_text("utf-8"))

    def events(self, cursor: int = 0) -> tuple[list[events.RunEvent], int]:
        """Read the events after ``cursor`` (bytes), and return them with the next cursor.

        An incomplete last line is left for the next call.
        """
        if not self.events_file.exists():
            return [], cursor
        with self.events_file.open("rb") as file:
            file.seek(cursor)
            whole, newline, _ = file.read().rpartition(b"\n")
        lines = whole.decode("utf-8", "replace").splitlines()
        found = [
            event
            for line in lines
            if (event := events.from_line(line, self._was_tested))
        ]
        return found, cursor + len(whole) + len(newline)

    def _was_tested(self) -> bool:
        """Return whether the saved scores are of the test songs."""
        return bool((read_json(self.folder / "scores.json") or {}).get("is_final"))

    def state(self) -> RunState:
        """Derive the run's state from the folder and its lock alone."""
        if ended := self._ended():
            return ended
        if locks.is_held(self.lock_file):
            if self.stop_file.exists():
                return RunState("stopping")
            return RunState("running" if self.started_file.exists() else "waiting")
        if self._is_just_made():
            return RunState("waiting")
        # It may have ended since: its result is there before its lock is released.
        details = {"last_line": self.last_line()}
        return self._ended() or RunState("failed", "run_vanished", details)

    def _ended(self) -> RunState | None:
        """Read the state that an ended run has left; None where there is none."""
        result = read_json(self.result_file)
        if result is None or result.get("state") not in ENDED:
            return None
        details = result.get("details", {})
        return RunState(result["state"], result.get("code", ""), details)

    def _is_just_made(self) -> bool:
        """Return whether the folder is so new that its process may not have started."""
        if self.lock_file.exists() or not self.folder.is_dir():
            return False
        return abs(time.time() - self.folder.stat().st_mtime) < START_PATIENCE_S

    def last_line(self) -> str:
        """Read the last line of the raw log, for a process that ended without result."""
        if not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as file:
            file.seek(max(self.log_file.stat().st_size - 2000, 0))
            tail = file.read().decode("utf-8", "replace")
        lines = [line.strip() for line in tail.splitlines() if line.strip()]
        return lines[-1][-200:] if lines else ""


def create(runs_dir: Path, config: RunConfig) -> Run:
    """Create a new run's folder, readable by its owner alone, with its config."""
    run = Run(runs_dir / f"{_stamp(runs_dir)}-{secrets.token_hex(2)}")
    run.folder.mkdir(mode=0o700, parents=True)
    write_whole(run.config_file, config.to_json())
    return run


def _stamp(runs_dir: Path) -> str:
    """Return the time for an id that sorts behind those of all runs.

    Clocks are put back, every autumn for instance: then it is the second after the
    newest run's.
    """
    now, second = datetime.now(), timedelta(seconds=1)
    newest = next(iter(every(runs_dir)), None)
    if newest:
        last = datetime.strptime(newest.id[:15], STAMP)
        if now < last + second and last - now < timedelta(days=1):
            now = last + second
    return now.strftime(STAMP)


def every(runs_dir: Path) -> list[Run]:
    """List all runs, the newest first."""
    if not runs_dir.is_dir():
        return []
    names = sorted((path.name for path in runs_dir.iterdir()), reverse=True)
    found = [Run(runs_dir / name) for name in names if ID.fullmatch(name)]
    return [run for run in found if run.is_made]


def find(runs_dir: Path, run_id: str) -> Run:
    """Find the run with an id, which may come from a visitor.

    Raises:
        KnownError: ``unknown_run`` for anything but the id of an existing run.
    """
    run = Run(runs_dir / run_id) if ID.fullmatch(run_id) else None
    if run is None or not run.is_made or run.folder.is_symlink():
        raise KnownError("unknown_run", id=run_id)
    return run


def base_model_dir(config: RunConfig, runs_dir: Path) -> Path | None:
    """Return the model of the run that a config starts from; None for other bases."""
    run_id = base_models.run_id(config.base_model)
    return Run(runs_dir / run_id).model_dir if run_id else None


def check_base(config: RunConfig, runs_dir: Path) -> None:
    """Check that the run that a config starts from, if any, has a model.

    Raises:
        KnownError: ``unknown_run`` or ``run_without_model``.
    """
    run_id = base_models.run_id(config.base_model)
    if run_id and not is_whole(find(runs_dir, run_id).model_dir):
        raise KnownError("run_without_model", id=run_id)


def first_base(config: RunConfig, runs_dir: Path) -> str:
    """Follow runs that started from other runs; return the base model of the first.

    A run that is gone ends the search.
    """
    run = Run(runs_dir / base_models.run_id(config.base_model))
    while base_models.run_id(config.base_model) and run.is_made:
        config = run.config()
        run = Run(runs_dir / base_models.run_id(config.base_model))
    return config.base_model


def write_whole(path: Path, text: str) -> None:
    """Write a file atomically, by rename."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; ``None`` where it is missing or incomplete."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def rename(run: Run, title: str) -> None:
    """Set a run's title; "" removes it."""
    printable = "".join(c if c.isprintable() else " " for c in title)
    write_whole(run.folder / "title", " ".join(printable.split())[:TITLE_LENGTH])


def label(run: Run, notes: str, tags: str) -> None:
    """Set a run's notes, and its tags, which commas or spaces separate."""
    kept = "".join(c for c in notes if c.isprintable() or c == "\n").strip()
    words = re.split(
        r"[\s,，、]+", "".join(c if c.isprintable() else " " for c in tags)
    )
    found = list(dict.fromkeys(word[:TAG_LENGTH] for word in words if word))
    values = {"notes": kept[:NOTES_LENGTH], "tags": found[:N_TAGS]}
    text = json.dumps(values, ensure_ascii=False, indent=1)
    write_whole(run.labels_file, text)


def remove_products(run: Run) -> None:
    """Delete the results of a cancelled run; keep its settings, events and log."""
    for path in run.folder.iterdir():
        if path.name in RECORDS:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def delete(runs_dir: Path, run_id: str) -> None:
    """Delete a run that has ended.

    The folder is renamed first, so that no page reads an incomplete run.

    Raises:
        KnownError: ``unknown_run``, or ``run_is_at_work``.
    """
    run = find(runs_dir, run_id)
    if not run.state().is_ended:
        raise KnownError("run_is_at_work", id=run.id)
    gone = runs_dir / f".deleted-{run.id}"
    run.folder.rename(gone)
    shutil.rmtree(gone)
