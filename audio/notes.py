"""Frequencies as notes of the piano."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

A4_HZ = 440.0
A4_MIDI = 69
NAMES = "C C♯/D♭ D D♯/E♭ E F F♯/G♭ G G♯/A♭ A A♯/B♭ B".split()


@dataclass(frozen=True)
class Note:
    """The nearest key of a piano tuned to A4 = 440 Hz.

    Attributes:
        name: with its octave, as sharp and as flat: "A4", "D♯5/E♭5".
        octave: C4 is middle C; C begins an octave.
        midi: number of the key, A4 is 69.
        cents: how far above the key, -50 to 50 hundredths of a semitone.
    """

    name: str
    octave: int
    midi: int
    cents: float


def note_of(frequency_hz: float) -> Note:
    """The note nearest to a frequency above 0 Hz, in equal temperament."""
    key = A4_MIDI + 12 * log2(frequency_hz / A4_HZ)
    midi = round(key)
    octave = midi // 12 - 1
    names = NAMES[midi % 12].split("/")
    name = "/".join(f"{name}{octave}" for name in names)
    return Note(name, octave, midi, 100 * (key - midi))
