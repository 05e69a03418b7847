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
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from networks.cpu.attention import optimize_attention
from networks.cpu.conv import n_outputs, rows, strips
from networks.cpu.fft_conv import learning_conv
from networks.cpu.frontend import (
    front_end,
    is_gelu,
    is_normed_over_time,
    normed_filters,
    split,
    tiles,
)
from networks.cpu.precision import Precision, dtype_of
from networks.cpu.product import (
    convolution,
    has_convolution,
    packed,
    packed_filters,
    product,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# A product of spectra is cheaper than a convolution from so many taps on, where a batch
# has so many frames: the kernels' spectra cost the same always.
LONG_KERNEL, MANY_FRAMES = 64, 750
N_ROWS = 1600  # computed together: a second's frames after the second convolution


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
        has_gelu, stride = is_gelu(first.activation), first.conv.stride[0]
        frames = _first()(window.detach(), filters, bias, stride, has_gelu)
        frames = frames if has_gelu else first.activation(frames)
    else:
        frames = _layer(first, window[:, None])
    for layer in others:
        frames = _layer(layer, frames)
    return frames


def _layer(layer: Any, frames: Tensor) -> Tensor:
    """Apply a convolution, its norm over channels or time if any, and its GELU."""
    import torch

    conv, norm = layer.conv, getattr(layer, "layer_norm", None)
    if norm is None and conv.bias is None and is_gelu(layer.activation):
        return torch.as_tensor(
            _convolution()(frames, conv.weight, conv.stride[0], True)
        )
    out = _convolution()(frames, conv.weight, conv.stride[0], False)
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
    """Make the function (frames, weight, stride, has_gelu) -> out."""
    import torch

    class Convolution(torch.autograd.Function):
        """(n_frames, n_in) and (n_channels, n_in, kernel) to (n_out, n_channels).

        Its GELU and the gradients of both are computed a block of rows at a time, while
        that is in the cache.
        """

        @staticmethod
        def forward(
            ctx: Any, frames: Tensor, weight: Tensor, stride: int, has_gelu: bool
        ) -> Tensor:
            dtype, ctx.given = _dtype(), frames.dtype
            frames = frames.to(dtype).contiguous()
            # (kernel, n_in, n_channels)
            taps = weight.permute(2, 1, 0).to(dtype).contiguous()
            ctx.stride, kernel = stride, len(taps)
            n_out = n_outputs(len(frames), kernel, stride)
            out = frames.new_empty(n_out, taps.shape[2])
            convolve = _prepared(taps, stride)

            def compute(some: slice) -> Tensor:
                last = (some.stop - 1) * stride + kernel
                return convolve(frames[some.start * stride : last])

            before = _filled(out, compute, has_gelu)
            ctx.save_for_backward(frames, taps, *before)
            return out

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            frames, taps, *before = ctx.saved_tensors
            gradient = gradient.to(frames.dtype).contiguous()
            of_out = torch.empty_like(gradient) if before else gradient
            of_frames = of_weight = None
            if ctx.needs_input_grad[0]:
                of_frames = torch.empty_like(frames)
            _go_back(gradient, before, taps, ctx.stride, of_out, of_frames)
            if ctx.needs_input_grad[1]:
                shape = (len(taps), ctx.stride, len(gradient))
                found = [under.T @ of_out for under, _ in strips(frames, *shape)]
                of_taps = torch.cat(found).unflatten(0, (len(taps), -1))
                of_weight = of_taps.permute(2, 1, 0).float()
            if of_frames is not None:
                of_frames = of_frames.to(ctx.given)
            return of_frames, of_weight, None, None

    return Convolution.apply


def _filled(
    out: Tensor, compute: Callable[[slice], Tensor], has_gelu: bool
) -> list[Tensor]:
    """Fill (n_out, n_channels) block by block; return what was before the GELU, if any."""
    import torch

    before = []
    for some in blocks(len(out)):
        found = compute(some)
        if has_gelu:
            torch.ops.aten.gelu.out(found, out=out[some])
            before.append(found)
        else:
            out[some] = found
    return before


def _go_back(
    gradient: Tensor,
    before: list[Tensor],
    taps: Tensor,
    stride: int,
    of_out: Tensor,
    of_frames: Tensor | None,
) -> None:
    """Compute gradients block by block, of what was before the GELU and of the frames.

    Args:
        gradient: (n_out, n_channels), of the layer's output.
        before: blocks of what was before the GELU; empty where there was none.
        taps: (kernel, n_in, n_channels).
        stride: of the convolution.
        of_out: (n_out, n_channels), which is filled where there was a GELU.
        of_frames: (n_frames, n_in), which is filled; None where nobody asks.
    """
    import torch

    backward = torch.ops.aten.gelu_backward.grad_input
    if of_frames is not None:
        of_frames[len(gradient) * stride if len(taps) >= stride else 0 :] = 0
    # The last first: a block's first taps overwrite what no other has added to yet.
    for number, some in reversed([*enumerate(blocks(len(gradient)))]):
        if before:
            backward(gradient[some], before[number], grad_input=of_out[some])
        if of_frames is not None:
            own = of_frames[some.start * stride :]
            _add_of_frames(own, taps, of_out[some], stride)


def blocks(n_rows: int) -> Iterator[slice]:
    """Yield rows that are computed together."""
    for start in range(0, n_rows, N_ROWS):
        yield slice(start, min(start + N_ROWS, n_rows))


def _prepared(taps: Tensor, stride: int) -> Callable[[Tensor], Tensor]:
    """Prepare a convolution of frames, of one type, by (kernel, n_in, n_channels)."""
    kernel = len(taps)
    if taps.dtype == dtype_of("fp32"):
        return functools.partial(_added_up, taps, stride)
    if kernel > stride and has_convolution():
        filters = packed_filters(taps.permute(2, 1, 0), stride, "bf16")
        return functools.partial(convolution, filters=filters, stride=stride)
    # Summed up before it is rounded.
    matrix = packed(taps.flatten(0, 1).T, "bf16")
    return lambda frames: product(
        rows(frames, n_outputs(len(frames), kernel, stride), stride, 0, kernel), matrix
    )


def _added_up(taps: Tensor, stride: int, frames: Tensor) -> Tensor:
    """Add up a product for each strip of the kernel."""
    n_out = n_outputs(len(frames), len(taps), stride)
    out = frames.new_empty(n_out, taps.shape[2])
    for under, some in strips(frames, len(taps), stride, n_out):
        out.addmm_(under, taps[some].flatten(0, 1), beta=1 if some.start else 0)
    return out


def _add_of_frames(found: Tensor, taps: Tensor, gradient: Tensor, stride: int) -> None:
    """Compute the gradient of a convolution's frames from that of its output.

    Args:
        found: (n_frames, n_in), where it is added, but for what the first taps cover.
        taps: (kernel, n_in, n_channels).
        gradient: (n_out, n_channels).
        stride: of the convolution.
    """
    import torch

    is_covered = len(taps) >= stride  # all that is between the first taps
    for under, some in strips(found, len(taps), stride, len(gradient)):
        matrix = taps[some].flatten(0, 1).T
        if is_covered and not some.start:
            torch.mm(gradient, matrix, out=under)
        else:
            under.addmm_(gradient, matrix)


@functools.cache
def _first() -> Any:
    """Make the function (samples, filters, bias, stride, has_gelu) -> out."""
    import torch

    class First(torch.autograd.Function):
        """(n_samples,), (kernel, n_channels) and (n_channels,) to (n_out, n_channels).

        Of bfloat16 neither samples nor filters are rounded (see ``frontend.split``), and
        the gradients, sums over the whole window, are float32.
        """

        @staticmethod
        def forward(
            ctx: Any,
            samples: Tensor,
            filters: Tensor,
            bias: Tensor,
            stride: int,
            has_gelu: bool,
        ) -> Tensor:
            kernel, dtype = len(filters), _dtype()
            ctx.kernel, ctx.stride = kernel, stride
            parts, matrix = [samples], filters
            if dtype != torch.float32:
                high, low = split(samples, dtype)
                taps, rests = split(filters, dtype)
                parts, matrix = [high, low, high], torch.cat([taps, taps, rests])
            under = [part.unfold(0, kernel, stride) for part in parts]
            out = samples.new_empty(len(under[0]), len(bias), dtype=dtype)

            def compute(some: slice) -> Tensor:
                given = torch.cat([part[some] for part in under], 1)
                return torch.addmm(bias.to(dtype), given, matrix)

            ctx.save_for_backward(samples, *_filled(out, compute, has_gelu))
            return out

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            samples, *before = ctx.saved_tensors
            under = samples.unfold(0, ctx.kernel, ctx.stride)
            of_filters: Any = 0.0
            of_bias: Any = 0.0
            for number, some in enumerate(blocks(len(under))):
                part = gradient[some]
                if before:
                    part = torch.ops.aten.gelu_backward(part, before[number])
                part = part.float()
                of_filters = of_filters + under[some].T @ part
                of_bias = of_bias + part.sum(0)
            return None, of_filters, of_bias, None, None

    return First.apply


def _position(conv: Any, usual: Any, frames: Tensor) -> Tensor:
    """Convolve with a long kernel, by FFT where there are many frames."""
    import torch

    is_short = len(frames) * frames.shape[2] < MANY_FRAMES
    is_ours = frames.dtype in (torch.float32, _dtype())
    if is_short or not frames.is_cpu or not is_ours:
        return torch.as_tensor(usual(frames))
    return learning_conv(conv, frames)
