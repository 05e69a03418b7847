"""The tab About: what this is, what the model knows, licences, privacy."""

from __future__ import annotations

import gradio as gr

from ui.language import text


def build() -> None:
    """Lay out the tab."""
    gr.Markdown(text("about.text"), elem_classes="prose-page")
