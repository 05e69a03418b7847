"""The shelf of decoded songs: once each, bounded, and honest about what is gone."""

import threading

import pytest

from audio import decode
from audio.decode import Limits
from errors import KnownError
from support.files import write_audio
from support.signals import tone
from ui.player import clips
from ui.player.clips import ClipShelf
from ui.server.shares import Share, Shares, Writer, writer


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that were really decoded, in order."""
    names = []

    def load(path, **options):
        names.append(path.name)
        return decode.load(path, **options)

    monkeypatch.setattr(clips, "load", load)
    return names


def song(folder, name="a.wav", **sound):
    return str(write_audio(folder / name, tone(**sound)))


def test_song_asked_for_by_many_at_once_is_decoded_once(tmp_path, decoded):
    shelf, path, heard = ClipShelf(Limits()), song(tmp_path), []
    threads = [
        threading.Thread(target=lambda: heard.append(shelf.take(path)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decoded == ["a.wav"]
    assert len(heard) == 8
    assert all(each is heard[0] for each in heard)


@pytest.fixture
def spent():
    """A visitor with nothing left once a second of sound has been decoded."""
    shares = Shares(Share(sound_s=1.0), clock=lambda: 0.0)
    token = writer.set(Writer(shares, "93.184.216.34"))
    yield shares
    writer.reset(token)


def test_decoded_sound_is_taken_from_its_visitors_share(tmp_path, decoded, spent):
    shelf = ClipShelf(Limits())
    first, other = song(tmp_path), song(tmp_path, "b.wav")
    for _ in range(3):
        shelf.take(first)  # it is decoded once
    spent.sound("93.184.216.35", 1.0)
    with pytest.raises(KnownError, match="too_much_sound"):
        shelf.take(other)
    with pytest.raises(KnownError, match="too_much_sound"), shelf.passing(other):
        pass
    assert decoded == ["a.wav"]
    shelf.take(first)


def test_song_unused_for_longest_leaves_first(tmp_path, decoded):
    a, b, c = (song(tmp_path, f"{name}.wav") for name in "abc")
    shelf = ClipShelf(Limits(), max_bytes=2 * 22_050 * 4)  # room for two of them
    for path in (a, b, a, c, a, b):
        shelf.take(path)
    assert decoded == ["a.wav", "b.wav", "c.wav", "b.wav"]


def test_song_larger_than_the_shelf_is_still_given(tmp_path, decoded):
    shelf, path = ClipShelf(Limits(), max_bytes=1), song(tmp_path)
    assert shelf.take(path).clip.n_samples == 22_050
    assert shelf.take(path).clip.n_samples == 22_050
    assert decoded == ["a.wav"]


def test_same_path_is_the_same_clip_as_long_as_it_is_kept(tmp_path):
    shelf, path = ClipShelf(Limits()), song(tmp_path)
    clip = shelf.take(path).clip
    shelf.take(song(tmp_path, "b.wav"))
    assert shelf.take(path).clip is clip


def test_shelf_knows_which_file_a_clip_came_from(tmp_path):
    shelf, path = ClipShelf(Limits()), song(tmp_path)
    assert shelf.path_of(shelf.take(path).clip) == path
    with pytest.raises(KnownError, match="clip_gone"):
        shelf.path_of(tone())


def test_broken_file_keeps_no_place_and_may_be_mended(tmp_path):
    path, shelf = tmp_path / "a.wav", ClipShelf(Limits())
    path.write_text("no sound")
    with pytest.raises(KnownError, match="not_audio"):
        shelf.take(str(path))
    write_audio(path, tone())
    assert shelf.take(str(path)).clip.duration_s == 1.0


def test_nothing_chosen_and_a_deleted_upload_are_told_apart(tmp_path):
    shelf = ClipShelf(Limits())
    with pytest.raises(KnownError, match="no_clip"):
        shelf.take(None)
    with pytest.raises(KnownError, match="clip_gone"):
        shelf.take(str(tmp_path / "gone.wav"))


def test_shelf_keeps_its_host_s_limits(tmp_path):
    path = song(tmp_path, duration_s=3.0)
    assert ClipShelf(Limits(max_duration_s=2.0)).take(path).cut_at_s == 2.0
    with pytest.raises(KnownError, match="too_large"):
        ClipShelf(Limits(max_bytes=100)).take(path)
