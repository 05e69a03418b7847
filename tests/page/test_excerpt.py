"""A part of a sound as a sound of its own, and the way back."""

from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio.helpers import special_args
from starlette.requests import Request

from audio import decode
from audio.decode import Limits
from errors import KnownError
from settings import Settings
from support.files import stereo, write_audio, write_wav
from support.signals import noise, silence, tone
from ui.handlers import guard
from ui.player import clip_bar, excerpt
from ui.player.clips import ClipShelf

LEFT, RIGHT = noise(1, 4.0, 44_100), tone(440, 4.0, 44_100)


@pytest.fixture
def shelf():
    return ClipShelf(Limits())


@pytest.fixture
def song(tmp_path):
    return str(write_audio(tmp_path / "my song.flac", stereo(LEFT, RIGHT), 44_100))


def part_file(path, start_s, stop_s, shelf, folder, name="my song"):
    part = excerpt.part_of(shelf.take(path).clip, start_s, stop_s, 0.1)
    return excerpt.file_of(path, part, shelf, name, str(folder))


def channels_of(path):
    return np.concatenate(list(decode.channel_blocks(Path(path))))


@pytest.mark.parametrize(
    ("asked", "expected_s"),
    [(0, 0), ("12.5", 12.5), (" 1:30 ", 90), ("1:02:03.5", 3723.5), (4.25, 4.25)],
)
def test_time_is_read_as_people_write_it(asked, expected_s):
    assert excerpt.seconds(asked) == expected_s


@pytest.mark.parametrize(
    "asked", ["", "a", "1:b", "-1", "nan", "inf", None, "1:2:3:4", "1,5", []]
)
def test_what_is_no_time_is_refused(asked):
    with pytest.raises(KnownError, match="not_a_time"):
        excerpt.seconds(asked)


def test_part_keeps_every_sample_of_every_channel(tmp_path, song, shelf):
    path = part_file(song, 1.25, 2.5, shelf, tmp_path)
    start, stop = round(1.25 * 44_100), round(2.5 * 44_100)
    np.testing.assert_array_equal(channels_of(path), channels_of(song)[start:stop])
    part, whole = shelf.take(path), shelf.take(song)
    assert part.facts.bit_depth == 32
    assert part.facts.n_channels == 2
    np.testing.assert_array_equal(part.clip.samples, whole.clip.samples[start:stop])


def test_part_of_a_mono_sound_is_the_clip_s_own(tmp_path, shelf):
    path = str(write_audio(tmp_path / "a.wav", LEFT))
    part = part_file(path, 0.5, 1.5, shelf, tmp_path)
    expected = shelf.take(path).clip.slice(0.5, 1.5).samples
    np.testing.assert_array_equal(shelf.take(part).clip.samples, expected)


def test_part_is_clipped_where_the_whole_is(tmp_path, shelf):
    loud = (1.5 * stereo(RIGHT)).T.astype(np.float32)
    integers = np.clip(loud * 32767, -32768, 32767).astype(np.int16)
    path = str(write_wav(tmp_path / "a.wav", integers, 44_100))
    part = shelf.take(part_file(path, 1.0, 2.0, shelf, tmp_path)).clip
    expected = shelf.take(path).clip.slice(1.0, 2.0).samples
    np.testing.assert_array_equal(part.samples, expected)


def test_part_is_named_after_the_whole_and_its_place_in_it(tmp_path, song, shelf):
    path = part_file(song, 1.0, 3.5, shelf, tmp_path)
    assert Path(path).name == "my song 1.0–3.5 s.wav"
    again = part_file(path, 0.5, 1.0, shelf, tmp_path, name="my song 1.0–3.5 s")
    assert Path(again).name == "my song 1.50–2.00 s.wav"
    assert excerpt.is_part(path) and excerpt.is_part(again)
    assert not excerpt.is_part(song) and not excerpt.is_part(None)


def test_part_of_a_long_name_is_still_a_file(tmp_path, song, shelf):
    path = part_file(song, 1.0, 2.0, shelf, tmp_path, name="🎵" * 100)
    assert shelf.take(path).clip.duration_s == 1.0


def test_part_ends_with_the_sound_and_says_so(song, shelf):
    clip = shelf.take(song).clip
    part = excerpt.part_of(clip, 3.0, 99.0, 0.1)
    assert (part.start_s, part.stop_s, part.is_clamped) == (3.0, 4.0, True)
    assert not excerpt.part_of(clip, 3.0, 4.0, 0.1).is_clamped


@pytest.mark.parametrize(
    ("start_s", "stop_s", "code"),
    [(4.0, 5.0, "empty_range"), (2, 2, "empty_range"), (1, 1.01, "too_short")],
)
def test_range_without_a_sound_is_refused(song, shelf, start_s, stop_s, code):
    with pytest.raises(KnownError, match=code):
        excerpt.part_of(shelf.take(song).clip, start_s, stop_s, 0.1)


def test_part_too_large_for_a_file_is_mixed_and_then_refused(tmp_path, song):
    two_seconds = 2 * 44_100 * 4 + 44
    small = ClipShelf(Limits(max_bytes=max(two_seconds, Path(song).stat().st_size)))
    limit_s = (small.limits.max_bytes - 44) / 4 / 44_100
    path = part_file(song, 0.0, limit_s - 0.1, small, tmp_path)
    assert small.take(path).facts.n_channels == 1
    small.limits = Limits(max_bytes=two_seconds)
    with pytest.raises(KnownError, match="part_too_long") as refused:
        part_file(song, 0.0, 2.1, small, tmp_path)
    assert refused.value.details["longest_s"] == pytest.approx(2, abs=0.01)


def run(handler, *values, event=None):
    """Call a handler as Gradio does: it adds what the signature asks for."""
    headers = [(b"accept-language", b"en")]
    request = gr.Request(Request({"type": "http", "headers": headers, "client": None}))
    data = gr.EventData(None, event)
    inputs, *_ = special_args(handler, list(values), request, data)
    return handler(*inputs)


def test_pictures_give_the_player_the_range_that_they_show(tmp_path, song, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    settings = Settings()
    with gr.Blocks():
        bar = clip_bar.build(
            settings, guard(settings), ClipShelf(Limits()), gr.Textbox()
        )
    path = run(bar.use_part, song, event={"start_s": 0.5, "stop_s": 1.5})
    assert Path(path).name == "my song 0.5–1.5 s.wav"
    assert decode.load(Path(path)).clip.n_samples == 44_100
    for bad in ({"start_s": None, "stop_s": 1}, {"start_s": 3, "stop_s": "x"}):
        with pytest.raises(gr.Error, match="not a time"):
            run(bar.use_part, song, event=bad)
    with pytest.raises(gr.Error, match="There is no sound yet"):
        run(bar.use_part, None, event={"start_s": 0, "stop_s": 1})


def test_part_of_silence_is_silence(tmp_path, shelf):
    path = str(write_audio(tmp_path / "a.wav", silence(2.0)))
    assert not shelf.take(part_file(path, 0, 1, shelf, tmp_path)).clip.samples.any()
