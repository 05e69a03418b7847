"""How good a run's model is, as HTML: figures, genres, confusions, confidence, mistakes."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from markupsafe import Markup

import i18n
import viz.reliability
from audio.clip import Clip
from errors import KnownError
from trainer.data import song_lookup
from trainer.evaluation import evaluate, report
from trainer.evaluation.calibration import MIN_SONGS
from trainer.evaluation.scores import Scores
from trainer.run.runs import Run
from ui.server.access import Visitor
from ui.tabs.train.cache import Rendered, RunCache, changed_at
from ui.templates import render
from viz import palette

SCRIPT = Path(__file__).with_suffix(".js")
FULLEST = 45  # percent of a colour behind a number that must stay readable
NOTHING = Rendered("", None, 0.0, 0.0)
PUBLIC = ("composed",)  # songs that may sound for any visitor


def place() -> gr.HTML:
    """Place the scores.

    Its event ``play`` carries a mistake's ``number``, from 1 on, as ``gr.EventData``.
    """
    return gr.HTML(
        js_on_load=SCRIPT.read_text("utf-8"), elem_classes="run-scores", padding=False
    )


def rendered(run: Run | None, cache: RunCache, visitor: Visitor) -> Rendered:
    """Render the scores of a run that has ended, once for all pages in one language."""
    if run is None or not run.state().is_ended:
        return NOTHING
    return cache.rendered(
        ("scores", run.id, visitor.language, visitor.may_train),
        (run.id, changed_at(run.folder / evaluate.SCORES)),
        lambda: as_html(run, visitor),
    )


def as_html(run: Run, visitor: Visitor) -> Markup:
    """Show all that is known of how good a run's model is; nothing without scores."""
    scores = evaluate.load_scores(run.folder)
    if scores is None:
        return Markup("")
    language = visitor.language
    return render(
        "run_scores",
        language,
        scores=scores,
        accuracy=report.of_run(scores, language),
        texts=[
            *meaning(run, scores, language),
            *report.figures(scores, language),
            *report.baseline(
                scores, i18n.word("scores.this_model", language), language
            ),
        ],
        reliability=_reliability(scores, language),
        min_songs=MIN_SONGS,
        calibration=report.calibration(scores, language),
        clear=report.clear(scores, language),
        confusion=_confusion(scores),
        may_hear=may_hear(run, visitor),
    )


def meaning(run: Run, scores: Scores, language: str) -> list[str]:
    """Explain what the run's split means for its score."""
    config = run.config()
    return report.meaning(
        config.data,
        config.split,
        is_honest=scores.is_final,
        group_kind=run.group_kind,
        language=language,
    )


def may_hear(run: Run, visitor: Visitor) -> bool:
    """Keep the songs of this host, and of others who gave no leave, from strangers."""
    return visitor.may_train or run.config().data in PUBLIC


def song(run: Run, number: int, cache_dir: Path, visitor: Visitor) -> Clip:
    """Load the song of a mistake.

    Raises:
        KnownError: ``song_gone``, or ``may_not_hear``.
    """
    scores = evaluate.load_scores(run.folder)
    mistakes = scores.mistakes if scores else ()
    if not 1 <= number <= len(mistakes):
        raise KnownError("song_gone", name=number)
    if not may_hear(run, visitor):
        raise KnownError("may_not_hear")
    wrong = mistakes[number - 1]
    return song_lookup.clip(run, wrong.name, wrong.truth, cache_dir)


def _confusion(scores: Scores) -> list[tuple[str, str, list[tuple[str, int, int]]]]:
    """Lay out the confusion matrix: the fuller a cell's colour, the more songs.

    Returns:
        (true genre, colour, cells) a row; (answer, number of songs, percent of the
        colour) a cell.
    """
    genres = [each.genre for each in scores.genres]
    rows = []
    for truth, counts in zip(genres, scores.counts, strict=True):
        n_songs = max(sum(counts), 1)
        cells = [
            (answer, n, round(FULLEST * n / n_songs))
            for answer, n in zip(genres, counts, strict=True)
        ]
        rows.append((truth, palette.genre_colour(truth), cells))
    return rows


def _reliability(scores: Scores, language: str) -> str:
    """Describe how often answers of each confidence are right, as a sheet.

    Of few songs there is none: each of its dots would be one or two of them.
    """
    if scores.n_songs < MIN_SONGS:
        return ""
    points = [
        viz.reliability.Point(b.confidence, b.accuracy, b.n_songs, *b.interval)
        for b in scores.reliability
    ]
    return viz.reliability.sheet(points, language).as_json()
