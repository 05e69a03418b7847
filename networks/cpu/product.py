"""Products of rows with a fixed matrix: where its layout and precision are decided.

oneDNN, the library behind torch's own convolutions, can keep such a matrix in blocks as
its kernels read them. That saves a tenth of DistilHuBERT's CPU time against a matrix in
rows, which has to be copied into blocks at every product. The operators have no public
name; where torch lacks them, the matrix stays as it is.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def packed(matrix: Tensor) -> Tensor:
    """Lay out a matrix (n_out, n_in) as ``product`` takes it; float32, on a CPU."""
    import torch

    operators = torch.ops.mkldnn
    names = ("_reorder_linear_weight", "_linear_pointwise")
    has_operators = all(hasattr(operators, name) for name in names)
    if not has_operators or not torch.backends.mkldnn.is_available():
        return matrix.contiguous()
    return operators._reorder_linear_weight(matrix.contiguous())


def product(
    rows: Tensor, matrix: Tensor, bias: Tensor | None = None, plus: Tensor | None = None
) -> Tensor:
    """Compute ``rows @ matrix.T + bias + plus``: (..., n_out), from (..., n_in).

    Args:
        rows: float32 (..., n_in); they may overlap in memory.
        matrix: as of ``packed``.
        bias: (n_out,).
        plus: (..., n_out), which may be overwritten; given without a bias.
    """
    import torch

    if not matrix.is_mkldnn:
        out = torch.nn.functional.linear(rows, matrix, bias)
        return out if plus is None else out.add_(plus)
    linear = torch.ops.mkldnn._linear_pointwise
    if plus is None:
        return linear(rows, matrix, bias, "none", [], "")
    return linear(rows, plus, matrix, bias, "add")


def optimize_linear(linear: Any) -> None:
    """Let a ``torch.nn.Linear`` on a CPU compute with its weights packed."""
    import torch

    weight = packed(linear.weight.detach())
    linear.weight = torch.nn.Parameter(weight, requires_grad=False)
    linear.forward = partial(product, matrix=linear.weight, bias=linear.bias)
