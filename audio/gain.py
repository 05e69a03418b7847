"""Change the level of a sound by decibels, and set it beside the sound as it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audio.clip import Clip

PAUSE_S = 0.3  # between the two
FADE_S = 0.01


def amplitude_ratio(gain_db: float) -> float:
    """Convert decibels to a ratio of amplitudes: 6.02 dB is 2."""
    return float(10 ** (gain_db / 20))


def power_ratio(gain_db: float) -> float:
    """Convert decibels to a ratio of powers: 3.01 dB is 2."""
    return float(10 ** (gain_db / 10))


@dataclass(frozen=True)
class Pair:
    """A sound and the same at another level; both fit into full scale.

    Attributes:
        before: the sound.
        after: the same, ``gain_db`` higher.
        gain_db: level of ``after`` beside ``before``.
        lowered_db: by which both were lowered, so that neither is cut off; 0 or more.
    """

    before: Clip
    after: Clip
    gain_db: float
    lowered_db: float

    def in_turn(self) -> Clip:
        """Return both as one sound, first the one as it was."""
        rate = self.before.sampling_rate
        pause = np.zeros(round(PAUSE_S * rate), np.float32)
        parts = [_faded(self.before), pause, _faded(self.after)]
        return Clip(np.concatenate(parts), rate, self.before.name)


def pair(clip: Clip, gain_db: float) -> Pair:
    """Return a clip beside the same clip ``gain_db`` higher; both lowered if they must be."""
    ratio = amplitude_ratio(gain_db)
    highest = float(np.abs(clip.samples).max(initial=0.0)) * max(ratio, 1.0)
    shrink = np.float32(1 / max(highest, 1.0))
    before = Clip(clip.samples * shrink, clip.sampling_rate, clip.name)
    after = Clip(before.samples * np.float32(ratio), clip.sampling_rate, clip.name)
    return Pair(before, after, gain_db, float(20 * np.log10(max(highest, 1.0))))


def _faded(clip: Clip) -> np.ndarray:
    """Fade the ends of a sound, so that cutting it out does not click."""
    n_fade = min(round(FADE_S * clip.sampling_rate), clip.n_samples // 2)
    faded = clip.samples.copy()
    if n_fade:
        ramp = np.linspace(0, 1, n_fade, dtype=np.float32)
        faded[:n_fade] *= ramp
        faded[-n_fade:] *= ramp[::-1]
    return faded
