from dataclasses import replace

import pytest

from classifier.predict import Chunk, Prediction
from classifier.verdict import judge
from networks.checkpoint import ModelRef
from networks.clear import USUAL, ClearRule
from support.signals import noise
from support.speech import talk

REF = ModelRef("bundled", "bundled", None, "bundled", "tests", 1.0)


def predicted(*windows, ref=REF):
    """A prediction from (rock, metal, jazz) of each window."""
    names = ("rock", "metal", "jazz")
    chunks = tuple(
        Chunk(float(at), at + 1.0, dict(zip(names, row, strict=True)))
        for at, row in enumerate(windows)
    )
    means = {
        name: sum(chunk.probabilities[name] for chunk in chunks) / len(chunks)
        for name in names
    }
    ranked = tuple(sorted(means.items(), key=lambda pair: -pair[1]))
    return Prediction(ranked, chunks, len(chunks), ref, 0.0)


MUSIC = noise(duration_s=5.0)


def test_clear_answer_is_sure():
    found = judge(predicted((0.8, 0.1, 0.1), (0.7, 0.2, 0.1)), MUSIC)
    assert (found.kind, found.genres, found.agreement) == ("sure", ("rock",), 1.0)
    assert found.lead == pytest.approx(0.6)


def test_small_lead_is_unsure_between_two():
    found = judge(predicted((0.48, 0.42, 0.1), (0.48, 0.42, 0.1)), MUSIC)
    assert (found.kind, found.genres) == ("unsure", ("rock", "metal"))
    assert found.agreement == 1.0


def test_windows_that_disagree_are_unsure_whatever_the_lead():
    windows = [(1.0, 0.0, 0.0)] * 2 + [(0.3, 0.4, 0.3), (0.3, 0.3, 0.4)]
    found = judge(predicted(*windows), MUSIC)
    assert found.lead > USUAL.lead
    assert (found.kind, found.agreement) == ("unsure", 0.5)


@pytest.mark.parametrize(("lead", "kind"), [(-0.01, "unsure"), (0.01, "sure")])
def test_lead_is_small_below_the_limit(lead, kind):
    second = 0.4
    first = second + USUAL.lead + lead
    assert judge(predicted((first, second, 1 - first - second)), MUSIC).kind == kind


@pytest.mark.parametrize(
    ("windows", "kind", "agreement"),
    [
        ([(0.9, 0.85, 0.1), (0.8, 0.7, 0.1)], "sure", 1.0),  # both are there
        ([(0.4, 0.1, 0.1), (0.4, 0.1, 0.1)], "unsure", 0.0),  # rather not there
        ([(0.9, 0.1, 0.1), (0.4, 0.1, 0.1)], "unsure", 0.5),
    ],
)
def test_label_that_does_not_exclude_others_is_judged_by_itself(
    windows, kind, agreement
):
    ref = replace(REF, is_exclusive=False)
    found = judge(predicted(*windows, ref=ref), MUSIC)
    assert (found.kind, found.genres[0]) == (kind, "rock")
    assert found.agreement == agreement


def test_speech_is_named_even_when_the_model_is_sure():
    found = judge(predicted((1.0, 0.0, 0.0)), talk(0))
    assert (found.kind, found.genres, found.agreement) == ("speech", ("rock",), 1.0)


def test_a_model_of_one_label_has_no_rival():
    chunk = Chunk(0.0, 1.0, {"music": 1.0})
    found = judge(Prediction((("music", 1.0),), (chunk,), 1, REF, 0.0), MUSIC)
    assert (found.kind, found.genres, found.lead) == ("sure", ("music",), 1.0)


def at(prediction, *distances):
    """The same prediction with the distance of each window."""
    chunks = zip(prediction.chunks, distances, strict=True)
    found = tuple(replace(chunk, distance=distance) for chunk, distance in chunks)
    return replace(prediction, chunks=found)


SURE = predicted(*[(0.8, 0.1, 0.1)] * 3)


@pytest.mark.parametrize(
    ("distances", "kind"),
    [
        ((0.5, 0.6, 9.0), "sure"),  # one strange window is no strange song
        ((0.5, 1.1, 9.0), "unlike"),
        ((1.0, 1.0, 1.0), "sure"),
        ((None, None, None), "sure"),  # nobody measured
    ],
)
def test_what_is_farther_than_the_songs_of_the_model_is_unlike(distances, kind):
    found = judge(at(SURE, *distances), MUSIC)
    assert (found.kind, found.genres) == (kind, ("rock",))
    assert found.distance == (None if distances[0] is None else sorted(distances)[1])


def test_speech_is_speech_however_far_it_is():
    assert judge(at(SURE, 9.0, 9.0, 9.0), talk(0)).kind == "speech"


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (ClearRule(0.5, 0.5), "sure"),
        (ClearRule(0.75, 0.5), "unsure"),
        (ClearRule(0.05, 0.9), "sure"),
        (ClearRule(0.05, 1.0), "unsure"),
        (ClearRule(0.05, 0.5, distance=0.4), "unsure"),
        (ClearRule(0.05, 0.5, leads=(("rock", 0.9),)), "unsure"),
        (ClearRule(0.05, 0.5, leads=(("rock", 0.1), ("pop", 0.9))), "sure"),
    ],
)
def test_what_is_clear_is_the_model_s_own_rule(rule, kind):
    ref = replace(REF, clear=rule)
    found = judge(at(replace(SURE, model=ref), 0.5, 0.5, 0.5), MUSIC)
    assert found.kind == kind


def test_a_rule_can_call_clear_what_the_usual_one_would_not():
    close = predicted((0.48, 0.42, 0.1), ref=replace(REF, clear=ClearRule(0.05, 0.5)))
    assert judge(close, MUSIC).kind == "sure"
