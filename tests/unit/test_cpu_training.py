"""Convolutions as matrix products give the losses and gradients that they gave before."""

import copy

import pytest
import torch
import transformers

from networks.cpu import fft_conv, precision, training

HUBERT = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "classifier_proj_size": 16,
    "conv_dim": (16, 16, 16, 16),
    "conv_kernel": (10, 3, 5, 2),
    "conv_stride": (5, 2, 2, 2),
    "num_conv_pos_embeddings": 64,
    "num_conv_pos_embedding_groups": 4,
    "apply_spec_augment": False,
    "layerdrop": 0.0,
    # Dropout draws other numbers than torch's; see test_cpu_attention.py.
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "feat_proj_dropout": 0.0,
    "final_dropout": 0.0,
    "num_labels": 3,
    "initializer_range": 0.3,
}
SHAPES = {
    "group": {"feat_extract_norm": "group"},
    "layer": {"feat_extract_norm": "layer", "conv_bias": True},
    "one after the other": {"conv_kernel": (8, 2, 2, 2), "conv_stride": (8, 2, 2, 2)},
}


def model_of(shape, kind="Hubert", **changes):
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(
        **{**HUBERT, **SHAPES[shape], **changes}
    )
    return getattr(transformers, f"{kind}ForSequenceClassification")(config).train()


def loss_and_gradients(model, sounds):
    model.zero_grad()
    loss = model(sounds.clone(), labels=torch.tensor([0, 2])).loss
    loss.backward()
    return loss.item(), {n: p.grad for n, p in model.named_parameters()}


def sounds_of(n_samples):
    return torch.randn(2, n_samples, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    ("kind", "shape"),
    [*(("Hubert", shape) for shape in SHAPES), ("Wav2Vec2", "group")],
)
@pytest.mark.parametrize("n_samples", [4000, 16_003])
def test_loss_and_gradients_stay_the_same(kind, shape, n_samples):
    plain = model_of(shape, kind)
    quick = copy.deepcopy(plain)
    training.optimize_for_cpu(quick)
    sounds = sounds_of(n_samples)
    loss, gradients = loss_and_gradients(plain, sounds)
    quick_loss, quick_gradients = loss_and_gradients(quick, sounds)
    assert quick_loss == pytest.approx(loss, abs=1e-5)
    largest = max(each.abs().max() for each in gradients.values() if each is not None)
    for name, gradient in gradients.items():
        if gradient is None:
            assert quick_gradients[name] is None
            continue
        difference = (quick_gradients[name] - gradient).abs().max()
        assert difference < 2e-4 * max(gradient.abs().max(), 0.01 * largest), name


@pytest.mark.parametrize("shape", SHAPES)
def test_frozen_front_end_says_the_same_and_learns_nothing(shape):
    plain = model_of(shape)
    quick = copy.deepcopy(plain)
    training.optimize_for_cpu(quick)
    quick.freeze_feature_encoder()
    frames = quick.hubert.feature_extractor(sounds_of(8000))
    assert not frames.requires_grad
    assert torch.allclose(
        frames, plain.hubert.feature_extractor(sounds_of(8000)), atol=1e-5
    )


@pytest.mark.parametrize("has_convolution", [True, False])
@pytest.mark.parametrize("kind", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("kernel", "stride"), [(3, 2), (2, 2), (3, 1), (2, 3), (5, 2), (1, 1)]
)
def test_blocks_of_a_layer_join_to_the_whole(
    kernel, stride, kind, has_convolution, monkeypatch
):
    monkeypatch.setattr(training, "N_ROWS", 7)
    if not has_convolution:
        monkeypatch.setattr(training, "has_convolution", lambda: False)
    conv = torch.nn.Conv1d(16, 32, kernel, stride, bias=False)
    layer = torch.nn.Module()
    layer.conv, layer.activation = conv, torch.nn.GELU()
    frames = torch.randn(50, 16, requires_grad=True)
    expected = torch.nn.functional.gelu(conv(frames.T[None]))[0].T
    wanted = torch.randn(expected.shape)
    inputs = (frames, conv.weight)
    with precision.autocast(kind):
        found = training._layer(layer, frames)
    gradients = [
        torch.autograd.grad((out.float() * wanted).sum(), inputs)
        for out in (expected, found)
    ]
    within = 1e-5 if kind == "fp32" else 0.02
    for theirs, ours in zip(
        (expected, *gradients[0]), (found, *gradients[1]), strict=True
    ):
        assert (ours.float() - theirs).abs().max() < within * theirs.abs().max()


def test_long_batches_go_through_spectra_and_short_ones_do_not():
    model = model_of("group")
    conv = model.hubert.encoder.pos_conv_embed.conv
    training.optimize_for_cpu(model)
    shapes = [(2, 16, 1500), (1, 16, training.MANY_FRAMES - 1)]
    for shape in shapes:
        frames = torch.randn(shape)
        expected = torch.nn.functional.conv1d(
            frames, conv.weight, conv.bias, padding=32, groups=4
        )
        assert torch.allclose(conv(frames), expected, atol=1e-4)


def test_steps_of_the_optimizer_give_the_same_losses():
    losses = []
    for is_quick in (False, True):
        model = model_of("group")
        if is_quick:
            training.optimize_for_cpu(model)
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
        torch.manual_seed(3)
        told = []
        for _ in range(5):
            loss = model(sounds_of(16_000), labels=torch.tensor([0, 2])).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            told.append(loss.item())
        losses.append(told)
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert losses[0][0] == pytest.approx(losses[1][0], abs=1e-5)


@pytest.mark.parametrize("how", [{}, {"fused": True}, {"foreach": True}])
def test_evaluation_between_steps_is_of_the_weights_of_now(how):
    model = model_of("group")
    training.optimize_for_cpu(model)
    optimizer = torch.optim.AdamW(model.parameters(), 0.1, **how)
    sounds, found = sounds_of(16_000), []
    for _ in range(2):
        model.train()
        model(sounds, labels=torch.tensor([0, 2])).loss.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            found.append(model.hubert.feature_extractor(sounds))
    usual = copy.deepcopy(model.hubert.feature_extractor)
    del usual.forward
    with torch.no_grad():
        expected = usual(sounds)
    assert torch.allclose(found[1], expected, atol=1e-3)
    assert not torch.allclose(found[0], expected, atol=1e-2)


def test_model_without_such_a_front_end_is_left_alone():
    config = transformers.ASTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    model = transformers.ASTForAudioClassification(config)
    training.optimize_for_cpu(model)
    assert "forward" not in vars(model.audio_spectrogram_transformer)


def test_number_formats_of_other_machines_are_left_to_their_libraries():
    model = model_of("group").to(torch.bfloat16)
    training.optimize_for_cpu(model)
    frames = model.hubert.feature_extractor(sounds_of(4000).to(torch.bfloat16))
    assert frames.dtype == torch.bfloat16


@pytest.mark.parametrize("n_frames", [2, 64, 65, 300])
@pytest.mark.parametrize(("kernel", "n_groups"), [(64, 4), (65, 1), (128, 2)])
def test_long_kernel_learns_what_the_convolution_learns(n_frames, kernel, n_groups):
    torch.manual_seed(0)
    plain = torch.nn.Conv1d(8, 8, kernel, padding=kernel // 2, groups=n_groups)
    quick = copy.deepcopy(plain)
    plain.double()
    given = torch.randn(3, 8, n_frames)
    found = []
    for conv, kind in ((plain, torch.float64), (quick, torch.float32)):
        frames = given.to(kind).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):  # leaves it in float32
            out = fft_conv.learning_conv(conv, frames) if conv is quick else None
        out = conv(frames) if out is None else out
        (out * torch.linspace(-1, 1, out.shape[2])).square().sum().backward()
        found.append((out, frames.grad, conv.weight.grad, conv.bias.grad))
    for exact, ours in zip(*found, strict=True):
        assert ours.dtype == torch.float32
        assert torch.allclose(ours.double(), exact, rtol=1e-4, atol=1e-3)
