import numpy as np
import pytest

from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError
from support.signals import tone
from trainer import messages
from trainer.data import windows
from trainer.data.dataset import INT16_MAX, Song, SongSet


class Plain:
    """A feature extractor that changes nothing."""

    model_input_names = ("input_values",)

    def __call__(self, samples, sampling_rate):
        return {"input_values": [samples]}


def song_set(*durations_s):
    clips = [tone(440, duration_s, SAMPLING_RATE).samples for duration_s in durations_s]
    samples = np.rint(np.concatenate(clips) * INT16_MAX).astype(np.int16)
    offsets = np.cumsum([0, *map(len, clips)])
    labels = np.arange(len(clips)) % 2
    songs = tuple(
        Song(f"{i}", "ab"[i % 2], "", "", SAMPLING_RATE, len(clip), "", 1.0, 0)
        for i, clip in enumerate(clips)
    )
    return SongSet(("a", "b"), songs, (), labels, offsets, samples)


def random_windows(songs, **changes):
    every = np.arange(len(songs.names))
    settings = {"extractor": Plain(), "window_s": 0.5, "seed": 1, **changes}
    return windows.RandomWindows(songs, every, **settings)


def test_window_is_a_piece_of_the_song_and_full():
    songs = song_set(2.0)
    item = random_windows(songs)[0]["input_values"]
    whole = songs.song(0).astype(np.float32) / INT16_MAX
    places = np.lib.stride_tricks.sliding_window_view(whole, 8000)
    assert len(item) == 8000
    assert np.any(np.all(places == item, axis=1))


def test_short_song_is_repeated_not_padded():
    item = random_windows(song_set(0.2))[0]["input_values"]
    assert len(item) == 8000
    assert np.array_equal(item[:3200], item[3200:6400])


def test_windows_repeat_for_seed_and_epoch_and_change_with_either():
    songs = song_set(5.0)

    def item(seed, epoch):
        data = random_windows(songs, seed=seed)
        data.set_epoch(epoch)
        return data[0]["input_values"]

    assert np.array_equal(item(1, 0), item(1, 0))
    assert not np.array_equal(item(1, 0), item(1, 1))
    assert not np.array_equal(item(1, 0), item(2, 0))


def test_augmentation_tilts_the_spectrum_within_its_bound():
    rng = np.random.default_rng(3)
    ratios_db = []
    for _ in range(20):
        samples = sum(tone(f, 0.5, SAMPLING_RATE).samples for f in (500.0, 4000.0))
        spectrum = np.abs(np.fft.rfft(windows.augment(samples, rng)))
        ratios_db.append(20 * np.log10(spectrum[2000] / spectrum[250]))  # 2 Hz a bin
    assert np.ptp(ratios_db) > 3  # three octaves, some dB each
    assert np.max(np.abs(ratios_db)) < 3 * windows.TILT_DB_PER_OCTAVE + 1


def test_all_windows_cover_each_test_song():
    songs = song_set(1.2, 0.5)
    data = windows.AllWindows(songs, np.array([1, 0]), Plain(), 0.5)
    assert data.owners.tolist() == [0, 1, 1, 1]
    assert [start for _, start in data.places] == [0, 0, 8000, 11_200]
    assert data[0]["labels"] == 1


def test_silent_windows_are_left_out_as_in_classification():
    songs = song_set(2.0, 1.0, 1.0)
    songs.samples[4000:20_000] = 20  # -64 dBFS, in the first song
    songs.samples[32_000:48_000] = 0  # all of the second one
    data = windows.AllWindows(songs, np.arange(3), Plain(), 0.5)
    assert data.places == [(0, 0), (0, 16_000), (0, 24_000), (1, 0), (1, 8000)]
    assert (data.indices.tolist(), data.silent.tolist()) == ([0, 2], [1])
    assert data.owners.tolist() == [0, 0, 0, 1, 1]
    assert [data[place]["labels"] for place in (0, 3)] == [0, 0]


def test_songs_without_an_answer_are_named():
    songs, told = song_set(1.0, 1.0), []
    windows.note_silent(songs, np.array([], int), told.append)
    assert not told
    windows.note_silent(songs, np.array([1]), told.append)
    assert messages.line(told[0]).endswith("silent: 1.")


def test_set_of_silent_songs_is_refused():
    songs = song_set(1.0)
    songs.samples[:] = 0
    with pytest.raises(KnownError, match="silent"):
        windows.AllWindows(songs, np.array([0]), Plain(), 0.5)


@pytest.mark.parametrize(
    ("n_at_most", "starts"),
    [(0, [0, 4000, 8000, 12_000]), (1, [8000]), (2, [0, 12_000]), (9, None)],
)
def test_some_windows_of_a_song_are_spread_over_it(n_at_most, starts):
    songs = song_set(1.25)
    data = windows.AllWindows(
        songs, np.array([0]), Plain(), 0.5, n_per_window=2, n_at_most=n_at_most
    )
    every = windows.AllWindows(songs, np.array([0]), Plain(), 0.5, n_per_window=2)
    expected = every.places if starts is None else [(0, start) for start in starts]
    assert data.places == expected
    assert len(data.owners) == len(expected)


def test_collate_stacks_without_padding():
    items = [random_windows(song_set(1.0, 1.0))[i] for i in range(2)]
    batch = windows.collate(items)
    assert tuple(batch["input_values"].shape) == (2, 8000)
    assert batch["labels"].tolist() == [0, 1]


def test_collate_refuses_windows_of_two_lengths():
    items = [
        {"input_values": np.zeros(n, np.float32), "labels": 0} for n in (8000, 8001)
    ]
    with pytest.raises(ValueError, match="same shape"):
        windows.collate(items)
