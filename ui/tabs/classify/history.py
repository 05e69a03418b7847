"""The songs of this visit with their answers, kept in the visitor's browser alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import gradio as gr
from markupsafe import Markup

from classifier.predict import Prediction
from classifier.verdict import Kind, Verdict
from ui.handlers import QUIETLY
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.tabs.classify.answer import verdict_words
from ui.templates import render

MAX_SONGS = 50  # a browser keeps a few megabytes for a page
MAX_NAME = 200  # characters
KEY = "genrescope.songs"


@dataclass(frozen=True)
class History:
    """What the browser keeps.

    Attributes:
        songs: state in the browser: rows of (name, verdict, genre, its rival if
            unsure, probability, model's key), the newest first.
    """

    songs: gr.BrowserState

    @staticmethod
    def with_song(
        songs: Any, name: str, prediction: Prediction, verdict: Verdict
    ) -> list[list[Any]]:
        """Add a row; ``songs`` comes from the browser, so is not trusted."""
        _, probability = prediction.genres[0]
        cells = [verdict.kind, verdict.genres[0], verdict.genres[-1]]
        row = [name[:MAX_NAME], *cells, round(probability, 4), prediction.model.key]
        return [row, *_rows(songs)][:MAX_SONGS]


def build() -> History:
    """Create the browser's state; ``build_list`` shows it."""
    # Both names are given: those that Gradio makes up are others after a restart.
    return History(gr.BrowserState([], storage_key=KEY, secret=KEY))


def build_list(tab: gr.Tab, session: Session, history: History) -> None:
    """Lay out the list and the button that deletes it, and wire both."""
    with gr.Accordion(text("classify.history"), open=False):
        shown = gr.HTML(elem_classes=["song-history"])
        delete = gr.Button(text("classify.delete"), size="sm", min_width=120)
    show = session.guarded(as_html)
    gr.on([tab.select, history.songs.change], show, history.songs, shown, **QUIETLY)
    delete.click(list, None, history.songs, **QUIETLY)


def as_html(songs: Any, visitor: Visitor) -> Markup:
    """Show the rows as a list."""
    language = visitor.language
    rows = [
        (row[0], _answer(row, language), share, model)
        for row in _rows(songs)
        for share, model in [row[-2:]]
    ]
    return render("history", language, rows=rows)


def _answer(row: list[Any], language: str) -> str:
    _, kind, genre, rival, *_ = row
    return " · ".join(filter(None, verdict_words(kind, (genre, rival), language)))


def _rows(songs: Any) -> list[list[Any]]:
    """Pick the rows of ours from a value that the browser sent."""
    rows = songs if isinstance(songs, list) else []
    return [row for row in rows if _is_row(row)][:MAX_SONGS]


def _is_row(row: Any) -> bool:
    if not (isinstance(row, list) and len(row) == 6):
        return False
    *texts, share, model = row
    are_texts = all(isinstance(each, str) for each in (*texts, model))
    return are_texts and texts[1] in get_args(Kind) and isinstance(share, int | float)
