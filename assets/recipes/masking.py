"""What HuBERT would have to guess: python masking.py song.wav (librosa, matplotlib)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np
from scipy.cluster.vq import kmeans, vq

N_CLUSTERS = 8
NUMBER = 1  # of the draw that hides frames
START_S = 0.0  # what is shown
STOP_S = 600.0

samples, _ = librosa.load(sys.argv[1], sr=16_000, mono=True)
frames = {"n_fft": 400, "hop_length": 320, "center": False}  # 25 ms, every 20 ms
power = librosa.feature.melspectrogram(y=samples, sr=16_000, n_mels=40, **frames)
bands_db = librosa.power_to_db(power, ref=np.max, amin=1e-20, top_db=80)
mfcc = librosa.feature.mfcc(S=bands_db, n_mfcc=13)
mfcc *= 1 + 22 / 2 * np.sin(np.pi * np.arange(13) / 22)[:, None]  # Kaldi's lifter
mode = "interp" if mfcc.shape[1] >= 9 else "nearest"
changes = [librosa.feature.delta(mfcc, order=order, mode=mode) for order in (1, 2)]
features = np.vstack([mfcc, *changes]).T.astype(np.float32).astype(float)

seen = features[:: max(len(features) // 2000, 1)]  # enough to learn so few clusters
centres, _ = kmeans(seen, N_CLUSTERS, iter=5, rng=np.random.default_rng(0))
labels, _ = vq(features, centres)
middles = np.arange(40) @ 10 ** (bands_db / 10) / (10 ** (bands_db / 10)).sum(axis=0)
brightness = [middles[labels == i].mean() for i in range(len(centres))]
labels = np.argsort(np.argsort(brightness))[labels]  # 0 sounds darkest

begins = np.random.default_rng(NUMBER).random(len(labels)) < 0.08
is_hidden = np.convolve(begins, np.ones(10))[: len(labels)] > 0  # spans of ten frames

times_s = np.arange(len(labels)) * 0.02
for name, which in (("seen", ~is_hidden), ("hidden", is_hidden)):
    plt.plot(times_s[which], labels[which] + 1, "s", markersize=3, label=name)
plt.xlim(START_S, min(STOP_S, len(labels) * 0.02))
plt.xlabel("Time (s)")
plt.ylabel("Cluster")
plt.legend()
plt.show()
