"""Train a simple model on the same songs: MFCC statistics and an SVM.

20 MFCCs and their deltas, each by its mean and standard deviation over the song, and a
support vector machine with a Gaussian kernel: what was usual before networks (G.
Tzanetakis and P. Cook, 2002, with another classifier). A network that does not beat it
has not earned its cost on these songs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError
from trainer.data.dataset import INT16_MAX, SongSet
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested

Indices = NDArray[np.int64]
Features = NDArray[np.float64]

NAME = "MFCC + SVM"
N_MFCC = 20
DELTA_WIDTH = 9  # frames
C_VALUES = (0.1, 1.0, 10.0, 100.0, 1000.0)
N_FOLDS = 5  # of the training songs, to choose C


def mfcc_statistics(samples: NDArray[np.float32]) -> Features:
    """Compute (4 * 20,) means and deviations of a song's MFCCs, then of their deltas.

    Args:
        samples: float32 (n_samples,) at 16 kHz.
    """
    import librosa

    coefficients = librosa.feature.mfcc(y=samples, sr=SAMPLING_RATE, n_mfcc=N_MFCC)
    deltas = librosa.feature.delta(coefficients, width=DELTA_WIDTH, mode="nearest")
    parts = [(each.mean(axis=1), each.std(axis=1)) for each in (coefficients, deltas)]
    return np.concatenate([value for part in parts for value in part])


def predict(
    songs: SongSet,
    train: Indices,
    test: Indices,
    *,
    groups: Sequence[str] = (),
    seed: int = 0,
    emit: Emit,
    should_stop: ShouldStop,
) -> tuple[Indices, float]:
    """Train on some songs, and predict the genres of others.

    Args:
        songs: all of them.
        train: (n_train,) which ones to train on.
        test: (n_test,) which ones to classify.
        groups: (n_songs,) songs of a group stay in one fold while C is chosen; empty for none.
        seed: of that choice's folds.
        emit: called with the progress.
        should_stop: called between songs.

    Returns:
        The label (n_test,) of each song, and the C that cross-validation chose.

    Raises:
        KnownError: ``baseline_one_genre`` where there is nothing to tell apart.
        StopRequested: between two songs.
    """
    labels = songs.labels[train]
    if len(set(labels)) < 2:
        raise KnownError("baseline_one_genre", n_songs=len(train))
    rows = []
    for done, index in enumerate([*train, *test]):
        if should_stop():
            raise StopRequested
        emit(Stage("baseline", done, len(train) + len(test)))
        song = songs.song(index).astype(np.float32) / np.float32(INT16_MAX)
        rows.append(mfcc_statistics(song))
    features = np.stack(rows)
    together = np.array(groups)[train] if len(groups) else None
    machine, c = _fitted(features[: len(train)], labels, together, seed)
    return np.asarray(machine.predict(features[len(train) :])), c


def _fitted(
    features: Features, labels: Indices, groups: NDArray[np.str_] | None, seed: int
) -> tuple[Any, float]:
    """Fit the SVM, its C chosen by cross-validation where every fold has every genre."""
    from sklearn.model_selection import (
        GridSearchCV,
        StratifiedGroupKFold,
        StratifiedKFold,
    )
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    machine = make_pipeline(StandardScaler(), SVC(kernel="rbf", gamma="scale"))
    fewest = int(np.bincount(labels)[np.unique(labels)].min())
    n_folds = min(N_FOLDS, fewest, len(labels if groups is None else set(groups)))
    if n_folds < 2:
        c = float(np.median(C_VALUES))
        return machine.set_params(svc__C=c).fit(features, labels), c
    folds = StratifiedKFold if groups is None else StratifiedGroupKFold
    cv = folds(n_folds, shuffle=True, random_state=seed)
    search = GridSearchCV(machine, {"svc__C": list(C_VALUES)}, cv=cv)
    search.fit(features, labels, groups=groups)
    return search.best_estimator_, float(search.best_params_["svc__C"])
