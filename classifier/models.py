"""A model's key in, the model itself out: found cheaply, loaded once, memory bounded.

Models are chosen by key: from the list of what this host has, or, where the host
allows it, by the id of any audio classifier on the Hub. No path, address or code of a
visitor's comes this far.
"""

from __future__ import annotations

import threading
from pathlib import Path

from cache import Cache
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

MAX_KEPT_BYTES = 2_000_000_000  # of all that are kept; a HuBERT base takes 0.4 GB


class Models:
    """The models of this host, the few last used kept in memory.

    Args:
        bundled_model_dir: the checkpoint that ships with the app.
        runs_dir: where runs live; a finished one has its checkpoint in ``model/``.
        hub_model: id of the Hub model that this host lists.
        is_offline: the Hub may not be asked.
        is_hub_open: any audio classifier on the Hub may be asked for by its id.
        max_bytes: models with larger files are refused.
        max_kept_bytes: beyond it the least recently used models leave the memory; the
            one in use stays, whatever its size.
        n_at_once: how many windows are computed at the same time, by all models.
        device: where models run, such as "cpu"; the fastest by default.

    Attributes:
        queue: where inference of all models runs.
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
    ) -> None:
        self._bundled_model_dir = bundled_model_dir
        self._runs_dir = runs_dir
        self._hub_model = hub_model
        self._is_offline = is_offline
        self._is_hub_open = is_hub_open
        self._max_bytes = max_bytes
        self._device = device
        self.queue = InferenceQueue(n_at_once)
        self._kept: Cache[str, LoadedModel] = Cache(
            max_kept_bytes, lambda model: model.n_bytes
        )
        self._lock = threading.Lock()

    def available(self) -> tuple[ModelRef, ...]:
        """Every model in the list: bundled, runs from the newest on, Hub.

        Reads small JSON files only; a folder that is no whole checkpoint is left out.
        """
        bundled = self._bundled_model_dir
        found = [checkpoint.describe("bundled", bundled.name, bundled)]
        found += [
            checkpoint.describe("run", run.name, run / "model")
            for run in _finished_runs(self._runs_dir)
        ]
        refs = [ref for ref in found if ref]
        if not self._is_offline:
            refs.append(_hub_ref(self._hub_model))
        return tuple(refs)

    def ref(self, key: str) -> ModelRef:
        """The model with this key.

        Raises:
            KnownError: ``unknown_model`` for anything neither in ``available()`` nor,
                where the host allows it, the id of a model on the Hub.
        """
        for ref in self.available():
            if ref.key == key:
                return ref
        name = key.removeprefix("hub:")
        is_open = self._is_hub_open and not self._is_offline
        if is_open and name != key and HUB_ID.fullmatch(name):
            return _hub_ref(name)
        raise KnownError("unknown_model", model=key)

    def load(
        self, ref: ModelRef, count: client.Count = client.uncounted
    ) -> LoadedModel:
        """The model itself, loaded once however many ask for it at the same time.

        Args:
            ref: which one.
            count: is told how much of a download is here, as of ``hub.fetch``.

        Raises:
            KnownError: ``unknown_model``, or a code of ``hub.fetch`` or
                ``checkpoint.load``.
        """
        kept = self._kept.get(ref.key)
        if kept is not None:
            return kept
        found, folder = self._found(ref.key, count)  # may wait for the Hub: no lock
        # Under it, since transformers switches torch's defaults while it loads.
        with self._lock:
            loaded = self._kept.get(ref.key)
            if loaded is None:
                loaded = checkpoint.load(
                    found, folder, max_bytes=self._max_bytes, device=self._device
                )
                self._kept.put(ref.key, loaded)
            return loaded

    def _found(self, key: str, count: client.Count) -> tuple[ModelRef, Path]:
        """What is known of a model once its checkpoint is on this disk, and where."""
        ref = self.ref(key)
        if ref.source == "bundled":
            return ref, self._bundled_model_dir
        if ref.source == "run":
            return ref, self._runs_dir / ref.id / "model"
        folder = client.fetch(ref.id, max_bytes=self._max_bytes, count=count)
        found = checkpoint.describe("hub", ref.id, folder, revision=folder.name)
        return found or ref, folder


def _hub_ref(name: str) -> ModelRef:
    """Describe a model on the Hub, of which nothing is known before it is fetched."""
    return ModelRef("hub", name, None, name, "", DEFAULT_WINDOW_S)


def _finished_runs(runs_dir: Path) -> list[Path]:
    """Folders of the runs that came to an end, newest first: their ids begin so."""
    results = sorted(runs_dir.glob("*/result.json"), reverse=True)
    ended = ("finished", "stopped")
    return [path.parent for path in results if read_json(path).get("state") in ended]
