"""Measure a run's device: name, memory, load and temperature.

Measured from outside the trainer, by nvidia-smi or, without a GPU, from the process. It
needs no torch, and takes nothing from the training.
"""

from __future__ import annotations

import math
import platform
import shutil
import subprocess
from pathlib import Path

from trainer.run.events import Device

QUERY = "name,memory.used,memory.total,utilization.gpu,temperature.gpu"
PATIENCE_S = 5.0
MIB = 2**20
CPUINFO = Path("/proc/cpuinfo")


def figures(pid: int, devices: str = "") -> Device | None:
    """Measure the first GPU that a process may use; without one, CPU and memory.

    Args:
        pid: of the trainer.
        devices: ``CUDA_VISIBLE_DEVICES`` of the trainer.
    """
    return gpu(devices) or processor(pid)


def gpu(devices: str = "") -> Device | None:
    """Measure the first visible GPU by ``nvidia-smi``; None where there is none."""
    tool = shutil.which("nvidia-smi")
    first = devices.split(",")[0].strip()
    if tool is None or first == "-1":
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


def processor_name() -> str:
    """Return the model name of the processor."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
