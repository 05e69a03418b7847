import json
from pathlib import Path

import numpy as np
import pytest

from audio.synth.examples import EXAMPLES, example
from errors import KnownError

IDS = [item.id for item in EXAMPLES]


def levels_db(clip, frequencies_hz, start_s=0.5, stop_s=1.0):
    """The strongest level within 20 Hz of each frequency, in a steady piece."""
    samples = clip.slice(start_s, stop_s).samples
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 16))
    hz = np.fft.rfftfreq(1 << 16, 1 / clip.sampling_rate)
    peaks = [spectrum[np.abs(hz - wanted) < 20].max() for wanted in frequencies_hz]
    return 20 * np.log10(np.array(peaks))


def crossings_hz(clip, at_s):
    """Frequency about a moment, counted by upward zero crossings in 100 ms."""
    positive = clip.slice(at_s - 0.05, at_s + 0.05).samples > 0
    return np.count_nonzero(positive[1:] & ~positive[:-1]) / 0.1


@pytest.mark.parametrize("id", IDS)
def test_example_is_clean_sound_with_a_title(id):
    clip = example(id)
    assert clip.sampling_rate == 22_050
    assert np.isfinite(clip.samples).all()
    assert 0.05 < np.abs(clip.samples).max() <= 1
    for locale in ("en", "zh-TW", "zh-CN"):
        words = json.loads(Path(f"locales/{locale}.json").read_text("utf-8"))
        assert words["examples"][id]


def test_examples_have_distinct_ids_and_a_free_licence():
    assert len(set(IDS)) == len(IDS)
    assert {item.licence for item in EXAMPLES} == {"CC0-1.0"}


def test_example_is_the_same_every_time():
    assert np.array_equal(example("brass").samples, example("brass").samples)


def test_unknown_example_is_refused_by_name():
    with pytest.raises(KnownError) as caught:
        example("kazoo")
    assert caught.value.code == "unknown_example"
    assert "brass" in caught.value.details["ids"]


def centroid_hz(clip, start_s, stop_s):
    """Where the middle of a piece's spectrum lies."""
    samples = clip.slice(start_s, stop_s).samples
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    hz = np.fft.rfftfreq(len(samples), 1 / clip.sampling_rate)
    return (hz * spectrum).sum() / spectrum.sum()


@pytest.mark.parametrize("start_s", [0.0, 0.4])
def test_trumpet_begins_with_e_flat_5_whose_second_harmonic_is_the_strongest(start_s):
    clip = example("brass")
    first, second, third, between = levels_db(
        clip, [622.25, 1244.5, 1866.75, 933.0], start_s, start_s + 4096 / 22_050
    )
    assert 1 < second - first < 2.5
    assert third < first
    assert between < first - 40
    assert clip.duration_s == pytest.approx(5.3)


def test_trumpet_s_loudest_passage_is_its_first_note():
    samples = np.abs(example("brass").samples)
    assert samples.argmax() < 0.1 * 22_050


def test_trumpet_is_brighter_where_it_is_louder():
    clip = example("brass")
    loud, soft = centroid_hz(clip, 0.05, 0.15), centroid_hz(clip, 0.6, 0.7)
    assert loud > 1.1 * soft


def test_trumpet_speaks_within_50_ms_and_fades_into_the_room():
    clip = example("brass")
    rms = [clip.slice(at, at + 0.02).samples.std() for at in (0.0, 0.05, 4.75, 5.28)]
    assert rms[0] < rms[1] / 2
    assert 0 < rms[3] < rms[2] < rms[1] / 20


def test_trumpet_s_vibrato_comes_late_in_a_long_note():
    clip = example("brass")

    def spread_hz(start_s, stop_s):
        """How far the second harmonic moves."""
        times = np.arange(start_s, stop_s, 0.02)
        wanted = np.arange(2 * 622.25 - 40, 2 * 622.25 + 40, 0.5)
        found = []
        for at in times:
            piece = clip.slice(at - 0.03, at + 0.03).samples
            waves = np.exp(
                -2j * np.pi * np.outer(wanted, np.arange(len(piece))) / 22_050
            )
            found.append(
                wanted[np.abs(waves @ (piece * np.hanning(len(piece)))).argmax()]
            )
        return np.ptp(found)

    assert spread_hz(0.72, 0.88) > 2 * spread_hz(0.2, 0.65)


def test_clarinet_s_partials_lie_as_far_apart_as_the_trumpet_s_an_octave_below():
    odd, even = 311.125 * np.array([1, 3, 5, 7]), 311.125 * np.array([2, 4, 6])
    levels = levels_db(example("clarinet"), [*odd, *even])
    assert list(levels[:4]) == sorted(levels[:4], reverse=True)
    assert max(levels[4:]) < min(levels[:4]) - 40
    assert np.diff(odd) == pytest.approx(622.25)


def test_pure_tone_is_a_single_frequency_the_trumpet_s_first_note():
    tone, *others = levels_db(example("sine"), [622.25, 311.1, 1244.5, 1866.75])
    assert max(others) < tone - 80


def test_sweep_goes_from_20_hz_to_nyquist():
    clip = example("sweep")
    middle_hz = np.sqrt(20 * 11_000)
    assert crossings_hz(clip, 4.0) == pytest.approx(middle_hz, rel=0.05)
    assert crossings_hz(clip, 7.9) > 9000


def test_chord_has_two_equal_tones():
    low, high, between = levels_db(example("chord"), [440, 880, 660])
    assert low == pytest.approx(high, abs=0.5)
    assert between < low - 60


def test_semitone_beats_26_times_a_second():
    low, high = levels_db(example("semitone"), [440, 466.16])
    assert low == pytest.approx(high, abs=0.5)


def test_click_is_one_sample():
    assert np.count_nonzero(example("click").samples) == 1


def test_songs_last_long_enough_to_listen():
    songs = [example(id) for id in IDS if id.endswith("_song")]
    assert len(songs) == 3
    assert all(20 <= clip.duration_s <= 30 for clip in songs)
