"""Compose songs in ten styles from a seed: their notes.

A style is data (styles.toml): tempo, swing, scale, chords, instruments and patterns.
The interpreter below turns it into notes, ``instruments`` renders them, ``mixing``
mixes them. The seed draws key, tempo, progression, players, patterns, melody, levels,
room and noise. A model trained on these songs learns the rules of the styles, not real
music.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE
from audio.synth.instruments import Part, render
from audio.synth.mixing import Mixer
from errors import KnownError

STYLES = tuple(
    "blues classical country disco hiphop jazz metal pop reggae rock".split()
)
BEATS = 4  # a bar
# All that decides what a seed sounds like: the key of every cache of songs.
FILES = "composer.py styles.toml instruments.py instruments.toml mixing.py"
RULES = tuple(Path(__file__).with_name(name) for name in FILES.split())
Note = tuple[float, float, float, float]

ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
CHORDS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7, 12),  # a power chord: neither major nor minor
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "j7": (0, 4, 7, 11),
    "m9": (0, 3, 10, 14),
    "j9": (0, 4, 11, 14),
    "13": (0, 4, 10, 21),
}
LOUDNESS = {"X": 1.0, "x": 0.75, "o": 0.4, "?": 0.5, "~": 0.7}  # others: 0.85


@dataclass(frozen=True)
class Shift:
    """Changes that leave a song what it is; a fair test of a model applies them.

    Attributes:
        gain_db: loudness of the whole song; it never exceeds full scale.
        tilt_db_per_octave: slope added to the spectrum, turning about 1 kHz.
        tempo_factor: above 1 is faster.
        mix_db: each part's level moves by up to this much, up or down.
    """

    gain_db: float = 0.0
    tilt_db_per_octave: float = 0.0
    tempo_factor: float = 1.0
    mix_db: float = 0.0

    @classmethod
    def drawn(cls, seed: int) -> Shift:
        """Draw a clearly noticeable shift, the same for the same seed."""
        rng = np.random.default_rng([seed, len(STYLES)])
        return cls(
            gain_db=rng.uniform(-20, 0),
            tilt_db_per_octave=rng.uniform(-3, 3),
            tempo_factor=rng.uniform(0.85, 1.18),
            mix_db=rng.uniform(3, 6),
        )


@dataclass(frozen=True)
class Line:
    """The rules of one player; styles.toml holds the values.

    Attributes:
        players: names of instruments, separated by commas.
        patterns: words, separated by spaces.
        level_db: place in the mix.
        register: lowest MIDI pitch of a root; drums have none.
        chance: how likely a song has this line.
        bars: "all", or the "first" or "last" of every four.
    """

    players: str
    patterns: str
    level_db: float
    register: int = 0
    chance: float = 1.0
    bars: str = "all"


@dataclass(frozen=True)
class Style:
    """The rules of a style; pairs are ranges from which a song draws."""

    bpm: tuple[float, float]
    scale: tuple[int, ...]
    progressions: tuple[str, ...]
    lines: tuple[Line, ...]
    swing: tuple[float, float] = (0.5, 0.5)
    swung_beats: float = 1.0
    room_s: tuple[float, float] = (0.08, 0.35)
    press: tuple[float, float] = (1.5, 3.0)


@dataclass(frozen=True)
class Chord:
    """A chord in the song's key: pitch class of its root, and semitones above it."""

    root: int
    tones: tuple[int, ...]

    def lowest(self, register: int) -> int:
        """Find the first root at or above a MIDI pitch."""
        return register + (self.root - register) % 12

    def degree(self, number: str) -> int:
        """Count semitones above the root; "7" is the octave where no seventh exists."""
        seventh = next((tone for tone in self.tones if tone in (10, 11)), 12)
        return {"1": 0, "3": self.tones[1], "5": 7, "6": 9, "7": seventh, "8": 12}[
            number
        ]


@dataclass(frozen=True)
class Form:
    """Key, chords (one a bar) and tempo, which all players of a song share."""

    style: Style
    key: int
    chords: tuple[Chord, ...]
    beat_s: float
    swing: float

    def seconds(self, beats: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert beats (n,) to seconds (n,); swing moves the middle of each pair."""
        pair_beats = self.style.swung_beats
        pair, within = np.divmod(beats / pair_beats, 1)
        early = within * 2 * self.swing
        late = self.swing + (within - 0.5) * 2 * (1 - self.swing)
        swung = pair + np.where(within < 0.5, early, late)
        return swung * pair_beats * self.beat_s


def compose(
    genre: str,
    seed: int,
    *,
    duration_s: float = 10.0,
    sampling_rate: int = SAMPLING_RATE,
    shift: Shift = Shift(),
) -> Clip:
    """Compose and render a song; the same arguments give the same samples.

    Args:
        genre: one of ``STYLES``.
        seed: which song of the style, 0 or more.
        duration_s: length in seconds; the music is cut there with a short fade.
        sampling_rate: Hz.
        shift: changes of the mix.

    Returns:
        A clip with a peak of at most 1, named like "blues 17".

    Raises:
        KnownError: ``unknown_genre``.
    """
    if genre not in STYLES:
        raise KnownError("unknown_genre", genre=genre, genres=STYLES)
    seeds = np.random.default_rng([seed, STYLES.index(genre)])
    writing, playing, mixing, shifting = seeds.spawn(4)
    style = _styles()[genre]
    form = _form(style, duration_s, shift.tempo_factor, writing)
    present = [line for line in style.lines if writing.random() < line.chance]
    moves_db = shifting.uniform(-shift.mix_db, shift.mix_db, len(present))
    parts = [
        _part(line, form, writing.spawn(1)[0], move_db)
        for line, move_db in zip(present, moves_db, strict=True)
    ]
    n_samples = round(duration_s * sampling_rate)
    dry = render(parts, n_samples, sampling_rate, playing)
    song = _mixer(style, shift, mixing).mixed(dry, sampling_rate, playing)
    return Clip(song, sampling_rate, f"{genre} {seed}")


@cache
def _styles() -> dict[str, Style]:
    path = Path(__file__).with_name("styles.toml")
    tables = tomllib.loads(path.read_text("utf-8"))
    styles = {}
    for genre, rules in tables.items():
        lines = tuple(Line(**line) for line in rules.pop("lines").values())
        styles[genre] = Style(**rules, lines=lines)
    return styles


def _form(style: Style, duration_s: float, faster: float, rng: Generator) -> Form:
    beat_s = 60 / (rng.uniform(*style.bpm) * faster)
    key = int(rng.integers(12))
    words = str(rng.choice(style.progressions)).split()
    n_bars = math.ceil(duration_s / (beat_s * BEATS)) + 1
    first = int(rng.integers(len(words)))  # the recording starts anywhere in the round
    words = [words[(first + bar) % len(words)] for bar in range(n_bars + 1)]
    chords = tuple(_chord(word, key) for word in words)
    return Form(style, key, chords, beat_s, rng.uniform(*style.swing))


def _chord(word: str, key: int) -> Chord:
    """Parse a word like "Bb7" and move it up by ``key`` semitones."""
    flat = word[1:].startswith("b")
    root = ROOTS[word[0]] - flat + key
    return Chord(root % 12, CHORDS[word[1 + flat :]])


def _part(line: Line, form: Form, rng: Generator, move_db: float) -> Part:
    player = str(rng.choice(line.players.split(", ")))
    words = str(rng.choice(line.patterns.split())).split("|")
    notes = np.array(list(_notes(line, words, form, rng)), float).reshape(-1, 4)
    level_db = line.level_db + rng.uniform(-2.5, 2.5) + move_db
    return Part(player, _performed(notes, form, rng), level_db)


def _notes(
    line: Line, words: Sequence[str], form: Form, rng: Generator
) -> Iterator[Note]:
    """Yield a line's notes: beat, length in beats, MIDI pitch, loudness."""
    motifs = rng.integers(-2, 3, (3, 16))  # steps of a melody along its scale
    bars = {"all": (0, 1, 2, 3), "first": (0,), "last": (3,)}[line.bars]
    for bar in range(len(form.chords) - 1):
        if bar % 4 not in bars:
            continue
        chord, following = form.chords[bar : bar + 2]
        tune = _tune(line.register, chord, form, motifs[(0, 1, 0, 2)[bar % 4]])
        for beat, length, letter in _letters(words[bar % len(words)], rng):
            for pitch in _pitches(letter, line.register, chord, following, tune):
                yield bar * BEATS + beat, length, pitch, LOUDNESS.get(letter, 0.85)


def _tune(
    register: int, chord: Chord, form: Form, motif: NDArray[np.int64]
) -> Iterator[int]:
    """Draw a bar's melody: from a chord tone along the scale, at most 20 semitones."""
    pitches = np.arange(register - 3, register + 17)
    ladder = pitches[np.isin((pitches - form.key) % 12, form.style.scale)]
    first = chord.lowest(register) + chord.tones[motif[0] % 3]
    places = np.abs(ladder - first).argmin() + np.cumsum(motif) - motif[0]
    return iter(ladder[np.clip(places, 0, len(ladder) - 1)].tolist())


def _letters(word: str, rng: Generator) -> Iterator[tuple[float, float, str]]:
    """Yield a bar's events: beat, length in beats, letter."""
    step = BEATS / len(word)
    for at, letter in enumerate(word):
        if letter in ".-" or (letter in "?~" and rng.random() < 0.5):
            continue
        rest = word[at + 1 :]
        yield at * step, (1 + len(rest) - len(rest.lstrip("-"))) * step, letter


def _pitches(
    letter: str, register: int, chord: Chord, following: Chord, tune: Iterator[int]
) -> tuple[int, ...]:
    """Return the MIDI numbers of a pattern's letter over a chord; 0 for a drum."""
    root = chord.lowest(register)
    if not register:
        return (0,)
    if letter in "m~":
        return (next(tune),)
    if letter == "a":
        return (following.lowest(register) - 1,)
    if letter.isdigit():
        return (root + chord.degree(letter),)
    return tuple(root + tone for tone in chord.tones)


def _performed(
    notes: NDArray[np.float64], form: Form, rng: Generator
) -> NDArray[np.float64]:
    """Convert beats to seconds as people play them: swung, a little late, uneven."""
    start_s = form.seconds(notes[:, 0])
    length_s = form.seconds(notes[:, 0] + notes[:, 1]) - start_s
    habit_s = rng.normal(0, 0.005)  # some players rush, some lay back
    late_s = np.abs(rng.normal(0, 0.005, len(notes))) + habit_s
    accents = np.where(notes[:, 0] % 1 == 0, 1.0, 0.9)
    loudness = notes[:, 3] * accents * rng.uniform(0.8, 1, len(notes))
    start_s = np.maximum(start_s + late_s, 0)
    return np.stack([start_s, length_s, notes[:, 2], loudness], axis=1)


def _mixer(style: Style, shift: Shift, rng: Generator) -> Mixer:
    return Mixer(
        press=rng.uniform(*style.press),
        room_s=rng.uniform(*style.room_s),
        room_db=rng.uniform(-24, -9),
        tilt_db_per_octave=rng.uniform(-1.5, 1.5) + shift.tilt_db_per_octave,
        floor_db=rng.uniform(-70, -40),
        peak_db=rng.uniform(-6, -0.5) + shift.gain_db,
    )
