"""Tables of the command line, continued after repairs, changes and spreadsheets."""

import csv
import errno
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import classifier.__main__ as cli
from audio.decode import spool
from audio.decode.archive import Song
from classifier import report
from classifier.batch import Row
from classifier.report import Table
from errors import KnownError
from i18n import word
from support.files import write_audio
from support.signals import sweep

FIRST = Song("m/a.wav", Path("a.wav"), 100, 1_700_000_000)
SECOND = Song("m/b.wav", Path("b.wav"), 200, 1_700_000_001)


def row(song, **others):
    return Row(
        song.name, 0.1, size_bytes=song.size_bytes, modified_s=song.modified_s, **others
    )


def failed(song):
    return row(song, error=KnownError("unreadable", name=song.name))


def rows_of(path, **options):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, **options))


@pytest.fixture
def path(tmp_path):
    """A table in which the first song is done, and the second failed."""
    table = Table(tmp_path / "out.csv", "bundled")
    table.add(row(FIRST))
    table.add(failed(SECOND))
    return tmp_path / "out.csv"


def test_song_that_failed_is_tried_again_and_its_row_replaced(path):
    table = Table(path, "bundled")
    assert table.left([FIRST, SECOND]) == [SECOND]
    table.add(row(SECOND))
    assert [(each["song"], each["reason"]) for each in rows_of(path)] == [
        ("m/a.wav", ""), ("m/b.wav", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("change", [{"size_bytes": 101}, {"modified_s": 1_700_000_009}])
def test_song_that_changed_is_classified_again(path, change):
    changed = replace(FIRST, **change)
    table = Table(path, "bundled")
    assert table.left([changed]) == [changed]
    table.add(row(changed))
    assert [each["song"] for each in rows_of(path)] == ["m/b.wav", "m/a.wav"]


@pytest.mark.parametrize("mine", [("hub:x/y", "whole"), ("bundled", "quick")])
def test_another_model_or_effort_has_rows_of_its_own(path, mine):
    table = Table(path, *mine)
    assert table.left([FIRST]) == [FIRST]
    table.add(row(FIRST))
    found = [
        (e["model"], e["effort"]) for e in rows_of(path) if e["song"] == FIRST.name
    ]
    assert found == [("bundled", "whole"), mine]
    assert Table(path, *mine).has(FIRST)
    assert Table(path, "bundled").has(FIRST)


def test_rows_of_another_model_are_counted(path):
    assert Table(path, "bundled").n_of_others == 0
    assert Table(path, "hub:x/y").n_of_others == 2


def test_table_of_before_is_continued_and_gets_the_new_columns(tmp_path):
    old = "song,genre,confidence,runner_up,runner_up_confidence,verdict,agreement,"
    old += "duration_s,elapsed_s,model,reason\n"
    path = tmp_path / "out.csv"
    path.write_text(f"{old}m/a.wav,rock,0.9,pop,0.1,sure,1.0,3.0,0.1,bundled,\n")
    table = Table(path, "bundled")
    assert table.left([FIRST, SECOND]) == [SECOND]
    table.add(row(SECOND))
    assert [each["size_bytes"] for each in rows_of(path)] == ["", "200"]


@pytest.mark.parametrize(
    ("encoding", "separator", "end"),
    [("utf-8-sig", ",", "\r\n"), ("utf-8", ";", "\r\n"), ("cp1252", ";", "\r\n"),
     ("utf-16", "\t", "\r\n"), ("utf-8", ",", "\r")],
)  # fmt: skip
def test_table_that_a_spreadsheet_saved_is_continued(
    tmp_path, encoding, separator, end
):
    """With a mark, another separator and encoding, sorted, and a column more."""
    song = replace(FIRST, name="m/Jóga.wav")
    columns = ["note", *report.ON_DISK]
    cells = {"note": "mine", "song": song.name, "model": "bundled", "effort": "whole",
             "confidence": "0.9" if separator == "," else "0,9", "size_bytes": "100"}  # fmt: skip
    lines = [columns, [cells.get(name, "") for name in columns]]
    path = tmp_path / "out.csv"
    text = "".join(separator.join(line) + end for line in lines)
    path.write_bytes(text.encode(encoding))
    table = Table(path, "bundled")
    assert table.left([song, SECOND]) == [SECOND]
    table.add(row(SECOND))
    found = rows_of(path, delimiter=separator)
    assert [each["song"] for each in found] == [song.name, SECOND.name]
    assert found[0]["note"] == "mine"
    assert Table(path, "bundled").left([song, SECOND]) == []


def test_file_of_one_line_that_is_no_table_is_left_alone(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("my only copy")
    with pytest.raises(KnownError, match="not_our_table"):
        Table(path)
    assert path.read_text() == "my only copy"


def test_last_line_without_its_end_counts_where_it_is_whole(path):
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    table = Table(path, "bundled")
    assert table.left([FIRST, SECOND]) == [SECOND]
    table.add(row(SECOND))
    assert len(rows_of(path)) == 2


def test_full_disk_of_the_table_is_a_sentence(path, monkeypatch):
    table = Table(path, "bundled")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(KnownError, match="table_not_writable"):
        table.add(row(FIRST))


@pytest.fixture
def songs(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    for name in ("a.wav", "b.wav"):
        write_audio(folder / name, sweep(duration_s=1.2))
    return folder


def test_repaired_song_gets_its_genre_and_the_exit_code_says_so(host, songs):
    (songs / "b.wav").write_bytes(b"no sound")
    command = [str(songs), "--csv", str(host / "out.csv")]
    assert cli.main(command) == 1
    assert cli.main(command) == 1  # not 0: one has no genre
    write_audio(songs / "b.wav", sweep(duration_s=1.2))
    assert cli.main(command) == 0
    found = rows_of(host / "out.csv")
    assert [Path(each["song"]).name for each in found] == ["a.wav", "b.wav"]
    assert not any(each["reason"] for each in found)


def test_full_folder_for_temporary_files_is_no_fault_of_the_song(
    host, songs, monkeypatch, capsys
):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    command = [str(songs), "--csv", str(host / "out.csv")]
    with monkeypatch.context() as patch:
        patch.setattr(spool, "TemporaryFile", full)
        assert cli.main(command) == 1
    assert rows_of(host / "out.csv") == []
    assert "TMPDIR" in capsys.readouterr().err
    assert cli.main(command) == 0


def test_write_that_finds_no_room_is_no_fault_of_the_song(songs, monkeypatch):
    class Full:
        closed = False

        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool, "TemporaryFile", Full)
    with pytest.raises(KnownError, match="no_room"), spool.spooled(songs / "a.wav"):
        pass


def test_few_songs_are_spooled_at_once_where_there_is_little_room(
    monkeypatch, tmp_path
):
    free = SimpleNamespace(free=2 * cli.SONG_BYTES + 1)
    monkeypatch.setattr(cli.shutil, "disk_usage", lambda _: free)
    assert cli._bounded(16, tmp_path) == 2
    free.free = 0
    assert cli._bounded(16, tmp_path) == 1


def test_locked_folder_is_named_and_the_others_are_classified(
    host, songs, monkeypatch, capsys
):
    (songs / "locked").mkdir()
    (songs / "cover.jpg").write_bytes(b"x")
    usual = os.access
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode: Path(path).name != "locked" and usual(path, mode),
    )
    assert cli.main([str(songs)]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert f"{songs}/locked" in err
    assert ".jpg 1" in err


def test_zips_are_unpacked_song_by_song(host, songs, monkeypatch, tmp_path):
    import shutil

    zips = [shutil.make_archive(str(tmp_path / str(n)), "zip", songs) for n in range(3)]
    found = []
    usual = cli._report

    def watched(row, table, as_json):
        (folder,) = tmp_path.glob("scratch/*")
        found.append(sum(path.is_file() for path in folder.rglob("*")))
        return usual(row, table, as_json)

    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(cli.tempfile, "tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr(cli, "_report", watched)
    assert cli.main([*zips, "--workers", "1"]) == 0
    assert len(found) == 6
    assert max(found) <= 2
    assert not any((tmp_path / "scratch").iterdir())


def test_library_in_one_zip_is_listed_whole(tmp_path):
    path = tmp_path / "library.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1500):
            archive.writestr(f"{number:04}.mp3", b"x")
        for info in archive.infolist():
            info.file_size = 30_000_000  # 45 GB in all
    ((part,), outcome) = cli._planned([path], None)
    assert (len(part.songs), outcome) == (1500, 0)


def test_song_that_is_named_twice_is_classified_once(host, songs, capsys):
    assert cli.main([str(songs), str(songs / "a.wav")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("given", ["-1", "0", "1.5", "two"])
def test_number_of_workers_is_one_at_least(given, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["song.wav", "--workers", given])
    assert caught.value.code == 2
    assert f"--workers: {word('classifier.workers')}" in capsys.readouterr().err


def test_album_in_one_file_is_named_before_the_work_begins(host, songs, capsys):
    sheet = 'FILE "a.wav" WAVE\n  TRACK 01 AUDIO\n  TRACK 02 AUDIO\n  TRACK 03 AUDIO\n'
    (songs / "a.cue").write_text(sheet)
    cut = sheet.replace("  TRACK 02", 'FILE "b.wav" WAVE\n  TRACK 02')
    (songs / "b.cue").write_text(cut)  # each track is a file of its own
    for named in (songs, songs / "a.wav"):
        assert cli.main([str(named)]) == 0
        notes = [
            line for line in capsys.readouterr().err.splitlines() if "cue sheet" in line
        ]
        assert [
            str(songs / "a.wav") in each and "3 tracks" in each for each in notes
        ] == [True]


def test_row_of_a_song_beyond_the_limit_says_where_it_was_cut(
    host, songs, monkeypatch, capsys
):
    monkeypatch.setattr(cli, "OWN", replace(cli.OWN, max_duration_s=1.0))
    assert cli.main([str(songs), "--csv", str(host / "out.csv")]) == 0
    assert [row["cut_at_s"] for row in rows_of(host / "out.csv")] == ["1.0", "1.0"]
    assert "only its first 1 s" in capsys.readouterr().err
