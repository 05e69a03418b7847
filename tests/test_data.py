import io
import json
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest
from files import write_audio
from signals import noise, silence, tone

import hub
from errors import KnownError
from trainer import data, gtzan
from trainer.events import Noted, StopRequested

PITCHES = {"low": 200.0, "high": 3000.0}


def song_folder(root, n_songs=3, genres=PITCHES, sampling_rate=22_050):
    for genre in genres:
        (root / genre).mkdir(parents=True)
        for number in range(n_songs):
            clip = tone(PITCHES.get(genre, 500.0), 1.0 + number / 10, sampling_rate)
            write_audio(root / genre / f"{number}.wav", clip)
    return root


def prepared(source, tmp_path, should_stop=lambda: False):
    told = []
    songs = data.prepare(
        source, tmp_path / "cache", emit=told.append, should_stop=should_stop
    )
    return songs, [event for event in told if isinstance(event, Noted)]


def test_folder_becomes_songs_at_16_khz(tmp_path):
    source = data.folder_songs(song_folder(tmp_path / "songs"))
    songs, notes = prepared(source, tmp_path)
    assert songs.genres == ("high", "low")
    assert songs.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert [len(songs.song(i)) for i in range(3)] == [16_000, 17_600, 19_200]
    spectrum = np.abs(np.fft.rfft(songs.song(3)))
    assert np.argmax(spectrum) == pytest.approx(200, abs=1)  # 1 Hz a bin
    assert [note.code for note in notes] == ["rates_agree", "label_counts"]
    assert notes[0].details["rates"] == "22050 Hz × 6"
    assert notes[1].details["counts"] == "high 3, low 3"


def test_samples_are_mapped_from_disk_at_two_bytes_each(tmp_path):
    source = data.folder_songs(song_folder(tmp_path / "songs"))
    songs, _ = prepared(source, tmp_path)
    assert isinstance(songs.samples, np.memmap)
    file = next((tmp_path / "cache").glob("songs-*/samples.i16"))
    assert file.stat().st_size == 2 * songs.offsets[-1]


def test_second_preparation_reads_no_song(tmp_path):
    folder = song_folder(tmp_path / "songs")
    prepared(data.folder_songs(folder), tmp_path)
    source = data.folder_songs(folder)
    unreadable = data.Source(source.fingerprint, source.n_songs, songs=())
    songs, _ = prepared(unreadable, tmp_path)
    assert len(songs.names) == 6


def test_changed_song_is_read_again(tmp_path):
    folder = song_folder(tmp_path / "songs")
    before = data.folder_songs(folder).fingerprint
    write_audio(folder / "low" / "0.wav", noise(duration_s=2.0))
    assert data.folder_songs(folder).fingerprint != before


def test_unreadable_song_is_named_left_out_and_the_rest_goes_on(tmp_path):
    folder = song_folder(tmp_path / "songs")
    (folder / "low" / "broken.mp3").write_bytes(b"no sound here" * 100)
    songs, notes = prepared(data.folder_songs(folder), tmp_path)
    assert len(songs.names) == 6
    assert notes[0].code == "song_skipped"
    assert notes[0].details["name"] == "low/broken.mp3"


def test_rates_that_differ_are_said(tmp_path):
    folder = song_folder(tmp_path / "songs")
    write_audio(folder / "low" / "9.wav", tone(200.0, sampling_rate=44_100))
    _, notes = prepared(data.folder_songs(folder), tmp_path)
    assert notes[0].code == "rates_differ"
    assert notes[0].details["rates"] == "22050 Hz × 6, 44100 Hz × 1"


def test_stop_is_obeyed_between_two_songs_and_leaves_nothing_behind(tmp_path):
    source = data.folder_songs(song_folder(tmp_path / "songs"))
    answers = iter([False, False, True])
    with pytest.raises(StopRequested):
        prepared(source, tmp_path, should_stop=lambda: next(answers))
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("genres", "n_songs", "code"),
    [(["low"], 3, "one_genre"), ([], 0, "no_genres"), (["low", "high"], 0, "no_songs")],
)
def test_folder_that_cannot_be_learned_from_is_refused(tmp_path, genres, n_songs, code):
    folder = song_folder(tmp_path / "songs", n_songs, genres)
    folder.mkdir(exist_ok=True)
    with pytest.raises(KnownError) as caught:
        prepared(data.folder_songs(folder), tmp_path)
    assert caught.value.code == code


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(KnownError, match="no_folder"):
        data.folder_songs(tmp_path / "nowhere")


def test_genre_with_one_song_cannot_be_tested(tmp_path):
    folder = song_folder(tmp_path / "songs", 2)
    (folder / "low" / "1.wav").unlink()
    songs, _ = prepared(data.folder_songs(folder), tmp_path)
    with pytest.raises(KnownError) as caught:
        data.check_split(songs)
    assert caught.value.details == {"genre": "low", "n_songs": 1}


def test_split_takes_the_same_share_of_each_genre_and_no_song_twice():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    train, test = data.split(labels, 0.2, 42)
    assert np.bincount(labels[test]).tolist() == [20, 10, 2]
    assert sorted([*train, *test]) == list(range(160))


def test_split_is_the_same_for_the_same_seed_and_another_for_another():
    labels = np.repeat([0, 1], 50)
    first, again, other = (data.split(labels, 0.2, s)[1].tolist() for s in (42, 42, 43))
    assert first == again
    assert first != other


def test_pieces_cover_a_song_with_the_last_one_shifted_back():
    assert list(data.pieces(25, 10)) == [0, 10, 15]
    assert list(data.pieces(20, 10)) == [0, 10]
    assert list(data.pieces(5, 10)) == [0]


def test_composed_songs_differ_and_stay_the_same_between_runs():
    source = data.composed_songs(1)
    assert source.n_songs == 10
    first, second = (next(iter(data.composed_songs(1).songs)).read() for _ in range(2))
    assert np.array_equal(first.samples, second.samples)
    assert source.fingerprint != data.composed_songs(2).fingerprint


def gtzan_tarball(tmp_path):
    """The Hub's tarball in small: genres/<genre>/<genre>.NNNNN.wav, one corrupt."""
    path = tmp_path / "genres.tar.gz"
    songs = song_folder(tmp_path / "wav", 2, ["blues", "jazz"])
    with tarfile.open(path, "w:gz") as archive:
        for genre in ("blues", "jazz"):
            for number in range(2):
                name = f"genres/{genre}/{genre}.{number:05d}.wav"
                archive.add(songs / genre / f"{number}.wav", name)
        corrupt = tarfile.TarInfo("genres/jazz/jazz.00054.wav")
        corrupt.size = 1000
        archive.addfile(corrupt, io.BytesIO(b"\0" * 1000))
        shadow = tarfile.TarInfo("genres/jazz/._jazz.00001.wav")
        archive.addfile(shadow, io.BytesIO())
    return path


def test_gtzan_tarball_is_read_and_its_corrupt_clip_named(tmp_path):
    songs = gtzan.tarball_songs(gtzan_tarball(tmp_path))
    found, notes = prepared(data.Source("tarball", 0, songs), tmp_path)
    assert found.genres == ("blues", "jazz")
    assert len(found.names) == 4
    assert notes[0].details["name"] == "jazz.00054.wav"


def gtzan_parquet(path, folder, column, is_named):
    """The Hub's Parquet form: audio as bytes and path, features in the metadata."""
    import pyarrow
    import pyarrow.parquet

    files = sorted(folder.glob("*/*.wav"))
    names = sorted({file.parent.name for file in files})
    genres = [file.parent.name for file in files]
    named = {"names": names, "_type": "ClassLabel"}
    plain = {"dtype": "string", "_type": "Value"}
    features = {"audio": {"_type": "Audio"}, column: named if is_named else plain}
    columns = {
        "audio": [{"bytes": file.read_bytes(), "path": file.name} for file in files],
        column: [names.index(genre) for genre in genres] if is_named else genres,
    }
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pyarrow.table(columns).replace_schema_metadata(about)
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.mark.parametrize("column", ["genre", "label"])
@pytest.mark.parametrize("is_named", [True, False], ids=["class label", "string"])
def test_gtzan_parquet_is_read_with_numbers_or_names(tmp_path, column, is_named):
    folder = song_folder(tmp_path / "wav", 2, ["blues", "jazz"])
    path = gtzan_parquet(tmp_path / "train.parquet", folder, column, is_named)
    source = data.Source("parquet", 4, gtzan.parquet_songs([path]))
    songs, _ = prepared(source, tmp_path)
    assert songs.genres == ("blues", "jazz")
    assert songs.labels.tolist() == [0, 0, 1, 1]
    assert songs.names[0] == "0.wav"


def test_missing_network_is_said_when_gtzan_is_asked_for(monkeypatch):
    import huggingface_hub
    from httpx2 import ConnectError

    def fail(*_, **__):
        raise ConnectError("no network")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fail)
    with pytest.raises(KnownError, match="hub_unreachable"):
        gtzan.hub_songs(print)


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (["README.md", "data/b.parquet", "data/a.parquet"], ["data/a", "data/b"]),
        (["gtzan.py", "data/genres.tar.gz"], ["data/genres.tar.gz"]),
        (["gtzan.py"], None),
    ],
    ids=["converted", "tarball", "neither"],
)
def test_gtzan_is_taken_in_the_form_that_the_hub_has(
    tmp_path, monkeypatch, files, wanted
):
    siblings = [SimpleNamespace(rfilename=name) for name in files]
    info = SimpleNamespace(sha="abc", siblings=siblings)
    asked = []

    def download(repo_id, names, revision, kind):
        asked.extend([repo_id, revision, kind, *names])
        return [tmp_path / name for name in names]

    monkeypatch.setattr(hub, "ask", lambda *_: info)
    monkeypatch.setattr(hub, "download", download)
    if wanted is None:
        with pytest.raises(KnownError, match="gtzan_moved"):
            gtzan.hub_songs(print)
        return
    source = gtzan.hub_songs(print)
    names = [name.removesuffix(".parquet") for name in asked[3:]]
    assert asked[:3] == ["marsyas/gtzan", "abc", "dataset"]
    assert names == wanted
    assert "abc" in source.fingerprint


def test_silent_song_keeps_its_place(tmp_path):
    folder = song_folder(tmp_path / "songs")
    write_audio(folder / "low" / "quiet.wav", silence())
    songs, _ = prepared(data.folder_songs(folder), tmp_path)
    assert len(songs.names) == 7
