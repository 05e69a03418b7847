"""Describe genre along a song, as the text alternative of its map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import i18n
from viz.wording import plain

N_NAMED = 3
MIN_SHOWN = 0.01  # probability; what is less likely is not named

Chunks = Sequence[tuple[float, float, Mapping[str, float]]]


def describe_along(chunks: Chunks, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Describe a song's length and its likeliest genres over all chunks.

    Args:
        chunks: (start in s, stop in s, probabilities by genre) in the order of time.
        language: of the sentence.
    """
    means: dict[str, float] = {}
    for _, _, by_genre in chunks:
        for genre, probability in by_genre.items():
            means[genre] = means.get(genre, 0.0) + probability / len(chunks)
    ranked = sorted(means.items(), key=lambda item: -item[1])
    likely = [pair for pair in ranked[:N_NAMED] if pair[1] >= MIN_SHOWN] or ranked[:1]
    named = (f"{plain(genre)} {mean:.0%}" for genre, mean in likely)
    return i18n.word(
        "viz.about_along",
        language,
        duration_s=max((stop_s for _, stop_s, _ in chunks), default=0.0),
        n=len(chunks),
        ranking=i18n.listed(named, language),
    )
