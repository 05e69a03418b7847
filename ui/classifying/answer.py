"""A prediction in, what the page says of it out, as HTML; every name is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import words
from classifier.predict import Prediction
from classifier.verdict import Verdict
from ui.classifying.asking import title
from viz import palette

N_SHOWN = 10  # genres
REVISION_LENGTH = 7  # letters; what Git shows


def genre_name(label: str, language: str) -> str:
    """A model's label in the visitor's language, if it is one of GTZAN's ten."""
    return words.table(language).get(f"genres.{label}", label)


def short_name(label: str, language: str) -> str:
    """The same for narrow places: without the English word in brackets after it."""
    name = genre_name(label, language)
    return name if name == label else name.partition("（")[0]


def answers(
    predictions: Sequence[Prediction], verdicts: Sequence[Verdict], language: str
) -> str:
    """What each model says, side by side.

    Args:
        predictions: a model each.
        verdicts: of them, once they are the last; empty before.
        language: of the visitor.
    """
    judged = [*verdicts, *[None] * (len(predictions) - len(verdicts))]
    parts = [
        _answer(prediction, verdict, language)
        for prediction, verdict in zip(predictions, judged, strict=True)
    ]
    return f'<div class="answers">{"".join(parts)}</div>'


def silent(language: str) -> str:
    """What is said of a sound in which nothing can be heard."""
    return f'<p class="verdict">{_said("silent", language)}</p>'


def sentence(prediction: Prediction, verdict: Verdict | None, language: str) -> str:
    """The answer in a sentence: so far, sure, unsure between two, or speech."""
    labels = verdict.genres if verdict else (prediction.genres[0][0],)
    names = [genre_name(label, language) for label in labels]
    kind = verdict.kind if verdict else "so_far"
    return _said(kind, language, genre=names[0], other=names[-1])


def _answer(prediction: Prediction, verdict: Verdict | None, language: str) -> str:
    kind = verdict.kind if verdict else "so_far"
    lines = [
        f'<p class="verdict {kind}">'
        f"{html.escape(sentence(prediction, verdict, language))}</p>",
        _bars(prediction, language),
        *(
            f'<p class="numbers">{html.escape(line)}</p>'
            for line in basis(prediction, verdict, language)
        ),
    ]
    return f"<section>{''.join(lines)}</section>"


def _bars(prediction: Prediction, language: str) -> str:
    """The ranked genres: names and numbers are text, so bars need not be read."""
    rows = [
        f'<li><span class="genre">{html.escape(short_name(label, language))}</span>'
        f'<span class="bar" aria-hidden="true"><i style="width: {share:.1%}; '
        f'background: {palette.genre_colour(label)}"></i></span>'
        f'<span class="share">{100 * share:.0f}%</span></li>'
        for label, share in prediction.genres[:N_SHOWN]
    ]
    return f'<ol class="genres">{"".join(rows)}</ol>'


def basis(prediction: Prediction, verdict: Verdict | None, language: str) -> list[str]:
    """What the answer rests on, and what the model cannot know: a sentence each."""
    ref = prediction.model
    model = title(ref, language)
    if ref.revision:
        model = f"{model} @ {ref.revision[:REVISION_LENGTH]}"
    heard: dict[str, Any] = {
        "title": model,
        "n_windows": prediction.n_done,
        "window_s": ref.window_s,
        "elapsed_s": prediction.elapsed_s,
    }
    lines = [_said("basis", language, **heard)]
    if prediction.note:
        lines.append(_said(f"note_{prediction.note}", language))
    if verdict:
        genre = genre_name(prediction.genres[0][0], language)
        agreed = {"share": verdict.agreement, "genre": genre}
        lines.insert(0, _said("agreement", language, **agreed))
    is_calibrated = ref.is_calibrated
    lines.append(_said("calibrated" if is_calibrated else "uncalibrated", language))
    if not ref.is_exclusive:
        lines.append(_said("not_exclusive", language))
    said = ref.trained_on or _said("unknown_training", language)
    trained_on = words.table(language).get(f"trained_on.{said}", said)
    n_labels = len(prediction.genres)
    lines.append(_said("knows", language, trained_on=trained_on, n=n_labels))
    return lines


def _said(name: str, language: str, **details: Any) -> str:
    return words.word(f"classify.{name}", language, **details)
