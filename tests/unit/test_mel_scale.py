"""The mel scale, its filter bank and its spectrogram against librosa."""

import dataclasses

import numpy as np
import pytest

from audio import transforms
from audio.transforms import Frames, MelBands
from audio.transforms.mel_scale import band_edges_hz, hz_to_mel, mel_filters, mel_to_hz
from errors import KnownError
from support.signals import noise, tone

RATE = 22_050
FULL = {"reference": "full_scale"}


def peak_hz(spectrogram):
    """The strongest row of a spectrogram, by its mean over time (Hz)."""
    return spectrogram.frequencies_hz[spectrogram.levels_db.mean(axis=1).argmax()]


def test_mel_equals_librosa():
    import librosa

    for rate, n_mels, fmax_hz in ((RATE, 128, 8000.0), (44_100, 64, 4000.0)):
        clip = noise(duration_s=1.5, sampling_rate=rate)
        theirs = librosa.feature.melspectrogram(
            y=clip.samples, sr=rate, n_mels=n_mels, fmax=fmax_hz
        )
        ours = transforms.mel(clip, MelBands(n_mels=n_mels, fmax_hz=fmax_hz))
        power = 10 ** (ours.levels_db.astype(np.float64) / 10)
        assert np.allclose(power, theirs / theirs.max(), rtol=1e-4, atol=0)
        assert ours.levels_db.max() == 0.0


def test_mel_filters_and_scale_equal_librosas():
    import librosa

    for rate, n_fft, n_mels, fmax_hz in (
        (RATE, 2048, 128, 8000.0),
        (16_000, 1024, 40, 8000.0),
        (44_100, 4096, 256, 22_050.0),
    ):
        theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmax=fmax_hz)
        ours, centres_hz = mel_filters(rate, n_fft, n_mels, fmax_hz)
        edges_hz = librosa.mel_frequencies(n_mels + 2, fmax=fmax_hz)
        assert np.abs(ours - theirs).max() < 1e-6 * theirs.max()
        assert np.allclose(centres_hz, edges_hz[1:-1])
    frequencies_hz = np.array([0.0, 440.0, 1000.0, 5000.0])
    assert np.allclose(hz_to_mel(frequencies_hz), librosa.hz_to_mel(frequencies_hz))
    assert np.allclose(mel_to_hz(hz_to_mel(frequencies_hz)), frequencies_hz)


def test_mel_edges_and_filters_equal_librosas_for_both_formulas():
    import librosa

    for formula in ("slaney", "htk"):
        for fmin_hz, fmax_hz, norm in ((0.0, 8000.0, "area"), (80.0, 11_025.0, "peak")):
            theirs = librosa.filters.mel(
                sr=RATE,
                n_fft=2048,
                n_mels=64,
                fmin=fmin_hz,
                fmax=fmax_hz,
                htk=formula == "htk",
                norm="slaney" if norm == "area" else None,
            )
            ours, _ = mel_filters(
                RATE, 2048, 64, fmax_hz, fmin_hz=fmin_hz, formula=formula, norm=norm
            )
            assert np.abs(ours - theirs).max() < 1e-5 * theirs.max()
            edges_hz = librosa.mel_frequencies(
                66, fmin=fmin_hz, fmax=fmax_hz, htk=formula == "htk"
            )
            assert np.allclose(band_edges_hz(64, fmin_hz, fmax_hz, formula), edges_hz)


def test_mel_takes_its_range_and_formula():
    import librosa

    clip = noise(duration_s=1.5)
    theirs = librosa.feature.melspectrogram(
        y=clip.samples, sr=RATE, n_mels=40, fmin=200.0, fmax=6000.0, htk=True
    )
    ours = transforms.mel(
        clip, MelBands(n_mels=40, fmin_hz=200.0, fmax_hz=6000.0, formula="htk")
    )
    power = 10 ** (ours.levels_db.astype(np.float64) / 10)
    assert np.allclose(power, theirs / theirs.max(), rtol=1e-4)


def test_mel_bands_of_height_1_read_a_sines_power_in_dbfs():
    bands = MelBands(n_mels=20, fmax_hz=11_025.0)
    centres_hz = transforms.mel(noise(), bands).frequencies_hz
    for band in (10, 15, 18):  # wide ones, so that all of the lobe is in the middle
        clip = tone(centres_hz[band], amplitude=0.1)
        spectrogram = transforms.mel(
            clip, dataclasses.replace(bands, norm="peak", **FULL)
        )
        assert spectrogram.levels_db[band, 20] == pytest.approx(-20, abs=0.5)
        assert spectrogram.reference == "full_scale"


def test_mel_refuses_what_has_no_meaning():
    for settings, code in (
        ({"fmin_hz": 4000.0, "fmax_hz": 4000.0}, "empty_band"),
        ({"fmin_hz": 9000.0}, "empty_band"),
        ({"fmin_hz": float("nan")}, "out_of_range"),
        ({"formula": "bark"}, "not_a_choice"),
        ({"norm": "none"}, "not_a_choice"),
        (FULL, "not_a_choice"),  # triangles of area 1 know no full scale
    ):
        with pytest.raises(KnownError) as refused:
            transforms.mel(noise(), MelBands(**settings))
        assert refused.value.code == code
    with pytest.raises(KnownError, match="not_a_choice"):
        transforms.mel(noise(), frames=Frames(pooling="median"))


def test_mel_bands_narrower_than_bins_are_not_empty():
    spectrogram = transforms.mel(noise(sampling_rate=96_000))
    assert spectrogram.levels_db.mean(axis=1).min() > -40
    low_tone = transforms.mel(tone(200.0, sampling_rate=96_000, amplitude=0.9))
    assert peak_hz(low_tone) == pytest.approx(200.0, abs=12)
    assert low_tone.n_fft == 2048


def test_mel_stops_at_nyquist():
    low_rate = transforms.mel(
        noise(sampling_rate=8000), MelBands(n_mels=40, fmax_hz=16_000.0)
    )
    at_nyquist = transforms.mel(
        noise(sampling_rate=8000), MelBands(n_mels=40, fmax_hz=4000.0)
    )
    assert np.array_equal(low_rate.levels_db, at_nyquist.levels_db)
