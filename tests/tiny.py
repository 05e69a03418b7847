"""A tiny model with random weights, as the trainer would leave it on disk."""

from __future__ import annotations

import pytest

GENRES = ("blues", "jazz", "rock")
FACTS = {"window_s": 0.5, "trained_on": "tests", "accuracy": 0.5, "n_tested": 8}
SAMPLING_RATE = 16_000


def save_tiny_model(folder, seed=0, genres=GENRES, **changes):
    """Save a HuBERT of 30,000 weights; ``changes`` go into its config.

    Returns:
        ``folder``, for the caller's convenience.
    """
    import torch
    from transformers import (
        HubertConfig,
        HubertForSequenceClassification,
        Wav2Vec2FeatureExtractor,
    )

    torch.manual_seed(seed)
    config = HubertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        classifier_proj_size=16,
        conv_dim=(16, 16, 16),
        conv_kernel=(10, 8, 8),
        conv_stride=(5, 8, 8),
        conv_bias=True,
        feat_extract_norm="layer",
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        id2label=dict(enumerate(genres)),
        label2id={genre: index for index, genre in enumerate(genres)},
        initializer_range=0.5,  # so that its answers differ from one sound to another
        **{"genrescope": FACTS, **changes},
    )
    HubertForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(
        sampling_rate=SAMPLING_RATE, do_normalize=True, return_attention_mask=False
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory):
    """The tiny model's checkpoint folder: read it, do not change it."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
