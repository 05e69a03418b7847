"""Classify songs from a shell: ``python -m classifier SONG``."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import process
from audio.decode import OWN
from audio.decode.archive import Song
from audio.library.kinds import shown
from audio.library.tables import n_tracks
from classifier import embeddings, flags, hf_job, report, share
from classifier.batch import Row, rows
from classifier.models import AUTO, Models
from classifier.plan import Part, labels_of, part_named, shared, songs_in_turn
from classifier.queue import InferenceQueue
from classifier.report import Table
from classifier.share import Crew
from errors import KnownError
from hub import account
from i18n import sentence, word
from networks import device
from networks.checkpoint import LoadedModel, ModelRef
from settings import (
    Settings,
    ensure_file_writable,
    from_environment,
    prepare_environment,
)

SONG_BYTES = 150_000_000  # of temporary files: 13 minutes at 48 kHz
MAX_WORKERS_PER_CORE = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Classify each song; return the exit code."""
    host = from_environment()
    parser = flags.parser(host.source)
    options = parser.parse_args(arguments)
    n_cores = max((os.cpu_count() or 1) // host.n_local, 1)
    n_workers = min(options.workers or n_cores, MAX_WORKERS_PER_CORE * n_cores)
    models = _models(host, options, n_workers)
    if options.model == "list":
        return _listed(models)
    if not options.songs:
        parser.error("name at least one song or folder")
    if options.embeddings and (options.csv or host.n_processes > 1):
        parser.error("--embeddings goes with neither --csv nor several processes")
    if options.on_hf_job:
        if options.csv or options.embeddings or options.json:
            parser.error("--on-hf-job goes with neither --csv, --json nor --embeddings")
        return _rented(options)
    _prepare_libraries(n_workers, n_cores)
    if host.is_launched:
        device.choose(host.local_rank)
    crew = Crew(host.rank, host.n_processes)
    with TemporaryDirectory() as folder:
        try:
            model = _begun(models, options)
            return _classified(
                options, model, models.queue, crew, Path(folder), n_workers
            )
        except KnownError as error:
            return _failed(error)


def _rented(options: argparse.Namespace) -> int:
    """Submit the same classification as a Hugging Face Job; return the exit code."""
    given = ["--quick"] if options.effort == "quick" else []
    given += ["--precision", options.precision] if options.precision else []
    try:
        job = hf_job.submit(
            options.songs,
            given,
            options.on_hf_job,
            model=options.model,
            source=options.source,
            to=options.to,
            token_of=account.host_token,
        )
    except KnownError as error:
        return _failed(error)
    print(word("classifier.job", id=job.id, flavor=options.on_hf_job, to=options.to))
    print(job.url)
    return 0


def _classified(
    options: argparse.Namespace,
    model: LoadedModel,
    queue: InferenceQueue,
    crew: Crew,
    folder: Path,
    n_workers: int,
) -> int:
    """Classify the songs that were named, or a share of them; the exit code.

    Raises:
        KnownError: ``not_our_table``, ``table_not_writable`` or ``no_room``.
    """
    key, effort = model.ref.key, options.effort
    is_shared = options.csv and crew.n_processes > 1
    path = share.part_of(options.csv, crew.rank) if is_shared else options.csv
    table = Table(path, key, effort) if path else None
    if table and table.n_of_others:
        print(word("classifier.other_model", n=table.n_of_others), file=sys.stderr)

    def work(plan: Sequence[Part]) -> int:
        """Classify the songs of a plan, report each, and return the exit status."""
        found = rows(
            songs_in_turn(plan, folder, _failed),
            model,
            queue,
            effort=effort,
            limits=OWN,
            n_workers=_bounded(n_workers, folder),
            with_embedding=bool(options.embeddings),
        )
        if not options.embeddings:
            return _reported(found, plan, table, options.json)
        kept = _Kept(model)
        outcome = _reported(kept.watched(found), plan, table, options.json)
        return max(outcome, kept.write(options.embeddings, plan))

    if crew.n_processes == 1:
        plan, outcome = _planned(options.songs, table)
        return max(outcome, work(plan))
    plan, outcome = _planned(options.songs, None)
    if not table:
        return max(outcome, work(shared(plan, crew, None, [])))
    known = (options.csv, key, effort)
    return max(outcome, _together(known, plan, crew, table, work))


class _Kept:
    """The embeddings of the songs that pass by, for a file of them.

    Args:
        model: that computes them.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._songs: list[tuple[str, str, Any]] = []

    def watched(self, found: Iterable[Row]) -> Iterator[Row]:
        """Yield the same rows.

        Raises:
            KnownError: ``no_embedding``.
        """
        for row in found:
            if row.prediction:
                if row.prediction.embedding is None:
                    raise KnownError("no_embedding", title=self._model.ref.title)
                answer = row.prediction.genres[0][0]
                self._songs.append((row.song, answer, row.prediction.embedding))
            yield row

    def write(self, path: Path, plan: Sequence[Part]) -> int:
        """Write the file, NPZ unless its suffix is ``.csv``; return the exit code.

        Raises:
            KnownError: ``table_not_writable``.
        """
        if not self._songs:
            return 1
        names, found, vectors = zip(*self._songs, strict=True)
        labels = labels_of(plan)
        songs = embeddings.of(
            names, [labels.get(name, "") for name in names], found, vectors, self._model
        )
        is_csv = path.suffix.lower() == ".csv"
        data = (embeddings.as_csv if is_csv else embeddings.as_npz)(songs)
        try:
            path.write_bytes(data)
        except OSError as error:
            reason = error.strerror or ""
            fault = KnownError("table_not_writable", name=str(path), reason=reason)
            raise fault from error
        facts = {"n": len(names), "name": shown(str(path))}
        print(word("classifier.embedded", **facts), file=sys.stderr)
        return 0


def _together(
    known: tuple[Path, str, str],
    plan: Sequence[Part],
    crew: Crew,
    table: Table,
    work: Callable[[Sequence[Part]], int],
) -> int:
    """Classify a share of the songs; the first process joins all; the exit code.

    Args:
        known: the joined table, the model's key and the effort.
        plan: all songs.
        crew: the processes.
        table: of this one.
        work: classifies songs into it.
    """
    csv, model, effort = known
    began_s = time.time()
    with share.at_work(csv, crew.rank):
        there = share.others(csv, crew.rank, model, effort)
        outcome = work(shared(plan, crew, table, there))
    if not crew.is_first:
        return outcome
    if n_lost := share.wait_for_others(csv, crew, began_s):
        print(word("classifier.lost", n=n_lost), file=sys.stderr)
        outcome = 1
    share.join(csv, model, effort)
    return outcome


def _reported(
    found: Iterator[Row], plan: Sequence[Part], table: Table | None, as_json: bool
) -> int:
    """Write every row, with a bar where rows go to a table; return the exit code."""
    outcome = 0
    n_songs = sum(len(part.songs) for part in plan)
    if table and n_songs:
        from tqdm import tqdm

        found = iter(tqdm(found, total=n_songs, unit="song", file=sys.stderr))
    for row in found:
        outcome = max(outcome, _report(row, table, as_json))
    return outcome


def _planned(named: Sequence[Path], table: Table | None) -> tuple[list[Part], int]:
    """List the songs of all arguments that have no row yet; return the exit code, too.

    A zip's are listed by its headers alone. What is passed over is counted on standard
    error.
    """
    parts: list[Part] = []
    passed: Counter[str] = Counter()
    seen: set[str] = set()
    outcome = 0
    for path in named:
        try:
            part, closed, others = part_named(path)
        except KnownError as error:
            outcome = _failed(error)
            continue
        passed.update(others)
        for name in closed:
            outcome = _failed(KnownError("folder_closed", name=shown(str(path / name))))
        new = [song for song in part.songs if song.name not in seen]
        seen.update(song.name for song in new)
        left = table.left(new) if table else new
        if ".cue" in others or path.is_file():
            _note_albums(left)
        parts.append(replace(part, songs=tuple(left)))
    if passed:
        counts = ", ".join(f"{kind} {n}" for kind, n in sorted(passed.items()))
        note = word("classifier.passed", n=passed.total(), counts=counts)
        print(note, file=sys.stderr)
    return parts, outcome


def _note_albums(songs: Iterable[Song]) -> None:
    """Note which songs are albums in one file: each gets one genre for all of it."""
    for song in songs:
        if (n := n_tracks(song.path)) > 1:
            print(word("classifier.album", name=song.name, n=n), file=sys.stderr)


def _bounded(n_workers: int, folder: Path) -> int:
    """Return how many songs may be spooled at once, by the room for temporary files."""
    return max(min(n_workers, shutil.disk_usage(folder).free // SONG_BYTES), 1)


def _listed(models: Models) -> int:
    """Print each model's key, and which of them ``auto`` is; the exit code."""
    listed = models.available()
    if listed:
        print(f"{AUTO:<50} {models.auto().key}")
    for ref in listed:
        print(f"{ref.key:<50} {ref.trained_on}".rstrip())
    return 0


def _begun(models: Models, options: argparse.Namespace) -> LoadedModel:
    """Load the model, once it is known that its embeddings can be written.

    Raises:
        KnownError: ``file_not_writable``, or a code of ``_loaded``.
    """
    if options.embeddings:
        ensure_file_writable(options.embeddings)
    return _loaded(models, options.model)


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
            self._bar = tqdm(
                desc=self._name,
                total=n_all,
                unit="B",
                unit_scale=True,
                file=sys.stderr,
            )
        self._bar.update(n_bytes - self._bar.n)


def _report(row: Row, table: Table | None, as_json: bool) -> int:
    """Write a row to the table, or print it; return the exit code."""
    if row.error and row.error.code == "no_room":  # not the song's fault: no row
        note = word("classifier.no_room", name=row.song, folder=tempfile.gettempdir())
        print(note, file=sys.stderr)
        return 1
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


def _prepare_libraries(n_workers: int, n_cores: int) -> None:
    """Keep torch to the threads that workers leave it."""
    with process.importing():
        import torch

    torch.set_num_threads(max(n_cores // n_workers, 1))


def _failed(error: KnownError) -> int:
    print(sentence(error), file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        prepare_environment(is_quiet=True)
    except KnownError as error:
        sys.exit(_failed(error))
    if hasattr(signal, "SIGPIPE"):  # Windows has none
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # so that ``| head`` ends it
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
