"""Many songs: a table that fills as they finish, to sort, to hear and to take away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

import words
from classifier.models import Models
from errors import KnownError
from ui import files
from ui.access import Visitor
from ui.classifying import table, waiting
from ui.classifying.asking import EFFORTS, chosen, effort_of
from ui.classifying.batching import Batch, batches, content, file_of
from ui.classifying.picker import Picker
from ui.desk import Desk
from ui.downloads import TAKE
from ui.handlers import QUIETLY
from ui.language import text
from ui.lessons.selection import PLAY_OTHER

# One batch at a time; its windows and those of single songs take turns.
BATCH_QUEUE: dict[str, Any] = {"concurrency_id": "batch", "concurrency_limit": 1}


def build(desk: Desk, models: Models, picker: Picker) -> None:
    """Lay out the part for many songs, and wire it."""
    batch = gr.State(Batch())
    with gr.Accordion(text("classify.many"), open=False):
        gr.Markdown(text("classify.many_text"))
        files = gr.File(
            file_count="multiple",
            file_types=["audio", "video", ".zip"],
            label=text("classify.files"),
            height=160,
        )
        efforts = [(text(f"classify.{each}"), each) for each in EFFORTS]
        effort = gr.Radio(efforts, value="quick", label=text("classify.effort"))
        with gr.Row():
            button = gr.Button(text("classify.many_button"), variant="primary")
            cancel = gr.Button(text("classify.cancel"), min_width=80)
        status = gr.HTML(elem_classes=["classify-status"])
        shown = table.place()
        with gr.Row():
            kinds = ("csv", "json")
            save = {k: gr.Button(text(f"classify.save_{k}"), size="sm") for k in kinds}
    name_all = _naming(desk, models, status, shown, batch)
    naming = button.click(
        desk.guarded(waiting.tidied(status, name_all)),
        [files, picker.model, effort],
        [status, shown, batch],
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        **BATCH_QUEUE,
    )
    cancelled = desk.guarded(waiting.cancelled)
    cancel.click(cancelled, status, status, cancels=[naming], **QUIETLY)
    _wire_table(desk, shown, batch)
    file, query = gr.File(visible=False), gr.Textbox(visible=False)
    for kind, each in save.items():
        give = desk.guarded(_saving(kind, file.GRADIO_CACHE))
        given = each.click(give, batch, file, **QUIETLY)
        given.success(None, [file, query], None, js=TAKE, **QUIETLY)


def _naming(
    desk: Desk,
    models: Models,
    status: gr.HTML,
    shown: gr.HTML,
    state: gr.State,
) -> Any:
    """A handler that fills the table, song by song."""

    def name_all(
        uploads: list[str] | None, key: str | None, effort: str, visitor: Visitor
    ) -> Iterator[dict[Any, Any]]:
        language = visitor.language
        heard = effort_of(effort)
        ref = chosen(models, key, visitor)
        model = yield from waiting.loaded(status, models, ref, language)
        batch = Batch()
        limits = desk.shelf.limits
        for batch in batches(uploads, model, models.queue, heard, limits):
            yield {
                status: waiting.progress(
                    "many_progress", len(batch.entries), batch.n_total, language
                ),
                shown: table.as_html([entry.row for entry in batch.entries], language),
                state: batch,
            }
        done, failed = len(batch.entries), batch.n_failed
        said = words.word("classify.many_done", language, done=done, failed=failed)
        yield {status: waiting.line(said)}

    return name_all


def _wire_table(desk: Desk, shown: gr.HTML, batch: gr.State) -> None:
    """A song is played, or taken to the player above, to be seen and mapped."""
    passage = gr.Audio(type="filepath", format=None, visible=False)
    give = desk.guarded(_giving(passage.GRADIO_CACHE))
    played = shown.play(give, batch, passage, **QUIETLY)
    played.success(None, passage, None, js=PLAY_OTHER, **QUIETLY)
    shown.take(give, batch, desk.bar.player, **QUIETLY)


def _giving(cache_dir: str) -> Any:
    def give(batch: Batch, asked: gr.EventData) -> str:
        number = int(asked.number)
        if not 1 <= number <= len(batch.entries):
            raise KnownError("no_table")
        data, name = file_of(batch.entries[number - 1])
        return files.kept(data, name, cache_dir)

    return give


def _saving(kind: str, cache_dir: str) -> Any:
    """A handler that gives the table as a file."""

    def save(batch: Batch) -> str:
        if not batch.entries:
            raise KnownError("no_table")
        return files.kept(content(batch, kind), f"genres.{kind}", cache_dir)

    return save
