"""Questions beside the picture that answers them: asked in the page, checked by the server.

Each lesson with questions has a dock (``place``). Docks are drawn by ``dock.js``, from
texts that come with the page (``script``); one hidden component (``build_examiner``)
checks what is typed into any of them. What was answered stays in the browser alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

import i18n
from audio.notes import note_of
from audio.synth import exercises
from audio.synth.exercises import EXERCISES
from errors import KnownError
from ui.exercises.places import PLACES
from ui.handlers import QUIETLY, Guarded
from ui.server.access import Visitor

HERE = Path(__file__).parent
STYLE = HERE / "dock.css"
ALL = "teach"  # the tab that lists every question
VIEWS = {ALL} | {PLACES[each.id].view for each in EXERCISES}
RIGHT, WRONG, TOLD, UNREAD = "right", "wrong", "told", "unread"
WORDS = (
    "exercises_one exercises_many count answer answer_info check reveal open lesson"
    " done print print_answers forget sheet_title sheet_name sheet_date sheet_answers"
).split()
MOST_TYPED = 100  # characters
MOUNT = "Genrescope.dock.mount(element, {view});"
EXAMINE = 'Genrescope.dock.examine(props, watch, (asked) => trigger("check", asked));'


def place(view: str) -> None:
    """Place the questions of a lesson or of a tab, or all in the tab Teach; none if none."""
    if view in VIEWS:
        mount = MOUNT.format(view=json.dumps(view))
        gr.HTML(
            None,
            html_template="",
            js_on_load=mount,
            elem_classes=["dock-place"],
            padding=False,
        )


def build_examiner(guarded: Guarded) -> None:
    """Lay out the hidden component that checks answers, and wire it."""
    examiner = gr.HTML(
        None, html_template="", js_on_load=EXAMINE, visible="hidden", padding=False
    )
    # Each answer is awaited by its own question: none may be dropped for a later one.
    often = QUIETLY | {"trigger_mode": "multiple"}
    examiner.check(guarded(examined), None, examiner, **often)


def script(language: str) -> str:
    """Return the docks' script, with questions and words in one language."""
    table = i18n.table(language)
    given = {
        "words": {word: table[f"teach.{word}"] for word in WORDS},
        "questions": [_question(each.id, language) for each in EXERCISES],
        # Gradio would make it of its own page's parts only.
        "sheetStyle": (HERE / "sheet.css").read_text("utf-8"),
    }
    data = json.dumps(given, ensure_ascii=False).replace("</", "<\\/")
    return f"Genrescope.asked = {data};\n{(HERE / 'dock.js').read_text('utf-8')}"


def _question(id: str, language: str) -> dict[str, str]:
    view = PLACES[id].view
    section = "app" if view in ("data", "train") else "see"
    name = f"app.{view}" if section == "app" else f"see.{view}_title"
    return {
        "id": id,
        "view": view,
        "lesson": i18n.word(name, language).lstrip("# "),
        "title": i18n.word(f"teach.{id}_title", language),
        "question": i18n.word(f"teach.{id}_question", language),
        "address": f"{PLACES[id].address}&question={id}",
    }


def examined(event: gr.EventData, visitor: Visitor) -> dict[str, Any]:
    """Check what was typed, tell an answer, or tell them all, for a sheet.

    Returns:
        What ``checked``, ``told`` or ``answers`` return, with the event's ``number``,
        by which the page knows what it is about.
    """
    asked = {name: getattr(event, name, "") for name in ("number", "id", "typed")}
    id, language = str(asked["id"]), visitor.language
    if not id:
        found: dict[str, Any] = {"answers": answers(language)}
    elif getattr(event, "is_told", False):
        found = told(id, language)
    else:
        found = checked(id, str(asked["typed"])[:MOST_TYPED], language)
    return {"number": asked["number"], **found}


def checked(id: str, typed: str, language: str) -> dict[str, str]:
    """Check an answer; return its ``kind`` and the texts to show."""
    unit = exercises.exercise(id).unit
    try:
        answer = exercises.read(typed, unit)
    except KnownError as error:
        return {"kind": UNREAD, "first": i18n.sentence(error, language), "more": ""}
    if exercises.is_right(id, answer):
        return _explained(RIGHT, id, language)
    first = i18n.word("teach.wrong", language)
    more = i18n.word(f"teach.{id}_hint", language)
    return {"kind": WRONG, "first": first, "more": more}


def told(id: str, language: str) -> dict[str, str]:
    """Return the measured answer, for those who have tried."""
    return _explained(TOLD, id, language)


def answers(language: str) -> dict[str, str]:
    """Measure every answer; a text each."""
    return {each.id: _answer(each.id, language) for each in EXERCISES}


def _explained(kind: str, id: str, language: str) -> dict[str, str]:
    """Explain the measured answer and what is to be learned from it."""
    first = i18n.word(f"teach.{kind}", language, answer=_answer(id, language))
    return {
        "kind": kind,
        "first": first,
        "more": i18n.word(f"teach.{id}_aha", language),
    }


def _answer(id: str, language: str) -> str:
    unit, value = exercises.exercise(id).unit, exercises.solution(id)
    note = note_of(value).name if unit == "note" else ""
    return i18n.word(f"teach.value_{unit}", language, value=value, note=note)
