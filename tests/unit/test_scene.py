"""What is kept of a sound, and which part of it is seen."""

import numpy as np
import pytest

from audio import transforms
from support.signals import tone
from ui.scene import Transforms, seen


def test_part_that_is_seen_lies_in_the_clip():
    clip = tone(duration_s=2.0)
    assert seen(clip, 0.5, 1.0) == (0.5, 1.0)
    assert seen(clip, -1.0, 5.0) is None
    assert seen(clip, 1.9, 9.0) == (1.9, 2.0)
    start_s, stop_s = seen(clip, 1.0, 1.0)
    assert stop_s - start_s == pytest.approx(0.002)


def test_transform_is_computed_once_and_forgotten_when_there_is_no_room():
    calls = []

    def spread(clip, factor):
        calls.append(factor)
        return np.repeat(clip.samples, factor)

    clip = tone(duration_s=0.1)
    kept = Transforms(max_bytes=clip.samples.nbytes * 5)
    for factor in (1, 1, 2, 1, 2):
        kept.of(spread, clip, factor=factor)
    assert calls == [1, 2]
    kept.of(spread, clip, factor=3)  # for which the oldest must go
    kept.of(spread, clip, factor=1)
    assert calls == [1, 2, 3, 1]
    assert kept.n_bytes <= clip.samples.nbytes * 5


def test_transform_belongs_to_its_clip():
    kept = Transforms()
    one, other = (kept.of(transforms.dft, tone(hz)) for hz in (500.0, 1000.0))
    assert transforms.strongest(one).frequency_hz == pytest.approx(500, abs=1)
    assert transforms.strongest(other).frequency_hz == pytest.approx(1000, abs=1)
