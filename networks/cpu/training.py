"""HuBERT's convolutions as matrix products for training: the same numbers in less time.

Where a model learns on a CPU, most of a step is the way back through the convolutions at
its front. As rows of frames (see ``conv``), the convolution and both of its gradients
are plain matrix products, at the processor's full rate. The norm after the first one is
worked into its filters (see ``frontend``). Nothing is computed for the samples
themselves, which do not learn.

Only rounding differs. A GPU and other precisions are left to torch.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from networks.cpu.conv import n_outputs, strips
from networks.cpu.fft_conv import fft_conv, spectra
from networks.cpu.frontend import front_end, is_normed_over_time, normed_filters

if TYPE_CHECKING:
    from torch import Tensor

# A product of spectra is cheaper than a convolution from so many taps on, where a batch
# has so many frames: the kernels' spectra cost the same always.
LONG_KERNEL, MANY_FRAMES = 64, 750


def optimize_for_cpu(model: Any) -> None:
    """Let a HuBERT, wav2vec2 or relative train on a CPU in less time; leave the others."""
    from torch.nn import Conv1d

    front = front_end(model)
    if front is None:
        return
    front.forward = functools.partial(_forward, front, front.forward)
    embed = getattr(model.base_model.encoder, "pos_conv_embed", None)
    conv = getattr(embed, "conv", None)
    if isinstance(conv, Conv1d) and conv.kernel_size[0] >= LONG_KERNEL:
        conv.forward = functools.partial(_position, conv, conv.forward)  # type: ignore[method-assign]


def _forward(front: Any, usual: Any, windows: Tensor) -> Tensor:
    """Run the front end: (n_windows, n_samples) to (n_windows, channels, n_frames)."""
    import torch

    if not windows.is_cpu or windows.dtype != torch.float32:
        return torch.as_tensor(usual(windows))
    frames = [_frames(front.conv_layers, window) for window in windows]
    return torch.stack(frames).transpose(1, 2)


def _frames(layers: Any, window: Tensor) -> Tensor:
    """Run one window: (n_frames, n_channels)."""
    import torch

    first, *others = layers
    if is_normed_over_time(first) and first.conv.bias is None:
        under = window.detach().unfold(
            0, first.conv.kernel_size[0], first.conv.stride[0]
        )
        filters, bias = normed_filters(first, window)
        frames = first.activation(torch.addmm(bias, under, filters))
    else:
        frames = _layer(first, window[:, None])
    for layer in others:
        frames = _layer(layer, frames)
    return frames


def _layer(layer: Any, frames: Tensor) -> Tensor:
    """Apply a convolution, its norm over channels or time if any, and its GELU."""
    import torch

    conv, norm = layer.conv, getattr(layer, "layer_norm", None)
    out = _convolution()(frames, conv.weight, conv.stride[0])
    if conv.bias is not None:
        out = out + conv.bias
    if isinstance(norm, torch.nn.GroupNorm):
        out = norm(out.T[None])[0].T.contiguous()
    elif norm is not None:
        out = norm(out)
    return torch.as_tensor(layer.activation(out))


@functools.cache
def _convolution() -> Any:
    """Make the function (frames, weight, stride) -> out, once torch is loaded."""
    import torch

    class Convolution(torch.autograd.Function):
        """(n_frames, n_in) and (n_channels, n_in, kernel) to (n_out, n_channels)."""

        @staticmethod
        def forward(ctx: Any, frames: Tensor, weight: Tensor, stride: int) -> Tensor:
            frames = frames.contiguous()
            taps = weight.permute(2, 1, 0).contiguous()  # (kernel, n_in, n_channels)
            ctx.save_for_backward(frames, taps)
            ctx.stride, kernel = stride, len(taps)
            n_out = n_outputs(len(frames), kernel, stride)
            out = frames.new_empty(n_out, taps.shape[2])
            for rows, some in strips(frames, kernel, stride, n_out):
                out.addmm_(rows, taps[some].flatten(0, 1), beta=1 if some.start else 0)
            return out

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            frames, taps = ctx.saved_tensors
            gradient = gradient.contiguous()
            shape = (len(taps), ctx.stride, len(gradient))
            of_frames = of_weight = None
            if ctx.needs_input_grad[1]:
                found = [rows.T @ gradient for rows, _ in strips(frames, *shape)]
                of_taps = torch.cat(found).unflatten(0, (len(taps), -1))
                of_weight = of_taps.permute(2, 1, 0)
            if ctx.needs_input_grad[0]:
                of_frames = torch.zeros_like(frames)
                for rows, some in strips(of_frames, *shape):
                    rows.addmm_(gradient, taps[some].flatten(0, 1).T)
            return of_frames, of_weight, None

    return Convolution.apply


def _position(conv: Any, usual: Any, frames: Tensor) -> Tensor:
    """Convolve with a long kernel, by FFT where there are many frames."""
    import torch

    is_short = len(frames) * frames.shape[2] < MANY_FRAMES
    if is_short or not frames.is_cpu or frames.dtype != torch.float32:
        return torch.as_tensor(usual(frames))
    found = spectra(conv.weight, conv.groups)
    lengths = {"kernel": conv.kernel_size[0], "padding": conv.padding[0]}
    return fft_conv(frames, found, conv.bias, **lengths)
