"""Rows in, a table for the page out: sorted by the browser, every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import gradio as gr
from markupsafe import Markup

import i18n as words
from classifier.batch import Row
from i18n import genre_name
from ui.templates import render

SCRIPT = Path(__file__).with_suffix(".js")
COLUMNS = (
    "song genre confidence runner_up verdict duration seconds play reason"
).split()


def place() -> gr.HTML:
    """Where the table will be.

    Its events ``play`` and ``take`` (of a song's name) carry the row's ``number``, from
    1 on, as ``gr.EventData``.
    """
    return gr.HTML(
        js_on_load=SCRIPT.read_text("utf-8"),
        elem_classes=["batch-table"],
        padding=False,
    )


def as_html(found: Sequence[Row], language: str) -> Markup:
    """The table; nothing of no rows."""
    if not found:
        return Markup("")
    return render(
        "batch",
        language,
        columns=COLUMNS,
        rows=found,
        runner_up=partial(_runner_up, language=language),
        sentence=lambda error: words.sentence(error, language),
    )


def _runner_up(row: Row, language: str) -> str:
    """The second genre with its probability; empty where there is none."""
    if not row.prediction or len(row.prediction.genres) < 2:
        return ""
    label, share = row.prediction.genres[1]
    return f"{genre_name(label, language)} {100 * share:.0f}%"
