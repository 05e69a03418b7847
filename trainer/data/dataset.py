"""Decode songs to 16 kHz samples, once, into a memory-mapped cache.

``prepare`` decodes and resamples all songs of a source into an int16 file (999 clips of GTZAN: 0.96 GB, where float32 rows with a mask take 3.8),
which later runs map at once.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio import levels
from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError
from trainer.config import RunConfig
from trainer.data import splits
from trainer.data.song_files import MIDDLE_S, SongFile, Source
from trainer.data.staging import staging_folder
from trainer.run.events import Emit, Noted, ShouldStop, Stage, StopRequested

INT16_MAX = 32_767
VERSION = 4  # of the cache's format


@dataclass(frozen=True)
class Song:
    """Metadata of a decoded song.

    Attributes:
        name: displayed name.
        genre: its label.
        group: such as the artist or album; "" where unknown.
        part: of ``splits.PARTS`` where a list assigns it, else "".
        sampling_rate: of the file (Hz).
        n_samples: at 16 kHz.
        checksum: SHA-256 of those samples.
        peak: the largest sample's magnitude, 1 at full scale.
        n_clipped: samples at full scale, or at flat tops below it, in the channel that
            has most.
        group_kind: as of ``SongFile``.
    """

    name: str
    genre: str
    group: str
    part: str
    sampling_rate: int
    n_samples: int
    checksum: str
    peak: float
    n_clipped: int
    group_kind: str = ""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / SAMPLING_RATE


@dataclass(frozen=True)
class Skipped:
    """A song that could not be read, with the error's code and details."""

    name: str
    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SongSet:
    """A set of decoded songs.

    Attributes:
        genres: the labels, sorted.
        songs: (n_songs,) metadata of each.
        skipped: those that could not be read.
        labels: (n_songs,) index into ``genres``.
        offsets: (n_songs + 1,) where each song starts in ``samples``.
        samples: int16 (n_samples,) at 16 kHz, memory-mapped.
    """

    genres: tuple[str, ...]
    songs: tuple[Song, ...]
    skipped: tuple[Skipped, ...]
    labels: NDArray[np.int64]
    offsets: NDArray[np.int64]
    samples: NDArray[np.int16]

    @property
    def names(self) -> tuple[str, ...]:
        """(n_songs,) displayed names of the songs."""
        return tuple(song.name for song in self.songs)

    @property
    def folder(self) -> Path | None:
        """Their folder in the cache; None for songs in memory."""
        path = getattr(self.samples, "filename", None)
        return Path(path).parent if path else None

    @property
    def group_kind(self) -> str:
        """What the songs' groups are, where they are all of one kind; else ""."""
        kinds = {song.group_kind for song in self.songs if song.group}
        return kinds.pop() if len(kinds) == 1 else ""

    def unlabelled(self) -> SongSet:
        """Return the same songs, all of one genre without a name."""
        labels = np.zeros(len(self.songs), np.int64)
        return dataclasses.replace(self, genres=("",), labels=labels)

    def song(self, index: int) -> NDArray[np.int16]:
        """Return one song's samples: int16 (n_samples,)."""
        return self.samples[self.offsets[index] : self.offsets[index + 1]]


def prepare(
    source: Source,
    cache_dir: Path,
    *,
    emit: Emit,
    should_stop: ShouldStop,
    needs_genres: bool = True,
) -> SongSet:
    """Return the songs of a source, decoding them into the cache where missing.

    Songs that cannot be read are left out and noted. Sampling rates and the number of
    songs of each genre are emitted as notes. Without ``needs_genres`` their
    labels are dropped.

    Raises:
        KnownError: ``no_songs``, ``one_genre`` or ``too_few_unlabelled``.
        StopRequested: between two songs.
    """
    fingerprint = f"{VERSION} {source.fingerprint}"
    key = hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
    folder = cache_dir / f"songs-{key}"
    if not (folder / "manifest.json").exists():
        with staging_folder(cache_dir) as part:
            made = part / "songs"
            made.mkdir()
            _decode_all(source, made, emit, should_stop)
            _move_in(made, folder)
    return _open(folder, emit, needs_genres)


def reopen(folder: Path) -> SongSet | None:
    """Open the songs that ``prepare`` wrote to a folder; None where it is gone."""
    if not (folder / "manifest.json").exists():
        return None
    return _open(folder, lambda event: None)


def _move_in(made: Path, folder: Path) -> None:
    """Rename a finished folder to its place, unless another process was faster."""
    try:
        made.rename(folder)
    except OSError:
        if not (folder / "manifest.json").exists():
            raise


def _decode_all(
    source: Source, folder: Path, emit: Emit, should_stop: ShouldStop
) -> None:
    """Write ``samples.i16`` and, last, ``manifest.json``."""
    kept: list[Song] = []
    skipped: list[Skipped] = []
    seen: collections.Counter[str] = collections.Counter()
    with (folder / "samples.i16").open("wb") as file:
        for done, (song, work) in enumerate(_read_ahead(source.songs)):
            if should_stop():
                raise StopRequested
            emit(Stage("decode", done, source.n_songs))
            try:
                sampling_rate, n_clipped, samples = work.result()
            except KnownError as error:
                if error.code == "no_room":  # of the disk, not of the song
                    raise
                skipped.append(Skipped(song.name, error.code, dict(error.details)))
                continue
            file.write(samples.data)
            seen[song.name] += 1
            named = dataclasses.replace(
                song, name=_unique_name(song.name, seen[song.name])
            )
            kept.append(_facts(named, sampling_rate, n_clipped, samples))
    manifest = {
        "songs": [asdict(song) for song in kept],
        "skipped": [asdict(song) for song in skipped],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _unique_name(name: str, n: int) -> str:
    """Append a number to a repeated name, which some data sets of the Hub have."""
    return name if n == 1 else f"{name} ({n})"


# Sampling rate (Hz) of the file, clipped samples in it, samples at 16 kHz.
Read = tuple[int, int, NDArray[np.int16]]


def _read_ahead(songs: Iterable[SongFile]) -> Iterator[tuple[SongFile, Future[Read]]]:
    """Decode songs ahead in threads, and yield each with its future, in order.

    Decoding and resampling release the GIL, so that threads use all cores.
    """
    n_threads = os.cpu_count() or 1
    pending: collections.deque[tuple[SongFile, Future[Read]]] = collections.deque()
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for song in songs:
                pending.append((song, pool.submit(_read, song)))
                if len(pending) > n_threads:
                    yield pending.popleft()
            while pending:
                yield pending.popleft()
        finally:  # an interrupted caller does not wait for the rest
            pool.shutdown(wait=True, cancel_futures=True)


def _read(song: SongFile) -> Read:
    """Read a song at 16 kHz, and what resampling hides: its rate and its clipping."""
    clip = song.read()
    n_clipped = clip.n_clipped
    if n_clipped is None:  # of one channel
        n_clipped = max(levels.extent(clip).n_full, levels.n_flat(clip.samples))
    n_clipped = n_clipped * SAMPLING_RATE // clip.sampling_rate
    samples = clip.resampled(SAMPLING_RATE).samples * np.float32(INT16_MAX)
    return clip.sampling_rate, n_clipped, np.rint(samples, out=samples).astype("<i2")


def _facts(
    song: SongFile, sampling_rate: int, n_clipped: int, samples: NDArray[np.int16]
) -> Song:
    """Describe a song by its decoded samples; its hash finds copies."""
    # Of int16, abs() overflows at the lowest value, which rounding never gives.
    heights = np.abs(samples)
    return Song(
        song.name,
        song.genre,
        song.group,
        song.part,
        sampling_rate,
        len(samples),
        hashlib.sha256(samples.data).hexdigest(),
        float(heights.max(initial=0)) / INT16_MAX,
        n_clipped,
        song.group_kind,
    )


def _open(folder: Path, emit: Emit, needs_genres: bool = True) -> SongSet:
    """Map the samples of a finished folder and emit notes about them."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    songs = tuple(Song(**facts) for facts in manifest["songs"])
    skipped = tuple(Skipped(**facts) for facts in manifest["skipped"])
    for each in skipped:
        emit(Noted("song_skipped", asdict(each)))
    if skipped:
        n_skipped, n_files = len(skipped), len(skipped) + len(songs)
        emit(Noted("songs_skipped", {"n_skipped": n_skipped, "n_files": n_files}))
    if not songs:
        raise KnownError("no_songs", n_skipped=len(skipped))
    n_long = sum(song.duration_s == MIDDLE_S for song in songs)
    if n_long:
        emit(Noted("songs_cut", {"n_songs": n_long, "seconds": MIDDLE_S}))
    genres = tuple(sorted({song.genre for song in songs}))
    _note_facts(songs, emit, needs_genres)
    if needs_genres and len(genres) < 2:
        raise KnownError("one_genre", genre=genres[0])
    if not needs_genres and len(songs) < len(splits.PARTS):
        n_songs = {"n_songs": len(songs), "minimum": len(splits.PARTS)}
        raise KnownError("too_few_unlabelled", **n_songs)
    found = SongSet(
        genres,
        songs,
        skipped,
        np.array([genres.index(song.genre) for song in songs]),
        np.cumsum([0, *(song.n_samples for song in songs)]),
        np.memmap(folder / "samples.i16", "<i2", mode="r"),
    )
    return found if needs_genres else found.unlabelled()


def _note_facts(songs: tuple[Song, ...], emit: Emit, needs_genres: bool) -> None:
    """Note whether the sampling rates agree, and the songs of each genre."""
    rates = collections.Counter(song.sampling_rate for song in songs)
    counts = collections.Counter(song.genre for song in songs)
    listed = [f"{rate} Hz × {n}" for rate, n in rates.most_common()]
    emit(Noted("rates_agree" if len(rates) == 1 else "rates_differ", {"rates": listed}))
    if not needs_genres:
        hours = sum(song.duration_s for song in songs) / 3600
        emit(Noted("songs_counted", {"n_songs": len(songs), "hours": hours}))
        return
    listed = [f"{genre} {n}" for genre, n in sorted(counts.items())]
    emit(Noted("label_counts", {"n_songs": len(songs), "counts": listed}))


def split_songs(songs: SongSet, config: RunConfig) -> splits.Split:
    """Split songs by the options of a config.

    Raises:
        KnownError: ``too_few_songs``, with a genre of fewer than two songs; or what
            ``splits.split`` raises.
    """
    for label, genre in enumerate(songs.genres):
        n_songs = int(np.count_nonzero(songs.labels == label))
        if n_songs < 2:
            raise KnownError("too_few_songs", genre=genre, n_songs=n_songs)
    has_groups = any(song.group for song in songs.songs)
    options = splits.SplitOptions(
        config.split, config.test_fraction, config.validation_fraction, config.seed
    )
    return splits.split(
        songs.labels,
        options,
        groups=[song.group or song.name for song in songs.songs if has_groups],
        listed=[song.part for song in songs.songs],
    )
