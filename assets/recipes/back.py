"""From levels back to sound: python back.py song.wav (librosa, soundfile).

With SOURCE "vocoder" also torch and transformers.
"""

import sys

import librosa
import numpy as np
import soundfile

START_S = 0.0  # the excerpt
LENGTH_S = 5.0
WINDOW = "hann"
N_STARTS = 4  # frames that begin in the length of one
SOURCE = "stft"  # or "mel"; or "vocoder", a neural one for speech
N_ITERATIONS = 32
VOCODER = "microsoft/speecht5_hifigan"  # on the Hugging Face Hub
REVISION = "6f01b211b404df2e0a0a20ca79628a757bb35854"  # with safetensors

samples, sampling_rate = librosa.load(
    sys.argv[1], sr=None, mono=True, offset=START_S, duration=LENGTH_S
)
frames = {"n_fft": 2048, "hop_length": 2048 // N_STARTS}
bins = librosa.stft(samples, window=WINDOW, **frames)
with_phase = librosa.istft(bins, window=WINDOW, length=len(samples), **frames)
if SOURCE == "mel":
    bands = {"sr": sampling_rate, "fmax": min(8000, sampling_rate / 2)}
    power = librosa.feature.melspectrogram(y=samples, **frames, **bands)
    levels = librosa.feature.inverse.mel_to_stft(power, n_fft=2048, **bands)
else:
    levels = np.abs(librosa.stft(samples, **frames))
found_rate = sampling_rate
if SOURCE == "vocoder":
    import torch
    from transformers import SpeechT5FeatureExtractor, SpeechT5HifiGan

    found_rate = 16_000
    resampled = librosa.resample(samples, orig_sr=sampling_rate, target_sr=found_rate)
    extractor = SpeechT5FeatureExtractor()
    bands = extractor(audio_target=resampled, sampling_rate=found_rate)["input_values"]
    vocoder = SpeechT5HifiGan.from_pretrained(
        VOCODER, revision=REVISION, use_safetensors=True
    )
    with torch.inference_mode():
        without_phase = vocoder(torch.tensor(bands[0])).numpy()[: len(resampled)]
else:
    without_phase = librosa.griffinlim(
        levels, n_iter=N_ITERATIONS, length=len(samples), **frames
    )
soundfile.write("with-phase.wav", with_phase, sampling_rate)
soundfile.write("without-phase.wav", without_phase, found_rate)
