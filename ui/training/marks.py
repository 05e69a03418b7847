"""How good a run's model is, as HTML: figures, genres, confusions, confidence, mistakes."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

import viz.reliability
import words
from audio.clip import Clip
from errors import KnownError
from trainer import evaluate, recall, report
from trainer.runs import Run
from trainer.scores import Mistake, Scores
from ui.access import Visitor
from ui.classifying.answer import genre_name
from ui.training.reader import Reader, changed_at
from viz import style
from viz.style import Look

SCRIPT = Path(__file__).with_suffix(".js")
CURVE_PX = (420, 300)  # at most, and high
FULLEST = 45  # percent of a colour behind a number that must stay readable
PUBLIC = ("composed",)  # songs that may sound for any visitor


def place() -> gr.HTML:
    """Where the scores will be.

    Its event ``play`` carries a mistake's ``number``, from 1 on, as ``gr.EventData``.
    """
    return gr.HTML(
        js_on_load=SCRIPT.read_text("utf-8"), elem_classes="run-scores", padding=False
    )


def drawn(run: Run | None, reader: Reader, look: Look, visitor: Visitor) -> str:
    """The scores of a run that has ended, made once for all pages of the same look."""
    if run is None or not run.state().is_ended:
        return ""
    small = replace(
        look, width_px=min(look.width_px, CURVE_PX[0]), height_px=CURVE_PX[1]
    )
    return reader.drawn(
        ("scores", run.id, small, visitor.may_train),
        changed_at(run.folder / evaluate.SCORES),
        lambda: as_html(run, small, visitor),
        is_final=True,
    )


def as_html(run: Run, look: Look, visitor: Visitor) -> str:
    """All that is known of how good a run's model is; empty where nothing is."""
    scores = evaluate.kept(run.folder)
    if scores is None:
        return ""
    language = look.language
    beside = _reliability(scores, look) + _genres(scores, language)
    return (
        f"<h3>{_said('title', language)}</h3>"
        + f'<p class="run-score">{html.escape(report.accuracy(scores, language))}</p>'
        + _paragraphs([*meaning(run, scores, language)])
        + _paragraphs(report.figures(scores, language))
        + f'<div class="run-pair">{beside}{_confusion(scores, language)}'
        + f"{_mistakes(scores, language, may_hear(run, visitor))}</div>"
    )


def meaning(run: Run, scores: Scores, language: str) -> list[str]:
    """What the run's split says of its score."""
    config = run.config()
    return report.meaning(
        config.data, config.split, is_honest=scores.is_final, language=language
    )


def may_hear(run: Run, visitor: Visitor) -> bool:
    """Songs of this host, and of others who gave no leave, are not for strangers."""
    return visitor.may_train or run.config().data in PUBLIC


def song(run: Run, number: int, cache_dir: Path, visitor: Visitor) -> Clip:
    """The song of a mistake.

    Raises:
        KnownError: ``song_gone``, or ``may_not_hear``.
    """
    scores = evaluate.kept(run.folder)
    mistakes = scores.mistakes if scores else ()
    if not 1 <= number <= len(mistakes):
        raise KnownError("song_gone", name=number)
    if not may_hear(run, visitor):
        raise KnownError("may_not_hear")
    wrong = mistakes[number - 1]
    return recall.clip(run, wrong.name, wrong.truth, cache_dir)


def _genres(scores: Scores, language: str) -> str:
    """Precision, recall and F1, a row a genre."""
    names = ("genre", "n_songs", "precision", "recall", "f1")
    heads = "".join(f'<th scope="col">{_said(name, language)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{_genre(each.genre, language)}</th><td>{each.n_songs}</td>'
        f"<td>{each.precision:.2f}</td><td>{each.recall:.2f}</td><td>{each.f1:.2f}</td></tr>"
        for each in scores.genres
    )
    table = f'<table class="counts"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return _part("by_genre", table, [_said("by_genre_info", language)], language)


def _confusion(scores: Scores, language: str) -> str:
    """A row a true genre, a column an answer; the fuller the colour, the more songs."""
    genres = [each.genre for each in scores.genres]
    heads = "".join(
        f'<th scope="col"><span>{_genre(genre, language)}</span></th>'
        for genre in genres
    )
    rows = "".join(
        _confused(genre, row, genres, language)
        for genre, row in zip(genres, scores.counts, strict=True)
    )
    label = _said("confusion", language)
    table = (
        f'<div class="confusion" tabindex="0" role="region" aria-label="{label}"><table>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return _part("confusion", table, [_said("confusion_info", language)], language)


def _confused(
    truth: str, counts: tuple[int, ...], genres: list[str], language: str
) -> str:
    """One row of the confusion matrix."""
    n_songs = max(sum(counts), 1)
    colour = style.genre_colour(truth)
    cells = []
    for answer, n in zip(genres, counts, strict=True):
        about = {"truth": _genre(truth, language), "answer": _genre(answer, language)}
        title = words.word("scores.cell", language, **about, n=n)
        share = FULLEST * n / n_songs
        paint = f"color-mix(in srgb, {colour} {share:.0f}%, transparent)"
        mark = ' class="right"' if answer == truth else ""
        shown = str(n) if n else '<span class="none">0</span>'
        cells.append(
            f'<td{mark} title="{title}" style="background:{paint} !important">{shown}</td>'
        )
    return f'<tr><th scope="row">{_genre(truth, language)}</th>{"".join(cells)}</tr>'


def _reliability(scores: Scores, look: Look) -> str:
    """The curve, what it says, and what the temperature did."""
    points = [(b.confidence, b.accuracy, b.n_songs) for b in scores.reliability]
    alt = viz.reliability.describe(points, look.language)
    picture = style.svg(viz.reliability.figure(points, look), alt=alt)
    said = [_said("reliability_info", look.language)]
    said += [html.escape(each) for each in report.calibration(scores, look.language)]
    curve = f'<div class="reliability">{picture}</div>'
    return _part("reliability", curve, said, look.language)


def _mistakes(scores: Scores, language: str, may_hear: bool) -> str:
    """The most confident mistakes, each with a button to hear the song."""
    if not scores.mistakes:
        return _part("mistakes", "", [_said("no_mistakes", language)], language)
    names = ("song", "truth", "answer", "confidence", *(["play"] if may_hear else []))
    heads = "".join(f'<th scope="col">{_said(name, language)}</th>' for name in names)
    rows = "".join(
        _mistake(number, each, language, may_hear)
        for number, each in enumerate(scores.mistakes, 1)
    )
    table = (
        '<div class="mistakes"><table class="counts">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return _part("mistakes", table, [], language)


def _mistake(number: int, wrong: Mistake, language: str, may_hear: bool) -> str:
    name = html.escape(wrong.name)
    cells = f'<th scope="row">{name}</th><td>{_genre(wrong.truth, language)}</td>'
    cells += f"<td>{_genre(wrong.answer, language)}</td>"
    cells += f"<td>{100 * wrong.probability:.0f}%</td>"
    if may_hear:
        label = f"{_said('play', language)}: {name}"
        cells += (
            f'<td><button type="button" class="play" data-number="{number}"'
            f' aria-label="{label}">\u25b6\ufe0e</button></td>'
        )
    return f"<tr>{cells}</tr>"


def _part(name: str, shown: str, said: Iterable[str], language: str) -> str:
    """A titled part; ``said`` is HTML already."""
    texts = "".join(f"<p>{each}</p>" for each in said)
    return f"<section><h4>{_said(name, language)}</h4>{shown}{texts}</section>"


def _genre(label: str, language: str) -> str:
    return html.escape(genre_name(label, language))


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{html.escape(each)}</p>" for each in texts)


def _said(name: str, language: str, /, **details: Any) -> str:
    return html.escape(words.word(f"scores.{name}", language, **details))
