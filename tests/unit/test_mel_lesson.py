"""The lesson on mel bands: in dB and in power, and the filters behind them."""

import re

import numpy as np
import pytest

import i18n
from audio.clip import Clip
from errors import KnownError
from support.plots import unpacked
from support.scenes import scene_of
from support.signals import silence, tone
from ui.tabs.see import mel


def test_mel_and_stft_beside_it_share_their_axes():
    sheet = mel.draw(scene_of(tone()), 64, "htk", 50, mel.NYQUIST, True, "level")
    bands, linear = sheet.plots
    assert (bands.x, bands.y) == (linear.x, linear.y)
    assert bands.layers[0].frequencies_hz[0] > 50


def test_mel_power_is_the_share_of_the_loudest():
    clip = tone(1000.0, duration_s=2.0)
    ten_db_lower = np.r_[clip.samples[:22_050], clip.samples[22_050:] * 10**-0.5]
    scene = scene_of(Clip(ten_db_lower, 22_050))
    levels, powers = (
        mel.draw(scene, 64, "slaney", 0, 8000, False, quantity).plots[0].layers[0]
        for quantity in mel.QUANTITIES
    )
    assert powers.label == "Power (share of the loudest)"
    assert (powers.quantity, powers.limits) == ("power", (0.0, 1.0))
    shown = unpacked(powers)
    row, quarter = shown.max(axis=1).argmax(), powers.n_columns // 4
    assert shown[row, quarter] == pytest.approx(1.0, abs=0.01)
    assert shown[row, -quarter] == pytest.approx(0.1, abs=0.004)
    # Levels are half a decibel apart, so they tell power to 6 %.
    assert np.allclose(shown, 10 ** (unpacked(levels) / 10), atol=0.06)


def test_mel_power_says_how_much_of_the_picture_stays_dark():
    about = mel.draw(scene_of(tone()), 128, "slaney", 0, 8000, False, "power").about
    assert re.search(r"9\d% of the picture is below a hundredth", about)
    silent = mel.draw(scene_of(silence()), 128, "slaney", 0, 8000, False, "power")
    assert "hundredth" not in silent.about
    assert unpacked(silent.plots[0].layers[0]).max() == 0


def test_linear_stft_beside_mel_power_stays_in_db():
    sheet = mel.draw(scene_of(tone()), 64, "slaney", 0, 8000, True, "power")
    quantities = [plot.layers[0].quantity for plot in sheet.plots]
    assert quantities == ["power", "level"]


def test_mel_bands_that_would_be_empty_are_refused_by_both_pictures():
    scene = scene_of(tone(100.0, sampling_rate=500))
    with pytest.raises(KnownError) as caught:
        mel.draw(scene, 32, "htk", 300, mel.NYQUIST, False, "level")
    assert i18n.sentence(caught.value)
    with pytest.raises(KnownError) as caught:
        mel.draw_filters(scene, 32, "htk", 300, mel.NYQUIST)
    assert i18n.sentence(caught.value)


def test_mel_formula_and_lowest_frequency_move_bands_and_filters():
    scene = scene_of(tone())
    centres_hz, corners_hz = set(), set()
    for formula, fmin_hz in (("slaney", 0), ("htk", 0), ("slaney", 300)):
        image = mel.draw(scene, 32, formula, fmin_hz, 8000, False, "level")
        bank = mel.draw_filters(scene, 32, formula, fmin_hz, 8000)
        centres_hz.add(image.plots[0].layers[0].frequencies_hz[5])
        corners_hz.add(bank.plots[0].layers[5].xs[1])
    assert centres_hz == corners_hz
    assert len(centres_hz) == 3


def test_filters_are_librosa_s():
    import librosa

    for formula, is_htk in (("slaney", False), ("htk", True)):
        sheet = mel.draw_filters(scene_of(tone()), 40, formula, 100, 8000)
        edges_hz = librosa.mel_frequencies(42, fmin=100, fmax=8000, htk=is_htk)
        triangles = sheet.plots[0].layers
        corners = [line.xs for line in triangles]
        wanted = [edges_hz[i : i + 3] for i in range(40)]
        assert np.allclose(corners, wanted, atol=0.01)
    assert {line.name for line in sheet.plots[1].layers} == {"Slaney", "HTK"}
