"""One note on four instruments: python timbre.py (librosa, soundfile)."""

import librosa
import matplotlib.pyplot as plt
import numpy as np
import soundfile

INSTRUMENT = "trumpet"  # "sine", "clarinet", "trumpet" or "plucked"
ENVELOPE = "trumpet"  # how it begins and fades: the same names
HZ = 220.0
STIFFNESS = 0.0004  # B: a plucked string's partials are n f sqrt(1 + B n^2)

numbers = np.arange(1, 21)
plucked = np.abs(np.sin(np.pi * numbers * 0.13)) / numbers
levels_db = {
    "sine": [0],
    "clarinet": [0, -42, -5, -38, -10, -33, -17, -32, -22, -35, -28],
    "trumpet": [0, 1.6, -1.6, -5.6, -10.4, -19.1, -30.7],
    "plucked": 20 * np.log10(plucked / plucked[0]),
}[INSTRUMENT]
numbers = np.arange(1, len(levels_db) + 1)
partials_hz = numbers * HZ
if INSTRUMENT == "plucked":
    partials_hz = partials_hz * np.sqrt(1 + STIFFNESS * numbers**2)
times_s = np.arange(44100) / 22050
sound = np.zeros(44100)
for number, partial_hz, level_db in zip(numbers, partials_hz, levels_db, strict=True):
    if partial_hz >= 0.48 * 22050:
        continue
    envelope = {
        "sine": np.minimum(times_s / 0.02, 1),
        "clarinet": 1 - np.exp(-times_s / 0.05),
        "trumpet": 1 - np.exp(-times_s / (0.012 * number)),
        "plucked": np.minimum(times_s / 0.002, 1)
        * np.exp(-times_s * (1.2 + 0.35 * number)),
    }[ENVELOPE]
    wave = np.sin(2 * np.pi * partial_hz * times_s)
    sound += librosa.db_to_amplitude(level_db) * envelope * wave
sound *= np.clip((2 - times_s) / 0.1, 0, 1)
sound *= 10 ** (-18 / 20) / np.sqrt(2 * np.mean(sound[:22050] ** 2))  # -18 dBFS
soundfile.write("note.wav", sound, 22050)

first = round(0.15 * 22050)
window = librosa.filters.get_window("hann", 16384)
amplitudes = np.abs(np.fft.rfft(sound[first : first + 16384] * window))
amplitudes *= 2 / window.sum()  # a sine that fills [-1, 1] now reads 1
spectrum_db = 20 * np.log10(np.maximum(amplitudes, 1e-10))  # dBFS
frequencies_hz = librosa.fft_frequencies(sr=22050, n_fft=16384)
n_each = round(max(round(0.01 * HZ), 1) * 22050 / HZ)  # whole periods
pieces = sound[: len(sound) // n_each * n_each].reshape(-1, n_each)
amplitude = np.sqrt(2 * np.mean(pieces**2, axis=1))

plt.subplot(121)
plt.plot((np.arange(len(amplitude)) + 0.5) * n_each / 22050, amplitude)
plt.xlim(0, 1)
plt.xlabel("Time (s)")
plt.ylabel("Amplitude")
plt.subplot(122)
plt.plot(frequencies_hz, spectrum_db)
plt.vlines(np.arange(1, 17) * HZ, -100, 0, linestyle="--", linewidth=0.5)
plt.xlim(0, 17 * HZ)
plt.ylim(-100, 0)
plt.xlabel("Frequency (Hz)")
plt.ylabel("Level (dBFS)")
plt.show()
