"""Format a row: as a line, as JSON, or in a CSV on disk."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from audio.decode.archive import Song
from audio.library import tables
from classifier.batch import Row
from errors import KnownError
from i18n import sentence, word

N_SHOWN = 3  # genres a line
# With the full-width signs, which East Asian spreadsheets read as the plain ones.
FORMULA_BEGINNINGS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
COLUMNS = (
    "song genre confidence runner_up runner_up_confidence verdict agreement duration_s"
    " elapsed_s model reason cut_at_s"
).split()
ON_DISK = (*COLUMNS, "size_bytes", "modified_s", "effort")  # of a table to continue
BOMS = (b"\xef\xbb", b"\xff\xfe", b"\xfe\xff")  # how a spreadsheet marks its files
OF_EVERY_TABLE = frozenset("song genre confidence model reason".split())


def line(row: Row) -> str:
    """Format a row for people: the likeliest genres, any doubt, the model, the song."""
    genres = row.prediction.genres[:N_SHOWN] if row.prediction else ()
    shown = [f"{genre:<9} {100 * p:3.0f} %" for genre, p in genres]
    kind = row.verdict.kind if row.verdict else "sure"
    doubt = "" if kind == "sure" else word(f"classify.verdict_{kind}")
    model = row.prediction.model.key if row.prediction else ""
    return "   ".join([*shown, f"{doubt:<7}", model, row.song])


def json_line(row: Row) -> str:
    """Format a row for programs, with every field of the prediction."""
    answer: dict[str, Any] = {"song": row.song, "elapsed_s": round(row.elapsed_s, 3)}
    if row.prediction and row.verdict:
        answer |= {
            "verdict": asdict(row.verdict),
            "duration_s": row.duration_s,
            "cut_at_s": row.cut_at_s,
            "model": row.prediction.model.key,
            "revision": row.prediction.model.revision,
            "precision": row.prediction.precision,
            "device": row.prediction.device,
            "calibrated": row.prediction.model.is_calibrated,
            "exclusive": row.prediction.model.is_exclusive,
            "trained_on": row.prediction.model.trained_on,
            "genres": dict(row.prediction.genres),
            "chunks": [asdict(chunk) for chunk in row.prediction.chunks],
        }
    return json.dumps(answer, ensure_ascii=False)


def cells(row: Row) -> dict[str, Any]:
    """Return the row's cells by column, without the missing ones."""
    found: dict[str, Any] = {"song": row.song, "elapsed_s": round(row.elapsed_s, 3)}
    if row.duration_s is not None:
        found["duration_s"] = round(row.duration_s, 3)
    if row.cut_at_s is not None:
        found["cut_at_s"] = row.cut_at_s
    if row.error:
        found["reason"] = sentence(row.error)
    if row.verdict:
        found["verdict"] = row.verdict.kind
        found["agreement"] = round(row.verdict.agreement, 3)
    if row.prediction:
        (genre, confidence), *others = row.prediction.genres
        found |= {"genre": genre, "confidence": round(confidence, 4)}
        found["model"] = row.prediction.model.key
        if others:
            found["runner_up"] = others[0][0]
            found["runner_up_confidence"] = round(others[0][1], 4)
    return found


def harmless(cell: object) -> object:
    """Escape a cell of a CSV, so that no spreadsheet reads it as a formula.

    File names are untrusted input to the person who opens the table: a text that begins
    like a formula gets an apostrophe, which spreadsheets do not show.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    is_formula = isinstance(cell, str) and cell.startswith(FORMULA_BEGINNINGS)
    return f"'{cell}" if is_formula else cell


def harmless_cells(row: Row) -> dict[str, object]:
    """Return the row's cells, escaped for a CSV."""
    return {name: harmless(cell) for name, cell in cells(row).items()}


class Table:
    """A CSV that grows by a row a song, and can be continued later.

    A song has one row for each model and effort. Its row counts as long as the file
    keeps its size and date, and where it names no reason: a song that failed is tried
    again. A table that a spreadsheet has saved is continued with its separator, its
    columns and what people added.

    Args:
        path: made where it is missing. A last line that was cut off is dropped.
        model: key of the model that classifies.
        effort: how thoroughly.
        is_fixed: another process may be writing it: it is read, and never changed.

    Raises:
        KnownError: ``not_our_table`` for a file with other columns,
            ``table_not_writable`` for a folder, without permission or room.
    """

    def __init__(
        self,
        path: Path,
        model: str = "",
        effort: str = "whole",
        *,
        is_fixed: bool = False,
    ) -> None:
        self._path = path
        self._mine = {"model": model, "effort": effort}
        self._rows: dict[str, list[dict[str, str]]] = {}
        with _writing(path):
            data = path.read_bytes() if path.exists() else b""
        whole = _without_cut_line(data)
        table = tables.read(whole)
        if data and not set(table.columns) >= OF_EVERY_TABLE:
            raise KnownError("not_our_table", name=path.name)
        self._separator = table.separator or ","
        missing = [name for name in ON_DISK if name not in table.columns]
        self._columns = [*table.columns, *missing]
        for row in table.rows:
            if row.get("song"):
                self._rows.setdefault(_key(row["song"]), []).append(dict(row))
        is_ours = data.isascii() or _is_utf8(data)
        if not is_fixed and (missing or whole != data or not is_ours):
            self._rewrite()

    @property
    def n_of_others(self) -> int:
        """Count the rows of another model."""
        return sum(
            row.get("model") not in ("", self._mine["model"])
            for rows in self._rows.values()
            for row in rows
        )

    def has(self, song: Song) -> bool:
        """Return whether a song has a row that still counts."""
        return any(
            self._counts(row, song) for row in self._rows.get(_key(song.name), ())
        )

    def left(self, songs: Iterable[Song]) -> list[Song]:
        """Return each song once that has no row; drop rows that no longer count."""
        wanted = {_key(song.name): song for song in songs if not self.has(song)}
        n_rows = self._n_rows()
        for name in wanted.keys() & self._rows.keys():
            kept = [row for row in self._rows[name] if not self._is_stale(row)]
            self._rows[name] = kept
        if self._n_rows() < n_rows:
            self._rewrite()
        return list(wanted.values())

    def join(self, others: Iterable[Table]) -> None:
        """Take over the rows of other tables; one of the same song is replaced."""
        for other in others:
            for name, rows in other._rows.items():
                kept = [
                    row for row in self._rows.get(name, []) if not self._is_stale(row)
                ]
                self._rows[name] = [*kept, *rows]
        self._rewrite()

    def add(self, row: Row) -> None:
        """Append a row to the file at once: an interruption loses none.

        Raises:
            KnownError: ``table_not_writable``.
        """
        with (
            _writing(self._path),
            self._path.open("a", encoding="utf-8", newline="") as file,
        ):
            facts = {"size_bytes": row.size_bytes, "modified_s": row.modified_s}
            cells = {**harmless_cells(row), **facts, **self._mine}
            self._writer(file).writerow(cells)

    def _counts(self, row: Mapping[str, str], song: Song) -> bool:
        return (
            not row.get("reason")
            and self._is_mine(row)
            and _is_same(row.get("size_bytes"), song.size_bytes)
            and _is_same(row.get("modified_s"), song.modified_s)
        )

    def _is_mine(self, row: Mapping[str, str]) -> bool:
        return all(row.get(name) in (None, "", own) for name, own in self._mine.items())

    def _is_stale(self, row: Mapping[str, str]) -> bool:
        """Return whether a song's row is replaced now that the song is tried again."""
        return bool(row.get("reason")) or self._is_mine(row)

    def _n_rows(self) -> int:
        return sum(map(len, self._rows.values()))

    def _writer(self, file: TextIO) -> csv.DictWriter[str]:
        return csv.DictWriter(
            file,
            self._columns,
            delimiter=self._separator,
            extrasaction="ignore",
            lineterminator="\n",
        )

    def _rewrite(self) -> None:
        """Write the whole table beside itself, then put it in its place."""
        with _writing(self._path):
            place = self._path.resolve()
            mark = place.exists() and place.read_bytes()[:2] in BOMS
            part = place.with_name(f".{place.name}.part")
            encoding = "utf-8-sig" if mark else "utf-8"
            with part.open("w", encoding=encoding, newline="") as file:
                writer = self._writer(file)
                writer.writeheader()
                for rows in self._rows.values():
                    writer.writerows(
                        {name: harmless(cell) for name, cell in row.items()}
                        for row in rows
                    )
            if place.exists():
                part.chmod(place.stat().st_mode & 0o777)
            part.replace(place)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Convert what the system answers to reading or writing a table.

    Raises:
        KnownError: ``table_not_writable``.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or ""
        raise KnownError("table_not_writable", name=str(path), reason=reason) from error


def _without_cut_line(data: bytes) -> bytes:
    """Drop a last line that has no end, unless an editor only left the end out."""
    data = data.rstrip(b"\0")  # of a file system that lost power
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")  # of an old Macintosh
    start, last = data.rfind(b"\n") + 1, data[data.rfind(b"\n") + 1 :]
    is_utf16 = data[:2] in BOMS[1:]
    is_whole = last.rstrip().rstrip(b'"').endswith((b"whole", b"quick"))
    return data if is_utf16 or is_whole or not start else data[:start]


def _key(name: str) -> str:
    """Return a song's name as it is once a table was written and read."""
    return name.strip().removeprefix("'").strip()


def _is_utf8(data: bytes) -> bool:
    try:
        return not data.decode().startswith("\0")
    except UnicodeDecodeError:
        return False


def _is_same(cell: str | None, number: int | None) -> bool:
    """Compare a cell with a number; one that nobody noted, or a sheet spoilt, fits."""
    if number is None or not cell:
        return True
    try:
        return int(cell) == number
    except ValueError:
        return True
