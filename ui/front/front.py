"""Lay out the first view: a trumpet as a picture that plays, and the ways from there."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import gradio as gr

import i18n
from settings import Settings
from ui.front.phrase import FILE, PHRASE
from ui.handlers import QUIETLY
from ui.page_state import TABS
from ui.player import examples
from ui.player.clip_bar import examples_dir
from ui.session import Session

HERE = Path(__file__).parent
STYLE = HERE / "front.css"
# What it asks of the server, by names that Gradio finds in the component's script: the
# trumpet's file, to play it; the trumpet as the chosen sound.
MOUNT = 'Genrescope.front.mount(element, trigger, ["hear", "start"]);'
HEAR = "(file) => { if (file) Genrescope.front.hear(file.url); }"
FOLD = "() => Genrescope.front.fold()"


def build(session: Session, settings: Settings) -> None:
    """Lay out the first view above what it hides until there is a sound, and wire it."""
    view = gr.HTML(None, html_template="", js_on_load=MOUNT, elem_classes="front")
    file = gr.Audio(type="filepath", format=None, visible=False)

    @session.guarded
    def phrase() -> str:
        return str(examples.file_of(PHRASE, examples_dir(settings)))

    view.hear(phrase, None, file, **QUIETLY).then(None, file, None, js=HEAR, **QUIETLY)
    view.start(phrase, None, session.bar.player, **QUIETLY)
    session.bar.path.change(None, None, None, js=FOLD, **QUIETLY)


@functools.cache
def script(language: str) -> str:
    """Return the page's script of the first view, with its numbers and its texts.

    After that of ``ui.canvas``, whose parts it uses.
    """
    words = {
        key: text
        for key, text in i18n.table(language).items()
        if key.startswith("front.")
    }
    given = f"Object.assign(Genrescope.words, {json.dumps(words)});"
    phrase = FILE.read_text("utf-8").strip()
    numbers = f"Object.assign(Genrescope, {{ phrase: {phrase}, tabs: {list(TABS)} }});"
    return "\n".join([given, numbers, (HERE / "front.js").read_text("utf-8")])
