"""Draw spectrograms: level over time and frequency, in linear bins or mel bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

import i18n
from audio.levels import power
from audio.transforms import Spectrogram, pixels
from viz.palette import ORANGE_LINE
from viz.plot import (
    POWER_STEP,
    Axis,
    Image,
    Line,
    Plot,
    Scale,
    packed,
    rounded,
    time_axis,
)
from viz.wording import phrase

N_ROWS = 400  # of pixels; a screen of fine pixels shows two for each
LEVELS = {"peak": "level_of_mel", "full_scale": "level_of_linear"}
LOW_RATIO = 0.34  # of several above one another, so that they are seen at once
LOWEST_HZ = 1.0  # of an axis that may become logarithmic
FMIN_HZ = 32.0  # of an STFT: just below C1, the lowest note that most music needs


@dataclass(frozen=True)
class Cut:
    """The part of the sound that a spectrogram shows; for axes and facts.

    Attributes:
        shown_s: start and stop of the visible part (s).
        language: of labels and facts.
        is_zoomed: the hop is finer than asked, so that each column has its frame.
        is_coarse: the hop is longer than asked, because the sound is long.
        title: above the plot, where two are side by side.
    """

    shown_s: tuple[float, float]
    language: str
    is_zoomed: bool = False
    is_coarse: bool = False
    title: str = ""


def stft(levels: Spectrogram, cut: Cut) -> Plot:
    """Draw level over time and frequency."""
    fmin_hz, fmax_hz = range_hz(levels)
    rows_db, frequencies_hz = pixels.fine_rows(levels, N_ROWS)
    scales: tuple[Scale, ...] = ("log", "linear", "mel", "note")
    y = Axis("frequency", fmin_hz, fmax_hz, phrase("frequency", cut.language), scales)
    label = phrase("level_of_linear", cut.language)
    image = _image(rows_db, frequencies_hz, levels, label)
    return _levels("stft", image, y, frame_facts(levels, cut), levels, cut)


def folded(
    levels: Spectrogram, nyquist_hz: float, since_s: float, language: str
) -> Plot:
    """Draw an excerpt's spectrogram at another rate, empty above its new Nyquist.

    Args:
        levels: of the excerpt at its new rate.
        nyquist_hz: of the excerpt as it was; the axis ends there at the latest.
        since_s: where it starts in the whole sound (s).
        language: of labels and facts.
    """
    new_hz = levels.sampling_rate / 2
    top_hz = max(new_hz, min(nyquist_hz, 2 * new_hz))
    levels = replace(levels, times_s=levels.times_s + since_s)
    rows_db, frequencies_hz = pixels.fine_rows(levels, N_ROWS)
    image = _image(rows_db, frequencies_hz, levels, phrase("level_of_linear", language))
    name = phrase("nyquist", language, hz=new_hz)
    ends_s = (max(image.start_s, since_s), image.stop_s)
    rule = Line(list(ends_s), [new_hz, new_hz], "rule", name, colour=ORANGE_LINE)
    scales: tuple[Scale, ...] = ("linear", "log", "mel")
    return Plot(
        name="folded",
        x=time_axis(ends_s, language),
        y=Axis("frequency", LOWEST_HZ, top_hz, phrase("frequency", language), scales),
        layers=(image, rule) if new_hz < top_hz else (image,),
        facts=(name,),
        title=phrase("folded_title", language),
        note=phrase("silence", language) if levels.is_silent else "",
    )


def excerpt(
    levels: Spectrogram,
    since_s: float,
    title: str,
    language: str,
    *,
    scales: tuple[Scale, ...] = ("mel", "log", "linear", "note"),
    top_hz: float | None = None,
    rules_hz: Mapping[str, float] = MappingProxyType({}),
) -> Plot:
    """Draw an excerpt's spectrogram, beside others on the same axes.

    Args:
        levels: of the excerpt.
        since_s: where it starts in the whole sound (s).
        title: above it.
        language: of labels and facts.
        scales: of the frequencies, the first one shown first.
        top_hz: where the axis ends; at its Nyquist frequency by default.
        rules_hz: frequencies to mark, by what they are called.
    """
    nyquist_hz = levels.sampling_rate / 2
    levels = replace(levels, times_s=levels.times_s + since_s)
    rows_db, frequencies_hz = pixels.fine_rows(levels, N_ROWS)
    image = _image(rows_db, frequencies_hz, levels, phrase("level_of_linear", language))
    ends_s = (max(image.start_s, since_s), image.stop_s)
    rules = (
        Line(list(ends_s), [hz, hz], "rule", name, colour=ORANGE_LINE)
        for name, hz in rules_hz.items()
    )
    bottom_hz = min(FMIN_HZ, nyquist_hz / 10)
    stop_hz = nyquist_hz if top_hz is None else top_hz
    return Plot(
        name="excerpt",
        x=time_axis(ends_s, language),
        y=Axis("frequency", bottom_hz, stop_hz, phrase("frequency", language), scales),
        layers=(image, *rules),
        facts=frame_facts(levels, Cut(ends_s, language)),
        title=title,
        ratio=LOW_RATIO,
        note=phrase("silence", language) if levels.is_silent else "",
    )


def mel(levels: Spectrogram, cut: Cut, *, is_power: bool = False) -> Plot:
    """Draw level over time in mel bands of equal height.

    Args:
        levels: relative to the loudest, if ``is_power``.
        cut: of its sound.
        is_power: shows their power, from 0 to 1.
    """
    low, *_, high = edges = _edges_hz(levels.frequencies_hz)
    scales: tuple[Scale, ...] = ("mel", "log", "linear", "note")
    y = Axis("frequency", low, high, phrase("mel_frequency", cut.language), scales)
    label = phrase(LEVELS[levels.reference], cut.language)
    image = _image(levels.levels_db, levels.frequencies_hz, levels, label)
    if is_power:
        image = replace(
            image,
            levels=packed(power(levels.levels_db), 0.0, POWER_STEP),
            label=phrase("power_of_mel", cut.language),
            limits=(0.0, 1.0),
            quantity="power",
            bottom=0.0,
            step=POWER_STEP,
        )
    n_bands = phrase("bands", cut.language, n=len(edges) - 1)
    facts = (n_bands, *frame_facts(levels, cut))
    return _levels("mel", image, y, facts, levels, cut)


def describe(levels: Spectrogram, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Describe the duration, the range of frequencies and the loudest point."""
    first_s = levels.times_s[0] - levels.column_s / 2
    stop_s = levels.times_s[-1] + levels.column_s / 2
    duration_s = stop_s - max(first_s, 0.0)
    picture = {"linear": "stft", "mel": "mel"}[levels.scale]
    fmin_hz, fmax_hz = range_hz(levels)
    row, column = np.unravel_index(np.argmax(levels.levels_db), levels.levels_db.shape)
    return i18n.word(
        f"viz.about_{picture}_silence" if levels.is_silent else f"viz.about_{picture}",
        language,
        n=len(levels.levels_db),
        duration_s=round(duration_s, 1) if duration_s > 1 else duration_s,
        fmin_hz=fmin_hz,
        fmax_hz=fmax_hz,
        at_s=levels.times_s[column],
        hz=levels.frequencies_hz[row],
        db=levels.levels_db[row, column],
    )


def range_hz(levels: Spectrogram) -> tuple[float, float]:
    """Return the lowest and highest frequency that a picture of levels names.

    Of an STFT where its axis begins, lower where the rate is very low, and Nyquist; of
    mel bands the first and the last centre.
    """
    low_hz, high_hz = (float(hz) for hz in levels.frequencies_hz[[0, -1]])
    return (
        (low_hz, high_hz)
        if levels.scale == "mel"
        else (min(FMIN_HZ, high_hz / 10), high_hz)
    )


def frame_facts(levels: Spectrogram, cut: Cut) -> tuple[str, ...]:
    """List a spectrogram's parameters: frames, hop, window, pooling, bins."""
    ms = 1000 / levels.sampling_rate
    n_fft, hop, n_each = levels.n_fft, levels.hop_length, levels.n_frames_per_column
    pooled = {"peak": "frames_per_column", "mean": "mean_per_column"}[levels.pooling]
    hops = "hop_zoomed" if cut.is_zoomed else "hop_coarse" if cut.is_coarse else "hop"
    parts: tuple[tuple[str, dict[str, float]], ...] = (
        ("frame", {"n": n_fft, "ms": n_fft * ms}),
        (hops, {"n": hop, "ms": hop * ms}),
        ("overlap", {"percent": 100 * (1 - hop / n_fft)}),
        *(((pooled, {"n": n_each}),) if n_each > 1 else ()),
        (f"window_{levels.window}", {}),
        ("bin_width", {"hz": levels.sampling_rate / n_fft}),
        ("nyquist", {"hz": levels.sampling_rate / 2}),
    )
    return tuple(phrase(name, cut.language, **details) for name, details in parts)


def _levels(
    name: str,
    image: Image,
    y: Axis,
    facts: tuple[str, ...],
    levels: Spectrogram,
    cut: Cut,
) -> Plot:
    """Return the plot of an image of levels over the time of the sound."""
    return Plot(
        name=name,
        x=time_axis(cut.shown_s, cut.language),
        y=y,
        layers=(image,),
        facts=facts,
        title=cut.title,
        is_sound=True,
        note=phrase("silence", cut.language) if levels.is_silent else "",
    )


def _image(
    rows_db: np.ndarray, frequencies_hz: np.ndarray, levels: Spectrogram, label: str
) -> Image:
    """Return levels as an image whose columns are the spectrogram's."""
    n_columns = rows_db.shape[1]
    half_s = levels.column_s / 2
    return Image(
        start_s=float(levels.times_s[0]) - half_s,
        stop_s=float(levels.times_s[-1]) + half_s,
        frequencies_hz=rounded(frequencies_hz, 2),
        n_columns=n_columns,
        levels=packed(rows_db),
        label=label,
    )


def _edges_hz(centres_hz: np.ndarray) -> list[float]:
    """Compute the bands' edges, half-way to their neighbours; (n_bands + 1,) Hz."""
    if len(centres_hz) == 1:
        return [LOWEST_HZ, 2 * float(centres_hz[0])]
    middles = (centres_hz[1:] + centres_hz[:-1]) / 2
    low = max(centres_hz[0] - (middles[0] - centres_hz[0]), LOWEST_HZ)
    high = 2 * centres_hz[-1] - middles[-1]
    return [float(hz) for hz in (low, *middles, high)]
