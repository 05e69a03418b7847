"""A Conv1d with a stride as products of matrices (im2col without the copy).

Frames come first, channels are contiguous: the samples under a kernel then are a row
already, and a convolution is a sum of products of such rows with matrices.

A kernel of three and a stride of two, y[n] = A x[2n] + B x[2n+1] + C x[2n+2], shares
every other frame with its neighbour. Two neighbours need six products, or five
(Winograd's F(2, 2)):

    y[0] = A (x[0] - x[2]) + B x[1] + (A + C) x[2]
    y[1] = C (x[4] - x[2]) + B x[3] + (A + C) x[2]

Source: S. Winograd, "Arithmetic Complexity of Computations", SIAM 1980: an FIR filter
of two taps gives two outputs by three multiplications; here on the even frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from networks.cpu.precision import Precision, dtype_of
from networks.cpu.product import (
    convolution,
    has_convolution,
    packed,
    packed_filters,
    product,
)

if TYPE_CHECKING:
    from torch import Tensor


def n_outputs(n_frames: int, kernel: int, stride: int) -> int:
    """Count the outputs of a convolution without padding."""
    return (n_frames - kernel) // stride + 1


def rows(frames: Tensor, n_rows: int, hop: int, first: int, n_each: int = 1) -> Tensor:
    """View frames ``first`` and following, ``n_each`` a row, again every ``hop``.

    Args:
        frames: (n_frames, n_in), contiguous, or part of what is.
        n_rows: how many rows.
        hop: frames from one row to the next.
        first: the first row's first frame.
        n_each: frames in a row.

    Returns:
        (n_rows, n_each * n_in), without a copy.
    """
    n_in = frames.shape[1]
    start = frames.storage_offset() + first * n_in
    return frames.as_strided((n_rows, n_each * n_in), (hop * n_in, 1), start)


def strips(
    frames: Tensor, kernel: int, stride: int, n_out: int
) -> Iterator[tuple[Tensor, slice]]:
    """Yield the frames under the kernel, at most a stride's length of it at a time.

    Rows of so many taps do not overlap, so that each is read once.

    Yields:
        ``rows`` of the taps, and which taps they are.
    """
    for first in range(0, kernel, stride):
        stop = min(first + stride, kernel)
        yield rows(frames, n_out, stride, first, stop - first), slice(first, stop)


def strided_conv(
    conv: Any, precision: Precision = "fp32", *, has_gelu: bool = False
) -> Callable[[Tensor], Tensor]:
    """Prepare a ``Conv1d`` without padding for inference, as ``laid_out`` does.

    The module itself can no longer be called: its weights are laid out anew. A
    convolution of one channel is used as it is.
    """
    import torch

    convolve, matrices = laid_out(conv, precision, has_gelu=has_gelu)
    if matrices:
        conv.matrices = torch.nn.ParameterList(
            torch.nn.Parameter(matrix, requires_grad=False) for matrix in matrices
        )
        conv.weight = None
    return convolve


def laid_out(
    conv: Any, precision: Precision = "fp32", *, has_gelu: bool = False
) -> tuple[Callable[[Tensor], Tensor], list[Tensor]]:
    """Lay out the weights of a ``Conv1d`` without padding as they are now.

    In bfloat16 all that is under the kernel is one product: Winograd's sums would be
    rounded as well, for a twentieth of the time. oneDNN's own convolution takes the
    frames as they lie; a product copies rows that overlap. A convolution of
    one channel, which is cheap, stays float32.

    Args:
        conv: the module, which is left as it is.
        precision: of the products and of the result.
        has_gelu: the result goes through a GELU.

    Returns:
        A function from (n_frames, n_in), contiguous, to (n_out, n_out_channels), and
        the matrices that it multiplies by.
    """
    bias = None if conv.bias is None else conv.bias.detach()
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    if conv.in_channels == 1:
        dtype, usual = dtype_of(precision), partial(_one_channel, conv)
        return lambda samples: activated(usual(samples), has_gelu).to(dtype), []
    taps = conv.weight.detach().permute(2, 0, 1)  # (kernel, n_out_channels, n_in)
    activation: Literal["gelu", "none"] = "gelu" if has_gelu else "none"
    if precision != "fp32" and kernel > stride and has_convolution():
        filters = packed_filters(conv.weight.detach(), stride, precision)
        run = partial(
            convolution,
            filters=filters,
            stride=stride,
            bias=bias,
            activation=activation,
        )
        return run, [filters]
    if precision != "fp32":
        matrix = packed(_beside(*taps), precision)
        shape = kernel, stride, matrix, bias
        return partial(_at_once, *shape, activation), [matrix]
    is_winograd = (kernel, stride) == (3, 2)
    if is_winograd:
        before, middle, after = taps
        parts = [before + after, _beside(before, middle), _beside(after, middle)]
    else:  # for ``_direct``: the taps of each strip
        parts = [_beside(*some) for some in taps.split(stride)]
    matrices = [packed(part) for part in parts]
    how = _winograd if is_winograd else partial(_direct, kernel, stride)
    convolve = partial(how, matrices, bias)
    return lambda frames: activated(convolve(frames), has_gelu), matrices


def activated(out: Tensor, has_gelu: bool) -> Tensor:
    """Apply HuBERT's usual activation in place: its output is large."""
    import torch

    return torch.ops.aten.gelu_(out) if has_gelu else out


def _one_channel(conv: Any, samples: Tensor) -> Tensor:
    """Copy the short rows, which costs less than to add up several products."""
    import torch

    under = samples[:, 0].unfold(0, conv.kernel_size[0], conv.stride[0])
    return torch.nn.functional.linear(under, conv.weight[:, 0], conv.bias)


def _at_once(
    kernel: int,
    stride: int,
    matrix: Tensor,
    bias: Tensor | None,
    activation: Literal["gelu", "none"],
    frames: Tensor,
) -> Tensor:
    """Multiply all frames under the kernel, whose rows overlap in memory."""
    n_out = n_outputs(len(frames), kernel, stride)
    under = rows(frames, n_out, stride, 0, kernel)
    return product(under, matrix, bias, activation=activation)


def _direct(
    kernel: int,
    stride: int,
    matrices: list[Tensor],
    bias: Tensor | None,
    frames: Tensor,
) -> Tensor:
    """Add up a product for each strip of the kernel."""
    out: Tensor | None = None
    n_out = n_outputs(len(frames), kernel, stride)
    for matrix, (strip, _) in zip(
        matrices, strips(frames, kernel, stride, n_out), strict=True
    ):
        out = product(strip, matrix, bias if out is None else None, out)
    assert out is not None, "a kernel has a tap"
    return out


def _winograd(matrices: list[Tensor], bias: Tensor | None, frames: Tensor) -> Tensor:
    """Convolve with a kernel of three and a stride of two, by Winograd's products."""
    shared, even, odd = matrices
    n_out = n_outputs(len(frames), 3, 2)
    n_even, n_odd = (n_out + 1) // 2, n_out // 2
    both = product(rows(frames, n_even, 4, first=2), shared, bias)
    out = both.new_empty(n_out, both.shape[1])
    out[::2] = product(_less(frames, n_even, 0, 1), even, plus=both)
    out[1::2] = product(_less(frames, n_odd, 4, 3), odd, plus=both[:n_odd])
    return out


def _less(frames: Tensor, n_rows: int, outer: int, inner: int) -> Tensor:
    """Compute rows of x[outer] - x[2] and x[inner], one every four frames."""
    import torch

    middle = rows(frames, n_rows, 4, first=2)
    both = middle.new_empty(n_rows, 2, middle.shape[1])
    torch.sub(rows(frames, n_rows, 4, first=outer), middle, out=both[:, 0])
    both[:, 1] = rows(frames, n_rows, 4, first=inner)
    return both.flatten(1)


def _beside(*matrices: Tensor) -> Tensor:
    import torch

    return torch.cat(matrices, 1)
