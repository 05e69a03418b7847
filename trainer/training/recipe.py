"""Translate a RunConfig to transformers' TrainingArguments and Trainer."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import process
from errors import KnownError
from networks import architecture
from trainer.config import METRIC, RunConfig
from trainer.training import dashboards


@dataclass(frozen=True)
class Batches:
    """Size and number of the batches of one optimizer step.

    Attributes:
        size: windows in one forward pass.
        n_accumulated: batches whose gradients are accumulated.
    """

    size: int
    n_accumulated: int

    def smaller(self) -> Batches | None:
        """Halve the batch at least, with as many windows a step; None at one window."""
        sizes = range(self.size // 2, 0, -1)
        size = next((n for n in sizes if self.size % n == 0), None)
        return Batches(size, self.n_accumulated * self.size // size) if size else None


def training_arguments(config: RunConfig, run_dir: Path, batches: Batches) -> Any:
    """Build the TrainingArguments of a run.

    Raises:
        KnownError: ``no_cuda`` where fp16 is requested on a machine without a CUDA GPU.
    """
    process.settle()
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_warning()
    precision = _precision(config.precision)
    strategy = "steps" if config.eval_every_n_steps else "epoch"
    every = config.eval_every_n_steps or config.n_steps
    arguments = transformers.TrainingArguments(
        output_dir=str(run_dir / "checkpoints"),
        max_steps=config.n_steps,
        per_device_train_batch_size=batches.size,
        per_device_eval_batch_size=batches.size,
        gradient_accumulation_steps=batches.n_accumulated,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_fraction,  # below 1 it is the fraction
        lr_scheduler_type=config.schedule,
        weight_decay=config.weight_decay,
        label_smoothing_factor=config.label_smoothing,
        fp16=precision == "fp16",
        bf16=precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        eval_strategy=strategy,
        eval_steps=every,
        save_strategy=strategy,
        save_steps=every,
        load_best_model_at_end=True,
        metric_for_best_model=METRIC,
        logging_steps=1,
        logging_nan_inf_filter=False,  # a NaN loss must be reported
        disable_tqdm=True,
        remove_unused_columns=False,
        # By which the Trainer knows that a validation batch has a loss.
        label_names=["labels" if config.needs_genres else "mfccs"],
        seed=config.seed,
        **dashboards.arguments(config.report_to, run_dir.name),
    )
    # One GPU a process: on two, the Trainer would copy the model and double each batch.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _precision(wanted: str) -> str:
    """Choose the number format to train in on this machine."""
    import torch

    has_cuda = torch.cuda.is_available()
    if wanted == "fp16" and not has_cuda:
        raise KnownError("no_cuda", field="precision", value=wanted)
    if wanted != "auto":
        return wanted
    if not has_cuda:
        return "fp32"
    # Cards before Ampere (T4, RTX 20) emulate bf16, slower than they compute fp32.
    has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if has_bf16 else "fp16"


def trainer_class() -> type[Any]:
    """Make a subclass of transformers' Trainer with two learning rates.

    ``encoder_rate_fraction`` is the pretrained layers' rate as a share of the head's
    (discriminative fine-tuning: Howard and Ruder, 2018).
    """
    process.settle()
    import transformers

    class TwoRates(transformers.Trainer):
        encoder_rate_fraction = 1.0

        def create_optimizer(self, model: Any = None) -> Any:
            optimizer = super().create_optimizer(model)
            if self.encoder_rate_fraction != 1.0:
                encoder = set(map(id, architecture.body(self.model).parameters()))
                _scale_rate(optimizer, encoder, self.encoder_rate_fraction)
            return optimizer

    return TwoRates


def _scale_rate(optimizer: Any, ids: Container[int], fraction: float) -> None:
    """Move weights, given by ``id``, to a parameter group with a share of the rate.

    The groups stay in their order, so that the first one's rate, which the Trainer
    reports, is the head's.
    """
    for group in list(optimizer.param_groups):
        slow = [weight for weight in group["params"] if id(weight) in ids]
        if slow:
            fast = [weight for weight in group["params"] if id(weight) not in ids]
            group["params"] = fast
            rest = {name: group[name] for name in group if name != "params"}
            rest["lr"] = group["lr"] * fraction
            optimizer.add_param_group({"params": slow, **rest})
