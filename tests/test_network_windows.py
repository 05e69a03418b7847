import numpy as np
import pytest
from signals import noise, silence, tone

from audio.clip import Clip
from networks.windows import Windows

RATE = 16_000


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
