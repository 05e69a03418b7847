"""Split songs into training, validation and test parts.

The validation part chooses the best checkpoint; the test part is evaluated once, at the
end, because a score on songs that chose the checkpoint is too high. The tutorial has one
part for both, so that ``validation`` and ``test`` are then the same songs.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

import process
from errors import KnownError

Indices = NDArray[np.int64]
PARTS = ("train", "validation", "test")
FILTERED = Path(__file__).parent / "gtzan_filtered.txt"
MIN_GROUPS = 3  # one for each part


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of songs.

    Attributes:
        train: (n_train,) to train on.
        validation: (n_validation,) to choose the best checkpoint on.
        test: (n_test,) to evaluate once; the same as ``validation`` where there are
            only two parts.
    """

    train: Indices
    validation: Indices
    test: Indices

    @property
    def is_honest(self) -> bool:
        """Whether the test songs did not choose the checkpoint."""
        return self.validation is not self.test

    def by_name(self, names: Sequence[str]) -> dict[str, list[str]]:
        """List the songs of each part; validation songs only where no test song is one.

        Args:
            names: (n_songs,) displayed names of all songs.
        """
        parts = PARTS if self.is_honest else ("train", "test")
        return {part: [names[i] for i in getattr(self, part)] for part in parts}


@dataclass(frozen=True)
class SplitOptions:
    """Options of a split.

    Attributes:
        scheme: of ``config.SCHEMES``.
        test_fraction: share of the songs in the test part.
        validation_fraction: share of the songs in the validation part; 0 for none.
        seed: of the random choice.
    """

    scheme: str = "stratified"
    test_fraction: float = 0.2
    validation_fraction: float = 0.0
    seed: int = 42


def split(
    labels: Indices,
    options: SplitOptions,
    *,
    groups: Sequence[str] = (),
    listed: Sequence[str] = (),
) -> Split:
    """Split songs into parts.

    Args:
        labels: (n_songs,) each song's genre.
        options: of the split.
        groups: (n_songs,) of songs that stay together, such as the artist ("group").
        listed: (n_songs,) part of each song, of ``PARTS``; others are left out
            ("listed").

    Raises:
        KnownError: ``no_groups`` or ``not_listed`` where the scheme needs what the
            songs do not have.
    """
    if options.scheme == "listed":
        return _listed(listed)
    if options.scheme == "group" and len(set(groups)) < MIN_GROUPS:
        raise KnownError("no_groups", n_groups=len(set(groups)), minimum=MIN_GROUPS)
    schemes = {"random": _random, "stratified": _stratified, "group": _grouped}
    everything = np.arange(len(labels))
    cut = functools.partial(
        schemes[options.scheme],
        labels=labels,
        groups=np.array(groups),
        seed=options.seed,
    )
    rest, test = cut(everything, options.test_fraction)
    if not options.validation_fraction:
        return Split(rest, test, test)
    share = options.validation_fraction / (1 - options.test_fraction)
    train, validation = cut(rest, share)
    return Split(train, validation, test)


def filtered_parts(names: Sequence[str]) -> list[str]:
    """Look up each GTZAN clip's part in the fault-filtered lists; "" where in none.

    Args:
        names: (n_songs,) such as "blues.00029.wav".
    """
    table = _filtered()
    return [table.get(".".join(PurePath(n).name.split(".")[:2]), "") for n in names]


@functools.cache
def _filtered() -> Mapping[str, str]:
    """Read the fault-filtered lists: clip to part."""
    table: dict[str, str] = {}
    for line in FILTERED.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        part, genre, *ranges = line.split()
        for each in ranges:
            first, _, last = each.partition("-")
            numbers = range(int(first), int(last or first) + 1)
            table |= {f"{genre}.{number:05d}": part for number in numbers}
    return table


def _listed(listed: Sequence[str]) -> Split:
    """Split by a list; without a validation part there, the test part is both."""
    parts = [np.flatnonzero(np.array(listed) == part) for part in PARTS]
    train, validation, test = parts
    if not len(train) or not len(test):
        raise KnownError("not_listed", n_train=len(train), n_test=len(test))
    return Split(train, validation if len(validation) else test, test)


def _random(
    songs: Indices, fraction: float, *, labels: Indices, groups: object, seed: int
) -> tuple[Indices, Indices]:
    """Split with ``datasets``' shuffle, which gives the tutorial's songs."""
    process.settle()
    import datasets

    parts = datasets.Dataset.from_dict({"song": songs}).train_test_split(
        test_size=fraction, seed=seed
    )
    return np.array(parts["train"]["song"]), np.array(parts["test"]["song"])


def _stratified(
    songs: Indices, fraction: float, *, labels: Indices, groups: object, seed: int
) -> tuple[Indices, Indices]:
    """Split each genre in the same proportion, with one song at least on each side."""
    rng = np.random.default_rng(seed)
    train: list[int] = []
    test: list[int] = []
    for label in np.unique(labels[songs]):
        of_genre = rng.permutation(songs[labels[songs] == label])
        n_test = min(max(round(fraction * len(of_genre)), 1), len(of_genre) - 1)
        test.extend(of_genre[:n_test])
        train.extend(of_genre[n_test:])
    return rng.permutation(train), rng.permutation(test)


def _grouped(
    songs: Indices,
    fraction: float,
    *,
    labels: Indices,
    groups: NDArray[np.str_],
    seed: int,
) -> tuple[Indices, Indices]:
    """Split by whole groups, with the genres' proportions as equal as possible."""
    from sklearn.model_selection import StratifiedGroupKFold

    most_alike = int(np.bincount(labels[songs]).max())  # songs of one genre
    n_folds = min(max(round(1 / fraction), 2), len(set(groups[songs])), most_alike)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    train, test = next(folds.split(songs, labels[songs], groups[songs]))
    return songs[train], songs[test]
