"""Similarity of every moment with every other: python repeats.py song.wav."""

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
LAYER = 2  # 0: the transformer's input
N_SMOOTHED = 0  # neighbours that are averaged first

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
    states = states[LAYER][0].numpy()
    if model.config.model_type == "audio-spectrogram-transformer":
        n_bands = (model.config.num_mel_bins - model.config.patch_size) // (
            model.config.frequency_stride
        ) + 1
        states = states[2:].reshape(n_bands, -1, states.shape[-1]).mean(axis=0)
    windows.append(states[first:stop])
frames = np.concatenate(windows)  # (frames, channels)

half = N_SMOOTHED // 2
near = [slice(max(at - half, 0), at + half + 1) for at in range(len(frames))]
frames = np.stack([frames[each].mean(axis=0) for each in near])

centred = frames - frames.mean(axis=0)
lengths = np.linalg.norm(centred, axis=1, keepdims=True)
units = centred / np.where(lengths > 0, lengths, np.inf)
cosines = units @ units.T

plt.imshow(cosines, origin="lower", cmap="cividis", vmin=-0.5, vmax=1)
plt.colorbar(label="Cosine similarity")
plt.xlabel("Frame")
plt.ylabel("Frame")
plt.show()
