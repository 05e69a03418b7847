"""HuBERT's classifier for inference on a CPU, without transformers.

transformers' own class gives the same numbers, and is what trains and what runs on a GPU.
To import it takes three seconds of a processor, to name a song's genre with it less than
one. Modules have the names of its class, so that a checkpoint's weights fit both. ``load``
answers None for whatever is unusual in a checkpoint: it is left to transformers, with all
that it knows of old and new ones.

Source: W.-N. Hsu et al., "HuBERT", IEEE/ACM TASLP 2021; the order of norms in a layer is
that of R. Xiong et al., "On Layer Normalization in the Transformer Architecture", 2020.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from hub.client import WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

KIND = "hubert"
CLASS = "HubertForSequenceClassification"
EXTRACTOR = "Wav2Vec2FeatureExtractor"
SIZES = (
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_hidden_layers",
    "num_conv_pos_embeddings",
    "num_conv_pos_embedding_groups",
    "classifier_proj_size",
)
CONVS = ("conv_dim", "conv_kernel", "conv_stride")
SWITCHES = ("conv_bias", "do_stable_layer_norm", "feat_proj_layer_norm")
USUAL = {"hidden_act": "gelu", "feat_extract_activation": "gelu"}
# What a checkpoint may ask for, and this class has not; false or absent in nearly all.
UNUSUAL = (
    "add_adapter",
    "adapter_attn_dim",
    "conv_pos_batch_norm",
    "quantization_config",
    "use_weighted_layer_sum",
)
POSITION = "hubert.encoder.pos_conv_embed.conv."
# The two parts of the positional convolution's weight, by today's names and before.
NORMED = (
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ("weight_g", "weight_v"),
)
OF_TRAINING = "hubert.masked_spec_embed"
EPS = 1e-7  # added to the variance of a window, as transformers does


class Config(SimpleNamespace):
    """The values of ``config.json`` by name; ``id2label`` by number."""

    def to_dict(self) -> dict[str, Any]:
        """Return them as a dictionary."""
        return dict(vars(self))


class Found(NamedTuple):
    """What the classifier makes of windows.

    Attributes:
        logits: float32 (n_windows, n_labels); empty of the body alone.
        hidden_states: the transformer's input and each layer's output, float32
            (n_windows, n_frames, n_channels); None where nobody asked.
        last_hidden_state: the last one after the last norm.
    """

    logits: Tensor | None
    hidden_states: tuple[Tensor, ...] | None
    last_hidden_state: Tensor


class SampleExtractor:
    """Prepare windows of samples as HuBERT takes them, as transformers' extractor does.

    Args:
        facts: ``preprocessor_config.json``.
    """

    model_input_names = ("input_values",)

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = dict(facts)
        self.sampling_rate = int(facts["sampling_rate"])
        self.do_normalize = bool(facts["do_normalize"])

    def to_dict(self) -> dict[str, Any]:
        """Return the values of ``preprocessor_config.json``."""
        return dict(self._facts)

    def __call__(
        self, samples: Samples, *, sampling_rate: int
    ) -> dict[str, list[NDArray[np.float32]]]:
        """Normalise a window to mean 0 and variance 1, where the checkpoint asks for it.

        Raises:
            ValueError: where the rate is another one than the checkpoint's.
        """
        if sampling_rate != self.sampling_rate:
            raise ValueError(f"{sampling_rate} Hz, not {self.sampling_rate}")
        values = np.asarray(samples, np.float32)
        if self.do_normalize:
            values = (values - values.mean()) / np.sqrt(values.var() + EPS)
        return {"input_values": [values]}


def load(
    folder: Path, config: Mapping[str, Any], extractor: Mapping[str, Any]
) -> tuple[Any, SampleExtractor] | None:
    """Load a checkpoint in evaluation mode, on the CPU, in float32.

    Args:
        folder: with ``model.safetensors``.
        config: of ``config.json``.
        extractor: of ``preprocessor_config.json``.

    Returns:
        The classifier and its feature extractor; None where the checkpoint is anything
        but a usual HuBERT whose weights are all there.
    """
    if not (_is_usual(config) and _is_extractor(extractor)):
        return None
    import torch

    facts = Config(**config)
    facts.id2label = {int(n): str(label) for n, label in config["id2label"].items()}
    weights = _weights(folder)
    if weights is None:
        return None
    with torch.device("meta"):  # the file's weights take the place of these
        model = _classifier()(facts)
    try:
        model.load_state_dict(weights, assign=True)
    except RuntimeError:  # other names or shapes
        return None
    return model.requires_grad_(False).eval(), SampleExtractor(extractor)


def _is_usual(config: Mapping[str, Any]) -> bool:
    """Return whether a config is of the classifier that this module has."""
    made_for, labels = config.get("architectures"), config.get("id2label")
    convs = [config.get(name) for name in CONVS]
    sizes = [config.get(name) for name in SIZES]
    for each in convs:
        if not isinstance(each, list) or len(each) != len(convs[0]):  # type: ignore[arg-type]
            return False
        sizes += each
    return (
        (config.get("model_type"), made_for) == (KIND, [CLASS])
        and bool(convs[0])
        and all(type(size) is int and size > 0 for size in sizes)
        and config["hidden_size"] % config["num_attention_heads"] == 0
        and config["hidden_size"] % config["num_conv_pos_embedding_groups"] == 0
        and all(isinstance(config.get(name), bool) for name in SWITCHES)
        and all(config.get(name) == value for name, value in USUAL.items())
        and not any(config.get(name) for name in UNUSUAL)
        and config.get("feat_extract_norm") in ("group", "layer")
        and isinstance(config.get("layer_norm_eps"), float)
        and isinstance(labels, dict)
        and {*labels} == {str(number) for number in range(len(labels))}
    )


def _is_extractor(facts: Mapping[str, Any]) -> bool:
    """Return whether a feature extractor is the one that this module has."""
    return (
        facts.get("feature_extractor_type") == EXTRACTOR
        and facts.get("feature_size") == 1
        and type(facts.get("sampling_rate")) is int
        and isinstance(facts.get("do_normalize"), bool)
    )


def _weights(folder: Path) -> dict[str, Tensor] | None:
    """Read the weights in float32; None of a file that is broken or not floating."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError):
        return None
    if not all(tensor.is_floating_point() for tensor in found.values()):
        return None
    weights = {name: tensor.float() for name, tensor in found.items()}
    weights.pop(OF_TRAINING, None)
    for length, direction in NORMED:
        if POSITION + length in weights and POSITION + direction in weights:
            long, raw = (weights.pop(POSITION + name) for name in (length, direction))
            norm = raw.norm(dim=(0, 1), keepdim=True)
            weights[POSITION + "weight"] = raw * (long / norm)
    return weights


@functools.cache
def _convolution() -> Any:
    """Make the class of a convolution, once torch is loaded; as those below."""
    import torch
    from torch import nn

    class Convolution(nn.Module):
        """A convolution of the front end, its norm and its GELU."""

        def __init__(self, config: Any, at: int) -> None:
            super().__init__()
            n_in = config.conv_dim[at - 1] if at else 1
            n_out, shape = (
                config.conv_dim[at],
                (config.conv_kernel[at], config.conv_stride[at]),
            )
            self.conv = nn.Conv1d(n_in, n_out, *shape, bias=config.conv_bias)
            self.activation = nn.GELU()
            if config.feat_extract_norm == "layer":
                self.layer_norm: nn.Module = nn.LayerNorm(n_out)
            elif not at:
                self.layer_norm = nn.GroupNorm(n_out, n_out)

        def forward(self, frames: Tensor) -> Tensor:
            out: Tensor = self.conv(frames)
            norm = getattr(self, "layer_norm", None)
            if isinstance(norm, nn.LayerNorm):
                out = norm(out.transpose(1, 2)).transpose(1, 2)
            elif norm is not None:
                out = norm(out)
            return torch.as_tensor(self.activation(out))

    return Convolution


@functools.cache
def _front_end() -> Any:
    """Make the class of all convolutions."""
    from torch import nn

    class FrontEnd(nn.Module):
        """(n_windows, n_samples) to (n_windows, n_channels, n_frames)."""

        def __init__(self, config: Any) -> None:
            super().__init__()
            n_layers = len(config.conv_dim)
            layers = [_convolution()(config, at) for at in range(n_layers)]
            self.conv_layers = nn.ModuleList(layers)

        def forward(self, windows: Tensor) -> Tensor:
            frames = windows[:, None]
            for layer in self.conv_layers:
                frames = layer(frames)
            return frames

    return FrontEnd


@functools.cache
def _projection() -> Any:
    """Make the class of what widens frames to the transformer."""
    import torch
    from torch import nn

    class Projection(nn.Module):
        """Project frames of the front end to the encoder's width."""

        def __init__(self, config: Any) -> None:
            super().__init__()
            n_in = config.conv_dim[-1]
            if config.feat_proj_layer_norm:
                self.layer_norm = nn.LayerNorm(n_in, config.layer_norm_eps)
            self.projection = nn.Linear(n_in, config.hidden_size)

        def forward(self, frames: Tensor) -> Tensor:
            norm = getattr(self, "layer_norm", None)
            return torch.as_tensor(self.projection(norm(frames) if norm else frames))

    return Projection


@functools.cache
def _position() -> Any:
    """Make the class of what tells a state its neighbours."""
    from torch import nn
    from torch.nn.functional import gelu

    class Position(nn.Module):
        """What a state's neighbours add to it: a long convolution."""

        def __init__(self, config: Any) -> None:
            super().__init__()
            width, kernel = config.hidden_size, config.num_conv_pos_embeddings
            groups = config.num_conv_pos_embedding_groups
            self.conv = nn.Conv1d(
                width, width, kernel, padding=kernel // 2, groups=groups
            )

        def forward(self, states: Tensor) -> Tensor:
            found = self.conv(states.transpose(1, 2))
            return gelu(found[..., : states.shape[1]]).transpose(1, 2)

    return Position


@functools.cache
def _attention() -> Any:
    """Make the class of a layer's first part."""
    import torch
    from torch import nn
    from torch.nn.functional import scaled_dot_product_attention

    class Attention(nn.Module):
        """Attend from each frame to all frames."""

        def __init__(self, config: Any) -> None:
            super().__init__()
            width = config.hidden_size
            self.head_dim = width // config.num_attention_heads
            self.q_proj = nn.Linear(width, width)
            self.k_proj = nn.Linear(width, width)
            self.v_proj = nn.Linear(width, width)
            self.out_proj = nn.Linear(width, width)

        def forward(self, states: Tensor) -> Tensor:
            states = states.to(self.q_proj.weight.dtype)  # once for all three
            heads = [
                proj(states).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
                for proj in (self.q_proj, self.k_proj, self.v_proj)
            ]
            found = scaled_dot_product_attention(*heads)
            return torch.as_tensor(self.out_proj(found.transpose(1, 2).flatten(2)))

    return Attention


@functools.cache
def _feed_forward() -> Any:
    """Make the class of a layer's second part."""
    import torch
    from torch import nn

    class FeedForward(nn.Module):
        """Transform each frame by two linear layers with a GELU between."""

        def __init__(self, config: Any) -> None:
            super().__init__()
            width, inner = config.hidden_size, config.intermediate_size
            self.intermediate_dense = nn.Linear(width, inner)
            self.intermediate_act_fn = nn.GELU()
            self.output_dense = nn.Linear(inner, width)

        def forward(self, states: Tensor) -> Tensor:
            inner = self.intermediate_act_fn(self.intermediate_dense(states))
            return torch.as_tensor(self.output_dense(inner))

    return FeedForward


@functools.cache
def _layer() -> Any:
    """Make the class of a layer."""
    import torch
    from torch import nn

    class Layer(nn.Module):
        """A layer of the transformer, norms before its parts or after them."""

        def __init__(self, config: Any) -> None:
            super().__init__()
            self.is_norm_first = config.do_stable_layer_norm
            self.attention = _attention()(config)
            self.layer_norm, self.final_layer_norm = (
                nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
                for _ in range(2)
            )
            self.feed_forward = _feed_forward()(config)

        def forward(self, states: Tensor) -> Tensor:
            first, second = self.layer_norm, self.final_layer_norm
            if self.is_norm_first:
                states = states + self.attention(first(states))
                return states + self.feed_forward(second(states))
            states = first(states + self.attention(states))
            return torch.as_tensor(second(states + self.feed_forward(states)))

    return Layer


@functools.cache
def _encoder() -> Any:
    """Make the class of the transformer."""
    from torch import nn

    class Encoder(nn.Module):
        """Add positions to frames and pass them through the layers."""

        def __init__(self, config: Any) -> None:
            super().__init__()
            self.is_norm_first = config.do_stable_layer_norm
            self.pos_conv_embed = _position()(config)
            self.layer_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
            n_layers = config.num_hidden_layers
            self.layers = nn.ModuleList(_layer()(config) for _ in range(n_layers))

        def forward(self, states: Tensor) -> tuple[Tensor, list[Tensor]]:
            """Return the last state after the last norm, and all states before it."""
            states = states + self.pos_conv_embed(states)
            if not self.is_norm_first:
                states = self.layer_norm(states)
            found = [states]
            for layer in self.layers:
                found.append(layer(found[-1]))
            last = found[-1]
            return self.layer_norm(last) if self.is_norm_first else last, found

    return Encoder


@functools.cache
def _classifier() -> Any:
    """Make the class of the whole."""
    from torch import nn

    class Body(nn.Module):
        """Compute the frames of every layer from samples."""

        def __init__(self, config: Any) -> None:
            super().__init__()
            self.config = config
            self.feature_extractor = _front_end()(config)
            self.feature_projection = _projection()(config)
            self.encoder = _encoder()(config)

        def forward(self, windows: Tensor, output_hidden_states: bool = False) -> Found:
            frames = self.feature_extractor(windows).transpose(1, 2)
            last, states = self.encoder(self.feature_projection(frames))
            return Found(None, tuple(states) if output_hidden_states else None, last)

    class Classifier(nn.Module):
        """Compute logits from samples: body, projection, mean over time."""

        base_model_prefix = "hubert"

        def __init__(self, config: Any) -> None:
            super().__init__()
            self.config = config
            self.hubert = Body(config)
            width = config.classifier_proj_size
            self.projector = nn.Linear(config.hidden_size, width)
            self.classifier = nn.Linear(width, len(config.id2label))

        @property
        def base_model(self) -> Any:
            return self.hubert

        @property
        def device(self) -> Any:
            return self.classifier.weight.device

        def forward(
            self, input_values: Tensor, output_hidden_states: bool = False
        ) -> Found:
            found = self.hubert(input_values, output_hidden_states)
            # The mean of a linear layer's outputs is its output for the mean.
            mean = self.projector(found.last_hidden_state.mean(dim=1))
            return found._replace(logits=self.classifier(mean))

    return Classifier
