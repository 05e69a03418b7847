"""Cached features of the frozen layers give the model's own logits."""

from types import SimpleNamespace

import numpy as np
import pytest

from support.songs import prepared, song_folder
from support.tiny import save_tiny_model
from trainer.data import sources, windows
from trainer.run.events import StopRequested
from trainer.training import feature_cache

WINDOW_S = 0.5


@pytest.fixture(scope="module")
def song_set(tmp_path_factory):
    root = tmp_path_factory.mktemp("songs")
    return prepared(sources.folder_songs(song_folder(root / "songs", 2)), root)[0]


SUMS = {"use_weighted_layer_sum": True}
KINDS = {
    "last layer": {},
    "weighted layers": SUMS,
    # What it sums is not what it gives as its last: a norm lies between.
    "weighted, norm first": SUMS | {"do_stable_layer_norm": True},
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def parts(tmp_path, request):
    from transformers import AutoFeatureExtractor, HubertForSequenceClassification

    folder = save_tiny_model(tmp_path / "m", **request.param)
    model = HubertForSequenceClassification.from_pretrained(folder)
    return model.eval(), AutoFeatureExtractor.from_pretrained(folder)


def cached(model, extractor, song_set, part, path, should_stop=lambda: False):
    everything = windows.AllWindows(song_set, np.arange(4), extractor, WINDOW_S, 2)
    told = []
    return everything, feature_cache.cache_features(
        everything, model, part, path, emit=told.append, should_stop=should_stop
    )


def logits_of(model, dataset):
    import torch

    batch = windows.collate([dataset[i] for i in range(len(dataset))])
    with torch.inference_mode():
        return model(**batch).logits.numpy()


@pytest.mark.parametrize("part", ["encoder", "head"])
def test_model_says_the_same_of_recorded_windows(song_set, parts, part, tmp_path):
    model, extractor = parts
    plain, quick = cached(model, extractor, song_set, part, tmp_path / "said")
    expected = logits_of(model, plain)
    put_back = feature_cache.bypass(model, part)
    assert logits_of(model, quick) == pytest.approx(expected, rel=1e-3, abs=5e-3)
    put_back()
    assert logits_of(model, plain) == pytest.approx(expected, abs=1e-6)


def test_recording_of_the_head_is_one_vector_a_layer(song_set, parts, tmp_path):
    _, quick = cached(*parts, song_set, "head", tmp_path / "said")
    assert quick.values.shape == (len(quick), 3, 16)


def test_windows_overlap_by_half_and_cover_each_song(song_set, parts, tmp_path):
    everything, _ = cached(*parts, song_set, "head", tmp_path / "said")
    starts = [start for position, start in everything.places if position == 0]
    assert starts == [0, 4000, 8000]  # of 16,000 samples, in windows of 8,000


def test_drawn_windows_differ_by_epoch_and_are_the_same_for_the_same_seed(
    song_set, parts, tmp_path
):
    _, quick = cached(*parts, song_set, "head", tmp_path / "said")
    first, again = (
        feature_cache.RandomCachedWindows(quick, seed=1),
        feature_cache.RandomCachedWindows(quick, seed=1),
    )
    drawn = []
    for epoch in range(8):
        first.set_epoch(epoch)
        again.set_epoch(epoch)
        values = first[0]["input_values"]
        assert np.array_equal(values, again[0]["input_values"])
        drawn.append(values.tobytes())
    assert len(first) == 4
    assert len(set(drawn)) > 1


def test_windows_that_no_epoch_draws_are_not_recorded(
    song_set, parts, tmp_path, monkeypatch
):
    import dataclasses

    from trainer.config import RunConfig
    from trainer.training import prepare

    model, extractor = parts
    config = RunConfig(trained_part="encoder", window_s=WINDOW_S, n_steps=3, seed=1)
    given = prepare.Parts(
        config,
        song_set,
        None,
        None,
        windows.AllWindows(song_set, np.arange(4), extractor, WINDOW_S),
        None,
        SimpleNamespace(train=np.arange(4)),
        model,
        extractor,
    )

    def recorded(n_kept):
        monkeypatch.setattr(prepare, "MIN_RECORDED", n_kept)
        folder = tmp_path / str(n_kept)
        folder.mkdir()
        told = (lambda _: None), (lambda: False)
        return prepare.with_cached_features(given, folder, *told).train_set

    everything, some = recorded(500), recorded(1)
    assert 4 <= len(some.cached) <= 3 * 4 < len(everything.cached)
    for epoch in range(3):
        for each in (everything, some):
            each.set_epoch(epoch)
        for place in range(4):
            before, after = everything[place], some[place]
            assert np.array_equal(before["input_values"], after["input_values"])
            assert before["labels"] == after["labels"]
    head = dataclasses.replace(config, trained_part="head")
    assert prepare._only_drawn(everything.cached, head) == (everything.cached, None)


def test_stop_is_obeyed_while_recording(song_set, parts, tmp_path):
    answers = iter([False, True])
    with pytest.raises(StopRequested):
        cached(*parts, song_set, "head", tmp_path / "said", lambda: next(answers))


def test_convolutions_of_samples_are_recorded_and_patches_are_not(parts):
    from transformers import ASTConfig, ASTForAudioClassification

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    other = ASTForAudioClassification(ASTConfig(intermediate_size=16, **small))
    assert feature_cache.can_cache(parts[0], "encoder") and feature_cache.can_cache(
        other, "head"
    )
    assert not feature_cache.can_cache(other, "encoder")
    assert not feature_cache.can_cache(parts[0], "all")
