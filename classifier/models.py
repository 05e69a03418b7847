"""Find models by key and load each once, within a bound on memory.

Models are chosen by key: from the list of what this host has, or, where the host
allows it, by the id of any audio classifier on the Hub. No path, address or code of a
visitor's reaches this module.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from cache import Cache
from classifier.arrival import Arrival
from classifier.queue import InferenceQueue
from errors import KnownError
from hub import client
from networks import checkpoint
from networks.checkpoint import (
    DEFAULT_WINDOW_S,
    HUB_ID,
    MAX_BYTES,
    LoadedModel,
    ModelRef,
    read_json,
)
from networks.cpu.precision import Wanted

AUTO = "auto"  # the key of the Hub's model once it is here, of the bundled one before
MODEL_STATES = ("finished", "stopped")  # of runs that have a model
MAX_KEPT_BYTES = 2_000_000_000  # of all that are kept; a HuBERT base takes 0.4 GB


class Models:
    """Load the models of this host; keep the few last used in memory.

    Args:
        bundled_model_dir: the checkpoint that ships with the app.
        runs_dir: of all runs; a finished one has its checkpoint in ``model/``.
        hub_model: id of the Hub model that this host lists, and that answers where
            nobody chose a model; "" for none.
        is_offline: the Hub may not be asked.
        is_hub_open: any audio classifier on the Hub may be asked for by its id.
        max_bytes: models with larger files are refused.
        max_kept_bytes: beyond it the least recently used models leave the memory; the
            one in use stays, whatever its size.
        n_at_once: how many windows are computed at the same time, by all models.
        device: where models run, such as "cpu"; the fastest by default.
        precision: of products on a CPU.

    Attributes:
        hub_model: id of the Hub model; "" for none.
        queue: where inference of all models runs.
        arrival: how the Hub's model comes here once ``prepare`` was called.
    """

    def __init__(
        self,
        *,
        bundled_model_dir: Path,
        runs_dir: Path,
        hub_model: str,
        is_offline: bool = False,
        is_hub_open: bool = False,
        max_bytes: int = MAX_BYTES,
        max_kept_bytes: int = MAX_KEPT_BYTES,
        n_at_once: int = 1,
        device: str | None = None,
        precision: Wanted = "auto",
    ) -> None:
        self._bundled_model_dir = bundled_model_dir
        self._runs_dir = runs_dir
        self.hub_model = hub_model
        self._is_offline = is_offline
        self._is_hub_open = is_hub_open
        self._max_bytes = max_bytes
        self._device = device
        self._precision = precision
        self.queue = InferenceQueue(n_at_once)
        self._loaded: Cache[str, LoadedModel] = Cache(
            max_kept_bytes, size_of=lambda model: model.n_bytes
        )
        self._lock = threading.Lock()
        self.arrival = Arrival(lambda news: self.load(self._hub(), news))

    def available(self) -> tuple[ModelRef, ...]:
        """List every model: bundled, runs from the newest on, Hub.

        Reads small JSON files only; a folder that is no whole checkpoint is left out,
        and so is a base model, which names no genres.
        """
        bundled = self._bundled_model_dir
        results = sorted(self._runs_dir.glob("*/result.json"), reverse=True)
        found = [checkpoint.describe("bundled", bundled.name, bundled)]
        found += [_run_ref(path.parent, read_json(path)) for path in results]
        refs = [ref for ref in found if ref and ref.names_labels]
        if self._is_hub_model_at_hand():
            refs.append(_hub_ref(self.hub_model))
        return tuple(refs)

    def prepare(self) -> None:
        """Fetch and load the Hub's model in the background, where that may be asked."""
        if self._is_hub_model_at_hand():
            self.arrival.start()

    @property
    def is_offline(self) -> bool:
        """Whether the Hub may not be asked."""
        return self._is_offline

    def candidates(self) -> tuple[ModelRef, ...]:
        """List what ``auto`` tries if it may wait: the Hub's model, then a local one."""
        listed = self.available()
        others = [ref for ref in listed if ref.source != "hub"]
        first = [self._hub()] if len(others) < len(listed) else []
        return (*first, *others[:1])

    def auto(self) -> ModelRef:
        """Find the model that answers now where nobody chose one.

        The Hub's, as soon as it is on this disk; the bundled one until then. The Hub is
        not asked: what is here is good enough, and no answer waits.

        Raises:
            KnownError: ``no_model``.
        """
        if self.arrival.progress.state != "refused" and (cached := self._cached()):
            return cached
        listed = self.available()
        if not listed:
            raise KnownError("no_model")
        return listed[0]

    def _is_hub_model_at_hand(self) -> bool:
        """Tell whether the Hub's model is here, or may be fetched."""
        return bool(self.hub_model) and (not self._is_offline or bool(self._cached()))

    def _hub(self) -> ModelRef:
        """Describe the Hub's model: the revision that is here, or the newest one."""
        return self._cached() or _hub_ref(self.hub_model)

    def _cached(self) -> ModelRef | None:
        """Describe the Hub's model, if it is on this disk, with its revision."""
        folder = client.cached(self.hub_model) if self.hub_model else None
        if folder is None:
            return None
        name = self.hub_model
        return checkpoint.describe("hub", name, folder, revision=folder.name)

    def ref(self, key: str) -> ModelRef:
        """Find the model with this key; of ``auto``, the one that answers now.

        Raises:
            KnownError: ``unknown_model`` for anything neither in ``available()`` nor,
                where the host allows it, the id of a model on the Hub; ``no_model``.
        """
        if key == AUTO:
            return self.auto()
        for ref in self.available():
            if ref.key == key:
                return ref
        name = key.removeprefix("hub:")
        is_open = self._is_hub_open and not self._is_offline
        if is_open and name != key and HUB_ID.fullmatch(name):
            return _hub_ref(name)
        raise KnownError("unknown_model", model=key)

    def at_hand(self, key: str) -> tuple[ModelRef, Path] | None:
        """Find a model's checkpoint on this disk; None where it is still on the Hub.

        Raises:
            KnownError: as ``ref``.
        """
        ref = self.ref(key)
        if ref.source == "hub":
            folder = client.cached(ref.id)
            found = folder and checkpoint.describe(
                "hub", ref.id, folder, revision=folder.name
            )
            return (found, folder) if found and folder else None
        return self._found(ref, client.ignore)

    def load(
        self, ref: ModelRef, on_progress: client.OnDownload = client.ignore
    ) -> LoadedModel:
        """Load a model, once for all concurrent callers.

        Args:
            ref: of the model; of one on the Hub, the newest revision where it names none.
            on_progress: of a download, as for ``client.fetch``.

        Raises:
            KnownError: ``unknown_model``, or a code of ``hub.fetch`` or
                ``checkpoint.load``.
        """
        loaded = self._loaded.get(ref.key)
        if loaded:
            return loaded
        found, folder = self._found(ref, on_progress)  # may wait for the Hub
        # One at a time, since transformers switches torch's defaults while it loads.
        with self._lock:
            loaded = self._loaded.get(ref.key)
            if not loaded:
                loaded = checkpoint.load(
                    found,
                    folder,
                    max_bytes=self._max_bytes,
                    device=self._device,
                    precision=self._precision,
                )
                self._loaded.put(ref.key, loaded)
            return loaded

    def folder(self, ref: ModelRef) -> Path:
        """Find the checkpoint of a model that was loaded, on this disk.

        Raises:
            KnownError: ``unknown_model``.
        """
        return self._found(ref, client.ignore)[1]

    def _found(
        self, asked: ModelRef, on_progress: client.OnDownload
    ) -> tuple[ModelRef, Path]:
        """Find or download a checkpoint; return its description and folder."""
        ref = self.ref(asked.key)
        if ref.source == "bundled":
            return ref, self._bundled_model_dir
        if ref.source == "run":
            return ref, self._runs_dir / ref.id / "model"
        folder = client.fetch(
            ref.id,
            revision=asked.revision or "",
            max_bytes=self._max_bytes,
            on_progress=on_progress,
        )
        found = checkpoint.describe("hub", ref.id, folder, revision=folder.name)
        return found or ref, folder


def _run_ref(run: Path, result: Mapping[str, Any]) -> ModelRef | None:
    """Describe a run's model by what it is; None of a run that has none."""
    if result.get("state") not in MODEL_STATES:
        return None
    ref = checkpoint.describe("run", run.name, run / "model")
    accuracy = result.get("test_accuracy")
    return ref and replace(
        ref,
        name=_line_of(run / "title"),
        songs=_songs_of(read_json(run / "config.json")),
        test_accuracy=accuracy if isinstance(accuracy, float | int) else None,
    )


def _songs_of(config: Mapping[str, Any]) -> str:
    """Name the songs of a run: of a folder or a zip its name, not where it is."""
    kind, _, place = str(config.get("data") or "").partition(":")
    return (PurePath(place).name if kind in ("folder", "zip") else place) or kind


def _line_of(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def _hub_ref(name: str) -> ModelRef:
    """Describe a model on the Hub that is not downloaded yet."""
    return ModelRef("hub", name, None, name, "", DEFAULT_WINDOW_S)
