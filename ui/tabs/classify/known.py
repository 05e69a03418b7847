"""Songs whose genre is known: it is shown once the model has answered, not before."""

from __future__ import annotations

import gradio as gr

import i18n
from audio.synth.examples import QUIZ, SONG_GENRES
from classifier.predict import Prediction
from ui.player import clip_bar, examples
from ui.server.language import text

# Of librosa's recordings, as their makers call them; the trumpet alone is no genre.
RECORDED = {"vibeace": "jazz", "fishin": "country", "brahms": "classical"}
GENRES = SONG_GENRES | RECORDED


def build() -> None:
    """Lay out a button a song; the names give nothing away."""
    gr.Markdown(text("classify.quiz"))
    with gr.Row(elem_classes=["quiz"]):
        for number, song in enumerate(QUIZ, 1):
            clip_bar.example_button(song.id, str(number))


def told(path: str, prediction: Prediction, language: str) -> str:
    """Return a song's genre, and whether the model found it; "" where it is unknown."""
    genre = GENRES.get(examples.id_of(path) or "")
    if not genre:
        return ""
    ranked = [label.lower() for label, _ in prediction.genres]
    # A model may not know the genre at all: then it is neither right nor wrong.
    mark = " ✓" if ranked[0] == genre else " ✗" if genre in ranked else ""
    name = i18n.genre_name(genre, language)
    return i18n.word("classify.truth", language, genre=name) + mark
