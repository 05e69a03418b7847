"""What the tab Live sends, where genres are wanted."""

import base64

import numpy as np
import pytest

from errors import KnownError
from ui.tabs.live.tab import MOST_S, clip_of


def sent(samples):
    return base64.b64encode(np.asarray(samples, "<i2").tobytes()).decode()


def test_samples_arrive_as_they_were_sent():
    clip = clip_of(sent([0, 16384, -32768]))
    assert clip.samples.tolist() == [0.0, 0.5, -1.0]
    assert clip.sampling_rate == 16000


@pytest.mark.parametrize(
    "pcm",
    [
        None,
        "",
        "no base64!",
        base64.b64encode(b"abc").decode(),  # half a sample
        sent(np.zeros(int(MOST_S * 16000) + 1)),
    ],
)
def test_anything_else_is_refused(pcm):
    with pytest.raises(KnownError, match="wrong_value"):
        clip_of(pcm)
