"""Convert between frequencies and notes of the piano."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log2

from errors import KnownError

A4_HZ = 440.0
A4_MIDI = 69
NAMES = "C C♯/D♭ D D♯/E♭ E F F♯/G♭ G G♯/A♭ A A♯/B♭ B".split()

SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}  # above C
SHARPS, FLATS = ("♯", "#", "sharp", "升"), ("♭", "b", "flat", "降")
SIGN = "|".join((*SHARPS, *FLATS))
# E♭5, eb5, E flat 5, D#5; Chinese puts the sign first: 降E5.
SPELT = re.compile(rf"(升|降)?\s*([a-g])\s*({SIGN})?\s*(-?\d\d?)?")


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
    """Find the note nearest to a frequency above 0 Hz, in equal temperament."""
    key = A4_MIDI + 12 * log2(frequency_hz / A4_HZ)
    midi = round(key)
    octave = midi // 12 - 1
    names = NAMES[midi % 12].split("/")
    name = "/".join(f"{name}{octave}" for name in names)
    return Note(name, octave, midi, 100 * (key - midi))


def hz_of(name: str) -> float:
    """Parse a note as people write it, in Hz: A4, E♭5, Eb5, "E flat 5", 降E5.

    Several names of one note may follow each other, as in ``note_of``: D♯5/E♭5.

    Raises:
        KnownError: ``not_a_note``, or ``note_without_octave``.
    """
    spelt = SPELT.fullmatch(name.split("/")[0].strip().casefold())
    if not spelt:
        raise KnownError("not_a_note", value=name)
    before, letter, after, octave = spelt.groups()
    if octave is None:
        raise KnownError("note_without_octave", value=name)
    signs = [sign for sign in (before, after) if sign]
    shift = sum(sign in SHARPS for sign in signs) - sum(sign in FLATS for sign in signs)
    midi = 12 * (int(octave) + 1) + SEMITONES[letter] + shift
    return A4_HZ * 2 ** ((midi - A4_MIDI) / 12)
