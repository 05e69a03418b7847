"""A prediction in, how far it can be trusted out.

A model names a genre for anything. What it says is doubted where its windows disagree,
where the second genre is close, where the sound is unlike all that the model learned
from, and where it is speech rather than music; a silent one has no prediction at all
(``predict`` refuses it). What is close and what disagrees is the model's own rule,
chosen on songs that it did not know, or the usual one. Of labels that do not exclude
each other a close second says nothing: there, the first is doubted by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audio.clip import Sound
from audio.speech import is_speech
from classifier.predict import Prediction
from networks.clear import USUAL

Kind = Literal["sure", "unsure", "speech", "unlike"]

MIN_PRESENT = (
    0.5  # of a label that does not exclude others: it is rather there than not
)
MAX_DISTANCE = 1.0  # beyond it are 1 % of the windows of what the model learned from


@dataclass(frozen=True)
class Verdict:
    """How far an answer can be trusted.

    Attributes:
        kind: ``sure``; ``unsure`` where the windows disagree or the first is not clear;
            ``speech`` where the sound is not music to begin with; ``unlike`` where it
            is unlike anything that the model learned from.
        genres: the likeliest; where unsure, with its rival.
        agreement: share of the windows that name the song's likeliest genre.
        lead: probability of the likeliest genre, less that of the second.
        distance: from what the model learned from, the median of the windows; above 1
            it is unlike. None where the model has no such measure.
    """

    kind: Kind
    genres: tuple[str, ...]
    agreement: float
    lead: float
    distance: float | None = None


def judge(prediction: Prediction, clip: Sound) -> Verdict:
    """Judge a prediction, final or not, with the clip that it is about."""
    top, probability = prediction.genres[0]
    rival, second = prediction.genres[1] if len(prediction.genres) > 1 else (top, 0.0)
    agreement = _agreement(prediction, top)
    lead = probability - second
    distance = prediction.distance
    rule = prediction.model.clear or USUAL
    is_near = distance is None or distance <= rule.distance
    if prediction.model.is_exclusive:
        is_sure = lead >= rule.lead and agreement > rule.agreement and is_near
    else:
        is_sure = probability >= MIN_PRESENT and agreement > USUAL.agreement and is_near
    kind: Kind = "sure" if is_sure else "unsure"
    if is_speech(clip):
        kind = "speech"
    elif distance is not None and distance > MAX_DISTANCE:
        kind = "unlike"
    genres = (top,) if is_sure or kind == "unlike" else (top, rival)
    return Verdict(kind, genres, agreement, lead, distance)


def _agreement(prediction: Prediction, genre: str) -> float:
    """The share of the windows that name a genre."""
    if prediction.model.is_exclusive:
        named = [chunk.top == genre for chunk in prediction.chunks]
    else:
        named = [c.probabilities[genre] >= MIN_PRESENT for c in prediction.chunks]
    return sum(named) / len(named)
