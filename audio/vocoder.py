"""Invert a mel spectrogram by a neural vocoder, the HiFi-GAN of SpeechT5.

Where Griffin-Lim searches for consistent phases, a neural vocoder predicts the waveform
from what it learned. This one was trained on read speech: music comes out as a voice
would sing it. Source: J. Kong, J. Kim and J. Bae,
"HiFi-GAN" (2020); J. Ao et al., "SpeechT5" (2022).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import process
from audio.clip import Clip, Samples
from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError

MODEL_ID = "microsoft/speecht5_hifigan"  # on the Hugging Face Hub
# Its main branch has a pickle only; this one (refs/pr/1) adds the same as safetensors.
REVISION = "6f01b211b404df2e0a0a20ca79628a757bb35854"
FILES = ("config.json", "model.safetensors")


def rebuild(clip: Clip, folder: Path) -> Clip:
    """Rebuild a clip from 80 mel bands up to 7.6 kHz, 62.5 frames a second, no phase.

    Everything is in memory at once: for excerpts of some seconds.

    Args:
        clip: any sound.
        folder: with ``FILES`` of the vocoder.

    Returns:
        As long as the clip, at 16 kHz.

    Raises:
        KnownError: ``vocoder_broken``.
    """
    import torch

    vocoder = _loaded(folder)
    sound = clip.resampled(SAMPLING_RATE)
    if not sound.n_samples:
        return sound
    with torch.inference_mode():
        samples = vocoder(torch.from_numpy(_bands(sound.samples))).numpy()
    return Clip(samples[: sound.n_samples].copy(), SAMPLING_RATE, clip.name)


def _bands(samples: Samples) -> Samples:
    """Compute log-mel magnitudes as in SpeechT5's training, float32 (n_frames, 80)."""
    process.settle()
    from transformers import SpeechT5FeatureExtractor

    extractor = SpeechT5FeatureExtractor()  # its defaults are the checkpoint's
    features = extractor(audio_target=samples, sampling_rate=SAMPLING_RATE)
    return np.asarray(features["input_values"][0], np.float32)


def _loaded(folder: Path) -> Any:
    """Load the network: safetensors only, no weight missing, no code of its own."""
    process.settle()
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError
    from transformers import SpeechT5HifiGan

    try:
        loaded: Any = SpeechT5HifiGan.from_pretrained(
            folder,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            local_files_only=True,
        )
    except (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        RuntimeError,
        SafetensorError,
        StrictDataclassError,
    ) as error:
        raise KnownError("vocoder_broken") from error
    vocoder, report = loaded
    if report["missing_keys"] or vocoder.config.sampling_rate != SAMPLING_RATE:
        raise KnownError("vocoder_broken")
    return vocoder.eval()
