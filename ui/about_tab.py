"""The tab Teach & about: a lesson plan; what this is, licences, privacy."""

from __future__ import annotations

import gradio as gr

from ui import teaching
from ui.server.language import text
from ui.session import Session as Desk


def build(desk: Desk) -> None:
    """Lay out the tab and wire it."""
    teaching.build(desk)
    gr.Markdown(text("about.text"), elem_classes="prose-page")
