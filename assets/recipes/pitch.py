"""Constant-Q, chroma and tuning of a sound: python pitch.py song.wav (librosa)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np

START_S = 0.0  # of the excerpt
STOP_S = 10.0
A4_HZ = 440.0  # to which A4 is tuned
HARMONIC = 7

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
first, stop = (round(t * sampling_rate) for t in (START_S, STOP_S))
excerpt = librosa.resample(samples[first:stop], orig_sr=sampling_rate, target_sr=22050)
n_columns = len(excerpt) // 512 + 1
excerpt = np.pad(excerpt, (0, max(44100 - len(excerpt), 0)))  # low rows need as much
tuning = librosa.estimate_tuning(y=excerpt, sr=22050, n_fft=8192)
tuned_hz = librosa.tuning_to_A4(tuning)
rows = {"bins_per_octave": 24, "fmin": A4_HZ * 2 ** (-45 / 12)}  # C1
amplitudes = np.abs(librosa.cqt(excerpt, sr=22050, n_bins=168, tuning=0.0, **rows))
amplitudes = amplitudes[:, :n_columns]
rows["fmin"] = librosa.note_to_hz("C1")  # here only the name of the lowest row
chroma = librosa.feature.chroma_cqt(C=amplitudes, n_octaves=7, **rows)
levels_db = librosa.amplitude_to_db(amplitudes, ref=np.max, top_db=None, amin=1e-10)
keys = 12 * np.log2(HARMONIC)  # semitones from the fundamental to the harmonic
cents = 100 * (keys - round(keys))  # from the nearest key: -31 for the seventh

plt.subplot(121)
ends = (START_S, STOP_S, 0, 84)  # semitones from C1
how = {"origin": "lower", "aspect": "auto", "extent": ends}
plt.imshow(levels_db, cmap="magma", vmin=-80, vmax=0, **how)
plt.xlabel("Time (s)")
plt.ylabel("Semitones from C1")
plt.subplot(122)
plt.imshow(chroma, origin="lower", aspect="auto", extent=(START_S, STOP_S, 0, 12))
plt.yticks(np.arange(12) + 0.5, "C C# D D# E F F# G G# A A# B".split())
plt.xlabel("Time (s)")
plt.title(f"A4 is about {tuned_hz:.1f} Hz")
plt.show()
