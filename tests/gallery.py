"""Every picture of one sound, for the tests of how pictures are drawn."""

import functools
import xml.etree.ElementTree as ET

from signals import tone

from audio import dsp
from viz import dft, genres, mel, stft, training, waveform
from viz.style import Look

SVG = "{http://www.w3.org/2000/svg}"
PAGE = Look(width_px=600, height_px=260, theme="page")
RANKING = [("blues", 0.5), ("jazz", 0.3), ("zydeco", 0.2)]
CHUNKS = [(0.0, 10.0, dict(RANKING)), (7.0, 17.0, {"jazz": 0.9, "blues": 0.1})]
SOUND = ("waveform", "dft", "stft", "mel")
CURVES = training.Curves([10, 20, 30], [2.3, 1.9, 1.2], [15, 30], [0.4, 0.7], 100)


def pictures(clip, look):
    """Every picture there is, and its sentence, by name."""
    spectrum = dsp.dft(clip)
    spectrogram, bands = (f(clip, n_columns=look.width_px) for f in (dsp.stft, dsp.mel))
    language = look.language
    return {
        "waveform": (waveform.figure(clip, look), waveform.describe(clip, language)),
        "dft": (dft.figure(spectrum, look), dft.describe(spectrum, language)),
        "stft": (stft.figure(spectrogram, look), stft.describe(spectrogram, language)),
        "mel": (mel.figure(bands, look), mel.describe(bands, language)),
        "genres": (genres.figure(RANKING, look), genres.describe(RANKING, language)),
        "along": (genres.along(CHUNKS, look), genres.describe_along(CHUNKS, language)),
        "training": (
            training.figure(CURVES, look),
            training.describe(CURVES, language),
        ),
    }


@functools.cache
def pictures_of_a_tone(look=PAGE):
    return pictures(tone(1000.0), look)


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]
