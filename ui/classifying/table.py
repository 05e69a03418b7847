"""Rows in, a table for the page out: sorted by the browser, every text escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

import i18n as words
from classifier.batch import Row
from i18n import clock, genre_name

SCRIPT = Path(__file__).with_suffix(".js")
COLUMNS = (
    "song genre confidence runner_up verdict duration seconds play reason"
).split()
Cell = tuple[str, str]  # HTML, and what it is sorted by


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


def as_html(found: Sequence[Row], language: str) -> str:
    """The table; nothing of no rows."""
    if not found:
        return ""
    heads = "".join(
        f'<th scope="col"><button type="button">{_said(f"col_{name}", language)}'
        "</button></th>"
        for name in COLUMNS
    )
    rows = "".join(
        f'<tr data-number="{number}">{_row(row, language)}</tr>'
        for number, row in enumerate(found, 1)
    )
    return (
        f'<table class="batch"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(row: Row, language: str) -> str:
    cells = [_song(row), *_answer(row, language), *_times(row), *_ends(row, language)]
    return "".join(
        f'<td data-key="{html.escape(key)}">{shown}</td>' for shown, key in cells
    )


def _song(row: Row) -> Cell:
    name = html.escape(row.song)
    if row.error:
        return name, row.song
    return f'<button type="button" class="take">{name}</button>', row.song


def _answer(row: Row, language: str) -> list[Cell]:
    """Genre, confidence, runner-up, verdict; empty where there is none."""
    if not (row.prediction and row.verdict):
        return [("", "")] * 4
    (label, share), *others = row.prediction.genres
    genre = html.escape(genre_name(label, language))
    second = html.escape(_runner_up(others, language))
    verdict = _said(f"verdict_{row.verdict.kind}", language)
    confidence = (f"{100 * share:.0f}%", f"{share:.6f}")
    return [(genre, genre), confidence, (second, second), (verdict, verdict)]


def _runner_up(others: Sequence[tuple[str, float]], language: str) -> str:
    if not others:
        return ""
    label, share = others[0]
    return f"{genre_name(label, language)} {100 * share:.0f}%"


def _times(row: Row) -> list[Cell]:
    known = row.duration_s is not None
    lasts = clock(row.duration_s) if row.duration_s is not None else ""
    key = f"{row.duration_s:.3f}" if known else ""
    return [(lasts, key), (f"{row.elapsed_s:.2f}", f"{row.elapsed_s:.3f}")]


def _ends(row: Row, language: str) -> list[Cell]:
    """A button to hear the song, or the reason why there is nothing to hear."""
    if row.error:
        reason = words.sentence(row.error, language)
        return [("", "1"), (html.escape(reason), reason)]
    label = html.escape(f"{words.word('classify.col_play', language)}: {row.song}")
    button = (
        f'<button type="button" class="play" aria-label="{label}">\u25b6\ufe0e</button>'
    )
    return [(button, "0"), ("", "")]


def _said(name: str, language: str) -> str:
    return html.escape(words.word(f"classify.{name}", language))
