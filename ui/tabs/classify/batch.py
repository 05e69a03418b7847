"""Many songs: a table that fills as they finish, to sort, to play and to take away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
from markupsafe import Markup

import i18n
from audio.decode import Limits
from audio.decode.archive import Song, ZipLimits, unpacked
from classifier import report
from classifier.batch import Row, rows
from classifier.models import Models
from classifier.predict import Effort
from classifier.queue import InferenceQueue
from errors import KnownError
from i18n import genre_name
from networks.checkpoint import LoadedModel
from ui import canvas
from ui.api import answers
from ui.handlers import QUIETLY
from ui.model_choice import EFFORTS, chosen, effort_of
from ui.server import files
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.tabs.classify import view
from ui.tabs.classify.answer import calibration
from ui.tabs.classify.picker import Picker
from ui.templates import render

MAX_SONGS = 200  # at once; a whole collection is for the command line
ZIP_LIMITS = ZipLimits(max_files=MAX_SONGS, max_bytes=1_000_000_000)
N_WORKERS = 2  # one song is decoded while another is classified
# One batch at a time; its windows and those of single songs take turns.
BATCH_QUEUE: dict[str, Any] = {"concurrency_id": "batch", "concurrency_limit": 1}
SCRIPT = Path(__file__).with_suffix(".js")
COLUMNS = (
    "song genre confidence runner_up verdict duration seconds play reason"
).split()


@dataclass(frozen=True)
class Entry:
    """What became of a song, and where it came from.

    Attributes:
        row: its answer, or the reason why there is none.
        upload: the file that holds it.
        inner: its name inside, where that is a zip.
    """

    row: Row
    upload: Path
    inner: str = ""


@dataclass(frozen=True)
class Batch:
    """The table so far.

    Attributes:
        entries: in the order of the songs.
        n_total: songs there will be in the end.
    """

    entries: tuple[Entry, ...] = ()
    n_total: int = 0

    @property
    def n_failed(self) -> int:
        """Count the songs without an answer."""
        return sum(entry.row.error is not None for entry in self.entries)


def build(session: Session, models: Models, picker: Picker) -> None:
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
        shown = table_place()
        with gr.Row():
            kinds = ("csv", "json")
            save = {k: gr.Button(text(f"classify.save_{k}"), size="sm") for k in kinds}
    name_all = _naming(session, models, status, shown, batch)
    naming = button.click(
        session.guarded(view.tidied(status, name_all)),
        [files, picker.model, effort],
        [status, shown, batch],
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        **BATCH_QUEUE,
    )
    cancelled = session.guarded(view.cancelled)
    cancel.click(cancelled, status, status, cancels=[naming], **QUIETLY)
    _wire_table(session, shown, batch)
    file, query = gr.File(visible=False), gr.Textbox(visible=False)
    for kind, each in save.items():
        give = session.guarded(_saving(kind, file.GRADIO_CACHE))
        given = each.click(give, batch, file, **QUIETLY)
        given.success(None, [file, query], None, js=canvas.TAKE, **QUIETLY)


def _naming(
    session: Session,
    models: Models,
    status: gr.HTML,
    shown: gr.HTML,
    state: gr.State,
) -> Any:
    """Make the handler that fills the table, song by song."""

    def name_all(
        uploads: list[str] | None, key: str | None, effort: str, visitor: Visitor
    ) -> Iterator[dict[Any, Any]]:
        language = visitor.language
        wanted = effort_of(effort)
        ref = chosen(models, key, visitor)
        model = yield from view.loaded(status, models, ref, language)
        batch = Batch()
        limits = session.shelf.limits
        for batch in batches(uploads, model, models.queue, wanted, limits):
            yield {
                status: _progress(batch, language),
                shown: table_html([entry.row for entry in batch.entries], language),
                state: batch,
            }
        done, failed = len(batch.entries), batch.n_failed
        about = calibration(model.ref, language)
        sentence = view.status(
            "many_done", language, done=done, failed=failed, about=about
        )
        yield {status: sentence}

    return name_all


def _progress(batch: Batch, language: str) -> Markup:
    done, total = len(batch.entries), batch.n_total
    bar = done, total
    return view.status("many_progress", language, bar=bar, done=done, total=total)


def _wire_table(session: Session, shown: gr.HTML, batch: gr.State) -> None:
    """Play a song, or load it into the player above, to be drawn and classified alone."""
    passage = gr.Audio(type="filepath", format=None, visible=False)
    give = session.guarded(_giving(passage.GRADIO_CACHE))
    played = shown.play(give, batch, passage, **QUIETLY)
    played.success(None, passage, None, js=canvas.PLAY_OTHER, **QUIETLY)
    shown.take(give, batch, session.bar.player, **QUIETLY)


def _giving(cache_dir: str) -> Any:
    def give(batch: Batch, event: gr.EventData) -> str:
        number = int(event.number)
        if not 1 <= number <= len(batch.entries):
            raise KnownError("no_table")
        data, name = file_of(batch.entries[number - 1])
        return files.kept(data, name, cache_dir)

    return give


def _saving(kind: str, cache_dir: str) -> Any:
    """Make the handler that writes the table to a file."""

    def save(batch: Batch) -> str:
        if not batch.entries:
            raise KnownError("no_table")
        return files.kept(content(batch, kind), f"genres.{kind}", cache_dir)

    return save


def table_place() -> gr.HTML:
    """Place the table.

    Its events ``play`` and ``take`` (of a song's name) carry the row's ``number``, from
    1 on, as ``gr.EventData``.
    """
    return gr.HTML(
        js_on_load=SCRIPT.read_text("utf-8"),
        elem_classes=["batch-table"],
        padding=False,
    )


def table_html(found: Sequence[Row], language: str) -> Markup:
    """Render the table; without rows, nothing."""
    if not found:
        return Markup("")
    return render(
        "batch",
        language,
        columns=COLUMNS,
        rows=found,
        runner_up=partial(_runner_up, language=language),
        sentence=lambda error: i18n.sentence(error, language),
    )


def _runner_up(row: Row, language: str) -> str:
    """Name the second genre with its probability; "" where there is none."""
    if not row.prediction or len(row.prediction.genres) < 2:
        return ""
    label, share = row.prediction.genres[1]
    return f"{genre_name(label, language)} {100 * share:.0f}%"


def batches(
    uploads: Sequence[str] | None,
    model: LoadedModel,
    queue: InferenceQueue,
    effort: Effort,
    limits: Limits,
) -> Iterator[Batch]:
    """Classify songs, one after the other.

    Closing the generator stops inference and deletes what was unpacked.

    Raises:
        KnownError: ``no_songs_given`` or ``too_many_songs``.
    """
    if not uploads:
        raise KnownError("no_songs_given")
    with TemporaryDirectory() as folder:
        failed, sources = _sources(map(Path, uploads), Path(folder))
        if len(sources) > MAX_SONGS:
            raise KnownError("too_many_songs", n=len(sources), most=MAX_SONGS)
        batch = Batch(tuple(failed), len(failed) + len(sources))
        if failed:
            yield batch
        songs = [song for song, _, _ in sources]
        classified = rows(
            songs, model, queue, effort=effort, limits=limits, n_workers=N_WORKERS
        )
        for row, (_, upload, inner) in zip(classified, sources, strict=True):
            entry = Entry(row, upload, inner)
            batch = Batch((*batch.entries, entry), batch.n_total)
            yield batch


def file_of(entry: Entry) -> tuple[bytes, str]:
    """Read a song's file as it came, and its name; unpack it again where it is in a zip.

    Raises:
        KnownError: ``clip_gone`` where the server has deleted it, or a code of
            ``unpacked``.
    """
    if not entry.upload.exists():
        raise KnownError("clip_gone", name=entry.row.song)
    if not entry.inner:
        return entry.upload.read_bytes(), entry.upload.name
    with TemporaryDirectory() as folder:
        for song in unpacked(entry.upload, Path(folder), ZIP_LIMITS):
            if song.name == entry.inner:
                return song.path.read_bytes(), Path(entry.inner).name
    raise KnownError("clip_gone", name=entry.row.song)


def content(batch: Batch, kind: str) -> bytes:
    """Write the table as a file, "csv" or "json"."""
    found = [entry.row for entry in batch.entries]
    if kind == "json":
        listed = [asdict(answers.of_row(row)) for row in found]
        return json.dumps(listed, ensure_ascii=False, indent=1).encode()
    file = io.StringIO()
    writer = csv.DictWriter(file, report.COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(report.harmless_cells(row) for row in found)
    return file.getvalue().encode("utf-8-sig")  # by its mark Excel knows the encoding


def _sources(
    uploads: Iterable[Path], folder: Path
) -> tuple[list[Entry], list[tuple[Song, Path, str]]]:
    """List the zips that cannot be read, and every song with its upload and name."""
    failed: list[Entry] = []
    found: list[tuple[Song, Path, str]] = []
    for number, upload in enumerate(uploads):
        if upload.suffix.lower() != ".zip":
            found.append((Song(upload.name, upload), upload, ""))
            continue
        inside = folder / str(number)
        inside.mkdir()
        try:
            songs = list(unpacked(upload, inside, ZIP_LIMITS))
        except KnownError as error:
            failed.append(Entry(Row(upload.name, 0.0, error=error), upload))
            continue
        for song in songs:
            named = Song(f"{upload.name}/{song.name}", song.path)
            found.append((named, upload, song.name))
    return failed, found
