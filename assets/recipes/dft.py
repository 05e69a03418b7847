"""The spectrum of a passage: python dft.py song.wav (librosa, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np

START_S = 0.0  # where the passage starts
N_SAMPLES = 4096  # how long it is
WINDOW = "hann"
PADDING = 1  # 2 draws the curve twice as fine, and resolves no more
REFERENCE = "peak"  # what reads 0 dB: "peak" or "full_scale"

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
first = round(START_S * sampling_rate)
passage = samples[first : first + N_SAMPLES]
window = librosa.filters.get_window(WINDOW, len(passage))
amplitudes = np.abs(np.fft.rfft(passage * window, PADDING * N_SAMPLES))
amplitudes *= 2 / window.sum()  # a sine that fills [-1, 1] now reads 1
amplitudes[[0, -1]] /= 2  # 0 Hz and Nyquist have no mirror image to add
levels_db = 20 * np.log10(np.maximum(amplitudes, 1e-10))
if REFERENCE == "peak":
    levels_db -= levels_db.max()
frequencies_hz = np.fft.rfftfreq(PADDING * N_SAMPLES, 1 / sampling_rate)

plt.semilogx(frequencies_hz[1:], levels_db[1:])
plt.xlim(20, sampling_rate / 2)
plt.ylim(-120, 6)
plt.xlabel("Frequency (Hz)")
plt.ylabel("Level (dB)")
plt.show()
