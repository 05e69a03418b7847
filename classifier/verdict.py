"""Judge how far a prediction can be trusted.

A model returns a genre for any input. Its prediction is doubtful where its windows
disagree, where the second genre is close, and where the sound is speech rather than
music; a silent one has no prediction at all (``predict`` refuses it). Of labels that do
not exclude each other a close second means nothing: there, the first one's own
probability counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audio.clip import Sound
from audio.speech import is_speech
from classifier.predict import Prediction

Kind = Literal["sure", "unsure", "speech"]

MIN_LEAD = 0.15  # of the first genre's probability over the second's
MIN_AGREEMENT = 0.5  # more than half of the windows predict the song's genre
MIN_PRESENT = 0.5  # of a label that does not exclude others: more likely than not


@dataclass(frozen=True)
class Verdict:
    """How far a prediction can be trusted.

    Attributes:
        kind: ``sure``; ``unsure`` where the windows disagree or the first is not clear;
            ``speech`` where the sound is not music to begin with.
        genres: the likeliest; where unsure, with its rival.
        agreement: share of the windows whose likeliest genre is the song's.
        lead: probability of the likeliest genre, less that of the second.
    """

    kind: Kind
    genres: tuple[str, ...]
    agreement: float
    lead: float


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
    is_clear = lead >= MIN_LEAD if is_exclusive else probability >= MIN_PRESENT
    is_sure = is_clear and agreement > MIN_AGREEMENT
    kind: Kind = "sure" if is_sure else "unsure"
    genres = (top,) if is_sure else (top, rival)
    if is_speech(clip):
        kind = "speech"
    return Verdict(kind, genres, agreement, lead)
