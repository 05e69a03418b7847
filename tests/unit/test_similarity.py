"""Neighbours, places, groups, doubtful labels and copies, on vectors that are known."""

import numpy as np
import pytest

from classifier import similarity
from classifier.similarity import Neighbours, Scale
from networks import novelty

RNG = np.random.default_rng(7)


def blobs(n_each=20, n_features=16, n_blobs=3, spread=0.3):
    """Songs around a few centres, and the centre of each."""
    centres = 3 * np.eye(n_blobs, n_features, dtype=np.float32)
    owners = np.repeat(np.arange(n_blobs), n_each)
    away = RNG.normal(0, spread, (len(owners), n_features))
    return (centres[owners] + away).astype(np.float32), owners


def standardised(vectors):
    return Scale.of(vectors).standardised(vectors)


def test_standardised_features_have_mean_0_and_deviation_1():
    standard = standardised(RNG.normal(5, [1, 100, 0.01], (50, 3)).astype(np.float32))
    assert standard.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-3)
    assert standard.std(axis=0)[:2] == pytest.approx([1, 1], abs=1e-3)


def test_feature_that_never_changes_stays_finite():
    vectors = np.ones((10, 4), np.float32)
    assert np.isfinite(standardised(vectors)).all()


def test_few_songs_are_standardised_by_those_that_the_model_learned_from():
    own = novelty.fit(RNG.normal(3, 2, (40, 5)))
    few = RNG.normal(3, 2, (2, 5)).astype(np.float32)
    assert similarity.scale_for(few, own).mean == pytest.approx(own.mean, rel=1e-5)
    alone = similarity.scale_for(few)
    assert alone.standardised(few) == pytest.approx(few)
    many = RNG.normal(3, 2, (9, 5)).astype(np.float32)
    assert similarity.scale_for(many, own).mean == pytest.approx(many.mean(axis=0))


def test_neighbours_are_those_of_all_cosines(monkeypatch):
    monkeypatch.setattr(similarity, "N_BLOCK", 7)
    standard = standardised(blobs()[0])
    near = similarity.neighbours(standard, 4)
    unit = standard / np.linalg.norm(standard, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    expected = np.argsort(-cosines, axis=1)[:, :4]
    assert (near.songs == expected).all()
    assert near.similarities == pytest.approx(
        np.take_along_axis(cosines, expected, axis=1), abs=1e-5
    )
    one = similarity.similarities(standard[3], standard)
    assert one.argmax() == 3 and one[3] == pytest.approx(1, abs=1e-5)


def test_neighbours_of_one_song_are_none_and_of_two_each_other():
    assert similarity.neighbours(np.ones((1, 3), np.float32)).songs.shape == (1, 0)
    two = similarity.neighbours(RNG.normal(size=(2, 3)).astype(np.float32))
    assert two.songs.tolist() == [[1], [0]]


def test_places_by_pca_are_numpys():
    standard = standardised(blobs()[0])
    found = similarity.principal_components(standard)
    centred = standard - standard.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    places = centred @ axes[:2].T
    assert np.abs(found.places(standard)) == pytest.approx(np.abs(places), abs=1e-3)
    variances = singular**2
    assert found.fractions == pytest.approx(variances[:2] / variances.sum(), abs=1e-4)


def test_one_song_more_lies_where_it_would_have_been():
    standard = standardised(blobs()[0])
    found = similarity.principal_components(standard)
    assert found.places(standard[[5]])[0] == pytest.approx(found.places(standard)[5])
    places = np.array([[0, 0], [2, 0], [0, 9]], np.float32)
    weights = np.array([1, 1], np.float32)
    assert similarity.place_among([0, 1], weights, places).tolist() == [1, 0]


def test_tsne_keeps_each_group_together_and_is_the_same_twice():
    vectors, owners = blobs()
    standard = standardised(vectors)

    def placed():
        stages = similarity.tsne(standard)
        told = []
        while True:
            try:
                told.append(next(stages))
            except StopIteration as end:
                return told, end.value

    told, places = placed()
    assert told == [0, 1, 2, 3]
    assert (places == placed()[1]).all()
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert (owners[far.argmin(axis=1)] == owners).all()


def test_clusters_are_the_groups_and_the_largest_is_the_first():
    vectors, owners = blobs()
    more = np.concatenate([vectors, vectors[owners == 2] + 0.01])
    found = similarity.clusters(more, 3)
    assert set(found[:60][owners == 2]) == {0}
    assert {len(set(found[:60][owners == each])) for each in range(3)} == {1}


def test_planted_wrong_label_is_found_and_no_other():
    vectors, owners = blobs()
    labels = [f"genre {owner}" for owner in owners]
    labels[4] = "genre 2"
    near = similarity.neighbours(standardised(vectors))
    votes = similarity.votes(near, labels)
    (found,) = similarity.doubtful(votes, labels)
    assert (found.song, found.label) == (4, "genre 0")
    assert found.share == 1 and found.own_share == 0
    assert len(votes) == len(labels)


def test_copy_has_no_vote_on_its_original():
    """Else a wrong label that was copied would vouch for itself."""
    vectors, owners = blobs()
    labels = [f"genre {owner}" for owner in owners]
    labels[4] = "genre 2"
    vectors = np.concatenate([vectors, vectors[[4] * 5]])
    near = similarity.neighbours(standardised(vectors))
    labels += ["genre 2"] * 5
    votes = {vote.song: vote for vote in similarity.votes(near, labels)}
    assert votes[4].label == "genre 0"


def test_song_without_label_neither_votes_nor_is_doubted():
    vectors, owners = blobs()
    labels = [f"genre {owner}" if owner else "" for owner in owners]
    votes = similarity.votes(similarity.neighbours(standardised(vectors)), labels)
    assert {vote.label for vote in votes} == {"genre 1", "genre 2"}
    assert all(owners[vote.song] for vote in votes)


def test_planted_copy_is_found_and_no_other():
    vectors, _ = blobs()
    copied = np.concatenate([vectors, vectors[[7]] + 1e-4])
    found = similarity.copies(similarity.neighbours(standardised(copied)))
    assert [(one, other) for one, other, _ in found] == [(7, 60)]
    assert found[0][2] > 0.99


@pytest.mark.parametrize(
    ("first", "second", "is_copy"),
    [(0.9, 0.7, True), (0.9, 0.85, False), (0.8, 0.2, False), (0.985, 0.98, True)],
)
def test_copy_is_nearly_equal_or_far_nearer_than_the_next(first, second, is_copy):
    songs = np.array([[1, 2], [0, 2], [0, 1]])
    alike = np.array([[first, second], [first, second], [second, second]], np.float32)
    found = similarity.copies(Neighbours(songs, alike))
    assert ((0, 1) in [(one, other) for one, other, _ in found]) == is_copy
