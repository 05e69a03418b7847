"""A HuBERT that is loaded without transformers against transformers' own."""

import json
import subprocess
import sys

import numpy as np
import pytest

from networks import checkpoint
from networks.checkpoint import read_json
from networks.cpu import hubert
from support import tiny
from support.files import write_audio
from support.places import ROOT
from support.signals import noise, sweep

RATE = tiny.SAMPLING_RATE
KINDS = {
    "as the bundled model": {"do_stable_layer_norm": True},
    "norms after the layers": {},
    "as DistilHuBERT": {
        "feat_extract_norm": "group",
        "conv_bias": False,
        "feat_proj_layer_norm": False,
        "num_conv_pos_embeddings": 15,
    },
}


def read(folder, **changes):
    """Load by our class, its config changed on the way."""
    config = read_json(folder / "config.json") | changes
    return hubert.load(folder, config, read_json(folder / "preprocessor_config.json"))


def theirs(folder):
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    return model, AutoFeatureExtractor.from_pretrained(folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_samples", [719, 8000, 20_001])
def test_logits_and_states_are_those_of_transformers(kind, n_samples, tmp_path):
    import torch

    model, _ = read(tiny.save_tiny_model(tmp_path, **KINDS[kind]))
    plain, _ = theirs(tmp_path)
    given = torch.randn(2, n_samples, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = plain(given, output_hidden_states=True)
        found = model(given, output_hidden_states=True)
        below = model.hubert(given)
        last = plain.hubert(given).last_hidden_state
    assert torch.allclose(found.logits, expected.logits, atol=1e-5)
    pairs = zip(found.hidden_states, expected.hidden_states, strict=True)
    assert all(torch.allclose(ours, other, atol=1e-5) for ours, other in pairs)
    assert torch.allclose(below.last_hidden_state, last, atol=1e-5)
    assert below.hidden_states is None


@pytest.mark.parametrize("do_normalize", [True, False])
def test_samples_are_those_of_transformers_extractor(do_normalize, tmp_path):
    folder = tiny.save_tiny_model(tmp_path)
    facts = read_json(folder / "preprocessor_config.json")
    facts["do_normalize"] = do_normalize
    (folder / "preprocessor_config.json").write_text(json.dumps(facts))
    (_, ours), (_, other) = read(folder), theirs(folder)
    samples = noise(3, 0.5, RATE).samples + np.float32(0.25)
    found, expected = (
        each(samples, sampling_rate=RATE)["input_values"][0] for each in (ours, other)
    )
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)
    with pytest.raises(ValueError, match="44100"):
        ours(samples, sampling_rate=44_100)


def test_old_names_of_the_positional_weights_are_read(tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    folder = tiny.save_tiny_model(tmp_path)
    weights = load_file(folder / "model.safetensors")
    today, before = hubert.NORMED
    for new, old in zip(today, before, strict=True):
        weights[hubert.POSITION + old] = weights.pop(hubert.POSITION + new)
    given = torch.randn(1, 8000)
    expected = read(folder)[0](given).logits
    save_file(weights, folder / "model.safetensors")
    assert torch.equal(read(folder)[0](given).logits, expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"architectures": ["HubertForCTC"]},
        {"conv_pos_batch_norm": True},
        {"use_weighted_layer_sum": True},
        {"hidden_act": "relu"},
        {"feat_extract_norm": "none"},
        {"hidden_size": "16"},
        {"num_attention_heads": 3},
        {"conv_dim": [16, 16]},
        {"conv_dim": None},
        {"intermediate_size": 33},
        {"id2label": None},
        {"layer_norm_eps": None},
    ],
)
def test_what_is_unusual_is_left_to_transformers(changes, tiny_model_dir):
    assert read(tiny_model_dir, **changes) is None


def test_weights_that_lack_are_left_to_transformers(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tiny.save_tiny_model(tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.bias"]
    save_file(weights, folder / "model.safetensors")
    assert read(folder) is None
    (folder / "model.safetensors").write_bytes(b"none")
    assert read(folder) is None


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", KINDS)
def test_engine_computes_with_it_as_with_transformers(
    precision, kind, tmp_path, monkeypatch
):
    import torch

    folder = tiny.save_tiny_model(tmp_path, **KINDS[kind])
    ref = checkpoint.describe("folder", "it", folder)
    asked = {"device": "cpu", "precision": precision}
    ours = checkpoint.load(ref, folder, **asked)
    monkeypatch.setattr(hubert, "load", lambda *_: None)
    other = checkpoint.load(ref, folder, **asked)
    assert isinstance(ours.feature_extractor, hubert.SampleExtractor)
    assert type(other.model).__module__.startswith("transformers.")
    assert (ours.precision, ours.labels) == (other.precision, other.labels)
    given = torch.randn(1, 20_000)
    with torch.inference_mode():
        found, expected = (each.model(given).logits for each in (ours, other))
    tolerance = {"fp32": 1e-5, "bf16": 0.05}[precision]  # of another order of roundings
    assert torch.allclose(found, expected, atol=tolerance)


@pytest.mark.minute
def test_a_songs_genre_needs_no_transformers(tmp_path):
    write_audio(tmp_path / "song.wav", sweep(duration_s=3.0))
    code = (
        "import sys; from classifier.__main__ import main; main(sys.argv[1:]);"
        " print(*{name.partition('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "song.wav")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert "torch" in loaded
    assert not {"transformers", "librosa", "numba", "scipy", "sklearn"} & {*loaded}
