"""Draw levels over time as an image on paper, with its colour bar."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio.transforms.frames import Levels
from viz import style
from viz.wording import with_minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.image import AxesImage

Range = tuple[float, float]

BAR_GAP_PX, BAR_PX, ARROW_PX = 14, 12, 12
STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 10)  # of the bar's numbers; 20 above


def put(
    axes: Axes,
    levels: Levels,
    extent: tuple[float, float, float, float],
    limits: Range,
    colours: str,
) -> None:
    """Draw an image, lowest row first, each pixel in the colour of the nearest value.

    Args:
        axes: linear ones; their limits may still change.
        levels: (n_rows, n_columns).
        extent: left, right, bottom and top of it, in the units of the axes.
        limits: the values of the first and the last colour.
        colours: matplotlib's name of the colour map.
    """
    from matplotlib.image import AxesImage

    image = AxesImage(axes, cmap=colours, origin="lower", extent=extent)
    image.set_data(levels)
    image.set_clim(limits)
    image.make_image = partial(_made, image)  # type: ignore[assignment, method-assign]
    axes.add_image(image)


def _made(image: AxesImage, *_: Any) -> tuple[Any, int, int, None]:
    """Return the image's pixels, lowest row first, and where they begin in the figure.

    Instead of matplotlib's own resampling, which takes ten times as long.
    """
    box = image.axes.get_window_extent()
    left, right, bottom, top = image.get_extent()
    n_rows, n_columns = image.get_size()
    limits = image.axes.get_xlim(), image.axes.get_ylim()
    width_px, height_px = style.size_px(image.axes)
    x, columns = _nearest(limits[0], (left, right), width_px, n_columns)
    y, rows = _nearest(limits[1], (bottom, top), height_px, n_rows)
    levels = np.asarray(image.get_array())
    colours = image.to_rgba(levels, bytes=True).view(np.uint32)[..., 0]
    shown = colours.take(rows, axis=0).take(columns, axis=1)
    pixels_there = shown.view(np.uint8).reshape(*shown.shape, 4)
    return pixels_there, round(box.x0) + x, round(box.y0) + y, None


def _nearest(
    limits: Range, ends: Range, n_pixels: int, n_values: int
) -> tuple[int, NDArray[np.intp]]:
    """Return the first pixel with a value, and which value each pixel from there shows."""
    middles = np.interp(np.arange(n_pixels) + 0.5, (0, n_pixels), limits)
    nearest = np.floor((middles - ends[0]) / (ends[1] - ends[0]) * n_values)
    inside = np.flatnonzero((nearest >= 0) & (nearest < n_values))
    return int(inside[0]) if len(inside) else 0, nearest[inside].astype(np.intp)


def bar(
    axes: Axes,
    limits: Range,
    label: str,
    colours: str | Colormap,
    values: NDArray[np.float64] | None = None,
) -> None:
    """Draw the colour bar; its arrows are for all values beyond its ends.

    Its ticks are at ``values``, or else at round ones.

    By hand, because matplotlib's own costs as much as the picture.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Polygon
    from matplotlib.transforms import Affine2D

    figure = style.figure_of(axes)
    box = axes.get_window_extent()
    height_px = round(box.height)
    left, bottom = round(box.x1) + BAR_GAP_PX, round(box.y0)
    low, high = bottom + ARROW_PX, bottom + height_px - ARROW_PX
    shades = np.repeat(np.linspace(0, 1, high - low)[:, None], BAR_PX, axis=1)
    colour_map = colormaps[colours] if isinstance(colours, str) else colours
    # Pixels of a figure as it is made; of one that is drawn larger, larger ones.
    points = Affine2D().scale(1 / style.DPI) + figure.dpi_scale_trans
    figure.figimage(shades, left, low, cmap=colour_map, origin="lower")
    for edge, tip, end in ((low, bottom, 0.0), (high, bottom + height_px, 1.0)):
        corners = [(left, edge), (left + BAR_PX, edge), (left + BAR_PX / 2, tip)]
        arrow = Polygon(corners, color=colour_map(end), linewidth=0)
        arrow.set_transform(points)
        figure.add_artist(arrow)
    if values is None:
        step = next((s for s in STEPS if limits[1] - limits[0] <= 6 * s), 20)
        first = np.ceil(limits[0] / step - 1e-9) * step
        values = np.arange(first, limits[1] + 1e-9, step)
    shares = np.interp(values, limits, (low - bottom, high - bottom)) / height_px
    words_there = [with_minus(f"{value:g}") for value in values]
    ticks_there = dict(zip(shares.tolist(), words_there, strict=True))
    style.scale_beside(axes, ticks_there, BAR_GAP_PX + BAR_PX, label)
