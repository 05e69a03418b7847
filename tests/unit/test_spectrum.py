"""The DFT and its peaks against closed forms and SciPy."""

import numpy as np
import pytest

import viz.dft
from audio import transforms
from audio.clip import Clip
from audio.levels import FLOOR_DB
from audio.transforms.windows import WINDOWS, scalloping_db, window_values
from errors import KnownError
from support.signals import chord, noise, silence, tone

RATE = 22_050


def on_a_bin(n_bin, n_fft, amplitude=1.0):
    """A second of the sine that falls on a bin's centre."""
    return tone(n_bin * RATE / n_fft, amplitude=amplitude)


def test_dft_finds_a_tone_between_its_bins():
    peak = transforms.strongest(transforms.dft(tone(1000.0)))
    assert peak.frequency_hz == pytest.approx(1000.0, abs=0.5)


def test_dft_reads_a_full_scale_sine_as_zero_in_every_window():
    for window in WINDOWS:
        clip = on_a_bin(186, 4096)
        spectrum = transforms.dft(clip, window=window, reference="full_scale")
        assert spectrum.levels_db.max() == pytest.approx(0.0, abs=0.02), window
        assert spectrum.levels_db.argmax() == 186


def test_dft_reads_dc_and_nyquist_as_their_amplitude():
    alternating = 0.5 + 0.25 * (-1.0) ** np.arange(RATE)
    spectrum = transforms.dft(Clip(alternating, RATE), reference="full_scale")
    assert spectrum.levels_db[0] == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert spectrum.levels_db[-1] == pytest.approx(20 * np.log10(0.25), abs=0.01)


def test_dft_reads_a_quieter_copy_as_much_lower():
    loud = transforms.dft(noise(), reference="full_scale")
    quiet = transforms.dft(Clip(noise().samples * 0.01, RATE), reference="full_scale")
    assert np.abs(loud.levels_db - quiet.levels_db - 40).max() < 0.01


def test_dft_relative_to_its_peak_does_not_know_loudness():
    loud, quiet = (transforms.dft(on_a_bin(186, 4096, a)) for a in (0.9, 0.01))
    assert loud.levels_db.max() == quiet.levels_db.max() == 0.0


def test_dft_hears_both_notes_of_a_chord_in_their_ratio():
    spectrum = transforms.dft(chord((440.0, 880.0)))
    inner = spectrum.levels_db[1:-1]
    is_peak = (inner > spectrum.levels_db[:-2]) & (inner > spectrum.levels_db[2:])
    strong = 1 + np.flatnonzero(is_peak & (inner > -12))
    low, high = spectrum.frequencies_hz[strong]
    assert high / low == pytest.approx(2.0, abs=0.02)


def test_dft_ends_at_nyquist():
    for rate in (8000, RATE, 192_000):
        spectrum = transforms.dft(noise(sampling_rate=rate))
        assert spectrum.frequencies_hz[-1] == rate / 2
        assert len(spectrum.levels_db) == len(spectrum.frequencies_hz) == 2049


def test_dft_agrees_with_scipy_in_every_window():
    from scipy import signal

    clip = noise()
    for window in WINDOWS:
        name = "boxcar" if window == "rectangular" else window
        f, power = signal.periodogram(
            clip.samples[:4096].astype(np.float64),
            RATE,
            window=name,
            detrend=False,
            scaling="spectrum",
        )
        ours = transforms.dft(clip, window=window, reference="full_scale")
        theirs = 10 * np.log10(2 * power[1:-1])  # a sine's power is half its square
        assert np.allclose(ours.frequencies_hz, f)
        assert np.abs(ours.levels_db[1:-1] - theirs).max() < 1e-3, window


def test_dft_moves_a_late_passage_back():
    clip = tone(duration_s=1.0)
    for start_s in (0.99, 1.0, 5.0):
        spectrum = transforms.dft(clip, start_s=start_s)
        assert spectrum.start_s == pytest.approx(1.0 - 4096 / RATE)
        assert spectrum.n_samples == 4096


def test_dft_of_a_short_clip_says_what_it_used_and_keeps_the_level():
    clip = tone(2000.0, duration_s=0.05, amplitude=1.0)
    spectrum = transforms.dft(clip, start_s=0.03, reference="full_scale")
    assert (spectrum.start_s, spectrum.n_samples) == (0.0, clip.n_samples)
    assert len(spectrum.levels_db) == 2049
    assert spectrum.levels_db.max() == pytest.approx(0.0, abs=0.1)
    assert transforms.strongest(spectrum).frequency_hz == pytest.approx(2000.0, abs=2)


def test_strongest_ignores_a_constant_offset():
    clip = tone(1000.0, amplitude=0.05)
    shifted = Clip(clip.samples + 0.5, RATE)
    peak = transforms.strongest(transforms.dft(shifted))
    assert peak.frequency_hz == pytest.approx(1000.0, abs=0.5)


# Source: F. J. Harris (1978), table I; the flat top is flat to a hundredth.
SCALLOPING_DB = {
    "rectangular": -3.92,
    "hann": -1.42,
    "hamming": -1.75,
    "blackman": -1.10,
    "blackmanharris": -0.83,
    "flattop": -0.01,
}


@pytest.mark.parametrize("window", WINDOWS)
def test_dft_loses_half_way_between_bins_what_harris_says(window):
    clip = tone(186.5 * RATE / 4096, amplitude=1.0)
    spectrum = transforms.dft(clip, window=window, reference="full_scale")
    assert spectrum.levels_db.max() == pytest.approx(SCALLOPING_DB[window], abs=0.02)
    assert scalloping_db(window) == pytest.approx(-SCALLOPING_DB[window], abs=0.02)


@pytest.mark.parametrize("padding", [1, 4])
def test_dft_says_how_low_a_tone_between_its_bins_may_read(padding):
    n_fft = padding * 4096
    clip = tone((100 * padding + 0.5) * RATE / n_fft, amplitude=1.0)
    spectrum = transforms.dft(clip, padding=padding, reference="full_scale")
    said = f"up to {-spectrum.levels_db.max():.2f} dB too low"
    assert said in viz.dft.describe(spectrum)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("padding", [1, 4])
def test_dft_holds_the_power_of_its_samples(window, padding):
    """Parseval: the bins' mean squares add up to the windowed samples' own."""
    clip = noise()
    spectrum = transforms.dft(
        clip, window=window, reference="full_scale", padding=padding, start_s=0.5
    )
    amplitudes = 10 ** (spectrum.levels_db / 20)
    inner, ends = amplitudes[1:-1], amplitudes[[0, -1]]
    taper = window_values(window, 4096)
    samples = clip.samples[RATE // 2 :][:4096] * taper
    expected = np.sum(samples**2) * padding * 4096 / taper.sum() ** 2
    power = np.sum(inner**2) / 2 + np.sum(ends**2)
    assert power == pytest.approx(expected, rel=1e-9)


def test_padding_draws_finer_through_the_same_bins():
    clip = tone(186.5 * RATE / 4096, amplitude=1.0)
    plain = transforms.dft(clip, reference="full_scale")
    for padding in (2, 4, 8):
        fine = transforms.dft(clip, reference="full_scale", padding=padding)
        assert np.allclose(fine.levels_db[::padding], plain.levels_db)
        assert fine.bin_width_hz == pytest.approx(plain.bin_width_hz / padding)
        assert fine.n_samples == 4096
        assert fine.levels_db.max() == pytest.approx(0.0, abs=0.02)  # no scalloping


def test_padding_does_not_tell_apart_what_the_passage_cannot():
    width_hz = RATE / 4096
    close = chord((1000.0, 1000.0 + 0.7 * width_hz))  # Hann needs two bins
    for padding in (1, 8):
        spectrum = transforms.dft(close, padding=padding)
        inner = spectrum.levels_db[1:-1]
        is_peak = (inner > spectrum.levels_db[:-2]) & (inner >= spectrum.levels_db[2:])
        assert np.count_nonzero(is_peak & (inner > -6)) == 1


def test_dft_refuses_other_paddings():
    for padding in (0, 3, 16, 1.5, "2"):
        with pytest.raises(KnownError, match="not_a_choice"):
            transforms.dft(noise(), padding=padding)


def test_silence_and_few_samples_give_numbers():
    for reference in ("peak", "full_scale"):
        spectrum = transforms.dft(silence(), reference=reference, padding=8)
        assert (spectrum.levels_db == FLOOR_DB).all()
        assert transforms.strongest(spectrum) is None
    for samples in ([], [1.0], [0.5, -0.5]):
        spectrum = transforms.dft(Clip(np.array(samples), RATE), padding=2)
        assert np.isfinite(spectrum.levels_db).all()
