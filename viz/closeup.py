"""Draw some milliseconds: at another rate, in few bits, as the model's input."""

from __future__ import annotations

import numpy as np

import i18n
from audio.clip import Clip
from audio.hubert.preprocessing import (
    FRAME_LENGTH,
    HOP_LENGTH,
    SAMPLING_RATE,
    ModelInput,
)
from audio.levels import FLOOR_DB
from audio.transforms import interpolation
from audio.transforms.quantization import Quantised
from audio.transforms.resampling import alias_hz
from viz.plot import Axis, Line, Marks, Plot, Shape, rounded
from viz.wording import joined, phrase

LENGTH_S = 0.01
STAIRS_S = 0.005  # so that single steps are seen
MIN_HEIGHT = 0.02  # of the y axis, where full scale is 1
HEADROOM = 1.15
ERROR_STEPS = 1.6  # rounding makes 0.5, dither 1 more
N_LINES = 16  # one for each step, where there are no more

N_SHOWN = 10  # frames of the model
FRAMES_S = N_SHOWN * HOP_LENGTH / SAMPLING_RATE
MIN_DEVIATIONS = 3.0  # height of the y axis, in standard deviations
NUMBERS_SHARE = 0.14  # of the height, for the frames' numbers

GREY = 3


def sampling(
    original: Clip, sampled: Clip, start_s: float, since_s: float, language: str
) -> Plot:
    """Draw the new samples as points, the curve that they make, the old curve behind.

    Args:
        original: an excerpt.
        sampled: the same at another rate.
        start_s: where the ten milliseconds start in both (s).
        since_s: where both start in the whole sound (s); for the axis alone.
        language: of labels and facts.
    """
    before = interpolation.curve(original, start_s, LENGTH_S)
    after = interpolation.curve(sampled, start_s, LENGTH_S)
    kept = interpolation.points(sampled, start_s, LENGTH_S)
    at_s = since_s + start_s
    rates = {"n": len(kept.values), "hz": sampled.sampling_rate}
    return Plot(
        name="sampling",
        x=_time(at_s, LENGTH_S, language),
        y=_height(language, before, after, kept),
        layers=(
            _line(before, at_s, colour=GREY),
            _line(after, at_s),
            _line(kept, at_s, "dots"),
        ),
        facts=(
            phrase("samples_shown", language, **rates),
            phrase("behind", language, hz=original.sampling_rate),
        ),
        title=phrase("samples_title", language),
    )


def staircase(
    original: Clip, quantised: Quantised, start_s: float, since_s: float, language: str
) -> Plot:
    """Draw the steps over the original curve; see ``sampling``."""
    before = interpolation.curve(original, start_s, STAIRS_S)
    stairs = interpolation.points(quantised.clip, start_s, STAIRS_S)
    at_s = since_s + start_s
    y = _height(language, before, stairs)
    facts = [phrase("steps", language, n_bits=quantised.n_bits, n=2**quantised.n_bits)]
    if quantised.snr_db is not None:
        facts.append(phrase("snr", language, db=quantised.snr_db))
    return Plot(
        name="staircase",
        x=_time(at_s, STAIRS_S, language),
        y=y,
        layers=(
            *_steps(quantised.step, y, at_s),
            _line(before, at_s, colour=GREY),
            _line(stairs, at_s, "steps"),
        ),
        facts=tuple(facts),
        title=phrase("staircase_title", language),
    )


def error(quantised: Quantised, start_s: float, since_s: float, language: str) -> Plot:
    """Draw what rounding did to each sample, in steps; see ``sampling``."""
    clip = Clip(quantised.error / quantised.step, quantised.clip.sampling_rate)
    at_s = since_s + start_s
    return Plot(
        name="error",
        x=_time(at_s, STAIRS_S, language),
        y=Axis("count", -ERROR_STEPS, ERROR_STEPS, phrase("error_steps", language)),
        layers=(_line(interpolation.points(clip, start_s, STAIRS_S), at_s, "steps"),),
        facts=(phrase("step_size", language, step=quantised.step),),
        title=phrase("error_title", language),
    )


def model_frames(signal: ModelInput, start_s: float, language: str) -> Plot:
    """Draw ten frames of the model's input, each with its beginning, one in full."""
    first = first_shown(signal, start_s)
    at_s = first * HOP_LENGTH / SAMPLING_RATE
    start = first * HOP_LENGTH
    shown = signal.part(start, start + N_SHOWN * HOP_LENGTH + 1)
    wave = interpolation.points(Clip(shown, SAMPLING_RATE), 0.0, FRAMES_S)
    loudest = float(np.abs(wave.values).max(initial=0.0))
    height = 1.1 * max(loudest, MIN_DEVIATIONS)
    top = height * (1 + 2 * NUMBERS_SHARE)
    n_shown = min(signal.n_frames - first, N_SHOWN)
    starts_s = [at_s + i * HOP_LENGTH / SAMPLING_RATE for i in range(n_shown)]
    middles_s = [s + HOP_LENGTH / SAMPLING_RATE / 2 for s in starts_s]
    field_s = [at_s, at_s + FRAME_LENGTH / SAMPLING_RATE]
    field = (Line(field_s, [top, top], "fill", colour=GREY),) if n_shown else ()
    numbers = [f"{first + i + 1}" for i in range(n_shown)]
    return Plot(
        name="model_frames",
        x=_time(at_s, FRAMES_S, language),
        y=Axis("amplitude", -height, top, phrase("deviations", language)),
        layers=(
            *field,
            *(Line([s, s], [-height, top], "rule", colour=GREY) for s in starts_s),
            _line(wave, at_s),
            Marks(middles_s, [height * (1 + NUMBERS_SHARE)] * n_shown, numbers),
        ),
        facts=(
            phrase("frames_of_clip", language, n=signal.n_frames),
            phrase("frame_of_model", language, ms=1000 * FRAME_LENGTH / SAMPLING_RATE),
        ),
    )


def describe_sampling(
    duration_s: float,
    sampling_rate: int,
    strongest_hz: float | None,
    *,
    is_filtered: bool,
    language: str,
) -> str:
    """Describe the number of values, and the effect on the strongest tone.

    Args:
        duration_s: of the whole sound (s).
        sampling_rate: the new one (Hz).
        strongest_hz: of the original, near the ten milliseconds; None in silence.
        is_filtered: whether frequencies above Nyquist were filtered out before.
        language: of the sentences.
    """
    details = {
        "duration_s": duration_s,
        "rate_hz": sampling_rate,
        "n": round(duration_s * sampling_rate),
        "nyquist_hz": sampling_rate / 2,
    }
    sentences = [i18n.word("viz.about_sampling", language, **details)]
    if strongest_hz is not None:
        name = "filtered" if is_filtered else "folded"
        name = name if strongest_hz > sampling_rate / 2 else "kept"
        alias = alias_hz(strongest_hz, sampling_rate)
        tone = {"hz": strongest_hz, "alias_hz": alias}
        sentences.append(i18n.word(f"viz.about_{name}_tone", language, **tone))
    return joined(sentences, language)


def describe_rounding(quantised: Quantised, language: str) -> str:
    """Describe the steps' size and the noise of quantisation."""
    details = {
        "n_bits": quantised.n_bits,
        "n": 2**quantised.n_bits,
        "step": quantised.step,
        "snr_db": quantised.snr_db,
        "rule_db": quantised.rule_db,
    }
    has_noise = bool(np.any(quantised.error))
    name = (
        "snr"
        if quantised.snr_db is not None
        else "no_signal"
        if has_noise
        else "no_error"
    )
    sentences = [
        i18n.word("viz.about_bits", language, **details),
        i18n.word(f"viz.about_{name}", language, **details),
    ]
    return joined(sentences, language)


def first_shown(signal: ModelInput, start_s: float) -> int:
    """Return the first of the frames that a picture from ``start_s`` on shows."""
    last = max(signal.n_frames - N_SHOWN, 0)
    return min(max(round(start_s * SAMPLING_RATE / HOP_LENGTH), 0), last)


def describe_model_input(signal: ModelInput, original: Clip, language: str) -> str:
    """Describe the model's input: samples, frames, and the power lost above 8 kHz."""
    lost_db = signal.lost_db
    details = {
        "duration_s": original.duration_s,
        "n_samples": signal.clip.n_samples,
        "n": signal.n_frames,
        "nyquist_hz": original.sampling_rate / 2,
        "db": lost_db,
    }
    has_more = lost_db is not None and lost_db > FLOOR_DB
    name = "about_unheard" if has_more else "about_all_heard"
    sentences = [
        i18n.word("viz.about_hearing", language, **details),
        i18n.word(f"viz.{name}", language, **details),
    ]
    return joined(sentences, language)


def _line(
    stretch: interpolation.Stretch, at_s: float, shape: Shape = "line", colour: int = 0
) -> Line:
    times_s = rounded(stretch.times_s + at_s, 7)
    return Line(times_s, rounded(stretch.values), shape, colour=colour)


def _time(at_s: float, length_s: float, language: str) -> Axis:
    return Axis("time", at_s, at_s + length_s, phrase("time", language))


def _height(language: str, *stretches: interpolation.Stretch) -> Axis:
    """Make a symmetric axis as high as the loudest value."""
    loudest = max(float(np.abs(s.values).max(initial=0.0)) for s in stretches)
    height = max(HEADROOM * loudest, MIN_HEIGHT)
    return Axis("amplitude", -height, height, phrase("amplitude", language))


def _steps(step: float, y: Axis, at_s: float) -> tuple[Line, ...]:
    """Draw a rule at each quantised value, where they are few."""
    lowest, highest = (round(end / step) for end in (y.start, y.stop))
    if highest - lowest > N_LINES:
        return ()
    xs = [at_s, at_s + STAIRS_S]
    heights = (n * step for n in range(lowest, highest + 1))
    return tuple(Line(xs, [h, h], "rule", colour=GREY) for h in heights)
