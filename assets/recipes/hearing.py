"""What a model gets of a sound: python hearing.py song.wav (librosa, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np

MODEL = "HuBERT"
KERNELS = (10, 3, 3, 3, 3, 2, 2)  # samples, or frames of the layer below
STRIDES = (5, 2, 2, 2, 2, 2, 2)
PADDING = (0, 0)  # samples before and behind the window
WINDOW_START = 0  # first sample of the window
N_WINDOW = 480_000  # samples of the window; a shorter sound is repeated
IS_NORMALIZED = True
START_S = 0.0  # where the picture begins

samples, _ = librosa.load(sys.argv[1], sr=16_000, mono=True)
values = samples[WINDOW_START : WINDOW_START + N_WINDOW]
values = np.resize(values, N_WINDOW)
if IS_NORMALIZED:  # each window by itself
    values = (values - values.mean()) / np.sqrt(values.var() + 1e-7)

n_frames = len(values) + sum(PADDING)
for kernel, stride in zip(KERNELS, STRIDES, strict=True):
    n_frames = max((n_frames - kernel) // stride + 1, 0)
hop_length = int(np.prod(STRIDES))
starts = WINDOW_START - PADDING[0] + np.arange(n_frames) * hop_length

plt.plot((WINDOW_START + np.arange(len(values))) / 16_000, values)
plt.vlines(starts / 16_000, values.min(), values.max(), "grey", "dotted")
plt.xlim(START_S, START_S + 10 * hop_length / 16_000)
plt.title(f"{MODEL}: {n_frames} frames")
plt.xlabel("Time (s)")
plt.ylabel("Standard deviations" if IS_NORMALIZED else "Amplitude")
plt.show()
