"""A short convolution with a stride, as products of matrices, with fewer of them.

Frames first, channels beside one another: the samples under a kernel then lie in a row
already, and a convolution is a sum of products of such rows with matrices.

A kernel of three and a stride of two, y[n] = A x[2n] + B x[2n+1] + C x[2n+2], shares
every other frame with its neighbour. Two neighbours need six products, or five:

    y[0] = A (x[0] - x[2]) + B x[1] + (A + C) x[2]
    y[1] = C (x[4] - x[2]) + B x[3] + (A + C) x[2]

Source: S. Winograd, "Arithmetic Complexity of Computations", SIAM 1980: an FIR filter
of two taps gives two outputs by three multiplications; here on the even frames.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from networks.cpu.product import laid_out, product

if TYPE_CHECKING:
    from torch import Tensor


def by_products(conv: Any) -> Callable[[Tensor], Tensor]:
    """What a ``Conv1d`` without padding does to frames, and to more of them.

    The convolution itself can no longer be called: its weights are laid out anew. Of
    one channel it is used as it is.

    Returns:
        A function from (n_frames, n_in), contiguous, to (n_out, n_out_channels).
    """
    import torch

    if conv.in_channels == 1:
        return partial(_of_samples, conv)
    taps = conv.weight.detach().permute(2, 0, 1)  # (kernel, n_out_channels, n_in)
    stride, bias = conv.stride[0], None if conv.bias is None else conv.bias.detach()
    in_pairs = (len(taps), stride) == (3, 2)
    conv.matrices = torch.nn.ParameterList(
        torch.nn.Parameter(laid_out(matrix), requires_grad=False)
        for matrix in (_of_pairs(taps) if in_pairs else _of_strides(taps, stride))
    )
    conv.weight = None
    how = _in_pairs if in_pairs else partial(_plain, len(taps), stride)
    return partial(how, [*conv.matrices], bias)


def _of_samples(conv: Any, samples: Tensor) -> Tensor:
    """One channel in: short rows, which are cheap to copy and dear to add up."""
    import torch

    rows = samples[:, 0].unfold(0, conv.kernel_size[0], conv.stride[0])
    return torch.nn.functional.linear(rows, conv.weight[:, 0], conv.bias)


def _of_strides(taps: Tensor, stride: int) -> list[Tensor]:
    """As many taps side by side as the stride is long: such rows do not overlap."""
    return [_beside(*some) for some in taps.split(stride)]


def _plain(
    kernel: int,
    stride: int,
    matrices: list[Tensor],
    bias: Tensor | None,
    frames: Tensor,
) -> Tensor:
    """A product for each stride's length of the kernel, added up."""
    n_out = (len(frames) - kernel) // stride + 1
    rows = partial(_rows, frames, n_out, stride)
    out = product(matrices[0], bias, rows(0, min(stride, kernel)))
    for number, matrix in enumerate(matrices[1:], 1):
        first = number * stride
        out = product(matrix, None, rows(first, min(stride, kernel - first)), out)
    return out


def _of_pairs(taps: Tensor) -> list[Tensor]:
    """The matrices of ``_in_pairs``."""
    before, middle, after = taps
    return [before + after, _beside(before, middle), _beside(after, middle)]


def _in_pairs(matrices: list[Tensor], bias: Tensor | None, frames: Tensor) -> Tensor:
    """A kernel of three, a stride of two: two outputs by five products."""
    shared, even, odd = matrices
    n_out = (len(frames) - 3) // 2 + 1
    n_even, n_odd = (n_out + 1) // 2, n_out // 2
    rows = partial(_rows, frames, hop=4)
    both = product(shared, bias, rows(n_even, first=2))
    out = both.new_empty(n_out, both.shape[1])
    out[::2] = product(even, None, _less(rows, n_even, 0, 1), both)
    out[1::2] = product(odd, None, _less(rows, n_odd, 4, 3), both[:n_odd])
    return out


def _less(rows: Callable[..., Tensor], n_rows: int, outer: int, inner: int) -> Tensor:
    """x[outer] - x[2] and x[inner] beside one another, again every four frames."""
    import torch

    middle = rows(n_rows, first=2)
    both = middle.new_empty(n_rows, 2, middle.shape[1])
    torch.sub(rows(n_rows, first=outer), middle, out=both[:, 0])
    both[:, 1] = rows(n_rows, first=inner)
    return both.flatten(1)


def _beside(*matrices: Tensor) -> Tensor:
    import torch

    return torch.cat(matrices, 1)


def _rows(frames: Tensor, n_rows: int, hop: int, first: int, n_each: int = 1) -> Tensor:
    """Frames ``first`` and following, ``n_each`` a row, again every ``hop``: a view."""
    n_in = frames.shape[1]
    start = frames.storage_offset() + first * n_in
    return frames.as_strided((n_rows, n_each * n_in), (hop * n_in, 1), start)
