"""A prediction in, its description as HTML out; every name is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

import i18n
from classifier.predict import Prediction
from classifier.verdict import Verdict
from i18n import genre_name
from networks.checkpoint import ModelRef
from ui.model_choice import title
from ui.templates import render
from viz import palette

N_SHOWN = 10  # genres
REVISION_LENGTH = 7  # letters; what Git shows


def answers(
    predictions: Sequence[Prediction], verdicts: Sequence[Verdict], language: str
) -> Markup:
    """Show the answers of each model, side by side.

    Args:
        predictions: a model each.
        verdicts: of them, once they are the last; empty before.
        language: of the visitor.
    """
    judged = [*verdicts, *[None] * (len(predictions) - len(verdicts))]
    shown = [
        (
            verdict.kind if verdict else "so_far",
            sentence(prediction, verdict, language),
            _shares(prediction),
            basis(prediction, verdict, language),
        )
        for prediction, verdict in zip(predictions, judged, strict=True)
    ]
    return render("answers", language, answers=shown)


def silent(language: str) -> Markup:
    """Answer for a silent sound."""
    return render("silent", language)


def sentence(prediction: Prediction, verdict: Verdict | None, language: str) -> str:
    """Put the answer into a sentence: so far, sure, unsure, speech, or unlike."""
    labels = verdict.genres if verdict else (prediction.genres[0][0],)
    names = [genre_name(label, language) for label in labels]
    kind = verdict.kind if verdict else "so_far"
    return _word(kind, language, genre=names[0], other=names[-1])


def _shares(prediction: Prediction) -> list[tuple[str, float, str]]:
    """List the likeliest labels, each with its probability and its colour."""
    ranked = prediction.genres[:N_SHOWN]
    return [(label, share, palette.genre_colour(label)) for label, share in ranked]


def basis(prediction: Prediction, verdict: Verdict | None, language: str) -> list[str]:
    """List what the answer rests on, and what the model cannot know: a sentence each."""
    ref = prediction.model
    model = title(ref, language)
    if ref.revision:
        model = f"{model} @ {ref.revision[:REVISION_LENGTH]}"
    numbers: dict[str, Any] = {
        "title": model,
        "n_windows": prediction.n_done,
        "window_s": ref.window_s,
        "elapsed_s": prediction.elapsed_s,
        "device": prediction.device,
    }
    lines = [_word("basis", language, **numbers)]
    lines.append(_word(f"precision_{prediction.precision}", language))
    if prediction.note:
        lines.append(_word(f"note_{prediction.note}", language))
    if verdict:
        genre = genre_name(prediction.genres[0][0], language)
        agreed = {"share": verdict.agreement, "genre": genre}
        lines.insert(0, _word("agreement", language, **agreed))
        if verdict.kind == "unlike":
            lines.insert(0, _word("nearest", language, genre=genre))
    is_clear = verdict is not None and verdict.kind == "sure"
    if is_clear and ref.clear and ref.clear.precision is not None:
        lines.append(_word("clear_means", language, precision=ref.clear.precision))
    lines.append(calibration(ref, language))
    if not ref.is_exclusive:
        lines.append(_word("not_exclusive", language))
    training = ref.trained_on or _word("unknown_training", language)
    trained_on = i18n.table(language).get(f"trained_on.{training}", training)
    n_labels = len(prediction.genres)
    lines.append(_word("knows", language, trained_on=trained_on, n=n_labels))
    return lines


def calibration(ref: ModelRef, language: str) -> str:
    """Describe whether the probabilities were adjusted, and on how many songs."""
    if not ref.is_calibrated:
        return _word("uncalibrated", language)
    if ref.n_calibration_songs is None:
        return _word("calibrated", language)
    return _word("calibrated_on", language, n=ref.n_calibration_songs)


def _word(name: str, language: str, **details: Any) -> str:
    return i18n.word(f"classify.{name}", language, **details)
