"""What codecs keep and take away, on sounds whose answer is known."""

import os
from functools import partial

import numpy as np
import pytest

from audio import coding, transforms
from audio.clip import Clip
from audio.coding import CODECS, coded, lag, offered
from audio.decode.pool import Bounds, DecoderPool
from errors import KnownError
from support.scenes import scene_of
from support.signals import click, noise, silence, tone
from ui.tabs.see import codec as lesson

# librosa's loader imports what Python is about to lose, at its first call.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LOSSY = ("mp3", "aac", "opus")
HERE = partial(lesson.draw, coding.round_trip)


def through(clip, codec="mp3", kbits=64, **how):
    ends = {"start_s": 0.0, "stop_s": clip.duration_s}
    return coded(clip, **ends, codec=codec, bit_rate=1000 * kbits, **how)


def assert_click_is_in_place(codec, rate, kbits):
    found = through(click(0.7, 1.5, rate, amplitude=0.9), codec, kbits)
    assert lag(found.original, found.coded) == 0
    assert len(found.coded) == len(found.original)
    assert found.delay > 0 or CODECS[codec].is_lossless


@pytest.mark.parametrize("codec", [*LOSSY, "flac"])
def test_click_comes_back_at_its_own_sample(codec):
    assert_click_is_in_place(codec, 44_100, 64)


@pytest.mark.minute
@pytest.mark.parametrize("kbits", [32, 128, 320])
@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("codec", [*LOSSY, "flac"])
def test_click_comes_back_at_every_rate_and_bit_rate(codec, rate, kbits):
    assert_click_is_in_place(codec, rate, kbits)


def test_lag_is_how_many_samples_later_the_other_comes():
    one = noise().samples
    assert lag(one, np.r_[np.zeros(312), one]) == 312
    assert lag(one, one[5:]) == -5


def test_tone_at_19_khz_is_gone_from_mp3_at_64_and_stays_at_320():
    high = tone(19_000.0, 2.0, 44_100)
    few, many = (through(high, "mp3", kbits) for kbits in (64, 320))
    for found, is_left in ((few, False), (many, True)):
        after = Clip(found.coded, found.sampling_rate)
        levels = transforms.dft(after, start_s=1.0, reference="full_scale")
        nearest = np.abs(levels.frequencies_hz - 19_000).argmin()
        assert (levels.levels_db[nearest] > -10) == is_left
        assert (levels.levels_db[nearest] < -80) == (not is_left)
    assert few.cutoff_hz < 18_000
    assert few.error_db == pytest.approx(0, abs=0.1)  # all of it is missing
    assert many.error_db < -40


@pytest.mark.parametrize("kbits", [32, 64])
@pytest.mark.parametrize("codec", LOSSY)
def test_size_is_within_the_bit_rate(codec, kbits):
    found = through(noise(duration_s=5.0, sampling_rate=44_100), codec, kbits)
    wanted_bytes = 5.0 * 1000 * kbits / 8
    assert found.n_bytes < 1.05 * wanted_bytes + 3000  # and the file's head
    assert found.n_bytes > 0.95 * wanted_bytes


def test_lossless_codec_changes_nothing_but_the_rounding_to_16_bits():
    found = through(noise(sampling_rate=44_100), "flac")
    steps = np.abs(found.difference) * 2**15
    assert 0.4 < steps.max() <= 0.5 + 1e-3
    whole = np.rint(found.original * 2**15) / 2**15
    again = through(Clip(whole.astype(np.float32), 44_100), "flac")
    assert not again.difference.any()
    assert again.error_db == coding.FLOOR_DB


def test_level_that_the_encoder_lowers_is_given_back():
    steady = tone(1000.0, 2.0, 44_100)
    for kbits in (64, 192, 320):
        found = through(steady, "mp3", kbits)
        middle = slice(30_000, 60_000)
        one, other = found.original[middle], found.coded[middle]
        assert np.dot(one, other) / np.dot(one, one) == pytest.approx(1, abs=0.003)


@pytest.mark.parametrize(
    ("codec", "rate", "kbits", "used"),
    [
        ("mp3", 22_050, 320, 160_000),
        ("aac", 44_100, 320, 264_600),
        ("mp3", 44_100, 96, 96_000),
    ],
)
def test_bit_rate_is_one_that_the_codec_has_at_the_sampling_rate(
    codec, rate, kbits, used
):
    assert through(noise(sampling_rate=rate), codec, kbits).bit_rate == used
    about = HERE(
        scene_of(noise(sampling_rate=rate)), 0.0, 10, codec, kbits, "none", 64, 0
    ).about
    assert ("is more than this encoder has" in about) == (used < 1000 * kbits)


def test_fewer_bits_end_lower_and_differ_more():
    clip = noise(duration_s=2.0, sampling_rate=44_100)
    found = [through(clip, "mp3", kbits) for kbits in (32, 64, 128)]
    cutoffs_hz = [each.cutoff_hz for each in found]
    errors_db = [each.error_db for each in found]
    assert cutoffs_hz == sorted(cutoffs_hz)
    assert errors_db == sorted(errors_db, reverse=True)


def test_sound_that_ends_lower_than_the_codec_has_no_cutoff():
    assert through(tone(1000.0, 1.0, 44_100, 0.5), "mp3", 128).cutoff_hz is None


def test_only_encoders_that_are_here_are_offered():
    import av

    names = offered()
    assert {"mp3", "aac", "opus", "flac"} <= set(names)
    for name in names:
        av.codec.Codec(CODECS[name].encoder, "w")
    for wanted in ("vorbis", "nonsense"):
        if wanted not in names:
            with pytest.raises(KnownError, match="not_a_choice"):
                through(tone(), wanted)


@pytest.mark.parametrize("clip", [silence(), Clip([], 8000), Clip([0.5], 8000)])
def test_silence_and_next_to_nothing_go_through(clip):
    for codec in (*LOSSY, "flac"):
        found = through(clip, codec)
        assert len(found.coded) == len(found.original)
    sheet = HERE(scene_of(clip), 0.0, 10, "mp3", 64, "opus", 64, 20)
    assert "NaN" not in sheet.as_json()


def test_excerpt_is_thirty_seconds_at_most():
    found = coded(
        noise(duration_s=40.0), start_s=2.0, stop_s=40.0, codec="flac", bit_rate=0
    )
    assert len(found.original) == 30 * 22_050


def test_worker_process_makes_the_same_samples():
    clip = noise(sampling_rate=44_100)
    pool = DecoderPool(dict(os.environ))
    try:
        theirs, ours = through(clip, through=pool.round_trip), through(clip)
        assert np.array_equal(theirs.coded, ours.coded)
        assert (theirs.n_bytes, theirs.delay) == (ours.n_bytes, ours.delay)
        with pytest.raises(KnownError, match="not_a_choice"):
            pool.round_trip(clip.samples, 44_100, "nonsense", 64_000)
    finally:
        pool.close()


def test_worker_that_takes_too_long_is_ended_and_a_sentence_says_so():
    pool = DecoderPool(dict(os.environ), bounds=Bounds(wall_s=0.01))
    with pytest.raises(KnownError, match="coder_gave_up"):
        pool.round_trip(noise().samples, 22_050, "mp3", 64_000)


def test_lesson_draws_both_codings_with_their_differences_and_numbers():
    scene = scene_of(noise(duration_s=2.0, sampling_rate=44_100))
    sheet = HERE(scene, 0.0, 10, "mp3", 32, "opus", 96, 0)
    titles = [plot.title for plot in sheet.plots]
    assert titles == [
        "Original",
        "MP3, 32 kbit/s",
        "Difference of MP3, 32 kbit/s",
        "Opus, 96 kbit/s",
        "Difference of Opus, 96 kbit/s",
    ]
    assert len({(plot.x, plot.y) for plot in sheet.plots}) == 1
    _, first, second = sheet.table
    assert (first[0], second[0]) == (titles[1], titles[3])
    assert float(first[2]) == pytest.approx(16 * 44_100 / 32_000, rel=0.05)
    assert first[5] == "1,105"
    assert float(second[2]) == pytest.approx(16 * 44_100 / 96_000, rel=0.05)
    (rule,) = sheet.plots[1].layers[1:]
    assert rule.name.startswith("nothing left above 8,")
    alone = HERE(scene, 0.0, 10, "flac", 64, "none", 96, 0)
    assert len(alone.plots) == 3
    assert "rounding to 16 bits" in alone.about


def test_difference_is_played_as_much_louder_as_is_said():
    found = through(noise(duration_s=1.0, sampling_rate=44_100), "mp3", 64)
    original, _, plain = lesson.heard([found], 0, "en")
    louder, most = (lesson.heard([found], db, "en")[2] for db in (10, 30))
    assert plain.label == "Difference of MP3, 64 kbit/s"
    assert louder.label.endswith("+10.0 dB")
    ratio = np.abs(louder.clip.samples).max() / np.abs(plain.clip.samples).max()
    assert 20 * np.log10(ratio) == pytest.approx(10, abs=0.01)
    about = HERE(
        scene_of(noise(sampling_rate=44_100)), 0.0, 10, "mp3", 64, "none", 64, 30
    )
    assert f"{most.label.split()[-2][1:]} dB louder; more would clip" in about.about
    assert np.abs(most.clip.samples).max() == pytest.approx(1)
    assert np.array_equal(original.clip.samples, found.original)
