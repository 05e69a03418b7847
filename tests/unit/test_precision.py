"""Products in bfloat16 on a CPU: chosen where they are faster, and right where they are."""

import json
import os
import subprocess
import sys

import pytest
import torch
import transformers

from networks.cpu import conv, fft_conv, frontend, precision, product, training
from settings import from_environment

N_SECOND = 16_000
SHAPE = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "classifier_proj_size": 32,
    "conv_dim": (32,) * 7,
    "num_conv_pos_embeddings": 64,
    "num_conv_pos_embedding_groups": 4,
    "apply_spec_augment": False,
    "layerdrop": 0.0,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "feat_proj_dropout": 0.0,
    "final_dropout": 0.0,
    "num_labels": 4,
}
NORMS = {
    "group": {"feat_extract_norm": "group"},
    "layer": {
        "feat_extract_norm": "layer",
        "conv_bias": True,
        "do_stable_layer_norm": True,
    },
}


def model_of(norm, kind="Hubert"):
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SHAPE, **NORMS[norm])
    return getattr(transformers, f"{kind}ForSequenceClassification")(config).eval()


def sounds(n_samples=2 * N_SECOND, n_windows=2):
    torch.manual_seed(1)
    swell = torch.linspace(0.1, 2.0, n_samples)
    return torch.randn(n_windows, n_samples) * swell


@pytest.fixture
def asks(monkeypatch):
    """Let torch answer as on another processor, and the trial take other times."""
    real = precision.is_bf16_faster
    fresh = getattr(real, "__wrapped__", None)
    if fresh is None:
        pytest.skip("TEST_PRECISION replaces the question")
    monkeypatch.setattr(precision, "is_bf16_faster", fresh)

    def answers(*, instructions=True, times_s=(2.0, 1.0), has_operators=True):
        def timed():
            if times_s is None:
                raise RuntimeError("could not create a primitive descriptor")
            for _ in range(20):
                yield times_s

        monkeypatch.setattr(precision, "_has_instructions", lambda: instructions)
        monkeypatch.setattr(precision, "_times_s", timed)
        monkeypatch.setattr(precision, "has_operators", lambda: has_operators)

    return answers


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ({}, "bf16"),
        ({"instructions": False}, "fp32"),  # of ten years ago
        ({"times_s": (1.0, 1.0)}, "fp32"),  # no faster: not worth its rounding
        ({"times_s": (1.0, 20.0)}, "fp32"),  # emulated
        ({"times_s": None}, "fp32"),  # kernels withheld
        ({"has_operators": False}, "fp32"),  # an older torch; macOS on Arm
    ],
)
def test_precision_is_bf16_where_it_is_faster_alone(asks, machine, expected):
    asks(**machine)
    assert precision.chosen() == expected
    assert precision.chosen("auto") == expected


@pytest.mark.parametrize("wanted", ["fp32", "bf16"])
def test_precision_that_a_person_chose_is_not_questioned(asks, wanted):
    asks(times_s=None)
    assert precision.chosen(wanted) == wanted


def test_narrow_model_stays_in_float32_unless_a_person_chose(asks):
    asks()
    assert precision.chosen("auto", 128) == "fp32"
    assert precision.chosen("auto", 768) == "bf16"
    assert precision.chosen("bf16", 128) == "bf16"


def test_torch_that_lacks_every_question_computes_in_float32(monkeypatch):
    for place in (torch.cpu, torch._C._cpu):
        for name in precision.INSTRUCTIONS:
            monkeypatch.delattr(place, name, raising=False)
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    assert not precision._has_instructions()
    assert not precision.has_operators()


def test_instructions_that_are_withheld_are_not_used():
    command = "from networks.cpu import precision; print(precision.chosen())"
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run(
        [sys.executable, "-c", command],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.split() == ["fp32"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx2", "fp32"),
        ("fpu avx512_bf16 fma", "bf16"),
        ("amx_bf16", "bf16"),
        (None, "fp32"),
    ],
)
def test_estimates_know_the_precision_before_torch_is_loaded(
    flags, expected, tmp_path, monkeypatch
):
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "cpuinfo")
    if flags:
        precision.CPUINFO.write_text(f"model name\t: X\nflags\t\t: {flags}\nbugs\t:\n")
    assert precision.likely() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", "auto"), ("BF16", "bf16"), ("fp32", "fp32"), ("fp64", "auto")],
)
def test_host_sets_the_precision(value, expected):
    assert from_environment({"GENRESCOPE_PRECISION": value}).precision == expected
    assert from_environment({}).precision == "auto"


@pytest.mark.parametrize("has_operators", [True, False])
@pytest.mark.parametrize("kind", ["Hubert", "Wav2Vec2"])
@pytest.mark.parametrize("norm", NORMS)
def test_probabilities_in_bf16_are_those_of_float32(
    norm, kind, has_operators, monkeypatch
):
    given = sounds()
    with torch.inference_mode():
        expected = model_of(norm, kind)(given).logits.softmax(-1)
        if not has_operators:
            monkeypatch.setattr(torch.ops, "mkldnn", object())
        model = model_of(norm, kind)
        assert frontend.optimize_for_cpu(model, "bf16")
        found = model(given, output_hidden_states=True)
    assert found.logits.dtype == torch.float32
    assert {each.dtype for each in found.hidden_states[1:]} == {torch.float32}
    assert (found.logits.softmax(-1) - expected).abs().max() < 2e-3


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_silence_and_a_constant_stay_finite_in_bf16(level):
    model = model_of("group")
    frontend.optimize_for_cpu(model, "bf16")
    with torch.inference_mode():
        assert model(torch.full((1, N_SECOND), level)).logits.isfinite().all()


def test_weights_take_half_the_memory_in_bf16():
    sizes = []
    for kind in ("fp32", "bf16"):
        linear = torch.nn.Linear(64, 32, bias=False)
        product.optimize_linear(linear, kind)
        sizes.append(linear.weight.nbytes)
    assert sizes[0] == 2 * sizes[1]


def test_other_models_say_that_they_compute_in_float32():
    other = torch.nn.Linear(2, 2)
    other.base_model = other
    assert not frontend.optimize_for_cpu(other, "bf16")


def trained(kind, norm, n_steps):
    """Train a small model; return losses, and gradients at its first step."""
    model = model_of(norm).train()
    training.optimize_for_cpu(model)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    losses, first = [], {}
    for _ in range(n_steps):
        with precision.autocast(kind):
            loss = model(sounds(), labels=torch.tensor([0, 2])).loss
        optimizer.zero_grad()
        loss.backward()
        first = first or {
            name: weight.grad.clone()
            for name, weight in model.named_parameters()
            if weight.grad is not None
        }
        optimizer.step()
        losses.append(loss.item())
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    return losses, first


@pytest.mark.parametrize("norm", NORMS)
def test_losses_and_gradients_in_bf16_follow_those_in_float32(norm):
    exact, gradients = trained("fp32", norm, 5)
    found, others = trained("bf16", norm, 5)
    assert found == pytest.approx(exact, rel=0.01)
    assert {each.dtype for each in others.values()} == {torch.float32}
    ours, theirs = (
        torch.cat([each[name].flatten() for name in gradients])
        for each in (others, gradients)
    )
    assert torch.cosine_similarity(ours, theirs, 0) > 0.999


@pytest.mark.parametrize("kind", ["fp32", "bf16"])
def test_evaluation_within_a_training_sees_the_weights_of_now(kind):
    model = model_of("group")
    plain = model_of("group")
    training.optimize_for_cpu(model)
    with torch.no_grad():
        for _ in range(2):
            with precision.autocast(kind):
                found = model.hubert.feature_extractor(sounds())
            expected = plain.hubert.feature_extractor(sounds())
            assert (found - expected).abs().max() < 0.02 * expected.abs().max()
            for each in (model, plain):
                each.hubert.feature_extractor.conv_layers[2].conv.weight.mul_(3.0)
    assert found.dtype == torch.float32


def test_autocast_is_for_processors():
    with precision.autocast("bf16", "cuda"):
        assert not torch.is_autocast_enabled("cpu")
    with precision.autocast("bf16"):
        assert torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("wanted", ["fp32", "bf16"])
def test_command_line_names_the_precision_that_was_asked_for(wanted, tmp_path, capsys):
    from audio.synth.composer import compose
    from bench.pictures import ROOT
    from classifier.__main__ import main

    soundfile = pytest.importorskip("soundfile")
    song = compose("jazz", 1)
    path = tmp_path / "song.wav"
    soundfile.write(path, song.samples, song.sampling_rate)
    assert (ROOT / "assets").is_dir()
    asked = [str(path), "--model", "bundled", "--json", "--precision", wanted]
    assert main(asked) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["precision"] == wanted


@pytest.mark.parametrize("n_frames", [50, 249, 1499])
def test_positions_in_bf16_are_those_of_float32_in_half_the_memory(n_frames):
    torch.manual_seed(0)
    long = torch.nn.Conv1d(48, 48, 128, padding=64, groups=4)
    states = torch.randn(2, 48, n_frames)
    with torch.inference_mode():
        exact, rounded = (fft_conv.prepared(long, kind) for kind in ("fp32", "bf16"))
        expected, found = exact(states), rounded(states)
    sizes = [each.keywords["spectra"].nbytes for each in (exact, rounded)]
    assert sizes[0] == 2 * sizes[1]
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.01 * expected.abs().max()


@pytest.mark.parametrize("has_gelu", [True, False])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (5, 1), (3, 4)])
@pytest.mark.parametrize("n_frames", [5, 130])
def test_frames_are_convolved_alike_where_they_lie_and_as_copied_rows(
    n_frames, kernel, stride, has_gelu, monkeypatch
):
    torch.manual_seed(0)
    plain = torch.nn.Conv1d(32, 64, kernel, stride)
    frames = torch.randn(n_frames + 3, 32).bfloat16()[
        3:
    ]  # not the first of its storage
    with torch.inference_mode():
        expected = plain(frames.float().T[None])[0].T
        expected = torch.nn.functional.gelu(expected) if has_gelu else expected
        for has_convolution in (True, False):
            if not has_convolution:
                monkeypatch.setattr(conv, "has_convolution", lambda: False)
            convolve, _ = conv.laid_out(plain, "bf16", has_gelu=has_gelu)
            found = convolve(frames)
            assert found.is_contiguous() and found.dtype == torch.bfloat16
            assert (found - expected).abs().max() < 0.02 * expected.abs().max()
