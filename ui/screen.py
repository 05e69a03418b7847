"""What a page says of itself, read once: its width, a picture's look, its link."""

from __future__ import annotations

import gradio as gr

from ui.access import Visitor
from viz.style import Look

USUAL_PX = 760
NARROWEST_PX, WIDEST_PX = 280, 900
PHONE_PX = 480  # narrower pictures are taller for their width
# The place that the style sheet gives a picture; asked before the place itself exists.
MEASURE = """() => {
  const padding = Math.min(Math.max(16, 0.04 * innerWidth), 32);
  const page = Math.min(innerWidth, 1280) - 2 * padding;
  const gap = 32, text = Math.max(260, (page - gap) / 3);
  return Math.round(innerWidth > 700 ? page - gap - text : page);
}"""
LINK = """() => {
  const asked = new URLSearchParams(location.search);
  return asked.has("view") || asked.has("sound") ? location.search : "";
}"""


def build(demo: gr.Blocks) -> gr.Number:
    """A hidden number: the width (px) that pictures have on this visitor's page."""
    width_px = gr.Number(USUAL_PX, visible=False)
    demo.load(None, None, width_px, js=MEASURE, api_visibility="private")
    return width_px


def build_link() -> gr.Textbox:
    """A hidden text that changes once the page has loaded, if it was opened by a link.

    So what a link restores costs other pages nothing: Gradio's page draws every output
    of a load event again each time that any of them moves.
    """
    link = gr.Textbox("", visible=False)
    gr.on(None, None, None, link, js=LINK, api_visibility="private")
    return link


def look_of(width_px: float, visitor: Visitor, ratio: float = 0.5) -> Look:
    """How to draw for one visitor, in the page's own colours.

    Args:
        width_px: from the page, so clamped.
        visitor: whose language the picture speaks.
        ratio: height to width on a wide screen.
    """
    width = round(min(max(width_px, NARROWEST_PX), WIDEST_PX))
    if width < PHONE_PX:
        ratio *= 1.7
    return Look(width, round(width * ratio), "page", visitor.language)
