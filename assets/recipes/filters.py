"""A bank of mel filters: python filters.py song.wav (librosa, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt

N_MELS = 128
FMIN_HZ = 0.0
FMAX_HZ = 8000.0
FORMULA = "slaney"  # of the mel scale: "slaney" or "htk"

sampling_rate = librosa.get_samplerate(sys.argv[1])
edges_hz = librosa.mel_frequencies(
    N_MELS + 2, fmin=FMIN_HZ, fmax=FMAX_HZ, htk=FORMULA == "htk"
)
filters = librosa.filters.mel(
    sr=sampling_rate,
    n_fft=2048,
    n_mels=N_MELS,
    fmin=FMIN_HZ,
    fmax=FMAX_HZ,
    htk=FORMULA == "htk",
)

plt.plot(librosa.fft_frequencies(sr=sampling_rate, n_fft=2048), filters.T)
plt.xlim(FMIN_HZ, FMAX_HZ)
plt.xlabel("Frequency (Hz)")
plt.ylabel("Weight")
plt.show()
