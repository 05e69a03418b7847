"""The waveform of a sound: python waveform.py song.wav (librosa, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np

START_S = 0.0  # what is shown
STOP_S = 600.0

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
first, stop = (round(time_s * sampling_rate) for time_s in (START_S, STOP_S))
amplitudes = samples[first:stop]  # full scale is 1
times_s = (first + np.arange(len(amplitudes))) / sampling_rate

plt.plot(times_s, amplitudes, linewidth=0.5)
plt.ylim(-1.05, 1.05)
plt.xlabel("Time (s)")
plt.ylabel("Amplitude (full scale = ±1)")
plt.show()
