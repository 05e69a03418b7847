"""Models heard on the same songs: how good each is, and whether they differ.

The same exam as after a run, for any model that is an audio classifier.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from errors import KnownError
from networks.checkpoint import LoadedModel
from trainer import config as configs
from trainer.config import RunConfig
from trainer.data import dataset, sources
from trainer.data.dataset import SongSet
from trainer.data.song_files import Source
from trainer.data.splits import PARTS
from trainer.evaluation import baseline, evaluate, model_lookup, scores
from trainer.evaluation.model_lookup import Entrant
from trainer.evaluation.scores import Answers, Duel, Scores
from trainer.run import runs
from trainer.run.events import Emit, ShouldStop, Stage
from trainer.training.windows import AllWindows, note_silent

Indices = NDArray[np.int64]
COMPOSED = "composed"
# Composed songs for a model that says nothing of its own: no run composes from these.
FIRST_UNHEARD = 1_000_000


@dataclass(frozen=True)
class Wish:
    """Which songs.

    Attributes:
        data: as ``RunConfig.data``; empty for the songs of the model's own run.
        split: a scheme whose test part is heard; empty for the songs that the run
            kept back, or for all where ``data`` names them.
        is_all: all songs, those that a run learned from too.
        test_fraction: share of the songs in the test part.
        seed: of what the scheme draws.
        n_songs_per_genre: of composed songs.
        baseline: train a simple model on the training part, and score it beside.
    """

    data: str = ""
    split: str = ""
    is_all: bool = False
    test_fraction: float = 0.2
    seed: int = 42
    n_songs_per_genre: int = 50
    baseline: bool = False


@dataclass(frozen=True, eq=False)
class Questions:
    """Songs that are asked about.

    Attributes:
        config: what they were chosen by.
        songs: of which some are asked about.
        indices: (n_asked,) which ones.
        meaning: what their choice says of a score: ``run``, ``chosen`` where they chose
            the run's checkpoint too, ``split``, ``all``, or ``fresh``: composed anew.
        n_gone: songs that the run kept back and that are no longer there.
        train: (n_train,) the training part of the same split; None without a split.
    """

    config: RunConfig
    songs: SongSet
    indices: Indices
    meaning: str
    n_gone: int = 0
    train: Indices | None = None


@dataclass(frozen=True)
class Entry:
    """How one model did.

    Attributes:
        name: of the model.
        scores: on the songs.
        window_s: length of its windows (s).
        n_learned: of those songs, how many bear the name of one that it learned from.
        may_know: its run is not here, and it was trained on songs of this kind.
    """

    name: str
    scores: Scores
    window_s: float
    n_learned: int
    may_know: bool = False


@dataclass(frozen=True)
class Contest:
    """One model or two on the same songs.

    Attributes:
        data: where the songs come from.
        split: the scheme that chose them, where one did.
        meaning: as of ``Questions``.
        n_gone: as of ``Questions``.
        left_out: genres of the songs that a model does not know.
        n_left_out: their songs.
        entries: how each did.
        duel: their comparison, where there are two.
    """

    data: str
    split: str
    meaning: str
    n_gone: int
    left_out: tuple[str, ...]
    n_left_out: int
    entries: tuple[Entry, ...]
    duel: Duel | None

    def to_json(self) -> str:
        """All figures as one JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)


def hold(
    models: Sequence[Entrant],
    wish: Wish,
    cache_dir: Path,
    *,
    emit: Emit,
    should_stop: ShouldStop = lambda: False,
) -> Contest:
    """Let each model name the same songs.

    Labels are matched by their letters and digits, case aside: "Hip-Hop" is "hiphop".
    Songs of a genre that a model does not know are left out for all; a genre that only
    the model knows remains a possible, wrong answer.

    Raises:
        KnownError: ``no_data_named``, ``no_common_genres``, ``songs_gone``,
            ``baseline_without_train``, or what songs and models raise.
        StopRequested: between two songs or batches.
    """
    asked = _questions(models[0], wish, cache_dir, emit, should_stop)
    if wish.baseline and asked.train is None:
        raise KnownError("baseline_without_train")
    emit(Stage("model"))
    loaded = [model_lookup.load(each) for each in models]
    known = [_numbers(asked.songs.genres, each.labels) for each in loaded]
    labels = asked.songs.labels[asked.indices]
    is_known = np.all([numbers[labels] >= 0 for numbers in known], axis=0)
    left_out = sorted({asked.songs.genres[label] for label in labels[~is_known]})
    indices = asked.indices[is_known]
    if not len(indices):
        raise KnownError(
            "no_common_genres",
            model=loaded[0].labels,
            songs=asked.songs.genres,
        )
    entries, rights = [], []
    windows = _windows(loaded, asked.songs, known, indices)
    note_silent(asked.songs, np.setdiff1d(indices, windows[0].indices), emit)
    for entrant, each, some in zip(models, loaded, windows, strict=True):
        answers = evaluate.answers_of(
            each.model, some, emit=emit, should_stop=should_stop, title=each.ref.title
        )
        rights.append(answers.is_right(each.temperature))
        entries.append(_entry(entrant, each, asked, answers))
    if wish.baseline:
        simple = _simple(asked, windows[0].indices, emit, should_stop)
        entries = [
            _beside(entry, right, *simple)
            for entry, right in zip(entries, rights, strict=True)
        ]
    return Contest(
        asked.config.data,
        asked.config.split if asked.meaning in ("run", "chosen", "split") else "",
        asked.meaning,
        asked.n_gone,
        tuple(left_out),
        int(np.count_nonzero(~is_known)),
        tuple(entries),
        scores.duel(*rights) if len(rights) == 2 else None,
    )


def _entry(
    entrant: Entrant, model: LoadedModel, asked: Questions, answers: Answers
) -> Entry:
    """How good one model was, and how many of the songs it may have known."""
    return Entry(
        entrant.name,
        scores.scores_of(answers, model.temperature),
        model.window_s,
        len(set(answers.names) & entrant.learned_from()),
        entrant.run is None and _is_of_kind(asked, model.ref.trained_on),
    )


def _simple(
    asked: Questions, indices: Indices, emit: Emit, should_stop: ShouldStop
) -> tuple[NDArray[np.bool_], int, float]:
    """Where the simple model was right (n_songs,), what it learned from, and its C."""
    songs, train = asked.songs, asked.train
    assert train is not None
    is_grouped = asked.config.split == "group"
    groups = [song.group or song.name for song in songs.songs] if is_grouped else ()
    said, c = baseline.answers(
        songs,
        train,
        indices,
        groups=groups,
        seed=asked.config.seed,
        emit=emit,
        should_stop=should_stop,
    )
    return said == songs.labels[indices], len(train), c


def _beside(
    entry: Entry,
    right: NDArray[np.bool_],
    simple: NDArray[np.bool_],
    n_learned: int,
    c: float,
) -> Entry:
    """An entry with the simple model's result beside its own."""
    found = scores.baseline_of(right, simple, n_learned, c)
    return dataclasses.replace(
        entry, scores=dataclasses.replace(entry.scores, baseline=found)
    )


def _is_of_kind(asked: Questions, trained_on: str) -> bool:
    """Whether a model trained on such songs may have learned from these."""
    return asked.meaning != "fresh" and asked.config.data.split(":")[0] == trained_on


def _windows(
    models: Sequence[LoadedModel],
    songs: SongSet,
    known: Sequence[Indices],
    indices: Indices,
) -> list[AllWindows]:
    """Cut the same songs into each model's windows, labels in the model's own order.

    A song that is silent to one model is left out for all.
    """
    cut = [
        AllWindows(
            dataclasses.replace(
                songs, genres=each.labels, labels=numbers[songs.labels]
            ),
            indices,
            each.feature_extractor,
            each.window_s,
            takes_any_length=each.ref.takes_any_length,
        )
        for each, numbers in zip(models, known, strict=True)
    ]
    shared = functools.reduce(np.intersect1d, [each.indices for each in cut])
    if all(len(each.indices) == len(shared) for each in cut):
        return cut
    return _windows(models, songs, known, shared)


def _numbers(genres: Sequence[str], labels: Sequence[str]) -> Indices:
    """(n_genres,) the place of each genre among a model's labels; -1 where it has none."""
    places = {_bare(label): place for place, label in enumerate(labels)}
    return np.array([places.get(_bare(genre), -1) for genre in genres])


def _bare(label: str) -> str:
    """A label's letters and digits, case aside; itself where it has none."""
    return "".join(filter(str.isalnum, label.casefold())) or label


def _questions(
    entrant: Entrant,
    wish: Wish,
    cache_dir: Path,
    emit: Emit,
    should_stop: ShouldStop,
) -> Questions:
    """The songs that are asked about."""
    config = _config(entrant, wish)
    emit(Stage("songs"))
    source = _source(config, wish, emit)
    songs = dataset.prepare(source, cache_dir, emit=emit, should_stop=should_stop)
    if wish.split:
        parts = dataset.divided(songs, config)
        return Questions(config, songs, parts.test, "split", train=parts.train)
    if wish.data == COMPOSED:
        return Questions(config, songs, np.arange(len(songs.songs)), "fresh")
    if wish.data or wish.is_all:
        return Questions(config, songs, np.arange(len(songs.songs)), "all")
    return _kept_back(entrant, config, songs)


def _config(entrant: Entrant, wish: Wish) -> RunConfig:
    """The run's own choices, changed where a person wishes so."""
    if not wish.data:
        if entrant.run is None:
            raise KnownError("no_data_named", model=entrant.name)
        config = entrant.run.config()
    else:
        config = dataclasses.replace(
            configs.preset("scratch"),
            data=wish.data,
            n_songs_per_genre=wish.n_songs_per_genre,
        )
    if not wish.split:
        return config
    chosen = {name: getattr(wish, name) for name in ("split", "test_fraction", "seed")}
    return dataclasses.replace(config, **chosen)


def _source(config: RunConfig, wish: Wish, emit: Emit) -> Source:
    """A run's own songs, or those that are named: composed ones are new to every run."""
    if wish.data == COMPOSED:
        return sources.composed_songs(config.n_songs_per_genre, FIRST_UNHEARD)
    return sources.source_of(config, emit)


def _kept_back(entrant: Entrant, config: RunConfig, songs: SongSet) -> Questions:
    """The songs that the model's run tested with, by their names."""
    assert entrant.run is not None
    split = runs.read_json(entrant.run.folder / runs.SPLIT) or {}
    wanted, learned = (set(split.get(part, ())) for part in (PARTS[-1], PARTS[0]))
    indices, train = (
        np.array([i for i, name in enumerate(songs.names) if name in some], int)
        for some in (wanted, learned)
    )
    if not len(indices):
        raise KnownError("songs_gone", id=entrant.run.id)
    meaning = "run" if "validation" in split else "chosen"
    n_gone = len(wanted) - len(indices)
    return Questions(config, songs, indices, meaning, n_gone, train)
