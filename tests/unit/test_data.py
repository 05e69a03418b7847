import numpy as np
import pytest

import i18n
from audio.clip import Clip
from errors import KnownError
from support.files import stereo, write_audio
from support.signals import noise, silence, tone
from support.songs import prepared, song_folder
from trainer import messages
from trainer.config import RunConfig
from trainer.data import dataset, faults, sources
from trainer.run.events import StopRequested


def test_folder_becomes_songs_at_16_khz(tmp_path):
    source = sources.folder_songs(song_folder(tmp_path / "songs"))
    songs, notes = prepared(source, tmp_path)
    assert songs.genres == ("high", "low")
    assert songs.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert [len(songs.song(i)) for i in range(3)] == [16_000, 17_600, 19_200]
    spectrum = np.abs(np.fft.rfft(songs.song(3)))
    assert np.argmax(spectrum) == pytest.approx(200, abs=1)  # 1 Hz a bin
    assert [note.code for note in notes] == ["rates_agree", "label_counts"]
    assert notes[0].details["rates"] == ["22050 Hz × 6"]
    assert notes[1].details["counts"] == ["high 3", "low 3"]


def test_samples_are_mapped_from_disk_at_two_bytes_each(tmp_path):
    source = sources.folder_songs(song_folder(tmp_path / "songs"))
    songs, _ = prepared(source, tmp_path)
    assert isinstance(songs.samples, np.memmap)
    file = next((tmp_path / "cache").glob("songs-*/samples.i16"))
    assert file.stat().st_size == 2 * songs.offsets[-1]


def test_second_preparation_reads_no_song(tmp_path):
    folder = song_folder(tmp_path / "songs")
    prepared(sources.folder_songs(folder), tmp_path)
    source = sources.folder_songs(folder)
    unreadable = sources.Source(source.fingerprint, source.n_songs, songs=())
    songs, _ = prepared(unreadable, tmp_path)
    assert len(songs.names) == 6


def test_changed_song_is_read_again(tmp_path):
    folder = song_folder(tmp_path / "songs")
    before = sources.folder_songs(folder).fingerprint
    write_audio(folder / "low" / "0.wav", noise(duration_s=2.0))
    assert sources.folder_songs(folder).fingerprint != before


def test_set_that_two_build_at_once_stands_there_once_and_serves_both(tmp_path):
    folder = song_folder(tmp_path / "songs")
    faster = []

    def overtake():
        if not faster:
            faster.append(None)  # before the other one asks this as well
            faster[:] = prepared(sources.folder_songs(folder), tmp_path)[:1]
        return False

    slower, _ = prepared(sources.folder_songs(folder), tmp_path, should_stop=overtake)
    assert slower.folder == faster[0].folder
    assert np.array_equal(slower.samples, faster[0].samples)
    assert list((tmp_path / "cache").iterdir()) == [slower.folder]


def test_unreadable_song_is_named_left_out_and_the_rest_goes_on(tmp_path):
    folder = song_folder(tmp_path / "songs")
    (folder / "low" / "broken.mp3").write_bytes(b"no sound here" * 100)
    songs, notes = prepared(sources.folder_songs(folder), tmp_path)
    assert len(songs.names) == 6
    assert notes[0].code == "song_skipped"
    assert notes[0].details["name"] == "low/broken.mp3"
    assert notes[1].details == {"n_skipped": 1, "n_files": 7}
    for language in i18n.LANGUAGES:
        named, counted = messages.log_lines(notes[:2], language)
        assert "low/broken.mp3" in named
        assert "FLAC" in named  # what to try
        assert "7" in counted


def test_rates_that_differ_are_said(tmp_path):
    folder = song_folder(tmp_path / "songs")
    write_audio(folder / "low" / "9.wav", tone(200.0, sampling_rate=44_100))
    _, notes = prepared(sources.folder_songs(folder), tmp_path)
    assert notes[0].code == "rates_differ"
    assert notes[0].details["rates"] == ["22050 Hz × 6", "44100 Hz × 1"]


def test_stop_is_obeyed_between_two_songs_and_leaves_nothing_behind(tmp_path):
    source = sources.folder_songs(song_folder(tmp_path / "songs"))
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
        prepared(sources.folder_songs(folder), tmp_path)
    assert caught.value.code == code


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(KnownError, match="no_folder"):
        sources.folder_songs(tmp_path / "nowhere")


def test_genre_with_one_song_cannot_be_tested(tmp_path):
    folder = song_folder(tmp_path / "songs", 2)
    (folder / "low" / "1.wav").unlink()
    songs, _ = prepared(sources.folder_songs(folder), tmp_path)
    with pytest.raises(KnownError) as caught:
        dataset.split_songs(songs, RunConfig())
    assert caught.value.details == {"genre": "low", "n_songs": 1}


def test_composed_songs_differ_and_stay_the_same_between_runs():
    source = sources.composed_songs(1)
    assert source.n_songs == 10
    first, second = (
        next(iter(sources.composed_songs(1).songs)).read() for _ in range(2)
    )
    assert np.array_equal(first.samples, second.samples)
    assert source.fingerprint != sources.composed_songs(2).fingerprint


def test_silent_song_keeps_its_place(tmp_path):
    folder = song_folder(tmp_path / "songs")
    write_audio(folder / "low" / "quiet.wav", silence())
    songs, _ = prepared(sources.folder_songs(folder), tmp_path)
    assert len(songs.names) == 7


def test_facts_of_a_song_are_those_of_its_samples(tmp_path):
    folder = song_folder(tmp_path / "songs", 1)
    write_audio(folder / "low" / "loud.wav", tone(200.0, 1.0, amplitude=1.0))
    songs, _ = prepared(sources.folder_songs(folder), tmp_path)
    loud = songs.songs[songs.names.index("low/loud.wav")]
    assert loud.peak == pytest.approx(1.0, abs=0.01)
    assert loud.n_clipped > 0
    assert loud.duration_s == pytest.approx(1.0, abs=0.001)
    assert songs.songs[0].n_clipped == 0


@pytest.mark.parametrize("limit", [1.0, 0.9])
def test_clipping_is_counted_in_each_channel_before_the_mix(tmp_path, limit):
    folder = song_folder(tmp_path / "songs", 1)
    wave = np.clip(1.5 * tone(200.0, 1.0, amplitude=1.0).samples, -limit, limit)
    # Half of each other song: their mix is cut off nowhere.
    both = stereo(Clip(wave, 22_050), noise(duration_s=1.0))
    write_audio(folder / "low" / "loud.wav", both, 22_050)
    songs, _ = prepared(sources.folder_songs(folder), tmp_path)
    loud = songs.songs[songs.names.index("low/loud.wav")]
    expected = np.count_nonzero(np.abs(wave) >= 0.999 * limit) / len(wave)
    assert loud.n_clipped / loud.n_samples == pytest.approx(expected, rel=0.05)
    assert faults.Fault("clipped", "low/loud.wav") in faults.faults(songs)


def test_float_song_that_only_exceeds_full_scale_is_not_clipped(tmp_path):
    folder = song_folder(tmp_path / "songs", 1)
    loud = tone(200.0, 1.0, amplitude=1.5)
    write_audio(folder / "low" / "loud.wav", loud, codec="pcm_f32le")
    songs, _ = prepared(sources.folder_songs(folder), tmp_path)
    assert songs.songs[songs.names.index("low/loud.wav")].n_clipped < 10
