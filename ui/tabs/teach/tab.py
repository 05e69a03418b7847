"""Plans for 45 and 90 minutes, and questions that the app checks; licences, privacy."""

from __future__ import annotations

import gradio as gr

from ui.exercises import dock
from ui.exercises.places import PLACES
from ui.server.language import text


def build() -> None:
    """Lay out the plans, the questions and what this is."""
    gr.Markdown(text("teach.title"), elem_id="lesson-teach")
    gr.Markdown(text("teach.plan"), elem_classes="plan")
    gr.Markdown(text("teach.plan_more"), elem_classes="plan")
    with gr.Accordion(text("teach.plan_long_title"), open=False):
        gr.Markdown(text("teach.plan_long"), elem_classes="plan")
    gr.Markdown(text("teach.exercises"))
    dock.place(dock.ALL)
    gr.Markdown(text("about.text"), elem_classes="prose-page")


def plan_addresses() -> dict[str, str]:
    """Map the names in the plan to the addresses they link to."""
    return {name: place.address for name, place in PLACES.items()}
