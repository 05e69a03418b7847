"""The tab Classify: the genre of the chosen sound, or of many songs at once."""

from __future__ import annotations

import gradio as gr

from classifier.models import Models
from ui.classifying import history, many, one
from ui.classifying.picker import Picker
from ui.session import Session as Desk


def build(tab: gr.Tab, desk: Desk, models: Models) -> Picker:
    """Lay out the tab, inside ``tab``, and wire it; gives the choice of models."""
    picker, songs = Picker(desk, models), history.build()
    one.build(desk, models, picker, songs)
    many.build(desk, models, picker)
    history.build_list(tab, desk, songs)
    picker.wire(tab)
    return picker
