"""Harmonic and percussive parts: python separation.py song.wav (librosa, soundfile)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np
import soundfile

START_S = 0.0  # of the excerpt
LENGTH_S = 10.0
KERNEL_MS = 400  # of the median along time, which keeps what is held
KERNEL_HZ = 400  # of the median along frequency, which keeps strokes
MARGIN = 1.0  # above 1, what is neither goes to a residual

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
first, stop = (round(t * sampling_rate) for t in (START_S, START_S + LENGTH_S))
excerpt = samples[first:stop]
if sampling_rate > 48_000:
    excerpt = librosa.resample(
        excerpt, orig_sr=sampling_rate, target_sr=48_000, fix=False
    )
    sampling_rate = 48_000
n_fft = int(2 ** round(np.log2(0.046 * sampling_rate)))
hop_length = n_fft // 4

# Odd numbers of frames and of bins, so that each median has a middle.
n_frames, n_bins = (
    max(2 * round((length - 1) / 2) + 1, 3)
    for length in (
        KERNEL_MS / 1000 * sampling_rate / hop_length,
        KERNEL_HZ * n_fft / sampling_rate,
    )
)
bins = librosa.stft(excerpt, n_fft=n_fft, hop_length=hop_length)
harmonic, percussive = librosa.decompose.hpss(
    bins, kernel_size=(n_frames, n_bins), margin=MARGIN
)
parts = {
    "whole": bins,
    "harmonic": harmonic,
    "percussive": percussive,
    "residual": bins - harmonic - percussive,
}
levels_db = {}
for i, (name, part) in enumerate(parts.items()):
    sound = librosa.istft(part, n_fft=n_fft, hop_length=hop_length, length=len(excerpt))
    power = np.sum(sound.astype(float) ** 2) / np.sum(excerpt.astype(float) ** 2)
    levels_db[name] = 10 * np.log10(max(power, 1e-20))
    soundfile.write(f"{name}.wav", sound, sampling_rate)
    plt.subplot(2, 2, i + 1)
    picture_db = librosa.amplitude_to_db(np.abs(part), ref=np.abs(bins).max())
    librosa.display.specshow(
        picture_db, sr=sampling_rate, hop_length=hop_length, y_axis="mel", vmin=-80
    )
    plt.title(f"{name}: {levels_db[name]:.1f} dB")
plt.show()
