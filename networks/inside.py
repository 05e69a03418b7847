"""A model and a window in, what its layers computed of it out: frames, attention.

The states are those of transformers' ``output_hidden_states``: the transformer's input,
then the output of each layer. Attention is computed from the states below a layer, for
one head at a time: a model in use keeps its fast attention, which returns no weights, and
the weights of all heads would take a hundred times the memory.

HuBERT, wav2vec 2.0 and Whisper have one state a frame. AST has one for each patch of its
spectrogram, 16 mel bands high, and two of no place: the patches of a moment
are averaged, and what goes to the two is counted as elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Readable, Samples
from audio.hubert.layers import Attention, Block, Frames, States
from audio.hubert.preprocessing import SAMPLING_RATE, FrontEnd
from networks import architecture, forward, front_end
from networks.checkpoint import LoadedModel, ModelRef
from networks.windows import Windows

if TYPE_CHECKING:
    from torch import Tensor

N_OWN_TOKENS = 2  # of AST: states of no place, the first ones
MAX_BLOCK_S = 30.0  # of sound whose layers are looked at together
# Classes whose attention is a softmax of products of queries and keys, and no more.
ATTENDING = ("hubert", "wav2vec2", front_end.AST, front_end.WHISPER)
# Before a layer's attention, where there is one; HuBERT's comes after it in half of all.
NORMS = ("self_attn_layer_norm", "layernorm_before")


def windows_of(sound: Readable, ref: ModelRef) -> Windows:
    """Cut a sound into a model's windows at 16 kHz, as classification does."""
    return Windows.of(
        sound, SAMPLING_RATE, ref.window_s, takes_any_length=ref.takes_any_length
    )


def block_starts(windows: Windows, at_s: float) -> list[int]:
    """Choose the windows that are looked at together, 30 s at most, around a time.

    A song has fixed blocks, so that a look at another part of one is the same block.

    Args:
        windows: of the sound.
        at_s: the time (s).

    Returns:
        Where they begin (samples at the windows' rate), silent ones too.
    """
    starts = windows.all_starts()
    window_s = windows.n_window / windows.sampling_rate
    n_each = max(int(MAX_BLOCK_S / window_s), 1)
    blocks = [starts[at : at + n_each] for at in range(0, len(starts), n_each)]
    middles = [
        (block[0] + block[-1] + windows.n_window) / 2 / windows.sampling_rate
        for block in blocks
    ]
    return blocks[int(np.abs(np.array(middles) - at_s).argmin())]


def states(model: LoadedModel, window: Samples | None) -> States:
    """Run a window through a model, and keep what each layer makes of it.

    Args:
        model: on the device where it runs.
        window: float32 (n_samples,) at the model's rate; None for a silent one, which
            has no states.
    """
    import torch

    if window is None:
        return States(np.zeros((0, 0, 0), np.float32))
    values = forward.features(model.feature_extractor, window, model.sampling_rate)
    body = architecture.body(model.model)
    with torch.inference_mode():
        given = torch.from_numpy(values)[None].to(next(body.parameters()).device)
        found = body(given, output_hidden_states=True).hidden_states
        layers = torch.stack([layer[0].float() for layer in found])
    return States(layers.cpu().numpy())


def pooled(
    model: Any, values: NDArray[np.float32] | Tensor
) -> NDArray[np.float32] | None:
    """Compute each layer's mean over the frames of windows.

    Args:
        model: a transformers audio classifier, in evaluation mode.
        values: float32 (n_windows, ...), as of ``forward.features``.

    Returns:
        float32 (n_windows, n_layers + 1, n_channels); None where the model has no
        hidden states.
    """
    import torch

    body = architecture.body(model)
    n_own = N_OWN_TOKENS if model.config.model_type == front_end.AST else 0
    with torch.inference_mode():
        given = torch.as_tensor(values).to(next(body.parameters()).device)
        found = getattr(body(given, output_hidden_states=True), "hidden_states", None)
        if not found:
            return None
        means = [layer[:, n_own:].float().mean(dim=1) for layer in found]
        stacked: NDArray[np.float32] = torch.stack(means, dim=1).cpu().numpy()
    return stacked


def over_time(values: NDArray[np.float32], model: LoadedModel) -> Frames:
    """Return states by their moments: of AST the mean of the patches of each.

    Args:
        values: (..., n_tokens, n_channels).
        model: that computed them.

    Returns:
        (..., n_frames, n_channels).
    """
    n_bands = _n_bands(model)
    if n_bands is None:
        return values
    patches = values[..., N_OWN_TOKENS:, :]
    by_band = patches.reshape(*patches.shape[:-2], n_bands, -1, patches.shape[-1])
    return by_band.mean(axis=-3, dtype=np.float32)


def block(
    computed: Sequence[States],
    starts: Sequence[int],
    n_samples: int,
    model: LoadedModel,
    front: FrontEnd,
) -> Block | None:
    """Put the frames of neighbouring windows into one row; None where all are silent.

    Args:
        computed: the states of each window; silent ones leave a gap.
        starts: where each begins (samples at the model's rate).
        n_samples: of the sound at that rate.
        model: that computed them.
        front: of the model.
    """
    frames: list[Frames] = []
    times: list[NDArray[np.float64]] = []
    owners: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    last = -np.inf
    for owner, (each, start) in enumerate(zip(computed, starts, strict=True)):
        if each.is_silent:
            continue
        found = over_time(each.values, model)
        at = start - front.padding[0] + front.frame_length / 2
        middles = at + np.arange(found.shape[1]) * front.hop_length
        is_new = (middles > last + front.hop_length / 2) & (middles < n_samples)
        is_new[0] |= not len(times)  # of a sound that is shorter than half a frame
        last = middles[is_new][-1] if is_new.any() else last
        frames.append(found[:, is_new])
        times.append(middles[is_new] / model.sampling_rate)
        owners.append(np.full(int(is_new.sum()), owner))
        columns.append(np.flatnonzero(is_new))
    if not frames:
        return None
    return Block(
        np.concatenate(frames, axis=1),
        np.concatenate(times),
        np.concatenate(owners),
        np.concatenate(columns),
        tuple(computed),
        front.hop_length / model.sampling_rate,
    )


def has_attention(model: LoadedModel) -> bool:
    """Return whether the weights of a model's attention can be computed here."""
    return str(model.model.config.model_type) in ATTENDING


def n_heads(model: LoadedModel) -> int:
    """Return how many heads each layer has."""
    config = model.model.config
    return int(
        getattr(config, "encoder_attention_heads", 0) or config.num_attention_heads
    )


def attention(found: Block, model: LoadedModel, layer: int, head: int) -> Attention:
    """Compute how much each frame of a block takes from each other one.

    Args:
        found: of this model.
        model: one with ``has_attention``.
        layer: from 1 on.
        head: from 0 on.
    """
    n = len(found.times_s)
    weights = np.zeros((n, n), np.float32)
    n_keys = np.zeros(n, np.int64)
    for owner, each in enumerate(found.states):
        own = np.flatnonzero(found.owners == owner)
        if not len(own):
            continue
        raw = head_weights(model, each.values[layer - 1], layer, head)
        by_moment = _over_moments(raw, model)
        columns = found.columns[own]
        weights[np.ix_(own, own)] = by_moment[np.ix_(columns, columns)]
        n_keys[own] = len(raw)
    elsewhere = np.clip(1 - weights.sum(axis=1, dtype=np.float64), 0, 1)
    return Attention(weights, elsewhere, n_keys)


def head_weights(
    model: LoadedModel, below: NDArray[np.float32], layer: int, head: int
) -> NDArray[np.float32]:
    """Compute one head's attention of one window: (n_tokens, n_tokens), rows sum to 1.

    Args:
        model: one with ``has_attention``.
        below: (n_tokens, n_channels) states that go into the layer.
        layer: from 1 on.
        head: from 0 on.
    """
    import torch

    module = _layers(model)[layer - 1]
    with torch.inference_mode():
        given = torch.from_numpy(below)[None].to(next(module.parameters()).device)
        asking = getattr(module, "self_attn", None) or module.attention
        given = _normed(model, module, given)
        size = asking.head_dim
        own = slice(head * size, (head + 1) * size)
        queries = asking.q_proj(given)[0, :, own].float()
        keys = asking.k_proj(given)[0, :, own].float()
        found: Tensor = (queries @ keys.T * size**-0.5).softmax(dim=-1)
    weights: NDArray[np.float32] = found.cpu().numpy()
    return weights


def _normed(model: LoadedModel, module: Any, given: Tensor) -> Tensor:
    """Apply the norm that precedes a layer's attention, where there is one."""
    import torch

    name = next((each for each in NORMS if hasattr(module, each)), "")
    if not name and getattr(model.model.config, "do_stable_layer_norm", False):
        name = "layer_norm"
    return torch.as_tensor(getattr(module, name)(given)) if name else given


def _layers(model: LoadedModel) -> Any:
    """Return the transformer layers, in their order."""
    below = architecture.body(model.model)
    return getattr(below, "layers", None) or below.encoder.layers


def _n_bands(model: LoadedModel) -> int | None:
    """Count the patches of a moment; None where each moment has one state."""
    config = model.model.config
    if config.model_type != front_end.AST:
        return None
    rows = config.num_mel_bins - config.patch_size
    return int(rows // config.frequency_stride) + 1


def _over_moments(
    weights: NDArray[np.float32], model: LoadedModel
) -> NDArray[np.float32]:
    """Sum what goes to the patches of each moment, averaged over those that ask."""
    n_bands = _n_bands(model)
    if n_bands is None:
        return weights
    own = weights[N_OWN_TOKENS:, N_OWN_TOKENS:]
    n = len(own) // n_bands
    return own.reshape(n_bands, n, n_bands, n).sum(axis=2).mean(axis=0)
