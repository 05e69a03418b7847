"""Songs of the Hub's data sets, in whichever form they stand there today.

Three forms are met: Parquet files with the sound's bytes inside, in the repository or
converted by the Hub; folders of files, one a label; and GTZAN's tarball.
``marsyas/gtzan`` was a loading script beside a tarball (seen November 2023); current
versions of datasets run no scripts, so that the tarball is read directly. The source is
never changed silently: this repository, or a sentence.

GTZAN's music has no licence: nothing of it is kept but the cache on this machine.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import hub
from errors import KnownError
from trainer.events import Emit, Stage
from trainer.sources import SongFile, Source, reader
from trainer.splits import PARTS, filtered_parts

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo

GTZAN = "marsyas/gtzan"
TARBALL = "data/genres.tar.gz"
N_GTZAN_SONGS = 1000  # of which jazz.00054 is corrupt and will be skipped
CONVERTED = "refs/convert/parquet"  # where the Hub keeps its own conversion
SOUNDS = (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".opus", ".au", ".aif", ".aiff")
LABELS = ("genre", "label", "labels", "class", "category")
MAX_FILES = 20_000


def gtzan(emit: Emit) -> Source:
    """GTZAN's songs at the revision that the Hub has now, with the parts of the lists.

    Raises:
        KnownError: ``hub_unreachable`` within seconds where there is no network,
            ``gtzan_moved`` where the repository holds neither form.
    """
    sha, names = _files(GTZAN)
    wanted = _parquet(names) or [name for name in names if name == TARBALL]
    if not wanted:
        raise KnownError("gtzan_moved", id=GTZAN)
    paths = _download(GTZAN, wanted, sha, emit)
    is_tarball = wanted == [TARBALL]
    songs = tarball_songs(paths[0]) if is_tarball else parquet_songs(paths)
    return Source(f"gtzan {sha}", N_GTZAN_SONGS, _with_parts(songs))


def of(repo_id: str, emit: Emit) -> Source:
    """Any audio-classification set, by its id.

    Raises:
        KnownError: ``hub_unreachable``, ``set_missing``, or ``set_unreadable``
            where it holds none of the forms that we read.
    """
    sha, names = _files(repo_id)
    wanted = _parquet(names)
    if not wanted:
        files = [n for n in names if PurePosixPath(n).suffix.lower() in SOUNDS]
        if files:
            return _folder_source(repo_id, files, sha, emit)
        sha, names = _files(repo_id, CONVERTED)
        wanted = _parquet(names)
    if not wanted:
        raise KnownError("set_unreadable", id=repo_id)
    paths = _download(repo_id, wanted, sha, emit)
    return Source(f"{repo_id} {sha}", 0, parquet_songs(paths))


def _folder_source(repo_id: str, files: list[str], sha: str, emit: Emit) -> Source:
    """Files in folders named by their labels, as ``datasets`` lays out an audiofolder."""
    paths = _download(repo_id, sorted(files)[:MAX_FILES], sha, emit)
    names = sorted(files)[:MAX_FILES]
    songs = [
        SongFile(
            PurePosixPath(name).name,
            PurePosixPath(name).parent.name,
            reader(path.read_bytes, path.suffix),
            part=_part_of(name),
        )
        for name, path in zip(names, paths, strict=True)
    ]
    return Source(f"{repo_id} {sha}", len(songs), songs)


def _files(repo_id: str, revision: str | None = None) -> tuple[str, list[str]]:
    """The exact revision, and the names of its files."""
    try:
        info: DatasetInfo = hub.ask(
            repo_id,
            lambda api: api.dataset_info(
                repo_id, revision=revision, timeout=hub.ANSWER_TIMEOUT_S
            ),
        )
    except KnownError as error:
        if error.code != "hub_model_missing":
            raise
        code = "set_unreadable" if revision else "set_missing"
        raise KnownError(code, id=repo_id) from error
    if not info.sha:
        raise KnownError("hub_unreachable", id=repo_id)
    return info.sha, [file.rfilename for file in info.siblings or ()]


def _parquet(names: Sequence[str]) -> list[str]:
    return sorted(name for name in names if name.endswith(".parquet"))


def _download(repo_id: str, names: list[str], sha: str, emit: Emit) -> list[Path]:
    """The files, one after the other, each said."""
    paths = []
    for done, name in enumerate(names):
        emit(Stage("download", done, len(names)))
        paths += hub.download(repo_id, [name], sha, kind="dataset")
    return paths


def tarball_songs(path: Path) -> Iterator[SongFile]:
    """The songs of ``genres/<genre>/<genre>.NNNNN.wav`` in a tarball, in its order."""
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            place = PurePosixPath(member.name)
            if not member.isfile() or place.suffix not in (".wav", ".au"):
                continue
            if place.name.startswith("._"):  # macOS puts a shadow beside each file
                continue
            file = archive.extractfile(member)
            if file is not None:  # read now: a tarball only goes forward
                sound = io.BytesIO(file.read())
                yield SongFile(
                    place.name, place.parent.name, reader(sound.read, place.suffix)
                )


def parquet_songs(paths: Sequence[Path]) -> Iterator[SongFile]:
    """The songs of Parquet files with a column of sound and one of labels.

    The label may be a class number with names in the file's metadata, or a string. The
    file's name tells the part: ``train-00000-of-00003.parquet``.
    """
    for path in paths:
        yield from _parquet_songs(path)


def _parquet_songs(path: Path) -> Iterator[SongFile]:
    import datasets

    rows: Any = datasets.load_dataset(
        "parquet", data_files=[str(path)], split="train", streaming=True
    )
    features = rows.features
    sound = next((n for n, f in features.items() if _is_sound(f)), None)
    column = next((name for name in LABELS if name in features), None)
    if sound is None or column is None:
        raise KnownError("set_unreadable", id=path.name)
    # Not decoded by datasets: that needs torchcodec, and we have one decoder.
    rows = rows.cast_column(sound, datasets.Audio(decode=False))
    for number, row in enumerate(rows):
        genre = row[column]
        if isinstance(features[column], datasets.ClassLabel):
            genre = features[column].int2str(genre)
        name = Path(row[sound]["path"] or f"{genre}.{number:05d}.wav")
        read = reader(io.BytesIO(row[sound]["bytes"]).read, name.suffix)
        yield SongFile(name.name, str(genre), read, part=_part_of(path.name))


def _is_sound(feature: Any) -> bool:
    import datasets

    return isinstance(feature, datasets.Audio) or (
        isinstance(feature, dict) and set(feature) == {"bytes", "path"}
    )


def _part_of(name: str) -> str:
    """The part that a file's name or folder says: "train", "validation" or "test"."""
    words = name.lower().replace("/", "-").replace("_", "-").split("-")
    return next((part for part in PARTS if part in words), "")


def _with_parts(songs: Iterator[SongFile]) -> Iterator[SongFile]:
    """GTZAN's songs with their part in the fault-filtered lists."""
    for song in songs:
        (part,) = filtered_parts([song.name])
        yield SongFile(song.name, song.genre, song.read, part=part)
