"""Scores are what textbooks and other libraries say they are."""

import numpy as np
import pytest

from support.marked import answers_by_hand, drawn, predictions_of
from trainer.evaluation import evaluate
from trainer.evaluation.scores import (
    Scores,
    compare_pairs,
    fit_temperature,
    mcnemar,
    scores_of,
)


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
    scores = scores_of(predictions_of(logits, [0, 2], owners=[0, 0, 0, 1]))
    assert scores.accuracy == 1.0
    assert scores.window_accuracy == 0.75
    assert scores.n_songs == 2


def test_most_confident_mistake_comes_first():
    logits = [[9, 0, 0], [3, 0, 0], [0, 0, 6], [0, 5, 0]]
    scores = scores_of(predictions_of(logits, [0, 1, 1, 1]))
    assert [(m.name, m.truth, m.answer) for m in scores.mistakes] == [
        ("song 2", "jazz", "metal"),
        ("song 1", "jazz", "blues"),
    ]
    assert scores.mistakes[0].probability == pytest.approx(0.995, abs=0.001)


def test_temperature_undoes_boldness():
    calm, bold = (fit_temperature(drawn(sharpness=s)).temperature for s in (1.0, 4.0))
    assert calm == pytest.approx(1.0, abs=0.1)
    assert bold == pytest.approx(4.0, rel=0.1)


def test_calibrated_answers_have_little_calibration_error():
    bold = drawn(sharpness=4.0)
    before = scores_of(bold)
    after = scores_of(bold, fit_temperature(bold).temperature)
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
    scores = scores_of(predictions_of([[1, 0, 0], [1, 0, 0]], [0, 1]))
    assert [(g.precision, g.f1) for g in scores.genres] == [
        (0.5, pytest.approx(2 / 3)),
        (0.0, 0.0),
        (0.0, 0.0),
    ]


def test_every_figure_is_what_it_is_by_hand():
    scores = scores_of(answers_by_hand())
    assert (scores.n_songs, scores.accuracy) == (4, 0.75)
    # Wilson, by hand: (0.75 + z²/8 ± z sqrt(0.1875/4 + z²/64)) / (1 + z²/4)
    assert scores.interval == pytest.approx((0.3006, 0.9544), abs=1e-4)
    # A window without a favourite counts as the first genre: 5 of 8 are right.
    assert scores.window_accuracy == 5 / 8
    assert scores.accuracy - scores.window_accuracy == pytest.approx(0.125)
    assert scores.counts == ((1, 1, 0), (0, 1, 0), (0, 0, 1))
    assert [(g.precision, g.recall) for g in scores.genres] == [
        (1, 0.5),
        (0.5, 1),
        (1, 1),
    ]
    assert scores.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    (mistake,) = scores.mistakes
    assert (mistake.name, mistake.truth, mistake.answer) == ("b", "blues", "jazz")
    assert mistake.probability == pytest.approx(0.8)
    # c's jazz has (0.8 + 1/3) / 2 = 0.567 and is right; the others 0.8, 2 of 3 right.
    low, high = scores.reliability
    assert (low.confidence, low.accuracy, low.n_songs) == (pytest.approx(17 / 30), 1, 1)
    assert (high.confidence, high.accuracy) == pytest.approx((0.8, 2 / 3))
    expected = (13 / 30 + 3 * (0.8 - 2 / 3)) / 4
    assert scores.calibration_error == pytest.approx(expected)
    assert scores.raw_calibration_error == scores.calibration_error


def test_temperature_changes_confidence_and_keeps_the_error_before():
    plain, soft = scores_of(answers_by_hand()), scores_of(answers_by_hand(), 3.0)
    # The third root of 8 is 2: 2 of 4 for the likeliest of three.
    assert soft.mistakes[0].probability == pytest.approx(0.5)
    assert soft.raw_calibration_error == plain.calibration_error
    assert soft.calibration_error != plain.calibration_error
    assert soft.accuracy == plain.accuracy


def test_duel_counts_the_songs_that_only_one_named_rightly():
    first = np.array([True] * 9 + [False] * 1 + [True] * 90 + [False] * 5)
    second = np.array([False] * 9 + [True] * 1 + [True] * 90 + [False] * 5)
    found = compare_pairs(first, second)
    assert (found.n_both, found.n_first, found.n_second, found.n_neither) == (
        90,
        9,
        1,
        5,
    )
    assert found.n_songs == 105
    assert found.p == pytest.approx(22 / 1024)


def test_scores_of_an_earlier_version_are_read():
    import json

    values = json.loads(scores_of(drawn(50)).to_json())
    for name in ("raw_calibration_error", "chance_error", "fitted_on", "is_final"):
        del values[name]
    scores = Scores.from_json(json.dumps(values))
    assert scores.raw_calibration_error is None
    assert not scores.is_final


def test_rule_of_the_validation_songs_is_measured_on_the_test_songs():
    scores = evaluate.score_test(drawn(200), drawn(100))
    found = scores.risk_coverage
    assert found.is_held_out
    assert found.n_songs == 100
    assert found.coverage == found.n_clear / 100
    assert Scores.from_json(scores.to_json()) == scores
    assert not scores_of(drawn(100)).risk_coverage.is_held_out


def test_few_songs_say_nothing_of_clear_answers():
    assert scores_of(answers_by_hand()).risk_coverage is None
