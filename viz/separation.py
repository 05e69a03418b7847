"""Draw an excerpt and its harmonic and percussive parts, with their levels."""

from __future__ import annotations

from math import isclose

import i18n
from audio import transforms
from audio.levels import FLOOR_DB
from audio.transforms import Frames
from audio.transforms.separation import Parts
from viz import spectrogram
from viz.plot import Plot
from viz.wording import joined, phrase, relative_level

N_COLUMNS = 512  # half a picture's width
WHOLE = "whole"


def plots(parts: Parts, since_s: float, language: str) -> tuple[Plot, ...]:
    """Draw the whole and each part, on the same axes.

    Args:
        parts: of the excerpt.
        since_s: where it starts in the whole sound (s).
        language: of titles, labels and facts.
    """
    frames = Frames(n_fft=parts.n_fft, hop_length=parts.hop_length, n_columns=N_COLUMNS)
    return tuple(
        spectrogram.excerpt(
            transforms.stft(parts.clip(name), frames),
            since_s,
            i18n.word(f"see.part_{name}", language),
            language,
        )
        for name in (WHOLE, *parts.names)
    )


def table(parts: Parts, language: str) -> tuple[tuple[str, ...], ...]:
    """Tabulate each part's level relative to the whole; the head first."""
    head = ("part", "part_level")
    rows = (
        (i18n.word(f"see.part_{name}", language), relative_level(parts.level_db(name)))
        for name in (WHOLE, *parts.names)
    )
    return (tuple(i18n.word(f"see.{name}", language) for name in head), *rows)


def describe(
    parts: Parts, shown_s: tuple[float, float], margin: float, language: str
) -> str:
    """Describe the excerpt, both medians, the parts' levels, and what is lost: nothing."""
    details = {"start_s": shown_s[0], "stop_s": shown_s[1]}
    medians = {
        "frames": parts.n_frames,
        "ms": parts.time_ms,
        "bins": parts.n_bins,
        "hz": parts.band_hz,
    }
    sentences = [
        phrase("about_excerpt", language, **details),
        phrase("about_medians", language, **medians),
    ]
    if parts.level_db(WHOLE) is None:
        sentences.append(phrase("about_no_parts", language))
        return joined(sentences, language)
    levels = {name: relative_level(parts.level_db(name)) for name in parts.names}
    sentences.append(phrase("about_parts", language, **levels))
    if parts.residual is not None:
        rest = {"residual": levels["residual"], "margin": margin}
        sentences.append(phrase("about_residual", language, **rest))
    is_exact = isclose(parts.error_db, FLOOR_DB)
    key = "about_sum_exact" if is_exact else "about_sum"
    sentences.append(phrase(key, language, db=parts.error_db))
    return joined(sentences, language)
