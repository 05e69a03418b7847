"""One head's attention in one window: python attention.py song.wav (transformers)."""

import sys

import librosa
import matplotlib.pyplot as plt
import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

MODEL = "sanchit-gandhi/distilhubert-finetuned-gtzan"  # of the Hub, or a folder
WINDOW_START = 0  # first sample of the window
N_WINDOW = 480_000  # samples of the window; a shorter sound is repeated
LAYER = 1  # from 1 on
HEAD = 1  # from 1 on
FRAME = 0  # of the window, that attends

samples, _ = librosa.load(sys.argv[1], sr=16_000, mono=True)
window = np.resize(samples[WINDOW_START : WINDOW_START + N_WINDOW], N_WINDOW)
extractor = AutoFeatureExtractor.from_pretrained(MODEL)
model = AutoModelForAudioClassification.from_pretrained(
    MODEL,
    attn_implementation="eager",  # the fast ones return no weights
).eval()
body = getattr(model, model.base_model_prefix, None) or model.encoder  # Whisper's
given = extractor(window, sampling_rate=16_000, return_tensors="pt")
values = given[extractor.model_input_names[0]]
with torch.inference_mode():
    attentions = body(values, output_attentions=True).attentions
weights = attentions[LAYER - 1][0, HEAD - 1].numpy()  # (frames, frames), rows sum to 1

plt.subplot(211)
plt.plot(100 * weights[FRAME])
plt.axhline(100 / len(weights), linestyle="--", color="grey")
plt.ylabel("Weight (%)")
plt.subplot(212)
plt.imshow(100 * weights, origin="lower", cmap="cividis", aspect="auto")
plt.axhline(FRAME, linestyle="--", color="tab:orange")
plt.xlabel("Frame")
plt.ylabel("Frame that attends")
plt.show()
