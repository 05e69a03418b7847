"""What HuBERT gets of a sound: python hearing.py song.wav (librosa, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np

START_S = 0.0  # where the picture begins

samples, _ = librosa.load(sys.argv[1], sr=16_000, mono=True)
values = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
n_frames = 1 + (len(values) - 400) // 320  # one every 20 ms, each from 25 ms
starts_s = np.arange(n_frames) * 320 / 16_000

plt.plot(np.arange(len(values)) / 16_000, values)
plt.vlines(starts_s, values.min(), values.max(), "grey", "dotted")
plt.xlim(START_S, START_S + 0.2)
plt.xlabel("Time (s)")
plt.ylabel("Standard deviations")
plt.show()
