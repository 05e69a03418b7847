"""The head of a pretrained model starts as the best linear one."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from support.tiny import save_tiny_model
from trainer.config import RunConfig
from trainer.run.events import StopRequested
from trainer.training import feature_cache, initial_model, linear_head
from trainer.training.feature_cache import CachedFeatures, RandomCachedWindows

GENRES = ("blues", "jazz", "rock")
N_CHANNELS, N_LAYERS = 16, 3


def values_of(labels, told_by, rng, size=1.0):
    """Layer means of windows whose genre one layer tells, and the others do not."""
    values = rng.standard_normal((len(labels), N_LAYERS, N_CHANNELS))
    centres = np.random.default_rng(7).standard_normal((len(GENRES), N_CHANNELS))
    values[:, told_by] += 2.5 * centres[labels]
    return (size * values).astype(np.float32)


def head(tmp_path, **changes):
    from transformers import HubertForSequenceClassification

    folder = save_tiny_model(tmp_path, use_weighted_layer_sum=True, **changes)
    return HubertForSequenceClassification.from_pretrained(folder)


def parts_of(model, values, labels, n_each=2, **changes):
    n_songs = len(labels) // n_each
    cached = CachedFeatures(
        SimpleNamespace(
            songs=SimpleNamespace(labels=labels[::n_each]),
            indices=np.arange(n_songs),
            owners=np.repeat(np.arange(n_songs), n_each),
        ),
        values,
    )
    changes = {"base_model": "small", "trained_part": "head"} | changes
    config = dataclasses.replace(RunConfig(), weighted_layers=True, **changes)
    songs = SimpleNamespace(genres=GENRES)
    return SimpleNamespace(
        config=config,
        model=model,
        songs=songs,
        train_set=RandomCachedWindows(cached, seed=0),
        former=(),
    )


def accuracy(model, values, labels):
    import torch

    restore = feature_cache.bypass(model, "head")
    with torch.inference_mode():
        logits = model.eval()(torch.from_numpy(values)).logits.numpy()
    restore()
    return float((logits.argmax(axis=1) == labels).mean())


def fit(parts):
    linear_head.fit(parts, lambda event: None, lambda: False)


@pytest.fixture
def labels():
    return np.repeat(np.arange(60) % 3, 2)


@pytest.mark.parametrize("told_by", [1, 2], ids=["middle layer", "last layer"])
@pytest.mark.parametrize("proj_size", [16, 4], ids=["wide", "narrow projector"])
def test_it_finds_the_layer_that_tells_the_genres(tmp_path, labels, told_by, proj_size):
    rng = np.random.default_rng(0)
    model = head(tmp_path / "m", classifier_proj_size=proj_size)
    fit(parts_of(model, values_of(labels, told_by, rng, size=30.0), labels))
    assert accuracy(model, values_of(labels, told_by, rng, size=30.0), labels) > 0.9
    shares = model.layer_weights.softmax(-1).tolist()
    assert shares[told_by] > 0.99


def test_what_tells_nothing_is_not_learned_by_heart(tmp_path, labels):
    rng = np.random.default_rng(0)
    model = head(tmp_path / "m")
    noise = rng.standard_normal((len(labels), N_LAYERS, N_CHANNELS)).astype(np.float32)
    fit(parts_of(model, noise, labels))
    assert abs(model.classifier.weight @ model.projector.weight).max() < 0.2


def test_it_starts_from_the_head_that_knows_the_genres(tmp_path, labels, monkeypatch):
    rng = np.random.default_rng(0)
    taught = head(tmp_path / "taught")
    fit(parts_of(taught, values_of(labels, 2, rng), labels))
    weights, bias = taught.classifier.weight, taught.classifier.bias
    base = (
        (weights @ taught.projector.weight).detach().numpy(),
        bias.detach().numpy(),
    )
    few = np.repeat([0, 1, 2, 0], 2)
    others = values_of(labels, 2, rng)
    right = {}
    for name, own in (("alone", None), ("from its own", base)):
        monkeypatch.setattr(linear_head, "_own_head", lambda parts, own=own: own)
        model = head(tmp_path / name)
        fit(parts_of(model, values_of(few, 2, rng, size=1.0), few))
        right[name] = accuracy(model, others, labels)
    assert right["from its own"] > max(0.85, right["alone"])


def test_a_head_that_reads_normalised_layers_is_no_start_for_a_sum(
    tmp_path, labels, monkeypatch
):
    values = values_of(labels, 2, np.random.default_rng(0))
    heads = []
    for base in (None, (100 * np.ones((3, 16)), np.zeros(3))):
        monkeypatch.setattr(linear_head, "_own_head", lambda parts, own=base: own)
        model = head(tmp_path / str(len(heads)), do_stable_layer_norm=True)
        fit(parts_of(model, values, labels))
        heads.append(model.classifier.weight.detach().numpy())
    assert heads[0] == pytest.approx(heads[1])


def test_own_head_is_that_of_the_base_in_the_order_of_the_run(tmp_path, monkeypatch):
    import torch
    from transformers import HubertForSequenceClassification

    names = {0: "Rock", 1: "disco", 2: "Jazz", 3: "blues"}
    folder = save_tiny_model(tmp_path / "base", id2label=names)
    base = HubertForSequenceClassification.from_pretrained(folder)
    monkeypatch.setattr(initial_model, "base_folder", lambda *_: folder)
    config = SimpleNamespace(base_model="bundled")
    songs = SimpleNamespace(genres=GENRES)
    parts = SimpleNamespace(config=config, former=(), songs=songs)
    weights, bias = linear_head._own_head(parts)
    mean = torch.randn(base.config.hidden_size)
    expected = base.classifier(base.projector(mean))[[3, 2, 0]].detach()
    assert weights @ mean.numpy() + bias == pytest.approx(expected.numpy(), abs=1e-4)
    songs.genres = ("blues", "polka")
    assert linear_head._own_head(parts) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"trained_part": "encoder"},
        {
            "trained_part": "encoder",
            "base_model": "small",
            "encoder_rate_fraction": 0.1,
        },
        {"trained_part": "all", "encoder_rate_fraction": 0.1},
    ],
    ids=["layers as fast as the head", "layers that know nothing", "all layers"],
)
def test_a_run_that_trains_more_keeps_its_start(tmp_path, labels, changes):
    model = head(tmp_path / "m")
    before = model.classifier.weight.clone()
    values = values_of(labels, 2, np.random.default_rng(0))
    fit(parts_of(model, values, labels, **{"base_model": "bundled"} | changes))
    assert (model.classifier.weight == before).all()


def test_a_head_fits_before_the_layers_below_learn_gently(tmp_path, monkeypatch):
    import torch

    labels = np.repeat(np.arange(60) % 3, 3)  # of a song, two windows are computed
    model = head(tmp_path / "m")
    n_channels = model.config.conv_dim[-1]
    centres = 3 * np.random.default_rng(7).standard_normal((3, n_channels, 1))
    noise = np.random.default_rng(0).standard_normal((len(labels), n_channels, 20))
    convolved = (centres[labels] + noise).astype(np.float16)
    monkeypatch.setattr(linear_head, "_own_head", lambda parts: None)
    gentle = {"trained_part": "encoder", "encoder_rate_fraction": 0.1}
    parts = parts_of(model, convolved, labels, 3, base_model="bundled", **gentle)
    fit(parts)
    with torch.inference_mode():
        restore = feature_cache.bypass(model, "encoder")
        given = torch.from_numpy(convolved.astype(np.float32))
        found = model.eval()(given).logits.argmax(-1).numpy()
        restore()
    assert (found == labels).mean() > 0.9


def test_it_can_be_stopped(tmp_path, labels):
    values = values_of(labels, 2, np.random.default_rng(0))
    parts = parts_of(head(tmp_path / "m"), values, labels)
    with pytest.raises(StopRequested):
        linear_head.fit(parts, lambda event: None, lambda: True)
