import dataclasses
import math
import shlex
from pathlib import Path

import pytest

from errors import KnownError
from networks import checkpoint
from trainer import config
from trainer import flags as flags_of
from trainer.config import RunConfig
from trainer.training.initial_model import BUNDLED_DIR

PARSER = flags_of.parser(Path("runs"), Path("cache"), source="")


def test_tutorial_preset_holds_the_tutorials_values():
    recipe = config.preset("tutorial")
    assert recipe.base_model == "ntu-spml/distilhubert"
    assert (recipe.learning_rate, recipe.n_steps) == (5e-5, 100)
    assert (recipe.batch_size, recipe.n_accumulated) == (2, 4)
    assert (recipe.warmup_fraction, recipe.window_s) == (0.1, 30.0)
    assert (recipe.test_fraction, recipe.seed) == (0.2, 42)
    assert (recipe.data, recipe.eval_every_n_steps) == ("gtzan", 0)


def test_course_preset_holds_the_courses_values():
    recipe = config.preset("course")
    assert recipe.base_model == "ntu-spml/distilhubert"
    assert (recipe.n_epochs, recipe.learning_rate) == (10, 5e-5)
    assert (recipe.batch_size, recipe.n_accumulated) == (8, 1)
    assert (recipe.warmup_fraction, recipe.window_s) == (0.1, 30.0)
    assert (recipe.test_fraction, recipe.trained_part) == (0.1, "all")


def test_steps_that_a_person_names_stand_in_place_of_epochs():
    course = config.preset("course")
    assert config.changed(course, {"seed": 1}).n_epochs == 10
    assert config.changed(course, {"n_steps": 5}).n_epochs == 0
    both = config.changed(course, {"n_steps": 5, "n_epochs": 3})
    assert (both.n_steps, both.n_epochs) == (5, 3)


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
        ("label_smoothing", 1.0, "out_of_range"),
        ("encoder_rate_fraction", 0.0, "out_of_range"),
        ("n_epochs", -1, "out_of_range"),
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


@pytest.mark.parametrize(
    "recipe",
    [
        *map(config.preset, config.PRESETS),
        dataclasses.replace(config.preset("fast"), n_steps=7),
        dataclasses.replace(config.preset("fast"), n_steps=7, n_epochs=0),
        dataclasses.replace(
            config.preset("smoke"), learning_rate=1.23456789e-7, augmentation=True
        ),
        RunConfig(data="folder:/music of 'mine'/a b", n_steps=7),
    ],
    ids=lambda recipe: recipe.preset,
)
def test_command_repeats_the_run(recipe):
    python, dash_m, module, *flags = shlex.split(recipe.command())
    assert (python, dash_m, module) == ("python", "-m", "trainer")
    options = PARSER.parse_args(flags)
    assert flags_of.config_of(options) == recipe


@pytest.mark.parametrize("kind", ["folder:", "zip:"])
def test_place_of_songs_is_meant_from_where_the_person_stands(kind):
    options = PARSER.parse_args(["--preset", "smoke", "--data", f"{kind}mine"])
    assert flags_of.config_of(options).data == f"{kind}{Path.cwd() / 'mine'}"


def test_command_for_own_songs_composes_none():
    own = RunConfig(preset="smoke", data="folder:/music", n_songs_per_genre=7)
    assert "n-songs-per-genre" not in own.command()
    composed = RunConfig(preset="smoke", data="composed", n_songs_per_genre=7)
    assert "--n-songs-per-genre 7" in composed.command()


def test_command_of_a_preset_names_it_alone():
    assert config.preset("smoke").command() == "python -m trainer --preset smoke"


def test_names_of_older_versions_are_read_and_never_written():
    old = RunConfig.from_json('{"preset": "demo", "base_model": "demo", "seed": 7}')
    assert (old.preset, old.base_model, old.seed) == ("scratch", "bundled", 7)
    assert "demo" not in old.to_json() + old.command()
    assert config.preset("demo") == config.preset("scratch")
    options = PARSER.parse_args(["--preset", "smoke", "--base-model", "demo"])
    assert flags_of.config_of(options) == config.preset("smoke")
    assert "demo" not in PARSER.format_help()


@pytest.mark.parametrize("name", ["head", "smoke"])
def test_presets_from_the_bundled_model_have_its_windows(name):
    recipe = config.preset(name)
    described = checkpoint.describe("bundled", "bundled", BUNDLED_DIR)
    assert (recipe.base_model, recipe.window_s) == ("bundled", described.window_s)


def test_help_names_every_choice_and_how_to_resume():
    text = PARSER.format_help()
    for item in dataclasses.fields(RunConfig):
        assert f"--{item.name.replace('_', '-')}" in text
    for part in ("--resume", "examples:", "result.json", "exit code", "the songs:"):
        assert part in text
