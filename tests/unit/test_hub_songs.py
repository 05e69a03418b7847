import contextlib
import io
import json
import tarfile
import threading

import pytest

import i18n
from errors import KnownError
from support.model_hub import REVISION
from support.songs import prepared, song_folder
from trainer import messages
from trainer.config import RunConfig
from trainer.data import hub_songs, sources
from trainer.run.events import Noted, Stage, StopRequested
from trainer.training import prepare
from ui.tabs.data import inspection


def gtzan_tarball(tmp_path, suffix=".wav"):
    """The Hub's tarball in small: genres/<genre>/<genre>.NNNNN.wav, one corrupt."""
    path = tmp_path / "genres.tar.gz"
    songs = song_folder(tmp_path / "wav", 2, ["blues", "jazz"])
    with tarfile.open(path, "w:gz") as archive:
        for genre in ("blues", "jazz"):
            for number in range(2):
                name = f"genres/{genre}/{genre}.{number:05d}{suffix}"
                archive.add(songs / genre / f"{number}.wav", name)
        corrupt = tarfile.TarInfo(f"genres/jazz/jazz.00054{suffix}")
        corrupt.size = 1000
        archive.addfile(corrupt, io.BytesIO(b"\0" * 1000))
        shadow = tarfile.TarInfo("genres/jazz/._jazz.00001.wav")
        archive.addfile(shadow, io.BytesIO())
    return path


@pytest.mark.parametrize("suffix", [".wav", ".au", ".AU"])
def test_gtzan_tarball_is_read_and_its_corrupt_clip_named(tmp_path, suffix):
    songs = hub_songs.tarball_songs(gtzan_tarball(tmp_path, suffix))
    found, notes = prepared(sources.Source("tarball", 0, songs), tmp_path)
    assert found.genres == ("blues", "jazz")
    assert len(found.names) == 4
    assert notes[0].details["name"] == f"jazz.00054{suffix}"


def gtzan_parquet(path, folder, column, is_named):
    """The Hub's Parquet form: audio as bytes and path, features in the metadata."""
    import pyarrow
    import pyarrow.parquet

    files = sorted(folder.glob("*/*.wav"))
    names = sorted({file.parent.name for file in files})
    genres = [file.parent.name for file in files]
    named = {"names": names, "_type": "ClassLabel"}
    plain = {"dtype": "string", "_type": "Value"}
    features = {"audio": {"_type": "Audio"}, column: named if is_named else plain}
    columns = {
        "audio": [{"bytes": file.read_bytes(), "path": file.name} for file in files],
        column: [names.index(genre) for genre in genres] if is_named else genres,
    }
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pyarrow.table(columns).replace_schema_metadata(about)
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.mark.parametrize(
    ("column", "is_named"),
    [
        ("genre", True),
        ("genre", False),
        ("label", True),
        ("label", False),
        ("intent_class", True),
    ],
)
def test_gtzan_parquet_is_read_with_numbers_or_names(tmp_path, column, is_named):
    folder = song_folder(tmp_path / "wav", 2, ["blues", "jazz"])
    path = gtzan_parquet(tmp_path / "train.parquet", folder, column, is_named)
    source = sources.Source("parquet", 4, hub_songs.parquet_songs([path]))
    songs, _ = prepared(source, tmp_path)
    assert songs.genres == ("blues", "jazz")
    assert songs.labels.tolist() == [0, 0, 1, 1]
    assert songs.names[0] == "0.wav"


def test_missing_network_is_said_when_gtzan_is_asked_for(monkeypatch):
    import huggingface_hub
    from httpx2 import ConnectError

    def fail(*_, **__):
        raise ConnectError("no network")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fail)
    with pytest.raises(KnownError, match="hub_unreachable"):
        hub_songs.gtzan(print)


@pytest.fixture(scope="module")
def gtzans(tmp_path_factory):
    """GTZAN in its two forms, as bytes: ``{name: bytes}`` each."""
    root = tmp_path_factory.mktemp("gtzan")
    folder = song_folder(root / "named", 2, ["blues", "jazz"])
    for path in folder.glob("*/*.wav"):
        path.rename(path.with_name(f"{path.parent.name}.{int(path.stem):05d}.wav"))
    table = gtzan_parquet(root / "shard.parquet", folder, "genre", True).read_bytes()
    return {
        "tarball": {
            "gtzan.py": b"",
            "data/genres.tar.gz": gtzan_tarball(root).read_bytes(),
        },
        "parquet": {
            "README.md": b"all clips",
            "data/train-00000-of-00001.parquet": table,
        },
    }


MAIN = (hub_songs.GTZAN, "main")
CONVERTED = (hub_songs.GTZAN, hub_songs.CONVERTED)
MIRROR = (hub_songs.MIRROR, "main")
FILTERED = ("confit/gtzan-parquet", "main")


@pytest.mark.parametrize(
    ("sets", "code", "repo_id"),
    [
        ({MAIN: "parquet", MIRROR: "parquet"}, "gtzan_parquet", hub_songs.GTZAN),
        ({MAIN: "tarball", MIRROR: "parquet"}, "gtzan_tarball", hub_songs.GTZAN),
        ({MAIN: "", CONVERTED: "parquet"}, "gtzan_parquet", hub_songs.GTZAN),
        ({MAIN: "", MIRROR: "parquet"}, "gtzan_mirror", hub_songs.MIRROR),
        ({MIRROR: "parquet"}, "gtzan_mirror", hub_songs.MIRROR),
    ],
    ids=["converted", "tarball", "converted by the Hub", "nothing there", "gone"],
)
def test_gtzan_is_taken_in_the_first_form_that_the_hub_has_and_that_is_said(
    data_hub, gtzans, tmp_path, sets, code, repo_id
):
    data_hub.sets = {place: gtzans.get(form, {}) for place, form in sets.items()}
    told = []
    source = hub_songs.gtzan(told.append)
    (note,) = [each for each in told if isinstance(each, Noted)]
    assert (note.code, note.details["id"]) == (code, repo_id)
    for language in i18n.LANGUAGES:
        assert repo_id in messages.line(note, language)
    assert source.fingerprint == f"{repo_id} {REVISION}"
    songs, _ = prepared(source, tmp_path)
    assert songs.genres == ("blues", "jazz")
    assert len(songs.names) == 4


def test_gtzan_download_is_told_in_bytes(data_hub, gtzans):
    data_hub.sets = {MAIN: gtzans["tarball"]}
    told = []
    hub_songs.gtzan(told.append)
    stages = [each for each in told if isinstance(each, Stage)]
    n_bytes = len(gtzans["tarball"]["data/genres.tar.gz"])
    assert {each.name for each in stages} == {"download"}
    assert {each.total for each in stages} == {n_bytes}
    done = [each.done for each in stages]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, n_bytes)
    assert len(set(done)) > 2


def test_gtzan_without_a_form_of_its_own_or_a_mirror_is_refused(data_hub, gtzans):
    data_hub.sets = {MAIN: {"gtzan.py": b""}, FILTERED: gtzans["parquet"]}
    with pytest.raises(KnownError, match="gtzan_moved"):
        hub_songs.gtzan(lambda _: None)
    assert not any("confit" in path for _, path, *_ in data_hub.asked)


def test_clip_without_a_name_is_in_none_of_gtzan_s_lists(tmp_path):
    import pyarrow
    import pyarrow.parquet

    sound = {"bytes": b"-", "path": None}
    for extra, name in (
        ({}, "t 0.wav"),
        ({"file": ["a/jazz.00001.wav"]}, "jazz.00001.wav"),
    ):
        table = pyarrow.table({"audio": [sound], "genre": ["jazz"], **extra})
        pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
        (song,) = hub_songs.parquet_songs([tmp_path / "t.parquet"])
        assert song.name == name


def test_songs_of_one_name_are_told_apart_and_hidden_labels_left_out(tmp_path):
    folder = song_folder(tmp_path / "wav", 2, ["blues", "jazz"])
    path = gtzan_parquet(tmp_path / "train.parquet", folder, "genre", True)
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    hidden = table.slice(0, 1).set_column(1, "genre", [[-1]])
    nameless = table.slice(0, 1).set_column(1, "genre", [[None]])
    joined = pyarrow.concat_tables([table, hidden, nameless], promote_options="default")
    pyarrow.parquet.write_table(joined, path)
    source = sources.Source("repeated", 0, hub_songs.parquet_songs([path]))
    songs, _ = prepared(source, tmp_path)
    assert songs.names == ("0.wav", "1.wav", "0.wav (2)", "1.wav (2)")
    assert songs.genres == ("blues", "jazz")


def test_stop_leaves_a_download_in_the_middle(data_hub, gtzans, tmp_path):
    data_hub.sets = {MAIN: gtzans["tarball"]}
    data_hub.release.clear()  # half of it arrives, then nothing more
    is_halfway = threading.Event()

    def emit(event):
        if isinstance(event, Stage) and event.done:
            is_halfway.set()

    with pytest.raises(StopRequested):
        prepare.prepare(RunConfig(), tmp_path / "cache", emit, is_halfway.is_set)
    data_hub.release.set()


def test_left_look_ends_its_download_and_keeps_what_is_here(data_hub, gtzans, tmp_path):
    data_hub.sets = {MAIN: gtzans["tarball"]}
    data_hub.release.clear()
    with contextlib.closing(
        inspection.inspect(RunConfig(), tmp_path / "cache")
    ) as told:
        while not next(told).done:
            pass
    data_hub.release.set()
    while any(each.name.startswith("inspect") for each in threading.enumerate()):
        pass
    (part,) = (tmp_path / "hub").rglob("*.part")
    assert 0 < part.stat().st_size < len(gtzans["tarball"]["data/genres.tar.gz"])


def test_parts_come_from_the_names_of_parquet_files(tmp_path):
    folder = song_folder(tmp_path / "wav", 2, ["blues", "jazz"])
    paths = [
        gtzan_parquet(
            tmp_path / f"{part}-00000-of-00001.parquet", folder, "label", True
        )
        for part in ("train", "test")
    ]
    parts = [song.part for song in hub_songs.parquet_songs(paths)]
    assert parts == ["train"] * 4 + ["test"] * 4


def test_set_of_the_hub_in_folders_is_read_by_its_labels(data_hub, tmp_path):
    folder = song_folder(tmp_path / "wav", 2)
    data_hub.sets["someone/sounds", "main"] = {
        f"data/test/{path.parent.name}/{path.name}": path.read_bytes()
        for path in folder.glob("*/*.wav")
    }
    told = []
    songs, _ = prepared(hub_songs.of("someone/sounds", told.append), tmp_path)
    assert songs.genres == ("high", "low")
    assert {song.part for song in songs.songs} == {"test"}
    assert told[-1].done == told[-1].total > 0


def test_set_of_the_hub_that_the_hub_has_converted_is_read(data_hub, gtzans, tmp_path):
    data_hub.sets["someone/script", "main"] = {"script.py": b""}
    data_hub.sets["someone/script", hub_songs.CONVERTED] = gtzans["parquet"]
    songs, _ = prepared(hub_songs.of("someone/script", lambda _: None), tmp_path)
    assert len(songs.names) == 4


def test_set_of_the_hub_without_sound_is_refused(data_hub):
    data_hub.sets["someone/texts", "main"] = {"README.md": b"words"}
    with pytest.raises(KnownError, match="set_unreadable"):
        hub_songs.of("someone/texts", lambda _: None)


@pytest.mark.parametrize("limit", ["MAX_FILES", "MAX_BYTES"])
@pytest.mark.parametrize("names", [("a/1.wav", "b/1.wav"), ("1.parquet", "2.parquet")])
def test_set_of_the_hub_that_is_too_large_is_refused_before_it_is_fetched(
    data_hub, monkeypatch, limit, names
):
    monkeypatch.setattr(hub_songs, limit, 1)
    data_hub.sets["someone/many", "main"] = dict.fromkeys(names, b"-")
    with pytest.raises(KnownError, match="set_too_large"):
        hub_songs.of("someone/many", lambda _: None)
    assert not any("/resolve/" in path for _, path, *_ in data_hub.asked)


def labelled(path, rows, **features):
    """A Parquet file of the Hub's kind with columns of these features."""
    import datasets

    held = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    described = datasets.Features({"audio": held, **features})
    sound = {"bytes": b"-", "path": "a.wav"}
    table = {"audio": [sound] * len(next(iter(rows.values()))), **rows}
    datasets.Dataset.from_dict(table, features=described).to_parquet(path)
    return path


def test_several_labels_a_song_are_refused_by_their_column(tmp_path):
    import datasets

    several = datasets.List(datasets.Value("string"))
    licences = datasets.ClassLabel(names=["cc", "none"])
    for column in ("genre", "genres", "Genre"):
        rows = {column: [["Rock", "Pop"]], "license": [0]}
        features = {column: several, "license": licences}
        path = labelled(tmp_path / f"{column}.parquet", rows, **features)
        with pytest.raises(KnownError, match="set_many_labels"):
            list(hub_songs.parquet_songs([path]))


def test_licences_are_no_genres(tmp_path):
    import datasets

    licences = datasets.ClassLabel(names=["cc", "none"])
    path = labelled(tmp_path / "a.parquet", {"license": [0]}, license=licences)
    with pytest.raises(KnownError, match="set_without_label") as caught:
        list(hub_songs.parquet_songs([path]))
    assert "license" in caught.value.details["columns"]


def test_part_is_read_from_the_folder_and_one_configuration_is_chosen(
    data_hub, gtzans, tmp_path
):
    (content,) = (
        each for name, each in gtzans["parquet"].items() if name.endswith(".parquet")
    )
    data_hub.sets["someone/script", "main"] = {"script.py": b""}
    data_hub.sets["someone/script", hub_songs.CONVERTED] = {
        f"{config}/{part}/0000.parquet": content
        for config in ("default", "small")
        for part in ("train", "partial-test")
    }
    told = []
    songs, _ = prepared(hub_songs.of("someone/script", told.append), tmp_path)
    assert [song.part for song in songs.songs] == ["test"] * 4 + ["train"] * 4
    notes = {each.code: each.details for each in told if isinstance(each, Noted)}
    assert notes["one_config"] == {"name": "default", "others": "small"}


@pytest.mark.parametrize("is_one", [True, False])
def test_tables_of_a_set_in_folders_give_the_genres(data_hub, tmp_path, is_one):
    folder = song_folder(tmp_path / "wav", 2)
    files = sorted(folder.glob("*/*.wav"))
    names = [f"{('train', 'test')[n % 2]}/{n}.wav" for n in range(len(files))]
    rows = [f"{n},{p.parent.name}" for n, p in zip(names, files, strict=True)]
    listed = {"metadata.csv": rows}
    if not is_one:  # each part has its own
        listed = {
            f"{part}/metadata.csv": [
                row.removeprefix(f"{part}/") for row in rows if row.startswith(part)
            ]
            for part in ("train", "test")
        }
    data_hub.sets["someone/sounds", "main"] = {
        **{
            name: "\n".join(["file_name,label", *rows]).encode()
            for name, rows in listed.items()
        },
        **{n: path.read_bytes() for n, path in zip(names, files, strict=True)},
    }
    songs, _ = prepared(hub_songs.of("someone/sounds", lambda _: None), tmp_path)
    assert songs.genres == ("high", "low")
    assert {song.part for song in songs.songs} == {"train", "test"}
