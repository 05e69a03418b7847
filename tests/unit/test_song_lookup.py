"""A song that a run heard sounds again as it did."""

import json
import shutil

import numpy as np
import pytest

from errors import KnownError
from support.songs import prepared, song_folder
from trainer.config import RunConfig
from trainer.data import song_lookup, sources
from trainer.run import runs


def run_of(tmp_path, data):
    config = RunConfig(data=data, n_songs_per_genre=2)
    return runs.create(tmp_path / "runs", config)


def test_song_comes_from_the_cache_as_the_model_heard_it(tmp_path):
    folder = song_folder(tmp_path / "songs")
    run = run_of(tmp_path, f"folder:{folder}")
    songs, _ = prepared(sources.folder_songs(folder), tmp_path)
    place = json.dumps({"folder": songs.folder.name})
    runs.write_whole(run.folder / runs.SONGS, place)
    shutil.rmtree(folder)  # so that it can only be the cache
    clip = song_lookup.clip(run, "high/1.wav", "high", tmp_path / "cache")
    index = songs.names.index("high/1.wav")
    assert clip.sampling_rate == 16_000
    assert np.array_equal(np.rint(clip.samples * 32_767), songs.song(index))


def test_song_of_a_folder_is_read_again_where_the_cache_is_gone(tmp_path):
    run = run_of(tmp_path, f"folder:{song_folder(tmp_path / 'songs')}")
    clip = song_lookup.clip(run, "low/0.wav", "low", tmp_path / "cache")
    assert clip.duration_s == pytest.approx(1.0)


def test_composed_song_is_composed_again(tmp_path):
    run = run_of(tmp_path, "composed")
    again = song_lookup.clip(run, "jazz 1", "jazz", tmp_path / "cache")
    (song,) = [s for s in sources.composed_songs(2).songs if s.name == "jazz 1"]
    assert np.array_equal(again.samples, song.read().samples)


@pytest.mark.parametrize("data", ["gtzan", "composed"])
def test_song_that_is_gone_is_named(tmp_path, data):
    with pytest.raises(KnownError, match="song_gone"):
        song_lookup.clip(run_of(tmp_path, data), "jazz 77", "jazz", tmp_path / "cache")


def test_place_of_a_run_cannot_lead_out_of_the_cache(tmp_path):
    run = run_of(tmp_path, "gtzan")
    runs.write_whole(run.folder / runs.SONGS, '{"folder": "../../elsewhere"}')
    with pytest.raises(KnownError, match="song_gone"):
        song_lookup.clip(run, "a", "b", tmp_path / "cache")
