"""Files that a visitor dropped in, a row for each song out, as they finish."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from audio.decode import Limits
from classifier import report
from classifier.archive import Song, ZipLimits, unpacked
from classifier.batch import Row, rows
from classifier.predict import Effort
from classifier.queue import InferenceQueue
from errors import KnownError
from networks.checkpoint import LoadedModel
from ui import answers

MAX_SONGS = 200  # at once; a whole collection is for the command line
ZIP_LIMITS = ZipLimits(max_files=MAX_SONGS, max_bytes=1_000_000_000)
N_WORKERS = 2  # one song is decoded while another is heard


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
        """Songs without an answer."""
        return sum(entry.row.error is not None for entry in self.entries)


def batches(
    uploads: Sequence[str] | None,
    model: LoadedModel,
    queue: InferenceQueue,
    effort: Effort,
    limits: Limits,
) -> Iterator[Batch]:
    """The table after each song.

    Who leaves the iteration ends the work within a window, and what was unpacked goes.

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
        heard = rows(
            songs, model, queue, effort=effort, limits=limits, n_workers=N_WORKERS
        )
        for row, (_, upload, inner) in zip(heard, sources, strict=True):
            entry = Entry(row, upload, inner)
            batch = Batch((*batch.entries, entry), batch.n_total)
            yield batch


def file_of(entry: Entry) -> tuple[bytes, str]:
    """A song's file as it came, and its name; one in a zip is unpacked again.

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
    """The table as a file, "csv" or "json"."""
    found = [entry.row for entry in batch.entries]
    if kind == "json":
        listed = [asdict(answers.of_row(row)) for row in found]
        return json.dumps(listed, ensure_ascii=False, indent=1).encode()
    file = io.StringIO()
    writer = csv.DictWriter(file, report.COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(report.harmless_cells(row) for row in found)
    return file.getvalue().encode("utf-8-sig")  # the mark tells Excel its letters


def _sources(
    uploads: Iterable[Path], folder: Path
) -> tuple[list[Entry], list[tuple[Song, Path, str]]]:
    """Zips that cannot be read, as rows; and every song with its upload and name."""
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
