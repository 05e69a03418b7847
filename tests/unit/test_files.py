"""Files of visitors: where nobody can guess them, and gone in time."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import gradio_client.utils as client_utils
import pytest

import settings
from errors import KnownError
from support.places import ROOT
from ui.server import files


def test_file_lies_under_a_name_of_its_own_that_its_content_does_not_tell(tmp_path):
    places = {Path(files.kept(b"a", "a.wav", str(tmp_path))) for _ in range(3)}
    assert len({place.parent for place in places}) == 3
    assert all(len(place.parent.name) == 32 for place in places)
    assert {place.name for place in places} == {"a.wav"}
    assert all(place.read_bytes() == b"a" for place in places)


@pytest.mark.parametrize("name", ["../../a.wav", "/etc/a.wav", "x/../a.wav"])
def test_name_is_never_a_path(tmp_path, name):
    place = Path(files.kept(b"a", name, str(tmp_path / "cache")))
    assert place.parent.parent == tmp_path / "cache"
    assert place.name == "a.wav"


def test_what_is_old_goes_whoever_left_it_there(tmp_path):
    (tmp_path / "hash").mkdir()
    (tmp_path / "hash" / "song.mp3").write_text("of a server that was killed")
    (tmp_path / "tmp1234").write_text("half an upload")
    files.sweep(tmp_path, age_s=3600)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
    files.sweep(tmp_path, age_s=-1)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_link_goes_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "link").symlink_to(tmp_path / "kept.txt")
    files.sweep(tmp_path / "uploads", age_s=-1)
    assert (tmp_path / "kept.txt").exists()
    assert not (tmp_path / "uploads" / "link").is_symlink()


def test_folder_that_is_not_there_is_swept_already(tmp_path):
    files.sweep(tmp_path / "none", age_s=0)


def test_uploads_lie_where_nothing_else_does(tmp_path):
    found = settings.from_environment({"GENRESCOPE_HOME": str(tmp_path)})
    assert found.uploads_dir == tmp_path / "cache" / "uploads"
    assert found.uploads_dir not in (found.cache_dir, found.runs_dir, found.songs_dir)


def aged(path, age_s):
    """Let a file, or a folder, be as old as that."""
    changed_at_s = time.time() - age_s
    os.utime(path, (changed_at_s, changed_at_s))
    return path


def test_upload_that_broke_off_goes_and_one_that_is_coming_stays(tmp_path):
    (tmp_path / "hash").mkdir()
    for name in ("tmp_broken", "tmp_coming", "hash/song.mp3"):
        (tmp_path / name).write_text("song")
    aged(tmp_path / "tmp_broken", files.BROKEN_S + 1)
    aged(tmp_path / "hash" / "song.mp3", files.BROKEN_S + 1)
    files.sweep(tmp_path, age_s=3600)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"tmp_coming", "song.mp3"}


DIES = """
import os, sys
from ui.server import files
with files.scratch() as folder:
    (folder / "song.wav").write_text("unpacked")
    print(folder, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_had_unpacked_goes_and_what_another_works_on_stays(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", DIES], cwd=ROOT, capture_output=True, text=True
    )
    dead = Path(done.stdout.strip())
    assert (dead / "song.wav").exists()
    with files.scratch() as folder:
        (folder / "song.wav").write_text("unpacked")
        for each in (dead, folder):
            aged(each, files.BEGINS_S + 1)
        files.sweep(tmp_path, age_s=3600)
        assert (folder / "song.wav").exists()
        assert not dead.exists()
    assert list(tmp_path.iterdir()) == []


def test_folder_for_one_use_that_cannot_be_made_is_no_room(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file"))
    with pytest.raises(KnownError, match="no_room"), files.scratch():
        pass


def test_nothing_is_written_into_the_reserve(tmp_path, monkeypatch):
    free = files.RESERVE_BYTES + 1000
    monkeypatch.setattr(
        files.shutil, "disk_usage", lambda _: SimpleNamespace(free=free)
    )
    files.check_room(tmp_path / "file", 1000)
    with pytest.raises(KnownError, match="no_room"):
        files.check_room(tmp_path / "file", 1001)


@pytest.mark.parametrize("name", ['My "best" <song>? 100% #1.wav', "问？＂.wav"])
def test_name_of_an_upload_is_the_persons_own_where_it_is_shown(name):
    safe = files.safe_name(name)
    assert files.name_of(Path("/uploads") / safe) == name
    assert not set(safe) & set('<>:"\\|?*`$!{}#%')
    assert "\u2060" not in files.download_name(safe)
    assert client_utils.strip_invalid_filename_characters(safe) == safe
