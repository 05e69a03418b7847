"""Lay out the first view: a trumpet as a picture that plays, and the ways from there."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import gradio as gr

import i18n
from settings import Settings
from ui.front.phrase import FILE
from ui.handlers import QUIETLY
from ui.page_state import TABS
from ui.player import examples, recordings
from ui.player.clip_bar import examples_dir
from ui.session import Session

HERE = Path(__file__).parent
STYLE = HERE / "front.css"
# What it asks of the server, by a name that Gradio finds in the component's script: the
# file of the trumpet that it shows, to play it.
MOUNT = 'Genrescope.front.mount(element, trigger, ["hear"]);'
HEAR = "(file) => { if (file) Genrescope.front.hear(file.url); }"


def build(session: Session, settings: Settings) -> None:
    """Lay out the first view above what it hides until there is a sound, and wire it."""
    view = gr.HTML(None, html_template="", js_on_load=MOUNT, elem_classes="front")
    file = gr.Audio(type="filepath", format=None, visible=False)

    folder = examples_dir(settings)

    @session.guarded
    def phrase(event: gr.EventData) -> str:
        return str(examples.named(str(event.sound), folder))

    view.hear(phrase, None, file, **QUIETLY).then(None, file, None, js=HEAR, **QUIETLY)


def script(language: str, file: Path = FILE) -> str:
    """Return the page's script of the first view, with its numbers and its texts.

    After that of ``ui.canvas``, whose parts it uses.

    Args:
        language: of the texts.
        file: of the numbers; see ``recorded.shown``.
    """
    words = {
        key: text
        for key, text in i18n.table(language).items()
        if key.startswith("front.")
    }
    given = f"Object.assign(Genrescope.words, {json.dumps(words)});"
    phrase = json.loads(file.read_text("utf-8"))
    credit = recordings.BY_ID.get(phrase["sound"])
    phrase["credit"] = credit and dataclasses.asdict(credit)
    made = json.dumps({"phrase": phrase, "tabs": TABS}, separators=(",", ":"))
    numbers = f"Object.assign(Genrescope, {made});"
    return "\n".join([given, numbers, (HERE / "front.js").read_text("utf-8")])
