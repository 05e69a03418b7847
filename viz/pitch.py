"""Draw pitch as a scale: constant-Q levels, chroma, the spectrogram beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import i18n
from audio.notes import A4_HZ
from audio.transforms import Spectrogram
from audio.transforms.pitch import (
    BINS_PER_OCTAVE,
    CLASSES,
    HEARD_HZ,
    HOP_LENGTH,
    SAMPLING_RATE,
    Pitches,
    cents_off,
    harmonic_note,
)
from viz import palette, spectrogram
from viz.plot import Axis, Image, Plot, Rows, packed, rounded, time_axis
from viz.spectrogram import Cut
from viz.wording import cents, described, phrase

N_COLUMNS = 400  # of the chroma
N_LISTED = 8  # harmonics in the table
HALF_ROW = 2 ** (1 / (2 * BINS_PER_OCTAVE))


def constant_q(found: Pitches, shown_s: tuple[float, float], language: str) -> Plot:
    """Draw levels over time in rows of half a semitone, each octave as high."""
    half_s = HOP_LENGTH / SAMPLING_RATE / 2
    image = Image(
        start_s=shown_s[0] + float(found.times_s[0]) - half_s,
        stop_s=shown_s[0] + float(found.times_s[-1]) + half_s,
        frequencies_hz=rounded(found.frequencies_hz, 3),
        n_columns=len(found.times_s),
        levels=packed(found.levels_db),
        label=phrase("level_of_mel", language),
    )
    ends_hz = (
        float(found.frequencies_hz[0]) / HALF_ROW,
        float(found.frequencies_hz[-1]) * HALF_ROW,
    )
    label = phrase("frequency", language)
    return Plot(
        name="constant_q",
        x=time_axis(shown_s, language),
        y=Axis("frequency", *ends_hz, label, ("note", "log")),
        layers=(image,),
        title=phrase("constant_q_title", language),
        facts=(phrase("rows_per_octave", language, n=BINS_PER_OCTAVE),),
        note=phrase("silence", language) if found.is_silent else "",
    )


def beside(levels: Spectrogram, other: Plot, language: str) -> Plot:
    """Draw the STFT of the same excerpt on the axes of the constant-Q levels."""
    cut = Cut((other.x.start, other.x.stop), language)
    plot = spectrogram.stft(levels, cut)
    title = phrase("spectrogram_title", language)
    return replace(plot, x=other.x, y=other.y, title=title, is_sound=False)


def chroma(found: Pitches, shown_s: tuple[float, float], language: str) -> Plot:
    """Draw the twelve pitch classes over time, all octaves together."""
    n_all = len(found.times_s)
    starts = np.arange(0, n_all, -(-n_all // N_COLUMNS))
    stops = np.append(starts[1:], n_all)
    sums = np.cumsum(np.pad(found.chroma, ((0, 0), (1, 0))), axis=1)
    shares = (sums[:, stops] - sums[:, starts]) / (stops - starts)
    column_s = HOP_LENGTH / SAMPLING_RATE
    ends_s = np.minimum(shown_s[0] + stops * column_s, shown_s[1])
    return Plot(
        name="chroma",
        x=time_axis(shown_s, language),
        y=Axis("row", 0, len(CLASSES), "", names=tuple(CLASSES)),
        layers=(
            Rows(
                starts_s=rounded(shown_s[0] + starts * column_s, 4),
                stops_s=rounded(ends_s, 4),
                shares=[rounded(row, 3) for row in shares],
                colours=[palette.ACCENT] * len(CLASSES),
            ),
        ),
        title=phrase("chroma_title", language),
        facts=(
            phrase("octaves_together", language),
            phrase("strongest_is_full", language),
        ),
        note=phrase("silence", language) if found.is_silent else "",
    )


def table(number: int, a4_hz: float, language: str) -> tuple[tuple[str, ...], ...]:
    """Tabulate harmonics of A2 and the keys nearest to them; the head first."""
    head = tuple(
        i18n.word(f"see.pitch_{name}", language)
        for name in ("harmonic", "frequency", "key", "cents")
    )
    numbers = sorted({*range(1, N_LISTED + 1), number})
    rows = (
        (
            f"{n} ×",
            f"{n * HEARD_HZ * a4_hz / A4_HZ:,.1f} Hz",
            harmonic_note(n).name,
            cents(harmonic_note(n).cents),
        )
        for n in numbers
    )
    return (head, *rows)


def describe(
    found: Pitches,
    number: int,
    used_hz: float,
    tuned_hz: float,
    shown_s: tuple[float, float],
    language: str,
) -> str:
    """Describe the excerpt's tuning, its strongest notes, and one harmonic."""
    note = harmonic_note(number)
    details = {
        "start_s": shown_s[0],
        "stop_s": shown_s[1],
        "tuned_hz": tuned_hz,
        "cents": cents(cents_off(tuned_hz)),
        "used_hz": used_hz,
        "notes": i18n.listed(found.strongest(), language),
        "n": number,
        "key": note.name,
        "off": cents(note.cents),
    }
    names = ["about_excerpt"]
    if not found.is_silent:
        names += ["about_tuning", "about_chroma"]
    names.append("about_harmonic")
    return described(names, language, **details)
