"""Draw the envelope and the partials of one note, beside those of exact multiples."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

import numpy as np

import i18n
from audio.clip import Clip
from audio.synth import timbres
from audio.synth.timbres import Rung
from audio.transforms import Spectrum
from viz.palette import GREY_LINE
from viz.plot import Axis, Line, Marks, Plot, rounded
from viz.wording import cents, joined, phrase, with_minus

SHOWN_S = 1.0  # of the envelope
BOTTOM_DB, TOP_DB = -100.0, 0.0
N_LISTED = 10
COLUMNS = ("number", "frequency", "multiple", "off", "level")


def envelopes(
    notes: Sequence[tuple[str, Clip]], chosen: int, hz: float, language: str
) -> Plot:
    """Draw how notes begin and fade; the chosen one in the accent, others behind.

    Args:
        notes: names and sounds.
        chosen: index of the one that plays.
        hz: their pitch (Hz).
        language: of labels.
    """
    drawn = [timbres.envelope(clip, hz) for _, clip in notes]
    highest = max(float(amplitudes.max(initial=0.0)) for _, amplitudes in drawn)
    others = [i for i in range(len(notes)) if i != chosen]
    colours = dict(zip(others, (GREY_LINE, 1, 2, 4), strict=False))

    def line(i: int) -> Line:
        times_s, amplitudes = drawn[i]
        n_shown = int(np.searchsorted(times_s, SHOWN_S))
        return Line(
            rounded(times_s[:n_shown]),
            rounded(amplitudes[:n_shown]),
            name=notes[i][0],
            colour=colours.get(i, 0),
            is_faint=i != chosen,
        )

    return Plot(
        name="envelopes",
        x=Axis("time", 0.0, SHOWN_S, phrase("time", language)),
        y=Axis("amplitude", 0.0, 1.1 * highest, phrase("amplitude", language)),
        layers=tuple(line(i) for i in (*others, chosen)),
        title=phrase("envelopes_title", language),
        facts=(
            phrase(
                "attack", language, ms=1000 * timbres.attack_s(notes[chosen][1], hz)
            ),
        ),
    )


def partials(levels: Spectrum, rungs: Sequence[Rung], hz: float, language: str) -> Plot:
    """Draw the spectrum of a note; rules mark where exact multiples would be."""
    stop_hz = min((timbres.N_PARTIALS + 1) * hz, levels.sampling_rate / 2)
    shown = levels.frequencies_hz <= stop_hz
    multiples_hz = np.arange(hz, stop_hz, hz)
    return Plot(
        name="partials",
        x=Axis("frequency", 0.0, stop_hz, phrase("frequency", language)),
        y=Axis("level", BOTTOM_DB, TOP_DB, phrase("level_full_scale", language)),
        layers=(
            *(
                Line([each] * 2, [BOTTOM_DB, TOP_DB], "rule", colour=GREY_LINE)
                for each in rounded(multiples_hz, 2)
            ),
            Line(
                rounded(levels.frequencies_hz[shown], 2),
                rounded(np.maximum(levels.levels_db[shown], BOTTOM_DB), 2),
                "fill",
            ),
            Marks(
                [round(rung.frequency_hz, 2) for rung in rungs],
                [round(rung.level_db, 2) for rung in rungs],
                [f"{rung.number}" for rung in rungs],
            ),
        ),
        title=phrase("partials_title", language),
        facts=(phrase("multiples", language, hz=hz),),
    )


def table(
    rungs: Sequence[Rung], hz: float, language: str
) -> tuple[tuple[str, ...], ...]:
    """Tabulate the partials and how far each is from its multiple; the head first."""
    head = tuple(i18n.word(f"see.partial_{name}", language) for name in COLUMNS)
    rows = (
        (
            f"{rung.number}",
            f"{rung.frequency_hz:,.1f} Hz",
            f"{rung.number * hz:,.1f} Hz",
            cents(1200 * log2(rung.frequency_hz / (rung.number * hz))),
            with_minus(f"{rung.level_db:.1f}"),
        )
        for rung in rungs[:N_LISTED]
    )
    return (head, *rows) if rungs else ()


def describe(
    name: str, clip: Clip, rungs: tuple[Rung, ...], hz: float, language: str
) -> str:
    """Describe a note's attack, its strongest partials and its inharmonicity."""
    strong = sorted(rungs, key=lambda rung: -rung.level_db)[:3]
    details = {
        "name": name,
        "hz": hz,
        "ms": 1000 * timbres.attack_s(clip, hz),
        "numbers": i18n.listed([f"{rung.number}" for rung in strong], language),
    }
    sentences = [i18n.word("viz.about_note", language, **details)]
    fit = timbres.inharmonicity(rungs)
    if fit and fit[1] > 1e-6:
        last = rungs[-1]
        off = 1200 * log2(last.frequency_hz / (last.number * hz))
        details = {"b": fit[1], "n": last.number, "cents": cents(off)}
        sentences.append(i18n.word("viz.about_inharmonic", language, **details))
    elif fit:
        sentences.append(i18n.word("viz.about_harmonic_row", language))
    return joined(sentences, language)
