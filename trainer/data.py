"""Songs with genres, from wherever they come, as 16 kHz samples that are read once.

A source names its songs and can read each. ``prepare`` decodes and resamples all of
them once into a memory-mapped int16 file in the cache (999 clips of GTZAN: 0.96 GB,
where float32 rows with a mask take 3.8), which later runs open at once.
"""

from __future__ import annotations

import collections
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import decode
from audio.clip import Clip
from errors import KnownError
from trainer.config import FOLDER, RunConfig
from trainer.events import Emit, Noted, ShouldStop, Stage, StopRequested

SAMPLING_RATE = 16_000  # Hz, what every HuBERT was trained on
LIMITS = decode.Limits(max_duration_s=120.0)  # of one song; GTZAN's last 30 s
INT16_MAX = 32_767


@dataclass(frozen=True)
class SongFile:
    """A song that can be read.

    Attributes:
        name: what screens call it.
        genre: its label.
        read: its sound; raises KnownError where there is none.
    """

    name: str
    genre: str
    read: Callable[[], Clip]


@dataclass(frozen=True)
class Source:
    """Where songs come from.

    Attributes:
        fingerprint: changes when any song does; the cache's key.
        n_songs: how many ``songs`` will yield (0: not known before).
        songs: every song, in a steady order.
    """

    fingerprint: str
    n_songs: int
    songs: Iterable[SongFile]


@dataclass(frozen=True, eq=False)
class SongSet:
    """Songs as samples.

    Attributes:
        genres: the labels, sorted.
        names: (n_songs,) what screens call the songs.
        labels: (n_songs,) index into ``genres``.
        offsets: (n_songs + 1,) where each song starts in ``samples``.
        samples: int16 (n_samples,) at 16 kHz, memory-mapped.
    """

    genres: tuple[str, ...]
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    offsets: NDArray[np.int64]
    samples: NDArray[np.int16]

    def song(self, index: int) -> NDArray[np.int16]:
        """One song's samples."""
        return self.samples[self.offsets[index] : self.offsets[index + 1]]


def source_of(config: RunConfig, emit: Emit) -> Source:
    """The songs that a config names; ``emit`` hears of a download."""
    if config.data == "composed":
        return composed_songs(config.n_songs_per_genre)
    if config.data.startswith(FOLDER):
        return folder_songs(Path(config.data.removeprefix(FOLDER)))
    from trainer import gtzan

    return gtzan.hub_songs(emit)


def composed_songs(n_songs_per_genre: int) -> Source:
    """Songs composed from the seeds 0 ... n - 1, the same on every machine."""
    from audio import composer

    def song(genre: str, seed: int) -> SongFile:
        shift = composer.Shift.drawn(seed) if seed % 2 else composer.Shift()
        return SongFile(
            f"{genre} {seed}", genre, lambda: composer.compose(genre, seed, shift=shift)
        )

    rules = b"".join(path.read_bytes() for path in composer.RULES)
    songs = [
        song(g, seed) for seed in range(n_songs_per_genre) for g in composer.STYLES
    ]
    fingerprint = f"composed {n_songs_per_genre} {hashlib.sha256(rules).hexdigest()}"
    return Source(fingerprint, len(songs), songs)


def folder_songs(folder: Path) -> Source:
    """A folder's songs: one subfolder a genre, the files in it its songs.

    Raises:
        KnownError: ``no_folder`` or ``no_genres``, naming the folder.
    """
    if not folder.is_dir():
        raise KnownError("no_folder", folder=folder)
    genres = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    if not genres:
        raise KnownError("no_genres", folder=folder.name)

    def song(path: Path) -> SongFile:
        return SongFile(
            f"{path.parent.name}/{path.name}",
            path.parent.name,
            lambda: decode.load(path, limits=LIMITS).clip,
        )

    files = [
        path
        for genre in genres
        for path in sorted(genre.iterdir())
        if path.is_file() and path.name[0] != "."
    ]
    facts = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    return Source(repr(facts), len(files), [song(path) for path in files])


def prepare(
    source: Source, cache_dir: Path, *, emit: Emit, should_stop: ShouldStop
) -> SongSet:
    """The songs of a source, from the cache or decoded into it now.

    Songs that cannot be read are named, left out and counted. What was learned about
    the songs (rates, counts) is emitted as notes.

    Raises:
        KnownError: ``no_songs`` or ``one_genre``.
        StopRequested: between two songs.
    """
    key = hashlib.sha256(source.fingerprint.encode()).hexdigest()[:16]
    folder = cache_dir / f"songs-{key}"
    if not (folder / "manifest.json").exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_dir, prefix=".building-") as part:
            building = Path(part) / "songs"
            building.mkdir()
            _decode_all(source, building, emit, should_stop)
            _move_in(building, folder)
    return _open(folder, emit)


def _move_in(building: Path, folder: Path) -> None:
    """Put a finished folder in its place; another process may have been faster."""
    try:
        building.rename(folder)
    except OSError:
        if not (folder / "manifest.json").exists():
            raise
        shutil.rmtree(building)


def _decode_all(
    source: Source, folder: Path, emit: Emit, should_stop: ShouldStop
) -> None:
    """Write ``samples.i16`` and, last, ``manifest.json``."""
    kept: list[dict[str, object]] = []
    skipped: list[dict[str, str]] = []
    with (folder / "samples.i16").open("wb") as file:
        for done, song in enumerate(source.songs):
            if should_stop():
                raise StopRequested
            emit(Stage("decode", done, source.n_songs))
            try:
                clip = song.read()
            except KnownError as error:
                skipped.append({"name": song.name, "code": error.code})
                continue
            samples = clip.resampled(SAMPLING_RATE).samples
            file.write(np.rint(samples * INT16_MAX).astype("<i2").tobytes())
            kept.append(
                {
                    "name": song.name,
                    "genre": song.genre,
                    "n_samples": len(samples),
                    "sampling_rate": clip.sampling_rate,
                }
            )
    manifest = {"songs": kept, "skipped": skipped}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _open(folder: Path, emit: Emit) -> SongSet:
    """Map the samples of a finished folder and say what is in it."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    songs = manifest["songs"]
    for skipped in manifest["skipped"]:
        emit(Noted("song_skipped", skipped))
    if not songs:
        raise KnownError("no_songs", n_skipped=len(manifest["skipped"]))
    genres = tuple(sorted({song["genre"] for song in songs}))
    _note_facts(songs, emit)
    if len(genres) < 2:
        raise KnownError("one_genre", genre=genres[0])
    return SongSet(
        genres,
        tuple(song["name"] for song in songs),
        np.array([genres.index(song["genre"]) for song in songs]),
        np.cumsum([0, *(song["n_samples"] for song in songs)]),
        np.memmap(folder / "samples.i16", "<i2", mode="r"),
    )


def _note_facts(songs: Sequence[dict[str, str]], emit: Emit) -> None:
    """The tutorial's two checks: do the sampling rates agree, how many songs a genre."""
    rates = collections.Counter(song["sampling_rate"] for song in songs)
    counts = collections.Counter(song["genre"] for song in songs)
    listed = ", ".join(f"{rate} Hz × {n}" for rate, n in rates.most_common())
    emit(Noted("rates_agree" if len(rates) == 1 else "rates_differ", {"rates": listed}))
    listed = ", ".join(f"{genre} {n}" for genre, n in sorted(counts.items()))
    emit(Noted("label_counts", {"n_songs": len(songs), "counts": listed}))


def split(
    labels: NDArray[np.int64], test_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of training and test songs, each genre divided in the same proportion.

    Returns:
        (n_train,) and (n_test,), shuffled; every genre with two songs or more is in
        both.
    """
    rng = np.random.default_rng(seed)
    train: list[int] = []
    test: list[int] = []
    for label in np.unique(labels):
        songs = rng.permutation(np.flatnonzero(labels == label))
        n_test = max(round(test_fraction * len(songs)), 1)
        test.extend(songs[:n_test])
        train.extend(songs[n_test:])
    return rng.permutation(train), rng.permutation(test)


def check_split(songs: SongSet) -> None:
    """Refuse a set in which a genre could not be both learned and tested.

    Raises:
        KnownError: ``too_few_songs``, naming the genre.
    """
    for label, genre in enumerate(songs.genres):
        n_songs = int(np.count_nonzero(songs.labels == label))
        if n_songs < 2:
            raise KnownError("too_few_songs", genre=genre, n_songs=n_songs)


def pieces(n_samples: int, n_window: int) -> Iterator[int]:
    """Starts of the windows that cover a song, the last one shifted back."""
    last = max(n_samples - n_window, 0)
    yield from range(0, last, n_window)
    yield last
