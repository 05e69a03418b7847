"""Scores told in sentences: what was right, how sure that is, what it means."""

import dataclasses

import pytest

import i18n
from support.marked import answers_by_hand
from trainer.config import SCHEMES
from trainer.evaluation import report
from trainer.evaluation.compare import Comparison, ModelResult
from trainer.evaluation.scores import PairedResult, scores_of

SCORES = scores_of(answers_by_hand())


def comparison_of(scores=SCORES, **changes):
    entry = ModelResult("mine", scores, 4.0, changes.pop("n_learned", 0))
    facts = ("folder:songs", "random", "run", 0, (), 0, (entry,), None)
    return dataclasses.replace(Comparison(*facts), **changes)


def test_text_holds_every_figure():
    text = report.text(comparison_of())
    assert (
        "3 of 4 songs correct (75.0%; 95% confidence interval: 30.1% to 95.4%)" in text
    )
    assert "0.778" in text  # macro F1
    assert "62.5%" in text
    assert "+12.5 points" in text
    assert "80%  b: blues, classified as jazz" in text


def test_table_is_aligned_whatever_the_genres_are_called():
    genres = ("藍調", "j", "a long name")
    named = tuple(
        dataclasses.replace(each, genre=genre)
        for each, genre in zip(SCORES.genres, genres, strict=True)
    )
    text = report.text(comparison_of(dataclasses.replace(SCORES, genres=named)))
    head, *rows = text.split("\n\n")[2].splitlines()
    assert len(rows) == 3
    assert {report._width(line) for line in rows} == {report._width(head)}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("meaning", ["run", "chosen", "split", "all", "fresh"])
def test_every_choice_of_songs_has_its_sentence(meaning, language):
    text = report.text(
        comparison_of(
            meaning=meaning, left_out=("x",), n_left_out=1, n_gone=2, n_learned=3
        ),
        language,
    )
    assert len(text.split("\n\n")[-1].splitlines()) >= 4


@pytest.mark.parametrize("scheme", SCHEMES)
def test_choosing_on_the_test_songs_is_always_said(scheme):
    honest = report.meaning("gtzan", scheme, is_honest=True)
    chosen = report.meaning("gtzan", scheme, is_honest=False)
    assert chosen[0] == honest[0]
    assert len(chosen) == len(honest) + 1
    assert "too high" in chosen[1]


def test_temperature_is_told_with_the_error_before_and_after():
    told = report.calibration(scores_of(answers_by_hand(), 3.0))
    assert "3.00" in told[0]
    assert "overconfident" in told[1]
    assert "not calibrated" in report.calibration(SCORES)[0]


@pytest.mark.parametrize(
    ("duel", "said"),
    [
        (PairedResult(40, 0, 0, 10, 1.0), "no difference (p = 1)"),
        (PairedResult(40, 3, 2, 5, 1.0), "no significant difference on 50 songs"),
        (
            PairedResult(30, 1, 15, 4, 0.00052),
            "other is significantly better on songs like these",
        ),
    ],
)
def test_duel_ends_in_a_plain_sentence(duel, said):
    assert said in report.compared(duel, "mine", "other")[1]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_split_that_keeps_albums_together_is_not_said_to_keep_artists_apart(language):
    told = {
        kind: report.meaning(
            "folder:songs", "group", is_honest=True, group_kind=kind, language=language
        )[0]
        for kind in ("", "artist", "album", "folder")
    }
    assert len(set(told.values())) == 4
    same = report.meaning("gtzan", "random", is_honest=True, group_kind="album")
    assert same == report.meaning("gtzan", "random", is_honest=True)


def test_of_many_comparisons_some_are_said_to_win_by_chance():
    told = report.compared(PairedResult(30, 1, 15, 4, 0.00052), "mine", "other")[1]
    assert "one in twenty" in told
