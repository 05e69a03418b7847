"""A model's key in, the model itself out: found cheaply, loaded once, memory bounded.

Models are chosen by key: from the list of what this host has, or, where the host
allows it, by the id of any audio classifier on the Hub. No path, address or code of a
visitor's comes this far.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

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

AUTO = "auto"  # the key of whichever model knows most of those that are here
MAX_KEPT_BYTES = 2_000_000_000  # of all that are kept; a HuBERT base takes 0.4 GB


class Models:
    """The models of this host, the few last used kept in memory.

    Args:
        bundled_model_dir: the checkpoint that ships with the app.
        runs_dir: where runs live; a finished one has its checkpoint in ``model/``.
        hub_model: id of the Hub model that this host lists, and that answers where
            nobody chose a model; "" for none.
        is_offline: the Hub may not be asked.
        is_hub_open: any audio classifier on the Hub may be asked for by its id.
        max_bytes: models with larger files are refused.
        max_kept_bytes: beyond it the least recently used models leave the memory; the
            one in use stays, whatever its size.
        n_at_once: how many windows are computed at the same time, by all models.
        device: where models run, such as "cpu"; the fastest by default.

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
    ) -> None:
        self._bundled_model_dir = bundled_model_dir
        self._runs_dir = runs_dir
        self.hub_model = hub_model
        self._is_offline = is_offline
        self._is_hub_open = is_hub_open
        self._max_bytes = max_bytes
        self._max_kept_bytes = max_kept_bytes
        self._device = device
        self.queue = InferenceQueue(n_at_once)
        self._kept: OrderedDict[str, LoadedModel] = OrderedDict()
        self._lock = threading.Lock()
        self.arrival = Arrival(lambda count: self.load(self._hub(), count))

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
        if self._is_hub_model_at_hand():
            refs.append(_hub_ref(self.hub_model))
        return tuple(refs)

    def prepare(self) -> None:
        """Let the Hub's model come in the background, where the Hub may be asked."""
        if self._is_hub_model_at_hand():
            self.arrival.start()

    @property
    def is_offline(self) -> bool:
        """Whether the Hub may not be asked."""
        return self._is_offline

    def candidates(self) -> tuple[ModelRef, ...]:
        """Whom ``auto`` would ask if it could wait: the Hub's model, then one from here."""
        listed = self.available()
        others = [ref for ref in listed if ref.source != "hub"]
        first = [self._hub()] if len(others) < len(listed) else []
        return (*first, *others[:1])

    def auto(self) -> ModelRef:
        """The model that answers now where nobody chose one.

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
        """Whether the Hub's model is here, or may be fetched."""
        return bool(self.hub_model) and (not self._is_offline or bool(self._cached()))

    def _hub(self) -> ModelRef:
        """The Hub's model: the revision that is here, or the newest one."""
        return self._cached() or _hub_ref(self.hub_model)

    def _cached(self) -> ModelRef | None:
        """Describe the Hub's model, if it is on this disk, with its revision."""
        folder = client.cached(self.hub_model) if self.hub_model else None
        if folder is None:
            return None
        name = self.hub_model
        return checkpoint.describe("hub", name, folder, revision=folder.name)

    def ref(self, key: str) -> ModelRef:
        """The model with this key; of ``auto``, the one that answers now.

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

    def load(
        self, ref: ModelRef, count: client.Count = client.uncounted
    ) -> LoadedModel:
        """The model itself, loaded once however many ask for it at the same time.

        Args:
            ref: which one; of the Hub's, the newest revision where it names none.
            count: is told how much of a download is here, as of ``hub.fetch``.

        Raises:
            KnownError: ``unknown_model``, or a code of ``hub.fetch`` or
                ``checkpoint.load``.
        """
        with self._lock:
            if ref.key in self._kept:
                self._kept.move_to_end(ref.key)
                return self._kept[ref.key]
        found, folder = self._found(ref, count)  # may wait for the Hub: no lock
        # Under it, since transformers switches torch's defaults while it loads.
        with self._lock:
            if ref.key not in self._kept:
                loaded = checkpoint.load(
                    found, folder, max_bytes=self._max_bytes, device=self._device
                )
                self._keep(ref.key, loaded)
            return self._kept[ref.key]

    def _keep(self, key: str, loaded: LoadedModel) -> None:
        """Keep a model, and let the least recently used go where the room is short."""
        n_bytes = sum(model.n_bytes for model in self._kept.values()) + loaded.n_bytes
        while self._kept and n_bytes > self._max_kept_bytes:
            _, left = self._kept.popitem(last=False)
            n_bytes -= left.n_bytes
        self._kept[key] = loaded

    def _found(self, asked: ModelRef, count: client.Count) -> tuple[ModelRef, Path]:
        """What is known of a model once its checkpoint is on this disk, and where."""
        ref = self.ref(asked.key)
        if ref.source == "bundled":
            return ref, self._bundled_model_dir
        if ref.source == "run":
            return ref, self._runs_dir / ref.id / "model"
        folder = client.fetch(
            ref.id,
            revision=asked.revision or "",
            max_bytes=self._max_bytes,
            count=count,
        )
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
