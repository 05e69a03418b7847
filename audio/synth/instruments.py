"""Render notes to samples: the instruments of the composed songs.

Every sound is computed from a handful of numbers; nothing is recorded or loaded. A
pitched note reads one period of its wave from tables ("wavetable synthesis"), which hold
only harmonics below the Nyquist frequency, so nothing aliases. A blown or bowed note
fades from a bright table to a dull one; a plucked one adds four groups of harmonics, of
which the high ones die first; a sung one has the formants of a vowel. A drum is a falling
tone with an overtone, plus a band of noise in which metal rings. No instrument is in
perfect tune. Not covered: stereo, and the real physics of any instrument.
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
OFF_CENTS = 4.0  # how well instruments are tuned
N_HITS = 3  # of a drum, which no drummer hits twice in the same way
# A plucked string in four groups of harmonics, those from each number on.
GROUPS = (1, 3, 6, 12)
# Formants of five vowels, Hz; their width is a tenth, and each is weaker than the last.
VOWELS = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
)


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
        pluck: where a string is plucked or struck, as a share of its length; 0 for what
            is bowed or blown. Harmonics without an antinode there are missing, and high
            ones die first, within ``dull_s``, the low ones within ``decay_s``.
        strum_s: time from one note of a chord to the next.
        noise: level of the pick, hammer or breath.
        vowels: whether each note is sung on a vowel of its own.
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
    pluck: float = 0.0
    strum_s: float = 0.0
    noise: float = 0.0
    vowels: float = 0.0
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
        ring: how much stronger than the rest of the noise some frequencies are, as in
            metal (dB); 0 for none.
    """

    tone_hz: float = 0.0
    drop: float = 0.0
    tone_s: float = 0.1
    noise: float = 1.0
    low_hz: float = 3000.0
    high_hz: float = 20_000.0
    noise_s: float = 0.05
    hits: float = 1.0
    ring: float = 0.0


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
            sound = _voice_part(instrument, part.notes, n_samples, sampling_rate, rng)
        else:
            hits = [_drum_hit(instrument, sampling_rate, rng) for _ in range(N_HITS)]
            sound = _drum_part(hits, part.notes, n_samples, sampling_rate, rng)
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
    voice: Voice,
    notes: NDArray[np.float64],
    n_samples: int,
    sampling_rate: int,
    rng: Generator,
) -> Wave:
    """Render the notes of a voice; a note that repeats is computed once."""
    out = np.zeros(n_samples, np.float32)
    longest_s = notes[:, 1].max(initial=0.01) + voice.release_s
    time_s = np.arange(int(longest_s * sampling_rate) + 1) / sampling_rate
    body = _body(voice, time_s)
    turns_s = _warped_time(voice, time_s)
    air = _air(voice, time_s, body, rng) if voice.noise else None
    sung = rng.integers(len(VOWELS), size=len(notes)) if voice.vowels else None
    played: dict[tuple[float, int, int], Wave] = {}
    for place, (start_s, length_s, pitch, loudness) in enumerate(
        _strummed(voice, notes)
    ):
        n_note = int((length_s + voice.release_s) * sampling_rate)
        vowel = -1 if sung is None else int(sung[place])
        key = (pitch, n_note, vowel)
        if key not in played:
            hz = 440 * 2 ** ((pitch - 69 + rng.normal(0, OFF_CENTS) / 100) / 12)
            played[key] = _note(
                voice, hz, turns_s[:n_note], body[:, :n_note], sampling_rate, vowel
            )
        start = int(start_s * sampling_rate)
        _add(out, played[key], start, loudness)
        if air is not None:
            _add(out, air[: len(played[key])], start, loudness)
    return _driven(out, voice.drive, sampling_rate) if voice.drive else out


def _strummed(voice: Voice, notes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread the notes of each chord, from the lowest string up or from the highest."""
    if not voice.strum_s or not len(notes):
        return notes
    ordered = notes[np.lexsort((notes[:, 2], np.round(notes[:, 0], 1)))]
    fresh = np.diff(ordered[:, 0], prepend=-1.0) > 0.04
    first = np.maximum.accumulate(np.where(fresh, np.arange(len(ordered)), 0))
    chord = np.cumsum(fresh)
    rank = np.arange(len(ordered)) - first
    size = np.bincount(chord)[chord]
    strings = np.where(chord % 2, rank, size - 1 - rank)  # down, up, down, up
    ordered[:, 0] = ordered[first, 0] + strings * voice.strum_s
    return ordered


def _air(voice: Voice, time_s: NDArray[np.float64], body: Wave, rng: Generator) -> Wave:
    """Compute what a pick, a hammer or a breath adds to each note."""
    noise = np.diff(rng.standard_normal(len(time_s) + 1, np.float32))  # brighter
    noise[1:] += noise[:-1]  # and without the very highest
    if voice.pluck:
        shape = np.exp(-time_s / 0.008)
    else:
        shape = body.sum(axis=0) * (0.4 + np.exp(-time_s / 0.06))
    fade = np.minimum((time_s[-1] - time_s) / 0.05, 1)
    return (noise * (shape * fade * voice.noise * 0.2)).astype(np.float32)


def _warped_time(voice: Voice, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend the oscillator's time by vibrato and slide; times Hz, it gives turns."""
    depth = 2 ** (voice.vibrato_cents / 1200) - 1
    rate = 2 * np.pi * 5.5
    grown = np.clip((time_s - 0.12) / 0.25, 0, 1)
    vibrato = depth / rate * np.sin(rate * time_s) * grown
    slide = 2 ** (-voice.slide_cents / 1200) - 1
    return time_s + vibrato + slide * SLIDE_S * (1 - np.exp(-time_s / SLIDE_S))


def _body(voice: Voice, time_s: NDArray[np.float64]) -> Wave:
    """Compute the envelopes of a held note's layers, (n_layers, n)."""
    attack = np.minimum(time_s / voice.attack_s, 1)
    if voice.pluck:
        shares = np.arange(len(GROUPS)) / (len(GROUPS) - 1)
        decays_s = voice.decay_s * (voice.dull_s / voice.decay_s) ** shares
        layers = np.exp(-time_s / decays_s[:, None]) * attack
        return layers.astype(np.float32)
    sustain = min(voice.sustain, 1.0)
    level = sustain + (1 - sustain) * np.exp(-time_s / voice.decay_s)
    level *= attack
    bright = np.exp(-time_s / voice.dull_s)
    return np.stack([level * bright, level * (1 - bright)]).astype(np.float32)


def _note(
    voice: Voice,
    hz: float,
    turns_s: NDArray[np.float64],
    body: Wave,
    sampling_rate: int,
    vowel: int,
) -> Wave:
    """Render a note from its wave tables, faded out at its end, (n_samples,).

    Args:
        voice: that plays it.
        hz: its pitch (Hz).
        turns_s: (n_samples,) times at which the tables are read (s), vibrato included.
        body: (n_tables, n_samples) the envelope of each table.
        sampling_rate: Hz.
        vowel: index into ``VOWELS``; -1 of a voice that does not sing.
    """
    tables = _tables(voice, hz, sampling_rate, vowel)
    n_fade = min(int(voice.release_s * sampling_rate) + 1, len(turns_s))
    wave = np.zeros(len(turns_s), np.float32)
    detunes = (1.0, 2 ** (voice.chorus_cents / 1200)) if voice.chorus_cents else (1.0,)
    for detune in detunes:
        at = (turns_s * (hz * detune * TABLE_SIZE)).astype(np.int32) & (TABLE_SIZE - 1)
        for table, envelope in zip(tables, body, strict=True):
            wave += table[at] * envelope
    wave[-n_fade:] *= np.linspace(1, 0, n_fade, dtype=np.float32)
    return wave


def _tables(voice: Voice, hz: float, sampling_rate: int, vowel: int) -> Wave:
    """Compute one period of each layer, of harmonics below Nyquist only."""
    from scipy.fft import irfft

    n_harmonics = int(min(0.48 * sampling_rate / hz, TABLE_SIZE // 2 - 1))
    number = np.arange(1, max(n_harmonics, 1) + 1)
    gains = np.where(number % 2 == 0, min(voice.even, 1.0), 1.0)
    if voice.formant_hz:
        gains = gains * (1 + 3 / (1 + 4 * np.log2(number * hz / voice.formant_hz) ** 2))
    if vowel >= 0:
        gains = gains * _vowel(VOWELS[vowel], (number * hz).astype(np.float64))
    slopes_db = np.array([voice.rolloff_db / 2, voice.rolloff_db])
    if voice.pluck:
        gains = gains * np.abs(np.sin(np.pi * number * voice.pluck))
        group = np.searchsorted(GROUPS, number, "right") - 1
        shares = group == np.arange(len(GROUPS))[:, None]
        layers = gains * shares * number ** (-slopes_db[0] / 6.02)
    else:
        layers = gains * number ** (-slopes_db[:, None] / 6.02)
    phases = np.exp(1j * number**2)  # spread, so that the wave has no sharp peak
    spectra = np.zeros((len(layers), TABLE_SIZE // 2 + 1), np.complex64)
    spectra[:, 1 : len(number) + 1] = layers * phases
    waves: Wave = irfft(spectra) * np.float32(TABLE_SIZE)
    return waves


def _vowel(
    formants_hz: Sequence[float], hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what a throat lets through of each frequency."""
    peaks = [
        0.6**place / (1 + ((hz - formant) / (40 + 0.05 * formant)) ** 2)
        for place, formant in enumerate(formants_hz)
    ]
    return 0.02 + np.sqrt(np.sum(peaks, axis=0))


def _driven(sound: Wave, drive: float, sampling_rate: int) -> Wave:
    """Distort as an overdriven amplifier and its speaker, which keeps 85 to 3800 Hz.

    The amplifier gets less bass, so that chords do not drown in it, and bends one half
    of the wave more than the other; the speaker is strongest about 2.5 kHz.
    """
    from scipy.signal import butter, sosfilt

    high_hz = min(3800.0, 0.45 * sampling_rate)
    pickup = butter(1, 150.0, "highpass", fs=sampling_rate, output="sos")
    box = butter(2, 85.0, "highpass", fs=sampling_rate, output="sos")
    cone = butter(5, high_hz, "lowpass", fs=sampling_rate, output="sos")
    presence = butter(1, (1600.0, 3600.0), "bandpass", fs=sampling_rate, output="sos")
    thin = sosfilt(pickup, sound)
    loudest = max(float(np.abs(thin).max()), 1e-9)
    bent = np.tanh(thin * np.float32(drive / loudest) + np.float32(0.2))
    spoken = sosfilt(np.concatenate([box, cone]), bent)
    return (spoken + sosfilt(presence, spoken)).astype(np.float32)


def _drum_hit(drum: Drum, sampling_rate: int, rng: Generator) -> Wave:
    """Render one hit: a falling tone with an overtone, and noise, dull for longer."""
    ring_s = 5 * max(drum.noise_s, drum.tone_s if drum.tone_hz else 0)
    n_samples = int(ring_s * sampling_rate) + 1
    time_s = np.arange(n_samples, dtype=np.float32) / np.float32(sampling_rate)
    hit = drum.noise * _noise_band(n_samples, drum, sampling_rate, rng)
    claps = np.zeros(n_samples, np.float32)
    for late in 0.012 * np.arange(round(drum.hits)):
        first = int(late * sampling_rate)
        claps[first:] += np.exp(-time_s[: n_samples - first] / drum.noise_s)
    hit *= claps
    if drum.tone_hz:
        hz = drum.tone_hz * rng.uniform(0.98, 1.02)
        sweep_s = time_s + 0.02 * drum.drop * (1 - np.exp(-time_s / 0.02))
        turns = 2 * np.pi * hz * sweep_s
        hit += np.sin(turns) * np.exp(-time_s / drum.tone_s)
        hit += 0.3 * np.sin(1.6 * turns) * np.exp(-time_s / (0.5 * drum.tone_s))
    n_fade = min(len(hit), int(0.01 * sampling_rate) + 1)
    hit[-n_fade:] *= np.linspace(1, 0, n_fade)
    return hit.astype(np.float32)


def _noise_band(n_samples: int, drum: Drum, sampling_rate: int, rng: Generator) -> Wave:
    """Filter white noise to the band between the drum's edges, peak 1."""
    from scipy.fft import irfft, next_fast_len, rfft

    n_fft = next_fast_len(n_samples, real=True)
    low_hz = min(drum.low_hz, 0.4 * sampling_rate)
    spectrum = rfft(rng.standard_normal(n_fft, np.float32))
    hz = np.arange(len(spectrum), dtype=np.float32) * np.float32(sampling_rate / n_fft)
    hz[0] = 1.0  # the filter divides by it
    spectrum /= np.sqrt((1 + (low_hz / hz) ** 6) * (1 + (hz / drum.high_hz) ** 6))
    if drum.ring:
        modes = rng.integers(0, len(spectrum), 60)
        spectrum[modes] *= 10 ** (drum.ring / 20)
    noise = irfft(spectrum, n_fft)[:n_samples]
    loudest: Wave = noise / max(float(np.abs(noise).max()), 1e-9)
    return loudest


def _drum_part(
    hits: Sequence[Wave],
    notes: NDArray[np.float64],
    n_samples: int,
    sampling_rate: int,
    rng: Generator,
) -> Wave:
    """Place hits, of which there are several so that no two beats are the same."""
    out = np.zeros(n_samples, np.float32)
    which = rng.integers(len(hits), size=len(notes))
    for hit, (start_s, _, _, loudness) in zip(which, notes, strict=True):
        _add(out, hits[hit], int(start_s * sampling_rate), loudness**1.5)
    return out
