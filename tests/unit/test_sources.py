import zipfile

import pytest

from audio.decode.archive import ZipLimits
from errors import KnownError
from support.files import write_audio
from support.signals import tone
from support.songs import PITCHES, prepared, song_folder
from trainer.data import sources


def written_list(folder, rows):
    (folder / "songs.csv").write_text("\n".join(["file,artist,split", *rows]), "utf-8")


def test_list_beside_the_folders_tells_artist_and_part(tmp_path):
    folder = song_folder(tmp_path / "songs", 2)
    written_list(folder, ["low/0.wav,Ann,train", "high/1.wav,Bob,test"])
    songs, _ = prepared(sources.folder_songs(folder), tmp_path)
    about = {song.name: (song.group, song.part) for song in songs.songs}
    assert about["low/0.wav"] == ("Ann", "train")
    assert about["high/1.wav"] == ("Bob", "test")
    assert about["low/1.wav"] == ("", "")


def test_changed_list_is_another_source(tmp_path):
    folder = song_folder(tmp_path / "songs", 2)
    before = sources.folder_songs(folder).fingerprint
    written_list(folder, ["low/0.wav,Ann,train"])
    assert sources.folder_songs(folder).fingerprint != before


def test_names_with_artists_group_songs(tmp_path):
    for genre in PITCHES:
        (tmp_path / "songs" / genre).mkdir(parents=True)
        for name in ("Ann - One.wav", "Ann - Two.wav", "Bob - Three.wav"):
            write_audio(tmp_path / "songs" / genre / name, tone(PITCHES[genre]))
    source = sources.folder_songs(tmp_path / "songs")
    assert [song.group for song in source.songs] == ["Ann", "Ann", "Bob"] * 2


def test_folders_in_a_genre_s_folder_are_albums(tmp_path):
    for genre in PITCHES:
        for album in ("One", "Two", ".hidden"):
            (tmp_path / "songs" / genre / album).mkdir(parents=True)
            for n in range(2):
                path = tmp_path / "songs" / genre / album / f"{n}.wav"
                write_audio(path, tone(PITCHES[genre]))
    songs, _ = prepared(sources.folder_songs(tmp_path / "songs"), tmp_path)
    assert songs.genres == ("high", "low")
    assert songs.names[0] == "high/One/0.wav"
    groups = [song.group for song in songs.songs]
    assert groups == [
        g for g in songs.genres for g in [f"{g}/One"] * 2 + [f"{g}/Two"] * 2
    ]


def zipped(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize("prefix", ["", "my songs/"])
def test_zip_is_read_like_the_folder_that_it_holds(tmp_path, prefix):
    folder = song_folder(tmp_path / "songs", 2)
    written_list(folder, ["low/0.wav,Ann,train"])
    path = zipped(folder, tmp_path / "songs.zip", prefix)
    songs, _ = prepared(sources.zip_songs(path), tmp_path)
    assert songs.names == ("high/0.wav", "high/1.wav", "low/0.wav", "low/1.wav")
    assert songs.songs[2].group == "Ann"


def test_zip_writes_nothing_where_its_names_point(tmp_path):
    path = tmp_path / "songs.zip"
    wav = tmp_path / "tone.wav"
    write_audio(wav, tone())
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../../outside/a.wav", "/rooted/b.wav", "in/c.wav"):
            archive.write(wav, name)
    before = set(tmp_path.rglob("*"))
    songs, _ = prepared(sources.zip_songs(path), tmp_path)
    assert songs.names == ("rooted/b.wav", "in/c.wav")  # names with ".." are hidden
    new = {p for p in set(tmp_path.rglob("*")) - before if "cache" not in p.parts}
    assert not new
    assert not (tmp_path.parent / "outside").exists()


def test_zip_bomb_is_refused_before_anything_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ZIP_LIMITS", ZipLimits(max_bytes=9_999_999))
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/zeros.wav", bytes(10_000_000))
    with pytest.raises(KnownError, match="zip_too_large"):
        sources.zip_songs(path)


def test_text_file_called_zip_is_refused(tmp_path):
    path = tmp_path / "songs.zip"
    path.write_text("no zip")
    with pytest.raises(KnownError, match="not_a_zip"):
        sources.zip_songs(path)


def test_damaged_song_in_a_zip_is_named_and_the_rest_goes_on(tmp_path):
    path = zipped(song_folder(tmp_path / "songs", 2), tmp_path / "songs.zip")
    packed = bytearray(path.read_bytes())
    packed[200:260] = b"\xff" * 60  # inside the first song
    path.write_bytes(packed)
    songs, notes = prepared(sources.zip_songs(path), tmp_path)
    assert len(songs.names) == 3
    assert notes[0].details["name"] == "high/0.wav"


def test_groups_say_what_they_are(tmp_path):
    def kind(rows, head="file,artist"):
        folder = song_folder(tmp_path / head.replace(",", "-") / str(len(rows)))
        if rows:
            (folder / "songs.csv").write_text("\n".join([head, *rows]), "utf-8")
        songs, _ = prepared(sources.folder_songs(folder), tmp_path)
        return songs.group_kind

    names = ("low/0.wav", "low/1.wav", "high/0.wav")
    assert kind([]) == ""
    assert kind([f"{name},A" for name in names]) == "artist"
    assert kind([f"{name},A" for name in names], "file,album") == "album"
    assert kind([f"{name},A" for name in names], "file,group") == ""
    mixed = [f"{names[0]},A,", f"{names[1]},,B"]
    assert kind(mixed, "file,artist,album") == ""
