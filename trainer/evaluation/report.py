"""Scores in sentences, for page and shell, and a contest as text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import i18n
from trainer.evaluation.baseline import NAME as BASELINE
from trainer.evaluation.compare import Contest, Entry
from trainer.evaluation.scores import Duel, Scores

SIGNIFICANT = 0.05  # below it, chance alone is an unlikely reason
GAP = "  "  # between the columns of a table


def accuracy(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """How many songs were named rightly, and how sure that is."""
    return _accuracy("accuracy", scores, language)


def of_run(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """The same of a run's scores, named by their songs: test or best validation."""
    name = "of_test" if scores.is_final else "of_validation"
    return _accuracy(name, scores, language)


def _accuracy(name: str, scores: Scores, language: str) -> str:
    low, high = scores.interval
    about = {"accuracy": scores.accuracy, "n_songs": scores.n_songs}
    return _said(name, language, **about, low=low, high=high)


def figures(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> list[str]:
    """Macro F1, and what the average over a song's windows gains."""
    said = [_said("macro_f1", language, f1=scores.macro_f1)]
    if scores.window_accuracy is not None:
        about = {"window": scores.window_accuracy, "song": scores.accuracy}
        gain = 100 * (scores.accuracy - scores.window_accuracy)
        said.append(_said("gain", language, **about, gain=gain))
    return said


def calibration(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> list[str]:
    """How far confidence is from the share of right answers, and what the temperature did."""
    if scores.calibration_error is None:
        return []
    after = 100 * scores.calibration_error
    before, temperature = scores.raw_calibration_error, scores.temperature
    if temperature == 1 or before is None:
        return [_said("uncalibrated", language, after=after)]
    about = {"temperature": temperature, "before": 100 * before, "after": after}
    lesson = "too_sure" if temperature > 1 else "too_unsure"
    return [_said("calibrated", language, **about), _said(lesson, language)]


def baseline(
    scores: Scores, name: str, language: str = i18n.DEFAULT_LANGUAGE
) -> list[str]:
    """How a simple model did on the same songs, and what that means.

    Args:
        scores: of the model.
        name: what the sentences call it.
        language: of the words.
    """
    simple = scores.baseline
    if simple is None:
        return []
    low, high = simple.interval
    about = {"accuracy": simple.accuracy, "n_songs": simple.n_songs, "c": simple.c}
    about |= {"low": low, "high": high, "n_learned": simple.n_learned}
    duel = simple.duel
    means = "baseline_alike"
    if duel.p < SIGNIFICANT:
        is_better = duel.n_first > duel.n_second
        means = "baseline_below" if is_better else "baseline_above"
    return [
        _said("baseline", language, **about),
        *compared(duel, name, BASELINE, language),
        _said(means, language, model=name),
    ]


def meaning(
    data: str,
    scheme: str,
    *,
    is_honest: bool,
    language: str = i18n.DEFAULT_LANGUAGE,
) -> list[str]:
    """What a run's split says of its score.

    Args:
        data: as ``RunConfig.data``.
        scheme: of ``splits.SCHEMES``.
        is_honest: what is reported was not used to choose.
        language: of the words.
    """
    composed = data == "composed"
    key = "scores.means_composed" if composed else f"data.means_{scheme}"
    chosen = [] if is_honest else [i18n.word("data.means_chosen", language)]
    return [i18n.word(key, language), *chosen]


def text(contest: Contest, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """All that a contest found, for a shell."""
    told = [_entry(each, contest.data, language) for each in contest.entries]
    if contest.duel:
        first, second = (entry.name for entry in contest.entries)
        told.append("\n".join(compared(contest.duel, first, second, language)))
    told.append("\n".join(_notes(contest, language)))
    return "\n\n".join(told)


def compared(
    duel: Duel, first: str, second: str, language: str = i18n.DEFAULT_LANGUAGE
) -> list[str]:
    """Which songs only one of two models named rightly, and whether that says anything."""
    counts = _said(
        "duel",
        language,
        n=duel.n_songs,
        both=duel.n_both,
        n_first=duel.n_first,
        n_second=duel.n_second,
        neither=duel.n_neither,
        first=first,
        second=second,
    )
    if not duel.n_first + duel.n_second:
        return [counts, _said("duel_same", language)]
    name = "duel_clear" if duel.p < SIGNIFICANT else "duel_none"
    better = first if duel.n_first > duel.n_second else second
    return [counts, _said(name, language, p=duel.p, n=duel.n_songs, better=better)]


def _entry(entry: Entry, data: str, language: str) -> str:
    """One model's figures, table and mistakes."""
    scores = entry.scores
    about = {"model": entry.name, "n": scores.n_songs, "window_s": entry.window_s}
    title = _said("heard", language, data=data, **about)
    said = [accuracy(scores, language), *figures(scores, language)]
    said += calibration(scores, language)
    parts = [
        title,
        "\n".join(said),
        _table(scores, language),
        _mistakes(scores, language),
        "\n".join(baseline(scores, entry.name, language)),
    ]
    return "\n\n".join(filter(None, parts))


def _table(scores: Scores, language: str) -> str:
    """A row a genre that was asked about, or that was answered."""
    names = ("genre", "n_songs", "precision", "recall", "f1")
    rows = [[_said(name, language) for name in names]]
    for place, each in enumerate(scores.genres):
        if each.n_songs or any(row[place] for row in scores.counts):
            shares = (each.precision, each.recall, each.f1)
            shown = [f"{share:.2f}" for share in shares]
            rows.append([each.genre, str(each.n_songs), *shown])
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The first cell to the left, numbers to the right."""
    gaps = [" " * (n - _width(cell)) for cell, n in zip(cells, widths, strict=True)]
    first, *others = cells
    return GAP.join(
        [first + gaps[0], *(g + c for g, c in zip(gaps[1:], others, strict=True))]
    )


def _width(cell: str) -> int:
    """Columns of a terminal; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell)


def _mistakes(scores: Scores, language: str) -> str:
    if not scores.mistakes:
        return _said("no_mistakes", language)
    lines = [_said("mistake", language, **vars(each)) for each in scores.mistakes]
    return "\n".join([_said("mistakes", language), *(f"  {line}" for line in lines)])


def _notes(contest: Contest, language: str) -> list[str]:
    """What the choice of the songs says of the scores."""
    notes = _meaning(contest, language)
    if contest.n_left_out:
        genres = i18n.listed(contest.left_out, language)
        notes.append(_said("left_out", language, n=contest.n_left_out, genres=genres))
    if contest.n_gone:
        notes.append(_said("gone", language, n=contest.n_gone))
    for entry in contest.entries:
        if entry.n_learned:
            about = {"model": entry.name, "n": entry.n_learned}
            notes.append(_said("learned", language, **about))
        if entry.may_know:
            notes.append(_said("may_know", language, model=entry.name))
    return notes


def _meaning(contest: Contest, language: str) -> list[str]:
    if contest.meaning in ("run", "chosen"):
        is_honest = contest.meaning == "run"
        return meaning(
            contest.data, contest.split, is_honest=is_honest, language=language
        )
    return [_said(f"means_{contest.meaning}", language)]


def _said(name: str, language: str, /, **details: object) -> str:
    return i18n.word(f"scores.{name}", language, **details)
