"""Render notes to samples: the instruments of the composed songs.

Every sound is computed from a handful of numbers; nothing is recorded or loaded. A
pitched note reads one period of its wave from a table ("wavetable synthesis"), which
holds only harmonics below the Nyquist frequency, so nothing aliases. It starts bright
and grows dull, as plucked and blown notes do. A drum is a falling tone plus a band of
noise. Not covered: stereo, and the real physics of any instrument.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Wave = NDArray[np.float32]

TABLE_SIZE = 2048  # one period; 1023 harmonics at most
SLIDE_S = 0.06  # a note that slides has covered 63 % of the way after this


@dataclass(frozen=True)
class Voice:
    """A pitched instrument.

    Attributes:
        rolloff_db: how much weaker harmonics are, per octave (sawtooth: 6).
        even: level of the even harmonics (1 = all there, 0 = hollow, as a square).
        formant_hz: where a resonance lifts harmonics by up to 12 dB; 0 for none.
        attack_s: time to full level.
        decay_s: time constant of the fall from full level to ``sustain``.
        sustain: level that stays while the note is held, 0 to 1.
        release_s: fade after the note's end.
        dull_s: time constant in which a bright start (half the rolloff) is lost.
        vibrato_cents: depth of a 5.5 Hz vibrato.
        slide_cents: how far below its pitch a note starts.
        chorus_cents: distance of a second, detuned oscillator; 0 for none.
        drive: distortion of the whole part; 0 is clean.
    """

    rolloff_db: float = 9.0
    even: float = 1.0
    formant_hz: float = 0.0
    attack_s: float = 0.005
    decay_s: float = 0.5
    sustain: float = 0.0
    release_s: float = 0.06
    dull_s: float = 0.15
    vibrato_cents: float = 0.0
    slide_cents: float = 0.0
    chorus_cents: float = 0.0
    drive: float = 0.0


@dataclass(frozen=True)
class Drum:
    """An unpitched instrument: a falling tone and a band of noise.

    Attributes:
        tone_hz: where the tone ends; 0 for none.
        drop: by what factor it starts higher, less one.
        tone_s: time constant of the tone's decay.
        noise: level of the noise beside a tone of level 1.
        low_hz: lower edge of the noise.
        high_hz: upper edge of the noise.
        noise_s: time constant of the noise's decay.
        hits: how many hands clap, 12 ms apart.
    """

    tone_hz: float = 0.0
    drop: float = 0.0
    tone_s: float = 0.1
    noise: float = 1.0
    low_hz: float = 3000.0
    high_hz: float = 20_000.0
    noise_s: float = 0.05
    hits: float = 1.0


@dataclass(frozen=True, eq=False)
class Part:
    """The notes of one instrument.

    Attributes:
        instrument: a name in instruments.toml.
        notes: (n_notes, 4): start (s), length (s), MIDI pitch, loudness 0 to 1.
        level_db: its place in the mix, relative to a full-scale peak.
    """

    instrument: str
    notes: NDArray[np.float64]
    level_db: float


def render(
    parts: Sequence[Part], n_samples: int, sampling_rate: int, rng: Generator
) -> Wave:
    """Render the parts and mix them.

    Args:
        parts: instruments with their notes.
        n_samples: length of the mix; later notes are left out.
        sampling_rate: Hz.
        rng: draws the variation of each instrument, and the drums' noise.

    Returns:
        float32 (n_samples,), each part with the peak that its level asks for.
    """
    mix = np.zeros(n_samples, np.float32)
    for part in parts:
        instrument = _built(_instruments()[part.instrument], rng)
        if isinstance(instrument, Voice):
            sound = _voice_part(instrument, part.notes, n_samples, sampling_rate)
        else:
            hit = _drum_hit(instrument, sampling_rate, rng)
            sound = _drum_part(hit, part.notes, n_samples, sampling_rate)
        gain = 10 ** (part.level_db / 20) / max(float(np.abs(sound).max()), 1e-9)
        mix += sound * np.float32(gain)
    return mix


@cache
def _instruments() -> dict[str, Voice | Drum]:
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    voices = {name: Voice(**numbers) for name, numbers in tables["voices"].items()}
    drums = {name: Drum(**numbers) for name, numbers in tables["drums"].items()}
    return voices | drums


def _built(instrument: Voice | Drum, rng: Generator) -> Voice | Drum:
    """Vary each number of an instrument by up to 25 %: no two are built alike."""
    names = [field.name for field in fields(instrument)]
    spread = np.exp(rng.uniform(-0.25, 0.25, len(names)))
    varied = {
        name: getattr(instrument, name) * factor
        for name, factor in zip(names, spread, strict=True)
    }
    return replace(instrument, **varied)


def _add(out: Wave, sound: Wave, start: int, gain: float) -> None:
    piece = sound[: max(len(out) - start, 0)]
    out[start : start + len(piece)] += piece * np.float32(gain)


def _voice_part(
    voice: Voice, notes: NDArray[np.float64], n_samples: int, sampling_rate: int
) -> Wave:
    """Render the notes of a voice; a note that repeats is computed once."""
    out = np.zeros(n_samples, np.float32)
    longest_s = notes[:, 1].max(initial=0.01) + voice.release_s
    time_s = np.arange(int(longest_s * sampling_rate) + 1) / sampling_rate
    body = _body(voice, time_s)
    turns_s = _warped_time(voice, time_s)
    played: dict[tuple[float, int], Wave] = {}
    for start_s, length_s, pitch, loudness in notes:
        n_note = int((length_s + voice.release_s) * sampling_rate)
        if (pitch, n_note) not in played:
            played[pitch, n_note] = _note(
                voice, pitch, turns_s[:n_note], body[:, :n_note], sampling_rate
            )
        _add(out, played[pitch, n_note], int(start_s * sampling_rate), loudness)
    return _driven(out, voice.drive, sampling_rate) if voice.drive else out


def _warped_time(voice: Voice, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend the oscillator's time by vibrato and slide; times Hz, it gives turns."""
    depth = 2 ** (voice.vibrato_cents / 1200) - 1
    rate = 2 * np.pi * 5.5
    vibrato = depth / rate * np.sin(rate * time_s) * np.minimum(time_s / 0.3, 1)
    slide = 2 ** (-voice.slide_cents / 1200) - 1
    return time_s + vibrato + slide * SLIDE_S * (1 - np.exp(-time_s / SLIDE_S))


def _body(voice: Voice, time_s: NDArray[np.float64]) -> Wave:
    """Compute the envelopes of the bright and the dull wave of a held note, (2, n)."""
    sustain = min(voice.sustain, 1.0)
    level = sustain + (1 - sustain) * np.exp(-time_s / voice.decay_s)
    level *= np.minimum(time_s / voice.attack_s, 1)
    bright = np.exp(-time_s / voice.dull_s)
    return np.stack([level * bright, level * (1 - bright)]).astype(np.float32)


def _note(
    voice: Voice,
    pitch: float,
    turns_s: NDArray[np.float64],
    body: Wave,
    sampling_rate: int,
) -> Wave:
    hz = 440 * 2 ** ((pitch - 69) / 12)
    bright, dull = _tables(voice, hz, sampling_rate)
    n_fade = min(int(voice.release_s * sampling_rate) + 1, len(turns_s))
    wave = np.zeros(len(turns_s), np.float32)
    detunes = (1.0, 2 ** (voice.chorus_cents / 1200)) if voice.chorus_cents else (1.0,)
    for detune in detunes:
        at = (turns_s * (hz * detune * TABLE_SIZE)).astype(np.int32) & (TABLE_SIZE - 1)
        wave += bright[at] * body[0] + dull[at] * body[1]
    wave[-n_fade:] *= np.linspace(1, 0, n_fade, dtype=np.float32)
    return wave


def _tables(voice: Voice, hz: float, sampling_rate: int) -> tuple[Wave, Wave]:
    """Compute one period, bright and dull, of harmonics below Nyquist only."""
    n_harmonics = int(min(0.48 * sampling_rate / hz, TABLE_SIZE // 2 - 1))
    number = np.arange(1, max(n_harmonics, 1) + 1)
    gains = np.where(number % 2 == 0, min(voice.even, 1.0), 1.0)
    if voice.formant_hz:
        gains = gains * (1 + 3 / (1 + 4 * np.log2(number * hz / voice.formant_hz) ** 2))
    phases = np.exp(1j * number**2)  # spread, so that the wave has no sharp peak
    slopes_db = (voice.rolloff_db / 2, voice.rolloff_db)
    spectra = np.zeros((2, TABLE_SIZE // 2 + 1), complex)
    for row, slope_db in zip(spectra, slopes_db, strict=True):
        row[1 : len(number) + 1] = gains * number ** (-slope_db / 6.02) * phases
    waves = np.fft.irfft(spectra).astype(np.float32) * TABLE_SIZE
    return waves[0], waves[1]


def _driven(sound: Wave, drive: float, sampling_rate: int) -> Wave:
    """Distort as an overdriven amplifier and its speaker, which keeps 90 to 4500 Hz."""
    from scipy.signal import butter, sosfilt

    loudest = max(float(np.abs(sound).max()), 1e-9)
    high_hz = min(4500.0, 0.45 * sampling_rate)
    cabinet = butter(1, (90.0, high_hz), "bandpass", fs=sampling_rate, output="sos")
    return sosfilt(cabinet, np.tanh(sound * (drive / loudest))).astype(np.float32)


def _drum_hit(drum: Drum, sampling_rate: int, rng: Generator) -> Wave:
    ring_s = 5 * max(drum.noise_s, drum.tone_s if drum.tone_hz else 0)
    time_s = np.arange(int(ring_s * sampling_rate) + 1) / sampling_rate
    hit = drum.noise * _noise_band(len(time_s), drum, sampling_rate, rng)
    hit *= sum(
        np.exp(-(time_s - late) / drum.noise_s) * (time_s >= late)
        for late in 0.012 * np.arange(round(drum.hits))
    )
    if drum.tone_hz:
        sweep_s = time_s + 0.02 * drum.drop * (1 - np.exp(-time_s / 0.02))
        tone = np.sin(2 * np.pi * drum.tone_hz * sweep_s)
        hit += tone * np.exp(-time_s / drum.tone_s)
    n_fade = min(len(hit), int(0.01 * sampling_rate) + 1)
    hit[-n_fade:] *= np.linspace(1, 0, n_fade)
    return hit.astype(np.float32)


def _noise_band(
    n_samples: int, drum: Drum, sampling_rate: int, rng: Generator
) -> NDArray[np.float64]:
    """Filter white noise to the band between the drum's edges, peak 1."""
    low_hz = min(drum.low_hz, 0.4 * sampling_rate)
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    hz = np.fft.rfftfreq(n_samples, 1 / sampling_rate) + 1e-9
    spectrum /= np.sqrt(1 + (low_hz / hz) ** 6) * np.sqrt(1 + (hz / drum.high_hz) ** 6)
    noise = np.fft.irfft(spectrum, n_samples)
    return noise / max(np.abs(noise).max(), 1e-9)


def _drum_part(
    hit: Wave, notes: NDArray[np.float64], n_samples: int, sampling_rate: int
) -> Wave:
    out = np.zeros(n_samples, np.float32)
    for start_s, _, _, loudness in notes:
        _add(out, hit, int(start_s * sampling_rate), loudness**1.5)
    return out
