"""The pictures' numbers: the same as matplotlib's, and right."""

import numpy as np
import pytest

import i18n
import viz.dft
import viz.spectrogram
import viz.waveform
from audio import transforms
from audio.hubert.preprocessing import model_input
from audio.levels import loudness
from audio.synth.examples import example
from audio.transforms import Frames, pixels
from audio.transforms.partials import peaks
from audio.transforms.quantization import quantised
from support.plots import unpacked
from support.signals import chord, click, noise, sweep, tone
from ui import sheets
from ui.scene import Scene, Transforms
from ui.tabs.see import spectrogram
from viz import closeup
from viz.plot import BOTTOM_DB, N_COLUMNS


def wave_plot(clip, shown_s=None, **options):
    shown_s = shown_s or (0.0, clip.duration_s)
    return viz.waveform.plot(clip, shown_s, loudness(clip), "en", **options)


def test_waveform_s_band_has_the_extremes_of_each_column():
    clip = noise(duration_s=3.0)
    (band,) = wave_plot(clip).layers
    outline = pixels.envelope(clip.samples, N_COLUMNS)
    assert np.allclose(band.lows, outline.lows, atol=1e-5)
    assert np.allclose(band.highs, outline.highs, atol=1e-5)
    assert max(band.highs) == pytest.approx(clip.samples.max(), abs=1e-5)
    assert min(band.lows) == pytest.approx(clip.samples.min(), abs=1e-5)


def test_few_samples_are_dots_on_the_only_curve_through_them():
    clip = tone(3000.0, sampling_rate=8000)
    curve, dots = wave_plot(clip, (0.5, 0.505)).layers
    assert (curve.shape, dots.shape) == ("line", "dots")
    assert len(dots.xs) == 41  # both ends included
    wave = 0.5 * np.sin(2 * np.pi * 3000 * np.array(curve.xs))
    assert np.abs(wave - curve.ys).max() < 1e-3
    assert dots.xs[0] == pytest.approx(0.5)


def test_samples_in_between_are_joined_so_that_nothing_gapes():
    (line,) = wave_plot(tone(duration_s=5.0), (1.0, 1.2)).layers
    assert line.shape == "line"
    assert len(line.xs) == 4411


def test_quiet_sound_can_fill_the_height():
    quiet = tone(amplitude=0.01)
    assert wave_plot(quiet).y.stop == pytest.approx(1.05)
    assert wave_plot(quiet, is_stretched=True).y.stop == pytest.approx(0.011, rel=1e-3)


def test_click_of_a_long_sound_stays_the_highest():
    (band,) = wave_plot(click(30.0, duration_s=60.0, width_s=0.003)).layers
    assert max(band.highs) == 1.0
    assert np.argmax(band.highs) == pytest.approx(512, abs=1)


def cut(clip):
    return viz.spectrogram.Cut((0.0, clip.duration_s), "en")


@pytest.mark.parametrize("scale", ["linear", "log", "mel"])
def test_spectrogram_s_pixels_show_the_loudest_bins(scale):
    clip = sweep()
    levels = transforms.stft(clip, Frames(n_columns=N_COLUMNS))
    plot = viz.spectrogram.stft(levels, cut(clip))
    (image,) = plot.layers
    n_rows, fmin_hz = viz.spectrogram.N_ROWS, plot.y.start
    edges_hz = pixels.row_edges_hz(n_rows, scale, fmin_hz, plot.y.stop)
    shown = pixels.pooled_rows(
        unpacked(image), np.array(image.frequencies_hz), edges_hz
    )
    wanted = np.maximum(pixels.rows(levels, n_rows, scale, fmin_hz), BOTTOM_DB)
    assert np.abs(shown - wanted).max() <= 0.2501


def test_spectrogram_s_image_lies_half_a_column_around_its_frames():
    clip = tone(duration_s=30.0)
    levels = transforms.stft(clip, Frames(n_columns=N_COLUMNS))
    plot = viz.spectrogram.stft(levels, cut(clip))
    (image,) = plot.layers
    half_s = levels.column_s / 2
    assert image.start_s == pytest.approx(levels.times_s[0] - half_s)
    assert image.stop_s == pytest.approx(levels.times_s[-1] + half_s)
    assert plot.facts[0] == "frames of 2,048 samples (92.9 ms)"
    assert "overlap 75%" in plot.facts


def test_mel_picture_has_the_bands_levels():
    clip = chord()
    levels = transforms.mel(clip, frames=Frames(n_columns=N_COLUMNS))
    plot = viz.spectrogram.mel(levels, cut(clip))
    (image,) = plot.layers
    difference_db = unpacked(image) - np.maximum(levels.levels_db, BOTTOM_DB)
    assert np.abs(difference_db).max() <= 0.2501
    assert plot.y.scales[0] == "mel"
    assert 0 < plot.y.start < image.frequencies_hz[0]


def test_pooled_columns_say_what_they_show():
    clip = noise(duration_s=60.0)
    for pooling, said in (("peak", "the loudest of"), ("mean", "the mean power of")):
        levels = transforms.stft(clip, Frames(n_columns=N_COLUMNS, pooling=pooling))
        facts = viz.spectrogram.frame_facts(levels, cut(clip))
        assert any(said in fact for fact in facts)


@pytest.mark.parametrize("n_samples", [4096, 65_536])
def test_spectrum_s_curve_loses_no_peak_on_either_axis(n_samples):
    levels = transforms.dft(noise(duration_s=4.0), n_samples=n_samples)
    shown_hz, _ = viz.dft.shown_bins(levels, 20.0)
    on_log_axis, _ = pixels.outline(levels, N_COLUMNS, 20.0)
    assert set(on_log_axis) <= set(shown_hz)
    n_each = max(-(-len(levels.levels_db) // N_COLUMNS), 1)
    around = np.pad(levels.levels_db, n_each, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(around, 2 * n_each + 1)
    is_peak = levels.levels_db >= around.max(axis=1)
    is_peak &= levels.frequencies_hz >= 20
    assert set(levels.frequencies_hz[is_peak]) <= set(shown_hz)
    assert len(shown_hz) < 4000
    assert np.all(np.diff(shown_hz) > 0)


def test_spectrum_s_peaks_are_marked_where_they_are():
    levels = transforms.dft(example("brass"), start_s=1.0)
    partials = peaks(levels, viz.dft.N_PEAKS)
    marks = viz.dft.plot(levels, partials, "en").layers[1]
    assert marks.xs == pytest.approx([p.frequency_hz for p in partials], abs=0.01)
    assert marks.ys == pytest.approx([p.level_db for p in partials], abs=0.01)


def test_staircase_stands_on_its_steps():
    clip = tone(440.0)
    rounded = quantised(clip, 3, is_dithered=False)
    *rules, before, stairs = closeup.staircase(clip, rounded, 0.2, 0.0, "en").layers
    assert (before.shape, stairs.shape) == ("line", "steps")
    assert {rule.shape for rule in rules} == {"rule"}
    assert set(stairs.ys) <= {rule.ys[0] for rule in rules}
    error = closeup.error(rounded, 0.2, 0.0, "en").layers[0]
    assert max(np.abs(error.ys)) <= 0.5001


def test_model_s_frames_begin_every_20_ms():
    heard = model_input(tone(duration_s=2.0))
    plot = closeup.model_frames(heard, 0.5, "en")
    rules = [
        layer.xs[0] for layer in plot.layers if getattr(layer, "shape", "") == "rule"
    ]
    assert np.allclose(np.diff(rules), 0.02)
    assert rules[0] == pytest.approx(0.5)
    wave = next(each for each in plot.layers if getattr(each, "shape", "") == "line")
    assert len(wave.xs) == 3201
    assert np.allclose(wave.ys, heard.samples[8000:11_201], atol=1e-4)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_number_has_a_hyphen_for_a_minus(language):
    scene = Scene(tone(amplitude=0.1), Transforms(), language)
    for sheet in (
        sheets.waveform(scene, False),
        spectrogram.draw(scene, 2048, 0, 4, "hann", "peak"),
    ):
        said = [sheet.about, *sum(sheet.table, ()), *sheet.plots[0].facts]
        assert any("−" in text for text in said)
        assert not any(f"-{digit}" in text for text in said for digit in range(10))
