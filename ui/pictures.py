"""A clip and a lesson's knobs in, its picture out: the page and the API share it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import gradio as gr
from gradio.i18n import I18nData

import viz.dft
import viz.mel
import viz.stft
import viz.waveform
from audio import dsp
from audio.clip import Clip
from viz import style
from viz.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]  # and what it shows, in the look's language

# Gradio translates an HTML component's value and label, and no other of its texts:
# the label is on the button that stands there until the first picture.
PLACE = """{{{value}}}{{#if label}}<button type="button">{{{label}}}</button>{{/if}}"""
START = """element.addEventListener("click", (event) => {
  if (event.target.closest("button")) trigger("click");
});"""


def place(
    empty: I18nData, start: I18nData | None = None, name: str = "lesson-picture"
) -> gr.HTML:
    """Where a picture will be; not rendered yet.

    Args:
        empty: what stands there until then.
        start: on a button below it, which fires the place's ``click``.
        name: what the style sheet calls it, besides "picture".
    """
    return gr.HTML(
        empty,
        label=start,
        html_template=PLACE,
        js_on_load=START,
        elem_classes=["picture", name],
        render=False,
    )


def as_html(picture: Picture) -> str:
    """A picture in the page's colours, its words below."""
    figure, words = picture
    return f'{style.svg(figure, alt=words)}<p class="numbers">{html.escape(words)}</p>'


def waveform(clip: Clip, look: Look) -> Picture:
    """Amplitude over time."""
    return viz.waveform.figure(clip, look), viz.waveform.describe(clip, look.language)


def dft(
    clip: Clip, look: Look, *, start_s: float, n_samples: int, window: str
) -> Picture:
    """The spectrum of ``n_samples`` from ``start_s`` on, dB relative to its peak."""
    spectrum = dsp.dft(
        clip, start_s=start_s, n_samples=n_samples, window=window, reference="peak"
    )
    return viz.dft.figure(spectrum, look), viz.dft.describe(spectrum, look.language)


def stft(clip: Clip, look: Look, *, n_fft: int, hop_length: int) -> Picture:
    """Levels over time and frequency (dBFS)."""
    levels = dsp.stft(clip, n_fft=n_fft, hop_length=hop_length, n_columns=look.width_px)
    return viz.stft.figure(levels, look), viz.stft.describe(levels, look.language)


def mel(clip: Clip, look: Look, *, n_mels: int, fmax_hz: float) -> Picture:
    """Levels over time in bands that widen upward, dB relative to the loudest band."""
    levels = dsp.mel(clip, n_mels=n_mels, fmax_hz=fmax_hz, n_columns=look.width_px)
    return viz.mel.figure(levels, look), viz.mel.describe(levels, look.language)
