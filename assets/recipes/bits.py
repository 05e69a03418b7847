"""A sound in few bits: python bits.py song.wav (librosa, soundfile, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np
import soundfile

START_S = 0.0  # of the five milliseconds that are shown
N_BITS = 4
IS_DITHERED = False  # add a little noise before rounding

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
step = 2 / 2**N_BITS  # 2 ** N_BITS values from -1 up
stairs = samples.astype(float) / step
if IS_DITHERED:  # triangular noise, one step to either side
    uniform = np.random.default_rng(0).random((2, len(samples)))
    stairs += uniform[0] - uniform[1]
n_half = 2 ** (N_BITS - 1)
rounded = np.clip(np.rint(stairs), -n_half, n_half - 1) * step
error = rounded - samples
snr_db = 10 * np.log10(np.sum(samples.astype(float) ** 2) / np.sum(error**2))
soundfile.write(f"in-{N_BITS}-bits.wav", rounded, sampling_rate)

shown = slice(round(START_S * sampling_rate), round((START_S + 0.005) * sampling_rate))
plt.plot(samples[shown])
plt.step(np.arange(len(rounded[shown])), rounded[shown], where="mid")
plt.title(f"Signal to noise: {snr_db:.1f} dB")
plt.show()
