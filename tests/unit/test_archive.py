import shutil
import struct
import zipfile
import zlib
from types import SimpleNamespace

import pytest

from audio.decode.archive import ZipLimits, unpacked
from support.files import write_audio
from support.refusals import code_of
from support.signals import silence, tone


def zipped(path, entries, packing=zipfile.ZIP_DEFLATED):
    """A zip of (name, bytes) pairs."""
    with zipfile.ZipFile(path, "w", packing) as opened:
        for name, content in entries:
            opened.writestr(name, content)
    return path


def taken_out(archive, folder, **limits):
    folder.mkdir(exist_ok=True)
    return list(unpacked(archive, folder, ZipLimits(**limits)))


def test_songs_come_out_in_order_with_their_names_and_bytes(tmp_path):
    sound = write_audio(tmp_path / "a.wav", tone()).read_bytes()
    archive = zipped(
        tmp_path / "x.zip",
        [("b/2.WAV", sound), ("notes.txt", b"x"), ("b/1.mp3", b"1"),
         ("__MACOSX/b/._1.mp3", b"x"), (".hidden.mp3", b"x")],
    )  # fmt: skip
    songs = taken_out(archive, tmp_path / "out")
    assert [song.name for song in songs] == ["b/1.mp3", "b/2.WAV"]
    assert [song.path.name for song in songs] == ["00000.mp3", "00001.wav"]
    assert songs[1].path.read_bytes() == sound


@pytest.mark.parametrize(
    "name", ["../evil.mp3", "/etc/evil.mp3", "a/../../evil.mp3", "C:\\evil.mp3"]
)
def test_names_inside_are_never_paths(tmp_path, name):
    archive = zipped(tmp_path / "x.zip", [(name, b"sound")])
    (tmp_path / "home").mkdir()
    songs = taken_out(archive, tmp_path / "home" / "out")
    assert all(song.path.parent == tmp_path / "home" / "out" for song in songs)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.mp3")}
    assert found <= {"home/out/00000.mp3"}


def test_a_link_inside_becomes_a_plain_file(tmp_path):
    entry = zipfile.ZipInfo("link.mp3")
    entry.external_attr = 0o120777 << 16
    archive = zipped(tmp_path / "x.zip", [(entry, b"/etc/passwd")])
    (song,) = taken_out(archive, tmp_path / "out")
    assert not song.path.is_symlink()
    assert song.path.read_bytes() == b"/etc/passwd"


def test_a_bomb_is_refused_by_its_bytes_unread(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("zeros.wav", bytes(5_000_000))])
    found = code_of(taken_out, archive, tmp_path / "out", max_bytes=4_999_999)
    assert found == "zip_too_large"
    assert not list((tmp_path / "out").iterdir())


def test_silence_that_packs_a_thousand_to_one_keeps_its_zip(tmp_path):
    quiet = write_audio(tmp_path / "a.wav", silence(30.0)).read_bytes()
    archive = zipped(tmp_path / "x.zip", [("1.wav", quiet), ("2.mp3", b"x")])
    assert archive.stat().st_size * 100 < len(quiet)
    assert len(taken_out(archive, tmp_path / "out")) == 2


def test_only_songs_are_counted(tmp_path):
    entries = [
        entry
        for n in range(101)
        for entry in ((f"A/{n}.wav", b"x"), (f"__MACOSX/A/._{n}.wav", b"x"))
    ]
    archive = zipped(tmp_path / "x.zip", [*entries, ("A/cover.jpg", b"x")])
    assert len(taken_out(archive, tmp_path / "out", max_files=101)) == 101


@pytest.mark.parametrize(
    ("limits", "code"),
    [({"max_files": 2}, "zip_too_many"), ({"max_bytes": 25}, "zip_too_large"),
     ({"max_entries": 2}, "zip_too_many")],
)  # fmt: skip
def test_too_many_files_or_bytes_are_refused(tmp_path, limits, code):
    archive = zipped(tmp_path / "x.zip", [(f"{n}.mp3", bytes(10)) for n in range(3)])
    assert code_of(taken_out, archive, tmp_path / "out", **limits) == code
    assert not list((tmp_path / "out").iterdir())


def test_song_that_would_fill_the_disk_is_not_begun(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "x.zip", [("a.mp3", bytes(5000))])
    room = SimpleNamespace(free=4999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    assert code_of(taken_out, archive, tmp_path / "out") == "no_room"
    assert not list((tmp_path / "out").iterdir())


def test_a_header_that_lies_about_the_size_is_broken(tmp_path):
    archive = zipped(
        tmp_path / "x.zip", [("a.mp3", bytes(range(256)) * 40)], zipfile.ZIP_STORED
    )
    data = archive.read_bytes()
    size = (256 * 40).to_bytes(4, "little")
    archive.write_bytes(data.replace(size + size, size + (10).to_bytes(4, "little")))
    assert code_of(taken_out, archive, tmp_path / "out") == "zip_broken"


def test_damaged_song_comes_last_without_its_file(tmp_path):
    content = bytes(range(256))
    entries = [("a.mp3", content), ("b.mp3", content[::-1])]
    archive = zipped(tmp_path / "x.zip", entries)
    data = bytearray(archive.read_bytes())
    data[40:60] = bytes(20)
    archive.write_bytes(data)
    songs = taken_out(archive, tmp_path / "out")
    assert [(song.name, song.path.exists()) for song in songs] == [
        ("b.mp3", True), ("a.mp3", False),
    ]  # fmt: skip


def named(path, raw, extra=b""):
    """A zip of one song whose name is ``raw``, without a word on its encoding."""
    entry = zipfile.ZipInfo("A" * len(raw))
    entry.extra = extra
    zipped(path, [(entry, b"x")])
    path.write_bytes(path.read_bytes().replace(b"A" * len(raw), raw))
    return path


@pytest.mark.parametrize(
    ("name", "encoding", "language"),
    [
        ("摇滚/歌曲.wav", "gbk", "zh-CN"), ("摇滚/歌曲.wav", "gbk", "en"),
        ("搖滾/歌曲.wav", "big5", "zh-TW"), ("搖滾樂/第一首歌.wav", "big5", "en"),
        ("ロック/うた.wav", "cp932", "ja"), ("ロック/うた.wav", "cp932", "zh-TW"),
        ("록/노래.wav", "euc_kr", "ko"), ("摇滚/歌.wav", "utf-8", "en"),
        ("Björk/Jóga.wav", "cp437", "zh-CN"), ("Motörhead/É.wav", "cp437", "en"),
    ],
)  # fmt: skip
def test_names_without_an_encoding_are_read_as_their_packer_meant(
    tmp_path, name, encoding, language
):
    path = named(tmp_path / "x.zip", name.encode(encoding))
    (tmp_path / "out").mkdir()
    (song,) = unpacked(path, tmp_path / "out", language=language)
    assert song.name == name


def test_name_in_unicode_beside_the_packer_s_own_wins(tmp_path):
    raw, name = "搖滾.wav".encode("big5"), "搖滾.wav".encode()
    path = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(raw)) + name
    (song,) = taken_out(named(tmp_path / "x.zip", raw, path), tmp_path / "out")
    assert song.name == "搖滾.wav"


def test_name_that_turns_the_reading_direction_shows_what_it_is(tmp_path):
    turned = {"a\u202egpj.mp3": b"1", "b\u2066c\u2069.mp3": b"2"}
    archive = zipped(tmp_path / "x.zip", turned.items())
    songs = taken_out(archive, tmp_path / "out")
    names = [song.name for song in songs]
    assert names == ["a\\u202egpj.mp3", "b\\u2066c\\u2069.mp3"]
    assert [song.path.read_bytes() for song in songs] == [b"1", b"2"]


def test_letters_that_only_join_stay(tmp_path):
    name = "\u0645\u06cc\u200c\u062e 👩\u200d🎤 עברית.mp3"
    archive = zipped(tmp_path / "x.zip", [(name, b"1")])
    (song,) = taken_out(archive, tmp_path / "out")
    assert song.name == name


def test_slashes_of_windows_are_folders(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("rock\\a.wav", b"x"), ("jazz\\b.wav", b"x")])
    names = [song.name for song in taken_out(archive, tmp_path / "out")]
    assert names == ["jazz/b.wav", "rock/a.wav"]


def test_what_is_no_zip_is_broken(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"no zip at all")
    for name in ("x.zip", "missing.zip"):
        found = code_of(taken_out, tmp_path / name, tmp_path / "out")
        assert found == "zip_broken"


def test_damage_inside_is_broken(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("a.mp3", bytes(range(256)))])
    data = bytearray(archive.read_bytes())
    data[40:60] = bytes(20)
    archive.write_bytes(data)
    assert code_of(taken_out, archive, tmp_path / "out") == "zip_broken"


def test_a_zip_without_songs_says_so(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("readme.txt", b"x")])
    assert code_of(taken_out, archive, tmp_path / "out") == "zip_without_songs"
