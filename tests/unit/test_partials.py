"""Partials and fundamentals of tones whose recipe is known."""

import numpy as np
import pytest

from audio import transforms
from audio.clip import Clip
from audio.transforms.partials import fundamental_hz, peaks
from audio.transforms.windows import WINDOWS
from support.signals import chord, noise, silence, sweep, time_axis, tone

RATE = 22_050
BRASS_DB = (-19.5, -17.9, -21.1, -25.1, -29.9, -38.6, -50.2)  # the tutorial's trumpet
PHASES = np.random.default_rng(0).uniform(0, 2 * np.pi, 20)


def tones(frequencies_hz, levels_db, hiss=0.0):
    t = time_axis(1.0, RATE)
    waves = [
        10 ** (level / 20) * np.sin(2 * np.pi * f * t + phase)
        for f, level, phase in zip(frequencies_hz, levels_db, PHASES, strict=False)
    ]
    return Clip(np.sum(waves, axis=0) + hiss * noise().samples, RATE)


def brass(f0_hz=622.25, hiss=0.0):
    return tones(f0_hz * np.arange(1, 8), BRASS_DB, hiss)


def spectrum(clip, **settings):
    return transforms.dft(clip, reference="full_scale", **settings)


def test_partials_of_a_brass_tone_have_their_frequencies_levels_and_numbers():
    found = peaks(spectrum(brass()))
    assert [partial.harmonic for partial in found] == [1, 2, 3, 4, 5, 6, 7]
    for n, (partial, level_db) in enumerate(zip(found, BRASS_DB, strict=True), 1):
        assert partial.frequency_hz == pytest.approx(n * 622.25, abs=0.6)
        assert partial.level_db == pytest.approx(level_db, abs=0.3)
    assert found[0].note.name == "D♯5/E♭5"
    assert abs(found[0].note.cents) < 1


def test_fundamental_is_found_under_a_louder_second_harmonic():
    for window in WINDOWS:
        f0_hz = fundamental_hz(spectrum(brass(), window=window))
        assert f0_hz == pytest.approx(622.25, rel=2e-3), window
    steep = tones([200, 400, 600, 800], [-40, -6, -40, -20])
    assert fundamental_hz(spectrum(steep)) == pytest.approx(200, abs=0.5)


def test_fundamental_is_right_over_six_octaves():
    for midi in range(36, 108):
        f0_hz = 440.0 * 2 ** ((midi - 69) / 12)
        n = np.arange(1, 1 + min(7, int(10_000 / f0_hz)))
        estimate = fundamental_hz(spectrum(tones(n * f0_hz, BRASS_DB), n_samples=8192))
        assert estimate == pytest.approx(f0_hz, rel=3e-3), midi


def test_fundamental_that_is_missing_is_heard_in_its_multiples():
    for multiples in ((2, 3, 4), (3, 4, 5, 6), (2, 3), (5, 6, 7, 8)):
        clip = chord([200.0 * n for n in multiples])
        found = spectrum(clip)
        assert fundamental_hz(found) == pytest.approx(200.0, abs=0.5)
        assert [partial.harmonic for partial in peaks(found)] == list(multiples)


def test_odd_harmonics_and_stiff_strings_keep_their_fundamental():
    clarinet = tones([150, 450, 750, 1050], [-12, -15, -18, -24])
    assert fundamental_hz(spectrum(clarinet)) == pytest.approx(150, abs=0.5)
    n = np.arange(1, 9)
    piano = tones(220 * n * np.sqrt(1 + 3e-4 * n**2), -12 - 3.0 * n)
    assert fundamental_hz(spectrum(piano)) == pytest.approx(220, rel=3e-3)
    assert [p.harmonic for p in peaks(spectrum(piano))] == list(n)


def test_a_lone_sine_is_its_own_fundamental_in_every_window():
    for window in WINDOWS:
        found = spectrum(tone(1003.0), window=window)
        (partial,) = peaks(found)
        assert partial.harmonic == 1, window
        assert partial.frequency_hz == pytest.approx(1003.0, abs=1.0)
        assert fundamental_hz(found) == pytest.approx(1003.0, abs=1.0)


def test_noise_and_silence_have_neither_partials_nor_fundamental():
    clips = [silence(), Clip(np.zeros(0), RATE), Clip(np.ones(5), RATE)]
    clips += [noise(seed, duration_s=3.0) for seed in range(5)]
    for clip in clips:
        for n_samples in (256, 4096, 65_536):
            for window in ("hann", "rectangular", "flattop"):
                found = spectrum(clip, n_samples=n_samples, window=window)
                assert peaks(found) == ()
                assert fundamental_hz(found) is None


def test_partials_stand_out_of_hiss():
    found = peaks(spectrum(brass(hiss=0.02)))
    assert [partial.harmonic for partial in found] == [1, 2, 3, 4, 5, 6, 7]


def test_tones_of_no_common_tone_have_no_fundamental():
    found = spectrum(chord([311.0, 523.0, 739.0, 997.0, 1409.0]))
    assert fundamental_hz(found) is None
    assert [partial.harmonic for partial in peaks(found)] == [None] * 5


def test_a_stranger_among_harmonics_has_no_number():
    clip = tones([300, 600, 900, 1200, 2220], [-10, -12, -14, -16, -20])
    harmonics = {round(p.frequency_hz): p.harmonic for p in peaks(spectrum(clip))}
    assert harmonics == {300: 1, 600: 2, 900: 3, 1200: 4, 2220: None}


def test_only_the_strongest_are_kept_from_low_to_high():
    found = peaks(spectrum(brass()), n_peaks=3)
    assert [p.harmonic for p in found] == [1, 2, 3]


def test_zero_padding_and_an_offset_add_no_partials():
    short = Clip(brass().samples[:2000], RATE)
    found = peaks(spectrum(short, n_samples=16_384))
    assert [partial.harmonic for partial in found] == [1, 2, 3, 4, 5, 6, 7]
    shifted = Clip(0.3 * tone(440.0).samples + 0.5, RATE)
    for window in ("hann", "rectangular"):
        (partial,) = peaks(spectrum(shifted, window=window))
        assert partial.frequency_hz == pytest.approx(440.0, abs=1.0)


def test_partials_do_not_depend_on_the_reference():
    clip = brass()
    full_scale, peak = (
        peaks(transforms.dft(clip, reference=r)) for r in ("full_scale", "peak")
    )
    assert [p.frequency_hz for p in full_scale] == [p.frequency_hz for p in peak]
    assert max(p.level_db for p in peak) == pytest.approx(0.0, abs=0.5)


def test_a_peak_is_where_the_strongest_is():
    found = spectrum(sweep())
    strongest = transforms.strongest(found)
    levels_db = {p.frequency_hz: p.level_db for p in peaks(found)}
    assert not levels_db or max(levels_db.values()) <= strongest.level_db + 1e-6
    (partial,) = peaks(spectrum(tone(1003.0)))
    strongest = transforms.strongest(spectrum(tone(1003.0)))
    assert partial.frequency_hz == pytest.approx(strongest.frequency_hz)
    assert partial.level_db == pytest.approx(strongest.level_db)


def test_partials_do_not_depend_on_zero_padding():
    for clip in (brass(), tone(1003.0), Clip(0.3 * tone(440.0).samples + 0.5, RATE)):
        plain = peaks(spectrum(clip))
        for padding in (2, 4, 8):
            found = peaks(spectrum(clip, padding=padding))
            assert [p.harmonic for p in found] == [p.harmonic for p in plain]
            for one, other in zip(found, plain, strict=True):
                assert one.frequency_hz == pytest.approx(other.frequency_hz, abs=1.0)
                assert one.level_db == pytest.approx(other.level_db, abs=0.3)
    for window in WINDOWS:
        assert peaks(spectrum(noise(), padding=8, window=window)) == ()
        assert len(peaks(spectrum(tone(1003.0), padding=8, window=window))) == 1
