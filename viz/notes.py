"""Draw a visitor's notes on a sound over its spectrogram, as ``ui/canvas/notes.js`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from viz import png, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT = "stft"  # whose picture has notes
N_NOTES, N_LETTERS = 500, 200  # as in notes.js
LONGEST_S = 1e6
WIDEST_PX = 220  # of a text
PAD_PX, ROW_PX = 4, 16
WHITE = "#ffffff"
SHADE_ALPHA, HALO_ALPHA = 0.16, 0.7
DASHES = (0, (2, 3))


@dataclass(frozen=True)
class Note:
    """What somebody wrote about a moment or a part of a sound.

    Attributes:
        start_s: where it begins.
        stop_s: where it ends; of a moment ``start_s``.
        text: one line.
    """

    start_s: float
    stop_s: float
    text: str


def read(given: object) -> tuple[Note, ...]:
    """Read the notes that a page sends; whatever is none is left out."""
    if not isinstance(given, list | tuple):
        return ()
    return tuple(note for each in given[:N_NOTES] if (note := _read(each)))


def _read(given: object) -> Note | None:
    if not isinstance(given, Mapping):
        return None
    start_s, stop_s, text = (given.get(key) for key in ("start_s", "stop_s", "text"))
    if not (isinstance(start_s, int | float) and isinstance(stop_s, int | float)):
        return None
    line = "".join(c for c in str(text)[:N_LETTERS] if c.isprintable()).strip()
    if not (line and isinstance(text, str) and 0 <= start_s <= stop_s < LONGEST_S):
        return None
    return Note(float(start_s), float(stop_s), line)


def draw(axes: Axes, notes: Sequence[Note]) -> None:
    """Shade parts, mark their edges; a text that would be over another one is lower.

    Args:
        axes: whose x is time (s), with their limits.
        notes: the earliest first; those that begin and end elsewhere are left out.
    """
    low_s, high_s = axes.get_xlim()
    width_px, height_px = style.size_px(axes)
    px_per_s = width_px / (high_s - low_s)
    taken: list[float] = []  # where each line of texts ends (px)
    for note in notes:
        if note.stop_s < low_s or note.start_s > high_s:
            continue
        _mark(axes, note)
        text, wide_px = _fitted(note.text)
        at_px = min((note.start_s - low_s) * px_per_s, width_px - wide_px - 2 * PAD_PX)
        at_px = max(at_px, 0.0) + PAD_PX
        row = next((i for i, end in enumerate(taken) if end < at_px), len(taken))
        taken[row : row + 1] = [at_px + wide_px + 2 * PAD_PX]
        down_px = 10 + row * ROW_PX
        if down_px < height_px:
            _write(axes, text, at_px / width_px, 1 - down_px / height_px)
    axes.set_xlim(low_s, high_s)


def _mark(axes: Axes, note: Note) -> None:
    shade: dict[str, Any] = {"color": WHITE, "alpha": SHADE_ALPHA, "linewidth": 0}
    if note.stop_s > note.start_s:
        axes.axvspan(note.start_s, note.stop_s, **shade)
    for edge_s in {note.start_s, note.stop_s}:
        axes.axvline(edge_s, color=WHITE, linewidth=1.0, linestyle=DASHES)


def _fitted(text: str) -> tuple[str, float]:
    """Return as much of a text as there is room for, and its width (px)."""
    shown = text
    while (px := style.text_px(shown)) > WIDEST_PX and len(text) > 1:
        text = text[:-1]
        shown = f"{text}…"
    return shown, px


def _write(axes: Axes, text: str, x: float, y: float) -> None:
    """Write a text in white with a dark edge, at shares of the axes.

    It is in whatever script people write, and an outline in an SVG too.
    """
    from matplotlib.patheffects import withStroke

    halo = withStroke(linewidth=3, foreground=(0, 0, 0, HALO_ALPHA))
    place: dict[str, Any] = {"transform": axes.transAxes, "va": "center"}
    other = None if text.isascii() else png.font_for(png.MANY_SCRIPTS)
    look = style.TEXT | {"color": WHITE, "path_effects": [halo]}
    look |= {"family": ["sans-serif", other]} if other else {}
    axes.text(x, y, text, **place, **look)
