"""The pictures of the lessons on sampling, rebuilding and hearing."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from gallery import PAGE
from signals import silence, tone

from audio import back
from audio.bits import quantised
from audio.hearing import model_input
from audio.phases import Search
from audio.rates import resampled
from viz import closeup, hearing, rebuilding, style
from viz.style import Look


def test_search_for_phases_is_a_curve_of_its_errors():
    clip = tone(duration_s=0.5)
    found = back.griffin_lim(clip, Search(n_iterations=8))
    axes = rebuilding.figure(found, PAGE).axes[0]
    assert axes.lines[0].get_ydata().tolist() == list(found.convergence_db)
    assert "Error of the levels (dB)" in axes.get_ylabel()
    said = rebuilding.describe(back.inverse_stft(clip), found)
    assert (
        f"after 8 iterations its levels are {found.convergence_db[-1]:.1f} dB" in said
    )
    assert "mel" not in said
    banded = back.from_mel(clip, search=Search(n_iterations=0))
    assert "mel bands" in rebuilding.describe(back.inverse_stft(clip), banded)


def test_silence_has_nothing_to_rebuild():
    found = back.griffin_lim(silence(0.2), Search(n_iterations=0))
    ET.fromstring(style.svg(rebuilding.figure(found, PAGE), ""))
    assert "nothing to rebuild" in rebuilding.describe(
        back.inverse_stft(silence(0.2)), found
    )


def test_samples_are_points_on_the_curve():
    clip = tone(200.0, amplitude=0.8)
    sampled = resampled(clip, 2000, is_filtered=True)
    old, new, points = closeup.sampling(clip, sampled, 0.5, PAGE).axes[0].lines
    times_ms, values = points.get_data()
    assert np.diff(times_ms) == pytest.approx(0.5)
    assert len(times_ms) == 21
    truth = 0.8 * np.sin(2 * np.pi * 200 * (0.5 + times_ms / 1000))
    assert np.allclose(values, truth, atol=0.01)
    for line in (old, new):
        assert np.allclose(np.interp(times_ms, *line.get_data()), truth, atol=0.01)


def test_rounding_is_a_staircase_and_its_error_in_steps():
    clip = tone(200.0, amplitude=0.9)
    upper, lower = closeup.rounding(
        clip, quantised(clip, 3, is_dithered=False), 0.5
    ).axes
    stairs = upper.lines[1].get_ydata()
    assert set(stairs) <= set(np.arange(-4, 4) / 4)
    assert len(set(stairs)) >= 7
    assert 0.4 < np.abs(lower.lines[0].get_ydata()).max() <= 0.61


def test_model_s_frames_begin_every_20_ms_and_are_numbered():
    heard = model_input(tone(1000.0, duration_s=1.0))
    figure = hearing.figure(heard, 0.5, Look(900, 300, "page"))
    axes = figure.axes[0]
    starts_ms = [line.get_xdata()[0] for line in axes.lines[2:]]
    assert starts_ms == pytest.approx([20 * i for i in range(10)])
    numbers = [t.get_text() for t in axes.texts]
    assert numbers == [str(n) for n in range(26, 36)]  # 0.5 s is 25 frames in
    assert axes.lines[1].get_ydata().max() == pytest.approx(2**0.5, abs=0.01)
    assert "Time (ms) from 0.500 s" in axes.get_xlabel()


def test_model_s_input_says_what_is_not_heard():
    clip = tone(1000.0, duration_s=1.0)
    said = hearing.describe(model_input(clip), clip, -30.0)
    assert "16,000 values" in said
    assert "49 frames" in said
    assert "8,000 and 11,025 Hz" in said
    assert "-30.0 dB" in said
    assert "loses nothing" in hearing.describe(model_input(clip), clip, None)
