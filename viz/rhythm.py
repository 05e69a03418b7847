"""Draw onsets with their beats, and how well each tempo fits."""

from __future__ import annotations

import numpy as np

import i18n
from audio.transforms.rhythm import (
    HIGHEST_BPM,
    HOP_LENGTH,
    LOWEST_BPM,
    OCTAVES,
    SAMPLING_RATE,
    Rhythm,
)
from audio.transforms.windows import Numbers
from viz.palette import ORANGE_LINE
from viz.plot import Axis, Line, Marks, Plot, rounded, time_axis
from viz.wording import joined, phrase

TOP = 1.15


def onsets(
    found: Rhythm, beats_s: Numbers, shown_s: tuple[float, float], language: str
) -> Plot:
    """Draw the onset strength of an excerpt, and its beats as rules.

    Args:
        found: of the excerpt.
        beats_s: from the excerpt's start (s).
        shown_s: where the excerpt starts and stops in the whole sound (s).
        language: of labels and facts.
    """
    since_s, stop_s = shown_s
    rules = tuple(
        Line([since_s + at_s] * 2, [0.0, 1.0], "rule", colour=ORANGE_LINE)
        for at_s in rounded(beats_s, 3)
    )
    return Plot(
        name="onsets",
        x=time_axis((since_s, max(stop_s, since_s + 0.01)), language),
        y=Axis("number", 0.0, TOP, phrase("onset_strength", language)),
        layers=(
            *rules,
            Line(rounded(found.times_s + since_s, 4), rounded(found.onset_strength, 4)),
        ),
        title=phrase("onsets_title", language),
        facts=(
            phrase("beats_found", language, n=len(beats_s)),
            phrase("hop", language, n=HOP_LENGTH, ms=1000 * HOP_LENGTH / SAMPLING_RATE),
        ),
        note="" if len(found.times_s) else phrase("no_rhythm", language),
    )


def tempos(found: Rhythm, language: str) -> Plot:
    """Draw how alike the onsets are one beat later, over tempo; candidates marked."""
    marked = candidates_bpm(found)
    return Plot(
        name="tempos",
        x=Axis("number", LOWEST_BPM, HIGHEST_BPM, phrase("tempo", language)),
        y=Axis("number", 0.0, TOP, phrase("likeness", language)),
        layers=(
            Line(rounded(found.tempos_bpm, 2), rounded(found.likeness, 4), "fill"),
            Marks(
                rounded(np.array(marked), 2),
                [round(found.likeness_at(bpm), 4) for bpm in marked],
                [f"{bpm:.0f}" for bpm in marked],
            ),
        ),
        title=phrase("tempos_title", language),
        note="" if len(found.times_s) else phrase("no_rhythm", language),
    )


def octave_key(octave: float) -> str:
    """Return the key of what a multiple of the tempo is called."""
    return f"octave_{octave:g}".replace(".", "_")


def candidates_bpm(found: Rhythm) -> list[float]:
    """List the tempo and its octaves, as far as the picture goes."""
    if found.tempo_bpm is None:
        return []
    all_bpm = [found.tempo_bpm * octave for octave in OCTAVES]
    return [bpm for bpm in all_bpm if LOWEST_BPM <= bpm <= HIGHEST_BPM]


def table(found: Rhythm, octave: float, language: str) -> tuple[tuple[str, ...], ...]:
    """Tabulate half the tempo, the tempo and twice it; the head first."""
    if found.tempo_bpm is None:
        return ()
    head = ("octave", "bpm", "beat_s", "likeness", "clicked")
    rows = (
        (
            i18n.word(f"see.{octave_key(each)}", language),
            f"{found.tempo_bpm * each:.1f}",
            f"{60 / (found.tempo_bpm * each):.3f} s",
            f"{found.likeness_at(found.tempo_bpm * each):.2f}"
            if found.tempo_bpm * each in candidates_bpm(found)
            else "–",
            "●" if each == octave else "",
        )
        for each in OCTAVES
    )
    return (tuple(i18n.word(f"see.rhythm_{name}", language) for name in head), *rows)


def describe(
    found: Rhythm,
    beats_s: Numbers,
    octave: float,
    shown_s: tuple[float, float],
    language: str,
) -> str:
    """Describe the excerpt, its tempo with its octaves, and the beats."""
    details = {"start_s": shown_s[0], "stop_s": shown_s[1]}
    sentences = [i18n.word("viz.about_excerpt", language, **details)]
    if found.tempo_bpm is None:
        sentences.append(i18n.word("viz.about_no_tempo", language))
        return joined(sentences, language)
    tempo = {
        "bpm": found.tempo_bpm,
        "half": found.tempo_bpm / 2,
        "double": found.tempo_bpm * 2,
        "n": len(beats_s),
        "clicked": found.tempo_bpm * octave,
    }
    sentences.append(i18n.word("viz.about_tempo", language, **tempo))
    if len(beats_s) > 1:
        # Finer than the lags, of whole hops, among which the tempo is chosen.
        tempo["measured"] = 60 * (len(beats_s) - 1) / float(beats_s[-1] - beats_s[0])
        sentences.append(i18n.word("viz.about_beats", language, **tempo))
    return joined(sentences, language)
