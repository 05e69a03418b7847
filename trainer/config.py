"""RunConfig: every choice of a run, its presets, and its ranges, checked once.

The same dataclass is the page's form, the command line's flags and ``config.json``.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from errors import KnownError
from trainer.splits import SCHEMES

DISTILHUBERT = "ntu-spml/distilhubert"
BASE_MODELS = (DISTILHUBERT, "demo", "small")
FOLDER, ZIP, HUB = "folder:", "zip:", "hub:"


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
        base_model: a Hub id of ``BASE_MODELS``; ``demo``, the bundled model; or
            ``small``, the bundled model's shape from a random start.
        trained_part: ``all``; ``encoder``, with the convolutional front end frozen;
            or ``head``, the two layers after the average over time alone.
        window_s: length of the pieces of song that the model hears (s).
        n_steps: optimizer steps.
        batch_size: windows in one forward pass.
        n_accumulated: forward passes added up for one step.
        learning_rate: the highest, after the warm-up.
        warmup_fraction: share of the steps in which the rate rises from 0.
        schedule: how the rate falls after that.
        weight_decay: AdamW's.
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
    base_model: str = _choice(DISTILHUBERT, *BASE_MODELS)
    trained_part: Literal["all", "encoder", "head"] = _choice(
        "all", "all", "encoder", "head"
    )
    window_s: float = _number(30.0, 0.5, 30.0)
    n_steps: int = _number(100, 1, 100_000)
    batch_size: int = _number(2, 1, 256)
    n_accumulated: int = _number(4, 1, 64)
    learning_rate: float = _number(5e-5, 1e-7, 1e-1)
    warmup_fraction: float = _number(0.1, 0.0, 0.9)
    schedule: Literal["linear", "cosine"] = _choice("linear", "linear", "cosine")
    weight_decay: float = _number(0.0, 0.0, 1.0)
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
        for item in dataclasses.fields(self):
            _check(item, getattr(self, item.name))
        data = str(self.data)
        is_place = data.startswith((FOLDER, ZIP, HUB))
        if data not in ("gtzan", "composed") and not is_place:
            raise KnownError("unknown_data", value=self.data)
        if str(self.preset) not in PRESETS:
            raise KnownError("not_a_choice", **_choice_details("preset", self.preset))

    def to_json(self) -> str:
        """The config as JSON, one field a line."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)

    def command(self) -> str:
        """The command line that repeats this run: what differs from its preset."""
        recipe = preset(self.preset)
        words = ["python", "-m", "trainer", "--preset", self.preset]
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if value != getattr(recipe, item.name):
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


def _choice_details(name: str, value: object) -> dict[str, object]:
    return {"field": name, "value": value, "choices": ", ".join(PRESETS)}


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
        choices = ", ".join(item.metadata["choices"])
        raise KnownError("not_a_choice", **about, choices=choices)


# What each preset changes of the tutorial's values.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "tutorial": {},
    # The bundled model's own recipe.
    "demo": {
        "split": "stratified",
        "data": "composed",
        "n_songs_per_genre": 200,
        "base_model": "small",
        "trained_part": "all",
        "window_s": 4.0,
        "n_steps": 1000,
        "batch_size": 24,
        "n_accumulated": 1,
        "learning_rate": 3e-3,
        "schedule": "linear",
        "augmentation": True,
        "weight_decay": 0.01,
        "eval_every_n_steps": 200,
    },
    # A minute on a CPU: the bundled model learns new labels.
    "smoke": {
        "split": "stratified",
        "data": "composed",
        "n_songs_per_genre": 12,
        "base_model": "demo",
        "trained_part": "encoder",
        "window_s": 4.0,
        "n_steps": 200,
        "batch_size": 16,
        "n_accumulated": 1,
        "learning_rate": 1e-3,
        "schedule": "linear",
        "eval_every_n_steps": 50,
    },
}


def preset(name: str) -> RunConfig:
    """The config of a preset.

    Raises:
        KnownError: ``not_a_choice`` for a name that is not in ``PRESETS``.
    """
    return RunConfig(preset=name, **PRESETS.get(name, {}))
