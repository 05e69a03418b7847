"""Pictures that the browser draws: a ``Sheet`` in, canvases and their tools out.

The script, the files beside this one in a row, goes into the page's head once
(``script``). A place for a picture (``place``) is an HTML component without a value; a
lesson puts a sheet into it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import gradio as gr

import i18n
from viz import palette

HERE = Path(__file__).parent
# Each builds on those before it.
FILES = (
    "axes image presentation sound steps layers notes paint over tools hands view picture switch keys"
).split()
STYLE = HERE / "picture.css"
# What a place can ask of the server; Gradio wants the names in the component's script.
EVENTS = (
    "start",
    "zoom",
    "hear",
    "use",
    "at",
    "save",
    "near",
    "again",
    "turned",
    "tried",
)
# What events run in the browser: of a file and its start (s) in the chosen sound; of
# another sound's file; of a file to download and a link's query, one of which is null.
PLAY = "(file, start_s) => { if (file) Genrescope.play(file.url, start_s); }"
PLAY_OTHER = "(file) => { if (file) Genrescope.play(file.url); }"
TAKE = "(file, query) => Genrescope.take(file, query)"
# Of a lesson's knobs: what a link in its text asks for, else what they are; then draw.
TRY = "(...values) => Genrescope.tried({lesson}, {names}, values)"
TURNED = "() => Genrescope.turned({lesson})"
MOUNT = "Genrescope.mount(element, props, watch, trigger, {events}, {place});"
OF_LESSON = "lesson-picture"  # name of a place


def place(
    empty: str = "empty",
    start: str = "",
    name: str = OF_LESSON,
    formats: Sequence[str] | None = None,
    *,
    waits: bool = True,
    of: str = "",
) -> gr.HTML:
    """Make a place for a picture; not rendered yet.

    Its events carry, as ``gr.EventData``: those of a selection a range of the chosen
    sound, ``start_s`` and ``stop_s`` (``zoom`` None and None for all of it); ``at`` a
    moment, ``at_s``; ``save`` a ``format``, the look, ``scales``, ``range`` and ``map``,
    and the visitor's ``notes``; the others nothing: ``near`` asks for a picture and sounds of a new
    sound, ``again`` for the picture, ``turned`` for the sounds; ``tried`` comes before
    those two where a link in the text sets knobs.

    Args:
        empty: key, in the section ``canvas``, of the text that is shown until the first.
        start: key of a button below that text, which fires ``start``; "" for none.
        name: what the style sheet calls it, besides "picture".
        formats: that it can be saved in; None for all that a lesson has.
        waits: in a lesson, after each new sound until it is near the screen; False
            where the lesson itself sees to that.
        of: name of the ``Lesson`` where it is not the one around it.
    """
    # Not as properties: Gradio forgets those of a place in a tab that is not open yet
    # as soon as an event touches it.
    settings = {
        "empty": empty,
        "start_label": start,
        "formats": formats,
        "waits": waits,
        "of": of,
    }
    mount = MOUNT.format(events=json.dumps(EVENTS), place=json.dumps(settings))
    return gr.HTML(
        None,
        html_template="",
        js_on_load=mount,
        elem_classes=["picture", name],
        render=False,
    )


def switch() -> gr.HTML:
    """Make a switch between a lesson's sounds, at the same moment; not rendered yet.

    Its value is where the lesson's sound begins in the chosen one (s), which it then
    switches to as well; None where the lesson has several players.
    """
    return gr.HTML(
        None,
        html_template="",
        js_on_load="Genrescope.mountSwitch(element, props, watch);",
        elem_classes="switch",
        render=False,
    )


def waiting(lessons: Iterable[str] | None = None, *, is_new: bool = True) -> str:
    """Return what makes lessons' pictures wait until they are near the screen, as ``js``.

    Without outputs: Gradio's page would draw each of them.

    Args:
        lessons: by their names; None for all that wait for a new sound.
        is_new: for a new sound; else their picture is out of date, not their sounds.
    """
    names = json.dumps(None if lessons is None else [*lessons])
    return f"() => Genrescope.{'renew' if is_new else 'again'}({names})"


def script(language: str) -> str:
    """Return the page's script, with its texts in one language."""
    texts = {
        key.removeprefix("canvas."): text
        for key, text in i18n.table(language).items()
        if key.startswith("canvas.")
    }
    files = [(HERE / f"{name}.js").read_text("utf-8") for name in FILES]
    given = {"language": language, "words": texts, "lines": palette.LINES}
    data = json.dumps(given).replace("</", "<\\/")
    return "\n".join([f"window.Genrescope = {data};", *files])
