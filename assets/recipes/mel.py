"""The mel spectrogram of a sound: python mel.py song.wav (librosa, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np

N_MELS = 128
FMIN_HZ = 0.0
FMAX_HZ = 8000.0
FORMULA = "slaney"  # of the mel scale: "slaney" or "htk"
NORM = "slaney"  # triangles of equal area; None for equal height
QUANTITY = "level"  # what is shown: "level" (dB) or "power"
REFERENCE = "peak"  # what reads 0 dB: "peak" or "full_scale"
N_FFT = 2048  # samples a frame
HOP_LENGTH = 512  # samples from one frame to the next
START_S = 0.0  # what is shown
STOP_S = 600.0

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
bands = {"sr": sampling_rate, "n_mels": N_MELS, "fmin": FMIN_HZ, "norm": NORM}
bands |= {"fmax": min(FMAX_HZ, sampling_rate / 2), "htk": FORMULA == "htk"}
n_padded = N_FFT  # finer bins where a band is narrower than one
while not librosa.filters.mel(n_fft=n_padded, **bands).any(axis=1).all():
    if n_padded == 8 * N_FFT:
        break
    n_padded *= 2
first, stop = (round(time_s * sampling_rate) for time_s in (START_S, STOP_S))
around = np.pad(samples, n_padded // 2)[first : stop + n_padded]
frames = {"n_fft": n_padded, "win_length": N_FFT, "hop_length": HOP_LENGTH}
power = librosa.feature.melspectrogram(y=around, center=False, **frames, **bands)
window = librosa.filters.get_window("hann", N_FFT)
full_scale = n_padded * np.sum(window**2) / 4  # of a sine that fills [-1, 1]
top = power.max() if REFERENCE == "peak" else full_scale
levels_db = librosa.power_to_db(power, ref=top, amin=1e-20, top_db=None)
times_s = (first + np.arange(power.shape[1]) * HOP_LENGTH) / sampling_rate
share = power / max(power.max(), 1e-20)  # of the loudest

if QUANTITY == "power":
    shown, lowest, highest = share, 0, 1
    label = "Power (share of the loudest)"
else:
    shown, lowest, highest = levels_db, -80, 0
    label = "Level (dB)"
colours = {"cmap": "magma", "vmin": lowest, "vmax": highest}
plt.pcolormesh(times_s, np.arange(N_MELS), shown, **colours)
plt.xlabel("Time (s)")
plt.ylabel("Mel band")
plt.colorbar(label=label, extend="both" if QUANTITY == "level" else "neither")
plt.show()
