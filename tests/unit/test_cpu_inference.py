import copy

import pytest

from networks.cpu import fft_conv, frontend, product
from networks.cpu.conv import strided_conv

N_SECOND = 16_000


def tiny(kind, norm, **changes):
    """A small model with a front end of distilhubert's kernels and strides."""
    import torch
    import transformers

    torch.manual_seed(0)
    values = dict(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        classifier_proj_size=16,
        conv_dim=(8,) * 7,
        feat_extract_norm=norm,
        conv_bias=norm == "layer",
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        initializer_range=0.5,
    )
    config = getattr(transformers, f"{kind}Config")(**{**values, **changes})
    model = getattr(transformers, f"{kind}ForSequenceClassification")(config).eval()
    with torch.no_grad():  # norms that do something
        for name, weights in model.base_model.feature_extractor.named_parameters():
            if "layer_norm" in name:
                weights.add_(torch.rand_like(weights))
    return model


def sounds(n_samples, n_windows=2):
    """Noise that swells and has an offset: its statistics differ from tile to tile."""
    import torch

    torch.manual_seed(1)
    swell = torch.linspace(0.1, 2.0, n_samples)
    return torch.randn(n_windows, n_samples) * swell + 0.3


@pytest.mark.parametrize("kind", ["Hubert", "Wav2Vec2"])
@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("n_samples", [400, 719, 720, N_SECOND, 2 * N_SECOND, 90_001])
def test_tiles_give_what_the_whole_window_gives(kind, norm, n_samples):
    import torch

    model, given = tiny(kind, norm), sounds(n_samples)
    front = model.base_model.feature_extractor
    with torch.inference_mode():
        exact = copy.deepcopy(front).double()(given.double())
        frames, logits = front(given), model(given).logits
        frontend.optimize_for_cpu(model)
        assert front.forward.func is frontend._tiled
        tiled = front(given)
        assert tiled.shape == frames.shape
        # torch's own rounding is as large, and another one on every processor.
        rounding = (frames - exact).abs().max().item()
        assert (tiled - exact).abs().max() < max(1e-5, 2 * rounding)
        assert (model(given).logits - logits).abs().max() < 1e-4


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize(
    ("kernels", "strides"),
    [((320, 10, 4), (32, 10, 2)), ((10, 3, 2), (5, 2, 1)), ((400,), (160,))],
)
def test_front_ends_of_any_shape_give_what_the_whole_window_gives(
    norm, kernels, strides
):
    import torch

    dims = tuple(range(8, 8 + 4 * len(kernels), 4))
    shape = {"conv_dim": dims, "conv_kernel": kernels, "conv_stride": strides}
    model, given = tiny("Hubert", norm, **shape), sounds(40_001)
    with torch.inference_mode():
        expected = model(given).logits
        frontend.optimize_for_cpu(model)
        assert (model(given).logits - expected).abs().max() < 1e-4


def test_tiles_of_any_length_give_the_same(monkeypatch):
    import torch

    model, given = tiny("Hubert", "group"), sounds(3 * N_SECOND)
    with torch.inference_mode():
        expected = model(given).logits
        frontend.optimize_for_cpu(model)
        for n_tile in (1, 1000, 7777, 10**9):
            monkeypatch.setattr(frontend, "TILE", n_tile)
            assert (model(given).logits - expected).abs().max() < 1e-4


def test_digital_silence_and_a_constant_stay_finite():
    import torch

    model = tiny("Hubert", "group")
    frontend.optimize_for_cpu(model)
    with torch.inference_mode():
        for level in (0.0, 0.5):
            assert model(torch.full((1, N_SECOND), level)).logits.isfinite().all()


def test_weight_norm_is_worked_out_once():
    from torch.nn.utils import parametrize

    model = tiny("Hubert", "group")
    assert any(map(parametrize.is_parametrized, model.modules()))
    frontend.optimize_for_cpu(model)
    assert not any(map(parametrize.is_parametrized, model.modules()))


def test_other_models_are_left_as_they_are():
    import torch

    other = torch.nn.Linear(2, 2)
    other.base_model = other
    frontend.optimize_for_cpu(other)
    assert "forward" not in vars(other)


@pytest.mark.parametrize("n_frames", [1, 2, 15, 16, 17, 40, 499])
@pytest.mark.parametrize(("kernel", "n_groups"), [(16, 4), (15, 1), (128, 2)])
def test_long_kernel_by_fft_gives_what_the_convolution_gives(
    n_frames, kernel, n_groups
):
    import torch

    torch.manual_seed(0)
    conv = torch.nn.Conv1d(8, 8, kernel, padding=kernel // 2, groups=n_groups)
    given = torch.randn(2, 8, n_frames)
    with torch.inference_mode():
        expected, found = conv(given), fft_conv.prepared(conv)(given)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5


@pytest.mark.parametrize("n_frames", [12, 13, 14, 15, 16, 101])
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize(
    ("n_in", "kernel", "stride"),
    [(1, 10, 5), (6, 3, 2), (6, 2, 2), (6, 10, 10), (6, 4, 2), (6, 5, 2), (6, 2, 3)],
)
def test_products_of_matrices_give_what_the_convolution_gives(
    n_frames, has_bias, n_in, kernel, stride
):
    import torch

    torch.manual_seed(0)
    conv = torch.nn.Conv1d(n_in, 7, kernel, stride, bias=has_bias)
    given = torch.randn(n_frames, n_in)
    with torch.inference_mode():
        expected = conv(given.T[None])[0].T
        convolved = strided_conv(conv)
        # And a part of something larger, as a tile is.
        within = torch.cat([torch.randn(3, n_in), given])[3:]
        for frames in (given.clone(), within):
            found = convolved(frames)
            assert found.shape == expected.shape
            assert (found - expected).abs().max() < 1e-5


@pytest.mark.parametrize("module", ["Conv1d", "Linear"])
def test_weights_that_are_laid_out_anew_are_there_once(module):
    import torch

    conv, linear = torch.nn.Conv1d(8, 16, 4, 2), torch.nn.Linear(8, 16)
    made = {
        "Conv1d": (conv, strided_conv),
        "Linear": (linear, product.optimize_linear),
    }
    laid_out, optimize_for_cpu = made[module]
    before = sum(each.nbytes for each in laid_out.parameters())
    optimize_for_cpu(laid_out)
    assert sum(each.nbytes for each in laid_out.parameters()) == before


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("shape", [(5,), (0, 5), (1, 5), (2, 40, 5)])
def test_a_linear_layer_answers_as_before(shape, has_bias):
    import torch

    linear, given = torch.nn.Linear(5, 3, bias=has_bias), torch.randn(shape)
    with torch.inference_mode():
        expected = linear(given)
        product.optimize_linear(linear)
        assert torch.allclose(linear(given), expected, atol=1e-6)


@pytest.mark.parametrize("lacks", ["library", "operators"])
def test_a_system_without_the_library_or_its_operators_answers_too(lacks, monkeypatch):
    import torch

    model, given = tiny("Hubert", "layer"), sounds(N_SECOND)
    with torch.inference_mode():
        expected = model(given).logits
        if lacks == "library":
            monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        else:
            monkeypatch.setattr(torch.ops, "mkldnn", object())
        frontend.optimize_for_cpu(model)
        assert not any(each.is_mkldnn for each in model.parameters())
        assert (model(given).logits - expected).abs().max() < 1e-4


def test_model_that_nobody_uses_gives_its_memory_back_at_once():
    """The app freezes what it has loaded: a cycle would never be collected."""
    import gc
    import weakref

    model = tiny("Hubert", "group")
    frontend.optimize_for_cpu(model)
    weights = weakref.ref(model.hubert.feature_extractor.conv_layers[1].conv)
    gc.disable()
    try:
        del model
        assert weights() is None
    finally:
        gc.enable()
