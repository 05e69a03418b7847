"""Draw a tone of sines: each and their sum, and the DFT that finds them again."""

from __future__ import annotations

import numpy as np

import i18n
from audio.notes import note_of
from audio.synth import harmonics
from audio.synth.harmonics import ABSENT_DB, N_HARMONICS, Found, Recipe
from viz.palette import GREY_LINE, ORANGE_LINE
from viz.plot import Axis, Line, Marks, Plot, rounded
from viz.wording import cents, described, phrase, with_minus

N_PERIODS = 2
BOTTOM_DB, TOP_DB = -80.0, 12.0
HEADROOM = 1.08
N_POINTS = 400  # of a sine
COLUMNS = ("harmonic", "frequency", "put_in", "found", "phase_in", "phase_found")


def waves(recipe: Recipe, fundamental_hz: float, changed: int, language: str) -> Plot:
    """Draw two periods of every harmonic, thin, and of their sum.

    Args:
        recipe: levels and phases.
        fundamental_hz: of the tone (Hz).
        changed: number of the harmonic to draw in orange; 0 for none.
        language: of labels.
    """
    length_s = N_PERIODS / fundamental_hz
    turns = np.linspace(0, N_PERIODS, N_POINTS + 1)
    number = np.arange(1, N_HARMONICS + 1)
    angles = 2 * np.pi * np.outer(number, turns)
    phases = np.radians(recipe.phases_deg)[:, None]
    each = recipe.amplitudes[:, None] * np.sin(angles + phases)
    total = each.sum(axis=0)
    height = HEADROOM * max(float(np.abs(total).max()), float(np.abs(each).max()), 0.1)
    times_s = rounded(turns / fundamental_hz, 7)
    present = [n for n in number if recipe.amplitudes[n - 1] > harmonics.FAINT]
    others = [n for n in present if n != changed]
    lines = [
        Line(
            times_s,
            rounded(each[n - 1]),
            name=phrase("each_sine", language) if n == others[0] else "",
            colour=GREY_LINE,
            is_faint=True,
        )
        for n in others
    ]
    if changed in present:
        name = phrase("harmonic_n", language, n=changed)
        lines.append(
            Line(times_s, rounded(each[changed - 1]), name=name, colour=ORANGE_LINE)
        )
    return Plot(
        name="sines",
        x=Axis("time", 0.0, length_s, phrase("time", language)),
        y=Axis("amplitude", -height, height, phrase("amplitude", language)),
        layers=(*lines, Line(times_s, rounded(total), name=phrase("sum", language))),
        title=phrase("sines_title", language),
        facts=(phrase("crest", language, db=harmonics.crest_db(total)),),
    )


def spectrum(found: Found, fundamental_hz: float, language: str) -> Plot:
    """Draw all bins of the DFT, and number the harmonics that it finds."""
    levels_db = 20 * np.log10(np.maximum(found.amplitudes, 10 ** (BOTTOM_DB / 20)))
    stop_hz = (N_HARMONICS + 1) * fundamental_hz
    shown = found.frequencies_hz <= stop_hz
    number = [
        n for n in range(1, N_HARMONICS + 1) if found.levels_db[n - 1] > BOTTOM_DB
    ]
    return Plot(
        name="sines_dft",
        x=Axis("frequency", 0.0, stop_hz, phrase("frequency", language)),
        y=Axis("level", BOTTOM_DB, TOP_DB, phrase("level_full_scale", language)),
        layers=(
            Line(
                rounded(found.frequencies_hz[shown], 2),
                rounded(levels_db[shown], 2),
                "fill",
            ),
            Marks(
                [n * fundamental_hz for n in number],
                [round(float(found.levels_db[n - 1]), 2) for n in number],
                [f"{n}" for n in number],
            ),
        ),
        title=phrase("sines_dft_title", language),
        facts=(
            phrase(
                "whole_periods",
                language,
                n=harmonics.N_ANALYSED,
                n_periods=round(
                    harmonics.N_ANALYSED * fundamental_hz / harmonics.SAMPLING_RATE
                ),
            ),
            phrase("bin_width", language, hz=harmonics.bin_width_hz()),
        ),
    )


def table(
    recipe: Recipe, found: Found, fundamental_hz: float, language: str
) -> tuple[tuple[str, ...], ...]:
    """Tabulate what was put in and what the DFT finds; the head first."""
    put_in_db = 20 * np.log10(np.maximum(recipe.amplitudes, 10 ** (ABSENT_DB / 20)))
    rows = [
        (
            f"{n}",
            f"{n * fundamental_hz:,.1f} Hz",
            _level(put_in_db[n - 1]),
            _level(found.levels_db[n - 1]),
            f"{recipe.phases_deg[n - 1]:.0f}°",
            f"{round(float(found.phases_deg[n - 1])) % 360:.0f}°",
        )
        for n in range(1, N_HARMONICS + 1)
        if recipe.amplitudes[n - 1] > harmonics.FAINT
    ]
    head = tuple(i18n.word(f"see.sines_{name}", language) for name in COLUMNS)
    return (head, *rows) if rows else ()


def describe(recipe: Recipe, fundamental_hz: float, found: Found, language: str) -> str:
    """Describe how many sines sound, how often the wave repeats, and the largest error."""
    heard_hz = harmonics.heard_hz(recipe, fundamental_hz)
    if not heard_hz:
        return phrase("about_no_sines", language)
    is_there = recipe.amplitudes > harmonics.FAINT
    put_in_db = 20 * np.log10(recipe.amplitudes[is_there])
    note = note_of(heard_hz)
    details = {
        "n": int(is_there.sum()),
        "hz": heard_hz,
        "note": note.name,
        "cents": cents(note.cents),
        "error_db": float(np.abs(found.levels_db[is_there] - put_in_db).max()),
    }
    names = ["about_sines", "about_sines_found"]
    if not is_there[round(heard_hz / fundamental_hz) - 1]:
        names.insert(1, "about_missing")
    return described(names, language, **details)


def _level(level_db: float) -> str:
    return with_minus(f"{level_db:.2f}")
