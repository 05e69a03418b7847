"""What codecs keep and take away, on sounds whose answer is known."""

import numpy as np
import pytest

from audio import coding
from audio.clip import Clip
from audio.coding import CODECS, KBITS, coded, cutoff_hz, lag
from errors import KnownError
from support.signals import click, noise, silence, tone

LOSSY = ("mp3", "aac", "opus")
WHOLE = {"start_s": 0.0, "stop_s": 2.0}


def through(clip, codec="mp3", kbits=64):
    return coded(clip, **WHOLE, codec=codec, bit_rate=1000 * kbits)


@pytest.mark.parametrize("kbits", [32, 128, 320])
@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("codec", [*LOSSY, "flac"])
def test_click_comes_back_at_its_own_sample(codec, rate, kbits):
    found = through(click(0.7, 1.5, rate, amplitude=0.9), codec, kbits)
    print(codec, rate, kbits, found.delay, found.bit_rate, found.n_bytes, lag(found.original, found.coded))
    assert lag(found.original, found.coded) == 0
    assert len(found.coded) == len(found.original)
