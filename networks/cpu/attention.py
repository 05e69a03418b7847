"""Attention with dropout for training on a CPU, a block of rows at a time.

torch's fast kernel for a CPU knows no dropout; with it every weight of a layer (54
million for two windows of 30 s and 12 heads) goes through memory a dozen times, and a
random number is drawn for each alone. Here a block of rows stays in the processor's
cache from product to product, four random numbers come from one draw, and nothing but
the inputs is kept for the way back, which draws the same numbers again.

Under ``torch.autocast`` weights and gradients are rounded to bfloat16 before products
that add them up; scores, their softmax and its gradient are float32.

Source: T. Dao et al., "FlashAttention", NeurIPS 2022, for computing the weights again on
the way back.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import process
from networks.cpu.product import packed, product

if TYPE_CHECKING:
    from torch import Tensor

NAME = "genrescope_cpu"
N_WEIGHTS = 400_000  # of a block: 1.6 MB in float32, near the size of a core's cache
N_DRAWS = 4  # numbers of 16 bits in one of 64
STEPS = 1 << 16  # that dropout is a multiple of one of


def optimize_attention(model: Any) -> None:
    """Let a model of transformers train with this attention; its dropouts likewise."""
    process.settle()
    from torch.nn import Dropout
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    if model.config._attn_implementation != "sdpa":
        return
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
    for module in model.modules():
        if isinstance(module, Dropout):
            module.forward = functools.partial(_dropped, module)  # type: ignore[method-assign]


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Compute attention as transformers asks for it.

    Without dropout, on a GPU, and where frames are masked, torch's own is as good.

    Args:
        module: the layer.
        query: (n_windows, n_heads, n_frames, n_channels of a head); key and value too.
        key: see query.
        value: see query.
        attention_mask: of padded windows.
        dropout: the fraction of weights that are set to zero.
        scaling: of the scores; the channels' root by default.
        options: what other implementations take.

    Returns:
        (n_windows, n_frames, n_heads, n_channels of a head), and no weights.
    """
    process.settle()
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if not dropout or attention_mask is not None or not query.is_cpu:
        return sdpa_attention_forward(
            module,
            query,
            key,
            value,
            attention_mask,
            dropout=dropout,
            scaling=scaling,
            **options,
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return _attention()(query, key, value, scale, dropout).transpose(1, 2), None


@functools.cache
def _attention() -> Any:
    """Make the function (query, key, value, scale, dropout) -> out."""
    import torch

    class Attention(torch.autograd.Function):
        """Four times (n_windows, n_heads, n_frames, n_channels)."""

        @staticmethod
        def forward(
            ctx: Any,
            query: Tensor,
            key: Tensor,
            value: Tensor,
            scale: float,
            dropout: float,
        ) -> Tensor:
            ctx.save_for_backward(query, key, value)
            ctx.scale, ctx.dropout = scale, dropout
            ctx.seed = _seed()
            out = torch.empty_like(query, memory_format=torch.contiguous_format)
            kept = _Kept(ctx.seed, dropout)
            states = (query, key, value, out)
            for q, k, v, o in zip(*map(_heads, states), strict=True):
                keys = _laid_out(k)
                for some in _blocks(len(q), len(k)):
                    weights = _weights(q[some], keys, scale)
                    weights *= kept.draw(weights)
                    torch.mm(weights.to(v.dtype), v, out=o[some])
                    o[some] *= kept.gain
            return out

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            inputs = ctx.saved_tensors
            found = [
                torch.zeros_like(each, memory_format=torch.contiguous_format).float()
                for each in inputs
            ]
            kept = _Kept(ctx.seed, ctx.dropout)
            gradient = gradient.to(inputs[2].dtype)
            states = (*inputs, gradient, *found)
            for each in zip(*map(_heads, states), strict=True):
                _back(kept, ctx.scale, *each)
            given = (
                part.to(each.dtype) for part, each in zip(found, inputs, strict=True)
            )
            return *given, None, None

    return Attention.apply


def _back(
    kept: _Kept,
    scale: float,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    gradient: Tensor,
    of_q: Tensor,
    of_k: Tensor,
    of_v: Tensor,
) -> None:
    """Add the gradients of one head, all (n_frames, n_channels), to the last three."""
    import torch

    keys, values = _laid_out(k), _laid_out(v)
    for some in _blocks(len(q), len(k)):
        weights = _weights(q[some], keys, scale)
        mask = kept.draw(weights)
        of_out = gradient[some]
        used = torch.mul(weights, mask).to(v.dtype)
        of_v += used.T @ of_out
        of_weights = product(of_out.float(), values).mul_(mask)
        of_scores = torch._softmax_backward_data(
            of_weights, weights, -1, torch.float32
        ).to(k.dtype)
        of_q[some] = of_scores @ k
        of_k += of_scores.T @ q[some]
    of_v *= kept.gain
    for of_rows in (of_q, of_k):
        of_rows *= scale * kept.gain


def _weights(query: Tensor, keys: Tensor, scale: float) -> Tensor:
    """Compute the softmax of scores, float32 (n_rows, n_frames)."""
    import torch

    return torch.softmax(product(query.float() * scale, keys), -1)


def _laid_out(states: Tensor) -> Tensor:
    """Prepare (n_frames, n_channels) for products, in blocks if it serves several."""
    return packed(states) if len(states) ** 2 > N_WEIGHTS else states.float()


def _heads(states: Tensor) -> Iterator[Tensor]:
    """Yield (n_frames, n_channels) of each head of each window."""
    for window in states:
        yield from window


def _blocks(n_rows: int, n_each: int) -> Iterator[slice]:
    """Yield rows whose weights fit into a core's cache."""
    n_some = max(1, N_WEIGHTS // n_each)
    for start in range(0, n_rows, n_some):
        yield slice(start, min(start + n_some, n_rows))


def _seed() -> int:
    """Draw a seed from torch's generator, so that a run can be repeated."""
    import torch

    return int(torch.randint(2**62, ()))


class _Kept:
    """What dropout keeps, drawn block by block, the same for the same seed.

    Args:
        seed: of the draws.
        fraction: that is dropped, to the nearest of ``STEPS``.
    """

    def __init__(self, seed: int, fraction: float) -> None:
        import torch

        n_dropped = round(fraction * STEPS)
        self._generator = torch.Generator().manual_seed(seed)
        self._least = n_dropped - STEPS // 2  # of a signed number of 16 bits
        self.gain = STEPS / (STEPS - n_dropped)

    def draw(self, like: Tensor) -> Tensor:
        """Draw 1 (kept) and 0 (dropped), of a tensor's shape and type."""
        import torch

        n = like.numel()
        bits = torch.empty(-(-n // N_DRAWS), dtype=torch.int64)
        bits.random_(-(2**63), None, generator=self._generator)
        numbers = bits.view(torch.int16)[:n].view(like.shape)
        return torch.ge(numbers, self._least, out=torch.empty_like(like))


def _dropped(module: Any, states: Tensor) -> Tensor:
    """Apply dropout, on a CPU by ``_Kept``."""
    import torch

    if not module.training or not module.p or not states.is_cpu or module.p >= 1:
        return torch.nn.functional.dropout(states, module.p, module.training)
    kept = _Kept(_seed(), module.p)
    with torch.no_grad():
        factor = kept.draw(states).mul_(kept.gain)
    return states * factor
