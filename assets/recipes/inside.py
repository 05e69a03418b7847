"""Frames of each layer as colours: python inside.py song.wav (librosa, transformers)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

MODEL = "sanchit-gandhi/distilhubert-finetuned-gtzan"  # of the Hub, or a folder
WINDOW_STARTS = (0,)  # first sample of each window
N_WINDOW = 480_000  # samples of a window; a shorter sound is repeated
FRAMES = ((0, 1500),)  # of each window, that no window before it has

samples, _ = librosa.load(sys.argv[1], sr=16_000, mono=True)
extractor = AutoFeatureExtractor.from_pretrained(MODEL)
model = AutoModelForAudioClassification.from_pretrained(MODEL).eval()
body = getattr(model, model.base_model_prefix, None) or model.encoder  # Whisper's

windows = []
for start, (first, stop) in zip(WINDOW_STARTS, FRAMES, strict=True):
    window = np.resize(samples[start : start + N_WINDOW], N_WINDOW)
    given = extractor(window, sampling_rate=16_000, return_tensors="pt")
    values = given[extractor.model_input_names[0]]
    with torch.inference_mode():
        states = body(values, output_hidden_states=True).hidden_states
    states = torch.stack([layer[0] for layer in states]).numpy()
    if model.config.model_type == "audio-spectrogram-transformer":
        n_bands = (model.config.num_mel_bins - model.config.patch_size) // (
            model.config.frequency_stride
        ) + 1
        patches = states[:, 2:]  # without its own two tokens
        shape = len(states), n_bands, -1, states.shape[-1]
        states = patches.reshape(shape).mean(axis=1)
    windows.append(states[:, first:stop])
frames = np.concatenate(windows, axis=1)  # (layers, frames, channels)

shares = []
for number, layer in enumerate(frames):
    _, sizes, axes = np.linalg.svd(layer - layer.mean(axis=0), full_matrices=False)
    scores = (layer - layer.mean(axis=0)) @ axes[:3].T
    low, high = np.percentile(scores, (1, 99), axis=0)
    colours = np.clip((scores - low) / (high - low + 1e-12), 0, 1)
    shares.append((sizes[:3] ** 2).sum() / max((sizes**2).sum(), 1e-12))
    axis = plt.subplot(len(frames), 1, len(frames) - number)
    axis.imshow(colours[None], aspect="auto", interpolation="nearest")
    axis.set_ylabel(f"{number}: {shares[-1]:.0%}", rotation=0, ha="right")
    axis.set_yticks([])
plt.xlabel("Frame")
plt.show()
