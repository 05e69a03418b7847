"""Where the parts of an audio classifier are, in every class that can be trained.

HuBERT and wav2vec2 hear samples: convolutions, a transformer, and a head that averages
over time. Whisper and AST hear a mel spectrogram of one length. Whisper: two
convolutions, a transformer, the same head as HuBERT's. AST: patches of the spectrogram
as a picture, a transformer, a head on two tokens of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# What makes the transformer's input, by the name that the class gives it.
FRONT_ENDS = (("feature_extractor",), ("conv1", "conv2"), ("embeddings",))
MEL_HOP_S, MEL_FRAME_S = 0.010, 0.025  # of AST and Whisper alike, at 16 kHz


def body_name(model: Any) -> str:
    """The name of what stands below the head: all that was pretrained."""
    name: str = model.base_model_prefix
    return name if hasattr(model, name) else "encoder"  # of Whisper, whose prefix lies


def body(model: Any) -> Any:
    """All that was pretrained."""
    return getattr(model, body_name(model))


def front_end(model: Any) -> Sequence[Any]:
    """The modules that turn the input into what the transformer hears."""
    below = body(model)
    names = next(names for names in FRONT_ENDS if hasattr(below, names[0]))
    return [getattr(below, name) for name in names]


def hears_samples(model: Any) -> bool:
    """Whether the input is the sound itself, not its spectrogram."""
    return hasattr(body(model), FRONT_ENDS[0][0])


def last_layer(model: Any) -> Any:
    """The linear layer that has an output a genre."""
    return getattr(model.classifier, "dense", model.classifier)


def averages_over_time(model: Any) -> bool:
    """Whether the head is the mean over time between two linear layers."""
    return hasattr(model, "projector")


def fixed_window_s(config: Any) -> float | None:
    """The one length of sound (s) that a model of this config hears; None for any.

    Their feature extractors would fill up a shorter one with zeros.
    """
    if config.model_type == "audio-spectrogram-transformer":
        return MEL_FRAME_S + (config.max_length - 1) * MEL_HOP_S
    if config.model_type == "whisper":
        return config.max_source_positions * 2 * MEL_HOP_S  # a state is two frames
    return None


def freeze(model: Any, trained_part: str) -> None:
    """Let only a part learn: ``all``, ``encoder`` or ``head``.

    ``encoder`` is all but the front end, in whatever form the class has one.
    """
    if trained_part == "all":
        return
    if hears_samples(model):
        # It also keeps the gradient from being computed down to the samples.
        model.freeze_feature_encoder()
    stays = [body(model)] if trained_part == "head" else front_end(model)
    for module in stays:
        module.requires_grad_(False)
