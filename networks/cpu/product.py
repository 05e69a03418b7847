"""Products of rows with a fixed matrix: where its layout and precision are decided.

oneDNN, the library behind torch's own convolutions, can keep such a matrix in blocks as
its kernels read them. That saves a tenth of DistilHuBERT's CPU time against a matrix in
rows, which has to be copied into blocks at every product. The operators have no public
name; where torch lacks them, the matrix stays as it is.

A matrix in bfloat16 is multiplied by rows in bfloat16, whose products are added up in
float32 (see ``precision``); only the result is rounded again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from networks.cpu.precision import Precision, dtype_of, has_operators

if TYPE_CHECKING:
    from torch import Tensor


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
