"""Pictures over the time of the chosen sound: waveform and spectrograms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import numpy as np

import viz.image
import viz.stft
from audio import pixels, zoom
from audio.clip import Clip
from audio.dsp import Spectrogram
from audio.levels import FLOOR_DB, Extent, Loudness, power
from ui.pictures.plot import (
    POWER_STEP,
    Axis,
    Band,
    Image,
    Line,
    Plot,
    Scale,
    packed,
    rounded,
)
from ui.pictures.writing import said
from viz.style import MINUS

N_COLUMNS = 1024  # of a picture's width; a wide page shows about 800
N_ROWS = 400  # of pixels; a screen of fine pixels shows two for each
N_DOTS = N_COLUMNS // 2  # more samples than that are no longer told apart
N_JOINED = 8 * N_COLUMNS  # of fewer, columns would not touch each other
LEVELS = {"peak": "level_of_mel", "full_scale": "level_of_linear"}
FULL_SCALE = 1.05  # of the y axis; the samples end at 1
HEADROOM = 1.1
LOWEST_HZ = 1.0  # of an axis that may become logarithmic


@dataclass(frozen=True)
class Cut:
    """How a spectrogram was cut out of its sound; for axes and facts.

    Attributes:
        shown_s: start and stop of what is seen (s).
        language: of labels and facts.
        is_zoomed: the hop is finer than asked, so that each column has its frame.
        title: above the plot, where two stand side by side.
    """

    shown_s: tuple[float, float]
    language: str
    is_zoomed: bool = False
    title: str = ""


def waveform(
    clip: Clip,
    shown_s: tuple[float, float],
    loud: Loudness,
    language: str,
    *,
    is_stretched: bool = False,
) -> Plot:
    """Amplitude over time: extremes of each column, or the samples themselves.

    Args:
        clip: the whole sound.
        shown_s: start and stop of what is seen (s).
        loud: of the whole sound.
        language: of labels and facts.
        is_stretched: the loudest sample that is seen fills the height.
    """
    part = _part(clip, *shown_s)
    layers = _wave(clip, part, *shown_s)
    height = FULL_SCALE
    if is_stretched and part.n_samples and part.samples.any():
        height = HEADROOM * float(max(part.samples.max(), -part.samples.min()))
    return Plot(
        name="waveform",
        x=time_axis(shown_s, language),
        y=Axis("amplitude", -height, height, said("amplitude", language)),
        layers=layers,
        facts=_wave_facts(loud, part.n_samples, language),
        ratio=0.4,
        is_sound=True,
        note=said("silence", language) if loud.peak_dbfs <= FLOOR_DB else "",
    )


def wave_table(
    loud: Loudness, extent: Extent, language: str
) -> tuple[tuple[str, ...], ...]:
    """How loud a sound is, in several ways; nothing of silence."""
    if loud.peak_dbfs <= FLOOR_DB:
        return ()
    cells = {
        "table_peak": f"{loud.peak_dbfs:.1f} dBFS",
        "table_rms": f"{loud.rms_dbfs:.1f} dBFS",
        "table_crest": f"{loud.crest_db:.1f} dB",
        "table_extremes": f"{extent.lowest:.3f} … {extent.highest:.3f}",
        "table_offset": f"{extent.offset:.5f}",
        "table_clipped": f"{extent.n_clipped:,}",
    }
    return (
        tuple(said(name, language) for name in cells),
        tuple(MINUS.sub("−", cell) for cell in cells.values()),
    )


def stft(levels: Spectrogram, cut: Cut) -> Plot:
    """Level over time and frequency."""
    fmin_hz, fmax_hz = viz.stft.range_hz(levels)
    rows_db, frequencies_hz = pixels.fine_rows(levels, N_ROWS)
    scales: tuple[Scale, ...] = ("log", "linear", "mel", "note")
    y = Axis("frequency", fmin_hz, fmax_hz, said("frequency", cut.language), scales)
    label = said("level_of_linear", cut.language)
    image = _image(rows_db, frequencies_hz, levels, label)
    return _levels("stft", image, y, frame_facts(levels, cut), levels, cut)


def folded(
    levels: Spectrogram, nyquist_hz: float, since_s: float, language: str
) -> Plot:
    """An excerpt's spectrogram at another rate: above its new Nyquist there is nothing.

    Args:
        levels: of the excerpt at its new rate.
        nyquist_hz: of the excerpt as it was; as far, at most, the axis shows nothing.
        since_s: where it starts in the whole sound (s).
        language: of labels and facts.
    """
    new_hz = levels.sampling_rate / 2
    top_hz = max(new_hz, min(nyquist_hz, 2 * new_hz))
    levels = replace(levels, times_s=levels.times_s + since_s)
    rows_db, frequencies_hz = pixels.fine_rows(levels, N_ROWS)
    image = _image(rows_db, frequencies_hz, levels, said("level_of_linear", language))
    name = said("nyquist", language, hz=new_hz)
    ends_s = (max(image.start_s, since_s), image.stop_s)
    rule = Line(list(ends_s), [new_hz, new_hz], "rule", name, colour=1)
    scales: tuple[Scale, ...] = ("linear", "log", "mel")
    return Plot(
        name="folded",
        x=time_axis(ends_s, language),
        y=Axis("frequency", LOWEST_HZ, top_hz, said("frequency", language), scales),
        layers=(image, rule) if new_hz < top_hz else (image,),
        facts=(name,),
        title=said("folded_title", language),
        note=said("silence", language) if levels.is_silent else "",
    )


def mel(levels: Spectrogram, cut: Cut, *, is_power: bool = False) -> Plot:
    """Level over time in bands as high as each other, as the mel scale has them.

    Args:
        levels: relative to the loudest, if ``is_power``.
        cut: of its sound.
        is_power: shows the power that they stand for, from 0 to 1.
    """
    low, *_, high = edges = _edges_hz(levels.frequencies_hz)
    scales: tuple[Scale, ...] = ("mel", "log", "linear", "note")
    y = Axis("frequency", low, high, said("mel_frequency", cut.language), scales)
    label = said(LEVELS[levels.reference], cut.language)
    image = _image(levels.levels_db, levels.frequencies_hz, levels, label)
    if is_power:
        image = _in_power(image, levels, cut.language)
    n_bands = said("bands", cut.language, n=len(edges) - 1)
    facts = (n_bands, *frame_facts(levels, cut))
    return _levels("mel", image, y, facts, levels, cut)


def on_axes_of(plot: Plot, other: Plot) -> Plot:
    """The plot with the other's axes, so that what lies at one height is the same."""
    return replace(plot, x=other.x, y=other.y)


def time_axis(shown_s: tuple[float, float], language: str) -> Axis:
    """A time in the sound, in seconds or min:s as the page writes it."""
    key = "time_min" if shown_s[1] > 60 else "time"
    return Axis("time", *shown_s, said(key, language))


def frame_facts(levels: Spectrogram, cut: Cut) -> tuple[str, ...]:
    """How a spectrogram was made: frames, hop, window, what a column shows, bins."""
    ms = 1000 / levels.sampling_rate
    n_fft, hop, n_each = levels.n_fft, levels.hop_length, levels.n_frames_per_column
    pooled = {"peak": "frames_per_column", "mean": "mean_per_column"}[levels.pooling]
    parts: tuple[tuple[str, dict[str, float]], ...] = (
        ("frame", {"n": n_fft, "ms": n_fft * ms}),
        ("hop_zoomed" if cut.is_zoomed else "hop", {"n": hop, "ms": hop * ms}),
        ("overlap", {"percent": 100 * (1 - hop / n_fft)}),
        *(((pooled, {"n": n_each}),) if n_each > 1 else ()),
        (f"window_{levels.window}", {}),
        ("bin_width", {"hz": levels.sampling_rate / n_fft}),
        ("nyquist", {"hz": levels.sampling_rate / 2}),
    )
    return tuple(said(name, cut.language, **details) for name, details in parts)


def _levels(
    name: str,
    image: Image,
    y: Axis,
    facts: tuple[str, ...],
    levels: Spectrogram,
    cut: Cut,
) -> Plot:
    return Plot(
        name=name,
        x=time_axis(cut.shown_s, cut.language),
        y=y,
        layers=(image,),
        facts=facts,
        title=cut.title,
        is_sound=True,
        note=said("silence", cut.language) if levels.is_silent else "",
    )


def _image(
    rows_db: np.ndarray, frequencies_hz: np.ndarray, levels: Spectrogram, label: str
) -> Image:
    n_columns = rows_db.shape[1]
    half_s = levels.column_s / 2
    return Image(
        start_s=float(levels.times_s[0]) - half_s,
        stop_s=float(levels.times_s[-1]) + half_s,
        frequencies_hz=rounded(frequencies_hz, 2),
        n_columns=n_columns,
        levels=packed(rows_db),
        label=label,
        limits=viz.image.RANGE_DB,
    )


def _in_power(image: Image, levels: Spectrogram, language: str) -> Image:
    return replace(
        image,
        levels=packed(power(levels.levels_db), 0.0, POWER_STEP),
        label=said("power_of_mel", language),
        limits=(0.0, 1.0),
        quantity="power",
        bottom=0.0,
        step=POWER_STEP,
    )


def _edges_hz(centres_hz: np.ndarray) -> list[float]:
    """Where bands end, half-way to their neighbours; (n_bands + 1,) Hz."""
    if len(centres_hz) == 1:
        return [LOWEST_HZ, 2 * float(centres_hz[0])]
    middles = (centres_hz[1:] + centres_hz[:-1]) / 2
    low = max(centres_hz[0] - (middles[0] - centres_hz[0]), LOWEST_HZ)
    high = 2 * centres_hz[-1] - middles[-1]
    return [float(hz) for hz in (low, *middles, high)]


def _part(clip: Clip, start_s: float, stop_s: float) -> Clip:
    """What is seen; of nothing, nothing."""
    return clip.slice(start_s, stop_s) if clip.n_samples else clip


def _wave(
    clip: Clip, part: Clip, start_s: float, stop_s: float
) -> tuple[Band | Line, ...]:
    if not clip.n_samples:
        return ()
    if part.n_samples > N_JOINED:
        outline = pixels.envelope(part.samples, N_COLUMNS)
        return (Band(start_s, stop_s, rounded(outline.lows), rounded(outline.highs)),)
    samples = zoom.points(clip, start_s, stop_s - start_s)
    times_s = rounded(samples.times_s + start_s, 7)
    if part.n_samples > N_DOTS:
        return (Line(times_s, rounded(samples.values)),)
    dots = Line(times_s, rounded(samples.values), "dots")
    curve = zoom.curve(clip, start_s, stop_s - start_s)
    every = max(ceil(len(curve.values) / (4 * N_COLUMNS)), 1)
    return (
        Line(
            rounded(curve.times_s[::every] + start_s, 7), rounded(curve.values[::every])
        ),
        dots,
    )


def _wave_facts(loud: Loudness, n_samples: int, language: str) -> tuple[str, ...]:
    if loud.peak_dbfs <= FLOOR_DB:
        return ()
    facts = (
        said("peak", language, db=loud.peak_dbfs),
        said("rms", language, db=loud.rms_dbfs),
    )
    if n_samples > N_JOINED:
        n_each = round(n_samples / N_COLUMNS)
        return (*facts, said("samples_per_column", language, n=n_each))
    if n_samples <= N_DOTS:
        return (*facts, said("dots_and_curve", language, n=n_samples))
    return (*facts, said("samples_joined", language, n=n_samples))
