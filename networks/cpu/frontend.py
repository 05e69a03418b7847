"""HuBERT's convolutions tile by tile: the same numbers, a fraction of the memory.

The seven convolutions at the front are 70 % of DistilHuBERT's work, and the output of
the first takes 196 MB for a window of 30 s: too much for any cache. A convolution needs
only the samples under its kernel, so for inference the window goes through all of them
in tiles of a second, frames first (see ``conv``).

The obstacle is the norm after the first one, which needs its mean and
variance over the whole window. The first output is linear in the samples, y = W u with
u the samples under the kernel, so that both follow from the samples before anything is
convolved: mean(y) = W mean(u) and var(y) = diag(W cov(u) Wᵀ), with a covariance of 10
by 10. The norm then is a scaling of W. Training uses this as well, for its time alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from networks.cpu import fft_conv
from networks.cpu.conv import laid_out, n_outputs, strided_conv
from networks.cpu.precision import Precision, dtype_of
from networks.cpu.product import optimize_linear, packed, product

if TYPE_CHECKING:
    from torch import Tensor

Step = Callable[["Tensor"], "Tensor"]  # (n_frames, n_in) to (n_out, n_channels)

TILE = 16_000  # samples; 1 s
# transformers' classes, which need not be loaded to know that none of them is there, and
# that of ``hubert``. Their relatives' attention reads its linear layers' weights itself.
FRONT_ENDS = ("HubertFeatureEncoder", "Wav2Vec2FeatureEncoder", "FrontEnd")


def optimize_for_cpu(model: Any, precision: Precision = "fp32") -> bool:
    """Let a HuBERT or wav2vec2 on a CPU run inference in less time and memory.

    It can no longer be trained. Other models are left as they are, and so is one on a
    GPU, where one large step is best, but for a weight norm that is worked out once.

    Args:
        model: a transformers audio classifier.
        precision: of its products; what they are added to, the norms and the head stay
            float32.

    Returns:
        Whether the model computes in that precision now.
    """
    from torch.nn.utils import parametrize

    front = front_end(model)
    if type(front).__name__ not in FRONT_ENDS:
        return False
    position = model.base_model.encoder.pos_conv_embed.conv
    if parametrize.is_parametrized(position, "weight"):
        parametrize.remove_parametrizations(position, "weight")
    if model.device.type != "cpu":
        return False
    steps = [_step(layer, strided_conv, precision) for layer in front.conv_layers]
    tiled = partial(_tiled, front.conv_layers, steps, precision)
    front.forward = tiled  # type: ignore[method-assign]
    _optimize_linear_layers(model, precision)
    for weights in model.parameters():  # what is left of the file is let go
        if not weights.is_mkldnn:
            weights.data = weights.data.clone()
    position.forward = fft_conv.prepared(position, precision)
    return True


def _optimize_linear_layers(model: Any, precision: Precision) -> None:
    """Lay out the linear layers; those of the head, which cost little, in float32."""
    from torch.nn import Linear

    for name, module in model.base_model.named_modules():
        if precision != "fp32" and name.endswith("feed_forward"):
            _join_activation(module, precision)
        elif isinstance(module, Linear) and "forward" not in vars(module):
            optimize_linear(module, precision)
    for module in model.modules():
        if isinstance(module, Linear) and "forward" not in vars(module):
            optimize_linear(module)


def _join_activation(feed_forward: Any, precision: Precision) -> None:
    """Let the product before a GELU apply it, while its result is in the registers."""
    from torch.nn import Identity

    if is_gelu(feed_forward.intermediate_act_fn):
        dense = feed_forward.intermediate_dense
        optimize_linear(dense, precision, activation="gelu")
        feed_forward.intermediate_act_fn = Identity()


def front_end(model: Any) -> Any:
    """Return the convolutions of HuBERT, wav2vec2 and their relatives, else None.

    They have no padding, dilation or groups, and may have any kernels and strides.
    """
    from torch.nn import Conv1d

    front = getattr(model.base_model, "feature_extractor", None)
    convs = [getattr(each, "conv", None) for each in getattr(front, "conv_layers", ())]
    plain = (0,), (1,), 1
    is_plain = all(
        isinstance(c, Conv1d) and (c.padding, c.dilation, c.groups) == plain
        for c in convs
    )
    return front if convs and is_plain else None


def is_normed_over_time(layer: Any) -> bool:
    """Return whether a layer's norm is each channel's own, over the whole window."""
    import torch

    norm = getattr(layer, "layer_norm", None)
    return isinstance(norm, torch.nn.GroupNorm) and norm.num_groups == norm.num_channels


def normed_filters(layer: Any, window: Tensor) -> tuple[Tensor, Tensor]:
    """Work the norm over a window into the filters of the first convolution.

    Gradients reach the filters and the norm's weights, not the samples.

    Args:
        layer: with a norm over time; a bias of its convolution has no effect.
        window: (n_samples,).

    Returns:
        Filters (kernel, n_channels) and bias (n_channels,), float32: the normed output
        is ``under @ filters + bias``, with ``under`` the samples under the kernel.
    """
    kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
    norm, weight = layer.layer_norm, layer.conv.weight[:, 0].double()
    under = window.detach().unfold(0, kernel, stride).double()  # (n_frames, kernel)
    mean = under.mean(dim=0)
    covariance = under.T @ under / len(under) - mean.outer(mean)
    variance = ((weight @ covariance) * weight).sum(dim=1)
    scale = norm.weight.double() / (variance + norm.eps).sqrt()
    bias = norm.bias.double() - weight @ mean * scale
    return (weight * scale[:, None]).T.float(), bias.float()


def tiles(layers: Any, precision: Precision) -> Step:
    """Prepare the front end with its weights as they are now, which stay where they are.

    Returns:
        A function from (n_windows, n_samples) to float32 (n_windows, n_channels,
        n_frames).
    """
    steps = [_step(layer, _copied, precision) for layer in layers]
    return partial(_tiled, layers, steps, precision)


def _copied(conv: Any, precision: Precision, *, has_gelu: bool) -> Step:
    return laid_out(conv, precision, has_gelu=has_gelu)[0]


def _tiled(
    layers: Any, steps: list[Step], precision: Precision, windows: Tensor
) -> Tensor:
    """Run the front end: (n_windows, n_samples) to (n_windows, channels, n_frames)."""
    import torch

    return torch.stack(
        [_frames(layers, steps, precision, window) for window in windows]
    )


def _frames(
    layers: Any, steps: list[Step], precision: Precision, window: Tensor
) -> Tensor:
    """Run one window tile by tile: float32 (n_channels, n_frames)."""
    import torch

    hop, reach = 1, 1  # samples from frame to frame, and under one frame
    for layer in layers:
        reach += (layer.conv.kernel_size[0] - 1) * hop
        hop *= layer.conv.stride[0]
    n_frames = n_outputs(len(window), reach, hop)
    n_tile = max(TILE // hop, 1)
    first = _first_step(layers[0], steps[0], precision, window)
    tiles = []
    for frame in range(0, n_frames, n_tile):
        last = min(frame + n_tile, n_frames) - 1
        frames = first(window[frame * hop : last * hop + reach])
        for step in steps[1:]:
            frames = step(frames)
        tiles.append(frames)
    return torch.cat(tiles).float().T


def _step(layer: Any, prepare: Callable[..., Step], precision: Precision) -> Step:
    """Compose a layer of the front end, frames first: convolution, norm, activation."""
    import torch

    norm = getattr(layer, "layer_norm", None)
    norm = norm if isinstance(norm, torch.nn.LayerNorm) else None
    if is_gelu(layer.activation) and norm is None:
        return prepare(layer.conv, precision, has_gelu=True)
    convolve = prepare(layer.conv, precision, has_gelu=False)
    activation = _in_place(layer.activation)
    if norm is None:
        return lambda frames: activation(convolve(frames))
    return lambda frames: activation(norm(convolve(frames)))


def _first_step(layer: Any, step: Step, precision: Precision, window: Tensor) -> Step:
    """Make the first layer for the tiles of one window, from samples to frames."""
    import torch

    if not is_normed_over_time(layer):  # no tile depends on another
        return lambda samples: step(samples[:, None])
    kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
    filters, bias = normed_filters(layer, window)
    activation = _in_place(layer.activation)
    if precision != "fp32" and is_gelu(layer.activation):
        return _split_step(filters, bias, stride, precision)
    dtype = dtype_of(precision)
    return lambda samples: activation(
        torch.addmm(bias, samples.unfold(0, kernel, stride), filters)
    ).to(dtype)


def _split_step(
    filters: Tensor, bias: Tensor, stride: int, precision: Precision
) -> Step:
    """Make the first layer with a GELU of products that do not round the samples.

    A sample is the sum of two numbers of 8 bits, and so is a filter's tap: three
    products of four keep 16 bits, in one product of three times as many columns.
    """
    import torch

    dtype, kernel = dtype_of(precision), len(filters)
    high, low = split(filters.T, dtype)
    matrix = packed(torch.cat([high, high, low], 1), precision)

    def step(samples: Tensor) -> Tensor:
        high, low = (part.unfold(0, kernel, stride) for part in split(samples, dtype))
        return product(torch.cat([high, low, high], 1), matrix, bias, activation="gelu")

    return step


def split(values: Tensor, dtype: Any) -> tuple[Tensor, Tensor]:
    """Split float32 values into two of another type whose sum is nearly the same."""
    high = values.to(dtype)
    return high, (values - high).to(dtype)


def is_gelu(activation: Any) -> bool:
    """Return whether an activation is HuBERT's usual one."""
    from torch.nn import GELU

    if isinstance(activation, GELU):
        return activation.approximate == "none"
    return type(activation).__name__ == "GELUActivation"


def _in_place(activation: Any) -> Step:
    """Replace HuBERT's usual activation by the same in place: its output is large."""
    import torch

    return torch.ops.aten.gelu_.default if is_gelu(activation) else activation
