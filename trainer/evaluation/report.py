"""Describe scores in sentences, for page and shell, and format a comparison."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import i18n
from networks.checkpoint import TEMPERATURES
from trainer.evaluation.baseline import NAME as BASELINE
from trainer.evaluation.calibration import (
    MIN_MISTAKES,
    MIN_SONGS,
    TemperatureFit,
)
from trainer.evaluation.compare import Comparison, ModelResult
from trainer.evaluation.layers import LayerReadings
from trainer.evaluation.scores import PairedResult, Scores
from trainer.evaluation.what_if import ChangeScore

SIGNIFICANT = 0.05  # below it, chance alone is an unlikely reason
LITTLE = 0.2  # share of answers; a change that is sure to change fewer is nothing
NEAR = 0.001  # share: this near, a temperature is at the end of those tried
GAP = "  "  # between the columns of a table


def accuracy(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Describe the accuracy and its confidence interval."""
    return _accuracy("accuracy", scores, language)


def of_run(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Describe the accuracy of a run, on its test or its validation songs."""
    name = "of_test" if scores.is_final else "of_validation"
    return _accuracy(name, scores, language)


def _accuracy(name: str, scores: Scores, language: str) -> str:
    low, high = scores.interval
    n_right = round(scores.accuracy * scores.n_songs)
    about = {"accuracy": scores.accuracy, "n_songs": scores.n_songs, "n_right": n_right}
    return _word(name, language, **about, low=low, high=high)


def layers(found: LayerReadings, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Describe the accuracy of a linear reading of each layer, a line each."""
    facts = {"n_train": found.n_train, "n_songs": found.n_songs}
    lines = [_word("layers", language, **facts, chance=found.chance)]
    for layer, (share, low, high) in enumerate(found.shares):
        row = {"layer": layer, "accuracy": share, "low": low, "high": high}
        lines.append(_word("layers_row", language, **row))
    return "\n".join(lines)


def figures(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> list[str]:
    """Describe macro F1, and the gain from averaging over a song's windows."""
    lines = [_word("macro_f1", language, f1=scores.macro_f1)]
    if scores.window_accuracy is not None:
        about = {"window": scores.window_accuracy, "song": scores.accuracy}
        gain = 100 * (scores.accuracy - scores.window_accuracy)
        lines.append(_word("gain", language, **about, gain=gain))
    return lines


def calibration(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> list[str]:
    """Describe temperature and calibration error, beside that of a perfect model."""
    if scores.calibration_error is None:
        return []
    return [*_temperature(scores, language), *_calibration_error(scores, language)]


def _temperature(scores: Scores, language: str) -> list[str]:
    """Describe the temperature and its lesson, or why there is none."""
    temperature = scores.temperature
    if temperature == 1:
        if scores.fitted_on is None:
            return [_word("uncalibrated", language)]
        n_songs, n_mistakes = scores.fitted_on
        found = TemperatureFit(temperature, n_songs, n_mistakes)
        name = "temperature_useless" if found.has_enough else "temperature_few"
        least = {"min_songs": MIN_SONGS, "min_mistakes": MIN_MISTAKES}
        return [_word(name, language, n=n_songs, n_mistakes=n_mistakes, **least)]
    lesson = "too_sure" if temperature > 1 else "too_unsure"
    lines = [
        _word("calibrated", language, temperature=temperature),
        _word(lesson, language),
    ]
    low, high = TEMPERATURES
    if not low < temperature / (1 + NEAR) or not temperature * (1 + NEAR) < high:
        lines.append(_word("temperature_limit", language))
    return lines


def _calibration_error(scores: Scores, language: str) -> list[str]:
    """Describe the error; beside the one before where one of them is beyond chance."""
    assert scores.calibration_error is not None
    after, before = scores.calibration_error, scores.raw_calibration_error
    expected, most = scores.chance_error or (0.0, 0.0)
    errors = {"after": 100 * after}
    has_both = before is not None and scores.temperature != 1
    if has_both and max(after, before or 0.0) > most:
        errors["before"] = 100 * (before or 0.0)
    name = "calibration_errors" if "before" in errors else "calibration_error"
    lines = [_word(name, language, **errors)]
    if scores.chance_error:
        about = {"n": scores.n_songs, "expected": 100 * expected, "most": 100 * most}
        name = "calibration_within" if after <= most else "calibration_beyond"
        lines.append(_word(name, language, **about))
    return lines


def baseline(
    scores: Scores, name: str, language: str = i18n.DEFAULT_LANGUAGE
) -> list[str]:
    """Describe the baseline's accuracy and how the model compares.

    Args:
        scores: of the model.
        name: what the sentences call it.
        language: of the sentences.
    """
    simple = scores.baseline
    if simple is None:
        return []
    low, high = simple.interval
    about = {"accuracy": simple.accuracy, "n_songs": simple.n_songs, "c": simple.c}
    about |= {"low": low, "high": high, "n_train": simple.n_train}
    paired = simple.duel
    means = "baseline_alike"
    if paired.p < SIGNIFICANT:
        is_better = paired.n_first > paired.n_second
        means = "baseline_below" if is_better else "baseline_above"
    return [
        _word("baseline", language, **about),
        *compared(paired, name, BASELINE, language),
        _word(means, language, model=name),
    ]


def clear(scores: Scores, language: str = i18n.DEFAULT_LANGUAGE) -> list[str]:
    """Describe how many answers are called clear and how many of those are right."""
    found = scores.risk_coverage
    if found is None:
        return []
    if found.precision is None:
        return [_word("clear_none", language, asked=found.asked)]
    about = {"precision": found.precision, "coverage": found.coverage}
    name = "clear" if found.is_held_out else "clear_chosen"
    return [_word(name, language, **about, lead=found.lead)]


def meaning(
    data: str,
    scheme: str,
    *,
    is_honest: bool,
    group_kind: str = "",
    language: str = i18n.DEFAULT_LANGUAGE,
) -> list[str]:
    """Explain how a run's split limits its score.

    Args:
        data: as ``RunConfig.data``.
        scheme: of ``splits.SCHEMES``.
        is_honest: whether the score is of songs that did not choose the checkpoint.
        group_kind: what the split keeps together, where it does; "" where unknown.
        language: of the sentences.
    """
    composed = data == "composed"
    key = (
        "scores.means_composed" if composed else f"data.{of_split(scheme, group_kind)}"
    )
    chosen = [] if is_honest else [i18n.word("data.means_chosen", language)]
    return [i18n.word(key, language), *chosen]


def of_split(scheme: str, group_kind: str) -> str:
    """Name the sentence on what a split means, in the section ``data``."""
    has_kind = scheme == "group" and group_kind
    return f"means_group_{group_kind}" if has_kind else f"means_{scheme}"


def text(comparison: Comparison, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Format a comparison for a shell."""
    parts = [_entry(each, comparison.data, language) for each in comparison.entries]
    if comparison.duel:
        first, second = (entry.name for entry in comparison.entries)
        parts.append("\n".join(compared(comparison.duel, first, second, language)))
    parts.append("\n".join(_notes(comparison, language)))
    return "\n\n".join(parts)


def compared(
    paired: PairedResult, first: str, second: str, language: str = i18n.DEFAULT_LANGUAGE
) -> list[str]:
    """Describe which songs only one of two models got right, and its significance."""
    counts = _word(
        "duel",
        language,
        n=paired.n_songs,
        both=paired.n_both,
        n_first=paired.n_first,
        n_second=paired.n_second,
        neither=paired.n_neither,
        first=first,
        second=second,
    )
    if not paired.n_first + paired.n_second:
        return [counts, _word("duel_same", language)]
    name = "duel_clear" if paired.p < SIGNIFICANT else "duel_none"
    better = first if paired.n_first > paired.n_second else second
    return [counts, _word(name, language, p=paired.p, n=paired.n_songs, better=better)]


def _entry(entry: ModelResult, data: str, language: str) -> str:
    """Format one model's scores, table and mistakes."""
    scores = entry.scores
    about = {"model": entry.name, "n": scores.n_songs, "window_s": entry.window_s}
    title = _word("evaluated", language, data=data, **about)
    lines = [accuracy(scores, language), *figures(scores, language)]
    lines += calibration(scores, language)
    lines += clear(scores, language)
    parts = [
        title,
        "\n".join(lines),
        _table(scores, language),
        _mistakes(scores, language),
        "\n".join(baseline(scores, entry.name, language)),
        what_if(entry.what_if, entry.name, language),
    ]
    return "\n\n".join(filter(None, parts))


def what_if(
    found: Sequence[ChangeScore], name: str, language: str = i18n.DEFAULT_LANGUAGE
) -> str:
    """Format what each change of the songs does to a model's answers.

    Args:
        found: the songs as they are first; empty for nothing to tell.
        name: of the model.
        language: of the sentences.
    """
    if not found:
        return ""
    first, *changes = found
    names = ("change", "changed", "accuracy_of_changed")
    rows = [[_word(each, language) for each in names]]
    for each in found:
        label = i18n.word(f"what_if.{each.change}", language)
        accuracy = _interval(each.accuracy, each.accuracy_interval)
        is_first = each is first
        changed = "" if is_first else _interval(each.changed, each.changed_interval)
        rows.append([label, changed, accuracy])
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    table = "\n".join(_line(row, widths) for row in rows)
    head = _word("what_if", language, n=first.n_songs)
    return "\n".join([head, table, *_depends(changes, name, language)])


def _interval(share: float, interval: tuple[float, float]) -> str:
    """Format a share with its 95 % interval."""
    low, high = interval
    return f"{share:.1%} ({low:.1%}–{high:.1%})"


def _depends(changes: Sequence[ChangeScore], name: str, language: str) -> list[str]:
    """Describe what a model relies on, and what is nothing to it, as far as is sure.

    A change counts as nothing where even the upper end of its interval is small.
    """
    most = max(changes, key=lambda each: each.changed)
    low, high = most.changed_interval
    about = {"model": name, "share": most.changed, "low": low, "high": high}
    label = i18n.word(f"what_if.{most.change}", language)
    name_of = "what_if_most" if most.changed else "what_if_none"
    lines = [_word(name_of, language, change=label, **about)]
    little = [
        i18n.word(f"what_if.{each.change}", language)
        for each in changes
        if each.changed_interval[1] < LITTLE
    ]
    if little:
        lines.append(_word("what_if_little", language, changes=little, share=LITTLE))
    return lines


def _table(scores: Scores, language: str) -> str:
    """Format a row for each genre that has songs or was predicted."""
    names = ("genre", "n_songs", "precision", "recall", "f1")
    rows = [[_word(name, language) for name in names]]
    for place, each in enumerate(scores.genres):
        if each.n_songs or any(row[place] for row in scores.counts):
            shares = (each.precision, each.recall, each.f1)
            shown = [f"{share:.2f}" for share in shares]
            rows.append([each.genre, str(each.n_songs), *shown])
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Align the first cell left, numbers right."""
    gaps = [" " * (n - _width(cell)) for cell, n in zip(cells, widths, strict=True)]
    first, *others = cells
    return GAP.join(
        [first + gaps[0], *(g + c for g, c in zip(gaps[1:], others, strict=True))]
    )


def _width(cell: str) -> int:
    """Count the columns of a terminal; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell)


def _mistakes(scores: Scores, language: str) -> str:
    if not scores.mistakes:
        return _word("no_mistakes", language)
    lines = [_word("mistake", language, **vars(each)) for each in scores.mistakes]
    return "\n".join([_word("mistakes", language), *(f"  {line}" for line in lines)])


def _notes(comparison: Comparison, language: str) -> list[str]:
    """Explain how the selection of the songs limits the scores."""
    notes = _meaning(comparison, language)
    if comparison.n_left_out:
        genres = i18n.listed(comparison.left_out, language)
        notes.append(
            _word("left_out", language, n=comparison.n_left_out, genres=genres)
        )
    if comparison.n_gone:
        notes.append(_word("gone", language, n=comparison.n_gone))
    for entry in comparison.entries:
        if entry.n_learned:
            about = {"model": entry.name, "n": entry.n_learned}
            notes.append(_word("learned", language, **about))
        if entry.may_know:
            notes.append(_word("may_know", language, model=entry.name))
    return notes


def _meaning(comparison: Comparison, language: str) -> list[str]:
    if comparison.meaning in ("run", "chosen"):
        is_honest = comparison.meaning == "run"
        return meaning(
            comparison.data,
            comparison.split,
            is_honest=is_honest,
            group_kind=comparison.group_kind,
            language=language,
        )
    return [_word(f"means_{comparison.meaning}", language)]


def _word(name: str, language: str, /, **details: object) -> str:
    return i18n.word(f"scores.{name}", language, **details)
