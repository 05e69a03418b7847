"""Every picture of one sound, for the tests of how pictures are drawn."""

import functools
import xml.etree.ElementTree as ET

import ui.sheets
from support.signals import tone
from ui.scene import Scene, Transforms
from ui.tabs.see import mel, spectrogram
from viz import curves
from viz.curves import Curve
from viz.plot import Axis, Plot, Rows, Sheet, time_axis

SVG = "{http://www.w3.org/2000/svg}"
SOUND = ("waveform", "dft", "stft", "mel")
LOSS = Curve("", [10, 20, 30], [2.3, 1.9, 1.2])
ACCURACY = Curve("", [15, 30], [40.0, 70.0])


def sheets(clip, language="en", view=None):
    """Every kind of sheet there is, by name."""
    scene = Scene(clip, Transforms(), language, view)
    return {
        "waveform": ui.sheets.waveform(scene, False),
        "dft": ui.sheets.spectrum(scene, 0.0, 4096, "hann", 1, "peak"),
        "stft": spectrogram.draw(scene, 2048, 0, 4, "hann", "peak"),
        "mel": mel.draw(scene, 128, "slaney", 0, 8000, False, "level"),
        "map": rows(["jazz", "blues"], language),
        "training": training(LOSS, ACCURACY, 100, language),
    }


def rows(names, language="en"):
    """Two rows of shares over ten seconds."""
    shares = Rows([0, 5], [5, 10], [[0.3, 0.9], [0.7, 0.1]], ["#92dadd", "#3f90da"])
    y = Axis("row", 0, 2, "", names=tuple(names))
    plot = Plot("song_map", time_axis((0.0, 10.0), language), y, (shares,))
    return Sheet((plot,), " ".join(names))


def training(loss, accuracy, n_steps, language="en"):
    """A run's two curves."""
    plots = (
        curves.plot("loss", [loss], language, n_steps=n_steps),
        curves.plot("accuracy", [accuracy], language, n_steps=n_steps, is_percent=True),
    )
    return Sheet(plots, curves.describe(loss, accuracy, n_steps, language))


@functools.cache
def sheets_of_a_tone(language="en"):
    return sheets(tone(1000.0), language)


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]
