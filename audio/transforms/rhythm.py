"""Find onsets, tempo and beats of an excerpt, by librosa."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from audio.clip import Clip, Samples
from audio.transforms.windows import Numbers

SAMPLING_RATE = 22_050  # Hz, for which librosa's defaults are made
HOP_LENGTH = 512  # samples from one onset strength to the next, 23 ms
SHORTEST_S = 2.0  # of an excerpt that has a tempo
LOWEST_BPM, HIGHEST_BPM = 30.0, 300.0
OCTAVES = (0.5, 1.0, 2.0)  # of a tempo, as many times as fast
CLICK_HZ, CLICK_S, CLICK_AMPLITUDE = 1500.0, 0.04, 0.5


@dataclass(frozen=True, eq=False)
class Rhythm:
    """Onsets and tempo of an excerpt.

    Attributes:
        times_s: (n,) of the onset strengths, from the excerpt's start (s).
        onset_strength: (n,) how much louder the mel bands have become; the largest is 1.
        tempos_bpm: (n_lags,) rising, beats a minute.
        likeness: (n_lags,) of the onset strength to itself, one beat later, 0 to 1.
        tempo_bpm: librosa's estimate; None without onsets, or of too short an excerpt.
    """

    times_s: Numbers
    onset_strength: Numbers
    tempos_bpm: Numbers
    likeness: Numbers
    tempo_bpm: float | None

    def likeness_at(self, tempo_bpm: float) -> float:
        """Return the likeness at a tempo, between lags."""
        return float(np.interp(tempo_bpm, self.tempos_bpm, self.likeness))


def rhythm(clip: Clip, *, start_s: float, stop_s: float) -> Rhythm:
    """Measure onset strength and tempo from ``start_s`` to ``stop_s`` (s).

    Source: librosa's ``onset.onset_strength``, ``feature.tempogram`` and
    ``feature.tempo``, whose prior prefers tempos about 120.
    """
    part = _part(clip, start_s, stop_s)
    if part.duration_s < SHORTEST_S:
        return _nothing()
    import librosa

    how: dict[str, Any] = {"sr": SAMPLING_RATE, "hop_length": HOP_LENGTH}
    strength = librosa.onset.onset_strength(y=part.samples, **how)
    highest = float(strength.max(initial=0.0))
    if highest <= 0:
        return _nothing()
    strength = strength / highest
    tempogram = librosa.feature.tempogram(onset_envelope=strength, **how)
    tempos_bpm = librosa.tempo_frequencies(len(tempogram), **how)
    is_shown = (tempos_bpm >= LOWEST_BPM) & (tempos_bpm <= HIGHEST_BPM)
    tempo = librosa.feature.tempo(onset_envelope=strength, **how)
    return Rhythm(
        times_s=np.arange(len(strength)) * HOP_LENGTH / SAMPLING_RATE,
        onset_strength=strength.astype(np.float64),
        tempos_bpm=tempos_bpm[is_shown][::-1],
        likeness=tempogram.mean(axis=1)[is_shown][::-1],
        tempo_bpm=float(tempo[0]),
    )


def beats(clip: Clip, *, start_s: float, stop_s: float, octave: float) -> Numbers:
    """Find the beats of an excerpt at a tempo that is ``octave`` times the estimate.

    Returns:
        (n_beats,) times from the excerpt's start (s), rising; none where it has no
        tempo.
    """
    found = rhythm(clip, start_s=start_s, stop_s=stop_s)
    if found.tempo_bpm is None:
        return np.zeros(0)
    import librosa

    _, times_s = librosa.beat.beat_track(
        onset_envelope=found.onset_strength,
        sr=SAMPLING_RATE,
        hop_length=HOP_LENGTH,
        bpm=found.tempo_bpm * octave,
        units="time",
    )
    return np.asarray(times_s, np.float64)


def clicked(clip: Clip, times_s: Numbers, *, start_s: float, stop_s: float) -> Clip:
    """Return an excerpt with a click on each beat, both lowered where they do not fit."""
    part = _part(clip, start_s, stop_s)
    clicks = np.zeros(part.n_samples)
    at_s = np.arange(round(CLICK_S * SAMPLING_RATE)) / SAMPLING_RATE
    click = CLICK_AMPLITUDE * np.exp(-at_s / 0.01) * np.sin(2 * np.pi * CLICK_HZ * at_s)
    for first in np.rint(times_s * SAMPLING_RATE).astype(int):
        heard = clicks[first : first + len(click)]
        heard += click[: len(heard)]
    sound: Samples = part.samples + clicks.astype(np.float32)
    highest = float(np.abs(sound).max(initial=0.0))
    return Clip(sound / max(highest, 1.0), SAMPLING_RATE, clip.name)


def _part(clip: Clip, start_s: float, stop_s: float) -> Clip:
    first, stop = (round(at_s * clip.sampling_rate) for at_s in (start_s, stop_s))
    part = Clip(clip.part(first, stop), clip.sampling_rate, clip.name)
    return part.resampled(SAMPLING_RATE)


def _nothing() -> Rhythm:
    none = np.zeros(0)
    return Rhythm(none, none, none, none, None)
