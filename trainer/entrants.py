"""A model by the name that a person gives it: found, and loaded to be heard.

Bundled, a run's, a folder's or the Hub's: each is a checkpoint folder, read as
safetensors only, with no code of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hub
import process
from errors import KnownError
from trainer import base, runs
from trainer.data import SAMPLING_RATE
from trainer.runs import Run

BUNDLED = ("bundled", "demo")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
UNNAMED = re.compile(r"LABEL_\d+")  # what transformers calls outputs without a name
WHOLE_CLIP_S = 30.0  # what models trained elsewhere on GTZAN heard
MEL_HOP_S, MEL_FRAME_S = 0.010, 0.025  # of AST and Whisper alike


@dataclass(frozen=True)
class Entrant:
    """A model that was found.

    Attributes:
        name: as the person wrote it.
        folder: its checkpoint.
        run: the run that made it, where one of this host did.
    """

    name: str
    folder: Path
    run: Run | None = None

    def learned_from(self) -> frozenset[str]:
        """The names of the songs that its run learned from; empty where unknown."""
        split = runs.read_json(self.run.folder / "split.json") if self.run else None
        return frozenset((split or {}).get("train", ()))


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model ready to be heard.

    Attributes:
        model: a transformers audio classifier, float32, on the fastest device.
        extractor: turns samples into its input.
        genres: its labels, in the order of its outputs.
        window_s: length of what it was trained on (s).
        temperature: its logits are divided by it.
        trained_on: the kind of its songs, such as ``composed``; empty where unknown.
    """

    model: Any
    extractor: Any
    genres: tuple[str, ...]
    window_s: float
    temperature: float
    trained_on: str


def find(name: str, runs_dir: Path) -> Entrant:
    """The model of that name; one of the Hub is downloaded.

    Args:
        name: ``bundled`` (or ``demo``), ``run:ID`` or a run's id, a checkpoint's
            folder, or an id of the Hub (``hub:ID`` where a folder has the same name).
        runs_dir: where runs are looked for.

    Raises:
        KnownError: ``no_demo_model``, ``unknown_run``, ``run_without_model``,
            ``not_a_checkpoint``, ``no_such_model``, or what ``hub.fetch`` raises.
    """
    if name in BUNDLED:
        if not hub.is_whole(base.DEMO_DIR):
            raise KnownError("no_demo_model")
        return Entrant(name, base.DEMO_DIR)
    run_id = name.removeprefix("run:")
    if run_id != name or runs.ID.fullmatch(run_id):
        return _of_run(name, runs.find(runs_dir, run_id))
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not hub.is_whole(folder):
            raise KnownError(
                "not_a_checkpoint", folder=name, files=hub.CHECKPOINT_FILES
            )
        return Entrant(name, folder)
    hub_id = name.removeprefix("hub:")
    if not HUB_ID.fullmatch(hub_id):
        raise KnownError("no_such_model", name=name)
    return Entrant(name, hub.fetch(hub_id))


def _of_run(name: str, run: Run) -> Entrant:
    if not hub.is_whole(run.model_dir):
        raise KnownError("run_without_model", id=run.id)
    return Entrant(name, run.model_dir, run)


def load(entrant: Entrant) -> Loaded:
    """The model itself.

    Raises:
        KnownError: ``model_broken``, ``model_without_labels`` or ``model_other_rate``.
    """
    import torch

    model, extractor = _from_disk(entrant)
    genres = tuple(str(name) for _, name in sorted(model.config.id2label.items()))
    if any(UNNAMED.fullmatch(genre) for genre in genres):
        raise KnownError("model_without_labels", title=entrant.name)
    if extractor.sampling_rate != SAMPLING_RATE:
        rate = extractor.sampling_rate
        raise KnownError("model_other_rate", title=entrant.name, rate=rate)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    given = getattr(model.config, "genrescope", None)
    facts = given if isinstance(given, dict) else {}
    return Loaded(
        model.eval().to(device),
        extractor,
        genres,
        _positive(facts.get("window_s")) or _window_s(model.config),
        _positive(facts.get("temperature")) or 1.0,
        str(facts.get("trained_on") or ""),
    )


def _from_disk(entrant: Entrant) -> tuple[Any, Any]:
    process.settle()
    import torch
    from safetensors import SafetensorError
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        extractor = AutoFeatureExtractor.from_pretrained(entrant.folder, **safe)
        model, report = AutoModelForAudioClassification.from_pretrained(
            entrant.folder,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
            **safe,
        )
    # A config can be wrong in many ways, and the libraries check few of them.
    except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RuntimeError,
        SafetensorError,
    ) as error:
        raise KnownError("model_broken", title=entrant.name) from error
    # What the file lacks was drawn at random; this one is of training only.
    missing = {key.rpartition(".")[2] for key in report["missing_keys"]}
    if missing - {"masked_spec_embed"}:
        raise KnownError("model_broken", title=entrant.name)
    return model, extractor


def _window_s(config: Any) -> float:
    """The window (s) of a model that does not say what it was trained on."""
    if config.model_type == "audio-spectrogram-transformer":
        return MEL_FRAME_S + (config.max_length - 1) * MEL_HOP_S
    if config.model_type == "whisper":
        return config.max_source_positions * 2 * MEL_HOP_S  # a state is two frames
    return WHOLE_CLIP_S


def _positive(value: object) -> float | None:
    """A positive finite number; None for anything else."""
    is_number = isinstance(value, int | float) and 0 < value < float("inf")
    return float(value) if is_number else None  # type: ignore[arg-type]
