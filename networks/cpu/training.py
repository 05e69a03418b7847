"""HuBERT's convolutions as matrix products for training: the same numbers in less time.

Where a model learns on a CPU, most of a step is the way back through the convolutions at
its front. As rows of frames (see ``conv``), the convolution and both of its gradients
are plain matrix products, at the processor's full rate. The norm after the first one is
worked into its filters (see ``frontend``). Nothing is computed for the samples
themselves, which do not learn.

Under ``torch.autocast`` the products are of bfloat16 (see ``precision``), and so is what
is kept for the way back; weights, gradients of weights, the norm over time, the head and
the loss stay float32. Only rounding differs. A GPU and models that are themselves of
another type are left to torch.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from networks.cpu.attention import optimize_attention
from networks.cpu.conv import n_outputs, rows, strips
from networks.cpu.fft_conv import learning_conv
from networks.cpu.frontend import (
    front_end,
    is_normed_over_time,
    normed_filters,
    split,
    tiles,
)
from networks.cpu.precision import Precision, dtype_of
from networks.cpu.product import packed, product

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# A product of spectra is cheaper than a convolution from so many taps on, where a batch
# has so many frames: the kernels' spectra cost the same always.
LONG_KERNEL, MANY_FRAMES = 64, 750
N_ROWS = 1600  # of a product at a time, a second's frames after the first convolution
N_SUMMED = 8192  # frames whose gradient is float32 at a time


def optimize_for_cpu(model: Any) -> None:
    """Let a HuBERT, wav2vec2 or relative train on a CPU in less time; leave the others."""
    from torch.nn import Conv1d

    front = front_end(model)
    if front is None:
        return
    front.forward = functools.partial(_forward, front, front.forward, _Tiles(front))
    optimize_attention(model)
    embed = getattr(model.base_model.encoder, "pos_conv_embed", None)
    conv = getattr(embed, "conv", None)
    if isinstance(conv, Conv1d) and conv.kernel_size[0] >= LONG_KERNEL:
        conv.forward = functools.partial(_position, conv, conv.forward)  # type: ignore[method-assign]
    for name in ("projector", "classifier"):
        head = getattr(model, name, None)
        if head is not None:
            head.forward = functools.partial(_in_float32, head.forward)


def _in_float32(usual: Any, states: Tensor) -> Any:
    """Run a small layer whose outputs are summed up, or are the loss, in float32."""
    import torch

    if not states.is_cpu or not torch.is_autocast_enabled("cpu"):
        return usual(states)
    with torch.autocast("cpu", enabled=False):
        return usual(states.float())


class _Tiles:
    """The front end as inference runs it, laid out again whenever its weights change.

    A fused optimizer changes them without torch's own count of changes, so they count as
    changed after every step: each begins by ``train()``.

    Args:
        front: the convolutions.
    """

    def __init__(self, front: Any) -> None:
        self._weights = [*front.parameters()]
        self._layers = front.conv_layers
        self._made: tuple[Any, Any] = (None, None)
        front.train = functools.partial(self._train, front.train)

    def _train(self, usual: Any, mode: bool = True) -> Any:
        if mode:
            self._made = (None, None)
        return usual(mode)

    def __call__(self, windows: Tensor) -> Tensor:
        """Run the front end: (n_windows, n_samples) to (n_windows, channels, n_frames)."""
        precision: Precision = "bf16" if _dtype() == dtype_of("bf16") else "fp32"
        state = (precision, *((w.data_ptr(), w._version) for w in self._weights))
        if self._made[0] != state:
            self._made = (state, tiles(self._layers, precision))
        return self._made[1](windows)


def _forward(front: Any, usual: Any, run: _Tiles, windows: Tensor) -> Tensor:
    """Run the front end: (n_windows, n_samples) to (n_windows, channels, n_frames)."""
    import torch

    if not windows.is_cpu or windows.dtype != torch.float32:
        return torch.as_tensor(usual(windows))
    if not torch.is_grad_enabled():
        return run(windows)
    frames = [_frames(front.conv_layers, window) for window in windows]
    return torch.stack(frames).transpose(1, 2)


def _frames(layers: Any, window: Tensor) -> Tensor:
    """Run one window: (n_frames, n_channels)."""
    first, *others = layers
    if is_normed_over_time(first) and first.conv.bias is None:
        filters, bias = normed_filters(first, window)
        normed = _first()(window.detach(), filters, bias, first.conv.stride[0])
        frames = first.activation(normed)
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
        out = out + conv.bias.to(out.dtype)
    if isinstance(norm, torch.nn.GroupNorm):
        out = norm(out.T[None].float())[0].T.contiguous()
    elif norm is not None:
        out = norm(out)
    return torch.as_tensor(layer.activation(out))


def _dtype() -> torch.dtype:
    """Return the type of products: that of autocast on a CPU, if it is on."""
    import torch

    if torch.is_autocast_enabled("cpu"):
        return torch.get_autocast_dtype("cpu")
    return torch.float32


@functools.cache
def _convolution() -> Any:
    """Make the function (frames, weight, stride) -> out, once torch is loaded."""
    import torch

    class Convolution(torch.autograd.Function):
        """(n_frames, n_in) and (n_channels, n_in, kernel) to (n_out, n_channels)."""

        @staticmethod
        def forward(ctx: Any, frames: Tensor, weight: Tensor, stride: int) -> Tensor:
            dtype, ctx.given = _dtype(), frames.dtype
            frames = frames.to(dtype).contiguous()
            # (kernel, n_in, n_channels)
            taps = weight.permute(2, 1, 0).to(dtype).contiguous()
            ctx.save_for_backward(frames, taps)
            ctx.stride, kernel = stride, len(taps)
            n_out = n_outputs(len(frames), kernel, stride)
            return _convolved(frames, taps, stride, n_out)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            frames, taps = ctx.saved_tensors
            gradient = gradient.to(frames.dtype).contiguous()
            shape = (len(taps), ctx.stride, len(gradient))
            of_frames = of_weight = None
            if ctx.needs_input_grad[1]:
                found = [under.T @ gradient for under, _ in strips(frames, *shape)]
                of_taps = torch.cat(found).unflatten(0, (len(taps), -1))
                of_weight = of_taps.permute(2, 1, 0).float()
            if ctx.needs_input_grad[0]:
                of_frames = _of_frames(frames, taps, gradient, ctx.stride).to(ctx.given)
            return of_frames, of_weight, None

    return Convolution.apply


def _convolved(frames: Tensor, taps: Tensor, stride: int, n_out: int) -> Tensor:
    """Convolve (n_frames, n_in) with (kernel, n_in, n_channels), of one type."""
    import torch

    kernel = len(taps)
    out = frames.new_empty(n_out, taps.shape[2])
    if frames.dtype == torch.float32:
        for under, some in strips(frames, kernel, stride, n_out):
            out.addmm_(under, taps[some].flatten(0, 1), beta=1 if some.start else 0)
        return out
    # Summed up before it is rounded.
    matrix = packed(taps.flatten(0, 1).T, "bf16")
    under = rows(frames, n_out, stride, 0, kernel)
    for part, each in zip(out.split(N_ROWS), under.split(N_ROWS), strict=True):
        part.copy_(product(each, matrix))
    return out


def _of_frames(frames: Tensor, taps: Tensor, gradient: Tensor, stride: int) -> Tensor:
    """Compute the gradient of a convolution's frames from that of its output."""
    import torch

    found = torch.empty_like(frames)
    covered = len(gradient) * stride if len(taps) >= stride else 0  # by the first strip
    found[covered:] = 0
    for under, some in strips(found, len(taps), stride, len(gradient)):
        matrix = taps[some].flatten(0, 1).T
        if covered and not some.start:
            torch.mm(gradient, matrix, out=under)
        else:
            under.addmm_(gradient, matrix)
    return found


@functools.cache
def _first() -> Any:
    """Make the function (samples, filters, bias, stride) -> out."""
    import torch

    class First(torch.autograd.Function):
        """(n_samples,), (kernel, n_channels) and (n_channels,) to (n_out, n_channels).

        Of bfloat16 neither samples nor filters are rounded (see ``frontend.split``), and
        the gradients, sums over the whole window, are float32.
        """

        @staticmethod
        def forward(
            ctx: Any, samples: Tensor, filters: Tensor, bias: Tensor, stride: int
        ) -> Tensor:
            kernel, dtype = len(filters), _dtype()
            ctx.save_for_backward(samples)
            ctx.kernel, ctx.stride = kernel, stride
            if dtype == torch.float32:
                return torch.addmm(bias, samples.unfold(0, kernel, stride), filters)
            high, low = (
                part.unfold(0, kernel, stride) for part in split(samples, dtype)
            )
            taps, rests = split(filters, dtype)
            under = torch.cat([high, low, high], 1)
            return torch.addmm(bias.to(dtype), under, torch.cat([taps, taps, rests]))

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            under = ctx.saved_tensors[0].unfold(0, ctx.kernel, ctx.stride)
            of_filters: Any = 0.0
            of_bias: Any = 0.0
            for some, part in zip(
                under.split(N_SUMMED), gradient.split(N_SUMMED), strict=True
            ):
                part = part.float()
                of_filters = of_filters + some.T @ part
                of_bias = of_bias + part.sum(0)
            return None, of_filters, of_bias, None

    return First.apply


def _position(conv: Any, usual: Any, frames: Tensor) -> Tensor:
    """Convolve with a long kernel, by FFT where there are many frames."""
    import torch

    is_short = len(frames) * frames.shape[2] < MANY_FRAMES
    is_ours = frames.dtype in (torch.float32, _dtype())
    if is_short or not frames.is_cpu or not is_ours:
        return torch.as_tensor(usual(frames))
    return learning_conv(conv, frames)
