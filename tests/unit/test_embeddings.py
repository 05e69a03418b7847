"""Embeddings go into files and come back; anything else is refused."""

import csv
import io
import zipfile

import numpy as np
import pytest

from classifier import embeddings
from classifier.embeddings import Embeddings
from errors import KnownError


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, 4)).astype(np.float32)
    names, labels = ("曲 1.mp3", "=1+1", "c"), ("jazz", "", "rock")
    answers = ("jazz", "pop", "rock")
    return Embeddings(names, labels, answers, vectors, "hub:a/b", "f00", 16_000, 10.0)


def written(tmp_path, data):
    path = tmp_path / "songs.npz"
    path.write_bytes(data)
    return path


def test_npz_comes_back_whole(found, tmp_path):
    again = embeddings.of_npz(written(tmp_path, embeddings.as_npz(found)))
    assert (again.vectors == found.vectors).all()
    for name in (*embeddings.TEXTS, *embeddings.FACTS):
        assert getattr(again, name) == getattr(found, name)


def test_csv_has_every_number_and_no_formula(found):
    text = embeddings.as_csv(found).decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text))
    assert head == ["song", "label", "answer", *(f"feature_{i}" for i in range(4))]
    assert [row[0] for row in rows] == ["曲 1.mp3", "'=1+1", "c"]
    numbers = np.array([row[3:] for row in rows], np.float32)
    assert (numbers == found.vectors).all()


def arrays(**changes):
    usual = {
        "vectors": np.zeros((1, 2), np.float32),
        **{name: np.array(["a"]) for name in embeddings.TEXTS},
        "model": np.array("m"), "revision": np.array(""),
        "sampling_rate": np.array(16_000), "window_s": np.array(1.0),
    }  # fmt: skip
    file = io.BytesIO()
    np.savez(file, **{**usual, **changes})
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"no zip",
        arrays(vectors=np.zeros(3)),
        arrays(vectors=np.zeros((2, 2))),
        arrays(vectors=np.array([[np.nan, 0]])),
        arrays(vectors=np.array([["a", "b"]])),
        arrays(names=np.array(["a", "b"])),
        arrays(names=np.array([None])),  # a pickle
        arrays(sampling_rate=np.array([1, 2])),
        arrays(more=np.zeros(1)),
        arrays()[:-30],
    ],
)
def test_other_file_is_refused(data, tmp_path):
    with pytest.raises(KnownError, match="not_embeddings"):
        embeddings.of_npz(written(tmp_path, data))


def test_bomb_is_refused_by_its_directory_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(embeddings, "MOST_BYTES", 1000)
    data = arrays(vectors=np.zeros((1, 1000), np.float32))
    with pytest.raises(KnownError, match="not_embeddings"):
        embeddings.of_npz(written(tmp_path, data))


def test_array_that_claims_to_be_huge_is_refused(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 99999), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    fake = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(arrays())) as whole,
        zipfile.ZipFile(file, "w") as other,
    ):
        for name in whole.namelist():
            other.writestr(name, fake if name == "vectors.npy" else whole.read(name))
    with pytest.raises(KnownError, match="not_embeddings"):
        embeddings.of_npz(written(tmp_path, file.getvalue()))
