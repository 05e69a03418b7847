"""Copy ended runs to storage that cannot hold a run at work, and back after a restart.

A bucket that is mounted as a folder takes files as a whole: a copy is written file after
file, each from its beginning to its end, ``result.json`` last, so that a copy that has
one is whole. Checkpoints and features stay behind: such a run cannot be resumed.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Container
from pathlib import Path

from trainer.run import runs
from trainer.run.runs import Run

LAST = "result.json"
LEFT = frozenset(("checkpoints", "recorded", "base", "ballast", "lock"))

logger = logging.getLogger(__name__)


class KeptRuns:
    """The copies of one host's runs.

    Args:
        runs_dir: of the runs.
        kept_dir: of their copies.
    """

    def __init__(self, runs_dir: Path, kept_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._kept_dir = kept_dir
        self._known: set[str] = set()  # those that were in both places

    def restore(self) -> None:
        """Copy back what is whole there and not here."""
        for run in runs.every(self._kept_dir):
            here = self._runs_dir / run.id
            if (run.folder / LAST).is_file() and not here.exists():
                part = self._runs_dir / f".restored-{run.id}"
                try:
                    shutil.rmtree(part, ignore_errors=True)
                    _copy(run.folder, part)
                    part.rename(here)
                except OSError:
                    logger.exception("the run %s was not restored", run.id)

    def update(self) -> None:
        """Copy runs that have ended since, and delete the copies of deleted ones."""
        every = {run.id: run for run in runs.every(self._runs_dir)}
        for run in every.values():
            if run.id not in self._known and (run.folder / LAST).is_file():
                self._keep(run)
        for run_id in self._known - every.keys():
            shutil.rmtree(self._kept_dir / run_id, ignore_errors=True)
            self._known.discard(run_id)

    def _keep(self, run: Run) -> None:
        """Copy one run, unless a whole copy is there."""
        there = self._kept_dir / run.id
        try:
            if not (there / LAST).is_file():
                shutil.rmtree(there, ignore_errors=True)
                _copy(run.folder, there, LEFT)
            self._known.add(run.id)
        except OSError:
            logger.exception("the run %s was not copied", run.id)


def _copy(source: Path, target: Path, left: Container[str] = ()) -> None:
    """Copy the files of a run, without their times and rights, ``LAST`` at the end."""
    paths = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    kept = [path for path in paths if path.parts[0] not in left]
    for path in sorted(kept, key=lambda path: path == Path(LAST)):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)
