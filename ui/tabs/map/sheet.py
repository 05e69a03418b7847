"""Describe a map to the browser, which draws it: numbers, names, words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import i18n
from classifier import similarity
from i18n import genre_name
from ui.model_choice import title
from ui.tabs.map.maps import SongMap
from viz import palette
from viz.wording import joined

WORDS = """alike answer cluster colour copies copy csv doubts filter genre hidden_rows
 label lasso list minus move near note npz play plus rectangle reset selected song
 song_all votes yours""".split()
# Of groups without a colour of their own, after the ten of the genres.
COLOURS = (*palette.GENRES.values(), *palette.LINES)


def as_json(song_map: SongMap, n_clusters: int, language: str) -> str:
    """Describe a map.

    Args:
        song_map: with at least one song.
        n_clusters: of k-means.
        language: of the words.
    """
    found = song_map.embeddings
    labels = sorted({*found.labels, *found.answers} - {""})
    numbers = {label: number for number, label in enumerate(labels)}
    votes = similarity.votes(song_map.near, found.labels)
    doubts = similarity.doubtful(votes, found.labels)
    words = i18n.table(language)  # with their {names}, which the browser fills
    told: dict[str, Any] = {
        "words": {name: words[f"on_map.{name}"] for name in WORDS},
        "language": language,
        "axes": _axes(song_map, language),
        "summary": _summary(song_map, votes, language),
        "x": _rounded(song_map.places[:, 0]),
        "y": _rounded(song_map.places[:, 1]),
        "names": found.names,
        "labels": [numbers.get(label, -1) for label in found.labels],
        "answers": [numbers.get(label, -1) for label in found.answers],
        "clusters": song_map.clusters(n_clusters).tolist(),
        "genres": [
            [genre_name(label, language), palette.genre_colour(label)]
            for label in labels
        ],
        "colours": COLOURS,
        "near": song_map.near.songs.tolist(),
        "alike": [_rounded(row) for row in song_map.near.similarities],
        "doubts": [
            [vote.song, numbers[vote.label], round(vote.share, 3)] for vote in doubts
        ],
        "copies": [
            [one, other, round(value, 3)]
            for one, other, value in similarity.copies(song_map.near)
        ],
    }
    return json.dumps(told, ensure_ascii=False)


def mine_as_json(
    song_map: SongMap, name: str, place: Any, near: Sequence[tuple[int, float]]
) -> str:
    """Describe the place of one more song on a map, and what is near it."""
    told = {
        "name": name,
        "x": round(float(place[0]), 4),
        "y": round(float(place[1]), 4),
        "near": [number for number, _ in near],
        "alike": [round(value, 3) for _, value in near],
        "n_songs": len(song_map.songs),
    }
    return json.dumps(told, ensure_ascii=False)


def _axes(song_map: SongMap, language: str) -> str:
    """Tell what the two directions are."""
    if song_map.is_by_tsne:
        return i18n.word("on_map.axes_tsne", language)
    first, second = song_map.projection.fractions.tolist()
    return i18n.word("on_map.axes_pca", language, first=first, second=second)


def _summary(song_map: SongMap, votes: Sequence[similarity.Vote], language: str) -> str:
    """Tell how many songs these are, and how well neighbours agree with their labels."""
    labels = song_map.embeddings.labels
    facts = {"n": len(labels), "model": title(song_map.model, language)}
    sentence = i18n.word("on_map.summary", language, **facts)
    if not votes:
        return sentence
    right = sum(vote.label == labels[vote.song] for vote in votes)
    agreed = i18n.word("on_map.agreement", language, share=right / len(votes))
    return joined([sentence, agreed], language)


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]
