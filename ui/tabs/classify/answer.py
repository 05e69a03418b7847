"""A prediction in, its description as HTML out; every name is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

import i18n
from classifier.predict import Prediction
from classifier.song_map import Stretch, stretches
from classifier.verdict import Kind, Verdict
from i18n import genre_name
from networks.checkpoint import ModelRef
from ui.model_choice import full_title, title
from ui.tabs.classify import known
from ui.templates import render
from viz import palette
from viz.genres import MIN_SHOWN

N_SHOWN = 10  # genres
# What is less likely than MIN_SHOWN is folded away if there are so many; at most so many
# are unfolded.
MIN_FOLDED, N_FOLDED = 2, 50
MIN_PART = 0.05  # probability of a genre whose part is worth hearing
MIN_CALIBRATION_SONGS = 50  # fewer fit a temperature by chance
REVISION_LENGTH = 7  # letters; what Git shows


def answers(
    predictions: Sequence[Prediction],
    verdicts: Sequence[Verdict],
    language: str,
    path: str = "",
) -> Markup:
    """Show the answers of each model, side by side.

    Args:
        predictions: a model each.
        verdicts: of them, once they are the last; empty before.
        language: of the visitor.
        path: of the sound; the genre of a built-in one is told with the last answer.
    """
    judged = [*verdicts, *[None] * (len(predictions) - len(verdicts))]
    parts = _parts(predictions) if verdicts else {}
    shown = [
        column(prediction, verdict, parts.get(number, ()), language)
        | {"truth": known.told(path, prediction, language) if verdict else ""}
        for number, (prediction, verdict) in enumerate(
            zip(predictions, judged, strict=True)
        )
    ]
    return render("answers", language, answers=shown, is_last=bool(verdicts))


def silent(language: str) -> Markup:
    """Answer for a silent sound."""
    return render("silent", language)


def parts(
    predictions: Sequence[Prediction],
) -> list[tuple[int, Stretch]]:
    """Find the stretch with the most evidence for each model's likeliest genres.

    Returns:
        The model's place and the stretch; none of a genre that is out of the question.
    """
    return [
        (place, stretch)
        for place, prediction in enumerate(predictions)
        for stretch in stretches(prediction)
        if dict(prediction.genres)[stretch.genre] >= MIN_PART
    ]


def _parts(
    predictions: Sequence[Prediction],
) -> dict[int, list[tuple[int, Stretch]]]:
    """Give each model its own of all models' stretches, which are numbered."""
    found: dict[int, list[tuple[int, Stretch]]] = {}
    for number, (place, stretch) in enumerate(parts(predictions)):
        found.setdefault(place, []).append((number, stretch))
    return found


def column(
    prediction: Prediction,
    verdict: Verdict | None,
    parts: Sequence[tuple[int, Stretch]],
    language: str,
) -> dict[str, Any]:
    """Collect what is shown of one model's answer, so far or judged."""
    ref = prediction.model
    head, caveat = heading(prediction, verdict, language)
    shown, folded = _folded(prediction.genres)
    return {
        "model": full_title(ref, language),
        "id": ref.title,
        "kind": verdict.kind if verdict else "so_far",
        "head": head,
        "caveat": caveat,
        "knows": knows(prediction, language),
        "shares": coloured(shown),
        "folded": coloured(folded[:N_FOLDED]),
        "n_folded": len(folded),
        "limit": max(MIN_SHOWN, math.ceil(100 * folded[0][1]) / 100) if folded else 0,
        "parts": parts,
        "basis": basis(prediction, verdict, language),
    }


def heading(
    prediction: Prediction, verdict: Verdict | None, language: str
) -> tuple[str, str]:
    """Put the answer into a few words, and what it has to be taken with into some more."""
    if verdict is None:
        first = genre_name(prediction.genres[0][0], language)
        return _word("so_far", language, genre=first), ""
    ref, kind = prediction.model, verdict.kind
    if kind == "sure" and ref.clear and ref.clear.precision is not None:
        caveat = _word("caveat_clear", language, precision=ref.clear.precision)
        return verdict_words(kind, verdict.genres, language)[0], caveat
    return verdict_words(kind, verdict.genres, language)


def verdict_words(kind: Kind, genres: Sequence[str], language: str) -> tuple[str, str]:
    """Put a verdict into a heading and its caveat; "" where there is none."""
    names = [genre_name(each, language) for each in genres]
    said = {"genre": names[0], "other": names[-1]}
    caveats = i18n.table(language)
    head = _word(f"head_{kind}", language, **said)
    has_caveat = f"classify.caveat_{kind}" in caveats
    return head, _word(f"caveat_{kind}", language, **said) if has_caveat else ""


def _folded(
    genres: Sequence[tuple[str, float]],
) -> tuple[Sequence[tuple[str, float]], Sequence[tuple[str, float]]]:
    """Part the ranked genres: those that are shown, and those that are folded away."""
    likely = [share >= MIN_SHOWN for _, share in genres]
    n_shown = max(1, min(sum(likely), N_SHOWN))
    if len(genres) - n_shown < MIN_FOLDED:
        n_shown = len(genres)
    return genres[:n_shown], genres[n_shown:]


def coloured(
    genres: Sequence[tuple[str, float]],
) -> list[tuple[str, float, str]]:
    """Add its colour to each label and its probability."""
    return [(genre, share, palette.genre_colour(genre)) for genre, share in genres]


def knows(prediction: Prediction, language: str) -> list[str]:
    """Describe what the model was trained on, and what that means for its answer."""
    ref = prediction.model
    training = ref.trained_on or _word("unknown_training", language)
    trained_on = i18n.table(language).get(f"trained_on.{training}", training)
    n_labels = len(prediction.genres)
    said = [_word("knows", language, trained_on=trained_on, n=n_labels)]
    if training == "composed":
        said.append(_word("composed_only", language))
    return said


def _rounded(seconds: float) -> float:
    """Round a time to tenths, below a second to one digit: never to "0.0 s"."""
    return round(seconds, 1) if seconds >= 1 else float(f"{seconds:.1g}")


def basis(prediction: Prediction, verdict: Verdict | None, language: str) -> list[str]:
    """List what the answer rests on, a sentence each."""
    ref = prediction.model
    model = title(ref, language)
    if ref.revision:
        model = f"{model} @ {ref.revision[:REVISION_LENGTH]}"
    numbers: dict[str, Any] = {
        "title": model,
        "n_windows": prediction.n_done,
        "window_s": ref.window_s,
        "elapsed_s": _rounded(prediction.elapsed_s),
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
    lines.append(calibration(ref, language))
    if not ref.is_exclusive:
        lines.append(_word("not_exclusive", language))
    return lines


def calibration(ref: ModelRef, language: str) -> str:
    """Describe whether the probabilities were adjusted, and on how many songs."""
    if not ref.is_calibrated:
        return _word("uncalibrated", language)
    n_songs = ref.n_calibration_songs
    if n_songs is None:
        return _word("calibrated", language)
    if n_songs < MIN_CALIBRATION_SONGS:
        return _word("calibrated_on_few", language, n=n_songs)
    return _word("calibrated_on", language, n=n_songs)


def _word(name: str, language: str, **details: Any) -> str:
    return i18n.word(f"classify.{name}", language, **details)
