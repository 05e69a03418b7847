"""The lessons' own functions: what they draw, say and let hear."""

import io
import wave

import numpy as np
import pytest
from gallery import PAGE
from signals import chord, noise, silence, tone

from audio import dsp
from audio.clip import Clip
from audio.examples import example
from ui import sounds
from ui.lessons import back, frame, hearing, sampling, spectrum


def cells(html):
    rows = [row.split("<td>")[1:] for row in html.split("<tr>")]
    return [[cell.split("</td>")[0] for cell in row] for row in rows if row]


def test_sound_file_is_as_loud_as_its_clip():
    quiet = tone(440.0, amplitude=0.01)
    with wave.open(io.BytesIO(sounds.wav(quiet))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
        assert file.getframerate() == quiet.sampling_rate
    assert np.abs(samples - quiet.samples).max() < 1 / 32767


def test_passage_of_a_new_sound_is_its_loudest():
    clip = Clip(np.r_[np.zeros(1000), 1.0, np.zeros(1000)], 1000)
    assert frame.loudest_s(clip, 100) == pytest.approx(0.95)
    assert frame.loudest_s(clip, 4096) == 0.0
    assert frame.loudest_s(Clip([], 1000), 10) == 0.0


@pytest.mark.parametrize(
    ("at_s", "start_s"), [(0.0, 0.0), (12.0, 7.0), (29.9, 20.0), (30.0, 20.0)]
)
def test_excerpt_is_ten_seconds_around_the_position(at_s, start_s):
    clip = noise(duration_s=30.0, sampling_rate=1000)
    start, part = frame.excerpt(clip, at_s)
    assert (start, part.duration_s) == (start_s, 10.0)
    first = round(start_s * 1000)
    assert np.array_equal(part.samples, clip.samples[first : first + 10_000])


def test_excerpt_of_a_short_sound_is_all_of_it():
    clip = noise(duration_s=3.0)
    assert frame.excerpt(clip, 2.0)[1].n_samples == clip.n_samples


def test_spectrum_names_the_notes_of_its_peaks():
    html = spectrum.draw(chord((440.0, 880.0)), PAGE, 0.2, 4096, "hann", "full_scale")
    first, second = cells(html)
    assert first[0] == "1"
    assert first[1].startswith(("440.", "439.9"))
    assert first[2].endswith(" dBFS")
    assert first[3:] == ["A4", "0", "1 ×"]
    assert second[3:] == ["A5", "0", "2 ×"]
    assert "Fundamental: 4" in html
    assert "Level (dBFS)" in html


def test_spectrum_of_the_brass_tone_has_its_second_harmonic_strongest():
    html = spectrum.draw(example("brass"), PAGE, 0.5, 4096, "hann", "peak")
    rows = cells(html)
    assert [row[5] for row in rows] == [f"{n} ×" for n in range(1, len(rows) + 1)]
    assert [row[2] for row in rows][1] == "0.0 dB"
    assert rows[0][3] == "D♯5/E♭5"
    assert "Level (dB relative to peak)" in html


@pytest.mark.parametrize("clip", [silence(), noise()], ids=["silence", "noise"])
def test_spectrum_without_peaks_has_no_table(clip):
    html = spectrum.draw(clip, PAGE, 0.0, 4096, "hann", "peak")
    assert "<table" not in html
    assert "<svg" in html


def test_sound_comes_back_exactly_with_phase_and_nearly_without():
    clip = chord(duration_s=1.0)
    exact, few = back.there_and_back(clip, "stft", 1)
    _, many = back.there_and_back(clip, "stft", 32)
    assert exact.is_cola
    assert exact.error_db < -120
    assert len(many.convergence_db) == 33
    assert many.convergence_db[-1] < few.convergence_db[-1] - 5
    _, banded = back.there_and_back(clip, "mel", 8)
    assert banded.target_error_db > many.target_error_db


def test_tone_sampled_too_slowly_is_heard_as_another():
    clip = tone(5000.0, duration_s=1.0)
    html = sampling.draw_rate(clip, PAGE, 0.3, 4000, False)
    assert "1.00 s at 4,000 Hz are 4,000 values" in html
    assert "5,000 Hz, does not fit and is heard as 1,000 Hz" in html
    heard = sampling.hear_rate(clip, 0.3, 4000, False)
    assert heard.sampling_rate == sampling.PLAYED_RATE
    peak = dsp.strongest(dsp.dft(heard, start_s=0.3))
    assert peak.frequency_hz == pytest.approx(1000.0, abs=2)
    assert np.abs(heard.samples).max() == pytest.approx(0.5, abs=0.05)
    assert "was filtered out" in sampling.draw_rate(clip, PAGE, 0.3, 4000, True)
    silent = sampling.hear_rate(clip, 0.3, 4000, True).slice(0.2, 0.8)
    assert np.abs(silent.samples).max() < 1e-3


def test_tone_below_nyquist_stays():
    html = sampling.draw_rate(tone(1000.0), PAGE, 0.3, 8000, False)
    assert "1,000 Hz, fits" in html


def test_full_scale_sine_in_few_bits_keeps_the_rule():
    clip = tone(997.0, duration_s=2.0, amplitude=0.99)  # 1 is cut
    html = sampling.draw_bits(clip, PAGE, 0.5, 8, False)
    assert "8 bits hold 256 values" in html
    assert "6.02 × 8 + 1.76 = 49.9 dB" in html
    measured_db = float(html.split("The signal lies ")[1].split(" dB")[0])
    assert measured_db == pytest.approx(49.9, abs=0.3)
    assert len(np.unique(sampling.hear_bits(clip, 0.5, 2, False).samples)) == 4


@pytest.mark.parametrize("is_on", [False, True])
@pytest.mark.parametrize(
    "clip", [silence(), Clip([], 8000), Clip([0.5], 8000), tone(duration_s=0.004)]
)
def test_odd_sounds_have_their_lessons(clip, is_on):
    assert "<svg" in sampling.draw_rate(clip, PAGE, 0.0, 2000, is_on)
    assert "<svg" in hearing.draw(clip, PAGE, 0.0)
    assert "<svg" in sampling.draw_bits(clip, PAGE, 0.0, 4, is_on)
    assert sounds.wav(sampling.hear_rate(clip, 0.0, 2000, is_on))
    assert sounds.wav(sampling.hear_bits(clip, 0.0, 4, is_on))


def test_model_hears_16_khz_and_says_so():
    html = hearing.draw(tone(1000.0, duration_s=2.0, sampling_rate=44_100), PAGE, 1.0)
    assert "32,000 values" in html
    assert "99 frames" in html
    assert hearing.hear(tone(), 0.0).sampling_rate == 16_000
