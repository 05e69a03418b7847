"""Classify songs from a shell: ``python -m classifier SONG``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import process
from audio.decode.archive import Song, shown, unpacked
from classifier import report
from classifier.batch import Row, rows, songs_in
from classifier.models import AUTO, Models
from classifier.report import Table
from errors import KnownError
from i18n import sentence, word
from networks.checkpoint import LoadedModel, ModelRef
from networks.cpu.precision import WANTED
from settings import Settings, from_environment, prepare_environment

DESCRIPTION = """\
Name the genre of songs: one line a song, the likeliest genres first.

examples:
  python -m classifier song.mp3
  python -m classifier ~/Music --csv genres.csv
  python -m classifier songs.zip --json > genres.jsonl
  python -m classifier song.mp3 --model run:20261122-193005-ab12
  python -m classifier song.mp3 --model hub:OWNER/NAME
  python -m classifier --model list
"""
EPILOG = """\
A song that cannot be read is named on standard error, and the others are classified.
With --csv, songs that the table holds already are left out: start again after an
interruption to classify the others. The exit code is 0 when every song got its
genre, and 1 when one did not.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Classify each song; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    n_workers = options.workers or os.cpu_count() or 1
    models = _models(from_environment(), options, n_workers)
    if options.model == "list":
        return _listed(models)
    if not options.songs:
        parser.error("name at least one song or folder")
    _prepare_libraries(n_workers)
    with TemporaryDirectory() as folder:
        try:
            table = Table(options.csv) if options.csv else None
            model = _loaded(models, options.model)
        except KnownError as error:
            return _failed(error)
        songs, outcome = _songs(options.songs, Path(folder))
        if table:
            songs = [song for song in songs if not table.has(song.name)]
        found = rows(
            songs, model, models.queue, effort=options.effort, n_workers=n_workers
        )
        if table and songs:
            from tqdm import tqdm

            found = iter(tqdm(found, total=len(songs), unit="song", file=sys.stderr))
        for row in found:
            outcome = max(outcome, _report(row, table, options.json))
    return outcome


def _listed(models: Models) -> int:
    """Print each model's key, and which of them ``auto`` is; the exit code."""
    listed = models.available()
    if listed:
        print(f"{AUTO:<50} {models.auto().key}")
    for ref in listed:
        print(f"{ref.key:<50} {ref.trained_on}".rstrip())
    return 0


def _loaded(models: Models, key: str) -> LoadedModel:
    """Load the model of a key; of ``auto``, the best that can be had, fetched if needed.

    Raises:
        KnownError: a code of ``Models.ref`` or ``Models.load``.
    """
    if key != AUTO:
        return _fetched(models, models.ref(key))
    *first, last = models.candidates() or [models.auto()]
    for ref in first:
        try:
            return _fetched(models, ref)
        except KnownError as error:
            _failed(error)
        except OSError:  # every other one is a KnownError by now
            _failed(KnownError("disk_full"))
        print(word("classifier.instead"), file=sys.stderr)
    if models.is_offline and models.hub_model and not first:
        print(word("classifier.offline", id=models.hub_model), file=sys.stderr)
    return _fetched(models, last)


def _fetched(models: Models, ref: ModelRef) -> LoadedModel:
    with _Bar(ref.id) as bar:
        return models.load(ref, bar.count)


class _Bar:
    """A progress bar of a download, drawn from its first bytes on.

    Args:
        name: of what is downloaded.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def count(self, n_bytes: int, n_all: int) -> None:
        """Draw how many bytes are here."""
        from tqdm import tqdm

        if self._bar is None:
            about: dict[str, Any] = {
                "desc": self._name,
                "total": n_all,
                "file": sys.stderr,
            }
            self._bar = tqdm(unit="B", unit_scale=True, **about)
        self._bar.update(n_bytes - self._bar.n)


def _songs(named: Sequence[Path], folder: Path) -> tuple[list[Song], int]:
    """List every song of the arguments, also in folders and zips.

    Args:
        named: songs, folders and zips.
        folder: where zips are unpacked.

    Returns:
        The songs, and the exit code.
    """
    songs: list[Song] = []
    outcome = 0
    for number, path in enumerate(named):
        try:
            songs += _songs_of(path, folder / str(number))
        except KnownError as error:
            outcome = _failed(error)
    return songs, outcome


def _songs_of(path: Path, folder: Path) -> list[Song]:
    if path.is_dir():
        return songs_in(path)
    if path.suffix.lower() != ".zip" or not path.is_file():
        return [Song(shown(str(path)), path)]
    folder.mkdir()
    return [
        Song(shown(f"{path}/{song.name}"), song.path) for song in unpacked(path, folder)
    ]


def _report(row: Row, table: Table | None, as_json: bool) -> int:
    """Write a row to the table, or print it; return the exit code."""
    if table:
        table.add(row)
    if row.error:
        return _failed(row.error)
    if as_json or not table:
        print(report.json_line(row) if as_json else report.line(row), flush=True)
    if row.cut_at_s is not None:
        note = word("classifier.cut", name=row.song, cut_at_s=row.cut_at_s)
        print(note, file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m classifier",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "songs",
        nargs="*",
        type=Path,
        metavar="SONG",
        help="an audio file, or a folder or zip: then every audio file inside",
    )
    parser.add_argument(
        "--model",
        default=AUTO,
        metavar="KEY",
        help="the model to use (default: %(default)s, the Hub's fine-tuned one, "
        "fetched once, or without a network the bundled one): one of the 'list', or "
        "any audio classifier of the Hugging Face Hub",
    )
    parser.add_argument(
        "--runs-dir",
        type=Path,
        metavar="DIR",
        help="where the models of your own runs are (default: the app's)",
    )
    parser.add_argument(
        "--quick",
        dest="effort",
        action="store_const",
        const="quick",
        default="whole",
        help="classify at most six windows of each song",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write a table, a row a song, or append to it",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line, with every genre and every window",
    )
    parser.add_argument(
        "--precision",
        choices=WANTED,
        help="number format of a CPU's products (default: bf16 where the processor "
        "multiplies it faster, else fp32; or GENRESCOPE_PRECISION)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="songs classified at the same time (default: as many as cores)",
    )
    return parser


def _models(settings: Settings, options: argparse.Namespace, n_workers: int) -> Models:
    return Models(
        bundled_model_dir=settings.bundled_model_dir,
        runs_dir=options.runs_dir or settings.runs_dir,
        hub_model=settings.hub_model,
        is_offline=settings.is_offline,
        is_hub_open=True,  # to all users with a shell on this machine
        n_at_once=n_workers,
        precision=options.precision or settings.precision,
    )


def _prepare_libraries(n_workers: int) -> None:
    """Keep transformers quiet, and torch to the threads that workers leave it."""
    process.settle()
    import torch
    from transformers.utils import logging

    torch.set_num_threads(max((os.cpu_count() or 1) // n_workers, 1))
    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _failed(error: KnownError) -> int:
    print(sentence(error), file=sys.stderr)
    return 1


if __name__ == "__main__":
    prepare_environment()
    if hasattr(signal, "SIGPIPE"):  # Windows has none
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # so that ``| head`` ends it
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
