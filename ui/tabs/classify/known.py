"""Songs whose genre is known: it is shown once the model has answered, not before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

import i18n
from audio.synth.examples import QUIZ, SONG_GENRES
from classifier.predict import Prediction
from ui.handlers import QUIETLY
from ui.player import examples
from ui.server.language import text
from ui.session import Session

# Of librosa's recordings, as their makers call them; the trumpet alone is no genre.
RECORDED = {"vibeace": "jazz", "fishin": "country", "brahms": "classical"}
GENRES = SONG_GENRES | RECORDED


def build(session: Session, examples_dir: Path) -> None:
    """Lay out a button a song, and wire it; the names give nothing away.

    Args:
        session: what the tabs share.
        examples_dir: of the built-in sounds.
    """
    gr.Markdown(text("classify.quiz"))
    with gr.Row(elem_classes=["quiz"]):
        for number, song in enumerate(QUIZ, 1):
            button = gr.Button(str(number), size="sm", min_width=0)
            give = session.guarded(_giving(song.id, examples_dir))
            button.click(give, None, session.bar.player, **QUIETLY)


def _giving(id: str, examples_dir: Path) -> Any:
    def give() -> str:
        return str(examples.file_of(id, examples_dir))

    return give


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
