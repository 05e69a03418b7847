"""Read songs of the Hub's data sets.

Three layouts are supported: Parquet files with the encoded audio, in the repository or
converted by the Hub; folders of files, one a label; and GTZAN's tarball.
``marsyas/gtzan`` was a loading script beside a tarball (seen November 2023); current
versions of datasets run no scripts, so that the tarball is read directly; where the
repository has nothing that can be read, a mirror of all clips is. A note is emitted that
names the source. A mirror of the fault-filtered clips alone
(``confit/gtzan-parquet``) is not among them, because it is another set.

GTZAN's music has no licence: it is only cached on this machine.
"""

from __future__ import annotations

import functools
import io
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import process
from audio.library import layout, tables
from audio.library.kinds import is_song
from audio.library.layout import PARTS
from errors import KnownError
from hub import client
from trainer.data.song_files import (
    MIDDLE,
    SongFile,
    Source,
    described,
    note_layout,
    read,
    reader,
    songs_of,
)
from trainer.data.splits import filtered_parts
from trainer.run.events import Emit, Noted, Stage

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo

GTZAN = "marsyas/gtzan"
MIRROR = "sanchit-gandhi/gtzan"  # all clips, three Parquet files
TARBALL = "data/genres.tar.gz"
N_GTZAN_SONGS = 1000  # of which jazz.00054 is corrupt and will be skipped
CONVERTED = "refs/convert/parquet"  # where the Hub keeps its own conversion
LABELS = ("genre", "label", "labels", "class", "category")
SEVERAL = ("genres", "tags", "styles")  # columns that say: more than one each
# Class labels that are no genre, whatever else a set lacks.
NO_LABELS = (
    "license", "licence", "language", "lang", "locale", "speaker", "speaker_id",
    "gender", "accent", "split", "source",
)  # fmt: skip
MAX_FILES, MAX_BYTES = 20_000, 30e9  # of a set: GTZAN has 1.3e9 bytes
N_ROWS = 4  # of a Parquet file, in memory at once


@dataclass(frozen=True)
class Form:
    """Files of one revision of a data set.

    Attributes:
        repo_id: of the data set.
        sha: the exact revision.
        sizes: bytes of each file, by its name; 0 where unknown.
    """

    repo_id: str
    sha: str
    sizes: Mapping[str, int]

    def only(self, *endings: str) -> Form | None:
        """Select the files with these endings, sorted; None where there is none."""
        names = sorted(n for n in self.sizes if n.lower().endswith(endings))
        kept = {name: self.sizes[name] for name in names}
        return Form(self.repo_id, self.sha, kept) if kept else None

    def where(self, is_wanted: Callable[[str], bool]) -> Form | None:
        """Select files by their names, sorted; None where there is none."""
        kept = {
            name: self.sizes[name] for name in sorted(self.sizes) if is_wanted(name)
        }
        return Form(self.repo_id, self.sha, kept) if kept else None

    def download(self, emit: Emit) -> list[Path]:
        """Download the files one by one, emit the progress, and return their paths."""
        total, before = sum(self.sizes.values()), 0
        paths = []

        def on_progress(n_bytes: int) -> None:
            emit(Stage("download", before + n_bytes, total))

        for name, n_bytes in self.sizes.items():
            on_progress(0)
            paths += client.download(
                self.repo_id, [name], self.sha, kind="dataset", on_progress=on_progress
            )
            before += n_bytes
        on_progress(0)
        return paths


def gtzan(emit: Emit) -> Source:
    """Download GTZAN's newest revision, with the parts of the fault-filtered lists.

    A note is emitted that names the layout: Parquet files, the tarball, or the mirror.

    Raises:
        KnownError: ``hub_unreachable`` within seconds where there is no network,
            ``gtzan_moved`` where neither repository has a supported layout.
    """
    code, form = _gtzan_form()
    emit(Noted(code, {"id": form.repo_id, "revision": form.sha[:8]}))
    paths = form.download(emit)
    is_tarball = code == "gtzan_tarball"
    songs = tarball_songs(paths[0]) if is_tarball else parquet_songs(paths)
    return Source(f"{form.repo_id} {form.sha}", N_GTZAN_SONGS, _with_parts(songs))


def _gtzan_form() -> tuple[str, Form]:
    """Find the first layout that exists, after the code of its note."""
    ways = (
        ("gtzan_parquet", GTZAN, None, ".parquet"),
        ("gtzan_tarball", GTZAN, None, TARBALL),
        ("gtzan_parquet", GTZAN, CONVERTED, ".parquet"),
        ("gtzan_mirror", MIRROR, None, ".parquet"),
    )
    for code, repo_id, revision, ending in ways:
        try:
            form = _files(repo_id, revision).only(ending)
        except KnownError as error:
            if error.code not in ("set_missing", "set_unreadable"):
                raise
            continue
        if form:
            return code, form
    raise KnownError("gtzan_moved", id=GTZAN)


def of(repo_id: str, emit: Emit, *, needs_genres: bool = True) -> Source:
    """Download a data set for audio classification by its id.

    Without ``needs_genres`` any set with sounds will do.

    Raises:
        KnownError: ``hub_unreachable``, ``set_missing``, ``set_too_large``, or
            ``set_unreadable`` where it has no supported layout.
    """
    every = _files(repo_id)
    form = every.only(".parquet")
    if not form:
        sounds = every.where(is_song)
        if sounds:
            listed = every.where(tables.is_table)
            return _folder_source(sounds, listed, emit)
        form = _files(repo_id, CONVERTED).only(".parquet")
    if not form:
        raise KnownError("set_unreadable", id=repo_id)
    form = _one_config(form, emit)
    _check_size(form)
    paths = form.download(emit)
    kind = "" if needs_genres else " without labels"
    songs = parquet_songs(paths, list(form.sizes), needs_genres=needs_genres)
    return Source(f"{repo_id} {form.sha} {list(form.sizes)} {MIDDLE}{kind}", 0, songs)


def _one_config(form: Form, emit: Emit) -> Form:
    """Select one configuration's files: the Hub's own form has a folder for each.

    Files of all of them would hold songs twice ("small" is a part of "full").
    """
    by_config: dict[str, dict[str, int]] = {}
    for name, size in form.sizes.items():
        folders = PurePosixPath(name).parent.parts
        config = "/".join(each for each in folders if not _part_of(each))
        by_config.setdefault(config, {})[name] = size
    usual = next((name for name in ("default", "", "data") if name in by_config), None)
    chosen = min(by_config) if usual is None else usual
    others = sorted(by_config.keys() - {chosen})
    if others:
        emit(Noted("one_config", {"name": chosen or "/", "others": ", ".join(others)}))
    return Form(form.repo_id, form.sha, by_config[chosen])


def _check_size(form: Form) -> None:
    """Refuse a data set that is too large, before the download."""
    if len(form.sizes) > MAX_FILES or sum(form.sizes.values()) > MAX_BYTES:
        limits = {"max_files": MAX_FILES, "max_gb": MAX_BYTES / 1e9}
        raise KnownError("set_too_large", id=form.repo_id, **limits)


def _folder_source(form: Form, listed: Form | None, emit: Emit) -> Source:
    """Read files in folders, with the tables beside them (``datasets``' audiofolder)."""
    _check_size(form)
    names = list(listed.sizes) if listed else []
    here = listed.download(emit) if listed else []
    opens = {name: tables.opener(path) for name, path in zip(names, here, strict=True)}
    found = layout.of(list(form.sizes), tables.read_all(opens))
    note_layout(found, {}, ", ".join(names), emit)
    paths = form.download(emit)
    songs = songs_of(found, [functools.partial(read, path) for path in paths])
    if not songs:
        raise KnownError("set_unreadable", id=form.repo_id)
    facts = repr(described(songs))
    return Source(f"{form.repo_id} {form.sha} {facts}", len(songs), songs)


def _files(repo_id: str, revision: str | None = None) -> Form:
    """List the files of the newest or a given revision."""
    try:
        info: DatasetInfo = client.ask(
            repo_id,
            lambda api: api.dataset_info(
                repo_id,
                revision=revision,
                timeout=client.ANSWER_TIMEOUT_S,
                files_metadata=True,
            ),
        )
    except KnownError as error:
        if error.code not in ("hub_model_missing", "hub_model_gated"):
            raise
        code = "set_unreadable" if revision else "set_missing"
        raise KnownError(code, id=repo_id) from error
    if not info.sha:
        raise KnownError("hub_unreachable", id=repo_id)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    return Form(repo_id, info.sha, sizes)


def tarball_songs(path: Path) -> Iterator[SongFile]:
    """Yield the songs of a tarball, ``genres/<genre>/<genre>.NNNNN.wav``, in order."""
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            place = PurePosixPath(member.name)
            if not member.isfile() or place.suffix.lower() not in (".wav", ".au"):
                continue
            if place.name.startswith("._"):  # macOS' metadata
                continue
            file = archive.extractfile(member)
            if file is not None:  # read now: the stream cannot seek back
                sound = io.BytesIO(file.read())
                yield SongFile(
                    place.name, place.parent.name, reader(sound.read, place.suffix)
                )


def parquet_songs(
    paths: Sequence[Path], names: Sequence[str] = (), *, needs_genres: bool = True
) -> Iterator[SongFile]:
    """Yield the songs of Parquet files with a column of audio and one of labels.

    The label may be a class number with names in the file's metadata, where no other
    column is one, or a string in one of ``LABELS``. The part of the split is read from
    the file's name, ``train-00000-of-00003.parquet``, or that of its folder.

    Args:
        paths: of the files.
        names: of the files in their repository; their last parts by default.
        needs_genres: whether rows without a label are left out.

    Raises:
        KnownError: ``set_unreadable``, ``set_without_label`` or ``set_many_labels``.
    """
    for path, name in zip(paths, names or [each.name for each in paths], strict=True):
        yield from _parquet_songs(path, _part_of(name), needs_genres)


def _parquet_songs(path: Path, part: str, needs_genres: bool) -> Iterator[SongFile]:
    """Yield the songs of one Parquet file, row by row; those without a genre left out.

    Raises:
        KnownError: ``set_unreadable`` where no column holds sound.
    """
    process.settle()
    import datasets
    from pyarrow import parquet

    with parquet.ParquetFile(path) as table:
        features = datasets.Features.from_arrow_schema(table.schema_arrow)
        sound = next((n for n, f in features.items() if _is_sound(f)), None)
        if sound is None:
            raise KnownError("set_unreadable", id=path.name)
        column = _label_column(features) if needs_genres else None
        # Not by datasets: it reads a hundred songs at once, and decodes by torchcodec.
        wanted = [name for name in (sound, column, "file") if name and name in features]
        batches = table.iter_batches(N_ROWS, columns=wanted)
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows):
            genre = _label(features[column], row[column]) if column else ""
            held = row[sound] or {}
            # A song without a name must not get one of GTZAN's lists.
            given = held.get("path") or row.get("file") or f"{path.stem} {number}.wav"
            name = Path(str(given))
            read = reader(io.BytesIO(held.get("bytes") or b"").getvalue, name.suffix)
            if genre or not needs_genres:
                yield SongFile(name.name, genre, read, part=part)


def _label_column(features: Mapping[str, Any]) -> str:
    """Choose the column of labels; one label a song.

    Raises:
        KnownError: ``set_many_labels`` for lists of labels, ``set_without_label``.
    """
    process.settle()
    import datasets

    classes = [
        name
        for name, feature in features.items()
        if isinstance(feature, datasets.ClassLabel) and name.lower() not in NO_LABELS
    ]
    named = [
        name
        for wanted in (*LABELS, *SEVERAL)
        for name in features
        if name.lower() == wanted
    ]
    column = next(iter(named), classes[0] if len(classes) == 1 else None)
    if column is None:
        raise KnownError("set_without_label", columns=", ".join(features))
    if not isinstance(features[column], datasets.ClassLabel | datasets.Value):
        raise KnownError("set_many_labels", column=column)
    return column


def _label(feature: Any, value: Any) -> str:
    """Return a row's label; "" where it has none (-1 in some test parts)."""
    names = getattr(feature, "names", None)
    if names is None:
        return "" if value is None else str(value)
    return names[value] if value is not None and 0 <= value < len(names) else ""


def _is_sound(feature: Any) -> bool:
    process.settle()
    import datasets

    return isinstance(feature, datasets.Audio) or (
        isinstance(feature, dict) and set(feature) == {"bytes", "path"}
    )


def _part_of(name: str) -> str:
    """Find the part that a file's path names, the file itself first; "" without."""
    words = re.split(r"[/_.-]", name.lower())
    return next((PARTS[word] for word in reversed(words) if word in PARTS), "")


def _with_parts(songs: Iterator[SongFile]) -> Iterator[SongFile]:
    """Assign GTZAN's songs to their parts of the fault-filtered lists."""
    for song in songs:
        (part,) = filtered_parts([song.name])
        yield SongFile(song.name, song.genre, song.read, part=part)
