"""Songs are read for the page as for a run, and nobody waits for what was cancelled."""

import contextlib

import numpy as np
import pytest

from errors import KnownError
from support.signals import tone
from support.songs import song_folder
from trainer.config import RunConfig
from trainer.data import sources
from trainer.data.sources import SongFile, Source
from trainer.run.events import Stage
from ui.tabs.data import inspection
from ui.tabs.data.inspection import InspectedSongs


def config_of(folder, **wish):
    return RunConfig(data=f"folder:{folder}", **{"split": "stratified", **wish})


def looked_at(config, cache_dir):
    *_, last = inspection.inspect(config, cache_dir)
    return last


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    root = tmp_path_factory.mktemp("inspected")
    config = config_of(song_folder(root / "songs", 5), test_fraction=0.2)
    return looked_at(config, root / "cache")


def test_look_ends_with_the_songs_their_faults_and_their_split(inspected):
    assert isinstance(inspected, InspectedSongs)
    assert inspected.songs.genres == ("high", "low")
    assert {fault.kind for fault in inspected.faults} == {"short"}
    assert inspected.survey().n_songs == 10
    assert len(inspected.split.test) == 2


def test_run_finds_what_the_page_has_read(tmp_path):
    config = config_of(song_folder(tmp_path / "songs", 2))
    looked_at(config, tmp_path / "cache")
    (folder,) = (tmp_path / "cache").glob("songs-*")
    before = (folder / "samples.i16").stat().st_mtime_ns
    told = list(inspection.inspect(config, tmp_path / "cache"))
    assert (folder / "samples.i16").stat().st_mtime_ns == before
    assert "decode" not in [each.name for each in told[:-1]]


def test_look_says_how_far_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "EVERY_S", 0.001)
    config = config_of(song_folder(tmp_path / "songs", 3))
    *told, _ = inspection.inspect(config, tmp_path / "cache")
    assert all(isinstance(each, Stage) for each in told)
    done = [each.done for each in told if each.name == "decode"]
    assert done == sorted(done)
    assert all(each.total == 6 for each in told if each.name == "decode")


def test_closed_look_stops_before_the_next_song(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "EVERY_S", 0.001)
    n_read = 0

    def endless():
        nonlocal n_read
        while True:
            n_read += 1
            yield SongFile(f"{n_read}", "low", lambda: tone(200.0, 0.1))

    source = Source("endless", 0, endless())
    monkeypatch.setattr(sources, "source_of", lambda config, emit: source)
    cache_dir = tmp_path / "cache"
    with contextlib.closing(inspection.inspect(RunConfig(), cache_dir)) as told:
        while next(told).name != "decode":
            pass
    while any(cache_dir.iterdir()):  # until the thread has cleared away
        pass
    assert n_read > 0


def test_what_is_wrong_with_a_choice_comes_out_of_the_thread(tmp_path):
    with pytest.raises(KnownError, match="no_folder"):
        looked_at(config_of(tmp_path / "none"), tmp_path / "cache")


def test_songs_can_be_split_otherwise_without_reading_them(inspected):
    other = inspected.divided(test_fraction=0.4, validation_fraction=0.2)
    assert other.songs is inspected.songs
    parts = (other.split.train, other.split.validation, other.split.test)
    assert [len(part) for part in parts] == [4, 2, 4]
    with pytest.raises(KnownError, match="no_groups"):
        inspected.divided(split="group")


def test_song_is_heard_as_the_models_hear_it(inspected):
    (_, index), *_ = inspected.in_genre("low")
    clip = inspected.clip(index)
    assert clip.sampling_rate == 16_000
    assert np.abs(clip.samples).max() == pytest.approx(inspected.song(index).peak)


def test_part_of_a_song_is_told_and_tested_counts_before_chosen(inspected):
    parts = [inspected.part(index) for index in range(10)]
    assert parts.count("train") == 8
    assert parts.count("test") == 2  # no validation songs: they choose as well
    other = inspected.divided(validation_fraction=0.2)
    assert [other.part(i) for i in range(10)].count("validation") == 2
