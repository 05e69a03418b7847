"""The one answer to which device computes here, in what precision, and why.

torch is asked, by a tiny convolution: a GPU that a tool lists, or that torch counts, may
still be one that it cannot compute on. Training, evaluation, classification, the page
and the model card all say what is found here. ``python -m networks.device`` prints it
as JSON, for a process that should not load torch, or take memory of the GPU, itself.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import json
import platform
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from networks.cpu import precision

CPUINFO = Path("/proc/cpuinfo")
# Messages in place of OutOfMemoryError: torch on a CPU, and CUDA's libraries.
NO_MEMORY = (
    "can't allocate memory",
    "CUDA out of memory",
    "HIP out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC",
    "CUBLAS_STATUS_NOT_INITIALIZED",  # no room for its workspace
    "CUDNN_STATUS_ALLOC_FAILED",
)


@dataclass(frozen=True)
class Device:
    """A device that computes, as torch sees it.

    Attributes:
        kind: torch's name of its kind; "cuda" is also that of AMD's GPUs.
        name: of the GPU or of the processor.
        precision: number format to train in where nobody chose one: fp32, fp16 or bf16.
        why: why this device in this precision, a key of the locales' section
            ``devices``.
        uuid: of a GPU, for tools that count GPUs in another order; "" where unknown.
    """

    kind: Literal["cuda", "cpu"]
    name: str
    precision: str = "fp32"
    why: str = "no_gpu"
    uuid: str = ""

    @property
    def is_gpu(self) -> bool:
        """Whether it is a GPU."""
        return self.kind == "cuda"

    def facts(self) -> dict[str, str]:
        """Return its fields by name, for events and files."""
        return dataclasses.asdict(self)


def choose(index: int) -> None:
    """Let this process, one of several, compute on a GPU of its own."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(index % torch.cuda.device_count())


def best() -> Device:
    """Find the device where a model runs unless a person names another.

    A GPU, if torch computes on it: without one, or where its driver or its generation
    is not one that this torch was built for, the processor.
    """
    import torch

    with warnings.catch_warnings():  # of an old driver; ``reason`` is what we say
        warnings.simplefilter("ignore")
        has_gpu = torch.cuda.is_available()
    if not has_gpu:
        return processor(reason())
    if not _computes():
        return processor("gpu_fails")
    # Cards before Ampere (T4, RTX 20) emulate bf16, slower than they compute fp32.
    has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    precision, why = ("bf16", "gpu_bf16") if has_bf16 else ("fp16", "gpu_fp16")
    seen = torch.cuda.get_device_properties()
    return Device("cuda", seen.name, precision, why, str(getattr(seen, "uuid", "")))


def n_gpus() -> int:
    """Count the GPUs that this process may use."""
    import torch

    return torch.cuda.device_count()


def processor(why: str = "no_gpu") -> Device:
    """Describe the processor, chosen for a reason, in the precision of its products."""
    return Device("cpu", processor_name(), precision.likely(), why)


@functools.cache  # it does not change while a process lives, and costs a context
def _computes() -> bool:
    """Return whether the GPU carries out a tiny convolution.

    A card of another generation than torch was built for is listed like any other, and
    fails in its first kernel. One whose memory is full computes.
    """
    import torch

    try:
        sound = torch.ones(1, 1, 32, device="cuda")
        found = torch.nn.functional.conv1d(sound, sound[..., :4])
        return bool(found[0, 0, 0].item() == 4.0)
    except (RuntimeError, AssertionError) as error:
        return is_out_of_memory(error)


@functools.cache
def reason() -> str:
    """Find why torch sees no GPU: its build, the driver, or there is none to see."""
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        return "torch_without_gpu"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return "driver_too_old" if "too old" in str(error) else "no_gpu"
    return "no_gpu"


def processor_name() -> str:
    """Return the model name of the processor."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device or machine is out of memory."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(
        text in str(error) for text in NO_MEMORY
    )


def held_by_others_bytes() -> int:
    """Return how much of the GPU's memory this process has not taken, and is not free.

    Other programs hold it, but for some hundred MB of the driver; 0 without a GPU in use.
    """
    import torch

    if not (torch.cuda.is_available() and torch.cuda.is_initialized()):
        return 0
    try:
        free, total = torch.cuda.mem_get_info()
    except RuntimeError:  # after an error of its own, a driver may answer nothing more
        return 0
    return max(total - free - torch.cuda.memory_reserved(), 0)


def free_memory() -> None:
    """Free what nothing uses any more, and give back what torch keeps of a GPU's."""
    gc.collect()
    empty_cache()


def empty_cache() -> None:
    """Give back the GPU memory that torch keeps for later: others may need it now."""
    import torch

    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(best())))  # noqa: T201 - its answer
