"""The number format of products on a CPU: bfloat16 where the processor multiplies it faster.

bfloat16 keeps float32's range and 8 of its 24 significant bits. Processors with AMX or
AVX-512 BF16 multiply it two to eight times as fast and add the products up in float32;
others emulate it, slower than float32 itself. torch is asked for the instructions, and
one product is timed in both formats: an older kernel, a virtual machine or a variable
(``ONEDNN_MAX_CPU_ISA``) may withhold what the processor has.

What is not a product (norms, softmax, sums over a window, what layers are added to)
stays float32. So does all of a narrow model: rounding averages out over channels, and
where those are few it moves probabilities by up to 0.0023 (width 128), to save
milliseconds.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "bf16"]
Wanted = Literal["auto", "fp32", "bf16"]
WANTED: tuple[Wanted, ...] = ("auto", "fp32", "bf16")
HELP = (
    "number format of a CPU's products (default: bf16 where the processor multiplies it"
    " faster, else fp32; or GENRESCOPE_PRECISION)"
)
INSTRUCTIONS = (
    "_is_amx_tile_supported",
    "_is_avx512_bf16_supported",
    "_is_mkldnn_bf16_supported",  # also where a processor of Arm has them
)
CPUINFO = Path("/proc/cpuinfo")
FLAGS = {"amx_bf16", "avx512_bf16"}
# Of float32's time, that a product must not take to be worth its rounding.
WORTH = 0.9
MIN_WIDTH = 256  # channels of a model whose rounding averages out
TRIAL = (256, 1024, 512)  # rows, inputs and outputs of the product that is timed
N_TRIALS, N_EMULATED = 16, 3  # in all; after which one that is slower is given up


def chosen(wanted: Wanted = "auto", n_channels: int = MIN_WIDTH) -> Precision:
    """Return the precision of products on this CPU.

    Args:
        wanted: ``auto`` is the faster one, and float32 for a narrow model.
        n_channels: the model's width.
    """
    if wanted != "auto":
        return wanted
    if n_channels < MIN_WIDTH:
        return "fp32"
    return "bf16" if is_bf16_faster() else "fp32"


def likely() -> Precision:
    """Return what ``chosen`` will, without the seconds that loading torch takes.

    Where torch is not loaded yet, the system's list of instructions answers; only the
    trial knows whether their kernels are withheld.
    """
    if "torch" in sys.modules:
        return chosen()
    if not CPUINFO.exists():
        return "fp32"
    found = re.search(r"^flags\b.*$", CPUINFO.read_text("utf-8"), re.MULTILINE)
    has_bf16 = found and not FLAGS.isdisjoint(found[0].split())
    return "bf16" if has_bf16 else "fp32"


@functools.cache
def is_bf16_faster() -> bool:
    """Return whether bfloat16 products are faster here, found out once (some 20 ms)."""
    if not has_operators() or not _has_instructions():
        return False
    try:
        for n_timed, (fp32_s, bf16_s) in enumerate(_times_s(), 1):
            if bf16_s < WORTH * fp32_s:
                return True
            if bf16_s > fp32_s and n_timed >= N_EMULATED:
                return False
    except RuntimeError:  # the operators are there, their kernels are not
        pass
    return False


def has_operators() -> bool:
    """Return whether torch has oneDNN and its operators for matrices laid out once."""
    import torch

    names = ("_reorder_linear_weight", "_linear_pointwise")
    has_names = all(hasattr(torch.ops.mkldnn, name) for name in names)
    return has_names and torch.backends.mkldnn.is_available()


def dtype_of(precision: Precision) -> torch.dtype:
    """Return torch's type of a precision."""
    import torch

    return torch.bfloat16 if precision == "bf16" else torch.float32


def autocast(precision: str, device: str = "cpu") -> AbstractContextManager[Any]:
    """Let the training engine compute in a precision on a CPU; elsewhere do nothing."""
    import torch

    if precision != "bf16" or device != "cpu":
        return contextlib.nullcontext()
    return torch.autocast("cpu", torch.bfloat16)


def _has_instructions() -> bool:
    """Ask torch, whose versions have some of these questions each."""
    import torch

    places = (torch.cpu, getattr(torch._C, "_cpu", None), torch.ops.mkldnn)
    asked = [getattr(place, name, None) for place in places for name in INSTRUCTIONS]
    return any(ask() for ask in asked if ask)


def _times_s() -> Iterator[tuple[float, float]]:
    """Time a product in float32 and in bfloat16, in turns.

    Other work on the same core only makes either slower, so that the least of several
    times counts, of the processor's time and not of the clock's.

    Yields:
        The least time of each so far (s).
    """
    import torch

    n_rows, n_in, n_out = TRIAL
    generator = torch.Generator().manual_seed(0)  # draws from no one else's numbers
    best_s = [float("inf")] * 2
    with torch.inference_mode():
        rows = torch.randn(n_rows, n_in, generator=generator)
        matrix = torch.randn(n_out, n_in, generator=generator)
        products = [_product(rows.to(kind), matrix.to(kind)) for kind in _types()]
        for compute in products:
            compute()  # kernels are made at the first call
    for _ in range(N_TRIALS):
        for at, compute in enumerate(products):
            began_s = time.thread_time()
            with torch.inference_mode():
                compute()
            best_s[at] = min(best_s[at], time.thread_time() - began_s)
        yield best_s[0], best_s[1]


def _types() -> tuple[torch.dtype, torch.dtype]:
    return dtype_of("fp32"), dtype_of("bf16")


def _product(rows: torch.Tensor, matrix: torch.Tensor) -> Callable[[], object]:
    import torch

    operators = torch.ops.mkldnn
    laid_out = operators._reorder_linear_weight(matrix)
    return lambda: operators._linear_pointwise(rows, laid_out, None, "none", [], "")
