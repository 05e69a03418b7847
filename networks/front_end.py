"""A checkpoint's config in, how its model cuts sound into frames out; no weights.

Where a config names no shape, transformers' default of its class holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audio.hubert.preprocessing import (
    KERNELS,
    SAMPLING_RATE,
    STRIDES,
    FrontEnd,
    Reads,
)
from networks import architecture
from networks.checkpoint import DEFAULT_WINDOW_S, ModelRef, read_json

# Classes whose front end is wav2vec 2.0's: convolutions on samples.
ON_SAMPLES = (
    "hubert wav2vec2 wavlm unispeech unispeech-sat data2vec-audio wav2vec2-conformer"
).split()
AST, WHISPER = "audio-spectrogram-transformer", "whisper"
MEL_FRAME = round(architecture.MEL_FRAME_S * SAMPLING_RATE)  # samples, of both
MEL_HOP = round(architecture.MEL_HOP_S * SAMPLING_RATE)
DISTILLED_LAYERS = 2  # of DistilHuBERT; HuBERT has 12 or more


def of_model(ref: ModelRef, folder: Path) -> FrontEnd | None:
    """Describe a model on this disk; None for a class that is not known here."""
    config = read_json(folder / "config.json")
    extractor = read_json(folder / "preprocessor_config.json")
    return of_config(
        config,
        extractor,
        window_s=ref.window_s,
        takes_any_length=ref.takes_any_length,
    )


def of_config(
    config: Mapping[str, Any],
    extractor: Mapping[str, Any],
    *,
    window_s: float,
    takes_any_length: bool,
) -> FrontEnd | None:
    """Describe a model by its ``config.json`` and ``preprocessor_config.json``.

    Args:
        config: of the model.
        extractor: of its feature extractor; empty for the default one.
        window_s: length of the windows that a song is cut into (s).
        takes_any_length: a shorter song goes in as it is.
    """
    kind = config.get("model_type")
    if kind == AST:
        # Kaldi's frames, none padded. A column of patches has 16 of them.
        patch, step = (
            int(config.get(name, default))
            for name, default in (("patch_size", 16), ("time_stride", 10))
        )
        n_mels = int(config.get("num_mel_bins", 128))
        return _of_mel("ast", (patch,), (step,), n_mels, window_s)
    if kind == WHISPER:
        # The first sample is the middle of the first mel frame, and the last frame is
        # left out; two convolutions of three, each padded by one, the second of stride 2.
        before = MEL_FRAME // 2 + 2 * MEL_HOP
        n_mels = int(config.get("num_mel_bins", 80))
        padding = before, before - MEL_HOP
        return _of_mel("whisper", (3, 3), (1, 2), n_mels, window_s, padding)
    kernels, strides = (
        config.get("conv_kernel", KERNELS),
        config.get("conv_stride", STRIDES),
    )
    if kind not in ON_SAMPLES or len(kernels) != len(strides):
        return None
    return FrontEnd(
        kernels=tuple(map(int, kernels)),
        strides=tuple(map(int, strides)),
        window_s=window_s,
        takes_any_length=takes_any_length,
        is_normalized=bool(extractor.get("do_normalize", True)),
        has_group_norm=config.get("feat_extract_norm", "group") == "group",
    )


def published(kind: str, extractor: Mapping[str, Any]) -> FrontEnd:
    """Describe a class of models as it was published, by transformers' defaults.

    Args:
        kind: ``model_type`` of its config.
        extractor: what its feature extractor has otherwise.
    """
    config = {"model_type": kind}
    fixed_s = architecture.fixed_window_s(config)
    window_s, is_any = fixed_s or DEFAULT_WINDOW_S, fixed_s is None
    found = of_config(config, extractor, window_s=window_s, takes_any_length=is_any)
    assert found is not None
    return found


def _of_mel(
    reads: Reads,
    kernels: tuple[int, ...],
    strides: tuple[int, ...],
    n_mels: int,
    window_s: float,
    padding: tuple[int, int] = (0, 0),
) -> FrontEnd:
    """Describe a model of mel spectrograms, whose level stays as it is."""
    return FrontEnd(
        reads,
        (MEL_FRAME, *kernels),
        (MEL_HOP, *strides),
        n_mels,
        padding,
        window_s,
        takes_any_length=False,
        is_normalized=False,
        has_group_norm=False,
    )


def training(config: Mapping[str, Any]) -> str:
    """Name what a model's weights learned before they met a genre, by its config.

    Returns:
        ``masked`` as HuBERT, ``distilled`` as DistilHuBERT, ``contrastive`` as wav2vec
        2.0, ``labelled`` as AST, ``transcribed`` as Whisper; ``none`` for our small
        model, which starts at random; ``unknown`` for any other.
    """
    kind = config.get("model_type")
    if kind == "hubert":
        if len(config.get("conv_kernel", KERNELS)) != len(KERNELS):
            return "none"
        n_layers = config.get("num_hidden_layers", 12)
        return "distilled" if n_layers == DISTILLED_LAYERS else "masked"
    known = {"wav2vec2": "contrastive", AST: "labelled", WHISPER: "transcribed"}
    return known.get(str(kind), "unknown")
