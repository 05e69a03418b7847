"""A convolution with a long kernel by FFT: the same numbers in a seventh of the time.

HuBERT's positional embedding is a convolution over 128 frames. In the frequency domain
a convolution is a product, bin by bin; here of the matrix of a group (48 by 48
channels) with the frames' spectrum. The frames are cut into blocks that overlap by the
kernel's length, and what wraps around in each is dropped (overlap-save).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def prepared(conv: Any) -> Callable[[Tensor], Tensor]:
    """Prepare a ``Conv1d`` of stride 1 for inference.

    Its spectra take 38 MB for DistilHuBERT.

    Returns:
        A function of (n_windows, n_channels, n_frames), as the module itself.
    """
    bias = None if conv.bias is None else conv.bias.detach()
    lengths = {"kernel": conv.kernel_size[0], "padding": conv.padding[0]}
    found = spectra(conv.weight.detach(), conv.groups).contiguous()
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
        spectra: as of ``spectra``.
        bias: (n_out_channels,).
        kernel: its length (frames).
        padding: zeros before and after (frames).

    Returns:
        Float32 (n_windows, n_out_channels, n_frames + 2 * padding - kernel + 1).
    """
    import torch

    groups, n_fft = (spectra.shape[1], -1), 2 * (len(spectra) - 1)
    n_kept = n_fft - kernel + 1  # of a block; the rest has wrapped around
    n_out = frames.shape[2] + 2 * padding - kernel + 1
    n_blocks = -(-n_out // n_kept)
    n_after = n_blocks * n_kept + kernel - 1 - padding - frames.shape[2]
    padded = torch.nn.functional.pad(frames.float(), (padding, n_after))
    blocks = torch.fft.rfft(padded.unfold(2, n_fft, n_kept)).unflatten(1, groups)
    rows = blocks.permute(
        4, 1, 0, 3, 2
    )  # (n_bins, n_groups, n_windows, n_blocks, n_in)
    products = (rows.flatten(2, 3) @ spectra).unflatten(2, (len(frames), n_blocks))
    sounds = torch.fft.irfft(products.permute(2, 1, 4, 3, 0), n_fft)[..., kernel - 1 :]
    whole = sounds.flatten(1, 2).flatten(2)[..., :n_out]
    return whole if bias is None else whole + bias[:, None]
