"""Processes that prepare windows while a GPU computes."""

import multiprocessing

import numpy as np
import pytest

from networks.small_hubert import feature_extractor, small_hubert
from support.signals import noise
from support.small_runs import config_for, of, trained
from support.songs import prepared, song_folder
from trainer.data import sources, windows
from trainer.evaluation import evaluate
from trainer.run.events import Evaluated, Step


class OfSpectrograms:
    """Where the model's class has no convolutions of samples."""

    base_model_prefix = "audio_spectrogram_transformer"


@pytest.mark.parametrize(
    ("is_gpu", "takes_samples", "augmentation", "expected"),
    [
        (True, True, False, 0),  # 2 ms a window: less than the GPU takes
        (True, True, True, 4),
        (True, False, False, 4),
        (False, False, True, 0),  # the processor is busy with the model
    ],
)
def test_a_gpu_is_fed_by_others_where_a_window_is_costly(
    monkeypatch, is_gpu, takes_samples, augmentation, expected
):
    monkeypatch.setattr(windows.os, "cpu_count", lambda: 16)
    monkeypatch.setattr(
        windows.architecture, "takes_samples", lambda model: takes_samples
    )
    given = {"is_gpu": is_gpu, "augmentation": augmentation}
    assert windows.n_workers(OfSpectrograms(), **given) == expected


def test_no_more_processes_than_cores(monkeypatch):
    monkeypatch.setattr(windows.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(windows.architecture, "takes_samples", lambda model: False)
    assert windows.n_workers(OfSpectrograms(), is_gpu=True) == 2


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    root = tmp_path_factory.mktemp("songs")
    return prepared(sources.folder_songs(song_folder(root / "songs", 3)), root)[0]


def everything(songs):
    return windows.AllWindows(songs, np.arange(6), feature_extractor(), 0.5)


@pytest.mark.parametrize("n_workers", [0, 2])
def test_windows_come_in_order_and_again_for_smaller_batches(songs, n_workers):
    every = everything(songs)
    places = [4, 2, 0, 1, 5]
    reader = windows.WindowReader(every, places, n_workers)
    expected = np.stack([every[place]["input_values"] for place in places])
    assert np.array_equal(reader.values(range(0, 4)), expected[:4])
    assert np.array_equal(reader.values(range(0, 2)), expected[:2])
    assert np.array_equal(reader.values(range(2, 5)), expected[2:])
    assert not multiprocessing.active_children() or n_workers


def test_evaluation_by_other_processes_is_the_same(songs, monkeypatch):
    model = small_hubert(songs.genres, 0).eval()

    def logits():
        told = {"emit": lambda event: None, "should_stop": lambda: False}
        return evaluate.predict(model, everything(songs), **told).logits

    expected = logits()
    monkeypatch.setattr(evaluate, "_n_workers", lambda model, windows: 2)
    assert np.array_equal(logits(), expected)


def ran(tmp_path, name):
    folder = tmp_path / "songs"
    given = folder if folder.exists() else song_folder(folder, 4)
    (tmp_path / name).mkdir()
    config = config_for(given, augmentation=True, n_steps=4, eval_every_n_steps=2)
    _, told = trained(config, tmp_path / name, tmp_path / "cache")
    return [e.loss for e in of(told, Step)], [e.loss for e in of(told, Evaluated)]


def test_training_by_other_processes_draws_the_same_windows(tmp_path, monkeypatch):
    """In every epoch new ones: the number of the epoch reaches all processes."""
    expected = ran(tmp_path, "alone")
    monkeypatch.setattr(windows, "n_workers", lambda *_, **__: 2)
    found = ran(tmp_path, "fed")
    assert found == (pytest.approx(expected[0]), pytest.approx(expected[1]))


def test_augmentation_computes_in_single_precision_at_a_quick_length(monkeypatch):
    """A length with large prime factors took seven times as long."""
    import scipy.fft

    asked, real = [], scipy.fft.rfft

    def rfft(samples, n_fft):
        found = real(samples, n_fft)
        asked.append((n_fft, found.dtype))
        return found

    monkeypatch.setattr(scipy.fft, "rfft", rfft)
    samples = noise(duration_s=30.0, sampling_rate=16_000).samples[:479_957]
    assert len(windows.augment(samples, np.random.default_rng(0))) == 479_957
    ((n_fft, dtype),) = asked
    assert dtype == np.complex64
    for factor in (2, 3, 5):
        while n_fft % factor == 0:
            n_fft //= factor
    assert n_fft == 1


def test_augmentation_tilts_about_1_khz_and_adds_noise_below():
    rng = np.random.default_rng(3)
    samples = noise(duration_s=4.0, sampling_rate=16_000).samples
    given = windows.augment(samples, rng)
    assert given.dtype == np.float32
    assert given.shape == samples.shape
    before, after = (np.abs(np.fft.rfft(each)) for each in (samples, given))
    ratio_db = 20 * np.log10(after / before)
    frequencies_hz = np.fft.rfftfreq(len(samples), 1 / 16_000)

    def level(centre_hz):
        near = np.abs(frequencies_hz / centre_hz - 1) < 0.05
        return np.median(ratio_db[near])

    octave_db = level(2000) - level(1000)
    assert level(1000) == pytest.approx(0.0, abs=0.2)
    assert level(4000) - level(2000) == pytest.approx(octave_db, abs=0.2)
    assert abs(octave_db) <= 3.0
