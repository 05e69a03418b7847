"""The survey on the page: numbers, bars, and copies said loudly."""

import dataclasses
import re

import pytest

from support.files import write_audio
from support.signals import silence, tone
from support.songs import song_folder
from trainer.config import RunConfig
from trainer.data.faults import Fault
from ui.tabs.data import inspection
from ui.tabs.data.survey import survey_html


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    """Five high and five low songs of 22,050 Hz, and one low one of 44,100 Hz, silent."""
    root = tmp_path_factory.mktemp("survey")
    folder = song_folder(root / "songs", 5)
    write_audio(folder / "low" / "9.wav", silence(4.0, 44_100))
    (folder / "low" / "<b>.wav").write_text("no sound")
    config = RunConfig(data=f"folder:{folder}", split="stratified")
    *_, last = inspection.inspect(config, root / "cache")
    return last


def plain(page):
    return re.sub("<[^>]+>", " ", page)


def test_survey_counts_songs_by_genre_and_part(inspected):
    page = survey_html(inspected, "en")
    cells = re.findall(r"<td>([^<]+)</td>", page)
    assert cells[:4] == ["5", "4", "1", "6.0 s"]  # high: 1.0, 1.1 ... 1.4 s
    assert cells[-4:-1] == ["11", "9", "2"]
    assert "width:66.7%" in page  # 4 of the 6 that the largest genre has


def test_survey_answers_the_tutorial_s_three_questions(inspected):
    page = survey_html(inspected, "en")
    text = plain(page)
    assert "No: 22,050 Hz × 10, 44,100 Hz × 1." in text
    assert "22,050 Hz × 10、44,100 Hz × 1" in plain(survey_html(inspected, "zh-TW"))
    bars = re.findall(r'<i style="width:([^"]+)"></i><span>(\d+)', page)
    assert bars == [("100.0%", "10"), ("10.0%", "1")]
    assert "2 labels with 5 to 6 songs" in text
    assert "Always answering “low” would be right 55%" in text
    assert "is trained on 9 songs (82%) and tested on 2 (18%)" in text
    assert "seed 42" in text


def test_survey_says_what_the_split_means_for_the_score(inspected):
    text = plain(survey_html(inspected, "en"))
    assert "same proportion" in text
    assert "slightly too high" in text
    honest = inspected.divided(validation_fraction=0.2)
    assert "slightly too high" not in plain(survey_html(honest, "en"))


@pytest.mark.parametrize("language", ["en", "zh-TW", "zh-CN"])
def test_faults_that_gtzan_is_known_for_are_told_with_its_songs_alone(
    inspected, language
):
    config = dataclasses.replace(inspected.config, data="gtzan")
    text = plain(survey_html(dataclasses.replace(inspected, config=config), language))
    # B. L. Sturm, "An analysis of the GTZAN music genre dataset" (2012).
    for number in ("50", "22", "106", "Sturm"):
        assert number in text.split("GTZAN", 1)[1]
    assert "GTZAN" not in plain(survey_html(inspected, language))


def test_genres_without_a_test_song_are_named(inspected):
    random = inspected.divided(split="random", test_fraction=0.05)  # one song
    assert "No test songs: " in plain(survey_html(random, "en"))


def test_faults_are_listed_with_names_as_text(inspected):
    page = survey_html(inspected, "en")
    assert "<b>" not in page
    assert "low/&lt;b&gt;.wav" in page
    assert "silent (1)" in plain(page)
    assert "low/9.wav" in page


def test_recording_under_two_labels_is_called_that_before_all_else(inspected):
    high, low = (
        next(song.name for song in inspected.songs.songs if song.genre == genre)
        for genre in ("high", "low")
    )
    twice = dataclasses.replace(
        inspected, faults=(Fault("copy", low, high), Fault("silent", low))
    )
    page = survey_html(twice, "en")
    assert "Same recording, two labels: high and low" in page
    assert f"({low} = {high})" in page
    assert page.index("conflicts") < page.index("counts")
    same = dataclasses.replace(inspected, faults=(Fault("copy", high, high),))
    assert "two labels" not in survey_html(same, "en")


def test_copies_across_the_split_are_said_loudly(inspected):
    names = inspected.songs.names
    learned, tested = names[inspected.split.train[0]], names[inspected.split.test[0]]
    assert 'role="alert"' not in survey_html(inspected, "en")
    leak = Fault("copy", tested, learned)
    spoiled = inspection.InspectedSongs(
        inspected.songs, (leak,), inspected.config, inspected.split
    )
    page = survey_html(spoiled, "zh-TW")
    assert page.index('role="alert"') < page.index("<table")
    assert f"{tested} = {learned}" in page


def test_songs_that_agree_and_have_no_faults_are_said_to(tmp_path):
    for genre, pitch in {"low": 200.0, "high": 3000.0}.items():
        (tmp_path / "songs" / genre).mkdir(parents=True)
        for n in range(2):
            clip = tone(pitch * (1 + 0.2 * n), 4.0, 16_000)
            write_audio(tmp_path / "songs" / genre / f"{n}.wav", clip)
    config = RunConfig(data=f"folder:{tmp_path / 'songs'}", split="stratified")
    *_, inspected = inspection.inspect(config, tmp_path / "cache")
    text = plain(survey_html(inspected, "en"))
    assert "Yes: all 4 songs have 16,000 Hz." in text
    assert "Each lasts 4.0 s." in text
    assert "2 labels with 2 songs each" in text
    assert "None found" in text
