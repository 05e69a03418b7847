import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from audio.clip import Clip
from audio.synth import composer, instruments
from audio.synth.composer import STYLES, Shift, compose
from audio.synth.mixing import Mixer
from errors import KnownError

GTZAN = "blues classical country disco hiphop jazz metal pop reggae rock".split()
RULES = tomllib.loads(
    Path(composer.__file__).with_name("styles.toml").read_text("utf-8")
)
LINES = [
    pytest.param(rules["bpm"], line, id=f"{genre} {name}")
    for genre, rules in RULES.items()
    for name, line in rules["lines"].items()
]


def band_share(clip, low_hz, high_hz):
    """Which part of a clip's energy lies between two frequencies."""
    energy = np.abs(np.fft.rfft(clip.samples)) ** 2
    hz = np.fft.rfftfreq(clip.n_samples, 1 / clip.sampling_rate)
    return energy[(hz >= low_hz) & (hz < high_hz)].sum() / energy.sum()


def onset_strength(clip, hop=160):
    """How much louder each hundredth of a second is than the one before, all bands."""
    frames = np.lib.stride_tricks.sliding_window_view(clip.samples, 512)[::hop]
    levels = np.log(np.abs(np.fft.rfft(frames * np.hanning(512))) + 1e-3)
    return np.maximum(np.diff(levels, axis=0), 0).mean(axis=1)


def periodicity(strength, lag):
    """Correlation of the onsets with themselves, ``lag`` frames later."""
    strength = strength - strength.mean()
    near = [int(lag) - 1, int(lag), int(lag) + 1, int(lag) + 2]
    power = np.dot(strength, strength)
    return max(np.dot(strength[k:], strength[:-k]) / power for k in near)


def spectral_slope(clip):
    """dB from the octave at 350 Hz to the octave at 2.8 kHz, three octaves up."""
    low, high = band_share(clip, 250, 500), band_share(clip, 2000, 4000)
    return 10 * np.log10(high / low)


def test_styles_are_gtzans_genres():
    assert list(STYLES) == GTZAN == list(RULES)


@pytest.mark.parametrize("genre", STYLES)
def test_song_is_clean_sound_of_the_asked_length(genre):
    clip = compose(genre, 5, duration_s=4.0)
    assert clip.n_samples == 64_000 and clip.sampling_rate == 16_000
    assert clip.name == f"{genre} 5"
    assert np.isfinite(clip.samples).all()
    assert 0.4 < np.abs(clip.samples).max() <= 1
    assert clip.samples.std() > 0.02
    assert abs(clip.samples.mean()) < 0.01


def test_song_is_the_same_for_the_same_seed_only():
    first, again, other = (compose("jazz", seed, duration_s=2.0) for seed in (7, 7, 8))
    assert np.array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize("sampling_rate", [22_050, 44_100])
def test_song_at_another_rate_sounds_at_that_rate(sampling_rate):
    clip = compose("disco", 3, duration_s=3.0, sampling_rate=sampling_rate)
    assert clip.n_samples == 3 * sampling_rate
    assert band_share(clip, 8000, sampling_rate / 2) > 0.001


def test_very_short_song_is_a_song():
    assert compose("rock", 1, duration_s=0.05).n_samples == 800


def test_unknown_genre_is_refused_by_name():
    with pytest.raises(KnownError) as caught:
        compose("polka", 1)
    assert caught.value.code == "unknown_genre"
    assert caught.value.details["genre"] == "polka"


def test_disco_beats_at_its_tempo():
    for seed in range(4):
        strength = onset_strength(compose("disco", seed, duration_s=8.0))
        lags = np.arange(35, 80)  # 171 to 75 beats a minute at 100 frames a second
        scores = [periodicity(strength, lag) for lag in lags]
        assert 108 <= 6000 / lags[int(np.argmax(scores))] <= 134


def test_classical_alone_plays_without_drums():
    def has_drums(genre):
        return any(not line.get("register") for line in RULES[genre]["lines"].values())

    assert [genre for genre in STYLES if not has_drums(genre)] == ["classical"]


def test_hiphop_is_lower_than_metal():
    for seed in range(3):
        assert band_share(compose("hiphop", seed), 20, 150) > 0.4
        assert band_share(compose("metal", seed), 20, 150) < 0.4


def test_shift_is_drawn_by_its_seed():
    assert Shift.drawn(4) == Shift.drawn(4) != Shift.drawn(5)
    drawn = [Shift.drawn(seed) for seed in range(200)]
    assert all(-20 <= shift.gain_db <= 0 for shift in drawn)
    assert all(abs(shift.tilt_db_per_octave) <= 3 for shift in drawn)
    assert all(0.85 <= shift.tempo_factor <= 1.18 for shift in drawn)
    assert all(3 <= shift.mix_db <= 6 for shift in drawn)


def test_gain_scales_the_song_and_nothing_else():
    plain = compose("pop", 2, duration_s=2.0)
    quiet = compose("pop", 2, duration_s=2.0, shift=Shift(gain_db=-20))
    assert np.allclose(quiet.samples, plain.samples / 10, atol=1e-6)


def test_gain_never_exceeds_full_scale():
    loud = compose("pop", 2, duration_s=2.0, shift=Shift(gain_db=40))
    assert np.abs(loud.samples).max() <= 1


def test_tilt_turns_the_spectrum_by_its_slope():
    plain = compose("rock", 2, duration_s=4.0)
    bright = compose("rock", 2, duration_s=4.0, shift=Shift(tilt_db_per_octave=3))
    assert spectral_slope(bright) - spectral_slope(plain) == pytest.approx(9, abs=1)


def test_faster_song_has_its_beats_closer():
    def best_lag(factor):
        clip = compose("disco", 1, duration_s=8.0, shift=Shift(tempo_factor=factor))
        strength = onset_strength(clip)
        lags = np.arange(38, 75)
        return lags[int(np.argmax([periodicity(strength, lag) for lag in lags]))]

    assert best_lag(1.0) / best_lag(1.15) == pytest.approx(1.15, abs=0.06)


def test_mix_moves_parts_but_leaves_the_notes():
    plain = compose("reggae", 2, duration_s=4.0)
    moved = compose("reggae", 2, duration_s=4.0, shift=Shift(mix_db=6))
    assert not np.allclose(plain.samples, moved.samples, atol=0.01)
    strengths = [onset_strength(clip) for clip in (plain, moved)]
    assert np.corrcoef(*strengths)[0, 1] > 0.8


def test_swing_moves_only_the_off_beat():
    style = composer.Style((60, 60), (0,), ("C",), ())
    chord = composer.Chord(0, (0, 4, 7))
    form = composer.Form(style, 0, (chord,), beat_s=1.0, swing=0.66)
    assert form.seconds(np.array([0, 0.5, 1, 1.5])) == pytest.approx([0, 0.66, 1, 1.66])


@pytest.mark.parametrize(("bpm", "line"), LINES)
def test_rule_is_written_in_known_words(bpm, line):
    assert 40 < bpm[0] < bpm[1] < 240
    known = instruments._instruments()
    players = [known[player] for player in line["players"].split(", ")]
    pitched = isinstance(players[0], instruments.Voice)
    assert all(isinstance(player, instruments.Voice) == pitched for player in players)
    assert bool(line.get("register")) == pitched
    letters = r"[Xxo?.\-135678am~]+" if pitched else r"[Xxo?.]+"
    for word in re.split(r"[ |]", line["patterns"]):
        assert re.fullmatch(letters, word) and len(word) in (4, 8, 16), word


@pytest.mark.parametrize("genre", STYLES)
def test_progression_names_known_chords(genre):
    for progression in RULES[genre]["progressions"]:
        assert [composer._chord(word, 0) for word in progression.split()]


def test_chords_move_with_the_key():
    assert composer._chord("Am7", 0) == composer.Chord(9, (0, 3, 7, 10))
    assert composer._chord("Bb5", 2) == composer.Chord(0, (0, 7, 12))


def test_blues_follows_twelve_bars():
    assert all(len(p.split()) == 12 for p in RULES["blues"]["progressions"])


def one_note(voice, pitch=45, length_s=1.0):
    """A note of a voice at 16 kHz."""
    notes = np.array([[0.0, length_s, pitch, 1.0]])
    rng = np.random.default_rng(1)
    return instruments._voice_part(voice, notes, 20_000, 16_000, rng)


def test_plucked_string_loses_its_high_harmonics_first():
    string = instruments.Voice(pluck=0.15, decay_s=1.0, dull_s=0.05)
    sound = one_note(string)
    early, late = (Clip(sound[at : at + 4000], 16_000, "") for at in (200, 8000))
    assert band_share(late, 1000, 8000) < band_share(early, 1000, 8000) / 10


def test_strummed_chord_spreads_its_strings_down_and_up():
    voice = instruments.Voice(strum_s=0.01)
    chord = [[at, 0.5, pitch, 1.0] for at in (0.0, 1.0) for pitch in (40, 47, 52)]
    starts = instruments._strummed(voice, np.array(chord))[:, [0, 2]]
    assert starts[:3] == pytest.approx(
        np.array([[0.0, 40], [0.01, 47], [0.02, 52]])
    ) or starts[:3] == pytest.approx(np.array([[0.02, 40], [0.01, 47], [0.0, 52]]))
    assert starts[3:, 0] - 1 == pytest.approx(starts[2::-1, 0])


def test_sung_vowels_have_their_formants():
    ah, ee = (
        instruments._vowel(instruments.VOWELS[vowel], np.array([700.0, 2300.0]))
        for vowel in (0, 2)
    )
    assert ah[0] > 2 * ah[1] and ee[1] > 2 * ee[0]


def test_instruments_are_almost_in_tune():
    spectrum = np.abs(
        np.fft.rfft(one_note(instruments.Voice(sustain=1.0), 69), 1 << 18)
    )
    cents = 1200 * np.log2(spectrum.argmax() * 16_000 / (1 << 18) / 440)
    assert 0.1 < abs(cents) < 15


def test_drum_is_never_hit_twice_in_the_same_way():
    rng = np.random.default_rng(0)
    one, other = (
        instruments._drum_hit(instruments._instruments()["snare"], 16_000, rng)
        for _ in range(2)
    )
    assert not np.array_equal(one, other[: len(one)])


def test_metal_rings_at_a_few_frequencies():
    def peakiness(ring):
        drum = instruments.Drum(ring=ring)
        noise = instruments._noise_band(8000, drum, 16_000, np.random.default_rng(2))
        levels = np.abs(np.fft.rfft(noise))
        return levels.max() / np.median(levels)

    assert peakiness(20.0) > 3 * peakiness(0.0)


def test_tape_brings_up_what_is_soft():
    def crest(press):
        mixer = Mixer(press, 0.1, -90.0, 0.0, -120.0, -1.0)
        dry = np.random.default_rng(3).standard_normal(16_000).astype(np.float32)
        song = mixer.mixed(dry, 16_000, np.random.default_rng(4))
        return np.abs(song).max() / song.std()

    assert crest(3.0) < crest(0.1) - 1


@pytest.mark.parametrize("genre", STYLES)
def test_song_is_as_loud_as_music(genre):
    levels_db = [
        20 * np.log10(compose(genre, seed, duration_s=5.0).samples.std())
        for seed in range(3)
    ]
    assert -28 < np.mean(levels_db) < -8
