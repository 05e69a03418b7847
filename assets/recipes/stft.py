"""The spectrogram of a sound: python stft.py song.wav (librosa, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np

N_FFT = 2048  # samples a frame
HOP_LENGTH = 512  # samples from one frame to the next
WINDOW = "hann"
START_S = 0.0  # what is shown
STOP_S = 600.0

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
first, stop = (round(time_s * sampling_rate) for time_s in (START_S, STOP_S))
around = np.pad(samples, N_FFT // 2)[first : stop + N_FFT]  # frames' middles are inside
window = librosa.filters.get_window(WINDOW, N_FFT)
bins = librosa.stft(
    around, n_fft=N_FFT, hop_length=HOP_LENGTH, window=window, center=False
)
amplitudes = np.abs(bins) * 2 / window.sum()  # a sine that fills [-1, 1] now reads 1
amplitudes[[0, -1]] /= 2  # 0 Hz and Nyquist have no mirror image to add
levels_db = 20 * np.log10(np.maximum(amplitudes, 1e-10))  # dBFS
frequencies_hz = librosa.fft_frequencies(sr=sampling_rate, n_fft=N_FFT)
times_s = (first + np.arange(bins.shape[1]) * HOP_LENGTH) / sampling_rate

plt.pcolormesh(times_s, frequencies_hz, levels_db, cmap="magma", vmin=-80, vmax=0)
plt.yscale("log")
plt.ylim(32, sampling_rate / 2)
plt.xlabel("Time (s)")
plt.ylabel("Frequency (Hz)")
plt.colorbar(label="Level (dBFS)", extend="both")
plt.show()
