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
from math import log, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np

from audio import coding, gain, transforms
from audio.clip import Clip
from audio.hubert import masking
from audio.hubert.preprocessing import model_input
from audio.notes import hz_of
from audio.synth import harmonics, timbres
from audio.synth.composer import STYLES
from audio.synth.examples import example
from audio.transforms import FRAMES, Frames
from audio.transforms.overlap_add import is_cola
from audio.transforms.partials import fundamental_hz, peaks
from audio.transforms.pitch import harmonic_note
from audio.transforms.quantization import quantised
from audio.transforms.resampling import RATES, resampled
from audio.transforms.rhythm import rhythm
from audio.transforms.separation import separated
from audio.transforms.windows import WINDOWS
from errors import KnownError

Unit = Literal["note", "hz", "db", "percent", "count", "number"]

# Suffixes of a number, and their factors; a count may be of anything.
HZ = {"": 1.0, "hz": 1.0, "khz": 1000.0, "hertz": 1.0, "赫": 1.0, "赫茲": 1.0}
HZ |= {"赫兹": 1.0, "千赫": 1000.0, "千赫茲": 1000.0, "千赫兹": 1000.0}
DB = {"": 1.0, "db": 1.0, "decibel": 1.0, "decibels": 1.0, "分貝": 1.0, "分贝": 1.0}
PERCENT = {"": 1.0, "%": 1.0, "percent": 1.0}
UNITS: dict[Unit, dict[str, float]]
UNITS = {"note": HZ, "hz": HZ, "db": DB, "percent": PERCENT, "count": {}}
UNITS["number"] = {}  # with decimals; like a count, of anything
OTHER_UNITS = (HZ.keys() | DB.keys() | PERCENT.keys()) - {""}
NUMBER = re.compile(r"[~≈]?\s*([+-]?\d[\d.,]*)\s*(.*)")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")

AT_S = 0.5  # where spectra are computed: after every attack, before every fade
PASSAGES = tuple(2**power for power in range(8, 17))  # samples
BETWEEN_HZ = 660.0  # half-way between the octave's tones
FAINT_DB = -60.0
SLOW_RATE = 2000  # Hz
N_FOR_STRONGEST = 2048  # samples, as in the lesson on the sampling rate
FEW_BITS, MORE_BITS = 6, 12
LOW_HZ = 1000.0
QUIETER_DB = -20.0
SHORT_FRAME = 256  # samples
STARTS_PER_FRAME = (1, 2, 4, 8)  # as the lesson on the way back offers them
HARMONIC = 7
RHYTHM_S = 20.0
MEDIAN_MS, MEDIAN_HZ = 400, 400
CODED_S, FEW_KBITS = 10.0, 32
N_RIGHT, N_TESTED = 8, 10  # songs
N_SURE, CONFIDENCE = 50, 0.9  # songs, and how sure a model is of each
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
    is_of_anything = unit in ("count", "number")
    if factor is None and (not is_of_anything or suffix in OTHER_UNITS):
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
    """Measure it where the lesson does: at the loudest moment, over some 90 ms."""
    slow = resampled(clip, SLOW_RATE, is_filtered=False)
    loudest_s = float(np.abs(clip.samples).argmax()) / clip.sampling_rate
    n_samples = round(N_FOR_STRONGEST * SLOW_RATE / clip.sampling_rate)
    spectrum = transforms.dft(slow, start_s=loudest_s, n_samples=n_samples)
    peak = transforms.strongest(spectrum)
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


def _quieter_percent(clip: Clip) -> float:
    """Measure which share of the amplitude 20 dB less leave."""
    both = gain.pair(clip, QUIETER_DB)
    before, after = (np.abs(each.samples).max() for each in (both.before, both.after))
    return 100 * float(after / before)


def _missing_fundamental_hz(_: Clip) -> float:
    recipe = harmonics.recipe("missing")
    sound = harmonics.tone(recipe, harmonics.FUNDAMENTALS_HZ[1])
    return fundamental_hz(transforms.dft(sound, start_s=AT_S)) or 0.0


def _second_of_clarinet(_: Clip) -> float:
    """Find the number of the strongest partial of a clarinet but the first."""
    hz = timbres.PITCHES_HZ[1]
    rungs = timbres.ladder(timbres.spectrum(timbres.note("clarinet", hz)), hz)
    return max(rungs[1:], key=lambda rung: rung.level_db).number


def _bins_apart_hz(clip: Clip) -> float:
    levels = transforms.stft(clip, Frames(SHORT_FRAME, SHORT_FRAME, n_columns=1))
    return float(np.diff(levels.frequencies_hz[:2])[0])


def _n_ways_back(_: Clip) -> float:
    """Count the hops at which Hann windows add up to a constant."""
    n_fft = FRAMES.n_fft
    return sum(is_cola("hann", n_fft, n_fft // n) for n in STARTS_PER_FRAME)


def _seventh_cents(_: Clip) -> float:
    return -harmonic_note(HARMONIC).cents


def _tempo_bpm(clip: Clip) -> float:
    return rhythm(clip, start_s=0.0, stop_s=RHYTHM_S).tempo_bpm or 0.0


def _percussive_db(clip: Clip) -> float:
    """Measure the level of the whole above that of its percussive part (dB)."""
    whole = {"start_s": 0.0, "stop_s": clip.duration_s}
    parts = separated(clip, **whole, kernel_ms=MEDIAN_MS, kernel_hz=MEDIAN_HZ)
    return -(parts.level_db("percussive") or 0.0)


def _cutoff_hz(clip: Clip) -> float:
    found = coding.coded(
        clip, start_s=0.0, stop_s=CODED_S, codec="mp3", bit_rate=1000 * FEW_KBITS
    )
    return found.cutoff_hz or 0.0


def _hidden_percent(clip: Clip) -> float:
    return 100 * float(masking.hidden(model_input(clip).n_frames, 1).mean())


def _even_percent(clip: Clip) -> float:
    """Compute the weight of each of HuBERT's frames, if all weigh alike."""
    return 100 / model_input(clip).n_frames


def _two_beats_s(clip: Clip) -> float:
    """Measure two beats: after one, the other drum sounds."""
    return 2 * 60 / _tempo_bpm(clip)


def _loss_of_guessing(_: Clip) -> float:
    return log(3)


def _lowest_percent(_: Clip) -> float:
    """Compute where the 95 % interval of a share begins, by Wilson's formula."""
    z, share = NormalDist().inv_cdf(0.975), N_RIGHT / N_TESTED
    half = z * sqrt(share * (1 - share) / N_TESTED + z**2 / (4 * N_TESTED**2))
    middle = share + z**2 / (2 * N_TESTED)
    return 100 * (middle - half) / (1 + z**2 / N_TESTED)


def _n_to_be_right(_: Clip) -> float:
    return CONFIDENCE * N_SURE


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
    Exercise("decibel", "chord", "percent", 0.5, _quieter_percent),
    Exercise("missing", "chord", "hz", 0.01, _missing_fundamental_hz),
    Exercise("timbre", "chord", "count", 0, _second_of_clarinet),
    Exercise("frame", "disco_song", "hz", 0.01, _bins_apart_hz),
    Exercise("return", "blues_song", "count", 0, _n_ways_back),
    Exercise("seventh", "chord", "count", 1, _seventh_cents),
    Exercise("tempo", "disco_song", "count", 3, _tempo_bpm),
    Exercise("masked", "sweep", "percent", 3.0, _hidden_percent),
    Exercise("loss", "chord", "number", 0.02, _loss_of_guessing),
    Exercise("interval", "chord", "percent", 1.5, _lowest_percent),
    Exercise("calibration", "chord", "count", 0, _n_to_be_right),
    Exercise("uniform", "brass", "number", 0.02, _even_percent),
    Exercise("stripe", "disco_song", "number", 0.05, _two_beats_s),
    Exercise("glide", "sweep", "db", 0.5, _percussive_db),
    Exercise("cutoff", "disco_song", "hz", 0.04, _cutoff_hz),
)
