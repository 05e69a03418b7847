"""A short convolution with a stride, as products of matrices, with fewer of them.

Frames first, channels beside one another: the samples under a kernel then lie in a row
already, and a convolution is a sum of matrix products on the frames as they lie, with
nothing copied or laid out anew before or after.

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

if TYPE_CHECKING:
    from torch import Tensor


def by_products(conv: Any) -> Callable[[Tensor], Tensor]:
    """What a ``Conv1d`` without padding does to frames, and to more of them.

    The convolution's weights are laid out anew, in place.

    Returns:
        A function from (n_frames, n_in), contiguous, to (n_out, n_out_channels). It
        uses up what it is given.
    """
    weight = conv.weight.detach()
    taps = weight.permute(2, 1, 0).contiguous()  # (kernel, n_in, n_out_channels)
    conv.weight.data = taps.permute(
        2, 1, 0
    )  # the same memory, so that it is there once
    bias = None if conv.bias is None else conv.bias.detach()
    stride = conv.stride[0]
    if conv.in_channels == 1:
        return partial(_of_samples, taps[:, 0], stride, bias)
    if (len(taps), stride) != (3, 2):
        return partial(_plain, taps, stride, bias)
    return partial(_in_pairs, taps, taps[0] + taps[2], bias)


def _of_samples(
    taps: Tensor, stride: int, bias: Tensor | None, samples: Tensor
) -> Tensor:
    """One channel in: short rows, which are cheap to copy and dear to add up."""
    out = samples[:, 0].unfold(0, len(taps), stride) @ taps
    return out if bias is None else out.add_(bias)


def _plain(taps: Tensor, stride: int, bias: Tensor | None, frames: Tensor) -> Tensor:
    """As many taps at once as the stride is long: those rows do not overlap."""
    kernel, n_in, n_channels = taps.shape
    n_out = (len(frames) - kernel) // stride + 1
    out = frames.new_zeros(n_out, n_channels) if bias is None else bias.repeat(n_out, 1)
    for tap in range(0, kernel, stride):
        n_taps = min(stride, kernel - tap)
        rows = _rows(frames, n_out, stride, tap, n_taps)
        out.addmm_(rows, taps[tap : tap + n_taps].view(n_taps * n_in, n_channels))
    return out


def _in_pairs(
    taps: Tensor, shared: Tensor, bias: Tensor | None, frames: Tensor
) -> Tensor:
    """A kernel of three, a stride of two: two outputs by five products."""
    import torch

    n_in, n_channels = shared.shape
    n_out = (len(frames) - 3) // 2 + 1
    n_pairs = n_out // 2
    out = frames.new_empty(n_out, n_channels)
    if n_out % 2:
        out[-1:] = _plain(taps, 2, bias, frames[2 * (n_out - 1) :])
    even, odd = out[: 2 * n_pairs].view(n_pairs, 2, n_channels).unbind(1)
    rows = partial(_rows, frames, n_pairs, 4)
    torch.mm(rows(2), shared, out=odd)
    if bias is not None:
        odd += bias
    even.copy_(odd)
    # In place: for rows that do not lie together, ``out=`` would be filled by a copy.
    odd.addmm_(rows(4) - rows(2), taps[2]).addmm_(rows(3), taps[1])
    rows(0).sub_(rows(2))  # nobody reads these frames as they were from here on
    even.addmm_(rows(0, 2), taps[:2].view(2 * n_in, n_channels))
    return out


def _rows(frames: Tensor, n_rows: int, hop: int, first: int, n_each: int = 1) -> Tensor:
    """Frames ``first`` and following, ``n_each`` a row, again every ``hop``: a view."""
    n_in = frames.shape[1]
    start = frames.storage_offset() + first * n_in
    return frames.as_strided((n_rows, n_each * n_in), (hop * n_in, 1), start)
