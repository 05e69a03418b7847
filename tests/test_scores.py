"""Scores are what textbooks and other libraries say they are."""

import numpy as np
import pytest

from trainer.scores import Answers, Scores, mcnemar, scores_of, temperature_of

GENRES = ("blues", "jazz", "metal")


def answers_of(logits, truths, owners=None):
    logits = np.asarray(logits, np.float32)
    owners = np.arange(len(logits)) if owners is None else np.array(owners)
    names = tuple(f"song {i}" for i in range(len(truths)))
    return Answers(logits, owners, np.array(truths), names, GENRES)


def drawn(n_songs=3000, sharpness=1.0, seed=0):
    """Songs whose true probabilities are known, and logits ``sharpness`` too bold."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n_songs, 3))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truths = [rng.choice(3, p=p) for p in chances]
    return answers_of(sharpness * logits, truths)


def test_scores_by_genre_equal_those_of_scikit_learn():
    from sklearn.metrics import f1_score, precision_recall_fscore_support

    answers = drawn(200)
    scores = scores_of(answers)
    said = answers.logits.argmax(axis=1)
    theirs = precision_recall_fscore_support(answers.truths, said, zero_division=0)
    ours = np.array([(g.precision, g.recall, g.f1, g.n_songs) for g in scores.genres])
    assert np.transpose(ours) == pytest.approx(np.array(theirs))
    assert scores.macro_f1 == pytest.approx(
        f1_score(answers.truths, said, average="macro")
    )


def test_song_is_the_mean_of_its_windows_and_may_be_better_than_each():
    logits = [[2, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 5]]
    scores = scores_of(answers_of(logits, [0, 2], owners=[0, 0, 0, 1]))
    assert scores.accuracy == 1.0
    assert scores.window_accuracy == 0.75
    assert scores.n_songs == 2


def test_most_confident_mistake_comes_first():
    logits = [[9, 0, 0], [3, 0, 0], [0, 0, 6], [0, 5, 0]]
    scores = scores_of(answers_of(logits, [0, 1, 1, 1]))
    assert [(m.name, m.truth, m.answer) for m in scores.mistakes] == [
        ("song 2", "jazz", "metal"),
        ("song 1", "jazz", "blues"),
    ]
    assert scores.mistakes[0].probability == pytest.approx(0.995, abs=0.001)


def test_temperature_undoes_boldness():
    assert temperature_of(drawn(sharpness=1.0)) == pytest.approx(1.0, abs=0.1)
    assert temperature_of(drawn(sharpness=4.0)) == pytest.approx(4.0, rel=0.1)


def test_calibrated_answers_have_little_calibration_error():
    bold = drawn(sharpness=4.0)
    before = scores_of(bold)
    after = scores_of(bold, temperature_of(bold))
    assert before.calibration_error > 0.1
    assert after.calibration_error < 0.03
    assert after.accuracy == before.accuracy
    for each in after.reliability:
        if each.n_songs > 200:
            assert each.confidence == pytest.approx(each.accuracy, abs=0.06)


def test_mcnemar_is_the_exact_binomial_test_of_the_songs_that_differ():
    first = np.array([True] * 9 + [False] * 1 + [True] * 90)
    second = np.array([False] * 9 + [True] * 1 + [True] * 90)
    assert mcnemar(first, second) == pytest.approx(22 / 1024)  # 2 (1 + 10) / 2^10
    assert mcnemar(first, first) == 1.0


def test_scores_survive_their_file():
    scores = scores_of(drawn(50))
    assert Scores.from_json(scores.to_json()) == scores


def test_genre_that_nobody_named_has_zero_and_no_warning():
    scores = scores_of(answers_of([[1, 0, 0], [1, 0, 0]], [0, 1]))
    assert [(g.precision, g.f1) for g in scores.genres] == [
        (0.5, pytest.approx(2 / 3)),
        (0.0, 0.0),
        (0.0, 0.0),
    ]
