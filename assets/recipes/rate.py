"""A sound at another sampling rate: python rate.py song.wav (librosa, soundfile)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np
import soundfile

START_S = 0.0  # of the ten milliseconds that are shown
RATE = 4000  # Hz
IS_FILTERED = True  # take out first what lies above half the new rate

samples, old_rate = librosa.load(sys.argv[1], sr=None, mono=True)
if IS_FILTERED:
    resampled = librosa.resample(samples, orig_sr=old_rate, target_sr=RATE)
else:  # the nearest sample of each new moment: what is too high folds down
    n_kept = len(samples) * RATE // old_rate
    resampled = samples[np.arange(n_kept) * old_rate // RATE]
soundfile.write(f"at-{RATE}-hz.wav", resampled, RATE)

for values, rate, shape in ((samples, old_rate, "-"), (resampled, RATE, "o")):
    first, stop = round(START_S * rate), round((START_S + 0.01) * rate) + 1
    plt.plot(np.arange(first, stop) / rate, values[first:stop], shape)
plt.xlabel("Time (s)")
plt.ylabel("Amplitude")
plt.show()
