"""The lesson on what the file was: its table, its numbers, its channels."""

import numpy as np
import pytest

from audio.decode import Limits
from support.files import stereo, write_audio, write_wav
from support.signals import click, silence, tone
from ui.player.clips import ClipShelf
from ui.scene import Scene, Transforms
from ui.tabs.see import source

TONE = tone(1000, 5.0, 16_000)


def sheet(path, channel="mix", language="en", view=None):
    shelf = ClipShelf(Limits())
    clip = shelf.take(str(path)).clip
    return source.draw(shelf, Scene(clip, Transforms(), language, view), channel)


def rows(sheet):
    return {name: (then, now) for name, then, now in sheet.table}


def test_lesson_computes_the_values_of_this_very_clip(tmp_path):
    about = sheet(write_audio(tmp_path / "a.wav", TONE)).about
    assert "5 s at 16,000 Hz = 80,000 values" in about
    assert "sample peak −6.0 dBFS" in about
    assert "RMS −6.0 dBFS" in about
    assert "crest factor 3.0 dB" in about
    assert "0 samples at full scale" in about


def test_table_tells_what_the_file_was_and_what_it_became(tmp_path):
    path = write_audio(tmp_path / "a.flac", stereo(tone(440, 2.0, 44_100)), 44_100)
    table = rows(sheet(path))
    assert table["Container"][0] == "FLAC"
    assert table["Channels"] == ("2", "1")
    assert table["Sampling rate"] == ("44,100 Hz", "44,100 Hz")
    assert table["Bits a sample"] == ("16", "32")
    assert table["Values"] == ("2 × 88,200", "88,200")
    assert table["Size"][1] == "0.35 MB of memory"
    assert table["Duration"] == ("2.000 s", "2.000 s")


def test_levels_are_those_of_the_file_s_channels_before_the_mix(tmp_path):
    left, right = tone(440, 2.0, amplitude=1.0), tone(440, 2.0, amplitude=0.5)
    table = rows(sheet(write_wav(tmp_path / "a.wav", stereo(left, right).T)))
    assert table["Sample peak"] == ("0.0 dBFS / −6.0 dBFS", "−2.5 dBFS")
    assert table["RMS (sine = its peak)"] == ("0.0 dBFS / −6.0 dBFS", "−2.5 dBFS")
    then, now = table["Samples at full scale"]
    n_left, n_right = (int(n.replace(",", "")) for n in then.split(" / "))
    assert n_left == np.count_nonzero(np.abs(left.samples) >= 0.999) > 0
    assert (n_right, now) == (0, "0")


def test_clipping_of_one_channel_is_counted_before_the_mix(tmp_path):
    rng = np.random.default_rng(0)
    noisy = np.clip(rng.standard_normal((44_100, 2)), -1, 1).astype(np.float32)
    table = rows(sheet(write_wav(tmp_path / "a.wav", noisy)))
    counts = [
        int(n.replace(",", "")) for n in table["Samples at full scale"][0].split(" / ")
    ]
    assert counts == np.count_nonzero(np.abs(noisy) >= 0.999, axis=0).tolist()
    assert min(counts) / 44_100 == pytest.approx(0.317, abs=0.02)  # beyond one sigma


def test_float_file_beyond_full_scale_is_said_to_be_scaled(tmp_path):
    loud = 1.5 * tone(440, 2.0, amplitude=1.0).samples[:, None]
    found = sheet(write_wav(tmp_path / "a.wav", loud))
    assert "reach +3.5 dBFS when mixed: here it is scaled by −3.5 dB" in found.about
    assert rows(found)["Sample peak"] == ("3.5 dBFS", "0.0 dBFS")
    assert "scaled" not in sheet(write_wav(tmp_path / "b.wav", loud / 2)).about


def test_samples_that_a_codec_overshot_are_said_to_be_cut_off(tmp_path):
    square = np.sign(tone(440, 5.0, 44_100).samples + 1e-9)[None]
    found = sheet(write_audio(tmp_path / "a.mp3", square, 44_100))
    assert "samples were beyond full scale and are cut off" in found.about


def test_bit_rate_of_an_mp3_is_what_it_was_made_with(tmp_path):
    path = write_audio(tmp_path / "a.mp3", stereo(tone(440, 20.0, 44_100)), 44_100)
    table = rows(sheet(path))
    n_kbits, unit = table["Bit rate"][0].split()
    assert unit == "kbit/s"
    assert float(n_kbits) == pytest.approx(128, abs=3)
    assert table["Codec"] == ("MP3", "PCM")
    assert table["Bits a sample"][0].startswith("none")


def test_left_right_and_both_are_drawn_on_the_same_axes(tmp_path):
    left, right = click(1.0, 2.0), silence(2.0)
    path = write_audio(tmp_path / "a.wav", stereo(left, right), 22_050)
    (one,) = sheet(path, "left").plots
    (other,) = sheet(path, "right").plots
    assert (one.title, other.title) == ("Left", "Right")
    assert max(one.layers[0].highs) == pytest.approx(1, abs=1e-3)
    assert not any(other.layers[0].highs)
    assert (one.note, other.note) == ("", "silence")
    assert sheet(path, "each").plots == (one, other)
    assert (one.x, one.y) == (other.x, other.y)


def test_channels_follow_the_zoom(tmp_path):
    path = write_audio(
        tmp_path / "a.wav", stereo(click(1.0, 2.0), silence(2.0)), 22_050
    )
    for view, is_heard in (((0.5, 0.9), False), ((0.9, 1.5), True)):
        (left,) = sheet(path, "left", view=view).plots
        assert (left.x.start, left.x.stop) == view
        assert any(left.layers[0].highs) == is_heard


def test_width_of_a_stereo_sound_is_said_where_its_channels_are_shown(tmp_path):
    left, right = tone(440, 2.0, amplitude=0.6), tone(440, 2.0, amplitude=0.2)
    path = write_audio(tmp_path / "a.wav", stereo(left, right), 22_050)
    assert "Left minus right is −6.0 dB" in sheet(path, "each").about  # 0.4 to 0.8
    assert "Left minus right" not in sheet(path).about
    same = write_audio(tmp_path / "b.wav", stereo(left), 22_050)
    assert "Left and right are the same." in sheet(same, "each").about
    opposed = np.stack([left.samples, -left.samples], axis=1)
    path = write_wav(tmp_path / "c.wav", opposed)
    assert "inverted" in sheet(path, "each").about


def test_mono_file_has_nothing_but_the_mix(tmp_path):
    path = write_audio(tmp_path / "a.wav", TONE)
    for channel in source.CHOICES:
        (plot,) = sheet(path, channel).plots
        assert plot.title == ""
        assert max(plot.layers[0].highs) == pytest.approx(0.5, abs=1e-3)


def test_six_channels_are_numbered(tmp_path):
    six = np.stack([tone(440, amplitude=n / 10).samples for n in range(1, 7)])
    found = sheet(write_audio(tmp_path / "a.wav", six, 22_050), "each")
    assert [plot.title for plot in found.plots] == [f"Channel {n}" for n in range(1, 7)]


@pytest.mark.parametrize("language", ["en", "zh-TW", "zh-CN"])
def test_silence_is_called_so_in_every_language(tmp_path, language):
    path = write_audio(tmp_path / "a.wav", stereo(silence()), 22_050)
    for channel in source.CHOICES:
        found = sheet(path, channel, language)
        assert "−200" not in found.about
        assert all(plot.note for plot in found.plots)
