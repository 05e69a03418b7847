"""Folders, zips and tables as people have them."""

import json
import os
import shutil
import zipfile

import pytest

from audio.library import layout, tables
from audio.library.kinds import is_song
from audio.library.walk import walk
from errors import KnownError
from support.files import write_audio
from support.signals import tone
from trainer.data import sources
from trainer.run.events import Noted

SOUND = {f"{number:02}.wav": 200.0 + 50 * number for number in range(1, 3)}


def tree(root, *folders):
    """Two songs in each folder."""
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for name, hz in SOUND.items():
            write_audio(root / folder / name, tone(hz, duration_s=0.2))
    return root


def packed(folder, path):
    shutil.make_archive(str(path.with_suffix("")), "zip", folder)
    return path


def read(source):
    return {(each.name, each.genre, each.group, each.part) for each in source.songs}


def both(folder, path):
    """The songs of a folder, which are those of its zip."""
    notes = []
    found = read(sources.folder_songs(folder, notes.append))
    assert read(sources.zip_songs(packed(folder, path))) == found
    return found, {note.code: note.details for note in notes if isinstance(note, Noted)}


def test_nested_folders_are_albums_of_genres_in_a_folder_and_in_its_zip(tmp_path):
    folders = [f"{g}/{a}" for g in ("rock", "jazz") for a in ("A", "Greatest Hits")]
    found, _ = both(tree(tmp_path / "set", *folders), tmp_path / "set.zip")
    assert {(genre, group) for _, genre, group, _ in found} == {
        (folder.split("/")[0], folder) for folder in folders
    }
    assert len(found) == 8


def test_folders_around_all_genres_are_left_out(tmp_path):
    root = tree(
        tmp_path / "set", "Data/genres_original/blues", "Data/genres_original/x"
    )
    (root / "Data/images_original/blues").mkdir(parents=True)
    (root / "Data/images_original/blues/a.png").write_bytes(b"x")
    (root / "Data/features_3_sec.csv").write_bytes(b"x")
    found, notes = both(root, tmp_path / "set.zip")
    assert {genre for _, genre, *_ in found} == {"blues", "x"}
    assert notes["folders_around"] == {"names": "Data/genres_original"}
    assert notes["files_passed"] == {"n": 2, "counts": ".csv 1, .png 1"}


def test_one_genre_with_albums_is_one_genre(tmp_path):
    found, _ = both(tree(tmp_path / "set", "rock/A", "rock/B"), tmp_path / "set.zip")
    assert {genre for _, genre, *_ in found} == {"rock"}


@pytest.mark.parametrize(
    "shape", ["{part}/{genre}", "{genre}/{part}", "data/{part}/{genre}"]
)
def test_folders_named_as_parts_are_the_split(tmp_path, shape):
    folders = [
        shape.format(part=part, genre=genre)
        for part in ("train", "test", "valid")
        for genre in ("rock", "jazz")
    ]
    found, notes = both(tree(tmp_path / "set", *folders), tmp_path / "set.zip")
    assert {genre for _, genre, *_ in found} == {"jazz", "rock"}
    assert {part for *_, part in found} == {"train", "test", "validation"}
    assert notes["parts_found"] == {"counts": "train 4, validation 4, test 4"}


def test_parts_without_genres_are_refused_unless_a_table_has_them(tmp_path):
    root = tree(tmp_path / "set", "train", "test")
    with pytest.raises(KnownError, match="parts_without_genres"):
        sources.folder_songs(root)
    rows = [f"{part}/{n},{'rock' if '1' in n else 'jazz'}"
            for part in ("train", "test") for n in SOUND]  # fmt: skip
    (root / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    found, _ = both(root, tmp_path / "set.zip")
    assert {(genre, part) for _, genre, _, part in found} == {
        (genre, part) for genre in ("rock", "jazz") for part in ("train", "test")
    }


def test_each_part_may_have_a_table_of_its_own(tmp_path):
    root = tree(tmp_path / "set", "train", "test")
    for part in ("train", "test"):
        rows = [f"{name},{'rock' if '1' in name else 'jazz'}" for name in SOUND]
        (root / part / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    (root / "songs.csv").write_text("file,artist\ntrain/01.wav,Ann\n")
    found, notes = both(root, tmp_path / "set.zip")
    assert found == {
        (f"{part}/{name}", genre, "Ann" if (part, name) == ("train", "01.wav") else "",
         part)
        for part in ("train", "test")
        for name, genre in (("01.wav", "rock"), ("02.wav", "jazz"))
    }  # fmt: skip
    assert notes["list_read"] == {
        "name": "songs.csv, test/metadata.csv, train/metadata.csv",
        "columns": "file, artist, file_name, label", "n": 4, "n_songs": 4,
    }  # fmt: skip


def test_covers_and_playlists_are_no_songs_and_leave_the_artists_alone(tmp_path):
    root = tmp_path / "set"
    for genre in ("rock", "jazz"):
        (root / genre).mkdir(parents=True)
        for artist in ("Ann", "Bob"):
            write_audio(root / genre / f"{artist} - A.wav", tone(duration_s=0.2))
        for other in ("cover.jpg", "Thumbs.db", "desktop.ini", "a.m3u", "rip.log"):
            (root / genre / other).write_bytes(b"x")
    (root / "Artwork").mkdir()
    (root / "Artwork" / "front.jpg").write_bytes(b"x")
    found, _ = both(root, tmp_path / "set.zip")
    assert {(genre, group) for _, genre, group, _ in found} == {
        (genre, artist) for genre in ("rock", "jazz") for artist in ("Ann", "Bob")
    }


def test_genres_that_differ_in_case_or_unicode_form_are_one(tmp_path):
    names = ["Rock/1.wav", "Rock/2.wav", "rock/3.wav", "Cafe\u0301/4.wav", "Café/5.wav"]
    genres = [place.genre for place in layout.of(names).places]
    assert genres == ["Rock", "Rock", "Rock", "Café", "Café"]


@pytest.mark.parametrize(
    ("encoding", "separator", "name"),
    [("latin-1", ",", "songs.csv"), ("utf-16", "\t", "songs.csv"),
     ("utf-8-sig", ";", "Songs.CSV"), ("utf-8", ",", "songs.csv.txt"),
     ("cp1252", ";", "SONGS.csv")],
)  # fmt: skip
def test_table_is_read_as_a_spreadsheet_saves_it(tmp_path, encoding, separator, name):
    root = tree(tmp_path / "set", "rock", "jazz")
    rows = [("File", "Artist", "Split")]
    rows += [(f"{g}\\{n}", "Björk", "Train") for g in ("rock", "jazz") for n in SOUND]
    text = "\r\n".join(separator.join(row) for row in rows)
    (root / name).write_bytes(text.encode(encoding))
    found, notes = both(root, tmp_path / "set.zip")
    assert {(group, part) for *_, group, part in found} == {("Björk", "train")}
    assert notes["list_read"]["n"] == notes["list_read"]["n_songs"] == 4


def test_chinese_table_of_a_chinese_windows_is_read(tmp_path):
    text = "file,artist\r\na.wav,王菲\r\nb.wav,崔健乐队\r\n"
    table = tables.read(text.encode("gbk"), "zh-CN")
    assert [row["artist"] for row in table.rows] == ["王菲", "崔健乐队"]


def test_table_that_names_no_song_says_so(tmp_path):
    root = tree(tmp_path / "set", "rock", "jazz")
    (root / "songs.csv").write_text("title,artist\nx,Ann\n")
    _, notes = both(root, tmp_path / "set.zip")
    assert notes["list_read"] == {
        "name": "songs.csv", "columns": "title, artist", "n": 0, "n_songs": 4,
    }  # fmt: skip


def test_json_lines_are_a_table():
    rows = [{"file_name": "a.wav", "Label": "rock"}, {"file_name": "b.wav", "x": None}]
    table = tables.read("\n".join(map(json.dumps, rows)).encode())
    assert tables.matched(table, ["train/a.wav"]) == {
        "train/a.wav": {"file_name": "a.wav", "label": "rock"}
    }


def test_table_may_name_files_in_any_way():
    table = tables.read(
        b"path\nC:\\Music\\rock\\A.wav\n./jazz/b.wav\nc.wav\nsame.wav\n"
    )
    names = ["rock/a.wav", "jazz/b.wav", "pop/c.wav", "pop/same.wav", "rock/same.wav"]
    assert set(tables.matched(table, names)) == set(names[:3])


def test_folder_that_may_not_be_entered_is_named_and_the_rest_listed(
    tmp_path, monkeypatch
):
    root = tree(tmp_path / "set", "ok", "locked", "unreadable")
    usual, scandir = os.access, os.scandir

    def denied(path):
        if path.name == "unreadable":
            raise PermissionError(13, "denied")
        return scandir(path)

    monkeypatch.setattr(
        os, "access", lambda path, mode: path.name != "locked" and usual(path, mode)
    )
    monkeypatch.setattr(os, "scandir", denied)
    found = walk(root)
    assert [name for name, _ in found.files] == [f"ok/{name}" for name in SOUND]
    assert found.closed == ("locked", "unreadable")
    notes = []
    assert len(sources.folder_songs(root, notes.append).songs) == 2
    assert notes[0].details == {"names": "locked, unreadable"}


def test_links_are_followed_once_and_what_is_no_file_is_counted(tmp_path):
    root = tree(tmp_path / "set", "rock", "@eaDir/rock", "...And Justice")
    (root / "rock" / "loop").symlink_to(root)
    (root / "other").symlink_to(root / "rock")
    (root / "gone.mp3").symlink_to(root / "nowhere.mp3")
    os.mkfifo(root / "pipe.wav")
    (root / "._a.wav").write_bytes(b"x")
    found = walk(root)
    assert {path.resolve() for _, path in found.files} == {
        root / folder / name for folder in ("rock", "...And Justice") for name in SOUND
    }
    assert len(found.files) == 4
    assert found.passed == {"no_file": 2, "hidden": 1}


def test_path_that_is_too_long_is_named(tmp_path):
    tree(tmp_path / "set", "rock")
    deepest = os.open(tmp_path / "set", os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 230, dir_fd=deepest)
        inner = os.open("x" * 230, os.O_RDONLY, dir_fd=deepest)
        os.close(deepest)
        deepest = inner
    os.close(deepest)
    found = walk(tmp_path / "set")
    assert len(found.files) == 2
    assert len(found.closed) == 1


@pytest.mark.parametrize(
    "suffix",
    "m4b mka mp2 aifc wave 3gp mov mkv au ac3 amr caf bwf ape wv spx dsf".split(),
)
def test_audio_of_many_kinds_is_looked_for(suffix):
    assert is_song(f"rock/a.{suffix.upper()}")


def test_set_of_surrogates_and_controls_is_shown_as_one_line(tmp_path):
    name = os.fsdecode(b"ro\xffck")
    root = tree(tmp_path / "set", name, "a\nb")
    found = read(sources.folder_songs(root))
    assert {genre for _, genre, *_ in found} == {"ro\\udcffck", "a\\nb"}


def test_gtzan_in_folders_has_the_parts_of_its_lists(tmp_path):
    names = [f"{g}/{g}.000{n}.wav" for g in ("blues", "jazz") for n in range(10, 100)]
    path = tmp_path / "gtzan.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    assert {part for *_, part in read(sources.zip_songs(path))} == {
        "", "train", "validation", "test",
    }  # fmt: skip
