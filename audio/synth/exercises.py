"""Exercises about the built-in sounds: measure the solution, parse and check answers.

No solution is stored: each is measured on its sound, as a learner measures it with the
lessons. So a solution stays true when a sound is composed anew.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from audio import transforms
from audio.clip import Clip
from audio.hubert.preprocessing import model_input
from audio.notes import hz_of
from audio.synth.composer import STYLES
from audio.synth.examples import example
from audio.transforms import Frames
from audio.transforms.partials import fundamental_hz, peaks
from audio.transforms.quantization import quantised
from audio.transforms.resampling import RATES, resampled
from audio.transforms.windows import WINDOWS
from errors import KnownError

Unit = Literal["note", "hz", "db", "percent", "count"]

# Suffixes of a number, and their factors; a count may be of anything.
HZ = {"": 1.0, "hz": 1.0, "khz": 1000.0, "hertz": 1.0, "赫": 1.0, "赫茲": 1.0}
HZ |= {"赫兹": 1.0, "千赫": 1000.0, "千赫茲": 1000.0, "千赫兹": 1000.0}
DB = {"": 1.0, "db": 1.0, "decibel": 1.0, "decibels": 1.0, "分貝": 1.0, "分贝": 1.0}
PERCENT = {"": 1.0, "%": 1.0, "percent": 1.0}
UNITS: dict[Unit, dict[str, float]]
UNITS = {"note": HZ, "hz": HZ, "db": DB, "percent": PERCENT, "count": {}}
OTHER_UNITS = (HZ.keys() | DB.keys() | PERCENT.keys()) - {""}
NUMBER = re.compile(r"[~≈]?\s*([+-]?\d[\d.,]*)\s*(.*)")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")

AT_S = 0.5  # where spectra are computed: after every attack, before every fade
PASSAGES = tuple(2**power for power in range(8, 17))  # samples
BETWEEN_HZ = 660.0  # half-way between the octave's tones
FAINT_DB = -60.0
SLOW_RATE = 2000  # Hz
FEW_BITS, MORE_BITS = 6, 12
LOW_HZ = 1000.0
FAR_OFF = 0.05  # share of the frequency: more than any error of reading


@dataclass(frozen=True)
class Exercise:
    """A question.

    Attributes:
        id: of its texts in the locales, section ``teach``.
        sound: id of the built-in sound that it is about.
        unit: of the answer; "note" is Hz or a note's name.
        tolerance: how far off a right answer may be, in that unit; of Hz, a share.
        measure: computes the answer from the sound.
    """

    id: str
    sound: str
    unit: Unit
    tolerance: float
    measure: Callable[[Clip], float]


def exercise(id: str) -> Exercise:
    """Find the exercise with this id.

    Raises:
        KnownError: ``not_a_choice``.
    """
    for candidate in EXERCISES:
        if candidate.id == id:
            return candidate
    ids = [each.id for each in EXERCISES]
    raise KnownError("not_a_choice", field="exercise", value=id, choices=ids)


@functools.cache
def solution(id: str) -> float:
    """Measure the answer of an exercise, in its unit."""
    asked = exercise(id)
    return asked.measure(example(asked.sound))


def is_right(id: str, answer: float) -> bool:
    """Return whether an answer, in the exercise's unit, is within the tolerance."""
    asked, right = exercise(id), solution(id)
    is_frequency = asked.unit in ("note", "hz")
    tolerance = asked.tolerance * (right if is_frequency else 1.0)
    return abs(answer - right) <= tolerance


def read(text: str, unit: Unit) -> float:
    """Parse a typed answer: "622", "0.62 kHz", "1,244 Hz", "E♭5", "６ 分貝".

    Raises:
        KnownError: ``not_an_answer``, ``not_a_note`` or ``note_without_octave``.
    """
    typed = unicodedata.normalize("NFKC", text).replace("−", "-").strip().casefold()
    found = NUMBER.fullmatch(typed)
    if not found and unit == "note":
        return hz_of(typed)
    if not found:
        raise KnownError("not_an_answer", value=text)
    number, suffix = found[1], found[2].strip().rstrip(".。")
    factor = UNITS[unit].get(suffix)
    if factor is None and (unit != "count" or suffix in OTHER_UNITS):
        raise KnownError("not_an_answer", value=text)
    point = "" if THOUSANDS.fullmatch(number) else "."
    try:
        return float(number.replace(",", point)) * (factor or 1.0)
    except ValueError:
        raise KnownError("not_an_answer", value=text) from None


def _fundamental_hz(clip: Clip) -> float:
    return fundamental_hz(transforms.dft(clip, start_s=AT_S)) or 0.0


def _strongest_harmonic(clip: Clip) -> float:
    partials = peaks(transforms.dft(clip, start_s=AT_S))
    return max(partials, key=lambda partial: partial.level_db).harmonic or 0


def _shortest_passage(clip: Clip) -> float:
    """Find the fewest samples whose spectrum shows two tones."""
    for n_samples in PASSAGES:
        if len(peaks(transforms.dft(clip, start_s=AT_S, n_samples=n_samples))) == 2:
            return n_samples
    return 0


def _n_clean_windows(clip: Clip) -> float:
    """Count the windows that leak so little that a tone 60 dB down is visible."""
    spectra = [transforms.dft(clip, start_s=AT_S, window=window) for window in WINDOWS]
    nearest = round(BETWEEN_HZ / spectra[0].bin_width_hz)
    return sum(each.levels_db[nearest] < FAINT_DB for each in spectra)


def _unevenness_db(clip: Clip) -> float:
    """Measure the range between the strongest and the weakest frequency (dB).

    0 Hz and Nyquist are left out: without a mirror image to add, they read half.
    """
    loudest_s = float(np.abs(clip.samples).argmax()) / clip.sampling_rate
    n_samples = PASSAGES[0]
    start_s = loudest_s - n_samples / 2 / clip.sampling_rate
    levels = transforms.dft(clip, start_s=start_s, n_samples=n_samples).levels_db[1:-1]
    return float(np.ptp(levels))


def _highest_rate_that_folds(clip: Clip) -> float:
    """Find the highest rate at which the end of the sound is another tone."""
    true_hz = _last_hz(clip)
    for rate in sorted(RATES, reverse=True):
        alias_hz = _last_hz(resampled(clip, rate, is_filtered=False))
        if abs(alias_hz - true_hz) > FAR_OFF * true_hz:
            return rate
    return 0


def _last_hz(clip: Clip) -> float:
    """Measure the strongest frequency 0.1 s before the end."""
    start_s = clip.duration_s - 0.1
    n_samples = 2 * (clip.sampling_rate // 50)  # 40 ms
    peak = transforms.strongest(
        transforms.dft(clip, start_s=start_s, n_samples=n_samples)
    )
    return peak.frequency_hz if peak else 0.0


def _strongest_alias_hz(clip: Clip) -> float:
    slow = resampled(clip, SLOW_RATE, is_filtered=False)
    peak = transforms.strongest(transforms.dft(slow, start_s=AT_S, n_samples=512))
    return peak.frequency_hz if peak else 0.0


def _db_per_bit(clip: Clip) -> float:
    few, more = (
        quantised(clip, n_bits, is_dithered=False).snr_db or 0.0
        for n_bits in (FEW_BITS, MORE_BITS)
    )
    return (more - few) / (MORE_BITS - FEW_BITS)


def _low_share_percent(clip: Clip) -> float:
    centres_hz = transforms.mel(clip, frames=Frames(n_columns=1)).frequencies_hz
    return 100 * float((centres_hz < LOW_HZ).mean())


def _n_frames_of_model(clip: Clip) -> float:
    return model_input(clip).n_frames


def _chance_percent(clip: Clip) -> float:
    """Compute the accuracy of guessing among the styles."""
    return 100 / len(STYLES)


EXERCISES = (
    Exercise("note", "brass", "note", 0.028, _fundamental_hz),  # half a semitone
    Exercise("harmonic", "brass", "count", 0, _strongest_harmonic),
    Exercise("passage", "semitone", "count", 0, _shortest_passage),
    Exercise("windows", "chord", "count", 0, _n_clean_windows),
    Exercise("click", "click", "db", 1.0, _unevenness_db),
    Exercise("folds", "sweep", "hz", 0.0, _highest_rate_that_folds),
    Exercise("alias", "brass", "hz", 0.02, _strongest_alias_hz),
    Exercise("bit", "sweep", "db", 0.3, _db_per_bit),
    Exercise("mel", "sweep", "percent", 4.0, _low_share_percent),
    Exercise("frames", "brass", "count", 2, _n_frames_of_model),
    Exercise("chance", "disco_song", "percent", 0.0, _chance_percent),
)
