"""Evaluate models on the same songs, and compare two of them.

The evaluation is the one at the end of a run, for any audio classifier.
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
from networks.cpu.precision import Wanted
from trainer import config as configs
from trainer.config import RunConfig
from trainer.data import dataset, sources
from trainer.data.dataset import SongSet
from trainer.data.splits import PARTS
from trainer.data.windows import AllWindows, note_silent
from trainer.evaluation import baseline, evaluate, model_lookup, scores, what_if
from trainer.evaluation.model_lookup import ModelSource
from trainer.evaluation.scores import PairedResult, Predictions, Scores
from trainer.evaluation.what_if import ChangeScore
from trainer.run import runs
from trainer.run.events import Emit, ShouldStop, Stage

Indices = NDArray[np.int64]
COMPOSED = "composed"
FIRST_EVAL_SEED = 1_000_000  # of composed songs; no run trains on such seeds


@dataclass(frozen=True)
class SongSelection:
    """Which songs to evaluate on.

    Attributes:
        data: as ``RunConfig.data``; empty for the songs of the model's own run.
        split: a scheme whose test part is used; empty for the test songs of the run,
            or for all songs where ``data`` names them.
        is_all: all songs, including those that a run was trained on.
        test_fraction: share of the songs in the test part.
        seed: of the random split.
        n_songs_per_genre: of composed songs.
        baseline: whether to train a simple model on the training part, and score it.
        what_if: whether to classify changed songs too.
    """

    data: str = ""
    split: str = ""
    is_all: bool = False
    test_fraction: float = 0.2
    seed: int = 42
    n_songs_per_genre: int = 50
    baseline: bool = False
    what_if: bool = False


@dataclass(frozen=True, eq=False)
class EvalSet:
    """The songs to evaluate on.

    Attributes:
        config: how they were selected.
        songs: the whole set.
        indices: (n_selected,) the selected ones.
        meaning: how they relate to the training songs: ``run``, the run's test songs;
            ``chosen``, those that chose its checkpoint too; ``split``; ``all``; or
            ``fresh``, composed from new seeds.
        n_gone: test songs of the run that no longer exist.
        train: (n_train,) the training part of the same split; None without a split.
    """

    config: RunConfig
    songs: SongSet
    indices: Indices
    meaning: str
    n_gone: int = 0
    train: Indices | None = None


@dataclass(frozen=True)
class ModelResult:
    """The result of one model.

    Attributes:
        name: of the model.
        scores: on the songs.
        window_s: length of its windows (s).
        n_learned: songs that have the name of one that it was trained on.
        may_know: its run is unknown, and it was trained on songs of this kind.
        device: name of the GPU or processor that computed them.
        precision: of its products; named so in the JSON file.
        what_if: what each change of the songs does to its answers; empty where that
            was not asked for. Named so in the JSON file.
    """

    name: str
    scores: Scores
    window_s: float
    n_learned: int
    may_know: bool = False
    device: str = ""
    precision: str = ""
    what_if: tuple[ChangeScore, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """The results of one model or two on the same songs.

    Attributes:
        data: where the songs come from.
        split: the scheme that selected them, where one did.
        meaning: as of ``EvalSet``.
        n_gone: as of ``EvalSet``.
        left_out: genres of the songs that are not a label of every model.
        n_left_out: the number of their songs.
        entries: the result of each model.
        duel: the comparison of two models; named so in the JSON file.
        group_kind: what a split by groups keeps together; "" where unknown.
    """

    data: str
    split: str
    meaning: str
    n_gone: int
    left_out: tuple[str, ...]
    n_left_out: int
    entries: tuple[ModelResult, ...]
    duel: PairedResult | None
    group_kind: str = ""

    def to_json(self) -> str:
        """Serialize as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)


def compare(
    models: Sequence[ModelSource],
    selection: SongSelection,
    cache_dir: Path,
    *,
    emit: Emit,
    should_stop: ShouldStop = lambda: False,
    precision: Wanted = "auto",
) -> Comparison:
    """Evaluate each model on the same songs; compare two by McNemar's exact test.

    Labels are matched by their letters and digits, case aside: "Hip-Hop" is "hiphop".
    Songs of a genre that is not a label of every model are left out for all; a label
    without songs remains a possible, wrong prediction. ``precision`` is that of products
    on a CPU.

    Raises:
        KnownError: ``no_data_named``, ``no_common_genres``, ``songs_gone``,
            ``baseline_without_train``, or what songs and models raise.
        StopRequested: between two songs or batches.
    """
    eval_set = _select(models[0], selection, cache_dir, emit, should_stop)
    if selection.baseline and eval_set.train is None:
        raise KnownError("baseline_without_train")
    emit(Stage("model"))
    loaded = [model_lookup.load(each, precision) for each in models]
    known, is_known = _in_common(eval_set, loaded)
    indices, others = eval_set.indices[is_known], eval_set.indices[~is_known]
    left_out = {eval_set.songs.genres[label] for label in eval_set.songs.labels[others]}
    results, is_correct = [], []
    windows = _windows(loaded, eval_set.songs, known, indices)
    note_silent(eval_set.songs, np.setdiff1d(indices, windows[0].indices), emit)
    for source, model, some in zip(models, loaded, windows, strict=True):
        predictions = evaluate.predict(
            model.model, some, emit=emit, should_stop=should_stop, title=model.ref.title
        )
        is_correct.append(predictions.is_correct(model.temperature))
        results.append(_result(source, model, eval_set, predictions))
    if selection.what_if:
        results = [
            _with_changes(result, model, some, emit, should_stop)
            for result, model, some in zip(results, loaded, windows, strict=True)
        ]
    if selection.baseline:
        simple = _baseline(eval_set, windows[0].indices, emit, should_stop)
        results = [
            _with_baseline(result, correct, *simple)
            for result, correct in zip(results, is_correct, strict=True)
        ]
    is_part = eval_set.meaning in ("run", "chosen", "split")
    return Comparison(
        data=eval_set.config.data,
        split=eval_set.config.split if is_part else "",
        meaning=eval_set.meaning,
        n_gone=eval_set.n_gone,
        left_out=tuple(sorted(left_out)),
        n_left_out=len(others),
        entries=tuple(results),
        duel=scores.compare_pairs(*is_correct) if len(is_correct) == 2 else None,
        group_kind=eval_set.songs.group_kind,
    )


def _in_common(
    eval_set: EvalSet, models: Sequence[LoadedModel]
) -> tuple[list[Indices], NDArray[np.bool_]]:
    """Match the genres of the songs with the labels of the models.

    Returns:
        The number of each genre among each model's labels (n_genres,), and whether the
        genre of each song is a label of every model (n_songs,).

    Raises:
        KnownError: ``no_common_genres``.
    """
    songs = eval_set.songs
    known = [_label_indices(songs.genres, each.labels) for each in models]
    labels = songs.labels[eval_set.indices]
    is_known = np.all([numbers[labels] >= 0 for numbers in known], axis=0)
    if not is_known.any():
        raise KnownError("no_common_genres", model=models[0].labels, songs=songs.genres)
    return known, is_known


def _result(
    source: ModelSource,
    model: LoadedModel,
    eval_set: EvalSet,
    predictions: Predictions,
) -> ModelResult:
    """Score one model, and count the songs that it may have been trained on."""
    kind = eval_set.config.data.split(":")[0]
    is_of_kind = eval_set.meaning != "fresh" and kind == model.ref.trained_on
    return ModelResult(
        source.name,
        scores.scores_of(predictions, model.temperature, model.ref.clear),
        model.window_s,
        len(set(predictions.names) & source.training_songs()),
        source.run is None and is_of_kind,
        model.device,
        model.precision,
    )


def _with_changes(
    result: ModelResult,
    model: LoadedModel,
    windows: AllWindows,
    emit: Emit,
    should_stop: ShouldStop,
) -> ModelResult:
    """Add what each change of the songs does to a model's answers."""
    indices = windows.indices
    changes = what_if.measure(
        model,
        windows.songs,
        indices,
        windows.songs.labels[indices],
        emit=emit,
        should_stop=should_stop,
    )
    return dataclasses.replace(result, what_if=changes)


def _baseline(
    eval_set: EvalSet, indices: Indices, emit: Emit, should_stop: ShouldStop
) -> tuple[NDArray[np.bool_], int, float]:
    """Train the baseline.

    Returns:
        Whether each song was classified correctly (n_songs,), the number of training
        songs, and the SVM's C.
    """
    songs, train = eval_set.songs, eval_set.train
    assert train is not None
    is_grouped = eval_set.config.split == "group"
    groups = [song.group or song.name for song in songs.songs] if is_grouped else ()
    predicted, c = baseline.predict(
        songs,
        train,
        indices,
        groups=groups,
        seed=eval_set.config.seed,
        emit=emit,
        should_stop=should_stop,
    )
    return predicted == songs.labels[indices], len(train), c


def _with_baseline(
    result: ModelResult,
    is_correct: NDArray[np.bool_],
    simple: NDArray[np.bool_],
    n_train: int,
    c: float,
) -> ModelResult:
    """Add the baseline's scores to those of a model."""
    found = scores.baseline_of(is_correct, simple, n_train, c)
    return dataclasses.replace(
        result, scores=dataclasses.replace(result.scores, baseline=found)
    )


def _windows(
    models: Sequence[LoadedModel],
    songs: SongSet,
    known: Sequence[Indices],
    indices: Indices,
) -> list[AllWindows]:
    """Cut the same songs into each model's windows, labels in the model's own order.

    A song that is silent in one model's windows is left out for all.
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


def _label_indices(genres: Sequence[str], labels: Sequence[str]) -> Indices:
    """Find each genre among a model's labels: (n_genres,), -1 where it is not there."""
    places = {_normalized(label): place for place, label in enumerate(labels)}
    return np.array([places.get(_normalized(genre), -1) for genre in genres])


def _normalized(label: str) -> str:
    """Keep a label's letters and digits, case aside; all of it where it has none."""
    return "".join(filter(str.isalnum, label.casefold())) or label


def _select(
    source: ModelSource,
    selection: SongSelection,
    cache_dir: Path,
    emit: Emit,
    should_stop: ShouldStop,
) -> EvalSet:
    """Prepare the songs and select those to evaluate on."""
    config = _config(source, selection)
    emit(Stage("songs"))
    files = (
        sources.composed_songs(config.n_songs_per_genre, FIRST_EVAL_SEED)
        if selection.data == COMPOSED
        else sources.source_of(config, emit)
    )
    songs = dataset.prepare(files, cache_dir, emit=emit, should_stop=should_stop)
    if selection.split:
        parts = dataset.split_songs(songs, config)
        return EvalSet(config, songs, parts.test, "split", train=parts.train)
    if selection.data == COMPOSED:
        return EvalSet(config, songs, np.arange(len(songs.songs)), "fresh")
    if selection.data or selection.is_all:
        return EvalSet(config, songs, np.arange(len(songs.songs)), "all")
    return _test_songs(source, config, songs)


def _config(source: ModelSource, selection: SongSelection) -> RunConfig:
    """Return the run's own config, changed by the selection."""
    if not selection.data:
        if source.run is None:
            raise KnownError("no_data_named", model=source.name)
        config = source.run.config()
    else:
        config = dataclasses.replace(
            configs.preset("scratch"),
            data=selection.data,
            n_songs_per_genre=selection.n_songs_per_genre,
        )
    if not selection.split:
        return config
    names = ("split", "test_fraction", "seed")
    return dataclasses.replace(
        config, **{name: getattr(selection, name) for name in names}
    )


def _test_songs(source: ModelSource, config: RunConfig, songs: SongSet) -> EvalSet:
    """Find the test songs of the model's run by their names."""
    assert source.run is not None
    split = runs.read_json(source.run.folder / runs.SPLIT) or {}
    wanted, learned = (set(split.get(part, ())) for part in (PARTS[-1], PARTS[0]))
    indices, train = (
        np.array([i for i, name in enumerate(songs.names) if name in some], int)
        for some in (wanted, learned)
    )
    if not len(indices):
        raise KnownError("songs_gone", id=source.run.id)
    meaning = "run" if "validation" in split else "chosen"
    n_gone = len(wanted) - len(indices)
    return EvalSet(config, songs, indices, meaning, n_gone, train)
