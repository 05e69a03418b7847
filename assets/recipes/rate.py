"""A sound at another sampling rate: python rate.py song.wav (librosa, soundfile)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np
import soundfile

START_S = 0.0  # of the ten milliseconds that are shown
RATE = 4000  # Hz
IS_FILTERED = True  # first remove the frequencies above half the new rate

samples, old_rate = librosa.load(sys.argv[1], sr=None, mono=True)
if IS_FILTERED:
    resampled = librosa.resample(samples, orig_sr=old_rate, target_sr=RATE)
else:  # the nearest sample of each new moment: what is too high folds down
    n_kept = len(samples) * RATE // old_rate
    resampled = samples[np.arange(n_kept) * old_rate // RATE]
soundfile.write(f"at-{RATE}-hz.wav", resampled, RATE)

n_fft = 2 ** round(np.log2(0.05 * RATE))  # frames of about 50 ms
amplitudes = np.abs(librosa.stft(resampled, n_fft=n_fft, hop_length=n_fft // 4))
amplitudes *= 4 / n_fft  # a sine that fills [-1, 1] now reads 1
amplitudes[[0, -1]] /= 2  # 0 Hz and Nyquist have no mirror image to add
levels_db = 20 * np.log10(np.maximum(amplitudes, 1e-10))  # dBFS

plt.subplot(121)
for values, rate, shape in ((samples, old_rate, "-"), (resampled, RATE, "o")):
    first, stop = round(START_S * rate), round((START_S + 0.01) * rate) + 1
    plt.plot(np.arange(first, stop) / rate, values[first:stop], shape)
plt.xlabel("Time (s)")
plt.ylabel("Amplitude")
plt.subplot(122)  # what is too high for the rate has folded down, or is gone
ends = (0, len(resampled) / RATE, 0, RATE / 2)
how = {"origin": "lower", "aspect": "auto", "extent": ends, "cmap": "magma"}
plt.imshow(levels_db, vmin=-80, vmax=0, **how)
plt.xlabel("Time (s)")
plt.ylabel("Frequency (Hz)")
plt.show()
