"""The model that ships: what its card claims, on songs that training never saw."""

import json

import pytest

import settings
from audio.synth.composer import STYLES, Shift, compose
from classifier.models import Models
from classifier.predict import predict
from networks.cpu.precision import dtype_of

HOST = settings.Settings()
FOLDER = HOST.bundled_model_dir
FIRST_UNSEEN = 1_000_000  # training composes from the seeds 0, 1, 2, ...


@pytest.fixture(scope="module")
def model():
    models = Models(
        bundled_model_dir=FOLDER,
        runs_dir=HOST.runs_dir,
        hub_model=HOST.hub_model,
        is_offline=True,
    )
    return models.load(models.ref("bundled"))


def n_right(model, n_songs, is_shifted):
    """Of ``n_songs`` unseen composed songs, as many of each style."""
    right = 0
    for seed in range(FIRST_UNSEEN, FIRST_UNSEEN + n_songs // len(STYLES)):
        shift = Shift.drawn(seed) if is_shifted else Shift()
        for genre in STYLES:
            answer = predict(compose(genre, seed, shift=shift), model)
            right += answer.genres[0][0] == genre
    return right


def test_model_fits_into_nine_megabytes_and_holds_no_pickle():
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sum(files.values()) < 9_000_000
    assert {path.rsplit(".", 1)[1] for path in files} == {"json", "safetensors", "md"}


def test_model_says_what_it_was_trained_on():
    config = json.loads((FOLDER / "config.json").read_text("utf-8"))
    assert config["genrescope"]["trained_on"] == "recordings"
    assert sorted(config["id2label"].values()) == list(STYLES)


def test_weights_are_half_floats_on_disk_and_floats_in_memory(model):
    import torch
    from safetensors import safe_open

    with safe_open(FOLDER / "model.safetensors", "pt") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    assert kinds == {"F16"}
    kinds = {p.dtype for p in model.model.parameters()}
    assert kinds == {torch.float32, dtype_of(model.precision)}


@pytest.mark.minute
def test_model_names_unseen_songs(model):
    assert n_right(model, 50, is_shifted=False) >= 45


@pytest.mark.minute
def test_model_names_songs_in_another_mix(model):
    assert n_right(model, 50, is_shifted=True) >= 44


@pytest.mark.slow
@pytest.mark.parametrize("is_shifted", [False, True], ids=["as composed", "shifted"])
def test_model_is_as_right_on_composed_songs_as_its_card_says(model, is_shifted):
    right = n_right(model, 200, is_shifted)
    least = 185 if is_shifted else 190  # 186 and 197 were measured
    assert right >= least, f"{right} of 200"


def test_pipeline_of_transformers_loads_it():
    from transformers import pipeline

    clip = compose("metal", FIRST_UNSEEN, duration_s=10.0)
    classify = pipeline("audio-classification", str(FOLDER))
    assert classify(clip.samples.copy())[0]["label"] == "metal"
