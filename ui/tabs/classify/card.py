"""An answer in, what a card of it shows out; the browser draws it, in its own fonts.

A card is a picture to save or to share: the song's name and waveform, genre along it, the
ranking, the model. No server has the glyphs of every song's name; a browser has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import i18n
from audio.clip import Clip
from classifier.predict import Prediction
from classifier.song_map import song_map
from classifier.verdict import Verdict
from i18n import genre_name, short_name
from ui.model_choice import full_title
from ui.tabs.classify.answer import MIN_PART, heading
from viz import palette

SCRIPT = Path(__file__).with_suffix(".js")
# Draws what ``content`` describes, and saves or shares it.
DRAW = """(text) => document.dispatchEvent(
  new CustomEvent("genrescope-card", { detail: JSON.parse(text) }))"""
N_COLUMNS = 320  # of the waveform
N_RANKED, N_ROWS = 4, 4  # genres in words, and along the song


def content(
    clip: Clip,
    name: str,
    predictions: Sequence[Prediction],
    verdicts: Sequence[Verdict],
    language: str,
) -> str:
    """Describe a card as JSON.

    Args:
        clip: the song.
        name: of it.
        predictions: a model each.
        verdicts: of them.
        language: of the words.
    """
    models = [
        _model(*each, language) for each in zip(predictions, verdicts, strict=True)
    ]
    return json.dumps(
        {
            "song": name,
            "duration": i18n.clock(clip.duration_s),
            "duration_s": clip.duration_s,
            "wave": _wave(clip),
            "models": models,
            "by": i18n.word("classify.card_by", language),
        }
    )


def _model(prediction: Prediction, verdict: Verdict, language: str) -> dict[str, Any]:
    """Describe one model's answer: in words, as a ranking, and along the song."""
    head, caveat = heading(prediction, verdict, language)
    ranked = prediction.genres[:N_RANKED]
    found = song_map(prediction)
    n_rows = max(1, sum(share >= MIN_PART for _, share in prediction.genres[:N_ROWS]))
    return {
        "model": full_title(prediction.model, language),
        "head": head,
        "caveat": caveat if verdict.kind != "sure" else "",
        "ranking": [
            [genre_name(each, language), share, palette.genre_colour(each)]
            for each, share in ranked
        ],
        "starts_s": found.starts_s.tolist(),
        "stops_s": found.stops_s.tolist(),
        "rows": [
            {
                "name": short_name(each, language),
                "colour": palette.genre_colour(each),
                "shares": found.probabilities[place].round(3).tolist(),
            }
            for place, each in enumerate(found.genres[:n_rows])
        ],
    }


def _wave(clip: Clip) -> list[float]:
    """Return the largest level in each of ``N_COLUMNS`` columns, 0 to 1 of the loudest."""
    edges = np.linspace(0, len(clip.samples), N_COLUMNS, endpoint=False).astype(int)
    highest = np.maximum.reduceat(np.abs(clip.samples), edges)
    shares = highest / max(float(highest.max()), 1e-9)
    return [round(float(share), 3) for share in shares]
