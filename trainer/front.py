"""HuBERT's convolutions as matrix products: the same numbers, in less time on a CPU.

Where a model learns on a CPU, most of a step is the way back through the convolutions at
its front. Here their sounds lie in memory frame by frame, (n_frames, n_channels), so
that all channels under a kernel are one row of a matrix that need not be copied: the
convolution and both of its gradients are plain matrix products, at the processor's full
rate. The norm after the first convolution, over all of a window, is worked out
beforehand: the output is linear in the samples, y = W u with u the samples under the
kernel, so that mean(y) = W mean(u) and var(y) = diag(W cov(u) Wᵀ), and the norm is a
scaling of W. Nothing is computed for the samples themselves, which do not learn.

Only rounding differs. A GPU is left to its own libraries.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

# A product of spectra is cheaper than a convolution from so many taps on, where a batch
# has so many frames: the kernels' spectra cost the same always.
LONG_KERNEL, MANY_FRAMES = 64, 750


def quicken(model: Any) -> None:
    """Let the front end of a HuBERT or wav2vec2 compute so; leave other models alone."""
    from torch.nn.modules.conv import Conv1d

    front = getattr(model.base_model, "feature_extractor", None)
    layers = getattr(front, "conv_layers", None)
    if (
        front is None
        or layers is None
        or not all(isinstance(layer.conv, Conv1d) for layer in layers)
    ):
        return
    plain = (0,), (1,), 1  # padding, dilation and groups
    convs = [layer.conv for layer in layers]
    if all((c.padding, c.dilation, c.groups) == plain for c in convs):
        front.forward = functools.partial(_forward, front, front.forward)
    embed = getattr(getattr(model.base_model, "encoder", None), "pos_conv_embed", None)
    conv = getattr(embed, "conv", None)
    if isinstance(conv, Conv1d) and conv.kernel_size[0] >= LONG_KERNEL:
        conv.forward = functools.partial(_by_fft, conv, conv.forward)  # type: ignore[method-assign]


def _forward(front: Any, usual: Any, windows: Tensor) -> Tensor:
    """(n_windows, n_samples) to (n_windows, n_channels, n_frames), as it was before."""
    import torch

    if not windows.is_cpu or windows.dtype != torch.float32:
        return torch.as_tensor(usual(windows))
    frames = [_of_one(front.conv_layers, window) for window in windows]
    return torch.stack(frames).transpose(1, 2)


def _of_one(layers: Any, window: Tensor) -> Tensor:
    """One window's frames: (n_frames, n_channels)."""
    first, *others = layers
    if _is_over_time(first):
        frames = first.activation(_first_normed(first, window))
    else:
        frames = _layer(first, window[:, None])
    for layer in others:
        frames = _layer(layer, frames)
    return frames


def _is_over_time(layer: Any) -> bool:
    """Whether a layer's norm is each channel's own, over the whole window."""
    import torch

    norm = getattr(layer, "layer_norm", None)
    return isinstance(norm, torch.nn.GroupNorm) and (
        norm.num_groups == norm.num_channels and layer.conv.bias is None
    )


def _first_normed(layer: Any, window: Tensor) -> Tensor:
    """The first convolution with its norm over the window: (n_frames, n_channels)."""
    import torch

    kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
    under = window.detach().unfold(0, kernel, stride)  # (n_frames, kernel)
    exact = under.double()
    mean = exact.mean(dim=0)
    covariance = exact.T @ exact / len(exact) - mean.outer(mean)
    norm, weight = layer.layer_norm, layer.conv.weight[:, 0].double()
    variance = ((weight @ covariance) * weight).sum(dim=1)
    scale = norm.weight.double() / (variance + norm.eps).sqrt()
    bias = norm.bias.double() - weight @ mean * scale
    scaled = weight * scale[:, None]
    return torch.addmm(bias.float(), under, scaled.float().T)


def _layer(layer: Any, frames: Tensor) -> Tensor:
    """A convolution, its norm over channels or time where it has one, and its GELU."""
    import torch

    conv, norm = layer.conv, getattr(layer, "layer_norm", None)
    sounds = _convolution()(frames, conv.weight, conv.stride[0])
    if conv.bias is not None:
        sounds = sounds + conv.bias
    if isinstance(norm, torch.nn.GroupNorm):
        sounds = norm(sounds.T[None])[0].T.contiguous()
    elif norm is not None:
        sounds = norm(sounds)
    return torch.as_tensor(layer.activation(sounds))


def _rows(frames: Tensor, kernel: int, stride: int, n_out: int) -> Iterator[Tensor]:
    """What lies under the kernel, at most ``stride`` taps at a time.

    Yields:
        (n_out, n_taps * n_channels), a view: row i begins ``i * stride`` frames after
        row 0.
    """
    n_channels = frames.shape[1]
    for tap in range(0, kernel, stride):
        size = (n_out, min(stride, kernel - tap) * n_channels)
        offset = frames.storage_offset() + tap * n_channels
        yield frames.as_strided(size, (stride * n_channels, 1), offset)


@functools.cache
def _convolution() -> Any:
    """The function (frames, weight, stride) -> sounds, made once torch is loaded."""
    import torch

    class Convolution(torch.autograd.Function):
        """(n_frames, n_in) and (n_out, n_in, kernel) to (n_frames', n_out)."""

        @staticmethod
        def forward(ctx: Any, frames: Tensor, weight: Tensor, stride: int) -> Tensor:
            frames = frames.contiguous()
            kernel = weight.shape[2]
            taps = weight.permute(2, 1, 0).reshape(-1, weight.shape[0])
            ctx.save_for_backward(frames, taps)
            ctx.stride, ctx.kernel = stride, kernel
            n_out = (len(frames) - kernel) // stride + 1
            sounds, at = frames.new_empty(n_out, taps.shape[1]), 0
            for rows in _rows(frames, kernel, stride, n_out):
                part = taps[at : at + rows.shape[1]]
                sounds.addmm_(rows, part, beta=1 if at else 0)
                at += rows.shape[1]
            return sounds

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            frames, taps = ctx.saved_tensors
            gradient = gradient.contiguous()
            shape = (frames, ctx.kernel, ctx.stride, len(gradient))
            of_frames = of_weight = None
            if ctx.needs_input_grad[1]:
                found = [rows.T @ gradient for rows in _rows(*shape)]
                of_taps = torch.cat(found).unflatten(0, (ctx.kernel, -1))
                of_weight = of_taps.permute(2, 1, 0)
            if ctx.needs_input_grad[0]:
                of_frames = torch.zeros_like(frames)
                at = 0
                for rows in _rows(of_frames, *shape[1:]):
                    rows.addmm_(gradient, taps[at : at + rows.shape[1]].T)
                    at += rows.shape[1]
            return of_frames, of_weight, None

    return Convolution.apply


def _by_fft(conv: Any, usual: Any, frames: Tensor) -> Tensor:
    """A convolution of stride 1 with a long kernel: spectra are multiplied instead.

    Of (n_windows, n_channels, n_frames). The frames are cut into blocks that overlap by
    the kernel's length, and what wraps around in each is dropped (overlap-save).
    """
    import torch

    is_short = len(frames) * frames.shape[2] < MANY_FRAMES
    if is_short or not frames.is_cpu or frames.dtype != torch.float32:
        return torch.as_tensor(usual(frames))
    kernel, padding, groups = conv.kernel_size[0], conv.padding[0], (conv.groups, -1)
    n_fft = 2 ** (2 * kernel - 1).bit_length()
    n_kept = n_fft - kernel + 1
    n_out = frames.shape[2] + 2 * padding - kernel + 1
    n_blocks = -(-n_out // n_kept)
    n_after = n_blocks * n_kept + kernel - 1 - padding - frames.shape[2]
    padded = torch.nn.functional.pad(frames, (padding, n_after))
    # torch correlates: its kernel is a convolution's backwards.
    spectra = torch.fft.rfft(conv.weight.flip(-1), n_fft).unflatten(0, groups)
    matrices = spectra.permute(3, 0, 2, 1)  # (n_bins, n_groups, n_in, n_out)
    blocks = torch.fft.rfft(padded.unfold(2, n_fft, n_kept)).unflatten(1, groups)
    # (n_bins, n_groups, n_windows, n_blocks, n_in), the two before the last as rows
    rows = blocks.permute(4, 1, 0, 3, 2).flatten(2, 3)
    products = (rows @ matrices).unflatten(2, (len(frames), n_blocks))
    sounds = torch.fft.irfft(products.permute(2, 1, 4, 3, 0), n_fft)[..., kernel - 1 :]
    whole = sounds.flatten(1, 2).flatten(2)[..., :n_out]
    return whole if conv.bias is None else whole + conv.bias[:, None]
