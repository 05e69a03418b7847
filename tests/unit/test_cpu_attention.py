"""Attention with dropout, block by block, is the attention that one writes down."""

import copy

import pytest
import torch
import transformers

from networks.cpu import attention, training
from networks.cpu.precision import autocast

SHAPE = (2, 3, 700, 16)  # 700 frames: three blocks
SCALE = 0.25


def states(dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(2, 700, 3, 16, generator=generator).to(dtype)
    return drawn.transpose(1, 2).requires_grad_()  # as a layer gives them


def kept_of(seed, fraction):
    kept = attention._Kept(seed, fraction)
    blocks = [
        kept.draw(torch.empty(some.stop - some.start, 700))
        for _ in range(6)
        for some in attention._blocks(700, 700)
    ]
    assert len(blocks) > 6
    return torch.cat(blocks).view(2, 3, 700, 700) * kept.gain


@pytest.mark.parametrize("fraction", [0.1, 0.5])
@pytest.mark.parametrize(
    ("dtype", "error"), [(torch.float32, 1e-6), (torch.bfloat16, 8e-3)]
)
def test_output_and_gradients_are_those_of_the_formula(
    monkeypatch, dtype, error, fraction
):
    monkeypatch.setattr(attention, "_seed", lambda: 5)
    ours = [states(dtype, seed) for seed in range(3)]
    plain = [each.detach().float().requires_grad_() for each in ours]
    gradient = torch.randn(SHAPE, generator=torch.Generator().manual_seed(4))
    out, _ = attention.attend(None, *ours, None, dropout=fraction, scaling=SCALE)
    out.transpose(1, 2).backward(gradient.to(dtype))
    query, key, value = plain
    weights = torch.softmax(query @ key.mT * SCALE, -1) * kept_of(5, fraction)
    expected = weights @ value
    expected.backward(gradient)
    found = [out.transpose(1, 2), *(each.grad for each in ours)]
    for is_, should in zip(found, [expected, *(p.grad for p in plain)], strict=True):
        assert (is_.float() - should).norm() < error * should.norm()


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.9])
def test_dropout_drops_that_fraction_and_keeps_the_mean(fraction):
    torch.manual_seed(0)
    module = torch.nn.Dropout(fraction)
    ones = torch.ones(1_000_001)
    out = attention._dropped(module, ones)
    spread = (fraction * (1 - fraction) / len(ones)) ** 0.5
    assert abs((out == 0).float().mean().item() - fraction) < 5 * spread
    assert set(out.unique().tolist()) <= {0.0, out.max().item()}
    assert out.max().item() == pytest.approx(1 / (1 - fraction), rel=2e-4)
    assert torch.equal(attention._dropped(module.eval(), ones), ones)


def test_draws_of_neighbours_know_nothing_of_each_other():
    drawn = attention._Kept(1, 0.5).draw(torch.empty(1 << 18)) - 0.5
    for step in (1, 2, 3, 4, 8):
        correlation = 4 * (drawn[step:] * drawn[:-step]).mean().item()
        assert abs(correlation) < 5 / len(drawn) ** 0.5


def model_of(**changes):
    torch.manual_seed(0)
    config = transformers.HubertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(16, 16),
        conv_kernel=(10, 3),
        conv_stride=(5, 2),
        num_conv_pos_embedding_groups=4,
        apply_spec_augment=False,
        layerdrop=0.0,
        **changes,
    )
    return transformers.HubertForSequenceClassification(config).train()


def loss_of(model, seed=1):
    torch.manual_seed(seed)
    sounds = torch.randn(2, 8000, generator=torch.Generator().manual_seed(2))
    return model(sounds, labels=torch.tensor([0, 1])).loss


def test_run_can_be_repeated_and_what_is_saved_names_no_implementation_of_ours(
    tmp_path,
):
    model = model_of()
    training.optimize_for_cpu(model)
    assert model.config._attn_implementation == attention.NAME
    assert loss_of(model) == loss_of(model)
    assert loss_of(model) != loss_of(model, seed=2)
    model.save_pretrained(tmp_path)
    assert attention.NAME not in (tmp_path / "config.json").read_text()


def test_evaluation_is_torch_s_own():
    plain = model_of()
    ours = copy.deepcopy(plain)
    training.optimize_for_cpu(ours)
    with torch.no_grad():
        expected = loss_of(plain.eval())
        assert loss_of(ours.eval()).item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_losses_fall_as_those_of_torch_s_dropout(precision):
    """The mean of many draws is the same, whoever draws."""
    means = []
    plain = model_of(hidden_dropout=0.3, attention_dropout=0.3)
    ours = copy.deepcopy(plain)
    training.optimize_for_cpu(ours)
    for model in (plain, ours):
        with autocast(precision):
            drawn = torch.stack([loss_of(model, seed).detach() for seed in range(30)])
        means.append((drawn.mean(), drawn.std() / len(drawn) ** 0.5))
    (mean, error), (our_mean, our_error) = means
    assert error > 0
    assert our_error > 0
    assert abs(mean - our_mean) < 4 * (error**2 + our_error**2) ** 0.5
