import numpy as np
import pytest

from audio.clip import Clip
from networks.windows import Windows, window_starts
from support.signals import noise, silence, tone

RATE = 16_000


@pytest.mark.parametrize(
    "sampling_rate", [8000, 16_000, 22_050, 44_100, 44_101, 48_000]
)
def test_length_is_that_of_the_whole_song_resampled(sampling_rate):
    for n_samples in range(sampling_rate, sampling_rate + 9):
        clip = Clip(np.ones(n_samples), sampling_rate)
        n_resampled = clip.resampled(RATE).n_samples
        assert Windows(clip, RATE, RATE).n_samples == n_resampled


@pytest.mark.parametrize(
    "sampling_rate", [8000, 16_000, 22_050, 44_100, 44_101, 48_000]
)
def test_window_equals_the_same_part_of_the_whole_song_resampled(sampling_rate):
    clip = noise(duration_s=3.3, sampling_rate=sampling_rate)
    whole = clip.resampled(RATE).samples
    windows = Windows(clip, RATE, RATE)
    assert len(windows.starts()) == 4
    for start in windows.starts():
        np.testing.assert_allclose(
            windows.window(start), whole[start : start + RATE], atol=1e-5
        )


@pytest.mark.parametrize(
    ("n_samples", "n_hop", "starts"),
    [
        (25, None, [0, 10, 15]),
        (20, None, [0, 10]),
        (5, None, [0]),
        (25, 5, [0, 5, 10, 15]),
        (11, None, [0, 1]),
        (27, 5, [0, 5, 10, 15, 17]),
    ],
)
def test_windows_cover_a_song_with_the_last_one_shifted_back(n_samples, n_hop, starts):
    assert window_starts(n_samples, 10, n_hop) == starts


@pytest.mark.parametrize(("n_new", "n_windows"), [(0, 1), (13, 1), (99, 1), (100, 2)])
def test_last_window_adds_a_tenth_or_is_left_out(n_new, n_windows):
    assert len(window_starts(1000 + n_new, 1000)) == n_windows


def test_clip_of_gtzan_is_one_window_of_30_s():
    clip = noise(duration_s=661_794 / 22_050, sampling_rate=22_050)
    assert Windows.of(clip, RATE, 30.0).starts() == [0]


def test_short_clip_goes_in_as_it_is_to_a_model_of_any_length():
    clip = noise(duration_s=0.3, sampling_rate=22_050)
    repeated = Windows.of(clip, RATE, 1.0)
    as_it_is = Windows.of(clip, RATE, 1.0, takes_any_length=True)
    assert (repeated.n_window, as_it_is.n_window) == (RATE, 4800)


def test_windows_cover_the_clip_and_the_last_ends_with_it():
    windows = Windows(noise(duration_s=2.5, sampling_rate=RATE), RATE, RATE)
    assert windows.starts() == [0, RATE, RATE + RATE // 2]


def test_clip_below_one_window_is_repeated():
    clip = noise(duration_s=0.3, sampling_rate=RATE)
    windows = Windows(clip, RATE, RATE)
    (start,) = windows.starts()
    np.testing.assert_array_equal(windows.window(start), np.resize(clip.samples, RATE))


def test_silent_windows_are_left_out_without_resampling_them():
    parts = [silence(1.0, RATE), noise(sampling_rate=RATE), silence(1.0, RATE)]
    clip = Clip(np.concatenate([part.samples for part in parts]), RATE)
    assert Windows(clip, RATE, RATE).starts() == [RATE]
    assert Windows(silence(2.0), RATE, RATE).starts() == []


def test_window_of_what_the_model_cannot_hear_is_none():
    high = tone(15_000.0, 3.0, 44_100)
    windows = Windows(high, RATE, RATE)
    assert RATE in windows.starts()  # it is no silence to us
    assert windows.window(RATE) is None
