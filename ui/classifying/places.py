"""Where a song's answer is shown, and what the page remembers of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
from gradio.i18n import I18nData

from classifier.along import N_STRETCHES, Stretch, stretches
from classifier.predict import Prediction
from ui import canvas
from ui.classifying.waiting import Update
from ui.language import text

# On the page but not seen: a button that has yet to be put there may miss that it is to
# be shown, where answers follow each other closely.
HIDDEN: Literal["hidden"] = "hidden"
N_MODELS = 2  # that listen to a song, side by side


@dataclass(frozen=True)
class Answered:
    """What the page shows, for those who ask about it afterwards.

    Attributes:
        path: of the sound.
        predictions: a model each; none of silence.
    """

    path: str
    predictions: tuple[Prediction, ...]

    @property
    def reasons(self) -> list[tuple[Prediction, Stretch]]:
        """Where the song speaks most for each model's likeliest genres."""
        return [
            (prediction, stretch)
            for prediction in self.predictions
            for stretch in stretches(prediction)
        ]


@dataclass(frozen=True)
class Places:
    """Where the answer is shown.

    Attributes:
        status: how far it is.
        answer: the ranked genres.
        hear: a button for each of ``Answered.reasons``, and some to spare.
        song_map: genre along the song.
        answered: state, an ``Answered`` or None.
    """

    status: gr.HTML
    answer: gr.HTML
    hear: tuple[gr.Button, ...]
    song_map: gr.HTML
    answered: gr.State

    @property
    def all(self) -> list[Any]:
        """Every place, as an event's outputs."""
        return [self.status, self.answer, *self.hear, self.song_map, self.answered]


def lay_out(status: gr.HTML) -> Places:
    """Lay out all places but the status, which stands beside the question."""
    shown = gr.HTML(text("classify.empty"), elem_classes=["answer"])
    with gr.Row(elem_classes=["chips", "hear-why"]):
        hear = tuple(
            gr.Button(visible=HIDDEN, size="sm", min_width=0)
            for _ in range(N_MODELS * N_STRETCHES)
        )
    place = canvas.place(
        "song_map_empty", name="song-map", formats=("png", "svg", "csv")
    )
    place.render()
    return Places(status, shown, hear, place, gr.State(None))


def nothing(places: Places) -> Update:
    """An empty page, in the order of ``Places.all``."""
    empty: tuple[I18nData | str | None, ...] = ("", text("classify.empty"))
    hidden = [gr.Button(visible=HIDDEN) for _ in places.hear]
    return dict(zip(places.all, [*empty, *hidden, None, None], strict=True))
