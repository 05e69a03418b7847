"""A row in, text out: a line for people, an object for programs, a table on disk."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifier.batch import Row
from errors import KnownError
from words import sentence

N_SHOWN = 3  # genres a line
COLUMNS = (
    "song genre confidence runner_up runner_up_confidence verdict agreement duration_s"
    " elapsed_s model reason"
).split()


def line(row: Row) -> str:
    """The likeliest genres and the song, for people."""
    genres = row.prediction.genres[:N_SHOWN] if row.prediction else ()
    shown = [f"{genre:<9} {100 * p:3.0f} %" for genre, p in genres]
    return "   ".join([*shown, row.song])


def json_line(row: Row) -> str:
    """All there is to know of an answer, for programs."""
    answer: dict[str, Any] = {"song": row.song, "elapsed_s": round(row.elapsed_s, 3)}
    if row.prediction and row.verdict:
        answer |= {
            "verdict": asdict(row.verdict),
            "duration_s": row.duration_s,
            "model": row.prediction.model.key,
            "trained_on": row.prediction.model.trained_on,
            "genres": dict(row.prediction.genres),
            "chunks": [asdict(chunk) for chunk in row.prediction.chunks],
        }
    return json.dumps(answer, ensure_ascii=False)


def cells(row: Row) -> dict[str, object]:
    """The row's place in a table; what it does not have is empty."""
    found: dict[str, object] = {"song": row.song, "elapsed_s": round(row.elapsed_s, 3)}
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


class Table:
    """A CSV that grows by a row a song, and can go on where it was left.

    Args:
        path: made where it is missing. A last line that was cut off is dropped.

    Raises:
        KnownError: ``not_our_table`` for a file with other columns.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text("utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        reader = csv.DictReader(whole.splitlines(keepends=True))
        if whole and reader.fieldnames != COLUMNS:
            raise KnownError("not_our_table", name=path.name)
        self.songs = {found["song"] for found in reader}
        if whole != text or not whole:
            path.write_text(whole or ",".join(COLUMNS) + "\n", "utf-8")

    def add(self, row: Row) -> None:
        """Write a row at once: an interruption loses none that is done."""
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(cells(row))
