"""Onsets, tempo and beats of a sound: python rhythm.py song.wav (librosa, soundfile)."""

import sys

import librosa
import matplotlib.pyplot as plt
import soundfile

START_S = 0.0  # of the excerpt
LENGTH_S = 10.0
OCTAVE = 1.0  # beats at half (0.5), the same (1) or twice (2) the tempo that is found

samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
first, stop = (round(t * sampling_rate) for t in (START_S, START_S + LENGTH_S))
excerpt = librosa.resample(samples[first:stop], orig_sr=sampling_rate, target_sr=22050)
strength = librosa.onset.onset_strength(y=excerpt, sr=22050)
tempogram = librosa.feature.tempogram(onset_envelope=strength, sr=22050)
likeness = tempogram.mean(axis=1)
tempos_bpm = librosa.tempo_frequencies(len(tempogram), sr=22050, hop_length=512)
tempo_bpm = float(librosa.feature.tempo(onset_envelope=strength, sr=22050)[0])
_, beats_s = librosa.beat.beat_track(
    onset_envelope=strength, sr=22050, bpm=tempo_bpm * OCTAVE, units="time"
)
clicks = librosa.clicks(times=beats_s, sr=22050, length=len(excerpt))
soundfile.write("with-clicks.wav", (excerpt + clicks) / 2, 22050)

plt.subplot(121)
times_s = START_S + librosa.times_like(strength, sr=22050)
plt.plot(times_s, strength / max(strength.max(), 1e-9))
plt.vlines(START_S + beats_s, 0, 1, color="orange", linestyle="--")
plt.xlabel("Time (s)")
plt.ylabel("Onset strength (largest = 1)")
plt.subplot(122)
plt.plot(tempos_bpm[1:], likeness[1:])
plt.xlim(30, 300)
plt.xlabel("Tempo (beats a minute)")
plt.ylabel("Similarity one beat later")
plt.title(f"{tempo_bpm:.1f}, or {tempo_bpm / 2:.1f}, or {tempo_bpm * 2:.1f}")
plt.show()
