"""A run's folder on disk: its paths, config, events and state.

Nothing about a run lives anywhere else, so every page, terminal and restarted server
reads the same run. The training child is the only writer of results; pages read, and
make the empty file ``stop``.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errors import KnownError
from trainer import events
from trainer.config import RunConfig

ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
ENDED = ("finished", "stopped", "failed")
START_PATIENCE_S = 60.0  # then a folder without a process is a start that died


@dataclass(frozen=True)
class RunState:
    """Where a run stands.

    Attributes:
        name: ``waiting``, ``running``, ``stopping``, ``finished``, ``stopped`` or
            ``failed``; each has a sentence in the locales' section ``states``.
        code: of a failed run, the error's code.
        details: the values that the error's sentence names.
    """

    name: str
    code: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.name in ENDED


@dataclass(frozen=True)
class Run:
    """One run: a folder whose name is its id."""

    folder: Path

    @property
    def id(self) -> str:
        """Time of birth and four hex digits."""
        return self.folder.name

    @property
    def model_dir(self) -> Path:
        """The finished model: a checkpoint folder as transformers reads it."""
        return self.folder / "model"

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
        """Its being there asks the child to stop."""
        return self.folder / "stop"

    def config(self) -> RunConfig:
        """The choices that the run was started with."""
        return RunConfig.from_json((self.folder / "config.json").read_text("utf-8"))

    def events(self, cursor: int = 0) -> tuple[list[events.RunEvent], int]:
        """The events after ``cursor`` (bytes), and the cursor to come back with.

        Only complete lines count: the last one may be half-written.
        """
        if not self.events_file.exists():
            return [], cursor
        with self.events_file.open("rb") as file:
            file.seek(cursor)
            whole, newline, _ = file.read().rpartition(b"\n")
        lines = whole.decode("utf-8", "replace").splitlines()
        found = [event for line in lines if (event := events.from_line(line))]
        return found, cursor + len(whole) + len(newline)

    def state(self) -> RunState:
        """Where the run stands, derived from the folder and the process alone."""
        result = read_json(self.folder / "result.json")
        if result is not None:
            details = result.get("details", {})
            return RunState(result["state"], result.get("code", ""), details)
        process = read_json(self.folder / "process.json")
        vanished = RunState("failed", "run_vanished", {"last_line": self._last_line()})
        if process is None:
            age_s = time.time() - self.folder.stat().st_mtime
            return RunState("waiting") if age_s < START_PATIENCE_S else vanished
        if not is_alive(process["pid"], process["created_at"]):
            return vanished
        return RunState("stopping" if self.stop_file.exists() else "running")

    def _last_line(self) -> str:
        """The end of the raw log: often the only word of a killed process."""
        if not self.log_file.exists():
            return ""
        tail = self.log_file.read_bytes()[-2000:].decode("utf-8", "replace")
        lines = [line.strip() for line in tail.splitlines() if line.strip()]
        return lines[-1][-200:] if lines else ""


def create(runs_dir: Path, config: RunConfig) -> Run:
    """A new run's folder, readable by its owner alone, with its config in it."""
    run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    folder = runs_dir / run_id
    folder.mkdir(mode=0o700, parents=True)
    write_whole(folder / "config.json", config.to_json())
    return Run(folder)


def every(runs_dir: Path) -> list[Run]:
    """All runs, the newest first."""
    if not runs_dir.is_dir():
        return []
    names = sorted((path.name for path in runs_dir.iterdir()), reverse=True)
    return [Run(runs_dir / name) for name in names if ID.fullmatch(name)]


def find(runs_dir: Path, run_id: str) -> Run:
    """The run with an id that may come from a visitor.

    Raises:
        KnownError: ``unknown_run`` for anything but the id of a run that is there.
    """
    run = Run(runs_dir / run_id) if ID.fullmatch(run_id) else None
    if run is None or not run.folder.is_dir():
        raise KnownError("unknown_run", id=run_id)
    return run


def write_whole(path: Path, text: str) -> None:
    """Write a file so that readers see all of it or nothing: by rename."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON file's values; ``None`` where it is not there or not whole."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def is_alive(pid: int, created_at: float) -> bool:
    """Whether the process that was born then still runs: pids are used again."""
    import psutil

    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - created_at) < 1.0
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
