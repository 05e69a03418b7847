"""What the bar says of a sound, and the built-in sounds as files."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from audio import decode
from audio.synth.examples import EXAMPLES, example
from errors import KnownError
from settings import Settings
from support.files import stereo, write_audio
from support.signals import tone
from ui.newest import Newest
from ui.player import clip_bar, examples, excerpt, first_picture
from ui.player.clip_bar import (
    _bringing,
    _choosing,
    _giving_what_the_address_names,
    _reading,
    facts_line,
    name_of,
    title_of,
)
from ui.player.clips import ClipShelf
from ui.player.first_picture import FirstPicture, Position
from ui.player.sound_files import is_playable
from ui.server.access import Visitor

EVENT = SimpleNamespace(seen="stft", sound="click")  # of the page


def line(path, language="en", **changes):
    decoded = dataclasses.replace(decode.load(path), **changes)
    return facts_line(decoded, str(path), language)


def test_facts_name_the_file_as_it_was(tmp_path):
    sound = tone(sampling_rate=44_100, duration_s=2.0)
    path = write_audio(tmp_path / "my song.flac", stereo(sound), 44_100)
    assert "<strong>my song.flac</strong>" in line(path)
    assert "FLAC 16 bit · 44.1 kHz · stereo · 2.0 s" in line(path)
    assert "立體聲" in line(path, "zh-TW")


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.mp3", "MP3 ·"), ("a.ogg", "Ogg Opus ·"), ("a.m4a", "MP4 AAC ·")],
)
def test_facts_name_lossy_formats_without_bits(tmp_path, name, text):
    sound = tone(sampling_rate=48_000)
    assert f"<span>{text}" in line(write_audio(tmp_path / name, sound))


def test_facts_say_that_a_long_song_was_cut(tmp_path):
    path = write_audio(tmp_path / "a.wav", tone())
    assert "first 10 min used" in line(path, cut_at_s=600.0)
    assert "min used" not in line(path)


def test_facts_escape_the_file_s_name(tmp_path):
    path = write_audio(tmp_path / "<b>&.wav", tone())
    assert "<strong>&lt;b&gt;&amp;.wav</strong>" in line(path)


def test_built_in_sound_is_written_once_and_sounds_the_same(tmp_path):
    path = examples.file_of("brass", tmp_path / "new")
    before = path.stat().st_mtime_ns
    assert examples.file_of("brass", tmp_path / "new") == path
    assert path.stat().st_mtime_ns == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    clip, original = decode.load(path).clip, example("brass")
    assert clip.sampling_rate == original.sampling_rate
    assert np.abs(clip.samples - original.samples).max() < 2 / 32768


def test_built_in_sounds_are_called_by_their_title(tmp_path):
    path = examples.file_of("click", tmp_path)
    assert "<strong>Click</strong>" in line(path)
    assert "喀噠聲" in line(path, "zh-TW")
    for own in ("click.wav", "genrescope-click.mp3", "genrescope-mine.wav"):
        assert examples.id_of(own) is None


def test_recordings_are_called_so():
    assert name_of("/x/audio.wav", "en") == "Recorded or trimmed sound"


def test_title_is_the_name_without_a_file_s_suffix(tmp_path):
    assert title_of("/x/Song No. 5.mp3", "en") == "Song No. 5"
    assert title_of("/x/audio.wav", "en") == "Recorded or trimmed sound"
    assert title_of(str(examples.file_of("click", tmp_path)), "zh-TW") == "喀噠聲"


def test_first_built_in_sound_is_the_one_that_the_page_starts_with():
    assert EXAMPLES[0].id == "brass"


@pytest.mark.parametrize(
    ("asked", "is_given"), [({}, False), ({"sound": "click"}, True)]
)
def test_address_gives_the_sound_that_it_names(tmp_path, asked, is_given):
    give = _giving_what_the_address_names(Settings(cache_dir=tmp_path))
    found = give(SimpleNamespace(query_params=asked), Visitor())
    assert (examples.id_of(str(found)) == "click") == is_given


def test_address_that_names_no_sound_of_ours_is_told_which_there_are(tmp_path):
    give = _giving_what_the_address_names(Settings(cache_dir=tmp_path))
    with pytest.raises(KnownError, match="unknown_example"):
        give(SimpleNamespace(query_params={"sound": "blues"}), Visitor())


def read(shelf, tmp_path, chosen, before=None, copy=""):
    handler = _reading(shelf, player_in(tmp_path), ())
    return handler(chosen, Newest(), before, None, copy, EVENT, visitor=Visitor())


def player_in(tmp_path):
    return SimpleNamespace(GRADIO_CACHE=str(tmp_path / "cache"), _id=1)


def test_sound_that_another_came_after_while_it_was_read_changes_nothing(tmp_path):
    path, newest = str(write_audio(tmp_path / "a.wav", tone())), Newest()
    player = player_in(tmp_path)

    class Slow(ClipShelf):
        def take(self, path):
            newest.ask(player)  # the other one
            return super().take(path)

    read = _reading(Slow(decode.Limits()), player, ())
    found = read(path, newest, None, None, "", EVENT, visitor=Visitor())
    assert all(each == gr.skip() for each in found)
    choose = _choosing(Settings(cache_dir=tmp_path), read, player)
    found = choose(newest, None, None, "", EVENT, visitor=Visitor())
    assert all(each == gr.skip() for each in found)


def test_sound_that_browsers_do_not_play_is_played_as_wav(tmp_path):
    shelf = ClipShelf(decode.Limits())
    chosen = str(write_audio(tmp_path / "a.aiff", tone()))
    path, _, _, _, played, copy, kept, _ = read(shelf, tmp_path, chosen)
    assert (path, played) == (chosen, copy)  # pictures are of the file itself
    assert copy.endswith("/a.wav")
    assert json.loads(kept)["copy"] == copy
    found = decode.load(Path(copy)).clip.samples
    assert np.abs(found - decode.load(Path(chosen)).clip.samples).max() < 1e-4
    assert all(each == gr.skip() for each in read(shelf, tmp_path, copy, chosen, copy))


def test_built_in_sound_is_played_and_read_in_one_answer(tmp_path):
    read = _reading(ClipShelf(decode.Limits()), player_in(tmp_path), ())
    choose = _choosing(Settings(cache_dir=tmp_path), read, player_in(tmp_path))
    path, line, whole, _, played, copy, kept, _ = choose(
        Newest(), None, None, "", EVENT, visitor=Visitor()
    )
    assert path == played  # what the player has is not read a second time
    assert Path(path).is_relative_to(tmp_path / "cache")
    assert examples.id_of(path) == json.loads(kept)["sound"] == "click"
    assert (whole, copy) == (None, "")
    assert "duration-s" in line


@pytest.mark.parametrize("suffix", ["wav", "aiff"])
def test_uploaded_sound_is_played_and_read_in_one_answer(tmp_path, suffix):
    chosen = str(write_audio(tmp_path / f"a.{suffix}", tone()))
    read = _reading(ClipShelf(decode.Limits()), player_in(tmp_path), ())
    path, line, _, _, played, copy, *_ = _bringing(read)(
        chosen, Newest(), None, None, "", EVENT, visitor=Visitor()
    )
    assert path == chosen
    assert played == (copy or chosen)  # what browsers do not play has a copy
    assert bool(copy) == (suffix == "aiff")
    assert f"a.{suffix}" in line


def test_uploaded_sound_that_is_out_of_date_changes_nothing(tmp_path):
    chosen, newest = str(write_audio(tmp_path / "a.wav", tone())), Newest()
    player = player_in(tmp_path)
    bring = _bringing(_reading(ClipShelf(decode.Limits()), player, ()))
    newest.ask(player, turn=2)
    event = SimpleNamespace(turn=1)
    found = bring(chosen, newest, None, None, "", event, visitor=Visitor())
    assert all(each == gr.skip() for each in found)
    assert all(
        each == gr.skip()
        for each in bring(None, Newest(), None, None, "", event, visitor=Visitor())
    )


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "m4a"])
def test_sound_that_browsers_play_stays_as_it_is(tmp_path, suffix):
    path = write_audio(tmp_path / f"a.{suffix}", tone(sampling_rate=48_000))
    *_, played, copy, _, _ = read(ClipShelf(decode.Limits()), tmp_path, str(path))
    assert (played, copy) == (gr.skip(), "")


@pytest.mark.parametrize("name", ["a.m4b", "a.dat", "a"])
def test_sound_whose_name_browsers_do_not_know_is_played_as_wav(tmp_path, name):
    path = write_audio(tmp_path / "a.m4a", tone(sampling_rate=48_000))
    path = path.rename(tmp_path / name)
    *_, played, copy, _, _ = read(ClipShelf(decode.Limits()), tmp_path, str(path))
    assert played == copy
    assert copy.endswith("/a.wav")


def test_film_whose_second_track_is_seen_is_played_as_wav(tmp_path):
    path = str(write_audio(tmp_path / "a.m4a", tone(sampling_rate=48_000)))
    facts = decode.probe(Path(path))
    assert is_playable(facts, path)
    of_two = dataclasses.replace(facts, track=2, n_tracks=2)
    assert not is_playable(of_two, path)  # browsers play the first


def test_browser_keeps_a_path_and_of_a_built_in_sound_its_name(tmp_path):
    own = str(write_audio(tmp_path / "a.wav", tone()))
    *_, kept, _ = read(ClipShelf(decode.Limits()), tmp_path, own)
    assert json.loads(kept) == {"path": own, "whole": None, "sound": "", "copy": ""}
    built_in = str(examples.file_of("click", tmp_path))
    *_, kept, _ = read(ClipShelf(decode.Limits()), tmp_path, built_in)
    assert json.loads(kept)["sound"] == "click"


def test_part_that_a_browser_brings_back_still_knows_its_whole(tmp_path):
    shelf = ClipShelf(decode.Limits())
    whole = str(write_audio(tmp_path / "a.wav", tone(duration_s=2.0)))
    part = excerpt.part_of(shelf.take(whole).clip, 0.5, 1.5, 0.1)
    path = excerpt.file_of(whole, part, shelf, "a", str(tmp_path))
    handler = _reading(shelf, player_in(tmp_path), ())

    def found(chosen):
        return handler(chosen, Newest(), None, whole, "", EVENT, visitor=Visitor())

    assert found(path)[2] == whole
    assert found(whole)[2] is None


PICTURES = (
    FirstPicture("waveform", SimpleNamespace(_id=7), [gr.Checkbox()], lambda *_: "W"),
    FirstPicture(
        "stft",
        SimpleNamespace(_id=8),
        [gr.Number(), gr.Number()],
        lambda path, language, *knobs: json.dumps([Path(path).name, language, *knobs]),
    ),
)


def taken(tmp_path, seen, pictures=PICTURES, before=None, newest=None):
    """What comes along with a sound: what is kept, a lesson, its picture."""
    path = str(write_audio(tmp_path / "a.wav", tone()))
    handler = _reading(ClipShelf(decode.Limits()), player_in(tmp_path), pictures)
    event, newest = SimpleNamespace(seen=seen), newest or Newest()
    before = path if before else None
    knobs = (True, 2048, 4)
    *_, found = handler(
        path, newest, before, None, "", event, *knobs, visitor=Visitor("zh-TW")
    )
    return found


def test_picture_in_view_comes_with_its_sound_as_its_own_knobs_have_it(tmp_path):
    kept, lesson, sheet = taken(tmp_path, "stft").split("\n")
    assert json.loads(kept)["path"].endswith("a.wav")
    assert (lesson, json.loads(sheet)) == ("stft", ["a.wav", "zh-TW", 2048, 4])
    assert taken(tmp_path, "waveform").split("\n")[1:] == ["waveform", "W"]


def test_all_pictures_in_view_come_with_their_sound_from_the_top(tmp_path, monkeypatch):
    monkeypatch.setattr(first_picture, "BEGIN_S", 60.0)  # however busy the machine is
    found = taken(tmp_path, "codec waveform stft").split("\n")[1:]
    assert found[:3] == ["waveform", "W", "stft"]  # codec is none that can come
    assert json.loads(found[3])[2:] == [2048, 4]
    assert taken(tmp_path, "stft waveform").split("\n")[1] == "stft"


def test_picture_that_would_come_late_is_left_to_be_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(first_picture, "BEGIN_S", -1.0)
    assert taken(tmp_path, "waveform stft").split("\n")[1:] == ["waveform", "W"]


def test_position_comes_with_its_picture_and_no_other_does(tmp_path):
    sliders = [gr.Slider(0, 1, 0) for _ in range(2)]
    lengths = [gr.Number(), gr.Number()]
    pictures = [
        FirstPicture(
            name,
            SimpleNamespace(_id=name),
            [slider, length],
            lambda path, language, *knobs: json.dumps(knobs),
            Position(slider, [length], lambda path, length: (1.2345, length)),
        )
        for name, slider, length in zip("ab", sliders, lengths, strict=True)
    ]
    path = str(write_audio(tmp_path / "a.wav", tone()))
    handler = _reading(ClipShelf(decode.Limits()), player_in(tmp_path), pictures)
    event, knobs = SimpleNamespace(seen="b"), (0.0, 8, 0.0, 9)
    found = handler(
        path, Newest(), None, None, "", event, *knobs, visitor=Visitor("en")
    )
    *_, taken_text, first, second = found
    assert taken_text.split("\n")[1:] == ["b", "[1.234, 9]"]  # drawn from there
    assert first == gr.skip()
    assert (second.value, second.maximum, second.interactive) == (1.234, 9, True)


@pytest.mark.parametrize("seen", ["", "dft", "<b>"])
def test_sound_comes_alone_where_another_lesson_is_in_view(tmp_path, seen):
    assert taken(tmp_path, seen).split("\n")[1:] == [""]


def test_sound_comes_although_its_picture_cannot_be_drawn(tmp_path):
    def refuse(*_):
        raise KnownError("silent", name="a")

    picture = dataclasses.replace(PICTURES[1], draw=refuse)
    assert taken(tmp_path, "stft", [PICTURES[0], picture]).split("\n")[1:] == [""]


def test_sound_that_is_chosen_already_brings_no_picture(tmp_path):
    assert taken(tmp_path, "stft", before=True) == gr.skip()  # a zoom stays


def test_sound_is_drawn_again_after_another_whose_answer_is_on_its_way(tmp_path):
    newest = Newest()
    newest.choose("another")
    found = taken(tmp_path, "stft", before=True, newest=newest)
    assert found.split("\n")[1] == "stft"


def test_older_request_for_the_picture_that_came_along_is_out_of_date(tmp_path):
    newest = Newest()
    is_newest = newest.ask(PICTURES[1].place)
    taken(tmp_path, "stft", newest=newest)
    assert not is_newest(PICTURES[1].place)


def test_sound_that_another_came_after_while_it_was_drawn_changes_nothing(tmp_path):
    newest = Newest()
    player = player_in(tmp_path)

    def draw(*_):
        newest.ask(player)
        return "late"

    picture = dataclasses.replace(PICTURES[0], draw=draw)
    found = taken(tmp_path, "waveform", [picture, PICTURES[1]], newest=newest)
    assert found == gr.skip()


def test_picture_whose_knob_is_turned_meanwhile_is_asked_for_anew(tmp_path):
    newest = Newest()

    def draw(*_):
        newest.ask(PICTURES[0].place)
        return "as the knob was"

    picture = dataclasses.replace(PICTURES[0], draw=draw)
    found = taken(tmp_path, "waveform", [picture, PICTURES[1]], newest=newest)
    assert found.split("\n")[1:] == [""]


def test_picture_of_the_sound_before_is_out_of_date_once_another_has_been_read(
    tmp_path,
):
    newest = Newest()
    assert newest.is_of("the one before")
    taken(tmp_path, "", newest=newest)
    assert not newest.is_of("the one before")
    assert newest.is_of(str(tmp_path / "a.wav"))


def test_click_that_came_first_stays_first_although_its_file_takes_longer(
    tmp_path, monkeypatch
):
    player, newest = player_in(tmp_path), Newest()
    settings = Settings(cache_dir=tmp_path)
    read = _reading(ClipShelf(decode.Limits()), player, ())
    choose = _choosing(settings, read, player)
    event = SimpleNamespace(sound="sine", seen="")
    given, later = clip_bar._given, []

    def give(id, *rest):
        if id == "sine":  # another click comes meanwhile, and is through at once
            later.append(choose(newest, None, None, "", EVENT, visitor=Visitor()))
        return given(id, *rest)

    monkeypatch.setattr(clip_bar, "_given", give)
    found = choose(newest, None, None, "", event, visitor=Visitor())
    assert examples.id_of(later[0][0]) == "click"
    assert all(each == gr.skip() for each in found)


def test_click_that_was_overtaken_on_its_way_does_not_undo_the_later_one(tmp_path):
    player, newest = player_in(tmp_path), Newest()
    read = _reading(ClipShelf(decode.Limits()), player, ())
    choose = _choosing(Settings(cache_dir=tmp_path), read, player)

    def click(sound, turn):
        event = SimpleNamespace(sound=sound, seen="", turn=turn)
        return choose(newest, None, None, "", event, visitor=Visitor())

    assert examples.id_of(click("click", 2)[0]) == "click"
    assert all(each == gr.skip() for each in click("sine", 1))
    assert newest.is_of(click("click", 3)[0])


@pytest.mark.parametrize("turn", ["", "9", 1.5, None, [2]])
def test_turn_that_is_no_number_is_a_program_s(tmp_path, turn):
    event = SimpleNamespace(sound="click", seen="", turn=turn)
    read = _reading(ClipShelf(decode.Limits()), player_in(tmp_path), ())
    choose = _choosing(Settings(cache_dir=tmp_path), read, player_in(tmp_path))
    row = choose(Newest(), None, None, "", event, visitor=Visitor())
    assert examples.id_of(row[0]) == "click"
