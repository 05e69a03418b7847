import numpy as np
import pytest

from classifier.predict import Chunk, Prediction
from classifier.song_map import song_map, stretches
from networks.checkpoint import ModelRef

REF = ModelRef("bundled", "bundled", None, "bundled", "tests", 5.0)


def predicted(rocks, starts_s=None, window_s=5.0):
    """A prediction from the probability of rock in each window; jazz has the rest."""
    starts_s = starts_s or [window_s * at for at in range(len(rocks))]
    chunks = tuple(
        Chunk(start_s, start_s + window_s, {"rock": rock, "jazz": 1 - rock})
        for start_s, rock in zip(starts_s, rocks, strict=True)
    )
    mean = float(np.mean(rocks))
    genres = sorted([("rock", mean), ("jazz", 1 - mean)], key=lambda pair: -pair[1])
    return Prediction(tuple(genres), chunks, len(chunks), REF, 0.0)


def test_map_has_a_row_a_genre_and_a_column_a_window():
    found = song_map(predicted([0.9, 0.6, 0.3]))
    assert found.genres == ("rock", "jazz")
    np.testing.assert_allclose(found.probabilities[0], [0.9, 0.6, 0.3])
    np.testing.assert_allclose(found.probabilities.sum(axis=0), 1.0)
    assert found.starts_s.tolist() == [0.0, 5.0, 10.0]
    assert found.stops_s.tolist() == [5.0, 10.0, 15.0]


def test_map_columns_do_not_overlap_where_the_last_window_was_shifted_back():
    found = song_map(predicted([0.9, 0.6, 0.3], [0.0, 5.0, 7.0]))
    assert found.starts_s.tolist() == [0.0, 5.0, 10.0]
    assert found.stops_s.tolist() == [5.0, 10.0, 12.0]


def test_map_leaves_gaps_where_nothing_was_heard():
    found = song_map(predicted([0.9, 0.6], [0.0, 20.0]))
    assert found.starts_s.tolist() == [0.0, 20.0]
    assert found.stops_s.tolist() == [5.0, 25.0]


def test_stretch_is_the_ten_seconds_with_the_highest_mean():
    rock, jazz = stretches(predicted([0.5, 0.99, 0.1, 0.8, 0.9, 0.6]))
    assert (rock.genre, rock.start_s, rock.stop_s) == ("rock", 15.0, 25.0)
    assert rock.probability == pytest.approx(0.85)
    assert (jazz.genre, jazz.start_s, jazz.stop_s) == ("jazz", 10.0, 20.0)
    assert jazz.probability == pytest.approx(0.55)


def test_stretch_never_bridges_a_gap():
    rock, _ = stretches(predicted([0.5, 0.6, 0.99, 0.99], [0.0, 5.0, 20.0, 40.0]))
    assert (rock.start_s, rock.stop_s) == (0.0, 10.0)


def test_stretch_is_one_window_where_none_are_neighbours():
    rock, _ = stretches(predicted([0.5, 0.9, 0.7], [0.0, 20.0, 40.0]))
    assert (rock.start_s, rock.stop_s) == (20.0, 25.0)


def test_stretch_of_long_windows_is_one_window():
    rock, _ = stretches(predicted([0.2, 0.9, 0.7], window_s=30.0))
    assert (rock.start_s, rock.stop_s) == (30.0, 60.0)


def test_stretches_are_asked_for_by_the_number_of_genres():
    assert [part.genre for part in stretches(predicted([0.2, 0.4]), 1)] == ["jazz"]
