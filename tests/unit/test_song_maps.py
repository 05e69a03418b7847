"""A map of songs: found, computed once, drawn as numbers; each song is found again."""

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from audio import decode
from cache import Cache
from errors import KnownError
from settings import Settings
from support.files import write_audio
from support.signals import tone
from support.songs import song_folder
from ui.server.access import Visitor
from ui.tabs.map import maps, sheet, tab
from ui.tabs.map import songs as sources
from ui.tabs.map.maps import Points

OWNER, STRANGER = Visitor("en", may_train=True), Visitor("en", may_train=False)


@pytest.fixture
def settings(tmp_path):
    song_folder(tmp_path / "songs" / "ours", n_songs=2)
    return dataclasses.replace(
        Settings(), songs_dir=tmp_path / "songs", runs_dir=tmp_path / "runs"
    )


def every(songs, model, models, points=None):
    how = models.queue, points or Points(), decode.USUAL, "en"
    return list(maps.computed(songs, model, *how))


def test_folder_is_mapped_with_its_labels_and_each_song_is_played(
    settings, model, models, tmp_path
):
    found = sources.of("folder:ours", None, settings, OWNER)
    last = every(found.songs, model, models)[-1]
    assert last.map.embeddings.labels == ("high", "high", "low", "low")
    assert last.map.embeddings.vectors.shape[0] == 4
    path = sources.sound_of(last.map.songs[0], decode.USUAL, str(tmp_path / "c"), "en")
    assert (
        Path(path).read_bytes() == (settings.songs_dir / "ours/high/0.wav").read_bytes()
    )


def test_known_songs_are_not_read_again(settings, model, models, monkeypatch):
    found = sources.of("folder:ours", None, settings, OWNER)
    points = Points()
    first = every(found.songs, model, models, points)[-1]
    monkeypatch.setattr(maps, "rows_or_waits", lambda songs, *a, **b: map(None, songs))
    again = every(found.songs, model, models, points)[-1]
    assert (again.map.embeddings.vectors == first.map.embeddings.vectors).all()


def test_changed_file_is_another_song(settings, model):
    before = sources.of("folder:ours", None, settings, OWNER).songs
    write_audio(settings.songs_dir / "ours/low/0.wav", tone(300.0, 2.0))
    after = sources.of("folder:ours", None, settings, OWNER).songs
    assert [a.key == b.key for a, b in zip(before, after, strict=True)].count(
        False
    ) == 1


def test_zip_among_files_keeps_its_labels_and_what_is_broken_is_named(
    tmp_path, model, models, settings
):
    song_folder(tmp_path / "in", n_songs=2)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in (tmp_path / "in").rglob("*.wav"):
            archive.write(path, str(path.relative_to(tmp_path / "in")))
        archive.writestr("low/broken.wav", "no sound")
    one = write_audio(tmp_path / "one.mp3", tone(500.0, 1.5))
    (tmp_path / "bad.zip").write_text("no zip")
    given = [str(one), str(tmp_path / "all.zip"), str(tmp_path / "bad.zip")]
    found = sources.of(sources.UPLOADS, given, settings, STRANGER)
    assert [path.name for path, _ in found.failed] == ["bad.zip"]
    last = every(found.songs, model, models)[-1]
    assert last.failed == ("low/broken.wav",)
    labels = dict(
        zip(last.map.embeddings.names, last.map.embeddings.labels, strict=True)
    )
    assert labels["one.mp3"] == "" and labels["high/0.wav"] == "high"
    inner = next(song for song in last.map.songs if song.name == "high/1.wav")
    path = sources.sound_of(inner, decode.USUAL, str(tmp_path / "cache"), "en")
    assert Path(path).read_bytes() == (tmp_path / "in/high/1.wav").read_bytes()


def test_composed_songs_are_for_everyone_and_folders_are_not(settings):
    assert len(sources.of(sources.COMPOSED, None, settings, STRANGER).songs) == 80
    assert [each for _, each in sources.choices(settings, STRANGER)] == [
        sources.COMPOSED,
        sources.UPLOADS,
    ]
    assert "folder:ours" in [each for _, each in sources.choices(settings, OWNER)]
    for source in ("folder:ours", "run:x", "/etc"):
        with pytest.raises(KnownError, match="may_not_look"):
            sources.of(source, None, settings, STRANGER)


@pytest.mark.parametrize(
    "source", ["folder:../ours", "folder:/etc", "run:none", "gtzan"]
)
def test_source_that_is_not_listed_is_refused(settings, source):
    with pytest.raises(KnownError, match="unknown_data"):
        sources.of(source, None, settings, OWNER)


def test_map_needs_a_few_songs(tmp_path, settings, model, models):
    one = [str(write_audio(tmp_path / "one.wav", tone(duration_s=1.2)))]
    found = sources.of(sources.UPLOADS, one, settings, STRANGER)
    with pytest.raises(KnownError, match="too_few_on_map"):
        every(found.songs, model, models)


def test_map_grows_on_the_way(model, models, monkeypatch):
    monkeypatch.setattr(sources, "N_COMPOSED", 2)
    songs = sources.of(sources.COMPOSED, None, Settings(), STRANGER).songs
    told = every(songs, model, models)
    shown = [len(each.map.songs) for each in told if each.map]
    assert shown == [8, 16, 20]
    assert told[-1].n_done == told[-1].n_total == 20


def some_map(model, n=12):
    rng = np.random.default_rng(1)
    songs = [sources.MapSong(f"song {i}", f"g{i % 2}", str(i)) for i in range(n)]
    found = {
        song.key: maps.Point(rng.normal(size=6).astype(np.float32), "blues")
        for song in songs
    }
    return maps.of(songs, found, model)


def test_browser_gets_a_place_neighbours_and_colours_of_every_song(model):
    told = json.loads(sheet.as_json(some_map(model), 3, "zh-TW"))
    for name in ("x", "y", "names", "labels", "answers", "clusters", "near", "alike"):
        assert len(told[name]) == 12, name
    assert set(told["clusters"]) == {0, 1, 2}
    assert all(set(each) <= set(range(12)) for each in told["near"])
    assert len(told["genres"]) == 3 and told["words"]["lasso"] == "套索選取"


def test_one_s_own_song_lies_where_its_twin_does(model):
    found = some_map(model)
    place, near = found.located(found.embeddings.vectors[4])
    assert near[0][0] == 4 and near[0][1] == pytest.approx(1, abs=1e-5)
    assert place == pytest.approx(found.places[4], abs=1e-4)
    *_, (_, placed) = maps.by_tsne(found)
    assert placed.is_by_tsne and placed.places.shape == (12, 2)
    assert np.isfinite(placed.located(found.embeddings.vectors[4])[0]).all()
    assert next(maps.by_tsne(placed))[1] is not None  # it is not computed again


def test_more_songs_than_tsne_takes_are_refused(model, monkeypatch):
    monkeypatch.setattr(maps.similarity, "MAX_TSNE", 5)
    with pytest.raises(KnownError, match="too_many_for_tsne"):
        next(maps.by_tsne(some_map(model)))


def test_remembered_songs_are_bounded():
    assert isinstance(Points(100)._known, Cache)
    assert Points(100)._known.max_size == 100


def test_layout_and_clusters_of_a_program_are_checked():
    with pytest.raises(KnownError, match="not_a_choice"):
        tab._layout("umap")
    assert tab._n_clusters(1e9) == tab.MOST_CLUSTERS and tab._n_clusters(-3) == 1
