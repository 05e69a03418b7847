"""The model that a run starts from, with a new head for the run's genres."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from errors import KnownError
from trainer.config import RunConfig

DEMO_DIR = Path(__file__).parents[1] / "assets" / "models" / "demo"
HEAD_STD = 0.02  # small logits at the start: the first loss is ln(number of genres)


def load_base(config: RunConfig, genres: Sequence[str]) -> tuple[Any, Any]:
    """The model and its feature extractor, ready to learn ``genres``.

    Returns:
        A transformers audio classifier in float32 whose classifier layer is new, with
        the parts frozen that the config says; and what turns samples into its input.

    Raises:
        KnownError: ``no_demo_model``, or what the Hub's download raises.
    """
    from trainer import models

    if config.base_model == "small":
        model = models.small_hubert(genres, config.seed)
        # Its first convolution starts as the filters that training would look for.
        first = model.hubert.feature_extractor.conv_layers[0]
        first.conv.requires_grad_(False)
        extractor = models.feature_extractor()
    else:
        model, extractor = _pretrained(_folder(config.base_model), genres, config.seed)
    if config.trained_part == "encoder":
        model.freeze_feature_encoder()
    elif config.trained_part == "head":
        model.freeze_base_model()
    return model, extractor


def _folder(base_model: str) -> Path:
    """The checkpoint folder of a base model, downloaded where it is the Hub's."""
    if base_model != "demo":
        import hub

        return hub.fetch(base_model)
    if not (DEMO_DIR / "model.safetensors").exists():
        raise KnownError("no_demo_model")
    return DEMO_DIR


def _pretrained(folder: Path, genres: Sequence[str], seed: int) -> tuple[Any, Any]:
    """A checkpoint's weights under a head that has never seen a genre."""
    import torch
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    names = dict(enumerate(genres))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForAudioClassification.from_pretrained(
            folder,
            id2label=names,
            label2id={name: number for number, name in names.items()},
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # a fine-tuned model has other labels
        )
        torch.nn.init.normal_(model.classifier.weight, std=HEAD_STD)
        torch.nn.init.zeros_(model.classifier.bias)
    return model, AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
