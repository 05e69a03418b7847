"""Many songs: a table that fills as they finish, to sort, to play and to take away."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
from markupsafe import Markup

import i18n
from audio.decode import Limits, load
from audio.decode.archive import (
    Song,
    ZipLimits,
    members,
    opened,
    unpacked,
)
from audio.library.kinds import AUDIO_SUFFIXES
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
from ui.player import sound_files
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
            file_types=[*sorted(AUDIO_SUFFIXES), "audio", "video", ".zip"],
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
        limits = session.shelf.limits_of(visitor.may_train)
        for batch in batches(uploads, model, models.queue, wanted, limits, language):
            yield {
                status: _progress(batch, language),
                shown: table_html([entry.row for entry in batch.entries], language),
                state: batch,
            }
        done, failed = len(batch.entries), batch.n_failed
        about = calibration(model.ref, language)
        name = "many_done_failed" if failed else "many_done"
        sentence = view.status(name, language, done=done, failed=failed, about=about)
        yield {status: sentence}

    return name_all


def _progress(batch: Batch, language: str) -> Markup:
    done, total = len(batch.entries), batch.n_total
    bar = done, total
    return view.status("many_progress", language, bar=bar, done=done, total=total)


def _wire_table(session: Session, shown: gr.HTML, batch: gr.State) -> None:
    """Play a song, or load it into the player above, to be drawn and classified alone."""
    passage = gr.Audio(type="filepath", format=None, visible=False)
    limits = session.shelf.limits
    give = session.guarded(_giving(passage.GRADIO_CACHE, limits))
    taken = session.guarded(_giving(passage.GRADIO_CACHE, limits, is_taken=True))
    played = shown.play(give, batch, passage, **QUIETLY)
    played.success(None, passage, None, js=canvas.PLAY_OTHER, **QUIETLY)
    shown.take(taken, batch, session.bar.player, **QUIETLY)


def _giving(cache_dir: str, limits: Limits, *, is_taken: bool = False) -> Any:
    """Make the handler that gives a song's file: to the player above, or to be played."""

    def give(batch: Batch, event: gr.EventData, visitor: Visitor) -> str:
        number = int(event.number)
        if not 1 <= number <= len(batch.entries):
            raise KnownError("no_table")
        data, name = file_of(batch.entries[number - 1], visitor.language)
        path = files.kept(data, name, cache_dir)
        return path if is_taken else _playable(path, limits, cache_dir)

    return give


def _playable(path: str, limits: Limits, cache_dir: str) -> str:
    """Return a file that browsers play: this one, or its sound as wav."""
    try:
        decoded = load(Path(path), limits=limits)
    except KnownError:
        return path
    if sound_files.is_playable(decoded.facts):
        return path
    return sound_files.file_of(decoded.clip, cache_dir)


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
    language: str = "",
) -> Iterator[Batch]:
    """Classify songs, one after the other.

    Closing the generator stops inference and deletes what was unpacked.

    Raises:
        KnownError: ``no_songs_given`` or ``too_many_songs``.
    """
    if not uploads:
        raise KnownError("no_songs_given")
    failed, sources = _sources(map(Path, uploads), language)
    n_songs = sum(len(source.inner) or 1 for source in sources)
    if n_songs > MAX_SONGS:
        raise KnownError("too_many_songs", n=n_songs, most=MAX_SONGS)
    batch = Batch(tuple(failed), len(failed) + n_songs)
    if failed:
        yield batch
    origins: deque[tuple[Path, str]] = deque()
    with TemporaryDirectory() as folder:
        songs = _unpacked(sources, Path(folder), origins, language)
        for row in rows(
            songs, model, queue, effort=effort, limits=limits, n_workers=N_WORKERS
        ):
            entry = Entry(row, *origins.popleft())
            batch = Batch((*batch.entries, entry), batch.n_total)
            yield batch


def file_of(entry: Entry, language: str = "") -> tuple[bytes, str]:
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
        wanted = entry.inner
        for song in unpacked(
            entry.upload,
            Path(folder),
            ZIP_LIMITS,
            language,
            lambda name: name == wanted,
        ):
            if song.path.exists():
                return song.path.read_bytes(), Path(wanted).name
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


@dataclass(frozen=True)
class Source:
    """An upload.

    Attributes:
        upload: the file.
        inner: names of the songs in it; none where it is a song itself.
    """

    upload: Path
    inner: tuple[str, ...] = ()


def _sources(
    uploads: Iterable[Path], language: str
) -> tuple[list[Entry], list[Source]]:
    """List the zips that cannot be read, and the other uploads; unpack nothing."""
    failed: list[Entry] = []
    found: list[Source] = []
    for upload in uploads:
        if upload.suffix.lower() != ".zip":
            found.append(Source(upload))
            continue
        try:
            with opened(upload) as archive:
                songs, _ = members(archive, upload.name, ZIP_LIMITS, language)
            if not songs:
                raise KnownError("zip_without_songs", name=upload.name)
        except KnownError as error:
            failed.append(Entry(Row(upload.name, 0.0, error=error), upload))
            continue
        found.append(Source(upload, tuple(song.name for song in songs)))
    return failed, found


def _unpacked(
    sources: Iterable[Source],
    folder: Path,
    origins: deque[tuple[Path, str]],
    language: str,
) -> Iterator[Song]:
    """Yield every song, those of zips unpacked when their turn comes.

    Args:
        sources: the uploads.
        folder: where zips are unpacked; a song is deleted once it is classified.
        origins: gets the upload and the inner name of each song as it is yielded.
        language: of the visitor, for names whose encoding nobody noted.
    """
    for number, source in enumerate(sources):
        upload = source.upload
        if not source.inner:
            origins.append((upload, ""))
            yield Song(upload.name, upload)
            continue
        inside = folder / str(number)
        inside.mkdir()
        left = list(source.inner)
        try:
            for song in unpacked(upload, inside, ZIP_LIMITS, language):
                left.remove(song.name)
                origins.append((upload, song.name))
                yield replace(song, name=f"{upload.name}/{song.name}")
        except KnownError as error:
            if error.code == "no_room":
                raise
        for name in left:  # what could not be unpacked cannot be read
            origins.append((upload, name))
            yield Song(f"{upload.name}/{name}", inside / "gone")
