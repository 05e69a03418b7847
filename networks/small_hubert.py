"""A HuBERT small enough to train from scratch on two cores.

``small_hubert`` is a ``HubertForSequenceClassification`` of half a million parameters.
Its weights are random but for its front end, which is initialised as a bank of
mel-spaced filters: what most trained front ends come to anyway, and what a network of
this size does not find by itself within minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import process
from audio.hubert.preprocessing import SAMPLING_RATE
from audio.transforms.mel_scale import hz_to_mel, mel_to_hz

if TYPE_CHECKING:
    from transformers import HubertForSequenceClassification, Wav2Vec2FeatureExtractor


def feature_extractor() -> Wav2Vec2FeatureExtractor:
    """Make its feature extractor: 16 kHz, mean 0 and variance 1 for each window."""
    process.settle()
    from transformers import Wav2Vec2FeatureExtractor

    return Wav2Vec2FeatureExtractor(
        sampling_rate=SAMPLING_RATE, do_normalize=True, return_attention_mask=False
    )


def small_hubert(
    labels: Sequence[str], seed: int, **changes: Any
) -> HubertForSequenceClassification:
    """Build a HuBERT of 0.55 M parameters that trains on a CPU: 25 frames a second.

    Layer norm in place of group norm in the convolutions, and before each transformer
    layer in place of after it, are what lets it learn within a short schedule; the
    former also keeps the length of a window out of the answer.

    Args:
        labels: names of the classes, in the order of the model's outputs.
        seed: of the random weights.
        **changes: to its config.
    """
    process.settle()
    import torch
    from transformers import HubertConfig, HubertForSequenceClassification

    values = dict(
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=384,
        conv_dim=(64, 96, 128),
        conv_kernel=(320, 10, 4),
        conv_stride=(32, 10, 2),
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=32,
        num_conv_pos_embedding_groups=8,
        classifier_proj_size=64,
        layerdrop=0.0,
        hidden_dropout=0.05,
        activation_dropout=0.0,
        attention_dropout=0.0,  # a dropout here keeps attention off its fast path
        feat_proj_dropout=0.0,
        final_dropout=0.0,
        mask_time_prob=0.0,
        apply_spec_augment=False,
        id2label=dict(enumerate(labels)),
        label2id={name: number for number, name in enumerate(labels)},
    )
    config = HubertConfig(**{**values, **changes})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = HubertForSequenceClassification(config)
        _start_as_filter_bank(model)
    return model


def _start_as_filter_bank(model: HubertForSequenceClassification) -> None:
    """Initialise the front end as the first steps of a mel spectrogram.

    The first convolution splits the sound into bands. Each output of the second starts
    as a random mixture of the bands' energies: the same weight for both filters of a
    band and for all ten frames (20 ms), so that it averages where independent weights
    would take the phase for noise. This halves the steps that a run needs.
    """
    import torch

    layer = "hubert.feature_extractor.conv_layers.{}.conv.weight"
    first, second = (model.get_parameter(layer.format(number)) for number in (0, 1))
    n_filters, _, n_samples = first.shape
    n_outputs, _, n_frames = second.shape
    std = (2 / (n_filters * n_frames)) ** 0.5  # He et al. 2015, as for the others
    mixtures = std * torch.randn(n_outputs, n_filters // 2).repeat_interleave(2, dim=1)
    with torch.no_grad():
        first.copy_(torch.from_numpy(gabor_filters(n_filters, n_samples))[:, None, :])
        second.copy_(mixtures[:, :, None].expand_as(second))


def gabor_filters(n_filters: int, n_samples: int) -> NDArray[np.float32]:
    """Compute short tones under a Hann window, two a frequency: cosine and sine.

    A pair in quadrature detects its band at any phase. The bands' centres are evenly
    spaced in mel (HTK), from 60 Hz to 7.6 kHz.

    Returns:
        float32 (n_filters, n_samples), each of energy 1.
    """
    n_bands = n_filters // 2
    low_mel, high_mel = hz_to_mel(np.array([60.0, 7600.0]), "htk")
    centres_hz = mel_to_hz(np.linspace(low_mel, high_mel, n_bands), "htk")
    time_s = (np.arange(n_samples) - (n_samples - 1) / 2) / SAMPLING_RATE
    angles = 2 * np.pi * centres_hz[:, None] * time_s
    pairs = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    filters = pairs.reshape(2 * n_bands, n_samples) * np.hanning(n_samples)
    filters /= np.linalg.norm(filters, axis=1, keepdims=True)
    return filters.astype(np.float32)
