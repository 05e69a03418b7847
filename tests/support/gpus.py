"""What torch would answer on machines with GPUs."""

import types

from networks import device
from networks.cpu import precision


def answers(monkeypatch, *, has_cuda=True, bf16="yes", computes=True, n=1, name="T4"):
    """Let torch answer as on a machine with CUDA, whose processor is an old one.

    Args:
        monkeypatch: pytest's.
        has_cuda: whether it sees a GPU.
        bf16: yes, no, or emulated.
        computes: what the tiny convolution finds.
        n: number of GPUs.
        name: of the GPU.
    """
    import torch

    found = types.SimpleNamespace(name=name, uuid="1234-ab")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n if has_cuda else 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: found)
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: (
            bf16 == "yes" or (bf16 == "emulated" and including_emulation)
        ),
    )
    monkeypatch.setattr(device, "_computes", lambda: computes)
    monkeypatch.setattr(precision, "is_bf16_faster", lambda: False)


def smi(folder, name="Tesla T4"):
    """Put an ``nvidia-smi`` into a folder that tells of a GPU; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tool = folder / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\necho "{name}, 10, 15360, 0, 40"\n')
    tool.chmod(0o755)
    return folder
