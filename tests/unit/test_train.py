import json
import math
from pathlib import Path

import pytest

from errors import KnownError
from networks import checkpoint, forward, novelty
from support.small_runs import GENRES, config_for, never, of, trained
from support.songs import song_folder
from trainer.evaluation import evaluate
from trainer.evaluation.calibration import TemperatureFit
from trainer.evaluation.scores import Scores
from trainer.run.events import Evaluated, Noted, Stage, Step
from trainer.training import initial_model, own_features


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    return song_folder(tmp_path_factory.mktemp("data") / "songs", 5, GENRES)


def run(songs, folder, until=never, **changes):
    return trained(config_for(songs, **changes), folder, songs.parent / "cache", until)


@pytest.fixture(scope="module")
def finished(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return *run(songs, folder), folder


def test_first_loss_is_the_logarithm_of_the_number_of_genres(finished):
    _, told, _ = finished
    assert of(told, Step)[0].loss == pytest.approx(math.log(3), abs=0.1)


def test_accumulated_batches_equal_one_large_batch(songs, tmp_path, finished):
    _, whole = run(songs, tmp_path, batch_size=8, n_accumulated=1)
    for one, other in zip(of(finished[1], Step), of(whole, Step), strict=True):
        assert one.loss == pytest.approx(other.loss, rel=0.02)
        # Dropout differs; the trap that this holds shut is a factor of 4.
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=0.05)


def test_run_tells_its_phases_steps_and_scores(finished):
    result, told, _ = finished
    phases = list(dict.fromkeys(event.name for event in of(told, Stage)))
    assert phases[:2] == ["songs", "decode"]
    assert phases[-1] == "save"
    assert [step.step for step in of(told, Step)] == [1, 2, 3]
    assert of(told, Evaluated)[-1].step == 3
    assert of(told, Evaluated)[-1].n_songs == 3
    assert result.validation_accuracy == max(e.accuracy for e in of(told, Evaluated))
    assert result.test_accuracy is None
    assert not result.was_stopped
    assert [note.code for note in of(told, Noted)][:3] == [
        "trains_on",
        "rates_agree",
        "label_counts",
    ]


def test_model_is_a_checkpoint_folder_without_a_pickle(finished):
    _, _, folder = finished
    names = {path.name for path in (folder / "model").iterdir()}
    expected = {"config.json", "preprocessor_config.json", "model.safetensors"}
    assert names == expected  # too few songs to measure what is unlike them
    config = json.loads((folder / "model" / "config.json").read_text())
    assert config["id2label"] == {"0": "high", "1": "low", "2": "middle"}
    assert config["genrescope"]["window_s"] == 0.5
    counts = json.loads((folder / "confusion.json").read_text())["counts"]
    assert sum(map(sum, counts)) == 3


def test_run_keeps_which_songs_it_learned_from_and_which_not(finished):
    split = json.loads((finished[2] / "split.json").read_text())
    assert len(split["train"]) == 12
    assert len(split["test"]) == 3
    assert not set(split["train"]) & set(split["test"])


def test_model_works_in_the_pipeline_of_transformers(finished):
    import numpy as np
    from transformers import pipeline

    classify = pipeline("audio-classification", str(finished[2] / "model"))
    answers = classify(np.zeros(16_000, np.float32) + 0.1)
    assert {answer["label"] for answer in answers} == set(GENRES)


def test_same_config_gives_the_same_losses(songs, tmp_path, finished):
    _, told = run(songs, tmp_path)
    losses = [step.loss for step in of(told, Step)]
    assert losses == pytest.approx([step.loss for step in of(finished[1], Step)])


def test_tones_are_told_apart_after_a_few_steps(songs, tmp_path):
    changes = {"n_steps": 25, "eval_every_n_steps": 25, "learning_rate": 3e-3}
    result, _ = run(songs, tmp_path, batch_size=8, n_accumulated=1, **changes)
    assert result.validation_accuracy == 1.0


def test_stop_saves_what_was_learned(songs, tmp_path):
    def has_two_steps(told):
        return len(of(told, Step)) >= 2

    changes = {"n_steps": 50, "eval_every_n_steps": 0}
    result, told = run(songs, tmp_path, has_two_steps, **changes)
    assert result.was_stopped
    assert result.step == 2
    assert (tmp_path / "model" / "model.safetensors").exists()
    assert (tmp_path / "checkpoints" / "checkpoint-2").is_dir()
    assert not of(told, Evaluated)


def test_stop_is_obeyed_in_the_middle_of_a_validation(songs, tmp_path):
    def is_validating(told):
        return any(stage.name == "validate" for stage in of(told, Stage))

    changes = {"n_steps": 2, "eval_every_n_steps": 1}
    result, told = run(songs, tmp_path, is_validating, **changes)
    assert result.was_stopped
    assert not of(told, Evaluated)
    assert (tmp_path / "model" / "model.safetensors").exists()


def test_nan_loss_ends_the_run_with_a_cause(songs, tmp_path, monkeypatch):
    import torch

    load_base = initial_model.load_base

    def poisoned(*given):
        model, extractor = load_base(*given)
        with torch.no_grad():
            model.classifier.weight.fill_(math.nan)
        return model, extractor

    monkeypatch.setattr(initial_model, "load_base", poisoned)
    with pytest.raises(KnownError, match="nan_loss"):
        run(songs, tmp_path)


def test_fp16_without_cuda_is_refused(songs, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(KnownError, match="no_cuda"):
        run(songs, tmp_path, precision="fp16")


def test_only_the_chosen_part_learns(songs, tmp_path):
    import torch

    model, _ = initial_model.load_base(
        config_for(songs, trained_part="head"), ["a", "b"]
    )
    learning = {n for n, p in model.named_parameters() if p.requires_grad}
    assert learning and not any(name.startswith("hubert") for name in learning)
    model, _ = initial_model.load_base(
        config_for(songs, trained_part="encoder"), ["a", "b"]
    )
    learning = {n for n, p in model.named_parameters() if p.requires_grad}
    assert "hubert.encoder.layers.0.attention.q_proj.weight" in learning
    assert not any("feature_extractor" in name for name in learning)
    assert isinstance(model, torch.nn.Module)


def test_missing_bundled_model_is_said(songs, tmp_path, monkeypatch):
    monkeypatch.setattr(initial_model, "BUNDLED_DIR", Path(tmp_path) / "none")
    with pytest.raises(KnownError, match="no_demo_model"):
        initial_model.load_base(config_for(songs, base_model="bundled"), ["a", "b"])


def test_honest_split_reports_songs_that_did_not_choose(songs, tmp_path):
    result, told = run(songs, tmp_path, split="stratified", validation_fraction=0.2)
    parts = json.loads((tmp_path / "split.json").read_text("utf-8"))
    named = [set(parts[name]) for name in ("train", "validation", "test")]
    assert [len(part) for part in named] == [9, 3, 3]
    assert len(set.union(*named)) == 15
    scores = Scores.from_json((tmp_path / "scores.json").read_text("utf-8"))
    assert scores.n_songs == 3
    assert scores.accuracy == result.test_accuracy
    assert result.validation_accuracy == max(e.accuracy for e in of(told, Evaluated))
    assert of(told, Evaluated)[-1].n_songs == 3
    phases = [event.name for event in of(told, Stage)]
    assert list(dict.fromkeys(phases))[-5:] == [
        *("train", "validate", "save", "calibrate", "test"),
    ]
    (note,) = [each for each in of(told, Noted) if each.code == "split_three"]
    assert note.details == {"n_train": 9, "n_validation": 3, "n_test": 3}
    about = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    assert about["genrescope"]["temperature"] == scores.temperature == 1.0
    assert scores.fitted_on[0] == 3  # too few songs to fit one
    assert "n_calibration_songs" not in about["genrescope"]
    assert about["genrescope"]["accuracy"] == result.test_accuracy


def test_fitted_temperature_is_kept_with_the_number_of_its_songs(
    songs, tmp_path, monkeypatch
):
    fit = TemperatureFit(1.7, n_songs=40, n_mistakes=9)
    monkeypatch.setattr(evaluate, "fit_temperature", lambda predictions: fit)
    run(songs, tmp_path, split="stratified", validation_fraction=0.2)
    ref = checkpoint.describe("run", "it", tmp_path / "model")
    assert ref.is_calibrated
    assert ref.n_calibration_songs == 40
    assert checkpoint.load(ref, tmp_path / "model", device="cpu").temperature == 1.7
    scores = Scores.from_json((tmp_path / "scores.json").read_text("utf-8"))
    assert (scores.temperature, scores.fitted_on) == (1.7, (40, 9))


def test_run_measures_what_is_unlike_its_songs(songs, tmp_path, monkeypatch):
    monkeypatch.setattr(own_features, "MIN_WINDOWS", 8)
    monkeypatch.setattr(own_features, "MIN_HELD_OUT", 3)
    _, told = run(songs, tmp_path)
    assert "features" in [event.name for event in of(told, Stage)]
    found = novelty.load(tmp_path / "model")
    assert found is not None
    ref = checkpoint.describe("run", "it", tmp_path / "model")
    model = checkpoint.load(ref, tmp_path / "model", device="cpu")
    assert found.n_features == forward.n_features(model.model)
    assert model.novelty is not None
    assert model.ref.clear is None  # no songs were left that could choose it


def test_scores_of_a_run_without_validation_are_those_that_chose(finished):
    result, _, folder = finished
    scores = Scores.from_json((folder / "scores.json").read_text("utf-8"))
    assert scores.accuracy == result.validation_accuracy
    assert scores.temperature == 1.0
    confusion = json.loads((folder / "confusion.json").read_text("utf-8"))
    assert confusion["counts"] == [list(row) for row in scores.counts]


@pytest.mark.parametrize("part", ["encoder", "head"])
def test_frozen_part_is_heard_once_and_the_whole_model_is_kept(songs, tmp_path, part):
    from transformers import AutoModelForAudioClassification

    result, told = run(
        songs, tmp_path, base_model="bundled", trained_part=part, n_steps=6
    )
    assert any(stage.name == "record" for stage in of(told, Stage))
    assert not (tmp_path / "recorded").exists()
    model = AutoModelForAudioClassification.from_pretrained(tmp_path / "model")
    before = AutoModelForAudioClassification.from_pretrained(
        initial_model.BUNDLED_DIR, ignore_mismatched_sizes=True
    )
    frozen = "hubert.feature_extractor" if part == "encoder" else "hubert"
    kept, there = (m.get_submodule(frozen).state_dict() for m in (model, before))
    assert kept.keys() == there.keys()
    assert all(kept[name].equal(there[name]) for name in there)
    scores = Scores.from_json((tmp_path / "scores.json").read_text("utf-8"))
    assert scores.accuracy == result.validation_accuracy


def test_augmented_sounds_are_heard_anew_each_time(songs, tmp_path):
    _, told = run(
        songs, tmp_path, base_model="bundled", trained_part="encoder", augmentation=True
    )
    assert not any(stage.name == "record" for stage in of(told, Stage))
