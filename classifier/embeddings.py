"""Songs as vectors: what a model computes of each, kept as NPZ and as CSV.

A song's embedding is the mean over its windows of the model's pooled features
(``networks.forward``): songs that the model computes alike lie near each other, whatever
genre it names in the end.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.report import harmless
from errors import KnownError
from networks.checkpoint import LoadedModel

TEXTS = ("names", "labels", "answers")  # arrays of strings
FACTS = ("model", "revision", "sampling_rate", "window_s")  # of all songs
# Of the arrays in an NPZ: 10,000 songs of 1,536 features take 62 MB.
MOST_BYTES = 500_000_000
MAX_SONGS = 10_000  # of one map


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Songs and their embeddings.

    Attributes:
        names: (n_songs,) for display.
        labels: (n_songs,) the genre that a folder or a table gives; "" where none does.
        answers: (n_songs,) the genre that the model finds likeliest.
        vectors: float32 (n_songs, n_features).
        model: key of the model, such as ``bundled``.
        revision: commit of a model of the Hub; "" of others.
        sampling_rate: of the model's input (Hz).
        window_s: length of its windows (s).
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    answers: tuple[str, ...]
    vectors: NDArray[np.float32]
    model: str
    revision: str
    sampling_rate: int
    window_s: float


def of(
    names: Sequence[str],
    labels: Sequence[str],
    answers: Sequence[str],
    vectors: Sequence[NDArray[np.float32]],
    model: LoadedModel,
) -> Embeddings:
    """Put songs together that one model has computed; see ``Embeddings``."""
    ref = model.ref
    return Embeddings(
        tuple(names),
        tuple(labels),
        tuple(answers),
        np.stack(vectors),
        ref.key,
        ref.revision or "",
        model.sampling_rate,
        model.window_s,
    )


def as_npz(found: Embeddings) -> bytes:
    """Write embeddings as an NPZ file: the fields of ``Embeddings``, an array each."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {"vectors": found.vectors}
    arrays |= {name: np.array(getattr(found, name), np.str_) for name in TEXTS}
    arrays |= {name: np.array(getattr(found, name)) for name in FACTS}
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def of_npz(path: Path) -> Embeddings:
    """Read what ``as_npz`` wrote; the file may be anything.

    Raises:
        KnownError: ``not_embeddings`` or ``too_many_on_map``.
    """
    error = KnownError("not_embeddings", name=path.name)
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as file:
            names, labels, answers = (tuple(map(str, file[name])) for name in TEXTS)
            found = Embeddings(
                names,
                labels,
                answers,
                np.asarray(file["vectors"], np.float32),
                str(file["model"]),
                str(file["revision"]),
                int(file["sampling_rate"]),
                float(file["window_s"]),
            )
    # Of a file that is no zip, holds other arrays, or arrays of another kind.
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as cause:
        raise error from cause
    except (EOFError, NotImplementedError, MemoryError, SyntaxError) as cause:
        raise error from cause
    n_songs = len(found.names)
    counts = {len(found.labels), len(found.answers), n_songs}
    is_table = found.vectors.ndim == 2 and len(found.vectors) == n_songs
    if len(counts) > 1 or not is_table or not np.isfinite(found.vectors).all():
        raise error
    if not 0 < n_songs <= MAX_SONGS:
        raise KnownError("too_many_on_map", n=n_songs, most=MAX_SONGS)
    return found


def _check_size(path: Path) -> None:
    """Refuse a zip that would unpack to too much, by its directory alone."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    expected = {f"{name}.npy" for name in (*TEXTS, *FACTS, "vectors")}
    if {each.filename for each in entries} != expected:
        raise ValueError("other arrays")
    if sum(each.file_size for each in entries) > MOST_BYTES:
        raise ValueError("too large")


def as_csv(found: Embeddings) -> bytes:
    """Write embeddings as a CSV: song, label, the model's answer, then the features."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    features = [f"feature_{number}" for number in range(found.vectors.shape[1])]
    writer.writerow(["song", "label", "answer", *features])
    songs = zip(found.names, found.labels, found.answers, strict=True)
    for texts, vector in zip(songs, found.vectors, strict=True):
        # Nine digits are a float32 whole.
        writer.writerow([*map(harmless, texts), *(f"{value:.9g}" for value in vector)])
    return file.getvalue().encode("utf-8-sig")  # by its mark Excel knows the encoding
