"""How every picture looks: colours, fonts, sizes, light and dark; nothing else sets them.

Figures are matplotlib's objects without pyplot, so that none stays registered. One unit
is one pixel: figures have 72 dots an inch, and a font of size 12 is 12 pixels high.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import i18n
from viz import markup
from viz import png as png_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Theme = Literal["light", "dark", "page"]

DPI = 72  # matplotlib's points are then pixels
FONT_PX = 12.0
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 64, 84, 26, 44  # around the axes
LABEL_PX = 50  # from the axes to the middle of the words beside them
CAPTION_PX = 8  # from the axes to the line above
BESIDE_PX = 44  # likewise, of a scale on the right
GRID_ALPHA = 0.14
TICK_PX = 64  # the least room for a labelled tick along the bottom
MINUS = re.compile(r"-(?=\d)")  # as matplotlib writes it on the axes

ACCENT = "#2b7bba"  # 4.5:1 on white, 4.3:1 on the dark paper
LEVEL_MAP = "cividis"  # even in lightness, the same for colour-blind eyes

# M. A. Petroff, "Accessible color sequences for data visualization" (2021).
GENRE_COLOURS = {
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

# matplotlib's settings and Python's warnings belong to the whole process.
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Look:
    """What the person who looks has chosen.

    Attributes:
        width_px: of the whole picture; text keeps its size.
        height_px: of the whole picture.
        theme: "light", "dark", or "page": transparent, text in the page's own colour.
        language: of axes and captions. A PNG has no Chinese glyphs; an SVG is drawn in
            the visitor's own fonts.
    """

    width_px: int = 1000
    height_px: int = 320
    theme: Theme = "light"
    language: str = "en"

    def word(self, name: str, **details: object) -> str:
        """A text of the section ``viz``."""
        return i18n.word(f"viz.{name}", self.language, **details)

    @property
    def ink(self) -> str:
        """The colour of text and lines."""
        return {"light": "#1f2937", "dark": "#e5e7eb", "page": markup.INK}[self.theme]

    @property
    def paper(self) -> str:
        """The colour behind everything."""
        return {"light": "#ffffff", "dark": "#0b0f19", "page": "none"}[self.theme]


DEFAULT = Look()


def genre_colour(genre: str) -> str:
    """A genre's colour, "#rrggbb", the same wherever it is named.

    A genre that GTZAN lacks borrows one of the ten, always the same one.
    """
    name = "".join(filter(str.isalnum, genre.lower()))
    others = list(GENRE_COLOURS.values())
    borrowed = others[zlib.crc32(name.encode()) % len(others)]
    return GENRE_COLOURS.get(name, borrowed)


def canvas(
    look: Look,
    *,
    left_px: int = LEFT_PX,
    right_px: int = RIGHT_PX,
    top_px: int = TOP_PX,
    bottom_px: int = BOTTOM_PX,
) -> tuple[Figure, Axes]:
    """An empty figure and its axes, which begin and end on whole pixels."""
    from matplotlib.figure import Figure

    size = (look.width_px / DPI, look.height_px / DPI)
    figure = Figure(figsize=size, dpi=DPI, facecolor=look.paper)
    width_px = look.width_px - left_px - right_px
    height_px = look.height_px - top_px - bottom_px
    axes = figure.add_axes(shares(look, left_px, bottom_px, width_px, height_px))
    dress(axes, look)
    return figure, axes


def dress(axes: Axes, look: Look) -> None:
    """Give axes the look's colours and font size."""
    axes.set_facecolor("none")
    axes.tick_params(
        which="both", color=look.ink, labelcolor=look.ink, labelsize=FONT_PX
    )
    axes.tick_params(which="both", width=0.8, length=4)
    axes.tick_params(which="minor", length=2)
    for name, spine in axes.spines.items():
        spine.set(color=look.ink, linewidth=0.8, visible=name in ("left", "bottom"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(color=look.ink, fontsize=FONT_PX)
    place_label(axes, -LABEL_PX)


def figure_of(axes: Axes) -> Figure:
    """The figure that axes stand in."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def place_label(axes: Axes, x_px: float) -> None:
    """Put the y axis's words at a fixed distance, so that pictures line up."""
    axes.yaxis.set_label_coords(x_px / size_px(axes)[0], 0.5)


def size_px(axes: Axes) -> tuple[int, int]:
    """Width and height of the axes in pixels."""
    box = axes.get_window_extent()
    return round(box.width), round(box.height)


def scale_beside(
    axes: Axes, ticks: Mapping[float, str], x_px: float, label: str, look: Look
) -> None:
    """A labelled scale to the right of the axes, at a tenth of what an axis costs.

    Args:
        axes: beside which it stands.
        ticks: words at shares of the axes' height.
        x_px: from the right edge of the axes.
        label: quantity and unit.
        look: colours and sizes.
    """
    px = 1 / size_px(axes)[0]
    left = 1 + x_px * px
    in_shares: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
    for share, word in ticks.items():
        middle = {"va": "center_baseline", **in_shares, **text(look)}
        axes.text(left + 7 * px, share, word, **middle)
    xs = [left, left + 4 * px, np.nan] * len(ticks)
    axes.plot(xs, np.repeat(list(ticks), 3), color=look.ink, lw=0.8, **in_shares)
    middle = {"ha": "center", "va": "center", "rotation": 90, **in_shares}
    axes.text(left + BESIDE_PX * px, 0.5, label, **middle, **text(look))


def grid(axes: Axes, look: Look) -> None:
    """Faint lines at the labelled ticks, behind the data."""
    axes.grid(color=look.ink, alpha=GRID_ALPHA, linewidth=0.8)
    axes.set_axisbelow(True)


def has_grid(axes: Axes) -> bool:
    """Whether ``grid`` was asked for."""
    return axes.get_axisbelow() is True


def caption(axes: Axes, parts: Sequence[str], look: Look) -> None:
    """One line above the axes: as many of ``parts`` as fit, the first ones first."""
    room_px = look.width_px - axes.get_window_extent().x0
    line = parts[0]
    for part in parts[1:]:
        if text_px(f"{line} · {part}") > room_px:
            break
        line = f"{line} · {part}"
    line = MINUS.sub("−", line)
    top = 1 + CAPTION_PX / size_px(axes)[1]  # no title: to place one costs a layout
    axes.text(0, top, line, alpha=0.8, transform=axes.transAxes, **text(look))


def text(look: Look) -> dict[str, Any]:
    """What every text of a picture has in common."""
    return {"color": look.ink, "fontsize": FONT_PX, "parse_math": False}


def note(axes: Axes, word: str, colour: str) -> None:
    """A word in the middle of the axes, such as "silence"."""
    middle: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "transform": axes.transAxes,
    }
    axes.text(0.5, 0.5, word, color=colour, fontsize=FONT_PX + 2, **middle)


def text_px(line: str) -> float:
    """About how wide a text is; Chinese characters are squares."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return FONT_PX * (wide + 0.58 * (len(line) - wide))


def cents(cents: float) -> str:
    """How far from a note: +7, −31, 0."""
    return f"{round(cents):+d}".replace("-", "−").replace("+0", "0")


def joined(sentences: Sequence[str], language: str) -> str:
    """Sentences in a row; Chinese ones need no space between them."""
    return ("" if language.startswith("zh") else " ").join(sentences)


def plain(name: str, n_characters: int = 28) -> str:
    """A name from outside, fit for a picture: printable and not too long."""
    name = "".join(c if c.isprintable() else "\ufffd" for c in name)
    return name if len(name) <= n_characters else f"{name[: n_characters - 1]}…"


def png(figure: Figure, language: str = i18n.DEFAULT_LANGUAGE) -> bytes:
    """The picture as a PNG of the look's size.

    Args:
        figure: a picture.
        language: of its texts; ``viz.png.language_for`` says which can be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    font = png_file.font_for(language)
    with _settings({"font.sans-serif": [font]} if font else {}):
        canvas.draw()
    return png_file.encoded(np.asarray(canvas.buffer_rgba()))


def svg(figure: Figure, alt: str) -> str:
    """The picture as an SVG element for the middle of a page.

    It need not know the glyphs of every language: a page's fonts draw them.

    Args:
        figure: a picture; with the theme "page" it takes on the page's text colour.
        alt: one sentence that says what it shows, for those who do not see it.
    """
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    buffer = io.BytesIO()
    with _settings({"svg.fonttype": "none"}):  # text stays text
        figure.savefig(buffer, format="svg", metadata=nothing)
    return markup.inline(buffer.getvalue(), alt)


@contextmanager
def _settings(settings: Any) -> Iterator[None]:
    """The settings of matplotlib while one picture is written."""
    import matplotlib

    with ONE_AT_A_TIME, matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def shares(
    look: Look, left_px: int, bottom_px: int, width_px: int, height_px: int
) -> tuple[float, float, float, float]:
    """A rectangle in pixels as matplotlib wants it, in shares of the figure."""
    return (
        left_px / look.width_px,
        bottom_px / look.height_px,
        width_px / look.width_px,
        height_px / look.height_px,
    )
