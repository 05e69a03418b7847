"""Calibration: no temperature without mistakes, and what chance alone would show."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import binom

from support.marked import drawn, predictions_of
from trainer.evaluation import calibration, evaluate, report
from trainer.evaluation.calibration import MIN_MISTAKES, MIN_SONGS
from trainer.evaluation.scores import Scores, fit_temperature, scores_of


def marked(n_songs, n_mistakes, sharpness=1.0):
    """Songs of which so many are wrong, all with the same logits."""
    truths = np.arange(n_songs) % 3
    named = np.where(np.arange(n_songs) < n_mistakes, (truths + 1) % 3, truths)
    return predictions_of(3 * sharpness * np.eye(3)[named], truths)


@pytest.mark.parametrize(
    ("n_songs", "n_mistakes"), [(20, 0), (60, 0), (60, 4), (29, 9)]
)
def test_no_temperature_is_fitted_to_too_few_songs_or_mistakes(n_songs, n_mistakes):
    fit = fit_temperature(marked(n_songs, n_mistakes))
    assert fit == calibration.TemperatureFit(1.0, n_songs, n_mistakes)
    assert not fit.has_enough


def test_model_without_a_mistake_becomes_no_surer_than_it_was():
    validation, test = marked(60, 0), marked(60, 3)
    scores = evaluate.score_test(validation, test)
    assert scores.temperature == 1
    assert scores.fitted_on == (60, 0)
    assert scores.calibration_error == scores.raw_calibration_error
    assert max(each.probability for each in scores.mistakes) < 0.92


def test_temperature_is_fitted_from_thirty_songs_and_five_mistakes_on():
    fit = fit_temperature(drawn(MIN_SONGS, sharpness=6.0))
    assert fit.n_mistakes >= MIN_MISTAKES
    assert fit.temperature > 1.5


def test_temperature_stays_within_its_bounds_and_the_limit_is_told():
    fit = fit_temperature(drawn(3000, sharpness=30.0))
    assert fit.temperature == pytest.approx(5.0)
    scores = scores_of(drawn(100), fit.temperature)
    assert any("end of the range" in line for line in report.calibration(scores))
    inside = scores_of(drawn(100), 4.0)
    assert not any("end of the range" in line for line in report.calibration(inside))


def test_few_songs_move_the_temperature_less_than_many():
    few = [fit_temperature(drawn(30, sharpness=4.0, seed=s)) for s in range(10)]
    many = fit_temperature(drawn(4000, sharpness=4.0))
    typical = np.exp(np.mean(np.log([fit.temperature for fit in few])))
    assert 1.2 < typical < 0.9 * many.temperature


def test_temperature_that_does_not_help_on_other_songs_is_left_out():
    fits = [fit_temperature(drawn(60, seed=seed)) for seed in range(8)]
    assert all(fit.has_enough for fit in fits)
    assert sum(fit.temperature == 1 for fit in fits) >= 4


def test_calibration_error_by_chance_is_that_of_the_binomial_distribution():
    for n_songs, confidence in ((40, 0.75), (100, 0.89), (200, 0.5)):
        mean, most = calibration.error_by_chance(np.full(n_songs, confidence))
        n_right = np.arange(n_songs + 1)
        gaps = np.abs(n_right / n_songs - confidence)
        chances = binom.pmf(n_right, n_songs, confidence)
        assert mean == pytest.approx(chances @ gaps, rel=0.06)
        assert chances[gaps <= most + 1e-9].sum() >= 0.93
    again = calibration.error_by_chance(np.full(200, 0.5))
    assert again == (mean, most)  # the draws have a seed


def test_calibration_error_by_chance_shrinks_with_the_root_of_the_songs():
    rng = np.random.default_rng(1)
    errors = [
        calibration.error_by_chance(rng.beta(8, 1, n))[0] for n in (40, 200, 2000)
    ]
    assert 0.06 < errors[0] < 0.12
    assert errors[0] / errors[1] == pytest.approx(5**0.5, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(10**0.5, rel=0.3)


def test_calibrated_model_is_within_chance_and_a_bold_one_beyond():
    calm, bold = scores_of(drawn(200)), scores_of(drawn(200, sharpness=5.0))
    assert calm.calibration_error <= calm.chance_error[1]
    assert bold.calibration_error > bold.chance_error[1]
    assert "no larger than chance" in report.calibration(calm)[-1]
    assert "larger than chance makes it" in report.calibration(bold)[-1]
    assert f"{100 * calm.chance_error[0]:.1f} points" in report.calibration(calm)[-1]


def test_error_before_is_told_only_where_one_is_beyond_chance():
    bold = drawn(300, sharpness=4.0)
    told = " ".join(report.calibration(scores_of(bold, 4.0)))
    assert "without the temperature" in told
    told = " ".join(report.calibration(scores_of(drawn(40), 1.05)))
    assert "without the temperature" not in told


def test_reason_for_no_temperature_is_told():
    few = evaluate.score_test(marked(20, 1), drawn(40))
    (line, *_) = report.calibration(few)
    assert "1 of 20 validation songs wrongly" in line
    useless = dataclasses.replace(few, fitted_on=(80, 20))
    assert "cross-validation on 80 songs" in report.calibration(useless)[0]


def test_scores_of_a_file_without_the_new_fields_are_told_without_chance():
    old = dataclasses.replace(scores_of(drawn(50), 2.0), chance_error=None)
    assert Scores.from_json(old.to_json()) == old
    assert not any("chance" in line for line in report.calibration(old))


def test_interval_of_a_bin_is_wilson_s():
    assert calibration.Bin(0.8, 0.75, 4).interval == pytest.approx(
        (0.3006, 0.9544), abs=1e-4
    )
