import dataclasses
import math

import pytest

from errors import KnownError
from trainer import config
from trainer.config import RunConfig


def test_tutorial_preset_holds_the_tutorials_values():
    recipe = config.preset("tutorial")
    assert recipe.base_model == "ntu-spml/distilhubert"
    assert (recipe.learning_rate, recipe.n_steps) == (5e-5, 100)
    assert (recipe.batch_size, recipe.n_accumulated) == (2, 4)
    assert (recipe.warmup_fraction, recipe.window_s) == (0.1, 30.0)
    assert (recipe.test_fraction, recipe.seed) == (0.2, 42)
    assert (recipe.data, recipe.eval_every_n_steps) == ("gtzan", 0)


@pytest.mark.parametrize("name", config.PRESETS)
def test_config_comes_back_from_json_as_it_was(name):
    recipe = config.preset(name)
    assert RunConfig.from_json(recipe.to_json()) == recipe


def test_config_of_another_version_loses_only_what_is_unknown():
    text = RunConfig(seed=7).to_json().replace('"seed"', '"dropped": 1, "seed"')
    assert RunConfig.from_json(text).seed == 7


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("n_steps", 0, "out_of_range"),
        ("n_steps", 1.5, "not_a_number"),
        ("n_steps", None, "not_a_number"),
        ("n_steps", True, "not_a_number"),
        ("learning_rate", math.nan, "out_of_range"),
        ("learning_rate", "1e-3", "not_a_number"),
        ("window_s", 31.0, "out_of_range"),
        ("schedule", "sudden", "not_a_choice"),
        ("base_model", "../somewhere", "not_a_choice"),
        ("data", "https://example.org", "unknown_data"),
        ("preset", "none", "not_a_choice"),
    ],
)
def test_config_refuses_and_names_what_is_wrong(field, value, code):
    with pytest.raises(KnownError) as caught:
        RunConfig(**{field: value})
    assert caught.value.code == code
    assert caught.value.details["value"] is value


def test_every_number_of_the_config_has_a_range():
    for item in dataclasses.fields(RunConfig):
        if item.type in ("int", "float"):
            assert item.metadata["minimum"] <= item.default <= item.metadata["maximum"]
