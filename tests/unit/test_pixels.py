"""Reductions to pixels keep what matters."""

import numpy as np
import pytest

from audio import transforms
from audio.clip import Clip
from audio.transforms import Frames, pixels
from audio.transforms.mel_scale import hz_to_mel
from support.signals import click, noise, sweep, tone


def test_envelope_keeps_an_asymmetric_wave_asymmetric():
    wave = np.tile([1.0, -0.25, -0.25, -0.25, -0.25], 1000)
    outline = pixels.envelope(Clip(wave, 8000).samples, 100)
    assert (outline.highs == 1.0).all()
    assert (outline.lows == -0.25).all()


def test_envelope_is_exact_where_shares_are_uneven():
    samples = noise(duration_s=0.1).samples
    outline = pixels.envelope(samples, 333)
    starts = [i * len(samples) // 333 for i in range(334)]
    for i in range(333):
        share = samples[starts[i] : starts[i + 1]]
        assert outline.lows[i] == share.min()
        assert outline.highs[i] == share.max()


def test_envelope_of_few_samples_is_the_samples():
    samples = noise().samples[:7]
    outline = pixels.envelope(samples, 100)
    assert np.array_equal(outline.lows, samples)
    assert np.array_equal(outline.highs, samples)
    assert len(pixels.envelope(samples[:0], 100).lows) == 0


def test_envelope_keeps_one_sample_of_a_long_clip():
    outline = pixels.envelope(click(60.0, 240.0).samples, 800)
    assert outline.highs.argmax() == 200
    assert outline.highs.max() == 1.0


def test_rows_hold_a_tone_on_the_row_of_its_frequency():
    n_rows, fmin_hz = 230, 32.0
    for frequency_hz in (50.0, 110.0, 440.0, 1000.0, 5000.0, 10_000.0):
        spectrogram = transforms.stft(tone(frequency_hz))
        for scale in ("log", "linear"):
            levels_db = pixels.rows(spectrogram, n_rows, scale, fmin_hz)
            brightest = levels_db.mean(axis=1)
            edges_hz = pixels.row_edges_hz(n_rows, scale, fmin_hz, 11_025.0)
            row = np.searchsorted(edges_hz, frequency_hz) - 1
            # Where rows are finer than bins, all rows of the nearest bin are as bright.
            assert brightest[row] > brightest.max() - 1.5
            far = np.abs(np.log2(edges_hz[:-1] / frequency_hz)) > 1
            assert brightest[far].max() < brightest.max() - 20


def test_rows_keep_every_bin_above_the_lowest_frequency():
    spectrogram = transforms.stft(sweep())
    levels_db = pixels.rows(spectrogram, 100, "log", 32.0)
    above = spectrogram.frequencies_hz >= 32.0
    loudest = spectrogram.levels_db[above].max(axis=0)
    assert np.array_equal(levels_db.max(axis=0), loudest)


def test_the_last_row_holds_nyquist():
    alternating = Clip(0.5 * (-1.0) ** np.arange(22_050), 22_050)
    spectrogram = transforms.stft(alternating)
    for scale in ("log", "linear"):
        levels_db = pixels.rows(spectrogram, 100, scale, 32.0)
        assert levels_db[-1, 10] == spectrogram.levels_db[-1, 10] > -7


def test_rows_edges_are_even_in_their_scale():
    log_hz = pixels.row_edges_hz(100, "log", 32.0, 11_025.0)
    linear_hz = pixels.row_edges_hz(100, "linear", 0.0, 11_025.0)
    assert np.allclose(np.diff(np.log(log_hz)), np.log(11_025 / 32) / 100)
    assert np.allclose(np.diff(linear_hz), 110.25)


def test_columns_keep_the_loudest_and_repeat_the_few():
    levels_db = np.array([[0.0, -3.0, -9.0, -1.0, -7.0]], np.float32)
    assert pixels.columns(levels_db, 2).tolist() == [[0.0, -1.0]]
    assert pixels.columns(levels_db, 10).tolist() == np.repeat(levels_db, 2, 1).tolist()


def test_outline_keeps_peaks_and_every_lonely_bin():
    spectrum = transforms.dft(tone(1000.0))
    frequencies_hz, levels_db = pixels.outline(spectrum, 500, 20.0)
    assert len(frequencies_hz) <= 500
    assert levels_db.max() == 0.0
    assert frequencies_hz[levels_db.argmax()] == pytest.approx(1000.0, abs=5.4)
    low = spectrum.frequencies_hz[(spectrum.frequencies_hz > 20)][:10]
    assert np.array_equal(frequencies_hz[:10], low)
    assert (np.diff(frequencies_hz) > 0).all()


def shown_on_each_scale(spectrogram, levels_db, frequencies_hz, n_rows, fmin_hz):
    """What pixel rows make of some rows, for each scale."""
    top_hz = spectrogram.frequencies_hz[-1]
    return [
        pixels.pooled_rows(
            levels_db,
            frequencies_hz,
            pixels.row_edges_hz(n_rows, scale, fmin_hz, top_hz),
        )
        for scale in pixels.SCALES
    ]


@pytest.mark.parametrize("n_fft", [64, 2048, 16_384])
@pytest.mark.parametrize("n_rows", [7, 300])
def test_fine_rows_draw_the_same_picture_on_every_scale(n_fft, n_rows):
    spectrogram = transforms.stft(noise(), Frames(n_fft=n_fft, hop_length=n_fft // 2))
    levels_db, frequencies_hz = pixels.fine_rows(spectrogram, n_rows, 32.0)
    assert len(levels_db) == len(frequencies_hz) <= 3 * n_rows + 2
    assert (np.diff(frequencies_hz) > 0).all()
    drawn = shown_on_each_scale(spectrogram, levels_db, frequencies_hz, n_rows, 32.0)
    for scale, picture in zip(pixels.SCALES, drawn, strict=True):
        whole = pixels.rows(spectrogram, n_rows, scale, 32.0)
        assert np.array_equal(picture, whole), scale


def test_fine_rows_keep_the_loudest_of_every_bin():
    spectrogram = transforms.stft(noise(), Frames(n_fft=16_384, hop_length=4096))
    levels_db, frequencies_hz = pixels.fine_rows(spectrogram, 100)
    loudest = spectrogram.levels_db.max(axis=0)
    assert np.array_equal(levels_db.max(axis=0), loudest)
    assert len(frequencies_hz) < 300 < len(spectrogram.frequencies_hz)


def test_fine_rows_of_few_bins_are_the_bins():
    spectrogram = transforms.stft(noise(), Frames(n_fft=256, hop_length=128))
    levels_db, frequencies_hz = pixels.fine_rows(spectrogram, 300)
    assert np.array_equal(levels_db, spectrogram.levels_db)
    assert np.array_equal(frequencies_hz, spectrogram.frequencies_hz)


def test_rows_on_the_mel_scale_are_even_in_mel():
    edges_hz = pixels.row_edges_hz(100, "mel", 32.0, 11_025.0)
    assert (edges_hz[0], edges_hz[-1]) == (32.0, 11_025.0)
    steps = np.diff(hz_to_mel(edges_hz))
    assert np.allclose(steps, steps[0])
