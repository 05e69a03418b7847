"""Precision by what the machine can do, and two learning rates."""

import pytest

from errors import KnownError
from networks import architecture
from networks.small_hubert import small_hubert
from trainer.config import RunConfig
from trainer.training import recipe


@pytest.mark.parametrize(
    ("has_cuda", "has_bf16", "wanted", "expected"),
    [
        (True, True, "auto", "bf16"),
        (True, False, "auto", "fp16"),
        (True, "emulated", "auto", "fp16"),
        (False, False, "auto", "fp32"),
        (True, True, "fp32", "fp32"),
        (True, True, "fp16", "fp16"),
        (False, False, "bf16", "bf16"),
    ],
)
def test_precision_is_the_quickest_that_is_safe_here(
    monkeypatch, has_cuda, has_bf16, wanted, expected
):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: (
            including_emulation if has_bf16 == "emulated" else has_bf16
        ),
    )
    assert recipe._precision(wanted) == expected


def test_fp16_without_a_gpu_is_refused(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(KnownError, match="no_cuda"):
        recipe._precision("fp16")


def test_process_that_sees_two_gpus_trains_on_one(monkeypatch, tmp_path):
    from transformers import TrainingArguments

    settled = TrainingArguments.__post_init__

    def on_two_gpus(self):
        settled(self)
        self._n_gpu = 2

    monkeypatch.setattr(TrainingArguments, "__post_init__", on_two_gpus)
    batches = recipe.Batches(2, 4)
    arguments = recipe.training_arguments(RunConfig(), tmp_path, batches)
    assert arguments.n_gpu <= 1
    assert arguments.train_batch_size == 2


@pytest.mark.parametrize("fraction", [1.0, 0.1])
def test_pretrained_layers_learn_at_their_share_of_the_rate(tmp_path, fraction):
    from transformers import TrainingArguments

    model = small_hubert(("a", "b"), 0)
    arguments = TrainingArguments(
        str(tmp_path), learning_rate=1e-3, weight_decay=0.01, use_cpu=True
    )
    trainer = recipe.trainer_class()(model=model, args=arguments)
    trainer.encoder_rate_fraction = fraction
    optimizer = trainer.create_optimizer()
    rates = {
        id(weight): (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    named = dict(model.named_parameters())
    assert len(rates) == len(named)  # each weight once
    for name, weight in named.items():
        is_inside = name.startswith(architecture.body_name(model))
        rate, decay = rates[id(weight)]
        assert rate == pytest.approx(1e-3 * (fraction if is_inside else 1.0))
        if name.endswith("bias"):
            assert decay == 0.0
    assert rates[id(named["classifier.weight"])][1] == 0.01
    assert optimizer.param_groups[0]["lr"] == 1e-3
