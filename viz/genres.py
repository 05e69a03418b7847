"""What the model heard: genres ranked, and genre along the song."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import i18n
from viz import style, ticks
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_SHOWN = 10
N_NAMED = 3  # in the sentence for those who do not see
BAR_HEIGHT = 0.76  # of a row
GAP_PX = 14
PERCENT_PX = 64

Ranking = Sequence[tuple[str, float]]
Chunks = Sequence[tuple[float, float, Mapping[str, float]]]


def figure(genres: Ranking, look: Look = DEFAULT) -> Figure:
    """A bar a genre, the most probable on top, at most ten.

    Args:
        genres: (genre, probability) from the most probable down.
        look: sizes, colours and language.
    """
    shown = genres[:N_SHOWN]
    names = [genre for genre, _ in shown]
    fig, axes = _rows(names, look, bottom_px=GAP_PX)
    for row, (genre, probability) in enumerate(shown):
        percent = 100 * probability
        axes.barh(row, 100, height=BAR_HEIGHT, color=look.ink, alpha=0.07)
        axes.barh(row, percent, height=BAR_HEIGHT, color=style.genre_colour(genre))
        axes.annotate(
            f"{percent:.1f}%",
            (100, row),
            (8, 0),
            textcoords="offset points",
            va="center_baseline",
            **style.text(look),
        )
    axes.set_xlim(0, 100)
    axes.set_xticks([])
    return fig


def along(chunks: Chunks, look: Look = DEFAULT) -> Figure:
    """Genre along the song: a row a genre, as high as its probability at that time.

    Args:
        chunks: (start in s, stop in s, probabilities by genre) in the order of time; a
            chunk that overlaps the one before is drawn from where that one ends.
        look: sizes, colours and language.
    """
    names = [genre for genre, _ in _means(chunks)[:N_SHOWN]]
    fig, axes = _rows(names, look, bottom_px=style.BOTTOM_PX)
    stops_s = [stop_s for _, stop_s, _ in chunks]
    edges_s = [*(start_s for start_s, _, _ in chunks[:1]), *stops_s]
    for row, genre in enumerate(names):
        heights = [BAR_HEIGHT * by_genre.get(genre, 0.0) for _, _, by_genre in chunks]
        floor = row + BAR_HEIGHT / 2
        tops = [floor - height for height in (*heights, *heights[-1:])]
        colour = style.genre_colour(genre)
        axes.axhspan(row - BAR_HEIGHT / 2, floor, color=look.ink, alpha=0.07, lw=0)
        axes.fill_between(edges_s, tops, floor, step="post", color=colour, linewidth=0)
    ticks.time_axis(axes, 0, max([*stops_s, 1e-3]), look)
    return fig


def describe(genres: Ranking, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """One sentence with the most probable genres."""
    return i18n.word("viz.about_genres", language, ranking=_spoken(genres, language))


def describe_along(chunks: Chunks, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """One sentence with the song's length and its genres over all chunks."""
    return i18n.word(
        "viz.about_along",
        language,
        duration_s=max((stop_s for _, stop_s, _ in chunks), default=0.0),
        n=len(chunks),
        ranking=_spoken(_means(chunks), language),
    )


def _means(chunks: Chunks) -> list[tuple[str, float]]:
    """Each genre's mean probability over the chunks, the most probable first."""
    sums: dict[str, float] = {}
    for _, _, by_genre in chunks:
        for genre, probability in by_genre.items():
            sums[genre] = sums.get(genre, 0.0) + probability / len(chunks)
    return sorted(sums.items(), key=lambda item: -item[1])


def _spoken(genres: Ranking, language: str) -> str:
    named = (f"{style.plain(g)} {p:.0%}" for g, p in genres[:N_NAMED])
    return i18n.listed(named, language)


def _rows(names: Sequence[str], look: Look, *, bottom_px: int) -> tuple[Figure, Axes]:
    """Axes with one named row a genre, the first on top."""
    names = [style.plain(name) for name in names]
    left_px = round(max(map(style.text_px, names), default=0)) + GAP_PX
    fig, axes = style.canvas(
        look, left_px=left_px, right_px=PERCENT_PX, top_px=GAP_PX, bottom_px=bottom_px
    )
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    return fig, axes
