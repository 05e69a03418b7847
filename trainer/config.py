"""RunConfig: every choice of a run, its presets, and its ranges, checked once.

The same dataclass is the page's form, the command line's flags and ``config.json``.
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
from trainer.presets import PRESETS as PRESETS  # a part of what this module offers

FOLDER, ZIP, HUB = "folder:", "zip:", "hub:"
SCHEMES = ("stratified", "random", "group", "listed")  # of a split; see ``splits``
METRIC = "accuracy"  # by which the Trainer chooses a checkpoint


def _number(default: float, minimum: float, maximum: float) -> Any:
    """A field whose value lies in [minimum, maximum]."""
    return field(default=default, metadata={"minimum": minimum, "maximum": maximum})


def _choice(default: str, *choices: str) -> Any:
    """A field whose value is one of ``choices``."""
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True)
class RunConfig:
    """The tutorial's values, unless a preset or a person says otherwise.

    Attributes:
        preset: the name of the recipe that this config started from.
        data: ``gtzan``; ``composed``; ``folder:PATH`` or ``zip:PATH`` with a subfolder
            a genre; or ``hub:ID``, a data set of the Hub.
        n_songs_per_genre: how many songs to compose (``composed`` only).
        base_model: a model of the Hub, as ``id`` or ``id@revision``; ``bundled``,
            the model that ships; or ``small``, a small HuBERT from a random start.
        trained_part: ``all``; ``encoder``, with what makes its input frozen (HuBERT's
            and Whisper's convolutions, AST's patches); or ``head``, the layers that
            stand above the pretrained ones.
        window_s: length of the pieces of song that the model hears (s); AST and
            Whisper hear one length only, which then stands in its place.
        n_windows_per_song: of each song to learn from, where what a frozen part says
            is recorded; spread evenly. 0: all, overlapping by half.
        n_steps: optimizer steps.
        n_epochs: rounds through the songs, in place of the steps; 0: the steps count.
        batch_size: windows in one forward pass.
        n_accumulated: forward passes added up for one step.
        learning_rate: the highest, after the warm-up.
        encoder_rate_fraction: the pretrained layers' rate as a share of the head's.
        warmup_fraction: share of the steps in which the rate rises from 0.
        schedule: how the rate falls after that.
        weight_decay: AdamW's.
        label_smoothing: share of the truth that is spread over all genres.
        weighted_layers: the head hears a learned mixture of all layers rather than the
            last one; no layer is skipped in training then.
        fast_attention: no dropout inside the attention, which keeps it off its fast
            path.
        mask_time_fraction: share of the frames that SpecAugment hides while learning;
            0: as the checkpoint says. HuBERT and wav2vec2 only.
        mask_feature_fraction: the same for channels.
        augmentation: change level and spectral tilt of the windows at random.
        precision: ``auto`` is fp16 or bf16 on a CUDA GPU and fp32 elsewhere.
        eval_every_n_steps: how often to evaluate and save; 0 is once an epoch.
        split: ``stratified``, each genre alike; ``random``, as in the tutorial;
            ``group``, artists or albums whole; or ``listed``, by a list that comes
            with the songs (GTZAN: the fault-filtered one).
        test_fraction: share of the songs that is kept for testing.
        validation_fraction: share of the songs that choose the checkpoint; 0: the
            test songs do, as in the tutorial.
        seed: of split, start, order and windows.
        report_to: a dashboard that is told of the run besides, where it is installed.
    """

    preset: str = "tutorial"
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
    mask_time_fraction: float = _number(0.0, 0.0, 0.5)
    mask_feature_fraction: float = _number(0.0, 0.0, 0.5)
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

    def to_json(self) -> str:
        """The config as JSON, one field a line."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)

    def command(self) -> str:
        """The command line that repeats this run: what differs from its preset."""
        recipe = preset(self.preset)
        words = ["python", "-m", "trainer", "--preset", self.preset]
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            # Steps on a command line stand in place of the preset's epochs.
            is_told = item.name == "n_epochs" and self.n_steps != recipe.n_steps
            if is_told or value != getattr(recipe, item.name):
                words += [f"--{item.name.replace('_', '-')}", _flag_value(value)]
        return shlex.join(words)

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """The config that ``to_json`` wrote; fields of other versions are ignored."""
        known = {item.name for item in dataclasses.fields(cls)}
        values: Mapping[str, Any] = json.loads(text)
        return cls(**{name: values[name] for name in values if name in known})


def _flag_value(value: object) -> str:
    """A field's value as a flag has it; a float in all its digits."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _no_choice(field: str, value: object, choices: Iterable[str]) -> KnownError:
    return KnownError("not_a_choice", field=field, value=value, choices=tuple(choices))


def _check(item: dataclasses.Field[Any], value: object) -> None:
    """Refuse a value of the wrong type, out of range, or not among the choices.

    Raises:
        KnownError: ``not_a_number``, ``out_of_range`` or ``not_a_choice``, naming
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
    """The config of a preset.

    Raises:
        KnownError: ``not_a_choice`` for a name that is not in ``PRESETS``.
    """
    name = FORMER.get(name, name)
    return RunConfig(preset=name, **PRESETS.get(name, {}))


def changed(recipe: RunConfig, given: Mapping[str, Any]) -> RunConfig:
    """A recipe with a person's choices in it.

    A number of steps, named alone, stands in place of the recipe's epochs.

    Raises:
        KnownError: what RunConfig refuses.
    """
    if "n_steps" in given and "n_epochs" not in given:
        given = {**given, "n_epochs": 0}
    return dataclasses.replace(recipe, **given)
