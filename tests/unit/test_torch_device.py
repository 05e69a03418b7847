"""Which device computes here, in what precision, and why."""

import json
import subprocess
import sys

import pytest

from networks import device
from support import gpus
from support.places import ROOT


@pytest.fixture(autouse=True)
def asked_anew():
    device._computes.cache_clear()
    device.reason.cache_clear()
    yield
    device._computes.cache_clear()
    device.reason.cache_clear()


@pytest.mark.parametrize(
    ("bf16", "precision", "why"),
    [
        ("yes", "bf16", "gpu_bf16"),
        ("emulated", "fp16", "gpu_fp16"),  # T4, RTX 20, GTX 16
        ("no", "fp16", "gpu_fp16"),
    ],
)
def test_gpu_trains_in_the_precision_that_it_computes_in(
    monkeypatch, bf16, precision, why
):
    gpus.answers(monkeypatch, bf16=bf16)
    found = device.best()
    assert (found.kind, found.name) == ("cuda", "T4")
    assert (found.precision, found.why, found.uuid) == (precision, why, "1234-ab")


def fails_at_its_first_kernel(monkeypatch, message):
    """A GPU that torch lists, and an error where something is computed on it."""
    import torch

    real = device._computes.__wrapped__
    gpus.answers(monkeypatch)
    monkeypatch.setattr(device, "_computes", real)

    def broken(*_, **__):
        raise RuntimeError(message)

    monkeypatch.setattr(torch, "ones", broken)


def test_gpu_that_torch_lists_and_cannot_compute_on_is_left_alone(monkeypatch):
    """It is of another generation than torch was built for."""
    fails_at_its_first_kernel(
        monkeypatch, "CUDA error: no kernel image is available for execution"
    )
    found = device.best()
    assert (found.kind, found.precision, found.why) == ("cpu", "fp32", "gpu_fails")
    assert found.name == device.processor_name()


def test_gpu_that_is_full_is_a_gpu(monkeypatch):
    fails_at_its_first_kernel(monkeypatch, "CUDA error: out of memory")
    assert device.best().kind == "cuda"


def test_torch_for_processors_only_is_the_reason(monkeypatch):
    import torch

    gpus.answers(monkeypatch, has_cuda=False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    assert device.best().why == "torch_without_gpu"


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("The NVIDIA driver on your system is too old (11040)", "driver_too_old"),
        ("No CUDA GPUs are available", "no_gpu"),
        ("Found no NVIDIA driver on your system", "no_gpu"),
    ],
)
def test_old_driver_is_the_reason(monkeypatch, message, why):
    import torch

    gpus.answers(monkeypatch, has_cuda=False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")

    def fail():
        raise RuntimeError(message)

    monkeypatch.setattr(torch.cuda, "init", fail)
    assert device.best().why == why


def test_answer_is_printed_for_another_process():
    done = subprocess.run(
        [sys.executable, "-m", "networks.device"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert device.Device(**json.loads(done.stdout)) == device.best()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("HIP out of memory. Tried to allocate 2 GiB"),
    ],
)
def test_full_memory_is_known_in_every_library_s_words(error):
    assert device.is_out_of_memory(error)
    assert not device.is_out_of_memory(RuntimeError("shapes differ"))
