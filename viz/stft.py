"""The spectrogram: level over time and frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import i18n
from audio import pixels
from audio.dsp import Spectrogram
from audio.pixels import Scale
from viz import image, style, ticks
from viz.image import Range
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FMIN_HZ = 32.0  # just below C1, the lowest note that most music needs


def figure(
    spectrogram: Spectrogram,
    look: Look = DEFAULT,
    *,
    scale: Scale = "log",
    range_db: Range = image.RANGE_DB,
) -> Figure:
    """One image whose rows are evenly spaced in frequency, its logarithm, or in mel."""
    fig, axes = style.canvas(look)
    _, height_px = style.size_px(axes)
    fmin_hz, fmax_hz = range_hz(spectrogram)
    if scale != "log":
        fmin_hz = 0.0
    levels_db = pixels.rows(spectrogram, height_px, scale, fmin_hz)
    low, high = ticks.places([fmin_hz, fmax_hz], scale).tolist()
    image.draw(axes, levels_db, spectrogram, (low, high), range_db, look)
    ticks_hz = ticks.frequencies_hz(fmin_hz, fmax_hz, height_px, scale)
    places = ticks.places(ticks_hz, scale).tolist()
    names = dict(zip(places, map(ticks.hertz, ticks_hz), strict=True))
    ticks.put(axes, "y", names, look.word("frequency"), look)
    return fig


def describe(spectrogram: Spectrogram, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """One sentence with the spectrogram's key numbers."""
    fmin_hz, fmax_hz = range_hz(spectrogram)
    return image.describe(spectrogram, "stft", fmin_hz, fmax_hz, language)


def range_hz(spectrogram: Spectrogram) -> tuple[float, float]:
    """The picture's lowest and highest frequency; a very low rate lowers the first."""
    nyquist_hz = float(spectrogram.frequencies_hz[-1])
    return min(FMIN_HZ, nyquist_hz / 10), nyquist_hz
