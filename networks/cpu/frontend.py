"""HuBERT's convolutions piece by piece: the same numbers, a fraction of the memory.

The seven convolutions at the front are 70 % of DistilHuBERT's work, and the output of
the first takes 196 MB for a window of 30 s: too much for any cache. A convolution needs
only the samples under its kernel, so the window goes through all of them in tiles of a
second, frames first (see ``strides``). What stands against that is the norm after
the first one, which needs its mean and variance over the whole window. The first
output is linear in the samples, y = W u with u the samples under the kernel, so that
both follow from the samples before anything is convolved: mean(y) = W mean(u) and
var(y) = diag(W cov(u) Wᵀ), with a covariance of 10 by 10. The norm then is a scaling of W.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import process
from networks.cpu import product as products
from networks.cpu.conv import by_products
from networks.cpu.fft_conv import by_fft

if TYPE_CHECKING:
    from torch import Tensor

Step = Callable[["Tensor"], "Tensor"]  # (n_frames, n_in) to (n_out, n_channels)

TILE = 16_000  # samples; 1 s


def optimize_for_cpu(model: Any) -> None:
    """Let a HuBERT or wav2vec2 on a CPU listen with less time and memory.

    Other models are left as they are, and so is a GPU's, where one large step is best.
    """
    process.settle()
    from torch.nn import Linear
    from torch.nn.utils import parametrize
    from transformers.models.hubert.modeling_hubert import HubertFeatureEncoder
    from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2FeatureEncoder

    front = getattr(model.base_model, "feature_extractor", None)
    if not isinstance(front, HubertFeatureEncoder | Wav2Vec2FeatureEncoder):
        return
    position = model.base_model.encoder.pos_conv_embed.conv
    if parametrize.is_parametrized(position, "weight"):  # its norm, worked out once
        parametrize.remove_parametrizations(position, "weight")
    if model.device.type == "cpu":
        steps = [_step(layer) for layer in front.conv_layers]
        front.forward = partial(_tiled, front.conv_layers, steps)  # type: ignore[method-assign]
        for module in model.modules():
            if isinstance(module, Linear):
                products.optimize_for_cpu(module)
        for weights in model.parameters():  # what is left of the file is let go
            if not weights.is_mkldnn:
                weights.data = weights.data.clone()
        position.forward = by_fft(position)


def _tiled(layers: Any, steps: list[Step], windows: Tensor) -> Tensor:
    """What the front end makes of windows: (n_windows, n_channels, n_frames)."""
    import torch

    return torch.stack([_of_one(layers, steps, window) for window in windows])


def _of_one(layers: Any, steps: list[Step], window: Tensor) -> Tensor:
    """One window's frames, tile by tile: (n_channels, n_frames)."""
    import torch

    hop, reach = _hop_and_reach(layers)
    n_frames = (len(window) - reach) // hop + 1
    n_tile = max(TILE // hop, 1)
    first = _first(layers[0], steps[0], window)
    tiles = []
    for frame in range(0, n_frames, n_tile):
        last = min(frame + n_tile, n_frames) - 1
        frames = first(window[frame * hop : last * hop + reach])
        for step in steps[1:]:
            frames = step(frames)
        tiles.append(frames)
    return torch.cat(tiles).T


def _step(layer: Any) -> Step:
    """A layer of the front end, frames first: convolution, norm, activation."""
    import torch

    convolved, norm = by_products(layer.conv), getattr(layer, "layer_norm", None)
    activation = _in_place(layer.activation)
    if not isinstance(norm, torch.nn.LayerNorm):
        return lambda frames: activation(convolved(frames))
    return lambda frames: activation(norm(convolved(frames)))


def _in_place(activation: Any) -> Step:
    """The same, in place where it is HuBERT's usual: its output is as large as any."""
    process.settle()
    import torch
    from transformers.activations import GELUActivation

    is_usual = isinstance(activation, GELUActivation)
    return torch.ops.aten.gelu_.default if is_usual else activation


def _hop_and_reach(layers: Any) -> tuple[int, int]:
    """Samples from one frame to the next, and samples under one frame."""
    hop, reach = 1, 1
    for layer in layers:
        reach += (layer.conv.kernel_size[0] - 1) * hop
        hop *= layer.conv.stride[0]
    return hop, reach


def _first(layer: Any, step: Step, window: Tensor) -> Step:
    """The first convolution, its norm over the whole window worked out beforehand."""
    import torch

    norm = getattr(layer, "layer_norm", None)
    if not isinstance(norm, torch.nn.GroupNorm):  # it has no memory of the rest
        return lambda sound: step(sound[:, None])
    kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
    weight = layer.conv.weight[:, 0].double()  # (n_channels, kernel)
    under = window.unfold(0, kernel, stride).double()  # (n_frames, kernel)
    mean = under.mean(dim=0)
    covariance = under.T @ under / len(under) - mean.outer(mean)
    variance = ((weight @ covariance) * weight).sum(dim=1)
    scale = norm.weight.double() / (variance + norm.eps).sqrt()
    weight, bias = weight * scale[:, None], norm.bias.double() - weight @ mean * scale
    weight, bias = weight.T.float(), bias.float()
    activation = _in_place(layer.activation)
    return lambda sound: activation(
        torch.addmm(bias, sound.unfold(0, kernel, stride), weight)
    )
