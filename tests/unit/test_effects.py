"""Each change of a clip changes what it says, on sounds whose answer is known."""

import numpy as np
import pytest

from audio import effects
from audio.clip import Clip
from audio.effects import Change
from errors import KnownError
from support.signals import tone

RATE = 16000


def changed(clip, name):
    return effects.changed(clip, effects.NAMED[name])


def level_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20)


def strongest_hz(clip):
    spectrum = np.abs(np.fft.rfft(clip.samples * np.hanning(clip.n_samples)))
    return np.argmax(spectrum) * clip.sampling_rate / clip.n_samples


def two_tones():
    low, high = (tone(hz, 2.0, RATE, 0.3).samples for hz in (300.0, 3000.0))
    return Clip(low + high, RATE)


def clicks_and_tone():
    samples = np.array(tone(440.0, 2.0, RATE, 0.2).samples)
    samples[1600::4000] += 0.7
    return Clip(samples, RATE)


@pytest.mark.parametrize(("name", "hz"), [("low", 300.0), ("high", 3000.0)])
def test_filters_keep_one_of_two_tones(name, hz):
    found = changed(two_tones(), name)
    assert strongest_hz(found) == pytest.approx(hz, abs=1)
    other = np.abs(np.fft.rfft(found.samples))[round({300: 3000, 3000: 300}[hz] * 2)]
    assert other < 1e-3 * np.abs(np.fft.rfft(found.samples)).max()


@pytest.mark.parametrize(("name", "n"), [("up", 3), ("down", -3)])
def test_transposition_moves_the_pitch_and_keeps_the_length(name, n):
    song = tone(440.0, 2.0, RATE)
    found = changed(song, name)
    assert strongest_hz(found) == pytest.approx(440 * 2 ** (n / 12), rel=0.003)
    assert found.n_samples == song.n_samples


@pytest.mark.parametrize(("name", "ratio"), [("faster", 1.25), ("slower", 0.8)])
def test_tempo_changes_the_length_and_keeps_the_pitch(name, ratio):
    song = tone(440.0, 2.0, RATE)
    found = changed(song, name)
    assert found.n_samples == pytest.approx(song.n_samples / ratio, abs=1)
    assert strongest_hz(found) == pytest.approx(440.0, rel=0.003)


def test_separation_parts_clicks_from_a_tone():
    song = clicks_and_tone()
    harmonic, percussive = (changed(song, name) for name in ("harmonic", "percussive"))
    crest = [
        np.abs(c.samples).max() / 10 ** (level_db(c.samples) / 20)
        for c in (harmonic, percussive)
    ]
    assert crest[0] < 3 < 10 < crest[1]
    assert strongest_hz(harmonic) == pytest.approx(440.0, rel=0.003)


def test_only_quieter_changes_the_level():
    song = two_tones()
    for name in effects.NAMED:
        found = changed(song, name).samples
        fall = level_db(song.samples) - level_db(found)
        if np.abs(found).max() > 0.999:  # louder would clip
            continue
        assert fall == pytest.approx(20.0 if name == "quieter" else 0.0, abs=0.1), name


def test_noise_lies_ten_decibels_below():
    song = two_tones()
    found = changed(song, "noise").samples
    gain = np.dot(found, song.samples) / np.dot(song.samples, song.samples)
    noise_db = level_db(found - gain * song.samples)
    assert level_db(gain * song.samples) - noise_db == pytest.approx(10.0, abs=0.1)


def test_order_alone_changes_when_reversed_or_shuffled():
    song = Clip(np.linspace(-0.5, 0.5, 5 * RATE, dtype=np.float32), RATE)
    for name in ("reversed", "shuffled"):
        found = changed(song, name).samples
        assert not np.array_equal(found, song.samples)
        assert np.allclose(np.sort(found), song.samples, atol=1e-6)
    assert np.allclose(changed(song, "reversed").samples, song.samples[::-1])


def test_same_call_gives_the_same_sound_and_silence_stays_silent():
    song = two_tones()
    silence = Clip(np.zeros(2 * RATE, np.float32), RATE)
    for name in effects.NAMED:
        first, second = (changed(song, name).samples for _ in range(2))
        assert np.array_equal(first, second)
        assert not changed(silence, name).samples.any()


def silent_then_click(seconds=6.0):
    samples = np.zeros(round(seconds * RATE), np.float32)
    samples[RATE // 10] = 0.9
    return Clip(samples, RATE)


@pytest.mark.parametrize("rt60_s", [0.5, 1.7, 3.0])
def test_room_decays_by_sixty_decibels_in_the_time_asked_for(rt60_s):
    found = effects.changed(silent_then_click(), Change(rt60_s=rt60_s)).samples
    tail = found[RATE // 10 + 1 :].astype(np.float64)
    left_db = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] + 1e-30)
    left_db -= left_db[0]  # Schroeder's integration
    first, last = (int(np.argmax(left_db < level)) for level in (-5.0, -35.0))
    assert 2 * (last - first) / RATE == pytest.approx(rt60_s, rel=0.05)


@pytest.mark.parametrize("snr_db", [-5.0, 3.0, 25.0])
def test_noise_lies_as_far_below_as_asked_for(snr_db):
    song = two_tones()
    found = effects.changed(song, Change(snr_db=snr_db)).samples
    gain = np.dot(found, song.samples) / np.dot(song.samples, song.samples)
    noise_db = level_db(found - gain * song.samples)
    measured = level_db(gain * song.samples) - noise_db
    assert measured == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("n_semitones", [-7.0, 0.5, 5.0])
def test_pitch_that_librosa_finds_is_transposed_and_the_tempo_is_not(n_semitones):
    import librosa

    song = clicks_and_tone()
    found = effects.changed(song, Change(n_semitones=n_semitones))
    f0_hz = np.median(
        librosa.yin(found.samples, fmin=100, fmax=1500, sr=RATE, frame_length=2048)
    )
    assert 12 * np.log2(f0_hz / 440.0) == pytest.approx(n_semitones, abs=0.15)
    assert found.n_samples == song.n_samples


@pytest.mark.parametrize("tempo", [0.6, 1.5])
def test_tempo_is_multiplied_as_the_mean_distance_of_notes_shows(tempo):
    from scipy.signal import find_peaks

    samples = np.zeros(8 * RATE, np.float32)
    note = tone(440.0, 0.2, RATE, 0.8).samples * np.linspace(1, 0, RATE // 5)
    for start in range(2000, len(samples) - len(note), RATE // 2):  # 120 a minute
        samples[start : start + len(note)] = note
    found = effects.changed(Clip(samples, RATE), Change(tempo=tempo)).samples
    power = np.convolve(found**2, np.ones(800) / 800, "same")
    least = {"distance": round(0.3 / tempo * RATE), "height": power.max() / 16}
    peaks, _ = find_peaks(power, **least)
    beat_s = np.mean(np.diff(peaks)) / RATE
    assert beat_s == pytest.approx(0.5 / tempo, rel=0.01)
    assert len(found) == pytest.approx(len(samples) / tempo, abs=1)


@pytest.mark.parametrize("gain_db", [-6.0, -35.0])
def test_loudness_falls_by_as_many_decibels_as_asked_for(gain_db):
    song = two_tones()
    found = effects.changed(song, Change(gain_db=gain_db)).samples
    assert level_db(found) - level_db(song.samples) == pytest.approx(gain_db, abs=0.01)


@pytest.mark.parametrize("edge_hz", [500.0, 2500.0])
def test_filters_cut_at_the_frequency_asked_for(edge_hz):
    noise = Clip(0.1 * np.random.default_rng(1).standard_normal(4 * RATE), RATE)
    for field, is_kept in (("low_pass_hz", -1), ("high_pass_hz", 1)):
        found = effects.changed(noise, Change(**{field: edge_hz})).samples
        ratio = (
            np.abs(np.fft.rfft(found)) ** 2 / np.abs(np.fft.rfft(noise.samples)) ** 2
        )
        hz = np.fft.rfftfreq(noise.n_samples, 1 / RATE)
        kept, cut = (
            np.median(ratio[np.abs(hz - edge_hz * 2 ** (sign * is_kept)) < 50])
            for sign in (1, -1)
        )
        at_edge = np.median(ratio[np.abs(hz - edge_hz) < 5])
        assert 10 * np.log10(at_edge / kept) == pytest.approx(-6.0, abs=0.5)
        assert 10 * np.log10(cut / kept) < -40


def test_changes_are_combined():
    song = two_tones()
    both = Change(low_pass_hz=1000.0, n_semitones=4.0, tempo=0.8, gain_db=-10.0)
    found = effects.changed(song, both)
    assert strongest_hz(found) == pytest.approx(300 * 2 ** (4 / 12), rel=0.005)
    assert found.n_samples == pytest.approx(song.n_samples / 0.8, abs=1)
    assert level_db(found.samples) == pytest.approx(
        level_db(song.samples) - 10, abs=0.1
    )


def test_no_change_is_the_same_clip():
    song = two_tones()
    assert effects.changed(song, Change()) is song


@pytest.mark.parametrize(
    "given",
    [{"tempo": 3.0}, {"rt60_s": -1.0}, {"low_pass_hz": float("nan")}, {"part": "bass"}],
)
def test_what_no_slider_can_ask_for_is_refused(given):
    with pytest.raises(KnownError, match=r"out_of_range|not_a_choice"):
        Change(**given)
