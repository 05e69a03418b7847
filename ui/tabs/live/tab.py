"""The tab Live: the browser draws what its microphone records; the server gets nothing."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ui.server.language import text

HERE = Path(__file__).parent
SCRIPT = HERE / "live.js"
STYLE = HERE / "live.css"
ID = "live"


def build() -> None:
    """Lay out the tab; the script does the rest, in the browser alone."""
    gr.Markdown(text("live.intro"))
    gr.HTML(
        None,
        html_template="",
        js_on_load=SCRIPT.read_text("utf-8"),
        elem_id="live",
    )
