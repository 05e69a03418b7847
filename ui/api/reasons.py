"""The named endpoints of what an answer depends on: the song changed, or partly hidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import gradio as gr

from audio.effects import PARTS, RANGES, Change, Part, excerpt_of
from classifier import what_if
from classifier.models import AUTO, Models
from classifier.tiles import FILLS, Fill
from classifier.where import where
from networks.checkpoint import LoadedModel
from ui.api import answers
from ui.api.answers import WhatIfAnswer, WhereAnswer, label
from ui.model_choice import chosen
from ui.server.access import Visitor
from ui.session import Session
from ui.tabs.classify import changes
from ui.tabs.classify import where as page


def build(session: Session, models: Models) -> None:
    """Add the endpoints; their parameters are components that no page shows.

    Args:
        session: what the tabs share.
        models: what they may ask.
    """
    with gr.Column(visible=False):
        song = gr.Audio(type="filepath", label=label("song"))
        key = gr.Textbox(AUTO, label=label("model"))
        numbers = [
            gr.Number(neutral, label=label(name))
            for name, (*_, neutral) in RANGES.items()
        ]
        part = gr.Dropdown(list(PARTS), value="all", label=label("part"))
        truths = [
            gr.Checkbox(False, label=label(name))
            for name in ("is_reversed", "is_shuffled")
        ]
        changed = answers.place(WhatIfAnswer, "what_if")
        genre = gr.Textbox("", label=label("genre"))
        fill = gr.Dropdown(list(FILLS), value=FILLS[0], label=label("fill"))
        found = answers.place(WhereAnswer, "where")
    endpoints, guarded = Endpoints(session, models), session.guarded
    given = [song, key, *numbers, part, *truths]
    ask = guarded(endpoints.what_if)
    gr.on([], ask, given, changed, api_name="what_if", **changes.QUEUE)
    search = guarded(endpoints.where)
    given = [song, key, genre, fill]
    gr.on([], search, given, found, api_name="where", **page.QUEUE)


class Endpoints:
    """The endpoints' functions; names and docstrings are the API's documentation.

    Args:
        session: what the tabs share.
        models: what may be asked.
    """

    def __init__(self, session: Session, models: Models) -> None:
        self._session = session
        self._models = models

    def what_if(
        self,
        song: str | None,
        model: str,
        low_pass_hz: float,
        high_pass_hz: float,
        n_semitones: float,
        tempo: float,
        gain_db: float,
        rt60_s: float,
        snr_db: float,
        part: Part,
        is_reversed: bool,
        is_shuffled: bool,
        visitor: Visitor,
    ) -> dict[str, Any]:
        """Change a song's middle, 30 s at most, and classify it before and after."""
        change = Change(
            low_pass_hz=low_pass_hz,
            high_pass_hz=high_pass_hz,
            n_semitones=n_semitones,
            tempo=tempo,
            gain_db=gain_db,
            rt60_s=rt60_s,
            snr_db=snr_db,
            part=part,
            is_reversed=is_reversed,
            is_shuffled=is_shuffled,
        )
        with self._in_turn(model, visitor) as loaded:
            excerpt = excerpt_of(self._session.clip(song))
            queue = self._models.queue
            before, answer = what_if.changed_answer(excerpt, change, loaded, queue)
        return asdict(answers.of_change(before, answer))

    def where(
        self, song: str | None, model: str, genre: str, fill: Fill, visitor: Visitor
    ) -> dict[str, Any]:
        """Find which times and bands of a song's middle speak for a genre.

        By occlusion: tiles are hidden one by one, and the song classified again. Without
        a genre the likeliest one is asked about.
        """
        with self._in_turn(model, visitor) as loaded:
            clip = self._session.clip(song)
            queue = self._models.queue
            for found in where(clip, loaded, queue, genre=genre, fill=fill):
                last = found
        return asdict(answers.of_search(last))

    @contextmanager
    def _in_turn(self, model: str, visitor: Visitor) -> Iterator[LoadedModel]:
        """Load a model, and wait in the line of all who classify."""
        loaded = self._models.load(chosen(self._models, model, visitor))
        with self._models.queue.line.turn():
            yield loaded
