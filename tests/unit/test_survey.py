"""A survey counts what is there, and sees copies across the split."""

import numpy as np
import pytest

from support.signals import tone
from support.songs import prepared
from trainer.data import sources
from trainer.data.faults import Fault
from trainer.data.splits import Split
from trainer.data.survey import survey


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Three low songs and one high one, of 1 to 4 s, one at another rate."""
    clips = {
        "low 1": tone(200.0, 1.0),
        "low 2": tone(210.0, 2.0),
        "low 3": tone(220.0, 3.0),
        "high 1": tone(3000.0, 4.0, 44_100),
    }
    files = [
        sources.SongFile(name, name.split()[0], lambda clip=clip: clip)
        for name, clip in clips.items()
    ]
    root = tmp_path_factory.mktemp("survey")
    return prepared(sources.Source("survey", 4, files), root)[0]


def test_survey_counts_genres_rates_durations_and_parts(songs):
    split = Split(np.array([0, 3]), np.array([1]), np.array([2]))
    found = survey(songs, split, ())
    high, low = found.shares
    assert (high.genre, high.n_songs, high.n_train, high.n_test) == ("high", 1, 1, 0)
    assert (low.n_songs, low.n_train, low.n_validation, low.n_test) == (3, 1, 1, 1)
    assert low.duration_s == pytest.approx(6.0, abs=0.01)
    assert found.rates == ((22_050, 3), (44_100, 1))
    assert found.durations_s == pytest.approx((1.0, 3.0, 4.0), abs=0.01)
    assert found.n_songs == 4


def test_without_a_validation_part_none_is_counted(songs):
    test = np.array([2])
    found = survey(songs, Split(np.array([0, 1, 3]), test, test), ())
    assert [share.n_validation for share in found.shares] == [0, 0]


def test_copy_on_both_sides_of_the_split_is_a_leak(songs):
    split = Split(np.array([0, 1, 3]), np.array([2]), np.array([2]))
    inside = Fault("near_copy", "low 2", "low 1")
    across = Fault("copy", "low 3", "low 1")
    found = survey(songs, split, (inside, across, Fault("silent", "high 1")))
    assert found.leaks == (across,)
    assert len(found.faults) == 3
