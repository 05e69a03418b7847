"""The spectrogram and the mel spectrogram."""

from __future__ import annotations

import gradio as gr

from audio.clip import Clip
from ui import pictures
from ui.desk import Desk
from ui.language import text
from ui.lessons.frame import draws, lesson
from viz.style import Look

FRAMES = [2**power for power in range(8, 14)]  # 256 to 8192 samples
STARTS_PER_FRAME = (1, 2, 4, 8)  # the hop is 1/1, 1/2, 1/4 or 1/8 of a frame
BANDS = [32, 64, 128, 256]
NYQUIST = 0  # a choice, for half the clip's own rate


def build_stft(desk: Desk) -> None:
    """Lay out the lesson on the STFT and wire it."""
    with lesson("stft") as picture:
        n_fft = gr.Dropdown(FRAMES, value=2048, label=text("see.n_fft"))
        n_starts = gr.Dropdown(
            [(text(f"see.hop_{n}"), n) for n in STARTS_PER_FRAME],
            value=4,
            label=text("see.hop"),
        )
    draws(desk, picture, draw_stft, n_fft, n_starts)


def draw_stft(clip: Clip, look: Look, n_fft: int, n_starts: int) -> str:
    """Levels over time and frequency; ``n_starts`` frames begin in one's length."""
    picture = pictures.stft(clip, look, n_fft=n_fft, hop_length=n_fft // n_starts)
    return pictures.as_html(picture)


def build_mel(desk: Desk) -> None:
    """Lay out the lesson on the mel spectrogram and wire it."""
    with lesson("mel") as picture:
        n_mels = gr.Dropdown(BANDS, value=128, label=text("see.n_mels"))
        fmax_hz = gr.Dropdown(
            [("4 kHz", 4000), ("8 kHz", 8000), (text("see.nyquist"), NYQUIST)],
            value=8000,
            label=text("see.fmax"),
        )
    draws(desk, picture, draw_mel, n_mels, fmax_hz)


def draw_mel(clip: Clip, look: Look, n_mels: int, fmax_hz: int) -> str:
    """Levels over time in mel bands."""
    highest = fmax_hz if fmax_hz != NYQUIST else clip.sampling_rate / 2
    return pictures.as_html(pictures.mel(clip, look, n_mels=n_mels, fmax_hz=highest))
