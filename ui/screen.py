"""What a page says of itself, read once: the link that opened it."""

from __future__ import annotations

import gradio as gr

LINK = """() => {
  const asked = new URLSearchParams(location.search);
  return asked.has("view") || asked.has("sound") ? location.search : "";
}"""


def build_link() -> gr.Textbox:
    """A hidden text that changes once the page has loaded, if it was opened by a link.

    So what a link restores costs other pages nothing: Gradio's page draws every output
    of a load event again each time that any of them moves.
    """
    link = gr.Textbox("", visible=False)
    gr.on(None, None, None, link, js=LINK, api_visibility="private")
    return link
