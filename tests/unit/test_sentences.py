"""What lessons say below their pictures."""

import dataclasses

import pytest

from audio.hubert.preprocessing import model_input
from audio.transforms import inversion
from audio.transforms.griffin_lim import Search
from support.signals import silence, tone
from viz import closeup, rebuilding


def test_search_for_phases_says_how_near_it_came():
    clip = tone(duration_s=0.5)
    found = inversion.griffin_lim(clip, Search(n_iterations=8))
    said = rebuilding.describe(inversion.inverse_stft(clip), found, "en")
    end_db = found.convergence_db[-1]
    assert f"after 8 iterations: level error {end_db:.1f} dB" in said
    assert "mel" not in said
    banded = inversion.from_mel(clip, search=Search(n_iterations=0))
    assert "mel bands" in rebuilding.describe(
        inversion.inverse_stft(clip), banded, "en"
    )


def test_search_for_phases_is_a_curve_of_its_errors():
    found = inversion.griffin_lim(tone(duration_s=0.5), Search(n_iterations=8))
    curve, mark = rebuilding.convergence(found, "en").layers
    assert curve.ys == pytest.approx(found.convergence_db, abs=0.01)
    assert mark.words == [f"{found.convergence_db[-1]:.1f} dB".replace("-", "−")]


def test_silence_has_nothing_to_rebuild():
    found = inversion.griffin_lim(silence(0.2), Search(n_iterations=0))
    exact = inversion.inverse_stft(silence(0.2))
    assert "nothing to rebuild" in rebuilding.describe(exact, found, "en")


def test_model_s_input_says_what_is_not_heard():
    clip = tone(1000.0, duration_s=1.0)
    heard = model_input(clip)
    noisy = dataclasses.replace(heard, lost_db=-30.0)
    said = closeup.describe_model_input(noisy, clip, "HuBERT", "en")
    assert "16,000 values" in said
    assert "49 frames" in said
    assert "8,000 and 11,025 Hz" in said
    assert "-30.0 dB" in said
    mild = dataclasses.replace(heard, lost_db=None)
    assert "Nothing is lost" in closeup.describe_model_input(mild, clip, "HuBERT", "en")
