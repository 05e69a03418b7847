"""Read tables that people make: of any separator, encoding, and naming of files.

``songs.csv`` beside a set's folders, a data set's ``metadata.csv`` or ``.jsonl``, and
what a spreadsheet made of them; and the cue sheet of an album that is one file.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audio.library.encodings import decoded

NAMES = re.compile(
    r"(songs|metadata)\.(csv|tsv|jsonl)(\.txt)?", re.IGNORECASE
)  # a Windows that hides suffixes adds one
SEPARATORS = ",;\t|"
FILE_COLUMNS = ("file", "file_name", "filename", "path", "song", "track", "audio")
GROUP_COLUMNS = ("group", "artist", "album")
GENRE_COLUMNS = ("genre", "label", "class", "category")
PART_COLUMNS = ("split", "part", "subset")
# Of a cue sheet: FILE "album.flac" WAVE, then TRACK 01 AUDIO and so on.
CUE_FILE = re.compile(r"^\s*FILE\s", re.IGNORECASE | re.MULTILINE)
CUE_TRACK = re.compile(r"^\s*TRACK\s+\d+\s+AUDIO\b", re.IGNORECASE | re.MULTILINE)
MAX_CUE_BYTES = 1_000_000
MAX_BYTES = 10_000_000  # of all tables of a set
Row = Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """The rows of a table.

    Attributes:
        rows: cells by lower-case column, without spaces around them.
        columns: in lower case, in their order.
        separator: between cells; "" of JSON lines.
    """

    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    separator: str = ""


def is_table(name: str) -> bool:
    """Return whether a file is one of the tables that come with songs, by its name."""
    return NAMES.fullmatch(name.rpartition("/")[2]) is not None


def read(data: bytes, language: str = "") -> Table:
    """Read a table, up to the first error in it.

    Args:
        data: of the file.
        language: of the person, for an encoding that nobody noted.
    """
    text = decoded(data, language).lstrip("\ufeff")
    if text.lstrip()[:1] == "{":
        rows = tuple(_json_rows(text))
        return Table(rows, tuple(dict.fromkeys(name for row in rows for name in row)))
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep="):  # Excel's own word for it
        text, first = rest, rest.partition("\n")[0]
    separator = max(SEPARATORS, key=re.sub(r'"[^"]*"', "", first).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns: tuple[str, ...] = ()
    found: list[Row] = []
    with contextlib.suppress(csv.Error):  # such as a cell of megabytes
        columns = tuple(_plain(each).lower() for each in next(reader, []))
        for cells in reader:
            pairs = zip(columns, cells, strict=False)
            found.append({name: _plain(cell) for name, cell in pairs})
    return Table(tuple(found), columns, separator)


def read_all(found: Mapping[str, Callable[[], IO[bytes]]]) -> Table | None:
    """Read the tables of a set as one: those of deeper folders add to the others.

    A row names its file from the folder of its table, as those of a data set's parts do,
    or from the set's folder.

    Args:
        found: opens each, by its name relative to the set's folder, with slashes.

    Returns:
        None without tables. A table that cannot be opened has no rows.
    """
    rows: list[Row] = []
    columns: dict[str, None] = {}
    n_left = MAX_BYTES
    for name in sorted(found, key=lambda each: (each.count("/"), each)):
        with contextlib.suppress(OSError), found[name]() as file:
            data = file.read(n_left)
            n_left -= len(data)
            table = read(data)
            columns |= dict.fromkeys(table.columns)
            rows += [_placed(row, name.rpartition("/")[0]) for row in table.rows]
    return Table(tuple(rows), tuple(columns)) if found else None


def opener(path: Path) -> Callable[[], IO[bytes]]:
    """Make a function that opens a file, for ``read_all``."""
    return lambda: path.open("rb")


def _placed(row: Row, folder: str) -> Row:
    """Name a row's file from the set's folder."""
    column = next((name for name in FILE_COLUMNS if row.get(name)), None)
    return {**row, column: f"{folder}/{row[column]}"} if column else row


def n_tracks(sound: Path) -> int:
    """Count the tracks that a cue sheet beside a file cuts it into; 0 without a sheet.

    A sheet that names several files belongs to songs that are cut already.
    """
    for sheet in (sound.with_suffix(".cue"), sound.with_name(f"{sound.name}.cue")):
        with contextlib.suppress(OSError), sheet.open("rb") as file:
            text = decoded(file.read(MAX_CUE_BYTES))
            if len(CUE_FILE.findall(text)) == 1:
                return len(CUE_TRACK.findall(text))
    return 0


def cell(row: Row, columns: Sequence[str]) -> str:
    """Return the first filled cell of some columns; "" where none is."""
    return next((row[name] for name in columns if row.get(name)), "")


def matched(table: Table, names: Iterable[str]) -> dict[str, Row]:
    """Find the row of each file; files without one are left out.

    A row may name a file by its path from the set's folder, with or without the folders
    around, with either slash, in any case and any Unicode form, or by its last part
    alone where that is unique.
    """
    by_end: dict[tuple[str, ...], set[str]] = collections.defaultdict(set)
    for name in names:
        parts = _parts(name)
        for start in range(len(parts)):
            by_end[parts[start:]].add(name)
    found: dict[str, Row] = {}
    for row in table.rows:
        parts = _parts(cell(row, FILE_COLUMNS))
        for start in range(len(parts)):
            if len(named := by_end.get(parts[start:], set())) == 1:
                (name,) = named
                if name not in found:
                    found[name] = row
                elif not start:  # what names it in full adds to what does not
                    filled = {key: value for key, value in row.items() if value}
                    found[name] = {**found[name], **filled}
                break
    return found


def _parts(name: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFC", name).casefold().replace("\\", "/")
    return tuple(part for part in folded.split("/") if part not in ("", ".", ".."))


def _plain(cell: str) -> str:
    """Strip a cell, and the apostrophe that keeps spreadsheets from computing it."""
    cell = cell.strip()
    return cell[1:] if re.match("'[=+\\-@]", cell) else cell


def _json_rows(text: str) -> Iterator[Row]:
    for line in text.splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            row = json.loads(line)
            if isinstance(row, dict):
                yield {
                    str(name).strip().lower(): str(value).strip()
                    for name, value in row.items()
                    if isinstance(value, str | int | float)
                }
