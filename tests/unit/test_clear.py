import json

import numpy as np
import pytest

from networks import clear
from networks.clear import ClearRule

N = 200


def planted(seed=0, n=N):
    """Answers whose share of right ones grows with the lead: right with p = lead."""
    rng = np.random.default_rng(seed)
    leads = rng.uniform(0, 1, n)
    return leads, np.ones(n), rng.uniform(0, 1, n) < leads


def test_the_most_answers_are_clear_at_the_precision():
    leads, agreements, is_right = planted()
    rule = clear.choose(leads, agreements, is_right)
    is_clear = rule.allows(leads, agreements)
    assert is_right[is_clear].mean() == rule.precision >= 0.85
    assert is_clear.mean() == rule.coverage
    for lead in leads[leads < rule.lead]:
        assert is_right[leads >= lead].mean() < 0.85
    # Of leads above t, (1 + t) / 2 are right: at 0.85 t is 0.7.
    assert rule.lead == pytest.approx(0.7, abs=0.15)


def test_on_other_songs_about_as_many_are_right():
    rule = clear.choose(*planted(n=2000))
    found = clear.score(rule, *planted(seed=1, n=2000), is_held_out=True)
    assert found.precision == pytest.approx(0.85, abs=0.03)
    assert found.coverage == pytest.approx(0.3, abs=0.05)
    assert found.n_right / found.n_clear == found.precision


def test_windows_that_disagree_can_be_what_is_wrong():
    rng = np.random.default_rng(0)
    leads = rng.uniform(0.2, 1, N)
    agreements = rng.choice([0.6, 0.9], N)
    rule = clear.choose(leads, agreements, agreements > 0.75)
    assert rule.agreement == 0.75
    assert rule.precision == 1.0
    assert rule.coverage == (agreements > 0.75).mean()


def test_all_right_calls_all_clear():
    leads, agreements, _ = planted()
    rule = clear.choose(leads, agreements, np.ones(N, bool))
    assert (rule.coverage, rule.precision) == (1.0, 1.0)


def test_nothing_is_clear_where_the_precision_is_out_of_reach():
    leads, agreements, _ = planted()
    rule = clear.choose(leads, agreements, np.zeros(N, bool))
    assert rule.coverage == 0
    assert not rule.allows(leads, agreements).any()
    found = clear.score(rule, leads, agreements, np.zeros(N, bool), is_held_out=False)
    assert (found.precision, found.coverage, found.n_clear) == (None, 0, 0)


def test_equal_leads_are_taken_together():
    leads = np.full(N, 0.5)
    is_right = np.arange(N) < 0.86 * N
    assert clear.choose(leads, np.ones(N), is_right).coverage == 1.0
    is_right = np.arange(N) < 0.8 * N  # the first ones in a row are right
    assert clear.choose(leads, np.ones(N), is_right).coverage == 0.0


def test_a_few_songs_choose_no_rule():
    assert clear.choose(*planted(n=clear.MIN_SONGS - 1)) is None
    leads, agreements, is_right = planted()
    is_right[:] = False
    is_right[np.argmax(leads)] = True  # one lucky song
    assert clear.choose(leads, agreements, is_right).coverage == 0


def test_what_is_far_is_not_clear():
    leads, agreements, is_right = planted()
    distances = np.where(is_right, 0.5, 1.5)
    rule = clear.choose(leads, agreements, is_right, distances)
    assert rule.precision == 1.0
    assert not rule.allows(leads, agreements, distances)[~is_right].any()


def test_a_song_s_lead_and_agreement_are_those_of_its_windows():
    windows = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.7, 0.2, 0.1], [0, 0, 1.0]])
    songs = np.array([windows[:3].mean(0), windows[3]])
    leads, agreements = clear.measures(windows, songs, np.array([0, 0, 0, 1]))
    assert leads == pytest.approx([1.7 / 3 - 0.9 / 3, 1.0])
    assert agreements == pytest.approx([2 / 3, 1.0])


def test_the_curve_ends_with_all_songs():
    leads, _, is_right = planted()
    curve = clear.risk_coverage(leads, is_right)
    assert curve[-1] == (1.0, is_right.mean())
    assert [at for at, _ in curve] == sorted(at for at, _ in curve)
    first, _ = curve[0]
    best = np.argsort(-leads)[: round(first * N)]
    assert curve[0][1] == is_right[best].mean()


def test_a_rule_survives_the_config():
    rule = clear.choose(*planted())
    kept = json.loads(json.dumps({"clear": rule.to_config()}))
    assert clear.of_config(kept) == rule


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "0.3",
        {},
        {"lead": 0.3},
        {"lead": "much", "agreement": 0.5},
        {"lead": float("nan"), "agreement": 0.5},
        {"lead": -1, "agreement": 0.5},
        {"lead": 0.3, "agreement": True},
        {"lead": 0.3, "agreement": 0.5, "precision": "high"},
        {"lead": 0.3, "agreement": 0.5, "leads": {"pop": "large"}},
        {"lead": 0.3, "agreement": 0.5, "leads": [0.6]},
    ],
)
def test_a_rule_that_is_not_whole_is_no_rule(value):
    assert clear.of_config({"clear": value}) is None


def test_a_genre_that_is_often_wrong_needs_a_larger_lead():
    rule = ClearRule(0.3, 0.5, leads=(("pop", 0.6), ("jazz", 0.1)))
    assert clear.of_config(json.loads(json.dumps({"clear": rule.to_config()}))) == rule
    leads, all_agree = np.array([0.4, 0.4, 0.7, 0.2]), np.ones(4)
    named = ["rock", "pop", "pop", "jazz"]
    allowed = rule.allows(leads, all_agree, genres=named)
    assert allowed.tolist() == [True, False, True, False]
    assert rule.allows(leads, all_agree).tolist() == [True, True, True, False]
    right = np.array([True, False, True, True])
    found = clear.score(rule, leads, all_agree, right, is_held_out=True, genres=named)
    assert (found.n_clear, found.n_right) == (2, 2)


def test_fields_of_a_later_version_are_no_harm():
    kept = {"lead": 0.3, "agreement": 0.5, "margin": 2}
    assert clear.of_config({"clear": kept}) == ClearRule(0.3, 0.5)
