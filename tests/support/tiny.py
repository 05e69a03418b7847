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
    values = dict(
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
        genrescope=FACTS,
    )
    config = HubertConfig(**{**values, **changes})
    HubertForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(
        sampling_rate=SAMPLING_RATE, do_normalize=True, return_attention_mask=False
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory):
    """The tiny model's checkpoint folder: read it, do not change it."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def models(tiny_model_dir, tmp_path_factory):
    """The models of an offline host whose bundled one is the tiny one."""
    return models_of(tiny_model_dir, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def model(models):
    """The tiny model, loaded."""
    return models.load(models.ref("bundled"))


def models_of(model_dir, runs_dir, **choices):
    """The models of an offline host: a bundled one, and those of its runs."""
    from classifier.models import Models

    own = {"bundled_model_dir": model_dir, "runs_dir": runs_dir, "hub_model": ""}
    own["precision"] = "fp32"  # answers are compared with those of transformers
    return Models(**{**own, "is_offline": True, **choices})


def loaded(model_dir, runs_dir, **choices):
    """A checkpoint, loaded as the bundled model of such a host."""
    models = models_of(model_dir, runs_dir, **choices)
    return models.load(models.ref("bundled"))


@pytest.fixture
def computed(monkeypatch):
    """A list that grows by one at each batch of windows that any model computes."""
    from networks import forward

    batches, outputs = [], forward.outputs

    def counted(*arguments, **options):
        batches.append(1)
        return outputs(*arguments, **options)

    monkeypatch.setattr(forward, "outputs", counted)
    return batches


@pytest.fixture
def host(tmp_path, tiny_model_dir, monkeypatch):
    """A shell's host whose bundled model is the tiny one, offline; its folder."""
    import classifier.__main__ as cli
    from settings import Settings

    own = Settings(
        bundled_model_dir=tiny_model_dir,
        runs_dir=tmp_path / "runs",
        hub_model="",
        is_offline=True,
    )
    monkeypatch.setattr(cli, "from_environment", lambda: own)
    return tmp_path


@pytest.fixture(scope="module")
def one_thread():
    """Threads that wait for each other cost a tiny model more than they give."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def save_tiny_other(kind, folder, genres=GENRES):
    """Save a tiny classifier of another class, as the Hub has them.

    Args:
        kind: "wav2vec2", "ast" (windows of 1.015 s) or "whisper" (of 1 s).
        folder: where to.
        genres: its labels.

    Returns:
        ``folder``.
    """
    import torch
    import transformers

    torch.manual_seed(0)
    labels = {
        "id2label": dict(enumerate(genres)),
        "label2id": {genre: index for index, genre in enumerate(genres)},
    }
    model, extractor = {"wav2vec2": _wav2vec2, "ast": _ast, "whisper": _whisper}[kind](
        transformers, labels
    )
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder


def _wav2vec2(transformers, labels):
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        classifier_proj_size=16,
        conv_dim=(16, 16),
        conv_kernel=(10, 8),
        conv_stride=(10, 32),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        initializer_range=0.5,
        **labels,
    )
    model = transformers.Wav2Vec2ForSequenceClassification(config)
    extractor = transformers.Wav2Vec2FeatureExtractor(
        do_normalize=True, return_attention_mask=True
    )
    return model, extractor


def _ast(transformers, labels):
    config = transformers.ASTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_length=100,
        num_mel_bins=16,
        initializer_range=0.5,
        **labels,
    )
    extractor = transformers.ASTFeatureExtractor(num_mel_bins=16, max_length=100)
    return transformers.ASTForAudioClassification(config), extractor


def _whisper(transformers, labels):
    config = transformers.WhisperConfig(
        d_model=16,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=32,
        vocab_size=8,
        pad_token_id=0,
        num_mel_bins=16,
        max_source_positions=50,
        classifier_proj_size=16,
        init_std=0.5,
        **labels,
    )
    extractor = transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=1)
    return transformers.WhisperForAudioClassification(config), extractor


def save_tiny_base(kind, folder):
    """Save a tiny model that has not learned any genre, as base models are on the Hub.

    Args:
        kind: "hubert" or "wav2vec2" (the body alone), "whisper" (which writes text) or
            "ast" (which names five other things).
        folder: where to.

    Returns:
        ``folder``.
    """
    import torch
    import transformers

    torch.manual_seed(0)
    if kind == "hubert":
        save_tiny_model(folder, layerdrop=0.1, genrescope=None)
        model = transformers.HubertForSequenceClassification.from_pretrained(folder)
        (folder / "model.safetensors").unlink()
        model.hubert.save_pretrained(folder)
        return folder
    labels = {"id2label": dict(enumerate("abcde"))}
    make = {"wav2vec2": _wav2vec2, "ast": _ast, "whisper": _whisper}[kind]
    model, extractor = make(transformers, labels)
    if kind == "whisper":
        model = transformers.WhisperForConditionalGeneration(model.config)
    (model.wav2vec2 if kind == "wav2vec2" else model).save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder
