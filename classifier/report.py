"""Format a row: as a line, as JSON, or in a CSV on disk."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifier.batch import Row
from errors import KnownError
from i18n import sentence, word

N_SHOWN = 3  # genres a line
# With the full-width signs, which East Asian spreadsheets read as the plain ones.
FORMULA_BEGINNINGS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
COLUMNS = (
    "song genre confidence runner_up runner_up_confidence verdict agreement duration_s"
    " elapsed_s model reason"
).split()


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

    Args:
        path: made where it is missing. A last line that was cut off is dropped.

    Raises:
        KnownError: ``not_our_table`` for a file with other columns,
            ``table_not_writable`` for a folder or without permission.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            data = path.read_bytes() if path.exists() else b""
            whole = data[: data.rfind(b"\n") + 1]
            self._songs = _songs_of(whole.decode())
            if whole != data or not whole:
                path.write_bytes(whole or f"{','.join(COLUMNS)}\n".encode())
        except (KeyError, UnicodeDecodeError) as error:
            raise KnownError("not_our_table", name=path.name) from error
        except OSError as error:
            reason = error.strerror or ""
            raise KnownError(
                "table_not_writable", name=str(path), reason=reason
            ) from error

    def has(self, song: str) -> bool:
        """Return whether a song of this name has a row."""
        return harmless(song) in self._songs

    def add(self, row: Row) -> None:
        """Append a row to the file at once: an interruption loses none."""
        with self._path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writerow(harmless_cells(row))


def _songs_of(text: str) -> set[str]:
    """Read the names of the songs in a table; raise KeyError for other columns."""
    # Not by splitlines: a name may hold what else it takes for the end of a line.
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if text and reader.fieldnames != COLUMNS:
        raise KeyError(*COLUMNS)
    return {found["song"] for found in reader}
