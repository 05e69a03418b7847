"""Find the parts of an audio classifier, in every class that can be trained.

HuBERT and wav2vec2 take samples: convolutions, a transformer, and a head that averages
over time. Whisper and AST take a mel spectrogram of one length. Whisper: two
convolutions, a transformer, the same head as HuBERT's. AST: patches of the spectrogram
as a picture, a transformer, a head on two tokens of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# What makes the transformer's input, by the name that the class gives it.
FRONT_ENDS = (("feature_extractor",), ("conv1", "conv2"), ("embeddings",))
MEL_HOP_S, MEL_FRAME_S = 0.010, 0.025  # of AST and Whisper alike, at 16 kHz
AST_FRAMES, WHISPER_STATES = 1024, 1500  # transformers' defaults
MULTI_LABEL = "multi_label_classification"


def body_name(model: Any) -> str:
    """Return the attribute with all that is below the head, which was pretrained."""
    name: str = model.base_model_prefix
    return name if hasattr(model, name) else "encoder"  # Whisper's prefix is wrong


def body(model: Any) -> Any:
    """Return all that was pretrained."""
    return getattr(model, body_name(model))


def front_end(model: Any) -> Sequence[Any]:
    """Return the modules that turn the input into that of the transformer."""
    below = body(model)
    names = next(names for names in FRONT_ENDS if hasattr(below, names[0]))
    return [getattr(below, name) for name in names]


def takes_samples(model: Any) -> bool:
    """Return whether the input is the waveform itself, not its spectrogram."""
    return hasattr(body(model), FRONT_ENDS[0][0])


def last_layer(model: Any) -> Any:
    """Return the linear layer that has an output a genre."""
    return getattr(model.classifier, "dense", model.classifier)


def averages_over_time(model: Any) -> bool:
    """Return whether the head is the mean over time between two linear layers."""
    return hasattr(model, "projector")


def norms_last(model: Any) -> bool:
    """Return whether what the model gives is its last layer after one more norm."""
    return bool(getattr(model.config, "do_stable_layer_norm", False))


def fixed_window_s(config: Mapping[str, Any]) -> float | None:
    """Return the one input length (s) that a model of this config has; None for any.

    Their feature extractors fill up a shorter input with zeros, so that it is always
    exactly as long.

    Args:
        config: ``config.json``, or ``to_dict()`` of a config of transformers.
    """
    if config.get("model_type") == "audio-spectrogram-transformer":
        n_frames = positive(config.get("max_length")) or AST_FRAMES
        return MEL_FRAME_S + (n_frames - 1) * MEL_HOP_S
    if config.get("model_type") == "whisper":
        n_states = positive(config.get("max_source_positions")) or WHISPER_STATES
        return n_states * 2 * MEL_HOP_S  # a state is two frames
    return None


def is_exclusive(config: Mapping[str, Any]) -> bool:
    """Return whether one of the labels is right, rather than any number of them."""
    return config.get("problem_type") != MULTI_LABEL


def positive(value: object) -> float | None:
    """Return a positive finite number; None for anything else."""
    is_number = isinstance(value, int | float) and 0 < value < float("inf")
    return float(value) if is_number else None  # type: ignore[arg-type]


def freeze(model: Any, trained_part: str) -> None:
    """Let only a part learn: ``all``, ``encoder`` or ``head``.

    ``encoder`` is all but the front end, in whatever form the class has one.
    """
    if trained_part == "all":
        return
    if takes_samples(model):
        # It also keeps the gradient from being computed down to the samples.
        model.freeze_feature_encoder()
    stays = [body(model)] if trained_part == "head" else front_end(model)
    for module in stays:
        module.requires_grad_(False)
