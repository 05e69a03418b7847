"""GTZAN from the Hub, in whichever form it stands there today.

``marsyas/gtzan`` was a loading script beside a tarball (seen November 2023); current
versions of datasets run no scripts, so that the tarball is read directly, and so are
Parquet files where the repository has been converted. The source is never changed
silently: this repository or a sentence.

GTZAN's music has no licence: nothing of it is kept but the cache on this machine.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import hub
from audio import decode
from audio.clip import Clip
from errors import KnownError
from trainer.data import LIMITS, SongFile, Source
from trainer.events import Emit, Stage

REPOSITORY = "marsyas/gtzan"
TARBALL = "data/genres.tar.gz"
N_SONGS = 1000  # of which jazz.00054 is corrupt and will be skipped


def hub_songs(emit: Emit) -> Source:
    """GTZAN's songs at the revision that the Hub has now.

    Raises:
        KnownError: ``hub_unreachable`` within seconds where there is no network,
            ``gtzan_moved`` where the repository holds neither form.
    """
    info = hub.ask(
        REPOSITORY,
        lambda api: api.dataset_info(REPOSITORY, timeout=hub.ANSWER_TIMEOUT_S),
    )
    names = [file.rfilename for file in info.siblings or ()]
    parquet = sorted(name for name in names if name.endswith(".parquet"))
    if not info.sha or not (parquet or TARBALL in names):
        raise KnownError("gtzan_moved", id=REPOSITORY)
    emit(Stage("download"))
    paths = hub.download(REPOSITORY, parquet or [TARBALL], info.sha, kind="dataset")
    songs = parquet_songs(paths) if parquet else tarball_songs(paths[0])
    return Source(f"gtzan {info.sha}", N_SONGS, songs)


def tarball_songs(path: Path) -> Iterator[SongFile]:
    """The songs of ``genres/<genre>/<genre>.NNNNN.wav`` in a tarball.

    Read in the tarball's own order in one pass: a song must be read before the next
    one is asked for.
    """
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            place = PurePosixPath(member.name)
            if not member.isfile() or place.suffix not in (".wav", ".au"):
                continue
            if place.name.startswith("._"):  # macOS puts a shadow beside each file
                continue
            file = archive.extractfile(member)
            if file is not None:
                genre = place.parent.name
                yield SongFile(place.name, genre, _reader(file.read, place.suffix))


def parquet_songs(paths: Sequence[Path]) -> Iterator[SongFile]:
    """The songs of Parquet files with columns ``audio`` and ``genre`` (or ``label``).

    The genre may be a class number with names in the file's metadata, or a string.
    """
    import datasets

    rows: Any = datasets.load_dataset(
        "parquet", data_files=[str(p) for p in paths], split="train", streaming=True
    )
    # Not decoded by datasets: that needs torchcodec, and we have one decoder.
    rows = rows.cast_column("audio", datasets.Audio(decode=False))
    column = "genre" if "genre" in rows.features else "label"
    feature = rows.features[column]
    for number, row in enumerate(rows):
        genre = row[column]
        if isinstance(feature, datasets.ClassLabel):
            genre = feature.int2str(genre)
        name = Path(row["audio"]["path"] or f"{genre}.{number:05d}.wav")
        sound = io.BytesIO(row["audio"]["bytes"])
        yield SongFile(name.name, genre, _reader(sound.read, name.suffix))


def _reader(read_bytes: Callable[[], bytes], suffix: str) -> Callable[[], Clip]:
    """Decode bytes by way of a file, which is what FFmpeg reads best."""

    def read() -> Clip:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"song{suffix}"
            path.write_bytes(read_bytes())
            return decode.load(path, limits=LIMITS).clip

    return read
