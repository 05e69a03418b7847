"""Files of visitors: where nobody can guess them, and gone in time."""

from pathlib import Path

import pytest

import settings
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
