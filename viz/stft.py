"""The spectrogram: level over time and frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import words
from audio import pixels
from audio.dsp import Spectrogram
from viz import image, style
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FMIN_HZ = 32.0  # just below C1, the lowest note that most music needs
TICK_PX = 15


def figure(spectrogram: Spectrogram, look: Look = DEFAULT) -> Figure:
    """One image whose rows are evenly spaced in the logarithm of frequency."""
    fig, axes = style.canvas(look)
    _, height_px = style.size_px(axes)
    fmin_hz, fmax_hz = _range_hz(spectrogram)
    levels_db = pixels.rows(spectrogram, height_px, "log", fmin_hz)
    bottom_top = (float(np.log10(fmin_hz)), float(np.log10(fmax_hz)))
    image.draw(axes, levels_db, spectrogram, bottom_top, look)
    ticks_hz = style.frequency_ticks(fmin_hz, fmax_hz, height_px, TICK_PX)
    axes.set_yticks(np.log10(ticks_hz), [style.hertz(hz) for hz in ticks_hz])
    axes.set_ylabel(look.word("frequency"))
    return fig


def describe(spectrogram: Spectrogram, language: str = words.DEFAULT_LANGUAGE) -> str:
    """One sentence with the spectrogram's key numbers."""
    fmin_hz, fmax_hz = _range_hz(spectrogram)
    return image.describe(spectrogram, "stft", fmin_hz, fmax_hz, language)


def _range_hz(spectrogram: Spectrogram) -> tuple[float, float]:
    """The picture's lowest and highest frequency; a very low rate lowers the first."""
    nyquist_hz = float(spectrogram.frequencies_hz[-1])
    return min(FMIN_HZ, nyquist_hz / 10), nyquist_hz
