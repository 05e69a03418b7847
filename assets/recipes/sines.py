"""A tone of sines, and the DFT that finds them: python sines.py (librosa, soundfile)."""

import librosa
import matplotlib.pyplot as plt
import numpy as np
import soundfile

SAMPLING_RATE = 22050
FUNDAMENTAL_HZ = 220.5  # a period of 100 samples
LEVELS_DB = (0.0, -6.02, -9.54)  # of the harmonics; -120 is none
PHASES_DEG = (0.0, 0.0, 0.0)  # of sines, at the start
N_ANALYSED = 4000  # samples, a whole number of periods

ratios = np.where(
    np.array(LEVELS_DB) > -120, librosa.db_to_amplitude(np.array(LEVELS_DB)), 0
)
amplitudes = 0.9 * ratios / max(ratios.sum(), 1e-9)
numbers = np.arange(1, len(LEVELS_DB) + 1)
times_s = np.arange(2 * SAMPLING_RATE) / SAMPLING_RATE
turns = np.outer(numbers * FUNDAMENTAL_HZ, times_s)
sines = amplitudes[:, None] * np.sin(
    2 * np.pi * turns + np.radians(PHASES_DEG)[:, None]
)
tone = sines.sum(axis=0)
soundfile.write("sines.wav", tone, SAMPLING_RATE)

bins = np.fft.rfft(tone[:N_ANALYSED]) * 2 / N_ANALYSED
frequencies_hz = np.fft.rfftfreq(N_ANALYSED, 1 / SAMPLING_RATE)
harmonics = bins[np.rint(numbers * FUNDAMENTAL_HZ / frequencies_hz[1]).astype(int)]
levels_db = 20 * np.log10(np.maximum(np.abs(harmonics), 1e-6))  # dBFS
phases_deg = np.degrees(np.angle(harmonics * 1j)) % 360  # a sine is a cosine at -90

plt.subplot(121)
n_shown = round(2 * SAMPLING_RATE / FUNDAMENTAL_HZ)  # two periods
plt.plot(times_s[:n_shown], sines[:, :n_shown].T, color="grey", linewidth=0.7)
plt.plot(times_s[:n_shown], tone[:n_shown])
plt.xlabel("Time (s)")
plt.ylabel("Amplitude")
plt.subplot(122)
plt.plot(frequencies_hz, 20 * np.log10(np.maximum(np.abs(bins), 1e-4)))
plt.plot(numbers * FUNDAMENTAL_HZ, levels_db, "o")
plt.xlim(0, (len(numbers) + 1) * FUNDAMENTAL_HZ)
plt.ylim(-80, 12)
plt.xlabel("Frequency (Hz)")
plt.ylabel("Level (dBFS)")
plt.show()
