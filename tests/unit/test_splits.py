"""Who learns from which songs, and who is asked about which."""

import numpy as np
import pytest

from errors import KnownError
from trainer.data.splits import FILTERED, PARTS, SplitOptions, filtered_parts, split

GTZAN = "blues classical country disco hiphop jazz metal pop reggae rock".split()
LABELS = np.repeat(np.arange(4), 25)
NAMES = [f"{genre}.{number:05d}.wav" for genre in GTZAN for number in range(100)]


def sets(parts):
    return [set(getattr(parts, name).tolist()) for name in PARTS]


@pytest.mark.parametrize("scheme", ["random", "stratified"])
def test_two_parts_share_no_song_and_leave_none_out(scheme):
    parts = split(LABELS, SplitOptions(scheme))
    train, validation, test = sets(parts)
    assert not train & test
    assert train | test == set(range(100))
    assert len(test) == 20
    assert validation == test
    assert not parts.is_honest


@pytest.mark.parametrize("scheme", ["random", "stratified"])
def test_three_parts_have_the_shares_that_were_wished(scheme):
    parts = split(
        LABELS, SplitOptions(scheme, test_fraction=0.2, validation_fraction=0.2)
    )
    assert [len(part) for part in sets(parts)] == [60, 20, 20]
    assert len(set.union(*sets(parts))) == 100
    assert parts.is_honest


def test_same_seed_gives_the_same_songs_and_another_seed_others():
    first, again, other = (
        split(LABELS, SplitOptions("random", seed=s)) for s in (42, 42, 43)
    )
    assert first.test.tolist() == again.test.tolist()
    assert sets(first) != sets(other)


def test_random_split_is_the_one_that_the_tutorial_gets_from_datasets():
    import datasets

    songs = datasets.Dataset.from_dict({"song": list(range(999))})
    theirs = songs.train_test_split(test_size=0.2, seed=42, shuffle=True)
    parts = split(np.zeros(999, int), SplitOptions("random"))
    assert parts.train.tolist() == theirs["train"]["song"]
    assert parts.test.tolist() == theirs["test"]["song"]


def test_stratified_split_tests_every_genre_alike():
    parts = split(LABELS, SplitOptions("stratified"))
    assert np.bincount(LABELS[parts.test]).tolist() == [5, 5, 5, 5]


def test_genre_with_two_songs_is_learned_and_tested():
    parts = split(np.array([0, 0, 1, 1]), SplitOptions("stratified", test_fraction=0.5))
    assert sorted([0, 0, 1, 1]) == sorted(
        np.array([0, 0, 1, 1])[np.concatenate([parts.train, parts.test])]
    )
    assert np.bincount(np.array([0, 0, 1, 1])[parts.train]).tolist() == [1, 1]


def test_groups_stay_together():
    artists = [f"artist {i % 17}" for i in range(100)]
    parts = split(
        LABELS, SplitOptions("group", validation_fraction=0.2), groups=artists
    )
    of_parts = [{artists[i] for i in part} for part in sets(parts)]
    assert not of_parts[0] & of_parts[1]
    assert not of_parts[0] & of_parts[2]
    assert not of_parts[1] & of_parts[2]
    assert 10 <= len(parts.test) <= 35


def test_split_by_group_needs_groups():
    with pytest.raises(KnownError, match="no_groups"):
        split(LABELS, SplitOptions("group"), groups=["one"] * 100)


def test_listed_parts_are_taken_as_they_are():
    listed = ["train", "test", "", "validation", "train"]
    parts = split(np.zeros(5, int), SplitOptions("listed"), listed=listed)
    assert sets(parts) == [{0, 4}, {3}, {1}]
    assert parts.is_honest


def test_list_without_a_test_is_refused():
    with pytest.raises(KnownError, match="not_listed"):
        split(np.zeros(2, int), SplitOptions("listed"), listed=["train", ""])


def test_fault_filtered_lists_hold_443_197_and_290_clips():
    parts = filtered_parts(NAMES)
    assert [parts.count(part) for part in (*PARTS, "")] == [443, 197, 290, 70]
    by_name = dict(zip(NAMES, parts, strict=True))
    assert by_name["blues.00029.wav"] == "train"
    assert by_name["blues.00012.wav"] == "test"
    assert by_name["blues.00000.wav"] == "validation"
    assert by_name["jazz.00054.wav"] == "train"  # corrupt: 442 can be read
    assert "Kereliuk" in FILTERED.read_text("utf-8")


def test_songs_of_another_set_are_in_no_list():
    assert filtered_parts(["song.mp3", "polka.00001.wav", ""]) == ["", "", ""]
