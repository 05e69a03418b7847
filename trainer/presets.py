"""Define the presets: what each changes of the tutorial's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer import base_models

# Learning rates as in the best model cards of DistilHuBERT; time saved as measured.
_FAST = {
    "split": "stratified",
    "validation_fraction": 0.1,
    "trained_part": "encoder",
    "window_s": 5.0,
    "n_epochs": 20,
    "batch_size": 16,
    "n_accumulated": 1,
    "learning_rate": 1e-3,
    "encoder_rate_fraction": 0.1,
    "schedule": "cosine",
    "weight_decay": 0.01,
    "label_smoothing": 0.1,
    "weighted_layers": True,
    "fast_attention": True,
    "mask_time_fraction": 0.1,
    "mask_feature_fraction": 0.05,
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "tutorial": {},
    # The Hugging Face audio course's, unit 4.
    "course": {
        "test_fraction": 0.1,
        "n_epochs": 10,
        "batch_size": 8,
        "n_accumulated": 1,
    },
    # The best accuracy for the time; the best linear head is fitted first.
    "fast": _FAST,
    # Seconds, once the features are cached: for a host without a GPU. The best linear
    # head is fitted first; the epochs only refine it.
    "head": {
        "split": "stratified",
        "validation_fraction": 0.1,
        "base_model": base_models.BUNDLED,
        "trained_part": "head",
        "window_s": base_models.BUNDLED_WINDOW_S,
        "n_windows_per_song": 2,
        "n_epochs": 20,
        "batch_size": 32,
        "n_accumulated": 1,
        "learning_rate": 1e-4,
        "schedule": "cosine",
        "weight_decay": 0.0,
        "weighted_layers": True,
    },
    # The former bundled model's: a small HuBERT from random weights, on composed songs.
    "scratch": {
        "split": "stratified",
        "data": "composed",
        "n_songs_per_genre": 200,
        "base_model": "small",
        "trained_part": "all",
        "window_s": 4.0,
        "n_steps": 1000,
        "batch_size": 24,
        "n_accumulated": 1,
        "learning_rate": 3e-3,
        "schedule": "linear",
        "augmentation": True,
        "weight_decay": 0.01,
        "eval_every_n_steps": 200,
    },
    # HuBERT's own way, without labels; what it makes is a base model. Spans of 0.2 s.
    "pretrain": {
        "objective": "masked",
        "split": "stratified",
        "test_fraction": 0.1,
        "validation_fraction": 0.1,
        "data": "composed",
        "n_songs_per_genre": 40,
        "base_model": base_models.SMALL,
        "window_s": 4.0,
        "n_steps": 600,
        "batch_size": 16,
        "n_accumulated": 1,
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "weight_decay": 0.01,
        "mask_time_fraction": 0.8,
        "mask_time_length": 5,
        "visible_weight": 1.0,
        "eval_every_n_steps": 50,
    },
    # A minute on a CPU: the bundled model gets new labels.
    "smoke": {
        "split": "stratified",
        "data": "composed",
        "n_songs_per_genre": 12,
        "base_model": base_models.BUNDLED,
        "trained_part": "encoder",
        "window_s": base_models.BUNDLED_WINDOW_S,
        "n_steps": 200,
        "batch_size": 16,
        "n_accumulated": 1,
        "learning_rate": 1e-3,
        "schedule": "linear",
        "eval_every_n_steps": 50,
    },
}

FORMER = {"demo": "scratch"}  # what older versions called them: read, never written
