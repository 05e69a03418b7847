"""Measure a run's device: memory, load and temperature, as often as the page shows them.

Measured from outside the trainer, by nvidia-smi or, of a processor, from the process. It
needs no torch, and takes nothing from the training. Which device that is, the trainer
notes itself (``networks.device``): nvidia-smi lists GPUs that torch cannot use.
"""

from __future__ import annotations

import functools
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from networks import device as devices_of_torch
from networks.device import processor_name
from trainer.run.events import Device, Noted, RunEvent
from trainer.run.runs import Run

ROOT = Path(__file__).parents[2]
QUERY = "name,memory.used,memory.total,utilization.gpu,temperature.gpu"
PATIENCE_S = 5.0
ASKING_S = 60.0  # at most, to import torch and to start a GPU
MIB = 2**20
# What a system has where there is a GPU: without all of them torch sees none either.
SIGNS = [
    Path("/dev") / name for name in ("nvidiactl", "kfd", "dxg", "nvhost-gpu", "nvgpu")
]


def best(env: Mapping[str, str]) -> devices_of_torch.Device:
    """Find the device that a trainer with an environment will use.

    torch is asked in a process of its own, as the trainer will be, so that no memory of
    the GPU stays taken; and only where the system has a sign of one, because that takes
    seconds.
    """
    if not any(sign.exists() for sign in SIGNS) and not shutil.which("nvidia-smi"):
        return devices_of_torch.Device("cpu", processor_name())
    return _asked(tuple(sorted(env.items())))


@functools.cache
def _asked(env: tuple[tuple[str, str], ...]) -> devices_of_torch.Device:
    """Ask torch in a process with an environment; the processor where it fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", devices_of_torch.__name__],
            cwd=ROOT,
            env=dict(env),
            capture_output=True,
            text=True,
            timeout=ASKING_S,
            check=True,
        )
        return devices_of_torch.Device(**json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return devices_of_torch.processor("gpu_fails")


class Gauge:
    """Measure the device of one run, once the trainer has noted which it is.

    Args:
        pid: of the trainer.
        devices: ``CUDA_VISIBLE_DEVICES`` of the trainer; None where that is not set.
    """

    def __init__(self, pid: int, devices: str | None) -> None:
        self._pid = pid
        self._devices = devices
        self._cursor = 0
        self._noted: Mapping[str, Any] | None = None
        self._is_first = True

    def is_ready(self, run: Run) -> bool:
        """Return whether the trainer has noted its device."""
        if self._noted is None:
            events, self._cursor = run.events(self._cursor)
            self._noted = trains_on(events)
        return self._noted is not None

    def measure(self) -> Iterator[RunEvent]:
        """Yield the device's figures; at first, a GPU that the trainer does not use."""
        assert self._noted, "only once it is ready"
        if self._is_first:
            self._is_first = False
            event = Noted("trains_on", self._noted)
            if unused := unused_gpu(event, self._devices):
                yield unused
        if found := figures(self._noted, self._pid, self._devices):
            yield found


def trains_on(events: list[RunEvent]) -> Mapping[str, Any] | None:
    """Find what the trainer noted of its device: the fields of it; None before that."""
    notes = (event for event in events if isinstance(event, Noted))
    return next((note.details for note in notes if note.code == "trains_on"), None)


def unused_gpu(event: RunEvent, devices: str | None) -> Noted | None:
    """Note a GPU that nvidia-smi sees and torch does not, with the likely cause.

    Args:
        event: the trainer's note of its device; any other one has no answer.
        devices: ``CUDA_VISIBLE_DEVICES`` of the trainer; None where that is not set.
    """
    noted = trains_on([event])
    seen = gpu(devices) if noted and noted["kind"] == "cpu" else None
    if not (noted and seen):
        return None
    return Noted("gpu_unused", {"gpu": seen.name, "why": noted["why"]})


def figures(
    noted: Mapping[str, Any], pid: int, devices: str | None = None
) -> Device | None:
    """Measure the device that a trainer noted: the GPU, or CPU and memory.

    Args:
        noted: as of ``trains_on``.
        pid: of the trainer.
        devices: ``CUDA_VISIBLE_DEVICES`` of the trainer; None where that is not set.
    """
    if noted["kind"] == "cpu":
        return processor(pid)
    uuid = noted.get("uuid")
    return gpu(f"GPU-{uuid}" if uuid else devices)


def gpu(devices: str | None = None) -> Device | None:
    """Measure the first visible GPU by ``nvidia-smi``; None where there is none.

    Args:
        devices: numbers or UUIDs, comma separated; None where all are visible.
    """
    tool = shutil.which("nvidia-smi")
    first = None if devices is None else devices.split(",")[0].strip()
    if tool is None or first in ("", "-1"):
        return None
    command = [tool, f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    command += ["-i", first] if first else []
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse(done.stdout)


def parse(output: str) -> Device | None:
    """Parse the first line of nvidia-smi's output; unknown values are NaN."""
    lines = output.strip().splitlines()
    fields = [field.strip() for field in lines[0].split(",")] if lines else []
    if len(fields) != len(QUERY.split(",")):
        return None
    used, total, load, temperature_c = (_number(field) for field in fields[1:])
    if math.isnan(used) or math.isnan(total):
        return None
    return Device(
        fields[0], round(used * MIB), round(total * MIB), load / 100, temperature_c
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # "[N/A]"
        return math.nan


def processor(pid: int) -> Device | None:
    """Measure a process's memory, and the CPU load since the last call."""
    import psutil

    try:
        used_bytes = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None
    total_bytes = psutil.virtual_memory().total
    load = psutil.cpu_percent() / 100
    return Device(processor_name(), used_bytes, total_bytes, load, math.nan)
