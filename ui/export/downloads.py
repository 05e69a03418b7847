"""What visitors take away of a picture: a drawing, numbers, a script, a link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

import i18n
from errors import KnownError
from ui import canvas, page_state
from ui.export import recipes
from ui.handlers import QUIETLY
from ui.player import clip_bar, examples
from ui.server import files
from ui.server.access import Visitor
from ui.session import Session, View
from ui.tabs.see.lesson import Lesson
from viz import paper, png, table
from viz.paper import Look
from viz.plot import Sheet

PNG_SCALE = 2  # a projector has more pixels than a lesson's picture
LINK = "link"  # in place of a format


def build(session: Session, lessons: Sequence[Lesson]) -> None:
    """Wire what each lesson's picture offers to save."""
    file, query = gr.File(visible=False), gr.Textbox(visible=False)
    for lesson in lessons:
        inputs = [session.bar.path, session.view, *lesson.knobs.values()]
        save = session.guarded(_saving(session, lesson, file.GRADIO_CACHE))
        saved = lesson.picture.save(save, inputs, [file, query], **QUIETLY)
        saved.success(None, [file, query], None, js=canvas.TAKE, **QUIETLY)


def content(
    sheet: Sheet,
    kind: str,
    look: Look = paper.AS_IT_COMES,
    language: str = i18n.DEFAULT_LANGUAGE,
) -> bytes:
    """Return the file of one kind.

    Args:
        sheet: what it shows.
        kind: a key of ``CONTENTS``.
        look: of a drawing.
        language: of the sheet.

    Raises:
        KnownError: ``not_a_choice``, or ``no_recipe`` for a picture without a script.
    """
    if kind not in CONTENTS:
        choices = tuple(CONTENTS)
        raise KnownError("not_a_choice", field="format", value=kind, choices=choices)
    return CONTENTS[kind](sheet, look, language)


def _script(sheet: Sheet) -> bytes:
    if sheet.provenance is None:
        raise KnownError("no_recipe")
    return recipes.recipe(sheet.provenance).encode()


CONTENTS: dict[str, Callable[[Sheet, Look, str], bytes]] = {
    "png": lambda sheet, look, language: paper.png(
        sheet, look, language, scale=PNG_SCALE
    ),
    "svg": lambda sheet, look, _: paper.svg(sheet, look),
    "csv": lambda sheet, *_: table.as_csv(sheet),
    "npz": lambda sheet, *_: table.as_npz(sheet),
    "py": lambda sheet, *_: _script(sheet),
}


def _saving(session: Session, lesson: Lesson, cache_dir: str) -> Callable[..., Any]:
    """Return a handler that gives a file, or the query of a link."""

    def save(
        event: gr.EventData,
        path: str | None,
        view: View,
        *values: Any,
        visitor: Visitor,
    ) -> tuple[str | None, str | None]:
        if path is None:
            raise KnownError("no_clip")
        if event.format == LINK:
            return None, _query(lesson, path, values, visitor.language)
        language = visitor.language
        if event.format == "png":
            language = png.language_for(language)
        scene = session.scene(path, view, language)
        notes = getattr(event, "notes", None)  # a program may send none
        look = paper.look_of(event.scales, event.range, event.map, notes)
        data = content(lesson.draw(scene, *values), event.format, look, language)
        stem = examples.id_of(path) or clip_bar.title_of(path, language)
        name = f"{files.download_name(stem)}-{lesson.name}.{event.format}"
        return files.kept(data, name, cache_dir), None

    return save


def _query(lesson: Lesson, path: str, values: Sequence[Any], language: str) -> str:
    """Return what to add to the page's address; it is copied, and shown there."""
    sound = examples.id_of(path)
    if sound is None:
        raise KnownError("link_needs_example")
    gr.Info(i18n.word("see.link_copied", language))
    return page_state.query(lesson, sound, values)
