"""Change a clip: its band, pitch, tempo, level, room, order, one thing or several.

To find out what a model listens to: what it does not notice, it does not use. After
B. L. Sturm, "A simple method to determine if a music information retrieval system is a
horse", IEEE Transactions on Multimedia 16 (2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip
from audio.transforms.checks import check_choice, check_range

Part = Literal["all", "harmonic", "percussive"]
Wave = NDArray[np.float32]

EXCERPT_S = 30.0  # of a song, from its middle, that is changed
PARTS: tuple[Part, ...] = ("all", "harmonic", "percussive")
# Of each number: the least and the largest value, and the one that changes nothing.
RANGES: Mapping[str, tuple[float, float, float]] = {
    "low_pass_hz": (100.0, 20_000.0, 20_000.0),
    "high_pass_hz": (20.0, 10_000.0, 20.0),
    "n_semitones": (-12.0, 12.0, 0.0),
    "tempo": (0.5, 2.0, 1.0),
    "gain_db": (-50.0, 0.0, 0.0),
    "rt60_s": (0.0, 5.0, 0.0),
    "snr_db": (-10.0, 60.0, 60.0),
}
FILTER_ORDER = 8  # run forwards and backwards: the edge is 6 dB down, without delay
HIGHEST_EDGE = 0.45  # of the sampling rate
PIECE_S = 1.0
SEED = 0  # of noise, room and order: the same at each call


@dataclass(frozen=True)
class Change:
    """What is changed of a clip; by default nothing.

    Attributes:
        low_pass_hz: the edge above which frequencies are removed; 20 kHz for none.
        high_pass_hz: the edge below which they are; 20 Hz for none.
        n_semitones: transposition, the tempo kept.
        tempo: factor of the tempo, the pitch kept; 2 is twice as fast.
        gain_db: of the level.
        rt60_s: reverberation: the time until it has decayed by 60 dB; 0 for none.
        snr_db: level of the sound above that of white noise; 60 dB for no noise.
        part: the harmonic or the percussive part alone, or all.
        is_reversed: played backwards.
        is_shuffled: cut into pieces of one second, which change places.

    Raises:
        KnownError: ``out_of_range`` or ``not_a_choice``.
    """

    low_pass_hz: float = RANGES["low_pass_hz"][2]
    high_pass_hz: float = RANGES["high_pass_hz"][2]
    n_semitones: float = RANGES["n_semitones"][2]
    tempo: float = RANGES["tempo"][2]
    gain_db: float = RANGES["gain_db"][2]
    rt60_s: float = RANGES["rt60_s"][2]
    snr_db: float = RANGES["snr_db"][2]
    part: Part = "all"
    is_reversed: bool = False
    is_shuffled: bool = False

    def __post_init__(self) -> None:
        for name, (low, high, _) in RANGES.items():
            check_range(name, getattr(self, name), low, high)
        check_choice("part", self.part, PARTS)

    def has(self, name: str) -> bool:
        """Return whether a number is another one than that which changes nothing."""
        return bool(getattr(self, name) != RANGES[name][2])


# One thing each, in the order in which they are shown.
NAMED: Mapping[str, Change] = {
    "low": Change(low_pass_hz=1000.0),
    "high": Change(high_pass_hz=1000.0),
    "up": Change(n_semitones=3.0),
    "down": Change(n_semitones=-3.0),
    "faster": Change(tempo=1.25),
    "slower": Change(tempo=0.8),
    "harmonic": Change(part="harmonic"),
    "percussive": Change(part="percussive"),
    "quieter": Change(gain_db=-20.0),
    "room": Change(rt60_s=1.7),
    "noise": Change(snr_db=10.0),
    "reversed": Change(is_reversed=True),
    "shuffled": Change(is_shuffled=True),
}


def excerpt_of(clip: Clip) -> Clip:
    """Return the middle of a song, ``EXCERPT_S`` at most."""
    start_s = max(0.0, (clip.duration_s - EXCERPT_S) / 2)
    return clip.slice(start_s, min(start_s + EXCERPT_S, clip.duration_s))


def changed(clip: Clip, change: Change) -> Clip:
    """Change a clip; its level stays, unless that is what changes.

    A filter or a room alone would change the level too, and nobody could tell which of
    both moved an answer. What would clip is turned down as a whole.

    Args:
        clip: any sound.
        change: what to change; of several things in the order of this function.

    Returns:
        As long as the clip, unless its tempo changes; the clip itself without a change.
    """
    if change == Change():
        return clip
    wave, rate = clip.samples, clip.sampling_rate
    if change.part != "all":
        wave = _separated(wave, change.part)
    if change.is_shuffled:
        wave = _shuffled(wave, rate)
    if change.is_reversed:
        wave = wave[::-1]
    wave = _in_tempo_and_pitch(wave, rate, change)
    wave = _filtered(wave, rate, change)
    if change.rt60_s:
        wave = _in_a_room(wave, rate, change.rt60_s)
    if change.has("snr_db"):
        wave = _noisy(wave, change.snr_db)
    wave = _as_loud_as(np.asarray(wave, np.float32), clip.samples)
    return Clip(wave * np.float32(10 ** (change.gain_db / 20)), rate, clip.name)


def _as_loud_as(wave: Wave, other: Wave) -> Wave:
    """Give a sound the root mean square of another; lower where it would clip."""
    level, wanted = (float(np.sqrt(np.mean(each**2))) for each in (wave, other))
    peak = float(np.max(np.abs(wave), initial=0.0))
    if not level or not peak:
        return wave
    return wave * np.float32(min(wanted / level, 1.0 / peak))


def _separated(wave: Wave, part: Part) -> NDArray[Any]:
    """Keep the harmonic or the percussive part, by median filters.

    D. FitzGerald, "Harmonic/percussive separation using median filtering" (2010).
    """
    import librosa

    harmonic, percussive = librosa.effects.hpss(wave)
    found: NDArray[Any] = harmonic if part == "harmonic" else percussive
    return found


def _shuffled(wave: Wave, rate: int) -> Wave:
    n_piece = round(PIECE_S * rate)
    pieces = [wave[at : at + n_piece] for at in range(0, len(wave), n_piece)]
    order = np.random.default_rng(SEED).permutation(len(pieces))
    return np.concatenate([pieces[at] for at in order])


def _in_tempo_and_pitch(wave: NDArray[Any], rate: int, change: Change) -> NDArray[Any]:
    import librosa

    if change.has("tempo"):
        wave = librosa.effects.time_stretch(wave, rate=change.tempo)
    if change.has("n_semitones"):
        wave = librosa.effects.pitch_shift(wave, sr=rate, n_steps=change.n_semitones)
    return wave


def _filtered(wave: NDArray[Any], rate: int, change: Change) -> NDArray[Any]:
    from scipy.signal import butter, sosfiltfilt

    for kind, name in (("lowpass", "low_pass_hz"), ("highpass", "high_pass_hz")):
        if change.has(name):
            edge_hz = min(getattr(change, name), HIGHEST_EDGE * rate)
            filters = butter(FILTER_ORDER, edge_hz, kind, fs=rate, output="sos")
            wave = sosfiltfilt(filters, wave)
    return wave


def _in_a_room(wave: NDArray[Any], rate: int, rt60_s: float) -> NDArray[Any]:
    """Add echoes of noise that decays exponentially, together as loud as the sound."""
    from scipy.signal import fftconvolve

    time_s = np.arange(max(round(rt60_s * rate), 1)) / rate
    echoes = np.random.default_rng(SEED).standard_normal(len(time_s))
    echoes *= 10 ** (-3 * time_s / rt60_s)  # 60 dB are a factor of 1000
    echoes /= np.linalg.norm(echoes)
    found: NDArray[Any] = wave + fftconvolve(wave, echoes)[: len(wave)]
    return found


def _noisy(wave: NDArray[Any], snr_db: float) -> NDArray[Any]:
    noise = np.random.default_rng(SEED).standard_normal(len(wave))
    level = np.sqrt(np.mean(wave**2)) * 10 ** (-snr_db / 20)
    found: NDArray[Any] = wave + noise * level
    return found
