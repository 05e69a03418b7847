"""A clip and settings in, a picture on paper out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import viz.dft
import viz.mel
import viz.stft
import viz.waveform
from audio import dsp
from audio.clip import Clip
from viz.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]  # and what it shows, in the look's language


def waveform(clip: Clip, look: Look) -> Picture:
    """Amplitude over time."""
    return viz.waveform.figure(clip, look), viz.waveform.describe(clip, look.language)


def dft(clip: Clip, look: Look, **settings: Any) -> Picture:
    """The spectrum of one passage, with the settings of ``dsp.dft``."""
    spectrum = dsp.dft(clip, **settings)
    return viz.dft.figure(spectrum, look), viz.dft.describe(spectrum, look.language)


def stft(clip: Clip, look: Look, **settings: Any) -> Picture:
    """Levels over time and frequency (dBFS), with the settings of ``dsp.stft``."""
    levels = dsp.stft(clip, n_columns=look.width_px, **settings)
    return viz.stft.figure(levels, look), viz.stft.describe(levels, look.language)


def mel(clip: Clip, look: Look, **settings: Any) -> Picture:
    """Levels over time in bands that widen upward, with the settings of ``dsp.mel``."""
    levels = dsp.mel(clip, n_columns=look.width_px, **settings)
    return viz.mel.figure(levels, look), viz.mel.describe(levels, look.language)
