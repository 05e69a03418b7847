"""Draw some milliseconds: at another rate, in few bits, as the model's input."""

from __future__ import annotations

import numpy as np

import i18n
from audio.clip import Clip, Samples
from audio.hubert.preprocessing import (
    HOP_LENGTH,
    SAMPLING_RATE,
    FrontEnd,
    ModelInput,
)
from audio.levels import FLOOR_DB
from audio.transforms import interpolation, pixels
from audio.transforms.quantization import Quantised
from audio.transforms.resampling import alias_hz
from viz.palette import GREY_LINE
from viz.plot import N_COLUMNS, Axis, Band, Line, Marks, Plot, Shape, rounded
from viz.wording import described, joined, phrase

LENGTH_S = 0.01
STAIRS_S = 0.005  # so that single steps are seen
MIN_HEIGHT = 0.02  # of the y axis, where full scale is 1
HEADROOM = 1.15
ERROR_STEPS = 1.6  # rounding makes 0.5, dither 1 more
N_LINES = 16  # one for each step, where there are no more

N_SHOWN = 10  # frames of the model
FRAMES_S = N_SHOWN * HOP_LENGTH / SAMPLING_RATE  # of HuBERT
MIN_DEVIATIONS = 3.0  # height of the y axis, in standard deviations
NUMBERS_SHARE = 0.14  # of the height, for the frames' numbers


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
            _line(before, at_s, colour=GREY_LINE),
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
            _line(before, at_s, colour=GREY_LINE),
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
    """Draw ten frames of the model's input, each with its beginning, one in full.

    A frame's number is above the hop that it begins, whatever it depends on before and
    behind that.
    """
    front_end = signal.front_end
    hop_s = front_end.hop_length / SAMPLING_RATE
    first, at_s = first_shown(signal, start_s), shown_from_s(signal, start_s)
    start = first * front_end.hop_length
    shown = signal.part(start, start + N_SHOWN * front_end.hop_length + 1)
    loudest = float(np.abs(shown).max(initial=0.0))
    height = 1.1 * max(
        loudest, MIN_DEVIATIONS if front_end.is_normalized else MIN_HEIGHT
    )
    top = height * (1 + 2 * NUMBERS_SHARE)
    n_shown = min(signal.n_frames - first, N_SHOWN)
    starts_s = [at_s + i * hop_s for i in range(n_shown)]
    field_s = signal.starts_s[first : first + 1].tolist()
    field_s = [s + length_s for s in field_s for length_s in (0.0, _frame_s(front_end))]
    field = (Line(field_s, [top, top], "fill", colour=GREY_LINE),) if n_shown else ()
    numbers = [f"{first + i + 1}" for i in range(n_shown)]
    unit = "deviations" if front_end.is_normalized else "amplitude"
    about = {"hop_ms": 1000 * hop_s, "ms": 1000 * _frame_s(front_end)}
    return Plot(
        name="model_frames",
        x=_time(at_s, N_SHOWN * hop_s, language),
        y=Axis("amplitude", -height, top, phrase(unit, language)),
        layers=(
            *field,
            *(Line([s, s], [-height, top], "rule", colour=GREY_LINE) for s in starts_s),
            _wave(shown, at_s),
            Marks(
                [s + hop_s / 2 for s in starts_s],
                [height * (1 + NUMBERS_SHARE)] * n_shown,
                numbers,
            ),
        ),
        facts=(
            phrase("frames_of_window", language, n=signal.n_frames),
            phrase("frame_of_model", language, **about),
        ),
    )


def _wave(samples: Samples, at_s: float) -> Line | Band:
    """Draw samples at 16 kHz; of very many, their outline."""
    if len(samples) <= N_COLUMNS * 4:
        wave = interpolation.points(Clip(samples, SAMPLING_RATE), 0.0, len(samples))
        return _line(wave, at_s)
    outline = pixels.envelope(samples, N_COLUMNS)
    stop_s = at_s + len(samples) / SAMPLING_RATE
    return Band(at_s, stop_s, rounded(outline.lows), rounded(outline.highs))


def _frame_s(front_end: FrontEnd) -> float:
    return front_end.frame_length / SAMPLING_RATE


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
    sample = start_s * SAMPLING_RATE - signal.start
    return min(max(round(sample / signal.front_end.hop_length), 0), last)


def shown_from_s(signal: ModelInput, start_s: float) -> float:
    """Return where in the clip a picture from ``start_s`` on begins (s)."""
    n_before = first_shown(signal, start_s) * signal.front_end.hop_length
    return (signal.start + n_before) / SAMPLING_RATE


def describe_model_input(
    signal: ModelInput, original: Clip, title: str, language: str
) -> str:
    """Describe a model's input: its frames, its window, what is lost on the way.

    Args:
        signal: a window of the clip.
        original: the clip at its own rate.
        title: the model's name.
        language: of the sentences.
    """
    front_end, lost_db = signal.front_end, signal.lost_db
    details = {
        "title": title,
        "duration_s": original.duration_s,
        "n_samples": signal.clip.n_samples,
        "n": signal.n_frames,
        "n_layers": len(front_end.kernels),
        "n_mels": front_end.n_mels,
        "hop_ms": 1000 * front_end.hop_length / SAMPLING_RATE,
        "ms": 1000 * _frame_s(front_end),
        "window_s": front_end.window_s,
        "start_s": signal.start / SAMPLING_RATE,
        "nyquist_hz": original.sampling_rate / 2,
        "db": lost_db,
    }
    has_more = lost_db is not None and lost_db > FLOOR_DB
    names = [
        f"about_front_{front_end.reads}",
        "about_hearing",
        _window_of(signal),
        *_level_of(front_end),
        "about_unheard" if has_more else "about_all_heard",
    ]
    return described(names, language, **details)


def _window_of(signal: ModelInput) -> str:
    """Name the sentence on how much of the clip the window is."""
    if signal.is_repeated:
        return "about_window_repeated"
    is_all = len(signal.window) >= signal.clip.n_samples
    return "about_window_all" if is_all else "about_window_part"


def _level_of(front_end: FrontEnd) -> list[str]:
    """Name the sentences on what becomes of the level."""
    found = ["about_level_normalised"] if front_end.is_normalized else []
    if front_end.has_group_norm:
        found.append("about_level_group")
    return found or (["about_level_kept"] if front_end.n_mels else [])


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
    return tuple(Line(xs, [h, h], "rule", colour=GREY_LINE) for h in heights)
