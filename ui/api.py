"""The named endpoints: what the page shows, for programs. A song in, PNG or JSON out."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.processing_utils import save_bytes_to_cache

import words
from audio.frames import WINDOWS
from classifier.models import Models
from ui import pictures
from ui.classify_tab import MODEL_QUEUE, answered
from ui.desk import Desk
from ui.pictures import Picture
from viz import style
from viz.style import Look

LOOK = Look()  # light, English: what a PNG can hold


def build(desk: Desk, models: Models) -> None:
    """Add the endpoints; their parameters are components that no page shows."""
    with gr.Column(visible=False):
        song = gr.Audio(type="filepath", label=_label("song"))
        png = gr.Image(type="filepath", format="png", label=_label("png"))
        answer = gr.JSON(label=_label("answer"))
        key = gr.Textbox("bundled", label=_label("model"))
        knobs: dict[str, list[Component]] = {
            "waveform": [],
            "dft": [
                gr.Number(0, label=_label("start_s")),
                gr.Number(4096, precision=0, label=_label("n_samples")),
                gr.Dropdown(list(WINDOWS), value="hann", label=_label("window")),
            ],
            "stft": [
                gr.Number(2048, precision=0, label=_label("n_fft")),
                gr.Number(512, precision=0, label=_label("hop_length")),
            ],
            "mel": [
                gr.Number(128, precision=0, label=_label("n_mels")),
                gr.Number(8000, label=_label("fmax_hz")),
            ],
        }
    endpoints = Endpoints(desk, models, png.GRADIO_CACHE)
    for name, values in knobs.items():
        draw = desk.guarded(getattr(endpoints, name))
        gr.on([], draw, [song, *values], png, api_name=name)
    classify = desk.guarded(endpoints.classify)
    gr.on([], classify, [song, key], answer, api_name="classify", **MODEL_QUEUE)


def _label(name: str) -> str:
    """A parameter's description; the API's documentation is in English."""
    return words.word(f"api.{name}")


class Endpoints:
    """The endpoints' functions; names and docstrings are the API's documentation.

    Args:
        desk: what the tabs share.
        models: what ``classify`` may ask.
        cache_dir: where pictures are written; Gradio deletes them with the uploads.
    """

    def __init__(self, desk: Desk, models: Models, cache_dir: str) -> None:
        self._desk = desk
        self._models = models
        self._cache_dir = cache_dir

    def waveform(self, song: str) -> str:
        """Draw the waveform of a song: amplitude over time, as a PNG."""
        return self._png(pictures.waveform(self._desk.clip(song), LOOK))

    def dft(self, song: str, start_s: float, n_samples: int, window: str) -> str:
        """Draw the DFT of one passage, in dB relative to its peak, as a PNG."""
        clip = self._desk.clip(song)
        return self._png(
            pictures.dft(
                clip, LOOK, start_s=start_s, n_samples=n_samples, window=window
            )
        )

    def stft(self, song: str, n_fft: int, hop_length: int) -> str:
        """Draw the STFT spectrogram of a song, in dBFS, as a PNG."""
        clip = self._desk.clip(song)
        return self._png(pictures.stft(clip, LOOK, n_fft=n_fft, hop_length=hop_length))

    def mel(self, song: str, n_mels: int, fmax_hz: float) -> str:
        """Draw the mel spectrogram of a song, in dB re its loudest band, as a PNG."""
        clip = self._desk.clip(song)
        return self._png(pictures.mel(clip, LOOK, n_mels=n_mels, fmax_hz=fmax_hz))

    def classify(self, song: str, model: str) -> dict[str, Any]:
        """Name the genre of a song: every genre with its probability, as JSON."""
        prediction = answered(self._desk, self._models, song, model)
        return {
            "genres": [
                {"genre": genre, "probability": probability}
                for genre, probability in prediction.genres
            ],
            "model": prediction.model.key,
            "trained_on": prediction.model.trained_on,
            "windows": len(prediction.chunks),
            "elapsed_s": round(prediction.elapsed_s, 3),
        }

    def _png(self, picture: Picture) -> str:
        figure, _ = picture
        return save_bytes_to_cache(style.png(figure), "picture.png", self._cache_dir)
