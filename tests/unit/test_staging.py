"""Half-built folders go with their builder, however that ends."""

import subprocess
import sys

import pytest

from trainer.data.staging import staging_folder, sweep

BUILDER = """
import sys, time, pathlib
from trainer.data.staging import staging_folder
with staging_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "songs").mkdir()
    (folder / "songs" / "samples.i16").write_bytes(b"half")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def builder(tmp_path):
    """Another process in the middle of a folder, and that folder's path."""
    command = [sys.executable, "-c", BUILDER, tmp_path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process, process.stdout.readline().strip()
    process.kill()
    process.wait()


def test_folder_is_there_while_it_is_built_and_gone_afterwards(tmp_path):
    with staging_folder(tmp_path / "cache") as folder:
        assert folder.is_dir()
        assert folder.parent == tmp_path / "cache"
    assert list((tmp_path / "cache").iterdir()) == []


def test_folder_of_an_error_is_gone_too(tmp_path):
    with pytest.raises(ValueError, match="half"), staging_folder(tmp_path) as folder:
        (folder / "songs").mkdir()
        raise ValueError("half")
    assert list(tmp_path.iterdir()) == []


def test_folder_of_a_killed_process_is_swept_by_the_next_build(tmp_path, builder):
    process, left = builder
    process.kill()
    process.wait()
    assert [str(path) for path in tmp_path.iterdir()] == [left]
    with staging_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_folder_of_a_living_process_is_left_alone(tmp_path, builder):
    _, left = builder
    with staging_folder(tmp_path) as mine:
        sweep(tmp_path)
        assert {str(path) for path in tmp_path.iterdir()} == {left, str(mine)}


def test_folder_that_a_sweep_takes_first_is_made_anew(tmp_path, monkeypatch):
    from trainer.data import staging as module

    take, refused = module._lock, []

    def swept_before_it_is_locked(folder):
        if not refused:
            refused.append(folder)
            folder.rmdir()
        return take(folder)

    monkeypatch.setattr(module, "_lock", swept_before_it_is_locked)
    with staging_folder(tmp_path) as folder:
        assert folder not in refused
        assert folder.is_dir()
