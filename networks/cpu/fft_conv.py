"""A convolution with a long kernel, by FFT: the same numbers, a seventh of the time.

HuBERT tells its layers where they are by a convolution over 128 frames. In the
frequency domain a convolution is a product, bin by bin; here of the matrix of a group
(48 by 48 channels) with the frames' spectrum. The song is cut into blocks that overlap
by the kernel's length, and what wraps around in each is dropped (overlap-save).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def by_fft(conv: Any) -> Callable[[Tensor], Tensor]:
    """What a ``Conv1d`` of stride 1 does to (n_windows, n_channels, n_frames).

    Its matrices by frequency take 38 MB for DistilHuBERT.
    """
    import torch

    kernel, n_groups, padding = conv.kernel_size[0], conv.groups, conv.padding[0]
    n_fft = 2 ** (2 * kernel - 1).bit_length()
    n_kept = n_fft - kernel + 1  # of a block; the rest has wrapped around
    # torch correlates: its kernel is a convolution's backwards.
    spectra = torch.fft.rfft(conv.weight.detach().flip(-1), n_fft)
    grouped = spectra.unflatten(0, (n_groups, -1))
    matrices = grouped.permute(3, 0, 2, 1).contiguous()  # (n_bins, n_groups, in, out)
    bias = 0.0 if conv.bias is None else conv.bias.detach()[:, None]

    def of_one(frames: Tensor) -> Tensor:
        n_out = frames.shape[1] + 2 * padding - kernel + 1
        n_blocks = -(-n_out // n_kept)
        n_after = n_blocks * n_kept + kernel - 1 - padding - frames.shape[1]
        padded = torch.nn.functional.pad(frames, (padding, n_after))
        blocks = torch.fft.rfft(padded.unfold(1, n_fft, n_kept))
        blocks = blocks.unflatten(0, (n_groups, -1)).permute(3, 0, 2, 1)
        products = (blocks @ matrices).permute(1, 3, 2, 0)
        sounds = torch.fft.irfft(products, n_fft)[..., kernel - 1 :]
        return sounds.flatten(0, 1).flatten(1)[:, :n_out] + bias

    return lambda windows: torch.stack([of_one(window) for window in windows])
