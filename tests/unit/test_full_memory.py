"""Where the memory is not enough, each halves its batch and goes on."""

import json

import numpy as np
import pytest

from classifier.predict import predict
from errors import KnownError
from networks import device, forward
from support import tiny
from support.signals import sweep
from support.small_runs import GENRES, config_for, of, trained
from support.songs import prepared, song_folder
from support.tiny import SAMPLING_RATE, save_tiny_model
from trainer.data import sources, windows
from trainer.run.events import Evaluated, Noted, Stage, Step
from trainer.training import feature_cache
from trainer.training.train import train


@pytest.fixture
def freed(monkeypatch):
    """How often memory was given back."""
    calls = []
    monkeypatch.setattr(device, "free_memory", lambda: calls.append(1))
    return calls


def full_above(n_windows, real, sizes):
    """A function that has memory for so many windows."""
    import torch

    def compute(model, values, *given, **named):
        sizes.append(len(values))
        if len(values) > n_windows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return real(model, values, *given, **named)

    return compute


def test_batches_are_halved_until_they_fit_and_stay_small(freed):
    tried = []

    def compute(batch):
        tried.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError("CUDA out of memory")
        return list(batch)

    found = list(forward.in_batches([5] * 9, 8, compute))
    assert [at for _, some in found for at in some] == list(range(9))
    assert tried == [8, 4, 2, 2, 2, 2, 1]
    assert len(freed) == 2


def test_only_neighbours_of_one_length_are_a_batch():
    found = forward.in_batches([3, 3, 3, 2, 3], 2, list)
    assert [list(batch) for batch, _ in found] == [[0, 1], [2], [3], [4]]


def test_one_window_that_does_not_fit_is_an_error(freed):
    def compute(batch):
        raise MemoryError

    with pytest.raises(MemoryError):
        list(forward.in_batches([5], 8, compute))


def test_other_errors_are_not_taken_for_full_memory(freed):
    tried = []

    def compute(batch):
        tried.append(batch)
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes"):
        list(forward.in_batches([5, 5], 8, compute))
    assert len(tried) == 1


def test_batch_on_a_gpu_is_a_length_of_sound():
    class Weights:
        class device:  # noqa: N801 - torch's own
            type = "cuda"

    class Model:
        def parameters(self):
            return iter([Weights])

    assert forward.batch_size(Model(), 30.0) == 2
    assert forward.batch_size(Model(), 10.0) == 8
    assert forward.batch_size(Model(), 1.0) == 80
    assert forward.batch_size(Model(), 100.0) == 1


def a_model(folder, tmp_path):
    return tiny.loaded(folder, tmp_path)


def test_classification_halves_its_batches(
    tiny_model_dir, tmp_path, monkeypatch, freed
):
    model, song = (
        a_model(tiny_model_dir, tmp_path),
        sweep(duration_s=4.0, sampling_rate=SAMPLING_RATE),
    )
    expected = dict(predict(song, model).genres)
    sizes = []
    monkeypatch.setattr(forward, "batch_size", lambda model, window_s: 8)
    monkeypatch.setattr(forward, "outputs", full_above(2, forward.outputs, sizes))
    found = predict(song, model)
    assert sizes[:3] == [8, 4, 2]
    assert found.n_done == 8
    assert dict(found.genres) == pytest.approx(expected, abs=1e-6)


def test_model_too_large_for_one_window_is_named(
    tiny_model_dir, tmp_path, monkeypatch, freed
):
    model = a_model(tiny_model_dir, tmp_path)
    monkeypatch.setattr(forward, "outputs", full_above(0, forward.outputs, []))
    with pytest.raises(KnownError) as caught:
        predict(sweep(duration_s=1.0, sampling_rate=SAMPLING_RATE), model)
    assert caught.value.code == "model_out_of_memory"
    assert caught.value.details == {"title": model.ref.title}


def test_answer_leaves_the_gpu_s_memory_to_others(
    tiny_model_dir, tmp_path, monkeypatch
):
    given_back = []
    monkeypatch.setattr(device, "empty_cache", lambda: given_back.append(1))
    predict(
        sweep(duration_s=1.0, sampling_rate=SAMPLING_RATE),
        a_model(tiny_model_dir, tmp_path),
    )
    assert given_back == [1]


def test_recording_of_frozen_features_halves_its_batches(tmp_path, monkeypatch, freed):
    from transformers import AutoFeatureExtractor, HubertForSequenceClassification

    folder = save_tiny_model(tmp_path / "m")
    model = HubertForSequenceClassification.from_pretrained(folder).eval()
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    songs = prepared(sources.folder_songs(song_folder(tmp_path / "s", 2)), tmp_path)[0]
    every = windows.AllWindows(songs, np.arange(4), extractor, 0.5, 2)

    def recorded(name):
        return feature_cache.cache_features(
            every,
            model,
            "encoder",
            tmp_path / name,
            emit=lambda event: None,
            should_stop=lambda: False,
        ).values

    expected, sizes, real = recorded("one"), [], feature_cache._frozen_output
    monkeypatch.setattr(forward, "batch_size", lambda model, window_s: 8)
    monkeypatch.setattr(
        feature_cache,
        "_frozen_output",
        lambda model, part, values: full_above(2, lambda m, v: real(m, part, v), sizes)(
            model, values
        ),
    )
    assert recorded("halved") == pytest.approx(np.asarray(expected), abs=2e-3)
    assert sizes[:3] == [8, 4, 2]


def ran(tmp_path, **changes):
    songs = song_folder(tmp_path / "songs", 5, GENRES)
    honest = {"split": "stratified", "validation_fraction": 0.2}
    config = config_for(songs, **{**honest, **changes})
    return trained(config, tmp_path / "run", tmp_path / "cache")


@pytest.fixture
def run_dir(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def test_test_halves_its_batches_and_trains_no_more(
    tmp_path, run_dir, monkeypatch, freed
):
    sizes = []
    monkeypatch.setattr(forward, "batch_size", lambda model, window_s: 16)
    monkeypatch.setattr(forward, "outputs", full_above(1, forward.outputs, sizes))
    result, told = ran(tmp_path)
    assert max(sizes) > 1 and sizes[-1] == 1
    assert result.test_accuracy is not None
    assert [step.step for step in of(told, Step)] == [1, 2, 3]
    assert not [note for note in of(told, Noted) if note.code == "batch_halved"]


def test_model_is_saved_before_it_is_tested_and_without_a_test(
    tmp_path, run_dir, monkeypatch, freed
):
    """Not one window fits: the run has a model all the same, and did not train again."""
    seen = []
    real = full_above(0, forward.outputs, [])

    def compute(*given, **named):
        seen.append((run_dir / "model" / "model.safetensors").exists())
        return real(*given, **named)

    monkeypatch.setattr(forward, "outputs", compute)
    result, told = ran(tmp_path)
    assert seen and all(seen)
    assert [step.step for step in of(told, Step)] == [1, 2, 3]
    assert result.test_accuracy is None
    assert "not_tested" in [note.code for note in of(told, Noted)]
    facts = json.loads((run_dir / "model" / "config.json").read_text())["genrescope"]
    assert facts["accuracy"] == result.validation_accuracy
    assert facts["device"] == device.best().name
    assert facts["precision"] == device.best().precision


def test_validation_after_the_last_step_never_trains_again(
    tmp_path, run_dir, monkeypatch
):
    from trainer.training import recipe

    def full(step, inputs):
        raise RuntimeError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr(recipe, "_split_until_it_fits", full)
    songs, told = song_folder(tmp_path / "songs", 5, GENRES), []
    with pytest.raises(KnownError, match="out_of_memory"):
        train(
            config_for(songs),
            run_dir,
            cache_dir=tmp_path / "cache",
            emit=told.append,
            should_stop=lambda: False,
        )
    assert [step.step for step in of(told, Step)] == [1, 2, 3]
    assert not of(told, Evaluated)
    assert (run_dir / "checkpoints" / "checkpoint-3").is_dir()


def test_first_attempt_s_weights_are_freed_before_the_second(
    tmp_path, run_dir, monkeypatch
):
    from trainer.training import initial_model
    from trainer.training import train as training

    models, real = [], initial_model.load_base
    where = []

    def load_base(*given):
        where.append([p.device.type for m in models for p in m.parameters()])
        model, extractor = real(*given)
        models.append(model)
        return model, extractor

    attempt, n_calls = training._attempt, []

    def fails_once(*given):
        n_calls.append(1)
        if len(n_calls) == 1:
            raise RuntimeError("CUDA out of memory")
        return attempt(*given)

    monkeypatch.setattr(initial_model, "load_base", load_base)
    monkeypatch.setattr(training, "_attempt", fails_once)
    ran(tmp_path)
    assert len(models) == 2
    assert set(where[1]) == {"meta"}


def test_scores_are_of_the_model_that_is_saved(tmp_path, run_dir, monkeypatch):
    """Not of its forward pass under autocast."""
    seen = []
    real = forward.outputs

    def compute(model, *given, **named):
        seen.append(hasattr(model, "_original_forward"))
        return real(model, *given, **named)

    monkeypatch.setattr(forward, "outputs", compute)
    ran(tmp_path, precision="bf16")
    assert seen and not any(seen)


def test_phases_are_in_the_order_of_the_work(tmp_path, run_dir):
    _, told = ran(tmp_path)
    names = list(dict.fromkeys(event.name for event in of(told, Stage)))
    assert names[-3:] == ["save", "calibrate", "test"]
