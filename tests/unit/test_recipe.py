"""Precision by what the machine can do, and two learning rates."""

import pytest

from errors import KnownError
from networks import architecture, device
from networks.small_hubert import small_hubert
from support import gpus
from trainer.config import RunConfig
from trainer.training import recipe


@pytest.mark.parametrize(
    ("has_cuda", "bf16", "wanted", "expected"),
    [
        (True, "yes", "auto", "bf16"),
        (True, "no", "auto", "fp16"),
        (True, "emulated", "auto", "fp16"),
        (False, "no", "auto", "fp32"),
        (True, "yes", "fp32", "fp32"),
        (True, "yes", "fp16", "fp16"),
        (False, "no", "bf16", "bf16"),
    ],
)
def test_precision_is_the_quickest_that_is_safe_here(
    monkeypatch, has_cuda, bf16, wanted, expected
):
    gpus.answers(monkeypatch, has_cuda=has_cuda, bf16=bf16)
    found = recipe.device_of(RunConfig(precision=wanted))
    assert (found.is_gpu, found.precision) == (has_cuda, expected)


def test_chosen_precision_is_the_reason_where_another_would_be_quicker(monkeypatch):
    gpus.answers(monkeypatch)
    assert recipe.device_of(RunConfig(precision="fp32")).why == "gpu_asked"
    assert recipe.device_of(RunConfig(precision="bf16")).why == "gpu_bf16"


def test_fp16_without_a_gpu_is_refused(monkeypatch):
    gpus.answers(monkeypatch, has_cuda=False)
    with pytest.raises(KnownError, match="no_cuda"):
        recipe.device_of(RunConfig(precision="fp16"))


def test_gpu_that_cannot_compute_trains_nothing(monkeypatch, tmp_path):
    gpus.answers(monkeypatch, computes=False)
    found = recipe.device_of(RunConfig())
    assert (found.kind, found.why) == ("cpu", "gpu_fails")
    batches = recipe.Batches(2, 4)
    arguments = recipe.training_arguments(RunConfig(), tmp_path, batches, found)
    assert arguments.device.type == "cpu"


def test_validation_batch_is_split_where_the_memory_is_not_enough():
    import torch

    sizes = []

    def step(batch):
        n = len(batch["labels"])
        sizes.append(n)
        if n > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return batch["x"].mean(), batch["x"], batch["labels"]

    batch = {"x": torch.arange(7.0)[:, None], "labels": torch.arange(7)}
    loss, logits, labels = recipe._split_until_it_fits(step, batch)
    assert sizes == [7, 3, 1, 2, 4, 2, 2]
    assert loss == pytest.approx(3.0)
    assert torch.equal(logits, batch["x"])
    assert torch.equal(labels, batch["labels"])


def test_validation_that_fails_for_another_reason_fails():
    import torch

    def step(batch):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes"):
        recipe._split_until_it_fits(step, {"labels": torch.arange(7)})


def test_process_that_sees_two_gpus_trains_on_one(monkeypatch, tmp_path):
    from transformers import TrainingArguments

    settled = TrainingArguments.__post_init__

    def on_two_gpus(self):
        settled(self)
        self._n_gpu = 2

    monkeypatch.setattr(TrainingArguments, "__post_init__", on_two_gpus)
    batches = recipe.Batches(2, 4)
    arguments = recipe.training_arguments(
        RunConfig(), tmp_path, batches, device.processor()
    )
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
