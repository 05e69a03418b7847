"""What is known of songs besides their sound: their group, such as the artist, their part.

A list tells it (``songs.csv``: columns file, and artist, album or group, and split);
where it names no groups, the names of the files do, or the folders that they lie in.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from trainer.splits import PARTS

GROUP_COLUMNS = ("group", "artist", "album")
ARTIST = re.compile(r"(.+?) - .+")  # "Artist - Title.mp3"
MIN_NAMED_FRACTION = 0.8  # of the files, or the dash means something else


@dataclass(frozen=True)
class Listing:
    """Groups and parts of songs, by the name ``genre/file``."""

    groups: Mapping[str, str]
    parts: Mapping[str, str]

    @classmethod
    def of(cls, names: Sequence[str], text: str) -> Listing:
        """From a list as CSV; where it names no groups, from names and folders."""
        groups: dict[str, str] = {}
        parts: dict[str, str] = {}
        for cells in _rows(text):
            name = cells.get("file", "").replace("\\", "/")
            group = next((cells[c] for c in GROUP_COLUMNS if cells.get(c)), "")
            groups[name] = group
            parts[name] = cells.get("split", "").lower()
        if not any(groups.values()):
            groups = _artists(names) or _albums(names)
        return cls(groups, {n: part for n, part in parts.items() if part in PARTS})


def _rows(text: str) -> Iterator[dict[str, str]]:
    """A list's rows, cells by column in lower case, as far as it can be read."""
    table = csv.DictReader(io.StringIO(text), restkey="", restval="")
    with contextlib.suppress(csv.Error):  # a cell of megabytes, or a stray byte
        for row in table:
            yield {
                str(column).strip().lower(): cell.strip()
                for column, cell in row.items()
                if isinstance(cell, str)
            }


def _artists(names: Sequence[str]) -> dict[str, str]:
    """The artist of each song, where most files are named "Artist - Title"."""
    matches = {name: ARTIST.match(PurePosixPath(name).name) for name in names}
    found = {name: match[1] for name, match in matches.items() if match}
    return found if len(found) >= MIN_NAMED_FRACTION * len(names) else {}


def _albums(names: Sequence[str]) -> dict[str, str]:
    """The folders between genre and file, where most files lie in some."""
    found = {name: name.rpartition("/")[0] for name in names if name.count("/") > 1}
    return found if len(found) >= MIN_NAMED_FRACTION * len(names) else {}
