"""Products of rows with a fixed matrix: where its layout and precision are decided.

oneDNN, the library behind torch's own convolutions, can keep such a matrix in blocks as
its kernels read them. That saves a tenth of DistilHuBERT's CPU time against a matrix in
rows, which has to be copied into blocks at every product. The operators have no public
name; where torch lacks them, the matrix stays as it is.

A matrix in bfloat16 is multiplied by rows in bfloat16, whose products are added up in
float32 (see ``precision``); only the result is rounded again.
"""

from __future__ import annotations

import platform
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from networks.cpu.precision import Precision, dtype_of, has_operators

if TYPE_CHECKING:
    from torch import Tensor

X86 = ("x86_64", "AMD64")
N_FRAMES = 800  # for which a convolution's filters are laid out; others are as fast


def packed(matrix: Tensor, precision: Precision = "fp32") -> Tensor:
    """Lay out a matrix (n_out, n_in) as ``product`` takes it; float32, on a CPU."""
    import torch

    matrix = matrix.to(dtype_of(precision)).contiguous()
    if not has_operators():
        return matrix
    return torch.ops.mkldnn._reorder_linear_weight(matrix)


def product(
    rows: Tensor,
    matrix: Tensor,
    bias: Tensor | None = None,
    plus: Tensor | None = None,
    *,
    activation: Literal["none", "gelu"] = "none",
) -> Tensor:
    """Compute ``rows @ matrix.T + bias + plus``: (..., n_out), from (..., n_in).

    Args:
        rows: float32, or of the matrix's type (..., n_in); they may overlap in memory.
        matrix: as of ``packed``, whose type the result has.
        bias: float32 (n_out,).
        plus: (..., n_out), which may be overwritten; given without a bias.
        activation: applied to the result, before that is rounded; given without plus.
    """
    import torch

    if rows.dtype != matrix.dtype:
        rows = rows.to(matrix.dtype)
    if not matrix.is_mkldnn:
        bias = bias if bias is None else bias.to(matrix.dtype)
        out = torch.nn.functional.linear(rows, matrix, bias)
        out = out if plus is None else out.add_(plus)
        return torch.ops.aten.gelu_(out) if activation == "gelu" else out
    linear = torch.ops.mkldnn._linear_pointwise
    if plus is None:
        return linear(rows, matrix, bias, activation, [], "none")
    return linear(rows, plus, matrix, bias, "add")


def has_convolution() -> bool:
    """Return whether torch has oneDNN's convolution that keeps frames first.

    It is known to be as fast as a product on processors of Intel and AMD alone.
    """
    import torch

    names = ("_reorder_convolution_weight", "_convolution_pointwise")
    has_names = all(hasattr(torch.ops.mkldnn, name) for name in names)
    return has_operators() and has_names and platform.machine() in X86


def packed_filters(weight: Tensor, stride: int, precision: Precision) -> Tensor:
    """Lay out a ``Conv1d``'s weight (n_out, n_in, kernel) as ``convolution`` takes it."""
    import torch

    filters = weight.to(dtype_of(precision))[:, :, None].contiguous()
    frames = [1, weight.shape[1], 1, N_FRAMES]
    return torch.ops.mkldnn._reorder_convolution_weight(
        filters, [0, 0], [1, stride], [1, 1], 1, frames
    )


def convolution(
    frames: Tensor,
    filters: Tensor,
    stride: int,
    bias: Tensor | None = None,
    *,
    activation: Literal["none", "gelu"] = "none",
) -> Tensor:
    """Convolve without padding, frames first and none of them copied.

    Args:
        frames: (n_frames, n_in), contiguous, of the filters' type.
        filters: as of ``packed_filters``.
        stride: as given there.
        bias: float32 (n_out_channels,).
        activation: applied to the result, before that is rounded.

    Returns:
        (n_out, n_out_channels), contiguous.
    """
    import torch

    given = frames.to(filters.dtype).T[None, :, None]
    shape = [0, 0], [1, stride], [1, 1], 1  # padding, stride, dilation and groups
    out = torch.ops.mkldnn._convolution_pointwise(
        given, filters, bias, *shape, activation, [], "none"
    )
    return out[0, :, 0].T


def optimize_linear(
    linear: Any,
    precision: Precision = "fp32",
    *,
    activation: Literal["none", "gelu"] = "none",
) -> None:
    """Let a ``torch.nn.Linear`` on a CPU compute with its weights packed.

    Its output is of that precision, and after the activation.
    """
    import torch

    weight = packed(linear.weight.detach(), precision)
    linear.weight = torch.nn.Parameter(weight, requires_grad=False)
    linear.forward = partial(
        product, matrix=linear.weight, bias=linear.bias, activation=activation
    )
