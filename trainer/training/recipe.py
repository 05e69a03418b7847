"""Translate a RunConfig to transformers' TrainingArguments and Trainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import process
from errors import KnownError
from networks import architecture
from networks import device as devices
from networks.device import Device
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


def device_of(config: RunConfig) -> Device:
    """Find the device to train on, in the precision that the config asks for.

    Raises:
        KnownError: ``no_cuda`` where fp16 is requested on a machine without a GPU.
    """
    found = devices.best()
    wanted = config.precision
    if wanted == "auto":
        return found
    if wanted == "fp16" and not found.is_gpu:
        raise KnownError("no_cuda", field="precision", value=wanted)
    return dataclasses.replace(found, precision=wanted, why=_why(found, wanted))


def _why(found: Device, wanted: str) -> str:
    """Return the reason for a device whose precision a person chose."""
    if not found.is_gpu:
        return found.why
    return found.why if found.precision == wanted else "gpu_asked"


def training_arguments(
    config: RunConfig,
    run_dir: Path,
    batches: Batches,
    device: Device,
    n_workers: int = 0,
) -> Any:
    """Build the TrainingArguments of a run.

    Args:
        config: the run's settings.
        run_dir: its folder.
        batches: of one optimizer step.
        device: where it trains, in which precision.
        n_workers: processes that prepare windows while the device computes.
    """
    process.settle()
    import transformers

    transformers.utils.logging.set_verbosity_warning()
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
        fp16=device.precision == "fp16",
        bf16=device.precision == "bf16",
        use_cpu=not device.is_gpu,
        dataloader_num_workers=n_workers,
        # Forked, because another process would get the songs as a copy of all of them.
        dataloader_multiprocessing_context="fork" if n_workers else None,
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


def trainer_class() -> type[Any]:
    """Make a subclass of transformers' Trainer with two learning rates.

    ``encoder_rate_fraction`` is the pretrained layers' rate as a share of the head's
    (discriminative fine-tuning: Howard and Ruder, 2018). A validation batch for which
    the memory is not enough is split.
    """
    process.settle()
    import transformers

    class TwoRates(transformers.Trainer):
        encoder_rate_fraction = 1.0

        def prediction_step(
            self, model: Any, inputs: Any, *given: Any, **named: Any
        ) -> Any:
            def step(part: Any) -> Any:
                return super(TwoRates, self).prediction_step(
                    model, part, *given, **named
                )

            return _split_until_it_fits(step, inputs)

        def create_optimizer(self, model: Any = None) -> Any:
            optimizer = super().create_optimizer(model)
            if self.encoder_rate_fraction != 1.0:
                encoder = set(map(id, architecture.body(self.model).parameters()))
                _scale_rate(optimizer, encoder, self.encoder_rate_fraction)
            return optimizer

    return TwoRates


def _split_until_it_fits(step: Any, inputs: Any) -> Any:
    """Call a prediction step; on halves of a batch where the memory is not enough.

    Args:
        step: from a batch to (loss, logits, labels).
        inputs: the batch, (n_windows, ...) by name.
    """
    n = len(next(iter(inputs.values())))
    try:
        return step(inputs)
    except (RuntimeError, MemoryError) as error:
        if n == 1 or not devices.is_out_of_memory(error):
            raise
    devices.free_memory()
    sizes = (n // 2, n - n // 2)
    halves = zip(*(value.split(sizes) for value in inputs.values()), strict=True)
    (first, *others), (second, *more) = (
        _split_until_it_fits(step, dict(zip(inputs, half, strict=True)))
        for half in halves
    )
    loss = (sizes[0] * first + sizes[1] * second) / n
    return loss, *(_joined(*pair) for pair in zip(others, more, strict=True))


def _joined(first: Any, second: Any) -> Any:
    """Concatenate the outputs of two halves: tensors, or tuples of them."""
    import torch

    if isinstance(first, tuple):
        return tuple(torch.cat(pair) for pair in zip(first, second, strict=True))
    return torch.cat((first, second))


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
