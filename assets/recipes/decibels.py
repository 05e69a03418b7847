"""A sound at another level: python decibels.py song.wav (librosa, soundfile)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np
import soundfile

GAIN_DB = -6  # of the second level beside the first
OF = "chosen"  # what is drawn: "chosen", the file, or "tone", 440 Hz
START_S = 0.0  # of the ten milliseconds that are shown

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
if OF == "tone":
    sampling_rate, START_S = 44100, 0.0
    samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(66150) / sampling_rate)
ratio = librosa.db_to_amplitude(GAIN_DB)  # 10 ** (GAIN_DB / 20)
power_ratio = librosa.db_to_power(GAIN_DB)  # 10 ** (GAIN_DB / 10)
shrink = max(np.abs(samples).max(initial=0) * max(ratio, 1), 1)  # so that both fit
before = samples / shrink
after = ratio * before
soundfile.write("at-another-level.wav", after, sampling_rate)

first, stop = (round(t * sampling_rate) for t in (START_S, START_S + 0.01))
times_s = np.arange(first, first + len(before[first:stop])) / sampling_rate
plt.subplot(121)
plt.plot(times_s, before[first:stop], color="grey", label="as it was")
plt.plot(times_s, after[first:stop], label=f"{GAIN_DB:+} dB")
plt.xlabel("Time (s)")
plt.ylabel("Amplitude")
plt.legend()
plt.subplot(122)
gains_db = np.linspace(-40, 12, 200)
plt.plot(gains_db, librosa.db_to_amplitude(gains_db), label="amplitude")
plt.plot(gains_db, librosa.db_to_power(gains_db), label="power")
plt.plot([GAIN_DB, GAIN_DB], [ratio, power_ratio], "o")
plt.ylim(0, 4.4)
plt.xlabel("Level (dB)")
plt.ylabel("Ratio")
plt.legend()
plt.show()
