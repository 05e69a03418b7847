"""Find a model by its name, and load it for evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError
from hub import client
from networks import checkpoint
from networks.checkpoint import HUB_ID, LoadedModel, Source
from networks.cpu.precision import Wanted
from trainer import base_models
from trainer.run import runs
from trainer.run.runs import Run

BUNDLED = (base_models.BUNDLED, *base_models.FORMER)


@dataclass(frozen=True)
class ModelSource:
    """Where a model is.

    Attributes:
        name: as the user gave it.
        source: bundled, a run, a folder or the Hub.
        folder: the checkpoint.
        run: the run that trained it, where it was one of this host.
    """

    name: str
    source: Source
    folder: Path
    run: Run | None = None

    def training_songs(self) -> frozenset[str]:
        """Return the names of its run's training songs; empty where unknown."""
        split = runs.read_json(self.run.folder / "split.json") if self.run else None
        return frozenset((split or {}).get("train", ()))


def find(name: str, runs_dir: Path, bundled_dir: Path) -> ModelSource:
    """Find a model by its name; one of the Hub is downloaded.

    Args:
        name: ``bundled`` (formerly ``demo``), ``run:ID`` or a run's id, a checkpoint's
            folder, or an id of the Hub (``hub:ID`` where a folder has the same name).
        runs_dir: where to look for runs.
        bundled_dir: the checkpoint that ships with the app.

    Raises:
        KnownError: ``no_demo_model``, ``unknown_run``, ``run_without_model``,
            ``not_a_checkpoint``, ``no_such_model``, or what ``hub.fetch`` raises.
    """
    if name in BUNDLED:
        if not client.is_whole(bundled_dir):
            raise KnownError("no_demo_model")
        return ModelSource(name, "bundled", bundled_dir)
    run_id = name.removeprefix("run:")
    if run_id != name or runs.ID.fullmatch(run_id):
        return _of_run(name, runs.find(runs_dir, run_id))
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not client.is_whole(folder):
            raise KnownError(
                "not_a_checkpoint", folder=name, files=client.CHECKPOINT_FILES
            )
        return ModelSource(name, "folder", folder)
    hub_id = name.removeprefix("hub:")
    if not HUB_ID.fullmatch(hub_id):
        raise KnownError("no_such_model", name=name)
    fetched = client.fetch(hub_id, max_bytes=checkpoint.MAX_BYTES)
    return ModelSource(name, "hub", fetched)


def _of_run(name: str, run: Run) -> ModelSource:
    if not client.is_whole(run.model_dir):
        raise KnownError("run_without_model", id=run.id)
    return ModelSource(name, "run", run.model_dir, run)


def load(source: ModelSource, precision: Wanted = "auto") -> LoadedModel:
    """Load a model.

    Args:
        source: of it.
        precision: of products on a CPU.

    Raises:
        KnownError: ``model_broken`` or another code of ``checkpoint.load``, or
            ``model_other_rate`` where its input has another sampling rate than the
            prepared songs.
    """
    ref = checkpoint.describe(source.source, source.name, source.folder)
    if ref is None:  # its config.json is no JSON
        raise KnownError("model_broken", title=source.name)
    model = checkpoint.load(ref, source.folder, precision=precision)
    if model.sampling_rate != SAMPLING_RATE:
        rate = model.sampling_rate
        raise KnownError("model_other_rate", title=source.name, rate=rate)
    return model
