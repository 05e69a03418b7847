"""The tab Live: the browser draws what its microphone records.

The server gets nothing of it, but for who wants genres named: then the last seconds,
every two seconds, which are classified and forgotten.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from markupsafe import Markup

from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE
from classifier.models import AUTO, Models
from classifier.predict import predict
from classifier.verdict import judge
from errors import KnownError
from ui.model_choice import chosen, title
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.templates import render
from viz import palette

HERE = Path(__file__).parent
SCRIPT = HERE / "live.js"
STYLE = HERE / "live.css"
ID = "live"
MOST_S = 5.0  # of sound in one question; 16 bits at the models' rate
N_SHOWN = 5


def build(session: Session, models: Models) -> None:
    """Lay out the tab; the script draws, the server names genres for who wants that."""
    gr.Markdown(text("live.intro"))
    live = gr.HTML(
        None,
        html_template="",
        js_on_load=SCRIPT.read_text("utf-8"),
        elem_id="live",
    )
    live.hear(
        session.guarded(_naming(models)),
        session.model,
        live,
        trigger_mode="once",
        show_progress="hidden",
        api_visibility="private",
    )


def _naming(models: Models) -> Any:
    """Make the handler that names the genre of the last seconds of a microphone."""

    def name(key: str | None, event: gr.EventData, visitor: Visitor) -> Markup:
        clip = clip_of(event.pcm)
        model = models.load(chosen(models, key or AUTO, visitor))
        language = visitor.language
        with models.queue.line.turn():
            try:
                prediction = predict(clip, model, models.queue, effort="quick")
            except KnownError as error:
                if error.code != "silent":
                    raise
                return render("silent", language)
        return render(
            "live",
            language,
            verdict=judge(prediction, clip),
            shares=[
                (label, share, palette.genre_colour(label))
                for label, share in prediction.genres[:N_SHOWN]
            ],
            model=title(prediction.model, language),
        )

    return name


def clip_of(pcm: object) -> Clip:
    """Read the sound of a question: samples of 16 bits, in base64.

    Raises:
        KnownError: ``wrong_value``.
    """
    try:
        raw = base64.b64decode(str(pcm), validate=True)
        samples = np.frombuffer(raw, "<i2")
    except (binascii.Error, ValueError):
        raise KnownError("wrong_value", value=str(pcm)[:20]) from None
    if not 0 < len(samples) <= MOST_S * SAMPLING_RATE:
        raise KnownError("wrong_value", value=str(pcm)[:20])
    return Clip(samples.astype(np.float32) / np.float32(2**15), SAMPLING_RATE, ID)
