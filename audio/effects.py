"""Changes of a clip, each of one thing: its band, pitch, tempo, level, room, order.

To find out what a model listens to: what it does not notice, it does not use. After
B. L. Sturm, "A simple method to determine if a music information retrieval system is a
horse", IEEE Transactions on Multimedia 16 (2014).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip

EDGE_HZ = 1000.0  # of the filters
FILTER_ORDER = 8
N_SEMITONES = 3
TEMPO_RATIO = 1.25
QUIETER_DB = 20.0
SNR_DB = 10.0
ROOM_S = 0.25  # until its sound has decayed to 1/e: 60 dB take 1.7 s
PIECE_S = 1.0
SEED = 0  # of noise, room and order: the same at each call

Wave = NDArray[np.float32]
Change = Callable[[Wave, int], NDArray[Any]]


def names() -> tuple[str, ...]:
    """List the changes, in the order in which they are shown."""
    return tuple(_CHANGES)


def changed(clip: Clip, name: str) -> Clip:
    """Change one thing of a clip; the level stays, unless it is what changes.

    Args:
        clip: any sound of at least a second.
        name: one of ``names``.

    Returns:
        As long as the clip, unless its tempo changes.
    """
    wave = np.asarray(_CHANGES[name](clip.samples, clip.sampling_rate), np.float32)
    if name != "quieter":
        wave = _as_loud_as(wave, clip.samples)
    return Clip(wave, clip.sampling_rate, clip.name)


def _as_loud_as(wave: Wave, other: Wave) -> Wave:
    """Give a sound the root mean square of another; lower where it would clip."""
    level, wanted = (float(np.sqrt(np.mean(each**2))) for each in (wave, other))
    peak = float(np.max(np.abs(wave), initial=0.0))
    if not level or not peak:
        return wave
    return wave * np.float32(min(wanted / level, 1.0 / peak))


def _filtered(kind: str) -> Change:
    def change(wave: Wave, rate: int) -> NDArray[Any]:
        from scipy.signal import butter, sosfiltfilt

        edge_hz = min(EDGE_HZ, 0.45 * rate)
        filters = butter(FILTER_ORDER, edge_hz, kind, fs=rate, output="sos")
        found: NDArray[Any] = sosfiltfilt(filters, wave)
        return found

    return change


def _transposed(n_semitones: int) -> Change:
    def change(wave: Wave, rate: int) -> NDArray[Any]:
        import librosa

        found: NDArray[Any] = librosa.effects.pitch_shift(
            wave, sr=rate, n_steps=n_semitones
        )
        return found

    return change


def _stretched(ratio: float) -> Change:
    def change(wave: Wave, rate: int) -> NDArray[Any]:
        import librosa

        found: NDArray[Any] = librosa.effects.time_stretch(wave, rate=ratio)
        return found

    return change


def _separated(part: int) -> Change:
    """Keep the harmonic part (0) or the percussive one (1), by median filters.

    D. FitzGerald, "Harmonic/percussive separation using median filtering" (2010).
    """

    def change(wave: Wave, rate: int) -> NDArray[Any]:
        import librosa

        found: NDArray[Any] = librosa.effects.hpss(wave)[part]
        return found

    return change


def _quieter(wave: Wave, rate: int) -> NDArray[Any]:
    return wave * 10 ** (-QUIETER_DB / 20)


def _in_a_room(wave: Wave, rate: int) -> NDArray[Any]:
    from scipy.signal import fftconvolve

    time_s = np.arange(round(7 * ROOM_S * rate)) / rate
    echoes = np.random.default_rng(SEED).standard_normal(len(time_s))
    echoes *= np.exp(-time_s / ROOM_S)
    echoes /= np.linalg.norm(echoes)
    found: NDArray[Any] = wave + fftconvolve(wave, echoes)[: len(wave)]
    return found


def _noisy(wave: Wave, rate: int) -> NDArray[Any]:
    noise = np.random.default_rng(SEED).standard_normal(len(wave))
    level = np.sqrt(np.mean(wave**2)) * 10 ** (-SNR_DB / 20)
    return wave + noise * level


def _reversed(wave: Wave, rate: int) -> NDArray[Any]:
    return wave[::-1]


def _shuffled(wave: Wave, rate: int) -> NDArray[Any]:
    n_piece = round(PIECE_S * rate)
    pieces = [wave[at : at + n_piece] for at in range(0, len(wave), n_piece)]
    order = np.random.default_rng(SEED).permutation(len(pieces))
    return np.concatenate([pieces[at] for at in order])


_CHANGES: Mapping[str, Change] = {
    "low": _filtered("lowpass"),
    "high": _filtered("highpass"),
    "up": _transposed(N_SEMITONES),
    "down": _transposed(-N_SEMITONES),
    "faster": _stretched(TEMPO_RATIO),
    "slower": _stretched(1 / TEMPO_RATIO),
    "harmonic": _separated(0),
    "percussive": _separated(1),
    "quieter": _quieter,
    "room": _in_a_room,
    "noise": _noisy,
    "reversed": _reversed,
    "shuffled": _shuffled,
}
