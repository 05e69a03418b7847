"""What a codec takes away: python codec.py song.wav (librosa, av, soundfile)."""

import sys
from fractions import Fraction

import av
import librosa
import matplotlib.pyplot as plt
import numpy as np
import soundfile

START_S = 0.0  # of the excerpt
LENGTH_S = 10.0
CODEC = "mp3"  # or "aac", "opus", "vorbis", "flac"
BIT_RATE = 64000  # bit/s; 0 for flac
OTHER = "none"  # a second codec
OTHER_BIT_RATE = 0

# Encoder, file, form of its samples, and the highest sampling rate that is used.
ENCODERS = {
    "mp3": ("libmp3lame", "mp3", "fltp", 48_000),
    "aac": ("aac", "mp4", "fltp", 96_000),
    "opus": ("libopus", "ogg", "flt", 48_000),
    "vorbis": ("libvorbis", "ogg", "fltp", 48_000),
    "flac": ("flac", "flac", "s16", 96_000),
}
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
samples, sampling_rate = librosa.load(sys.argv[1], sr=None, mono=True)
first, stop = (round(t * sampling_rate) for t in (START_S, START_S + LENGTH_S))
results = []
for codec, bit_rate in ((CODEC, BIT_RATE), (OTHER, OTHER_BIT_RATE)):
    if codec == "none":
        continue
    encoder, kind, form, highest = ENCODERS[codec]
    rate = min(next((r for r in RATES if r >= sampling_rate), highest), highest)
    rate = 48_000 if codec == "opus" else rate
    original = librosa.resample(
        samples[first:stop], orig_sr=sampling_rate, target_sr=rate, fix=False
    )
    values = np.ascontiguousarray(original[None])
    if form == "s16":  # 16 bits
        steps = np.clip(np.rint(values.astype(float) * 32768), -32768, 32767)
        values = steps.astype(np.int16)
    name = f"coded-{codec}-{bit_rate // 1000}.{kind}"
    with av.open(name, "w", format=kind) as file:
        options = {"vbr": "off"} if codec == "opus" else {}
        stream = file.add_stream(encoder, rate=rate, layout="mono", options=options)
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(values, format=form, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    with av.open(name) as file:  # which says how much of its beginning to skip
        n_bytes, resampler = file.size, av.AudioResampler("flt", "mono")
        parts = [
            packed.to_ndarray()[0]
            for frame in (*file.decode(audio=0), None)
            for packed in resampler.resample(frame)
        ]
    lowered = 1.0  # by LAME, where bits are few
    if codec == "mp3" and bit_rate < 256_000:
        lowered = 0.95 if bit_rate <= 160_000 else 0.97
    found = np.clip(np.concatenate(parts)[: len(original)] / lowered, -1, 1)
    difference = found - original
    powers = [np.sum(x.astype(float) ** 2) for x in (difference, original)]
    error_db = 10 * np.log10(max(powers[0] / max(powers[1], 1e-20), 1e-20))
    ratio = 2 * len(original) / n_bytes
    results.append((found, rate, n_bytes, error_db))
    soundfile.write(f"difference-{codec}-{bit_rate // 1000}.wav", difference, rate)
    for i, sound in enumerate((original, found, difference)):
        plt.subplot(1, 3, i + 1)
        levels_db = librosa.amplitude_to_db(np.abs(librosa.stft(sound)), ref=300)
        librosa.display.specshow(levels_db, sr=rate, y_axis="linear", vmin=-80, vmax=0)
    plt.title(f"{codec}: {n_bytes} bytes, {ratio:.1f} : 1, {error_db:.1f} dB")
    plt.show()
