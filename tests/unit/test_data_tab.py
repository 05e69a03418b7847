"""Behind the tab Data: who may look, at what, and one song of it."""

import zipfile

import gradio as gr
import pytest

import i18n
from errors import KnownError
from settings import Host, Settings
from support.files import write_audio
from support.signals import tone
from support.songs import song_folder
from trainer.run.events import Stage
from ui.server.access import Visitor
from ui.tabs.data import inspection, tab

HERE = Visitor("en", may_train=True)
STRANGER = Visitor("en", may_train=False)
SPLIT = ("stratified", 0.2, 0.0, 42)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    song_folder(home / "songs" / "mine", 3)
    return Settings(
        runs_dir=home / "runs", cache_dir=home / "cache", songs_dir=home / "songs"
    )


@pytest.fixture(scope="module")
def inspected(host):
    *_, last = tab.inspect_form(form("folder:mine"), host, HERE)
    return last


def form(data, *, archive=None, repo_id="", split=SPLIT):
    return (data, 2, archive, repo_id, *split)


def test_stranger_may_not_have_songs_read(host):
    with pytest.raises(KnownError, match="may_not_look"):
        next(tab.inspect_form(form("composed"), host, STRANGER))
    said, button = tab.greet(STRANGER, Host())
    assert "own computer" in said
    assert not button.interactive
    assert "<a " not in said
    assert tab.greet(HERE, Host()) == [gr.skip(), gr.skip()]


def test_stranger_to_a_space_gets_the_ways_to_look_elsewhere():
    said, _ = tab.greet(STRANGER, Host("cpu", "studio/genrescope", True, True))
    assert "login/huggingface" in said
    assert "spaces/studio/genrescope?duplicate=true" in said


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (form("folder:../.."), "unknown_data"),
        (form("zip:"), "no_zip"),
        (form("hub:", repo_id="  "), "no_set_id"),
        (form("composed", split=("stratified", 0.9, 0.0, 42)), "out_of_range"),
        (form("composed", split=("stratified", 0.2, 0.0, None)), "not_a_number"),
    ],
)
def test_form_refuses_what_no_run_could_use(host, given, code):
    with pytest.raises(KnownError, match=code):
        next(tab.inspect_form(given, host, HERE))


def test_uploaded_zip_is_looked_at(host, tmp_path):
    archive = tmp_path / "songs.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for genre in ("low", "high"):
            for n in range(2):
                path = write_audio(tmp_path / f"{n}.wav", tone(300.0 + n, 1.0))
                packed.write(path, f"{genre}/{n}.wav")
    *_, inspected = tab.inspect_form(form("zip:", archive=str(archive)), host, HERE)
    assert inspected.songs.genres == ("high", "low")
    assert inspected.survey().n_songs == 4


def test_hub_set_that_is_not_there_gets_a_sentence_of_its_own(host):
    with pytest.raises(KnownError) as caught:
        list(tab.inspect_form(form("hub:", repo_id="no such set"), host, HERE))
    assert "資料集" in i18n.sentence(caught.value, "zh-TW")


def test_progress_counts_songs_where_it_can():
    assert "3 / 20" in tab.progress_html(Stage("decode", 3, 20), "en")
    assert 'value="0.150"' in tab.progress_html(Stage("decode", 3, 20), "en")
    assert "value" not in tab.progress_html(Stage("faults"), "en")


def test_genres_and_their_songs_are_offered(inspected):
    genre, song = inspection.list_genres(inspected, HERE)
    assert genre.choices == [("high", "high"), ("low", "low")]
    assert song.choices == [(f"high/{n}.wav", n) for n in range(3)]
    other = inspection.list_songs(inspected, "low")
    assert other.value == 3
    with pytest.raises(KnownError, match="not_looked"):
        inspection.list_songs(None, "low")


def test_song_says_its_part_its_length_and_both_rates(inspected):
    index = int(inspected.split.test[0])
    facts = inspection.facts_html(inspected, index, "en")
    assert facts.startswith("test song · 1.")
    assert facts.endswith("22,050 Hz in its file · → 16,000 Hz")


def test_song_is_shown_as_the_numbers_and_the_label_that_a_program_sees(inspected):
    said = inspection.numbers_html(
        inspected, 0, "en"
    )  # a second of a tone at half level
    assert "16,000 numbers from -0.50 to 0.50" in said
    assert "label 0 (0 to 1), which means “high”" in said
    third = inspected.clip(0).samples[8002]
    assert f"{third:.4f}" in said


def test_song_s_picture_is_of_the_song_and_not_of_the_chosen_sound(inspected):
    sheet = inspection.picture(inspected, 0, "en")
    (plot,) = sheet.plots
    assert plot.name == "mel"
    assert not plot.is_sound
    assert "of 1 s in 128 bands" in sheet.about


def test_names_of_styles_are_translated_in_the_list(host):
    *_, inspected = inspection.inspect(
        tab._config(form("composed"), host), host.cache_dir
    )
    genre, _ = inspection.list_genres(inspected, Visitor("zh-TW", may_train=True))
    assert ("藍調（blues）", "blues") in genre.choices
