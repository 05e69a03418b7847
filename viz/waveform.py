"""Draw the waveform: amplitude over time."""

from __future__ import annotations

from math import ceil

import i18n
from audio.clip import Clip
from audio.levels import FLOOR_DB, Extent, Loudness, loudness
from audio.transforms import interpolation, pixels
from viz.plot import N_COLUMNS, Axis, Band, Line, Plot, rounded, time_axis
from viz.wording import phrase, with_minus

N_DOTS = N_COLUMNS // 2  # more samples than that are no longer distinguishable
N_JOINED = 8 * N_COLUMNS  # of fewer, columns would not touch each other
FULL_SCALE = 1.05  # of the y axis; the samples end at 1
HEADROOM = 1.1


def plot(
    clip: Clip,
    shown_s: tuple[float, float],
    loud: Loudness,
    language: str,
    *,
    is_stretched: bool = False,
) -> Plot:
    """Draw amplitude over time: extremes of each column, or the samples themselves.

    Args:
        clip: the whole sound.
        shown_s: start and stop of the visible part (s).
        loud: of the whole sound.
        language: of labels and facts.
        is_stretched: the loudest visible sample fills the height.
    """
    shown = part(clip, *shown_s)
    layers = _wave(clip, shown, *shown_s)
    height = FULL_SCALE
    if is_stretched and shown.n_samples and shown.samples.any():
        height = HEADROOM * float(max(shown.samples.max(), -shown.samples.min()))
    return Plot(
        name="waveform",
        x=time_axis(shown_s, language),
        y=Axis("amplitude", -height, height, phrase("amplitude", language)),
        layers=layers,
        facts=_wave_facts(loud, shown.n_samples, language),
        ratio=0.4,
        is_sound=True,
        note=phrase("silence", language) if loud.peak_dbfs <= FLOOR_DB else "",
    )


def table(loud: Loudness, extent: Extent, language: str) -> tuple[tuple[str, ...], ...]:
    """Tabulate a sound's levels; empty for silence."""
    if loud.peak_dbfs <= FLOOR_DB:
        return ()
    cells = {
        "table_peak": f"{loud.peak_dbfs:.1f} dBFS",
        "table_rms": f"{loud.rms_dbfs:.1f} dBFS",
        "table_crest": f"{loud.crest_db:.1f} dB",
        "table_extremes": f"{extent.lowest:.3f} … {extent.highest:.3f}",
        "table_offset": f"{extent.offset:.5f}",
        "table_clipped": f"{extent.n_full:,}",
    }
    return (
        tuple(phrase(name, language) for name in cells),
        tuple(with_minus(cell) for cell in cells.values()),
    )


def describe(
    clip: Clip, language: str = i18n.DEFAULT_LANGUAGE, loud: Loudness | None = None
) -> str:
    """Describe the waveform's key numbers; ``loud`` where they are known already."""
    loud = loud or loudness(clip)
    name = "about_waveform_silence" if loud.peak_dbfs <= FLOOR_DB else "about_waveform"
    return i18n.word(
        f"viz.{name}",
        language,
        duration_s=clip.duration_s,
        peak_db=loud.peak_dbfs,
        at_s=loud.peak_at_s,
        rms_db=loud.rms_dbfs,
    )


def part(clip: Clip, start_s: float, stop_s: float) -> Clip:
    """Return the visible part; an empty clip stays empty."""
    return clip.slice(start_s, stop_s) if clip.n_samples else clip


def _wave(
    clip: Clip, shown: Clip, start_s: float, stop_s: float
) -> tuple[Band | Line, ...]:
    """Draw extremes, joined samples, or dots on their curve, by how many are shown."""
    if not clip.n_samples:
        return ()
    if shown.n_samples > N_JOINED:
        outline = pixels.envelope(shown.samples, N_COLUMNS)
        return (Band(start_s, stop_s, rounded(outline.lows), rounded(outline.highs)),)
    samples = interpolation.points(clip, start_s, stop_s - start_s)
    times_s = rounded(samples.times_s + start_s, 7)
    if shown.n_samples > N_DOTS:
        return (Line(times_s, rounded(samples.values)),)
    dots = Line(times_s, rounded(samples.values), "dots")
    curve = interpolation.curve(clip, start_s, stop_s - start_s)
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
        phrase("peak", language, db=loud.peak_dbfs),
        phrase("rms", language, db=loud.rms_dbfs),
    )
    if n_samples > N_JOINED:
        n_each = round(n_samples / N_COLUMNS)
        return (*facts, phrase("samples_per_column", language, n=n_each))
    if n_samples <= N_DOTS:
        return (*facts, phrase("dots_and_curve", language, n=n_samples))
    return (*facts, phrase("samples_joined", language, n=n_samples))
