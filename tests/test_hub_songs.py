import io
import json
import tarfile
from types import SimpleNamespace

import pytest
from songs import prepared, song_folder

import hub
from errors import KnownError
from trainer import hub_songs, sources


def gtzan_tarball(tmp_path):
    """The Hub's tarball in small: genres/<genre>/<genre>.NNNNN.wav, one corrupt."""
    path = tmp_path / "genres.tar.gz"
    songs = song_folder(tmp_path / "wav", 2, ["blues", "jazz"])
    with tarfile.open(path, "w:gz") as archive:
        for genre in ("blues", "jazz"):
            for number in range(2):
                name = f"genres/{genre}/{genre}.{number:05d}.wav"
                archive.add(songs / genre / f"{number}.wav", name)
        corrupt = tarfile.TarInfo("genres/jazz/jazz.00054.wav")
        corrupt.size = 1000
        archive.addfile(corrupt, io.BytesIO(b"\0" * 1000))
        shadow = tarfile.TarInfo("genres/jazz/._jazz.00001.wav")
        archive.addfile(shadow, io.BytesIO())
    return path


def test_gtzan_tarball_is_read_and_its_corrupt_clip_named(tmp_path):
    songs = hub_songs.tarball_songs(gtzan_tarball(tmp_path))
    found, notes = prepared(sources.Source("tarball", 0, songs), tmp_path)
    assert found.genres == ("blues", "jazz")
    assert len(found.names) == 4
    assert notes[0].details["name"] == "jazz.00054.wav"


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


@pytest.mark.parametrize("column", ["genre", "label"])
@pytest.mark.parametrize("is_named", [True, False], ids=["class label", "string"])
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


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (["README.md", "data/b.parquet", "data/a.parquet"], ["data/a", "data/b"]),
        (["gtzan.py", "data/genres.tar.gz"], ["data/genres.tar.gz"]),
        (["gtzan.py"], None),
    ],
    ids=["converted", "tarball", "neither"],
)
def test_gtzan_is_taken_in_the_form_that_the_hub_has(
    tmp_path, monkeypatch, files, wanted
):
    siblings = [SimpleNamespace(rfilename=name) for name in files]
    info = SimpleNamespace(sha="abc", siblings=siblings)
    asked = []

    def download(repo_id, names, revision, kind):
        asked.extend([repo_id, revision, kind, *names])
        return [tmp_path / name for name in names]

    monkeypatch.setattr(hub, "ask", lambda *_: info)
    monkeypatch.setattr(hub, "download", download)
    if wanted is None:
        with pytest.raises(KnownError, match="gtzan_moved"):
            hub_songs.gtzan(print)
        return
    source = hub_songs.gtzan(print)
    assert set(asked[::4]) == {"marsyas/gtzan"}
    assert set(asked[1::4]) == {"abc"}
    assert [name.removesuffix(".parquet") for name in asked[3::4]] == wanted
    assert "abc" in source.fingerprint


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


def test_set_of_the_hub_in_folders_is_read_by_its_labels(tmp_path, monkeypatch):
    folder = song_folder(tmp_path / "wav", 2)
    names = [f"data/test/{p.parent.name}/{p.name}" for p in folder.glob("*/*.wav")]
    info = SimpleNamespace(
        sha="abc", siblings=[SimpleNamespace(rfilename=name) for name in names]
    )
    places = {name: folder / "/".join(name.split("/")[2:]) for name in names}
    monkeypatch.setattr(hub, "ask", lambda *_: info)
    monkeypatch.setattr(hub, "download", lambda _, n, *__, **___: [places[n[0]]])
    songs, _ = prepared(hub_songs.of("someone/sounds", lambda _: None), tmp_path)
    assert songs.genres == ("high", "low")
    assert {song.part for song in songs.songs} == {"test"}


def test_set_of_the_hub_without_sound_is_refused(monkeypatch):
    info = SimpleNamespace(sha="abc", siblings=[SimpleNamespace(rfilename="README.md")])
    monkeypatch.setattr(hub, "ask", lambda *_: info)
    with pytest.raises(KnownError, match="set_unreadable"):
        hub_songs.of("someone/texts", lambda _: None)
