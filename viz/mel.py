"""The mel spectrogram: level over time in bands spaced as ears space them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import i18n
from audio.dsp import Spectrogram
from viz import image, style, ticks
from viz.image import Range
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure(
    spectrogram: Spectrogram,
    look: Look = DEFAULT,
    *,
    range_db: Range = image.RANGE_DB,
) -> Figure:
    """One image whose bands are all equally high, labelled in Hz at their centres."""
    fig, axes = style.canvas(look)
    n_bands = len(spectrogram.frequencies_hz)
    levels_db = spectrogram.levels_db
    rows = (0.0, float(n_bands))
    image.draw(axes, levels_db, spectrogram, rows, range_db, look)
    centres_hz = spectrogram.frequencies_hz
    ticks_hz = [
        hz for hz in ticks.MEL_TICKS_HZ if centres_hz[0] <= hz <= centres_hz[-1]
    ]
    places = np.interp(ticks_hz, centres_hz, np.arange(n_bands) + 0.5).tolist()
    names = dict(zip(places, map(ticks.hertz, ticks_hz), strict=True))
    ticks.put(axes, "y", names, look.word("mel_frequency"), look)
    return fig


def describe(spectrogram: Spectrogram, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """One sentence with the mel spectrogram's key numbers."""
    low_hz, high_hz = spectrogram.frequencies_hz[[0, -1]]
    return image.describe(spectrogram, "mel", float(low_hz), float(high_hz), language)
