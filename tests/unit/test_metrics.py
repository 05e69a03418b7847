import numpy as np
import pytest

from networks import forward
from trainer.evaluation import metrics


def test_song_answer_is_the_mean_of_its_windows():
    logits = np.log(np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], np.float32))
    windows = forward.probabilities(logits)
    songs = metrics.song_means(windows, np.array([0, 0, 1]))
    assert songs == pytest.approx(np.array([[0.7, 0.3], [0.2, 0.8]]), abs=1e-6)


def test_large_logits_do_not_overflow():
    logits = np.array([[1e4, -1e4]], np.float32)
    assert forward.probabilities(logits).tolist() == [[1.0, 0.0]]
    several = forward.probabilities(logits, is_exclusive=False)
    assert several.tolist() == [[1.0, 0.0]]


def test_confusion_counts_truth_by_row_and_answer_by_column():
    counts = metrics.confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    assert counts.tolist() == [[1, 1], [0, 1]]


def test_wilson_interval_matches_the_published_one():
    # 83 % of 200 songs: 0.77 to 0.88
    assert metrics.wilson_interval(166, 200) == pytest.approx((0.772, 0.876), abs=5e-4)
    assert metrics.wilson_interval(0, 10)[0] == pytest.approx(0.0)


def test_accuracy_has_the_interface_of_evaluate_and_needs_no_network():
    import evaluate

    metric = metrics.accuracy_metric()
    assert isinstance(metric, evaluate.Metric)
    assert metric.compute(predictions=[1, 2, 3], references=[1, 2, 0]) == {
        "accuracy": pytest.approx(2 / 3)
    }
