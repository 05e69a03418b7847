"""The endpoints of embeddings, for programs: a song as a vector, and songs like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

import i18n
from classifier import embeddings, similarity
from classifier.models import Models
from classifier.predict import Prediction, predict
from classifier.similarity import Vectors
from errors import KnownError
from networks.checkpoint import LoadedModel
from ui.api import answers
from ui.api.answers import SimilarSong, SongEmbedding, label
from ui.model_choice import chosen, effort_of
from ui.server.access import Visitor
from ui.session import Session
from ui.tabs.classify.batch import BATCH_QUEUE
from ui.tabs.map import maps
from ui.tabs.map import songs as sources
from ui.tabs.map.maps import Points

SUFFIX = ".npz"
# Programs ask two at a time.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 2}


def build(session: Session, models: Models, given: tuple[Component, ...]) -> None:
    """Add the endpoints.

    Args:
        session: what the tabs share.
        models: what they may ask.
        given: parameters that no page shows: a song, a model's key, an effort.
    """
    song, key, effort = given
    with gr.Column(visible=False):
        vector = answers.place(SongEmbedding, "embedding")
        others = gr.File(file_count="multiple", label=label("others"))
        found = answers.place(list[SimilarSong], "similar")
    endpoints = Endpoints(session, models)
    embed = session.guarded(endpoints.embed)
    asked = [song, key, effort]
    gr.on([], embed, asked, vector, api_name="embed", **MODEL_QUEUE)
    similar = session.guarded(endpoints.similar)
    asked = [song, others, key]
    gr.on([], similar, asked, found, api_name="similar", **BATCH_QUEUE)


class Endpoints:
    """The endpoints' functions; names and docstrings are the API's documentation.

    Args:
        session: what the tabs share.
        models: what they may ask.
    """

    def __init__(self, session: Session, models: Models) -> None:
        self._session = session
        self._models = models

    def embed(
        self, song: str | None, model: str, effort: str, visitor: Visitor
    ) -> dict[str, Any]:
        """Compute a song's embedding: a vector that is near those of songs like it."""
        loaded = self._models.load(chosen(self._models, model, visitor))
        found = self._predicted(song, loaded, effort)
        return asdict(answers.of_embedding(found, loaded.sampling_rate))

    def similar(
        self, song: str | None, songs: list[str], model: str, visitor: Visitor
    ) -> Iterator[list[dict[str, Any]]]:
        """Compare a song with others, given as files, zips, or the NPZ of a map.

        The most similar comes first; songs that could not be read come last.
        """
        loaded = self._models.load(chosen(self._models, model, visitor))
        mine = maps.vector_of(self._predicted(song, loaded, "quick"))
        if len(songs or ()) == 1 and songs[0].lower().endswith(SUFFIX):
            yield _ranked(mine, *_saved(Path(songs[0]), loaded), loaded)
            return
        found = sources.uploaded(songs, visitor.language)
        limits = self._session.shelf.limits_of(visitor.may_train)
        there: list[SimilarSong] = []
        vectors: list[Vectors] = []
        failed: list[SimilarSong] = [
            _unread(path.name, error, visitor.language) for path, error in found.failed
        ]
        for each in maps.points_of(
            found.songs, loaded, self._models.queue, Points(), limits, visitor.language
        ):
            if each and each.point:
                vectors.append(each.point.vector)
                about = each.song.label, each.point.answer, None
                there.append(SimilarSong(each.song.name, None, *about))
            elif each and each.error:
                failed.append(_unread(each.song.name, each.error, visitor.language))
            ranked = _ranked(mine, there, vectors, loaded) if vectors else []
            yield [*ranked, *map(asdict, failed)]

    def _predicted(
        self, song: str | None, loaded: LoadedModel, effort: str
    ) -> Prediction:
        """Compute a song's embedding when its turn comes.

        Raises:
            KnownError: ``no_embedding``, or a code of ``predict``.
        """
        queue, effort = self._models.queue, effort_of(effort)
        with queue.line.turn(), self._session.shelf.passing(song) as sound:
            found = predict(sound, loaded, queue, effort=effort, with_embedding=True)
        maps.vector_of(found)
        return found


def _saved(path: Path, loaded: LoadedModel) -> tuple[list[SimilarSong], Vectors]:
    """Read the songs of an NPZ, if the same model computed them.

    Raises:
        KnownError: ``not_embeddings`` or ``other_embeddings``.
    """
    found, ref = embeddings.of_npz(path), loaded.ref
    theirs, ours = (found.model, found.revision), (ref.key, ref.revision or "")
    if theirs != ours:
        named = [" ".join(filter(None, each)) for each in (theirs, ours)]
        raise KnownError("other_embeddings", theirs=named[0], ours=named[1])
    songs = zip(found.names, found.labels, found.answers, strict=True)
    listed = [
        SimilarSong(name, None, label, genre, None) for name, label, genre in songs
    ]
    return listed, found.vectors


def _ranked(
    mine: Vectors,
    songs: Sequence[SimilarSong],
    vectors: Sequence[Vectors] | Vectors,
    loaded: LoadedModel,
) -> list[dict[str, Any]]:
    """Sort songs by how similar they are to one.

    Raises:
        KnownError: ``other_embeddings`` for vectors of another length.
    """
    others = np.asarray(vectors, np.float32)
    if others.shape[1] != len(mine):
        raise KnownError("other_embeddings", theirs="?", ours=loaded.ref.key)
    scale = similarity.scale_for(others, loaded.novelty)
    values = similarity.similarities(
        scale.standardised(mine), scale.standardised(others)
    )
    order = np.argsort(-values, kind="stable").tolist()
    return [
        asdict(songs[number]) | {"similarity": round(float(values[number]), 4)}
        for number in order
    ]


def _unread(name: str, error: KnownError, language: str) -> SimilarSong:
    return SimilarSong(name, None, "", None, i18n.sentence(error, language))
