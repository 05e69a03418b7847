"""The colours of pictures, on the page and on paper."""

from __future__ import annotations

import zlib

INK, PAPER = "#1f2937", "#ffffff"  # of pictures in files
GREY = "#717581"
ACCENT = "#2b7bba"  # 4.5:1 on white, 4.3:1 on the page's dark background
# Of lines by number, also distinct in lightness, for colour-blind eyes. The page's
# script reads them from here; its grey is the page's own.
LINES = (ACCENT, "#d9690a", "#b0508c", GREY, "#3f9b6c", "#8a6d3b", "#c0504d")
ACCENT_LINE, ORANGE_LINE, GREY_LINE = 0, 1, LINES.index(GREY)
AGAINST, FOR = (
    "#3f8fe0",
    "#f08a24",
)  # what speaks against and for, over an image in greys

# Colour maps of levels: the page's name, and matplotlib's.
LEVEL_MAP = "magma"  # even in lightness, for colour-blind eyes too
LEVEL_MAPS = {name: name for name in (LEVEL_MAP, "cividis", "viridis")} | {
    "grey": "gray"
}

# M. A. Petroff, "Accessible color sequences for data visualization" (2021).
GENRES = {
    "blues": "#3f90da",
    "classical": "#832db6",
    "country": "#a96b59",
    "disco": "#ffa90e",
    "hiphop": "#e76300",
    "jazz": "#92dadd",
    "metal": "#717581",
    "pop": "#94a4a2",
    "reggae": "#b9ac70",
    "rock": "#bd1f01",
}


def genre_colour(genre: str) -> str:
    """Return a genre's colour, "#rrggbb", the same wherever it is named.

    A genre that GTZAN lacks borrows one of the ten, always the same one.
    """
    name = "".join(filter(str.isalnum, genre.lower()))
    others = list(GENRES.values())
    borrowed = others[zlib.crc32(name.encode()) % len(others)]
    return GENRES.get(name, borrowed)
