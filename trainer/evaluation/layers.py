"""A model and songs in, how much of the genre a linear reading of each layer knows out.

Each layer's frames are averaged over a song; a logistic regression learns the genre from
that mean. It weighs and adds, no more, so its accuracy on other songs measures what can
be read from a layer directly. Source: G. Alain and Y. Bengio, "Understanding
intermediate layers using linear classifier probes" (2016); S. Yang et al., "SUPERB"
(2021), for speech.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError
from networks import forward, inside
from networks.checkpoint import LoadedModel
from networks.cpu.precision import Wanted
from trainer import config as configs
from trainer.config import RunConfig
from trainer.data import dataset, sources
from trainer.data.dataset import SongSet
from trainer.data.splits import PARTS
from trainer.data.windows import AllWindows, WindowReader
from trainer.evaluation import compare, metrics, model_lookup
from trainer.evaluation.model_lookup import ModelSource
from trainer.run import runs
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested

Indices = NDArray[np.int64]

FILE = "layers.json"  # in a run's folder, or beside the bundled model
STAGE = "layers"
N_WINDOWS = 3  # of a song at most, spread over it
PENALTY_C = 0.1  # scikit-learn's: of standardised numbers, more of them than songs
MAX_ITERATIONS = 2000
SEED = 42


@dataclass(frozen=True)
class LayerReadings:
    """Accuracy of a linear reading of each layer.

    Attributes:
        n_right: of each layer, the transformer's input first: test songs whose genre it
            reads right.
        n_songs: test songs.
        n_train: songs that it learned from.
        n_commonest: test songs of the genre that most training songs have.
        genres: of the songs.
        data: where the songs come from, as ``RunConfig.data``.
        seed: of the composed songs' split, and of the fit.
    """

    n_right: tuple[int, ...]
    n_songs: int
    n_train: int
    n_commonest: int
    genres: tuple[str, ...]
    data: str
    seed: int = SEED

    @property
    def shares(self) -> tuple[tuple[float, float, float], ...]:
        """Accuracy of each layer, and its 95 % interval, in [0, 1]."""
        return tuple(
            (n / self.n_songs, *metrics.wilson_interval(n, self.n_songs))
            for n in self.n_right
        )

    @property
    def chance(self) -> float:
        """Accuracy of always naming the genre that most training songs have."""
        return self.n_commonest / self.n_songs

    def to_json(self) -> str:
        """Serialize as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)


def read(path: Path) -> LayerReadings | None:
    """Read what ``to_json`` wrote; None where there is none, or it is no such file."""
    values = runs.read_json(path)
    if values is None:
        return None
    try:
        return LayerReadings(
            n_right=tuple(int(n) for n in values["n_right"]),
            n_songs=int(values["n_songs"]),
            n_train=int(values["n_train"]),
            n_commonest=int(values["n_commonest"]),
            genres=tuple(str(genre) for genre in values["genres"]),
            data=str(values["data"]),
            seed=int(values["seed"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def measure(
    source: ModelSource,
    cache_dir: Path,
    *,
    n_songs_per_genre: int = 40,
    emit: Emit,
    should_stop: ShouldStop = lambda: False,
    precision: Wanted = "auto",
) -> LayerReadings:
    """Measure every layer of a run's model on its songs, or of another on composed ones.

    Args:
        source: of the model.
        cache_dir: of decoded songs.
        n_songs_per_genre: of composed songs.
        emit: called with the progress.
        should_stop: called between songs and batches.
        precision: of products on a CPU.

    Raises:
        KnownError: ``songs_gone`` where the run's songs are, ``layers_need_genres`` of a
            run without any, ``no_layers``, or what songs and models raise.
        StopRequested: between two songs or batches.
    """
    emit(Stage("songs"))
    config = _config(source, n_songs_per_genre)
    files = (
        sources.source_of(config, emit)
        if source.run
        else sources.composed_songs(n_songs_per_genre, compare.FIRST_EVAL_SEED)
    )
    songs = dataset.prepare(files, cache_dir, emit=emit, should_stop=should_stop)
    train, test = _parts(source, songs, config)
    emit(Stage("model"))
    model = model_lookup.load(source, precision)
    found = _features(model, songs, np.concatenate([train, test]), emit, should_stop)
    features, labels, is_test = (
        found[0],
        songs.labels[found[1]],
        np.isin(found[1], test),
    )
    return readings(features, labels, is_test, songs.genres, config.data)


def readings(
    features: NDArray[np.float32],
    labels: Indices,
    is_test: NDArray[np.bool_],
    genres: Sequence[str],
    data: str,
) -> LayerReadings:
    """Fit a logistic regression to each layer, and count its right answers.

    Args:
        features: (n_songs, n_layers, n_channels).
        labels: (n_songs,)
        is_test: (n_songs,); the others are learned from.
        genres: the labels' names.
        data: where the songs come from.

    Raises:
        KnownError: ``songs_gone`` where a part has no songs, or one genre alone is left.
    """
    learned, asked = labels[~is_test], labels[is_test]
    if not len(asked) or len(set(learned)) < 2:
        raise KnownError("songs_gone", id=data)
    commonest = np.bincount(learned).argmax()
    return LayerReadings(
        tuple(
            int((_read(layer[~is_test], learned, layer[is_test]) == asked).sum())
            for layer in features.swapaxes(0, 1)
        ),
        len(asked),
        len(learned),
        int((asked == commonest).sum()),
        tuple(genres),
        data,
    )


def _read(
    train: NDArray[np.float32], labels: Indices, test: NDArray[np.float32]
) -> Indices:
    """Learn the labels of some songs linearly; return those of others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    reader = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=PENALTY_C, max_iter=MAX_ITERATIONS, random_state=SEED),
    )
    return np.asarray(reader.fit(train, labels).predict(test))


def _config(source: ModelSource, n_songs_per_genre: int) -> RunConfig:
    """Return the run's config, or one of composed songs, half of them test songs."""
    if source.run is None:
        return dataclasses.replace(
            configs.preset("scratch"),
            data=compare.COMPOSED,
            n_songs_per_genre=n_songs_per_genre,
            split="stratified",
            test_fraction=0.5,
            validation_fraction=0.0,
            seed=SEED,
        )
    config = source.run.config()
    if not config.needs_genres:
        raise KnownError("layers_need_genres", id=source.run.id)
    return config


def _parts(
    source: ModelSource, songs: SongSet, config: RunConfig
) -> tuple[Indices, Indices]:
    """Find the songs to learn from and those to test on, as the run had them."""
    if source.run is None:
        split = dataset.split_songs(songs, config)
        return split.train, split.test
    kept = runs.read_json(source.run.folder / runs.SPLIT) or {}
    wanted = [set(kept.get(part, ())) for part in (PARTS[0], PARTS[-1])]
    train, test = (
        np.array([i for i, name in enumerate(songs.names) if name in some], int)
        for some in wanted
    )
    if not len(train) or not len(test):
        raise KnownError("songs_gone", id=source.run.id)
    return train, test


def _features(
    model: LoadedModel,
    songs: SongSet,
    indices: Indices,
    emit: Emit,
    should_stop: ShouldStop,
) -> tuple[NDArray[np.float32], Indices]:
    """Average each layer's frames over each song, silent songs left out.

    Returns:
        float32 (n_songs, n_layers + 1, n_channels), and which songs.
    """
    windows = AllWindows(
        songs,
        indices,
        model.feature_extractor,
        model.window_s,
        n_at_most=N_WINDOWS,
        takes_any_length=model.ref.takes_any_length,
    )
    reader = WindowReader(windows, range(len(windows)))

    def compute(batch: range) -> NDArray[np.float32]:
        if should_stop():
            raise StopRequested
        emit(Stage(STAGE, batch.start, len(windows)))
        found = inside.pooled(model.model, reader.values(batch))
        if found is None:
            raise KnownError("no_layers", title=model.ref.title)
        return found

    size = forward.batch_size(model.model, max(windows.lengths) / SAMPLING_RATE)
    done = [each for _, each in forward.in_batches(windows.lengths, size, compute)]
    values = np.concatenate(done)
    sums = np.zeros((len(windows.indices), *values.shape[1:]), np.float32)
    np.add.at(sums, windows.owners, values)
    counts = np.bincount(windows.owners).astype(np.float32)
    means = np.asarray(sums / counts[:, None, None], np.float32)
    return means, windows.indices
