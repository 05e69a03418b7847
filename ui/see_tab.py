"""The tab See: four lessons, from the waveform to the mel spectrogram."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import Dependency
from gradio.i18n import I18nData

from audio.clip import Clip
from audio.frames import WINDOWS
from ui import pictures
from ui.access import Visitor
from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.language import text
from ui.pictures import Picture
from ui.screen import look_of
from viz.style import Look

PASSAGES = [2**power for power in range(8, 15)]  # 256 to 16384 samples
FRAMES = [2**power for power in range(8, 14)]  # 256 to 8192 samples
STARTS_PER_FRAME = (1, 2, 4, 8)  # the hop is 1/1, 1/2, 1/4 or 1/8 of a frame
BANDS = [32, 64, 128, 256]
NYQUIST = 0  # a choice, for half the clip's own rate
SLIDER_STEP_S = 0.01


def build(desk: Desk) -> None:
    """Lay out the lessons and wire them."""
    _waveform(desk)
    _dft(desk)
    _stft(desk)
    _mel(desk)


def loudest_s(clip: Clip, n_samples: int) -> float:
    """Where a passage of ``n_samples`` begins that has the loudest sample inside (s)."""
    middle = int(np.abs(clip.samples).argmax())
    start = min(middle - n_samples // 2, clip.n_samples - n_samples)
    return max(start, 0) / clip.sampling_rate


@contextmanager
def _lesson(name: str, start: I18nData | None = None) -> Iterator[gr.HTML]:
    """One lesson's place; controls made inside stand below its text."""
    picture = pictures.place(text("see.empty"), start)
    with gr.Row(elem_classes="lesson"):
        with gr.Column(scale=1, min_width=260):
            gr.Markdown(text(f"see.{name}_title"), elem_classes="lesson-title")
            gr.Markdown(text(f"see.{name}_text"))
            yield picture
        with gr.Column(scale=2, min_width=320):
            picture.render()


def _draws(
    desk: Desk,
    picture: gr.HTML,
    draw: Callable[..., Picture],
    *knobs: Any,
    after: Dependency | None = None,
) -> None:
    """Draw at each new sound and at each turn of a knob.

    Args:
        desk: what the tabs share.
        picture: where to.
        draw: of the clip, the look and the knobs' values.
        knobs: the controls that redraw this picture, and only this one.
        after: what sets the knobs for a new sound, if something does.
    """

    @desk.guarded
    def redraw(
        path: str | None, width_px: float, *values: Any, visitor: Visitor
    ) -> Any:
        if path is None:
            return gr.skip()
        look = look_of(width_px, visitor)
        return pictures.as_html(draw(desk.clip(path), look, *values))

    inputs = [desk.bar.path, desk.width_px, *knobs]
    at_new_sound = after.then if after else desk.bar.path.change
    at_new_sound(redraw, inputs, picture, **QUIETLY)
    if knobs:
        gr.on([knob.input for knob in knobs], redraw, inputs, picture, **QUIETLY)


def _waveform(desk: Desk) -> None:
    with _lesson("waveform", start=text("see.start_with_example")) as picture:
        pass
    picture.click(desk.bar.first_example, None, desk.bar.player, **QUIETLY)
    _draws(desk, picture, pictures.waveform)


def _dft(desk: Desk) -> None:
    with _lesson("dft") as picture:
        start_s = gr.Slider(0, 1, 0, step=SLIDER_STEP_S, label=text("see.start_s"))
        n_samples = gr.Dropdown(PASSAGES, value=4096, label=text("see.n_samples"))
        window = gr.Dropdown(
            [(text(f"see.{name}"), name) for name in WINDOWS],
            value="hann",
            label=text("see.window"),
        )

    def draw(clip: Clip, look: Look, start_s: float, n: int, window: str) -> Picture:
        return pictures.dft(clip, look, start_s=start_s, n_samples=n, window=window)

    @desk.guarded
    def place(path: str | None, n: int) -> Any:
        if path is None:
            return gr.skip()
        clip = desk.clip(path)
        last_s = max(clip.duration_s - n / clip.sampling_rate, SLIDER_STEP_S)
        return gr.Slider(maximum=round(last_s, 3), value=round(loudest_s(clip, n), 3))

    placed = desk.bar.path.change(place, [desk.bar.path, n_samples], start_s, **QUIETLY)
    _draws(desk, picture, draw, start_s, n_samples, window, after=placed)


def _stft(desk: Desk) -> None:
    with _lesson("stft") as picture:
        n_fft = gr.Dropdown(FRAMES, value=2048, label=text("see.n_fft"))
        n_starts = gr.Dropdown(
            [(text(f"see.hop_{n}"), n) for n in STARTS_PER_FRAME],
            value=4,
            label=text("see.hop"),
        )

    def draw(clip: Clip, look: Look, n_fft: int, n_starts: int) -> Picture:
        return pictures.stft(clip, look, n_fft=n_fft, hop_length=n_fft // n_starts)

    _draws(desk, picture, draw, n_fft, n_starts)


def _mel(desk: Desk) -> None:
    with _lesson("mel") as picture:
        n_mels = gr.Dropdown(BANDS, value=128, label=text("see.n_mels"))
        fmax_hz = gr.Dropdown(
            [("4 kHz", 4000), ("8 kHz", 8000), (text("see.nyquist"), NYQUIST)],
            value=8000,
            label=text("see.fmax"),
        )

    def draw(clip: Clip, look: Look, n_mels: int, fmax_hz: int) -> Picture:
        highest = fmax_hz if fmax_hz != NYQUIST else clip.sampling_rate / 2
        return pictures.mel(clip, look, n_mels=n_mels, fmax_hz=highest)

    _draws(desk, picture, draw, n_mels, fmax_hz)
