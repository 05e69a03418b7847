"""A model's key in, the model itself out: found cheaply, loaded once.

A checkpoint is a folder with ``config.json`` (whose ``id2label`` names the genres),
``preprocessor_config.json`` and ``model.safetensors``. Ours say in ``config.json``,
under ``genrescope``, how long their windows are and what they were trained on. Models
are chosen from a list by key: no path, address or code of a visitor's comes this far.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from errors import KnownError
from hub import fetch, is_whole

Source = Literal["bundled", "hub", "run"]

TUTORIAL_WINDOW_S = 30.0  # what models trained elsewhere on GTZAN heard: a whole clip
MIN_WINDOW_S, MAX_WINDOW_S = 0.1, 60.0
N_KEPT = 2  # a model of HuBERT base's size takes 0.4 GB


@dataclass(frozen=True)
class ModelRef:
    """Which model, before it is loaded.

    Attributes:
        source: it ships with the app, stands on the Hub, or was made by a run here.
        id: its name within the source.
        revision: the Hub's commit, known once the model is loaded.
        title: what screens call it.
        trained_on: in its maker's words; empty where the checkpoint does not say.
        window_s: length of the pieces of song that it was trained on (s).
    """

    source: Source
    id: str
    revision: str | None
    title: str
    trained_on: str
    window_s: float

    @property
    def key(self) -> str:
        """What the page's list and ``--model`` call it, such as ``run:<id>``."""
        return self.source if self.source == "bundled" else f"{self.source}:{self.id}"


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready to listen; any number of threads may use it at once.

    Attributes:
        ref: which one it is.
        model: a transformers audio classifier, float32, in evaluation mode.
        feature_extractor: turns samples into the model's input, as in training.
        labels: the genres, in the order of the model's outputs.
        sampling_rate: what the model hears (Hz).
    """

    ref: ModelRef
    model: Any
    feature_extractor: Any
    labels: tuple[str, ...]
    sampling_rate: int

    @property
    def window_s(self) -> float:
        """Length of the pieces of song that it was trained on (s)."""
        return self.ref.window_s


class Models:
    """The models of this host, the few last used kept in memory.

    Args:
        bundled_model_dir: the checkpoint that ships with the app.
        runs_dir: where runs live; a finished one has its checkpoint in ``model/``.
        hub_model: id of the one Hub model that this host offers.
        is_offline: the Hub may not be asked.
    """

    def __init__(
        self,
        *,
        bundled_model_dir: Path,
        runs_dir: Path,
        hub_model: str,
        is_offline: bool = False,
    ) -> None:
        self._bundled_model_dir = bundled_model_dir
        self._runs_dir = runs_dir
        self._hub_model = hub_model
        self._is_offline = is_offline
        self._kept: OrderedDict[str, LoadedModel] = OrderedDict()
        self._lock = threading.Lock()

    def available(self) -> tuple[ModelRef, ...]:
        """Every model that can be asked for: bundled, runs from the newest on, Hub.

        Reads small JSON files only; a folder that is no whole checkpoint is left out.
        """
        bundled = self._bundled_model_dir
        found = [_described("bundled", bundled.name, bundled)]
        found += [
            _described("run", run.name, run / "model")
            for run in _finished_runs(self._runs_dir)
        ]
        refs = [ref for ref in found if ref]
        if not self._is_offline:
            name = self._hub_model
            refs.append(ModelRef("hub", name, None, name, "", TUTORIAL_WINDOW_S))
        return tuple(refs)

    def ref(self, key: str) -> ModelRef:
        """The model with this key.

        Raises:
            KnownError: ``unknown_model`` for anything not in ``available()``.
        """
        for ref in self.available():
            if ref.key == key:
                return ref
        raise KnownError("unknown_model", model=key)

    def load(self, ref: ModelRef) -> LoadedModel:
        """The model itself, loaded once however many ask for it at the same time.

        Raises:
            KnownError: ``unknown_model``, ``model_broken``, or a code of ``hub.fetch``.
        """
        with self._lock:
            if ref.key in self._kept:
                self._kept.move_to_end(ref.key)
                return self._kept[ref.key]
        found, folder = self._found(ref.key)  # may wait for the Hub: not under the lock
        # Under it, since transformers switches torch's defaults while it loads.
        with self._lock:
            if ref.key not in self._kept:
                while len(self._kept) >= N_KEPT:
                    self._kept.popitem(last=False)
                self._kept[ref.key] = _read_checkpoint(found, folder)
            return self._kept[ref.key]

    def _found(self, key: str) -> tuple[ModelRef, Path]:
        """What is known of a model once its checkpoint is on this disk, and where."""
        ref = self.ref(key)
        if ref.source == "bundled":
            return ref, self._bundled_model_dir
        if ref.source == "run":
            return ref, self._runs_dir / ref.id / "model"
        folder = fetch(ref.id)
        described = _described("hub", ref.id, folder, revision=folder.name)
        return described or ref, folder


def _finished_runs(runs_dir: Path) -> list[Path]:
    """Folders of the runs that came to an end, newest first: their ids begin so."""
    results = sorted(runs_dir.glob("*/result.json"), reverse=True)
    ended = ("finished", "stopped")
    return [path.parent for path in results if _read_json(path).get("state") in ended]


def _described(
    source: Source, name: str, folder: Path, *, revision: str | None = None
) -> ModelRef | None:
    """What a checkpoint says of itself; None where it is not whole."""
    config = _read_json(folder / "config.json")
    if not config or not is_whole(folder):
        return None
    facts = config.get("genrescope")
    facts = facts if isinstance(facts, dict) else {}
    trained_on = str(facts.get("trained_on") or "")
    return ModelRef(source, name, revision, name, trained_on, _window_s(facts))


def _window_s(facts: dict[str, Any]) -> float:
    value = facts.get("window_s")
    window_s = float(value) if isinstance(value, int | float) else TUTORIAL_WINDOW_S
    is_possible = MIN_WINDOW_S <= window_s <= MAX_WINDOW_S
    return window_s if is_possible else TUTORIAL_WINDOW_S


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_checkpoint(ref: ModelRef, folder: Path) -> LoadedModel:
    """Load a whole checkpoint: safetensors only, no code of its own."""
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        feature_extractor = AutoFeatureExtractor.from_pretrained(folder, **safe)
        model, report = AutoModelForAudioClassification.from_pretrained(
            folder,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **safe,
        )
    # A config can be wrong in any way, and the libraries check few of them.
    except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        SafetensorError,
        StrictDataclassError,
    ) as error:
        raise KnownError("model_broken", title=ref.title) from error
    # Weights that the file lacks were drawn at random; this one is of training only.
    if report["missing_keys"] - {"hubert.masked_spec_embed"}:
        raise KnownError("model_broken", title=ref.title)
    labels = tuple(str(name) for _, name in sorted(model.config.id2label.items()))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rate = feature_extractor.sampling_rate
    return LoadedModel(ref, model.eval().to(device), feature_extractor, labels, rate)
