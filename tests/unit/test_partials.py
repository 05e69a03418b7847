"""Partials and fundamentals of tones whose recipe is known."""

import numpy as np
import pytest

from audio import transforms
from audio.clip import Clip
from audio.transforms.partials import fundamental_hz, peaks, tone_of
from audio.transforms.windows import WINDOWS
from support.signals import chord, noise, silence, sweep, time_axis, tone
from viz import dft as dft_pictures

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


def hz_of(midi):
    return 440.0 * 2 ** ((midi - 69) / 12)


def of_multiples(f0_hz, multiples, slope_db=-3.0, stiffness=0.0):
    """A tone of some multiples, each ``slope_db`` from the one before."""
    n = np.array(multiples, float)
    levels_db = -12 + slope_db * np.arange(len(n))
    return tones(f0_hz * n * np.sqrt(1 + stiffness * n**2), levels_db)


def chord_of(midis, n_each=6):
    n = np.arange(1, n_each + 1)
    frequencies_hz = np.concatenate([hz_of(midi) * n for midi in midis])
    return tones(frequencies_hz, np.tile(-18.0 - 4 * n, len(midis)))


SUNG = [
    (f0_hz, range(1, 9), 0.0) for f0_hz in (82.4, 110, 147, 220, 294, 440, 622, 880)
]
CLARINET = [(f0_hz, range(1, 12, 2), 0.0) for f0_hz in (147, 175, 220, 311, 440)]
MISSING = [
    *((200.0, (2, 3, 4), 0.0), (200.0, (3, 4, 5, 6), 0.0), (220.0, range(2, 7), 0.0)),
    *((150.0, range(3, 8), 0.0), (300.0, (2, 3), 0.0), (250.0, (3, 5), 0.0)),
]
PIANO = [
    (f0_hz, range(1, 11), stiffness)
    for f0_hz, stiffness in (
        *((55, 2e-4), (55, 1e-3), (110, 1e-4), (110, 3e-4), (220, 3e-4), (220, 1e-3)),
        *((440, 6e-4), (440, 1e-3), (880, 1e-3), (880, 3e-3), (660, 2e-3)),
    )
]


@pytest.mark.parametrize(
    ("f0_hz", "multiples", "stiffness"), [*SUNG, *CLARINET, *MISSING, *PIANO]
)
def test_fundamental_of_thirty_known_tones_is_right_within_a_cent(
    f0_hz, multiples, stiffness
):
    clip = of_multiples(f0_hz, multiples, stiffness=stiffness)
    tone = tone_of(spectrum(clip, n_samples=8192))
    assert 1200 * abs(np.log2(tone.frequency_hz / f0_hz / (1 + stiffness) ** 0.5)) < 1.0
    assert sorted(tone.harmonics) == list(multiples)
    # What may be a chord as well is told as a condition.
    assert tone.is_certain == ({1, 2, 3} <= set(multiples))


C_E_G, A_C_E = (60, 64, 67), (57, 60, 64)
BELLS = [
    (0.5, 1, 1.2, 1.5, 2, 2.67, 3, 4),  # hum, prime, tierce, quint, nominal ...
    (0.56, 0.92, 1.19, 1.71, 2, 2.74, 3, 3.76, 4.07),  # J.-C. Risset (1969)
]


@pytest.mark.parametrize("n_samples", [2048, 4096, 8192])
@pytest.mark.parametrize(
    "clip",
    [
        *(chord_of(midis) for midis in (C_E_G, A_C_E, (48, 52, 55), (69, 72, 76))),
        *(chord_of(midis, n_each=1) for midis in (C_E_G, A_C_E)),
        *(
            chord_of(midis)
            for midis in ((60, 63, 67), (60, 64, 67, 70), (60, 64, 67, 72))
        ),
        *(tones(440 * np.array(bell), np.full(len(bell), -18.0)) for bell in BELLS),
    ],
)
def test_chords_and_bells_have_no_fundamental(clip, n_samples):
    found = spectrum(clip, n_samples=n_samples)
    assert tone_of(found) is None
    assert all(partial.harmonic is None for partial in peaks(found))


def test_fundamental_of_few_multiples_is_told_as_a_condition():
    octave = dft_pictures.describe(spectrum(chord((440.0, 880.0))))
    assert "If this is one tone, its fundamental is 440.0 Hz" in octave
    assert "Fundamental: 622." in dft_pictures.describe(spectrum(brass()))


def test_tone_with_vibrato_and_a_weaker_stranger_keeps_its_fundamental():
    t = time_axis(1.0, RATE)
    phase = 2 * np.pi * 349.2 * t + 0.5 * np.sin(2 * np.pi * 6 * t)
    trumpet = sum(np.sin(n * phase) / n for n in range(1, 7))
    clip = Clip(0.2 * trumpet + 0.03 * np.sin(2 * np.pi * 415.3 * t), RATE)
    tone = tone_of(spectrum(clip))
    assert tone.frequency_hz == pytest.approx(349.2, rel=0.01)
    assert not tone.is_certain


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("n_samples", [2048, 4096])
@pytest.mark.parametrize("hz", [110.0, 116.3, 440.0, 453.1, 3000.7])
def test_cents_are_right_in_every_window_or_within_their_margin(window, n_samples, hz):
    for shift in (0.0, 0.3):
        clip = tone(hz, duration_s=1.0)
        found = peaks(spectrum(clip, n_samples=n_samples, window=window, start_s=shift))
        (partial,) = found or [None]
        if partial is None:  # a lobe as wide as the tone is high
            assert window in ("flattop", "blackmanharris")
            continue
        off_cents = 1200 * abs(np.log2(partial.frequency_hz / hz))
        assert off_cents <= max(partial.margin_cents, 0.5)
        if window != "rectangular" and hz > 400:
            assert off_cents < 0.5
            assert partial.margin_cents < 1.0
        if hz > 400:
            level_db = 20 * np.log10(0.5)
            assert partial.level_db == pytest.approx(level_db, abs=0.1)


def test_margin_stands_in_the_table_where_it_is_needed():
    def cell(**settings):
        found = spectrum(tone(110.0), n_samples=1024, **settings)
        return dft_pictures.table(found, peaks(found), "en")[1][4]

    assert "±" in cell(window="rectangular")
    found = spectrum(tone(440.0))
    assert dft_pictures.table(found, peaks(found), "en")[1][4] == "0"
