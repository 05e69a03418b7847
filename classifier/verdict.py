"""Judge how far a prediction can be trusted.

A model returns a genre for any input. Its prediction is doubtful where its windows
disagree, where the second genre is close, where the sound is unlike everything that the
model was trained on, and where it is speech rather than music; a silent one has no
prediction at all (``predict`` refuses it). What is close and what disagrees is the
model's own rule, chosen on songs that it was not trained on, or the usual one. Of
labels that do not exclude each other a close second means nothing: there, the first
one's own probability counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audio.clip import Sound
from audio.speech import is_speech
from classifier.predict import Prediction
from networks.clear import USUAL

Kind = Literal["sure", "unsure", "speech", "unlike"]

MIN_PRESENT = 0.5  # of a label that does not exclude others: more likely than not
MAX_DISTANCE = 1.0  # exceeded by 1 % of held-out windows like those of the training


@dataclass(frozen=True)
class Verdict:
    """How far a prediction can be trusted.

    Attributes:
        kind: ``sure``; ``unsure`` where the windows disagree or the first is not clear;
            ``speech`` where the sound is not music to begin with; ``unlike`` where it
            is unlike anything that the model learned from.
        genres: the likeliest; where unsure, with its rival.
        agreement: share of the windows whose likeliest genre is the song's.
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
    """Judge a prediction, final or not, of a clip."""
    top, probability = prediction.genres[0]
    rival, second = prediction.genres[1] if len(prediction.genres) > 1 else (top, 0.0)
    lead = probability - second
    is_exclusive = prediction.model.is_exclusive
    agrees = [
        chunk.top == top if is_exclusive else chunk.probabilities[top] >= MIN_PRESENT
        for chunk in prediction.chunks
    ]
    agreement = sum(agrees) / len(agrees)
    distance = prediction.distance
    rule = prediction.model.clear or USUAL
    is_near = distance is None or distance <= rule.distance
    if is_exclusive:
        is_enough = lead >= rule.lead_for(top)
        is_sure = is_enough and agreement > rule.agreement and is_near
    else:
        is_sure = probability >= MIN_PRESENT and agreement > USUAL.agreement and is_near
    kind: Kind = "sure" if is_sure else "unsure"
    if is_speech(clip):
        kind = "speech"
    elif distance is not None and distance > MAX_DISTANCE:
        kind = "unlike"
    genres = (top,) if is_sure or kind == "unlike" else (top, rival)
    return Verdict(kind, genres, agreement, lead, distance)
