"""Describe a checkpoint folder, or load its model for inference.

A checkpoint is a folder with ``config.json`` (whose ``id2label`` names the genres),
``preprocessor_config.json`` and ``model.safetensors``, of any audio classifier that
transformers has a class for. Ours have in ``config.json``, under ``genrescope``, the
length of their windows, what they were trained on, their temperature and the rule by
which an answer is clear, and may have ``features.safetensors`` (``networks.novelty``).

Weights are read as safetensors only, and no code from a checkpoint ever runs. All that
load a checkpoint to compute with it (classification, evaluation) do it here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import process
from errors import KnownError
from hub.client import WEIGHTS, is_pointer, is_whole
from networks import architecture, clear, forward, masked_prediction, novelty
from networks import device as devices
from networks.architecture import positive
from networks.clear import ClearRule
from networks.cpu import hubert
from networks.cpu import precision as precisions
from networks.cpu.frontend import optimize_for_cpu
from networks.cpu.precision import Precision, Wanted
from networks.novelty import Novelty

Source = Literal["bundled", "hub", "run", "folder"]

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
UNNAMED = re.compile(r"LABEL_\d+")  # what transformers calls outputs without a name
CLASSIFIERS = ("ForSequenceClassification", "ForAudioClassification")
REGRESSION = "regression"  # a number, no label
DEFAULT_WINDOW_S = 30.0  # models trained elsewhere on GTZAN: a whole clip
MIN_WINDOW_S, MAX_WINDOW_S = 0.1, 60.0
# Of a fit that can be trusted. Where a model had made no mistake, earlier versions went
# on to the end of their search: 0.05, which calls everything sure.
TEMPERATURES = (0.5, 5.0)
MAX_BYTES = 1_500_000_000  # of one model's weights; a large HuBERT takes 1.26 GB


@dataclass(frozen=True)
class ModelRef:
    """A model before it is loaded.

    Attributes:
        source: bundled with the app, on the Hub, trained by a run here, or in a folder
            given by a person.
        id: its name within the source.
        revision: the Hub's commit, known once the model is loaded.
        title: for display.
        trained_on: in its maker's words; empty where the checkpoint has none.
        window_s: length of the pieces of song that it was trained on (s).
        takes_any_length: it was trained on clips of any length rather than on windows
            of one, so that a shorter song goes in as it is.
        is_calibrated: its temperature was fitted on songs that it had not learned from.
        n_calibration_songs: the number of those songs; None where nobody wrote it down.
        is_exclusive: one of its labels is right; otherwise several may be, and each has
            a probability of its own.
        clear: when an answer is called clear, chosen on songs that it had not learned
            from; None where nobody chose.
        names_labels: it is a classifier, rather than a base model for runs.
        name: what a person called the run; "" without one.
        recipe: of the run, such as "head"; "" where nobody wrote it down.
        songs: name of the songs that a run learned from; "" likewise.
        test_accuracy: on songs that chose nothing, in [0, 1]; None without a test.
        n_tested: the number of those songs.
    """

    source: Source
    id: str
    revision: str | None
    title: str
    trained_on: str
    window_s: float
    takes_any_length: bool = False
    is_calibrated: bool = False
    n_calibration_songs: int | None = None
    is_exclusive: bool = True
    clear: ClearRule | None = None
    names_labels: bool = True
    name: str = ""
    recipe: str = ""
    songs: str = ""
    test_accuracy: float | None = None
    n_tested: int | None = None

    @property
    def key(self) -> str:
        """Key in the page's list and for ``--model``, such as ``run:<id>``."""
        return self.source if self.source == "bundled" else f"{self.source}:{self.id}"


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready for inference; any number of threads may use it at once.

    Attributes:
        ref: its description.
        model: a transformers audio classifier, in evaluation mode.
        feature_extractor: turns samples into the model's input, as in training.
        labels: the genres, in the order of the model's outputs.
        sampling_rate: of its input (Hz).
        temperature: logits are divided by it.
        novelty: measures how far a sound is from what it learned from; None where it
            came without.
        precision: of its products; what they are added to is float32.
        device: name of the GPU or processor where it is.
    """

    ref: ModelRef
    model: Any
    feature_extractor: Any
    labels: tuple[str, ...]
    sampling_rate: int
    temperature: float
    novelty: Novelty | None = None
    precision: Precision = "fp32"
    device: str = ""

    @property
    def window_s(self) -> float:
        """Length of the pieces of song that it was trained on (s)."""
        return self.ref.window_s

    @property
    def n_bytes(self) -> int:
        """Memory that its weights take."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        return sum(tensor.nbytes for tensor in tensors)


def describe(
    source: Source, name: str, folder: Path, *, revision: str | None = None
) -> ModelRef | None:
    """Describe a checkpoint from its small JSON files; None where it is not whole."""
    config = read_json(folder / "config.json")
    if not config or not is_whole(folder):
        return None
    facts = _facts(config)
    given_s = architecture.fixed_window_s(config) or positive(facts.get("window_s"))
    window_s = given_s if given_s and MIN_WINDOW_S <= given_s <= MAX_WINDOW_S else None
    return ModelRef(
        source,
        name,
        revision,
        name,
        trained_on=str(facts.get("trained_on") or ""),
        window_s=window_s or DEFAULT_WINDOW_S,
        takes_any_length=window_s is None,
        # A run whose songs were too few to fit a temperature has 1.
        is_calibrated=_is_fitted(positive(facts.get("temperature"))),
        n_calibration_songs=_count(facts.get("n_calibration_songs")),
        is_exclusive=architecture.is_exclusive(config),
        clear=clear.of_config(facts),
        names_labels=not masked_prediction.is_pretrained(folder),
        recipe=str(facts.get("preset") or ""),
        n_tested=_count(facts.get("n_tested")),
    )


def load(
    ref: ModelRef,
    folder: Path,
    *,
    max_bytes: int = MAX_BYTES,
    device: str | None = None,
    precision: Wanted = "auto",
) -> LoadedModel:
    """Load a whole checkpoint onto a device, the fastest by default.

    Args:
        ref: its description.
        folder: the checkpoint.
        max_bytes: of the largest weights that are read.
        device: torch's name of it.
        precision: of products on a CPU; ``auto`` is float32 for a narrow model. A GPU,
            and a model that the CPU's engine does not know, compute in float32.

    Raises:
        KnownError: ``model_too_large``, ``model_wrong_task``, ``weights_are_pointer``,
            ``model_without_labels``, ``model_broken`` or ``model_out_of_memory``.
    """
    config = read_json(folder / "config.json")
    _check(ref, folder, config, max_bytes)
    found = devices.processor() if device == "cpu" else devices.best()
    kind = device or found.kind
    ours = _without_transformers(folder, config) if kind == "cpu" else None
    model, feature_extractor = ours or _from_disk(ref, folder)
    model = _moved(ref, model.eval(), kind)
    wanted = precisions.chosen(precision, getattr(model.config, "hidden_size", 0))
    used: Precision = wanted if optimize_for_cpu(model, wanted) else "fp32"
    id2label = sorted(model.config.id2label.items())
    return LoadedModel(
        ref,
        model,
        feature_extractor,
        labels=tuple(str(name) for _, name in id2label),
        sampling_rate=feature_extractor.sampling_rate,
        temperature=_temperature(config),
        novelty=_novelty(ref, folder, model),
        precision=used,
        device=found.name,
    )


def _without_transformers(folder: Path, config: Mapping[str, Any]) -> Any:
    """Load a usual HuBERT's model and feature extractor; None of any other checkpoint."""
    return hubert.load(folder, config, read_json(folder / "preprocessor_config.json"))


def _moved(ref: ModelRef, model: Any, kind: str) -> Any:
    """Move a model to a device; once more after its memory was freed."""
    for is_last in (False, True):
        try:
            return model.to(kind)
        except (RuntimeError, MemoryError) as error:
            if not devices.is_out_of_memory(error):
                raise
            if is_last:
                raise KnownError("model_out_of_memory", title=ref.title) from error
        devices.free_memory()
    raise AssertionError("the last attempt returns or raises")


def _novelty(ref: ModelRef, folder: Path, model: Any) -> Novelty | None:
    """Read what the model's songs were like, where it is kept beside the weights."""
    try:
        return novelty.load(folder, forward.n_features(model))
    except ValueError as error:
        raise KnownError("model_broken", title=ref.title) from error


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _facts(config: Mapping[str, Any]) -> dict[str, Any]:
    facts = config.get("genrescope")
    return facts if isinstance(facts, dict) else {}


def _temperature(config: Mapping[str, Any]) -> float:
    """Read the temperature, within ``TEMPERATURES``; 1 where there is none."""
    found = positive(_facts(config).get("temperature")) or 1.0
    low, high = TEMPERATURES
    return min(max(found, low), high)


def _is_fitted(temperature: float | None) -> bool:
    low, high = TEMPERATURES
    return temperature not in (None, 1.0) and low <= (temperature or 0.0) <= high


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if is_count else None  # type: ignore[return-value]


def _check(
    ref: ModelRef, folder: Path, config: Mapping[str, Any], max_bytes: int
) -> None:
    """Refuse a checkpoint by its small files, before its weights are loaded."""
    if is_pointer(folder / WEIGHTS):
        raise KnownError("weights_are_pointer", title=ref.title, file=WEIGHTS)
    n_bytes = (folder / WEIGHTS).stat().st_size
    if n_bytes > max_bytes:
        mb, max_mb = n_bytes / 1e6, max_bytes / 1e6
        raise KnownError("model_too_large", title=ref.title, mb=mb, max_mb=max_mb)
    kind, task = config.get("model_type"), config.get("problem_type")
    made_for = config.get("architectures") or CLASSIFIERS
    is_classifier = str(made_for[0]).endswith(CLASSIFIERS)
    if not is_classifier or task == REGRESSION or not _is_known(kind):
        raise KnownError("model_wrong_task", title=ref.title)
    labels = config.get("id2label")
    names = labels.values() if isinstance(labels, dict) else ()
    if not names or any(UNNAMED.fullmatch(str(name)) for name in names):
        raise KnownError("model_without_labels", title=ref.title)


def _is_known(kind: object) -> bool:
    """Return whether transformers has an audio classifier of this ``model_type``."""
    if kind == hubert.KIND:
        return True
    process.settle()
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES as KNOWN,
    )

    return kind in KNOWN


def _from_disk(ref: ModelRef, folder: Path) -> tuple[Any, Any]:
    """Return the model, on the CPU, and its feature extractor."""
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
    return model, feature_extractor
