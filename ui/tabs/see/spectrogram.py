"""The spectrogram: one frame length, or two beside each other."""

from __future__ import annotations

import gradio as gr

from audio.transforms import FRAMES, Frames
from audio.transforms.frames import Pooling
from ui import sheets
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Choices, Lesson, draws, lesson
from ui.tabs.see.spectrum import windows
from viz.plot import Sheet

LENGTHS = [2**power for power in range(8, 14)]  # 256 to 8192 samples
NONE = 0  # a choice, for no second picture
STARTS_PER_FRAME = (1, 2, 4, 8)  # the hop is 1/1, 1/2, 1/4 or 1/8 of a frame
N_STARTS = FRAMES.n_fft // FRAMES.hop_length
POOLINGS = ("peak", "mean")


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("stft") as picture:
        n_fft = gr.Dropdown(LENGTHS, value=FRAMES.n_fft, label=text("see.n_fft"))
        beside: Choices = [(text("see.none"), NONE), *((str(n), n) for n in LENGTHS)]
        n_fft_beside = gr.Dropdown(beside, value=NONE, label=text("see.beside"))
        n_starts = gr.Dropdown(
            [(text(f"see.hop_{n}"), n) for n in STARTS_PER_FRAME],
            value=N_STARTS,
            label=text("see.hop"),
        )
        window = windows()
        poolings = [(text(f"see.pooling_{name}"), name) for name in POOLINGS]
        pooling = gr.Radio(poolings, value="peak", label=text("see.pooling"))
    knobs = {
        "n_fft": n_fft,
        "n_fft_beside": n_fft_beside,
        "n_starts": n_starts,
        "window": window,
        "pooling": pooling,
    }
    return draws(session, Lesson("stft", picture, knobs, draw, is_over_time=True))


def draw(
    scene: Scene,
    n_fft: int,
    n_fft_beside: int,
    n_starts: int,
    window: str,
    pooling: Pooling,
) -> Sheet:
    """Draw levels over time and frequency; ``n_starts`` frames begin in one's length."""
    lengths = (n_fft, n_fft_beside) if n_fft_beside else (n_fft,)
    wanted = tuple(Frames(n, n // n_starts, window, pooling=pooling) for n in lengths)
    knobs = {"n_fft_beside": n_fft_beside, "n_starts": n_starts}
    return sheets.spectrogram(scene, wanted, **knobs)
