"""From a mel spectrogram back to sound by a network that has learned how speech goes.

Where Griffin-Lim searches for phases that fit, a neural vocoder has heard so much sound
that it knows them. This one, the HiFi-GAN of SpeechT5, was trained on read speech: of
music it makes what a voice would make of it. Source: J. Kong, J. Kim and J. Bae,
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
    """The clip from 80 mel bands up to 7.6 kHz, 62.5 frames a second, its phase gone.

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
    heard = clip.resampled(SAMPLING_RATE)
    if not heard.n_samples:
        return heard
    with torch.inference_mode():
        samples = vocoder(torch.from_numpy(_bands(heard.samples))).numpy()
    return Clip(samples[: heard.n_samples].copy(), SAMPLING_RATE, clip.name)


def _bands(samples: Samples) -> Samples:
    """Log-mel magnitudes as SpeechT5 was trained with it, float32 (n_frames, 80)."""
    process.settle()
    from transformers import SpeechT5FeatureExtractor

    extractor = SpeechT5FeatureExtractor()  # its defaults are the checkpoint's
    features = extractor(audio_target=samples, sampling_rate=SAMPLING_RATE)
    return np.asarray(features["input_values"][0], np.float32)


def _loaded(folder: Path) -> Any:
    """The network: safetensors only, no weight missing, no code of its own."""
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
