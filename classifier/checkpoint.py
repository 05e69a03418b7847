"""A checkpoint folder in, what it says of itself or a model ready to listen out.

A checkpoint is a folder with ``config.json`` (whose ``id2label`` names the genres),
``preprocessor_config.json`` and ``model.safetensors``, of any audio classifier that
transformers knows by itself. Ours say in ``config.json``, under ``genrescope``, how
long their windows are, what they were trained on, and their temperature.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import process
from classifier.tiles import quicken
from classifier.turns import Turns
from errors import KnownError
from hub import is_whole

Source = Literal["bundled", "hub", "run"]

TUTORIAL_WINDOW_S = 30.0  # what models trained elsewhere on GTZAN heard: a whole clip
MIN_WINDOW_S, MAX_WINDOW_S = 0.1, 60.0
MEL_HOP_S, MEL_FRAME_S = 0.010, 0.025  # of AST and Whisper alike, at 16 kHz
UNNAMED = re.compile(r"LABEL_\d+")  # what transformers calls outputs without a name
GUESSES = "regression"  # a number, no label
CLASSIFIERS = ("ForSequenceClassification", "ForAudioClassification")


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
        takes_any_length: it was trained on clips of any length rather than on windows
            of one, so that a shorter song goes in as it is.
        is_calibrated: its temperature was fitted on songs that it had not learned from.
        is_exclusive: one of its labels is right; otherwise several may be, and each has
            a probability of its own.
    """

    source: Source
    id: str
    revision: str | None
    title: str
    trained_on: str
    window_s: float
    takes_any_length: bool = False
    is_calibrated: bool = False
    is_exclusive: bool = True

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
        temperature: logits are divided by it, so that 0.7 means right in 7 of 10.
        turns: where it listens: visitors take turns, window by window.
    """

    ref: ModelRef
    model: Any
    feature_extractor: Any
    labels: tuple[str, ...]
    sampling_rate: int
    temperature: float
    turns: Turns

    @property
    def window_s(self) -> float:
        """Length of the pieces of song that it was trained on (s)."""
        return self.ref.window_s

    @property
    def n_bytes(self) -> int:
        """Memory that its weights take."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        return sum(tensor.nbytes for tensor in tensors)


def described(
    source: Source, name: str, folder: Path, *, revision: str | None = None
) -> ModelRef | None:
    """What a checkpoint says of itself; None where it is not whole.

    Reads small JSON files only.
    """
    config = read_json(folder / "config.json")
    if not config or not is_whole(folder):
        return None
    facts = _facts(config)
    trained_on = str(facts.get("trained_on") or "")
    window_s = _fixed_window_s(config) or _number(facts, "window_s")
    is_possible = window_s and MIN_WINDOW_S <= window_s <= MAX_WINDOW_S
    return ModelRef(
        source,
        name,
        revision,
        name,
        trained_on,
        window_s if window_s and is_possible else TUTORIAL_WINDOW_S,
        takes_any_length=not is_possible,
        # A run whose songs were too few to fit a temperature says 1.
        is_calibrated=_number(facts, "temperature") not in (None, 1.0),
        is_exclusive=config.get("problem_type") != "multi_label_classification",
    )


def read(
    ref: ModelRef,
    folder: Path,
    turns: Turns,
    max_bytes: int,
    *,
    device: str | None = None,
) -> LoadedModel:
    """Load a whole checkpoint onto a device: safetensors only, no code of its own.

    Raises:
        KnownError: ``model_too_large``, ``model_wrong_task``,
            ``model_without_labels`` or ``model_broken``.
    """
    config = read_json(folder / "config.json")
    _check(ref, folder, config, max_bytes)
    model, feature_extractor = _from_disk(ref, folder, device)
    id2label = sorted(model.config.id2label.items())
    return LoadedModel(
        ref,
        model,
        feature_extractor,
        labels=tuple(str(name) for _, name in id2label),
        sampling_rate=feature_extractor.sampling_rate,
        temperature=_number(_facts(config), "temperature") or 1.0,
        turns=turns,
    )


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _facts(config: dict[str, Any]) -> dict[str, Any]:
    facts = config.get("genrescope")
    return facts if isinstance(facts, dict) else {}


def _number(facts: dict[str, Any], name: str) -> float | None:
    """A positive finite number; None for anything else."""
    value = facts.get(name)
    is_number = isinstance(value, int | float) and 0 < value < float("inf")
    return float(value) if value and is_number else None


def _fixed_window_s(config: dict[str, Any]) -> float | None:
    """The one input length (s) of a model that has only one; None for the others.

    Shorter input is filled up with zeros by their feature extractors, so theirs is
    always exactly as long.
    """
    if config.get("model_type") == "audio-spectrogram-transformer":
        n_frames = _number(config, "max_length") or 1024
        return MEL_FRAME_S + (n_frames - 1) * MEL_HOP_S
    if config.get("model_type") == "whisper":
        n_states = _number(config, "max_source_positions") or 1500
        return n_states * 2 * MEL_HOP_S  # a state is two frames
    return None


def _check(ref: ModelRef, folder: Path, config: dict[str, Any], max_bytes: int) -> None:
    """Refuse what a look at the small files can refuse."""
    process.settle()
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES as KNOWN,
    )

    n_bytes = (folder / "model.safetensors").stat().st_size
    if n_bytes > max_bytes:
        mb, max_mb = n_bytes / 1e6, max_bytes / 1e6
        raise KnownError("model_too_large", title=ref.title, mb=mb, max_mb=max_mb)
    kind = config.get("model_type")
    made_for = config.get("architectures") or CLASSIFIERS
    is_classifier = str(made_for[0]).endswith(CLASSIFIERS)
    if kind not in KNOWN or not is_classifier or config.get("problem_type") == GUESSES:
        raise KnownError("model_wrong_task", title=ref.title)
    labels = config.get("id2label")
    names = labels.values() if isinstance(labels, dict) else ()
    if not names or any(UNNAMED.fullmatch(str(name)) for name in names):
        raise KnownError("model_without_labels", title=ref.title)


def _from_disk(
    ref: ModelRef, folder: Path, device: str | None = None
) -> tuple[Any, Any]:
    """The model in evaluation mode on a device, the fastest by default; its extractor."""
    process.settle()
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
        ImportError,
        SafetensorError,
        StrictDataclassError,
    ) as error:
        raise KnownError("model_broken", title=ref.title) from error
    # Weights that the file lacks were drawn at random; this one is of training only.
    missing = {key.rpartition(".")[2] for key in report["missing_keys"]}
    if missing - {"masked_spec_embed"}:
        raise KnownError("model_broken", title=ref.title)
    fastest = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.eval().to(device or fastest)
    quicken(model)
    return model, feature_extractor
