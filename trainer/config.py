"""Define RunConfig: every setting of a run, with its range, checked once.

The page's form, the command line's flags and ``config.json`` have the same fields.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from errors import KnownError
from trainer import base_models
from trainer.presets import FORMER
from trainer.presets import PRESETS as PRESETS  # re-exported

FOLDER, ZIP, HUB = "folder:", "zip:", "hub:"
SCHEMES = ("stratified", "random", "group", "listed")  # of a split; see ``splits``
METRIC = "accuracy"  # of the best checkpoint


def _number(default: float, minimum: float, maximum: float) -> Any:
    """Define a field whose value must be in [minimum, maximum]."""
    return field(default=default, metadata={"minimum": minimum, "maximum": maximum})


def _choice(default: str, *choices: str) -> Any:
    """Define a field whose value must be one of ``choices``."""
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True)
class RunConfig:
    """The settings of a run; the defaults are the tutorial's.

    Attributes:
        preset: the name of the recipe that this config started from.
        objective: what is learned: ``genres``, or ``masked``: the clusters of hidden
            frames, as HuBERT learned, for which songs need no genre.
        data: ``gtzan``; ``composed``; ``folder:PATH`` or ``zip:PATH`` with a subfolder
            a genre; or ``hub:ID``, a data set of the Hub.
        n_songs_per_genre: how many songs to compose (``composed`` only).
        base_model: a model of the Hub, as ``id`` or ``id@revision``; ``bundled``,
            the bundled model; ``small``, a small HuBERT with random weights; or
            ``run:ID``, the model of an earlier run here.
        trained_part: ``all``; ``encoder``, with what makes its input frozen (HuBERT's
            and Whisper's convolutions, AST's patches); or ``head``, the layers
            above the pretrained ones.
        window_s: length of the input windows (s); AST and Whisper have a fixed length,
            which replaces it.
        n_windows_per_song: of each training song, where the outputs of frozen layers
            are cached; evenly spread. 0: all, overlapping by half.
        n_steps: optimizer steps.
        n_epochs: passes over the training songs, in place of ``n_steps``; 0: unused.
        batch_size: windows in one forward pass.
        n_accumulated: batches whose gradients are accumulated in one step.
        learning_rate: the peak, after the warm-up.
        encoder_rate_fraction: the pretrained layers' rate as a share of the head's.
        warmup_fraction: share of the steps in which the rate rises from 0.
        schedule: how the rate falls after that.
        weight_decay: AdamW's.
        label_smoothing: share of the target that is spread over all genres.
        weighted_layers: give the head a learned weighted sum of all layers rather than
            the last one; no layer is dropped in training then.
        fast_attention: no attention dropout, with which torch would not use its fast
            kernels.
        mask_time_fraction: share of the frames that SpecAugment masks in training;
            0: as in the checkpoint. HuBERT and wav2vec2 only. Of ``masked``, the share
            that is hidden to be guessed, before spans overlap.
        mask_time_length: frames of a hidden span.
        mask_feature_fraction: the same for channels.
        n_clusters: to guess among (``masked`` only).
        visible_weight: of the loss on visible frames beside that on hidden ones, which
            in HuBERT counts alone; a short run learns faster with it (``masked`` only).
        second_iteration_fraction: share of the steps after which the clusters are made
            anew, of the model's own middle layer; 0: never (``masked`` only).
        augmentation: change the spectral tilt of the windows and add noise at random.
        precision: ``auto`` is fp16 or bf16 on a CUDA GPU, bf16 on a processor that
            multiplies it faster, and fp32 elsewhere.
        eval_every_n_steps: steps between two validations and checkpoints; 0: an epoch.
        split: ``stratified``, the same share of each genre; ``random``, as in the
            tutorial; ``group``, artists or albums kept together; or ``listed``, by a
            list that comes with the songs (GTZAN: the fault-filtered one).
        test_fraction: share of the songs in the test part.
        validation_fraction: share of the songs that choose the best checkpoint; 0: the
            test songs do, as in the tutorial.
        seed: of split, initial weights, order and windows.
        report_to: a dashboard to log to as well, where it is installed.
    """

    preset: str = "tutorial"
    objective: Literal["genres", "masked"] = _choice("genres", "genres", "masked")
    data: str = "gtzan"
    n_songs_per_genre: int = _number(40, 2, 1000)
    base_model: str = field(
        default=base_models.DISTILHUBERT, metadata={"named": base_models.CHOICES}
    )
    trained_part: Literal["all", "encoder", "head"] = _choice(
        "all", "all", "encoder", "head"
    )
    window_s: float = _number(30.0, 0.5, 30.0)
    n_windows_per_song: int = _number(0, 0, 100)
    n_steps: int = _number(100, 1, 100_000)
    n_epochs: int = _number(0, 0, 1000)
    batch_size: int = _number(2, 1, 256)
    n_accumulated: int = _number(4, 1, 64)
    learning_rate: float = _number(5e-5, 1e-7, 1e-1)
    encoder_rate_fraction: float = _number(1.0, 0.001, 1.0)
    warmup_fraction: float = _number(0.1, 0.0, 0.9)
    schedule: Literal["linear", "cosine"] = _choice("linear", "linear", "cosine")
    weight_decay: float = _number(0.0, 0.0, 1.0)
    label_smoothing: float = _number(0.0, 0.0, 0.5)
    weighted_layers: bool = False
    fast_attention: bool = False
    mask_time_fraction: float = _number(0.0, 0.0, 0.9)
    mask_time_length: int = _number(10, 1, 100)
    mask_feature_fraction: float = _number(0.0, 0.0, 0.5)
    n_clusters: int = _number(100, 2, 1000)
    visible_weight: float = _number(0.0, 0.0, 1.0)
    second_iteration_fraction: float = _number(0.5, 0.0, 0.95)
    augmentation: bool = False
    precision: Literal["auto", "fp32", "fp16", "bf16"] = _choice(
        "auto", "auto", "fp32", "fp16", "bf16"
    )
    eval_every_n_steps: int = _number(0, 0, 100_000)
    split: Literal["stratified", "random", "group", "listed"] = _choice(
        "random", *SCHEMES
    )
    test_fraction: float = _number(0.2, 0.05, 0.5)
    validation_fraction: float = _number(0.0, 0.0, 0.4)
    seed: int = _number(42, 0, 2**31 - 1)
    report_to: Literal["none", "tensorboard", "trackio"] = _choice(
        "none", "none", "tensorboard", "trackio"
    )

    def __post_init__(self) -> None:
        for name, former in (("preset", FORMER), ("base_model", base_models.FORMER)):
            value = getattr(self, name)
            object.__setattr__(self, name, former.get(str(value), value))
        for item in dataclasses.fields(self):
            _check(item, getattr(self, item.name))
        data = str(self.data)
        is_place = data.startswith((FOLDER, ZIP, HUB))
        if data not in ("gtzan", "composed") and not is_place:
            raise KnownError("unknown_data", value=self.data)
        if not base_models.is_possible(str(self.base_model)):
            raise _no_choice("base_model", self.base_model, base_models.CHOICES)
        if str(self.preset) not in PRESETS:
            raise _no_choice("preset", self.preset, PRESETS)

    @property
    def needs_genres(self) -> bool:
        """Whether songs teach by their genres."""
        return self.objective == "genres"

    @property
    def second_iteration_step(self) -> int:
        """After how many steps the clusters are made anew; 0: never."""
        return round(self.second_iteration_fraction * self.n_steps)

    def to_json(self) -> str:
        """Serialize as JSON, one field a line."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)

    def command(self) -> str:
        """Build the command line that repeats this run: what differs from its preset."""
        recipe = preset(self.preset)
        words = ["python", "-m", "trainer", "--preset", self.preset]
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            # Steps on a command line replace the preset's epochs.
            is_needed = item.name == "n_epochs" and self.n_steps != recipe.n_steps
            if item.name == "n_songs_per_genre" and self.data != "composed":
                continue  # says how many songs are composed
            if is_needed or value != getattr(recipe, item.name):
                words += [f"--{item.name.replace('_', '-')}", _flag_value(value)]
        return shlex.join(words)

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """Parse what ``to_json`` wrote; fields of other versions are ignored."""
        known = {item.name for item in dataclasses.fields(cls)}
        values: Mapping[str, Any] = json.loads(text)
        return cls(**{name: values[name] for name in values if name in known})


def _flag_value(value: object) -> str:
    """Format a field's value as a flag's; a float in all its digits."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _no_choice(field: str, value: object, choices: Iterable[str]) -> KnownError:
    return KnownError("not_a_choice", field=field, value=value, choices=tuple(choices))


def _check(item: dataclasses.Field[Any], value: object) -> None:
    """Check a value's type, range or choices.

    Raises:
        KnownError: ``not_a_number``, ``out_of_range`` or ``not_a_choice``, with
            the field, its value and what is allowed.
    """
    about = {"field": item.name, "value": value}
    if "minimum" in item.metadata:
        low, high = item.metadata["minimum"], item.metadata["maximum"]
        wanted = (int,) if item.type == "int" else (int, float)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise KnownError("not_a_number", **about)
        if not low <= value <= high:  # also catches NaN
            raise KnownError("out_of_range", **about, minimum=low, maximum=high)
    elif value not in item.metadata.get("choices", (value,)):
        raise _no_choice(item.name, value, item.metadata["choices"])


def preset(name: str) -> RunConfig:
    """Return the config of a preset.

    Raises:
        KnownError: ``not_a_choice`` for a name that is not in ``PRESETS``.
    """
    name = FORMER.get(name, name)
    return RunConfig(preset=name, **PRESETS.get(name, {}))


def changed(recipe: RunConfig, given: Mapping[str, Any]) -> RunConfig:
    """Return a recipe with some fields changed.

    A number of steps, given alone, replaces the recipe's epochs.

    Raises:
        KnownError: what RunConfig refuses.
    """
    if "n_steps" in given and "n_epochs" not in given:
        given = {**given, "n_epochs": 0}
    return dataclasses.replace(recipe, **given)
