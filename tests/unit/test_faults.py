"""Songs that are wrong are named, and only those."""

import numpy as np
import pytest

from audio.clip import Clip
from audio.synth import composer
from support.files import write_audio
from support.signals import silence, tone
from trainer.data import dataset, sources
from trainer.data.faults import Fault, faults
from trainer.run.events import StopRequested


def song_set(tmp_path, clips):
    """Songs in memory, as a set; names are those of the clips' dict."""
    songs = [
        sources.SongFile(name, name[0], lambda clip=clip: clip)
        for name, clip in clips.items()
    ]
    source = sources.Source("test", len(songs), songs)
    return dataset.prepare(
        source, tmp_path, emit=lambda _: None, should_stop=lambda: False
    )


@pytest.fixture(scope="module")
def music():
    """Twelve seconds of three composed songs."""
    genres = ("blues", "jazz", "metal")
    return [composer.compose(genre, 7).slice(2, 14) for genre in genres]


def scaled(clip, factor):
    return Clip(clip.samples * np.float32(factor), clip.sampling_rate)


def test_songs_without_faults_have_none(tmp_path, music):
    songs = song_set(tmp_path, {"a 1": music[0], "b 1": music[1], "b 2": music[2]})
    assert faults(songs) == ()


def test_silent_clipped_and_short_songs_are_named(tmp_path, music):
    loud = Clip(np.clip(music[0].samples * 20, -1, 1), music[0].sampling_rate)
    clips = {"a ok": music[1], "a silent": silence(5.0), "b loud": loud}
    songs = song_set(tmp_path, {**clips, "b short": music[2].slice(0, 2)})
    assert set(faults(songs)) == {
        Fault("silent", "a silent"),
        Fault("clipped", "b loud"),
        Fault("short", "b short"),
    }


def test_exact_copy_is_named_with_its_original(tmp_path, music):
    songs = song_set(tmp_path, {"a 1": music[0], "b 1": music[1], "b 2": music[0]})
    assert faults(songs) == (Fault("copy", "b 2", "a 1"),)


def test_quieter_copy_that_starts_later_is_a_near_copy(tmp_path, music):
    later = scaled(music[0].slice(2.345, 12), 0.3)
    songs = song_set(tmp_path, {"a 1": music[0], "b 1": music[1], "b 2": later})
    assert faults(songs) == (Fault("near_copy", "b 2", "a 1"),)


def test_copy_of_a_song_of_five_seconds_is_a_near_copy(tmp_path, music):
    short = [clip.slice(0, 5) for clip in music]
    clips = {"a 1": short[0], "b 1": short[1], "b 2": scaled(short[0], 0.5)}
    clips["c 1"] = short[2]
    assert faults(song_set(tmp_path, clips)) == (Fault("near_copy", "b 2", "a 1"),)


def test_copy_through_lossy_coding_is_a_near_copy(tmp_path, music):
    path = tmp_path / "song.mp3"
    write_audio(path, music[0].resampled(44_100))
    from audio import decode

    coded = decode.load(path).clip
    songs = song_set(tmp_path / "cache", {"a 1": music[0], "b 1": coded})
    assert faults(songs) == (Fault("near_copy", "b 1", "a 1"),)


def test_songs_of_one_style_are_no_copies_of_one_another(tmp_path):
    clips = {
        f"{g} {s}": composer.compose(g, s)
        for g in "disco hiphop".split()
        for s in range(6)
    }
    assert faults(song_set(tmp_path, clips)) == ()


def test_two_silent_songs_are_no_copies(tmp_path):
    songs = song_set(
        tmp_path, {"a": silence(5.0), "b": silence(5.0), "b 2": tone(300.0, 5.0)}
    )
    assert {fault.kind for fault in faults(songs)} == {"silent"}


def test_search_for_copies_says_how_far_it_is_and_stops_when_asked(tmp_path, music):
    songs = song_set(tmp_path, {"a 1": music[0], "b 1": music[1], "b 2": music[2]})
    told = []
    faults(songs, emit=told.append)
    assert [(each.name, each.done, each.total) for each in told] == [
        ("faults", n, 3) for n in range(3)
    ]
    for n_before in range(4):  # between songs, in the look-up, and among the pairs
        answers = iter([False] * n_before + [True] * 9)
        with pytest.raises(StopRequested):
            faults(songs_with_copy(tmp_path, music), should_stop=answers.__next__)


def songs_with_copy(tmp_path, music):
    quieter = scaled(music[0], 0.5)
    return song_set(tmp_path / "copy", {"a 1": music[0], "b 1": quieter})
