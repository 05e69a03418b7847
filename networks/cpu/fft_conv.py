"""A convolution with a long kernel by FFT: the same numbers in a seventh of the time.

HuBERT's positional embedding is a convolution over 128 frames. In the frequency domain
a convolution is a product, bin by bin; here of the matrix of a group (48 by 48
channels) with the frames' spectrum. The frames are cut into blocks that overlap by the
kernel's length, and what wraps around in each is dropped (overlap-save).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from networks.cpu.precision import Precision, dtype_of

if TYPE_CHECKING:
    from torch import Tensor


def prepared(conv: Any, precision: Precision = "fp32") -> Callable[[Tensor], Tensor]:
    """Prepare a ``Conv1d`` of stride 1 for inference.

    Its spectra take 38 MB for DistilHuBERT, in bf16 half of it. A window has few blocks,
    so that reading them is most of the work.

    Args:
        conv: the module.
        precision: of the products of spectra.

    Returns:
        A function of (n_windows, n_channels, n_frames), as the module itself.
    """
    bias = None if conv.bias is None else conv.bias.detach()
    lengths = {"kernel": conv.kernel_size[0], "padding": conv.padding[0]}
    found = spectra(conv.weight.detach(), conv.groups).contiguous()
    if precision != "fp32":
        found = _planes(found, precision)
    return partial(fft_conv, spectra=found, bias=bias, **lengths)


def spectra(weight: Tensor, n_groups: int) -> Tensor:
    """Transform kernels to the frequency domain, where each bin is a matrix a group.

    Args:
        weight: of a ``Conv1d``: (n_out, n_in of a group, kernel).
        n_groups: of its channels.

    Returns:
        (n_bins, n_groups, n_in, n_out of a group), complex. The transform is at least
        twice as long as the kernel, so that half of each block is kept.
    """
    import torch

    n_fft = 2 ** (2 * weight.shape[2] - 1).bit_length()
    # torch correlates: its kernel is a convolution's backwards.
    found = torch.fft.rfft(weight.flip(-1), n_fft)
    return found.unflatten(0, (n_groups, -1)).permute(3, 0, 2, 1)


def fft_conv(
    frames: Tensor, spectra: Tensor, bias: Tensor | None, *, kernel: int, padding: int
) -> Tensor:
    """Convolve with a stride of 1.

    Args:
        frames: (n_windows, n_channels, n_frames), on a CPU.
        spectra: as of ``spectra``, or of ``_planes``.
        bias: (n_out_channels,).
        kernel: its length (frames).
        padding: zeros before and after (frames).

    Returns:
        Float32 (n_windows, n_out_channels, n_frames + 2 * padding - kernel + 1).
    """
    n_fft = 2 * (len(spectra) - 1)
    n_out = frames.shape[2] + 2 * padding - kernel + 1
    rows = _rows(frames.float(), len(spectra), kernel, padding, spectra.shape[1])
    whole = _whole(rows, spectra, n_fft - kernel + 1, len(frames), n_out)
    return whole if bias is None else whole + bias[:, None]


def _rows(
    frames: Tensor, n_bins: int, kernel: int, padding: int, n_groups: int
) -> Tensor:
    """Transform blocks: complex (n_bins, n_groups, n_windows * n_blocks, n_in)."""
    import torch

    n_fft = 2 * (n_bins - 1)
    n_kept = n_fft - kernel + 1  # of a block; the rest has wrapped around
    n_out = frames.shape[2] + 2 * padding - kernel + 1
    n_after = -(-n_out // n_kept) * n_kept + kernel - 1 - padding - frames.shape[2]
    padded = torch.nn.functional.pad(frames, (padding, n_after))
    return _by_bin(torch.fft.rfft(padded.unfold(2, n_fft, n_kept)), n_groups)


def _by_bin(blocks: Tensor, n_groups: int) -> Tensor:
    """Order (n_windows, n_channels, n_blocks, n_bins) as products of bins take them."""
    groups = blocks.unflatten(1, (n_groups, -1))
    return groups.permute(4, 1, 0, 3, 2).flatten(2, 3)


def _sounds(rows: Tensor, n_windows: int) -> Tensor:
    """Transform back: (n_windows, n_channels, n_blocks, n_fft)."""
    import torch

    by_window = rows.unflatten(2, (n_windows, -1)).permute(2, 1, 4, 3, 0)
    return torch.fft.irfft(by_window, 2 * (len(rows) - 1)).flatten(1, 2)


def _whole(
    rows: Tensor, spectra: Tensor, n_kept: int, n_windows: int, n_out: int
) -> Tensor:
    """Multiply, transform back and join: (n_windows, n_channels, n_out)."""
    return _sounds(_multiplied(rows, spectra), n_windows)[..., -n_kept:].flatten(2)[
        ..., :n_out
    ]


def _planes(spectra: Tensor, precision: Precision) -> Tensor:
    """Lay real parts beside imaginary ones: (n_bins, n_groups, n_in, 2 * n_out)."""
    import torch

    found = torch.cat([spectra.real, spectra.imag], -1).to(dtype_of(precision))
    return found.mT.contiguous().mT  # as a product of few rows reads it fastest


def _multiplied(rows: Tensor, spectra: Tensor) -> Tensor:
    """Multiply complex rows by spectra, which may be planes of another type."""
    import torch

    if spectra.is_complex():
        return rows @ spectra
    parts = torch.cat([rows.real, rows.imag], -2).to(spectra.dtype)
    of_real, of_imaginary = (parts @ spectra).float().chunk(2, -2)
    (a, b), (c, d) = of_real.chunk(2, -1), of_imaginary.chunk(2, -1)
    return torch.complex(a - d, b + c)


def learning_conv(conv: Any, frames: Tensor) -> Tensor:
    """Convolve by a ``Conv1d`` of stride 1 that learns; float32, as ``fft_conv``.

    A kernel's transform is a product with a matrix, and so is its gradient's, which
    leaves out what torch's own way back computes for zeros and for negative frequencies.
    """
    how = (conv.groups, conv.padding[0])
    found = _learning()(frames.float(), conv.weight.float(), *how)
    return found if conv.bias is None else found + conv.bias[:, None]


@functools.cache
def _transforms(kernel: int, n_fft: int) -> tuple[Tensor, Tensor]:
    """Make the matrices to the frequency domain and back.

    Returns:
        (2 * n_bins, kernel), whose rows give real parts, then imaginary ones, of the
        kernel backwards; and (kernel, 2 * n_bins).
    """
    import torch

    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64)
    taps = torch.arange(kernel - 1, -1, -1, dtype=torch.float64)
    angles = 2 * torch.pi / n_fft * bins[:, None] * taps
    there = torch.cat([angles.cos(), -angles.sin()])
    counted = torch.where((bins == 0) | (bins == n_fft // 2), 1.0, 2.0) / n_fft
    back = (there * counted.repeat(2)[:, None]).T
    return there.float(), back.contiguous().float()


@functools.cache
def _learning() -> Any:
    """Make the function (frames, weight, n_groups, padding) -> out."""
    import torch

    class Learning(torch.autograd.Function):
        """(n_windows, n_in, n_frames) and a ``Conv1d``'s weight, float32."""

        @staticmethod
        def forward(
            ctx: Any, frames: Tensor, weight: Tensor, n_groups: int, padding: int
        ) -> Tensor:
            kernel = weight.shape[2]
            n_fft = 2 ** (2 * kernel - 1).bit_length()
            there, _ = _transforms(kernel, n_fft)
            taps = weight.unflatten(0, (n_groups, -1)).permute(3, 0, 2, 1)
            with torch.autocast("cpu", enabled=False):
                planes = there @ taps.flatten(1)
            real, imaginary = planes.unflatten(1, taps.shape[1:]).chunk(2)
            kernels = torch.complex(real, imaginary)
            rows = _rows(frames, len(kernels), kernel, padding, n_groups)
            ctx.save_for_backward(rows, kernels)
            ctx.padding, ctx.kernel, ctx.shape = padding, kernel, frames.shape
            n_out = frames.shape[2] + 2 * padding - kernel + 1
            return _whole(rows, kernels, n_fft - kernel + 1, len(frames), n_out)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            rows, kernels = ctx.saved_tensors
            n_fft, kernel = 2 * (len(kernels) - 1), ctx.kernel
            n_kept = n_fft - kernel + 1
            n_after = -gradient.shape[2] % n_kept
            padded = torch.nn.functional.pad(gradient.float(), (0, n_after))
            blocks = padded.unflatten(2, (-1, n_kept))
            blocks = torch.nn.functional.pad(blocks, (kernel - 1, 0))
            found = _by_bin(torch.fft.rfft(blocks), kernels.shape[1])
            of_frames = of_weight = None
            if ctx.needs_input_grad[0]:
                # Conjugated twice where it is small, and not the kernels once.
                of_rows = (found.conj() @ kernels.mT).conj().resolve_conj()
                of_frames = _added(_sounds(of_rows, ctx.shape[0]), n_kept)
                of_frames = of_frames[..., ctx.padding :][..., : ctx.shape[2]]
            if ctx.needs_input_grad[1]:
                products = rows.conj().mT @ found
                planes = torch.cat([products.real, products.imag]).flatten(1)
                _, back = _transforms(kernel, n_fft)
                with torch.autocast("cpu", enabled=False):
                    taps = (back @ planes).unflatten(1, kernels.shape[1:])
                of_weight = taps.permute(1, 3, 2, 0).flatten(0, 1)
            return of_frames, of_weight, None, None

    return Learning.apply


def _added(blocks: Tensor, hop: int) -> Tensor:
    """Add up (n_windows, n_channels, n_blocks, n_fft) that overlap in time."""
    n_windows, n_channels, n_blocks, n_fft = blocks.shape
    whole = blocks.new_zeros(n_windows, n_channels, (n_blocks - 1) * hop + n_fft)
    for number in range(n_blocks):
        whole[..., number * hop :][..., :n_fft] += blocks[:, :, number]
    return whole
