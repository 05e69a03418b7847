"""Many songs: a table that fills as they finish, to sort, to open and to take away."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

import i18n
from audio.decode import Limits
from audio.decode.archive import (
    Song,
    unpacked,
)
from classifier import report
from classifier.batch import Row, rows_or_waits
from classifier.models import Models
from classifier.predict import Effort
from classifier.queue import InferenceQueue
from classifier.song_map import SongMap, song_map
from errors import KnownError
from i18n import genre_name
from networks.checkpoint import LoadedModel
from ui import canvas, uploads, waiting
from ui.api import answers
from ui.handlers import QUIETLY
from ui.model_choice import EFFORTS, chosen, effort_of, full_title
from ui.server import files
from ui.server.access import Visitor
from ui.server.language import text
from ui.server.shares import charge
from ui.session import Session
from ui.tabs.classify import view
from ui.tabs.classify.answer import calibration, heading, knows
from ui.tabs.classify.picker import Picker
from ui.templates import render
from ui.uploads import MAX_SONGS, ZIP_LIMITS, Source
from viz import palette
from viz.wording import joined

N_WORKERS = 2  # one song is decoded while another is classified
# One batch at a time; its windows and those of single songs take turns.
BATCH_QUEUE: dict[str, Any] = {"concurrency_id": "batch", "concurrency_limit": 3}
SCRIPT = Path(__file__).with_suffix(".js")
COLUMNS = "song genre confidence runner_up verdict duration".split()
N_STRIPS, MIN_STRIP = 3, 0.05  # genres of a small map, and their least probability
# Brings a song's file and its small map below its row.
OPEN = """(file, html) => document.dispatchEvent(
  new CustomEvent("genrescope-song", { detail: { url: file?.url, html } }))"""


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
            file_types=uploads.FILE_TYPES,
            label=text("classify.files"),
            height=160,
        )
        counted = gr.HTML(elem_classes=["file-count"])
        efforts = [(text(f"classify.{each}"), each) for each in EFFORTS]
        effort = gr.Radio(efforts, value="quick", label=text("classify.effort"))
        with gr.Row():
            button = gr.Button(
                text("classify.many_button"), variant="primary", scale=0, min_width=200
            )
            cancel = waiting.cancel_button(scale=0)
        status = gr.HTML(elem_classes=["classify-status"])
        shown = table_place()
        with gr.Row():
            kinds = ("csv", "json")
            save = {
                k: gr.Button(
                    text(f"classify.save_{k}"), size="sm", scale=0, min_width=140
                )
                for k in kinds
            }
    files.change(session.guarded(count), files, counted, **QUIETLY)
    name_all = _naming(session, models, status, shown, batch)
    naming = button.click(
        session.guarded(waiting.tidied(status, name_all)),
        [files, picker.model, effort],
        [status, shown, batch],
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        **BATCH_QUEUE,
    )
    cancelled = session.guarded(waiting.cancelled)
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
        given: list[str] | None, key: str | None, effort: str, visitor: Visitor
    ) -> Iterator[dict[Any, Any]]:
        language = visitor.language
        wanted = effort_of(effort)
        ref = chosen(models, key, visitor)
        model = yield from waiting.loaded(status, models, ref, language)
        batch = Batch()
        limits = session.shelf.limits_of(visitor.may_train)
        for new in batches(given, model, models.queue, wanted, limits, language):
            if new is batch:
                yield {status: _progress(batch, language)}
                continue
            batch = new
            yield {
                status: _progress(batch, language),
                shown: table_html([entry.row for entry in batch.entries], language),
                state: batch,
            }
        done, failed = len(batch.entries), batch.n_failed
        about = calibration(model.ref, language)
        name = "many_done_failed" if failed else "many_done"
        sentence = waiting.status(name, language, done=done, failed=failed, about=about)
        yield {status: sentence}

    return name_all


def _progress(batch: Batch, language: str) -> Markup:
    done, total = len(batch.entries), batch.n_total
    bar = done, total
    return waiting.status("many_progress", language, bar=bar, done=done, total=total)


def _wire_table(session: Session, shown: gr.HTML, batch: gr.State) -> None:
    """Open a song below its row, to be played there; or load it into the player above."""
    file = gr.Audio(type="filepath", format=None, visible=False)
    html = gr.Textbox(visible=False)
    limits = session.shelf.limits
    give = session.guarded(_opening(file.GRADIO_CACHE, limits))
    opened = shown.open(give, batch, [file, html], **QUIETLY)
    opened.success(None, [file, html], None, js=OPEN, **QUIETLY)
    take = session.guarded(_taking(file.GRADIO_CACHE))
    taken = shown.take(take, batch, session.bar.player, **QUIETLY)
    taken.success(None, None, None, js=view.TO_THE_TOP, **QUIETLY)


def _opening(cache_dir: str, limits: Limits) -> Any:
    """Make the handler that gives a song's file, and its small map as HTML."""

    def open_song(
        batch: Batch, event: gr.EventData, visitor: Visitor
    ) -> tuple[str | None, Markup]:
        number, entry = _chosen(batch, event)
        try:
            data, name = file_of(entry, visitor.language)
            kept = files.kept(data, name, cache_dir)
            path = uploads.playable(kept, limits, cache_dir)
        except KnownError as error:
            reason = i18n.sentence(error, visitor.language)
            return None, song_html(number, entry.row, visitor.language, reason)
        return path, song_html(number, entry.row, visitor.language)

    return open_song


def _taking(cache_dir: str) -> Any:
    """Make the handler that gives a song's file to the player above."""

    def take(batch: Batch, event: gr.EventData, visitor: Visitor) -> str:
        _, entry = _chosen(batch, event)
        data, name = file_of(entry, visitor.language)
        return files.kept(data, name, cache_dir)

    return take


def _chosen(batch: Batch, event: gr.EventData) -> tuple[int, Entry]:
    """Find the row that an event names."""
    number = int(event.number)
    if not 1 <= number <= len(batch.entries):
        raise KnownError("no_table")
    return number, batch.entries[number - 1]


def _saving(kind: str, cache_dir: str) -> Any:
    """Make the handler that writes the table to a file."""

    def save(batch: Batch) -> str:
        if not batch.entries:
            raise KnownError("no_table")
        return files.kept(content(batch, kind), f"genres.{kind}", cache_dir)

    return save


def table_place() -> gr.HTML:
    """Place the table.

    Its events ``open`` and ``take`` carry the row's ``number``, from 1 on, as
    ``gr.EventData``.
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
    first = next((row.prediction for row in found if row.prediction), None)
    return render(
        "batch",
        language,
        model=full_title(first.model, language) if first else "",
        knows=joined(knows(first, language), language) if first else "",
        columns=COLUMNS,
        rows=found,
        colour=palette.genre_colour,
        runner_up=partial(_runner_up, language=language),
        sentence=lambda error: i18n.sentence(error, language),
    )


def song_html(number: int, row: Row, language: str, reason: str = "") -> Markup:
    """Render what opens below a row: the verdict, a small map, and a player.

    Args:
        number: of the row, from 1 on.
        row: with an answer.
        language: of the visitor.
        reason: why the song cannot be played; "" if it can.

    Raises:
        KnownError: ``no_table`` for a row without an answer.
    """
    if not row.prediction or not row.verdict:
        raise KnownError("no_table")
    head, caveat = heading(row.prediction, row.verdict, language)
    found = song_map(row.prediction)
    duration_s = row.duration_s or float(found.stops_s[-1])
    likely = [share >= MIN_STRIP for _, share in row.prediction.genres[:N_STRIPS]]
    strips = [
        (label, share, palette.genre_colour(label), _windows(found, place, duration_s))
        for place, (label, share) in enumerate(
            row.prediction.genres[: max(sum(likely), 1)]
        )
    ]
    return render(
        "batch_song",
        language,
        number=number,
        song=row.song,
        head=head,
        caveat=caveat,
        duration_s=duration_s,
        strips=strips,
        reason=reason,
    )


def _windows(
    found: SongMap, place: int, duration_s: float
) -> list[tuple[float, float, float]]:
    """List a genre's windows: left and width in percent of the song, and probability."""
    return [
        (100 * start_s / duration_s, 100 * (stop_s - start_s) / duration_s, share)
        for start_s, stop_s, share in zip(
            found.starts_s, found.stops_s, found.probabilities[place], strict=True
        )
    ]


def count(given: list[str] | None, visitor: Visitor) -> str:
    """Count the files that were given; "" without one."""
    if not given:
        return ""
    return i18n.word("classify.n_files", visitor.language, n=len(given))


def _runner_up(row: Row, language: str) -> str:
    """Name the second genre with its probability; "" where there is none."""
    if not row.prediction or len(row.prediction.genres) < 2:
        return ""
    label, share = row.prediction.genres[1]
    return f"{genre_name(label, language)} {100 * share:.0f}%"


def batches(
    given: Sequence[str] | None,
    model: LoadedModel,
    queue: InferenceQueue,
    effort: Effort,
    limits: Limits,
    language: str = "",
) -> Iterator[Batch]:
    """Classify songs, one after the other.

    While a song takes its time, the same table is yielded again, every ``PATIENCE_S``:
    Gradio ends a generator of who has left between two of its values. Closing it stops
    inference and deletes what was unpacked.

    Raises:
        KnownError: ``no_songs_given``, ``too_many_songs`` or ``too_much_sound``.
    """
    if not given:
        raise KnownError("no_songs_given")
    unread, sources = uploads.sources(map(Path, given), language)
    failed = [
        Entry(Row(files.name_of(path), 0.0, error=why), path) for path, why in unread
    ]
    n_songs = sum(len(source.inner) or 1 for source in sources)
    if n_songs > MAX_SONGS:
        raise KnownError("too_many_songs", n=n_songs, most=MAX_SONGS)
    batch = Batch(tuple(failed), len(failed) + n_songs)
    if failed:
        yield batch
    origins: deque[tuple[Path, str]] = deque()
    with files.scratch() as folder:
        songs = _unpacked(sources, folder, origins, language)
        found = rows_or_waits(
            songs,
            model,
            queue,
            effort=effort,
            limits=limits,
            n_workers=N_WORKERS,
            patience_s=waiting.PATIENCE_S,
        )
        for row in found:
            if row is None:
                yield batch
                continue
            if row.error and row.error.code == "too_much_sound":
                raise row.error  # so would all others
            charge(row.duration_s or 0.0)
            entry = Entry(row, *origins.popleft())
            batch = Batch((*batch.entries, entry), batch.n_total)
            yield batch


def file_of(entry: Entry, language: str = "") -> tuple[bytes, str]:
    """Read a song's file as it came, and its name; unpack it again where it is in a zip.

    Raises:
        KnownError: ``clip_gone`` where the server has deleted it, or a code of
            ``unpacked``.
    """
    return uploads.file_of(entry.upload, entry.inner, entry.row.song, language)


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
            yield Song(source.name, upload)
            continue
        inside = folder / str(number)
        inside.mkdir()
        left = list(source.inner)
        try:
            for song in unpacked(upload, inside, ZIP_LIMITS, language):
                left.remove(song.name)
                origins.append((upload, song.name))
                yield replace(song, name=f"{source.name}/{song.name}")
        except KnownError as error:
            if error.code == "no_room":
                raise
        for name in left:  # what could not be unpacked cannot be read
            origins.append((upload, name))
            yield Song(f"{source.name}/{name}", inside / "gone")
