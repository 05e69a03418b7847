import pytest

from audio.decode.archive import Song
from classifier.batch import rows
from classifier.plan import part_named
from classifier.queue import InferenceQueue
from errors import KnownError
from support.files import write_audio
from support.signals import silence, sweep


@pytest.fixture
def songs(tmp_path):
    """Two songs, one of them silent, and a name without a file between them."""
    good = write_audio(tmp_path / "0.wav", sweep(duration_s=1.2))
    quiet = write_audio(tmp_path / "1.wav", silence(1.0))
    return [
        Song("first", good), Song("gone", tmp_path / "x.wav"), Song("quiet", quiet),
        Song("last", good),
    ]  # fmt: skip


@pytest.mark.parametrize("n_workers", [1, 2, 8])
def test_rows_come_in_order_and_go_on_after_failures(songs, model, n_workers):
    found = list(rows(songs, model, InferenceQueue(2), n_workers=n_workers))
    assert [row.song for row in found] == ["first", "gone", "quiet", "last"]
    codes = [row.error.code if row.error else None for row in found]
    assert codes == [None, "unreadable", "silent", None]
    assert found[0].prediction.genres == found[3].prediction.genres
    assert [row.duration_s for row in found] == [
        pytest.approx(1.2), None, pytest.approx(1.0), pytest.approx(1.2),
    ]  # fmt: skip
    assert all(row.elapsed_s > 0 for row in found)
    assert found[2].error.details["name"] == "quiet"


def test_songs_are_taken_only_a_few_ahead(songs, model):
    taken = []

    def watched():
        for song in songs * 5:
            taken.append(song)
            yield song

    found = rows(watched(), model, InferenceQueue(2), n_workers=2)
    next(found)
    assert len(taken) <= 3
    found.close()
    assert len(taken) <= 3


def test_stop_ends_the_rows(songs, model):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) > 3  # the first song has three windows

    found = list(
        rows([songs[0]] * 10, model, InferenceQueue(2), should_stop=should_stop)
    )
    assert [row.song for row in found] == ["first"]


def test_who_leaves_ends_the_work_within_a_window(tmp_path, songs, model, computed):
    long = Song("long", write_audio(tmp_path / "l.wav", sweep(duration_s=60.0)))
    found = rows([songs[0], long], model, InferenceQueue(2), n_workers=1)
    next(found)
    found.close()
    assert len(computed) < 60  # of 3 + 120 windows


def test_effort_is_passed_on(tmp_path, model):
    path = write_audio(tmp_path / "long.wav", sweep(duration_s=9.0))
    (row,) = rows([Song("long", path)], model, InferenceQueue(2), effort="quick")
    assert row.prediction.n_done == 6


def test_folder_without_songs_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(KnownError, match="folder_without_songs"):
        part_named(tmp_path)
