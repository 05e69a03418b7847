"""Which songs a visitor may choose, in the tabs Data and Train alike."""

import zipfile
from pathlib import Path

import gradio as gr
import pytest

import i18n
from errors import KnownError
from settings import Settings
from support.files import write_audio
from support.signals import tone
from trainer.config import RunConfig
from trainer.data import dataset, sources
from ui import song_choice
from ui.server.access import Visitor
from ui.tabs.train import actions, cards, form

HERE = Visitor("en", may_train=True)
STRANGER = Visitor("en", may_train=False)


@pytest.fixture
def host(tmp_path):
    (tmp_path / "songs" / "mine").mkdir(parents=True)
    return Settings(
        runs_dir=tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        songs_dir=tmp_path / "songs",
    )


@pytest.fixture
def upload(tmp_path):
    """A zip of four songs, as the page has received it."""
    path = tmp_path / "received" / "my songs.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as packed:
        for genre in ("low", "high"):
            for n in range(2):
                song = write_audio(tmp_path / f"{n}.wav", tone(300.0 + n, 1.0))
                packed.write(song, f"{genre}/{n}.wav")
    return path


def test_field_of_the_chosen_songs_appears_for_who_may_use_it():
    for chosen, visible in (
        ("composed", [True, False, False, False]),
        ("gtzan", [False, False, False, False]),
        ("zip:", [False, True, False, False]),
        ("hub:", [False, False, True, False]),
    ):
        shown = song_choice.show_fields(chosen, HERE)
        assert [field.visible for field in shown] == visible


@pytest.mark.parametrize("chosen", ["zip:", "hub:"])
def test_stranger_reads_why_there_is_no_field_for_zip_or_hub(chosen):
    for language in i18n.LANGUAGES:
        visitor = Visitor(language, may_train=False)
        *fields, why = song_choice.show_fields(chosen, visitor)
        assert not any(field.visible for field in fields)
        assert why.visible
        sentence = i18n.sentence(KnownError("may_not_look"), language)
        assert sentence[:12] in why.value


def test_list_renewed_late_takes_no_choice_back(host):
    kept = song_choice.list_again("folder:mine", host, HERE)
    assert "folder:mine" in [value for _, value in kept.choices]
    assert "value" not in kept._constructor_args[0]
    (host.songs_dir / "mine").rmdir()
    assert song_choice.list_again("folder:mine", host, HERE).value == "composed"


def test_both_tabs_offer_the_same_songs(host):
    with gr.Blocks():
        choice = song_choice.build(host, "gtzan", 2)
        new = form.build(host)
    offered = [value for _, value in choice.data.choices]
    assert offered == ["composed", "gtzan", "folder:mine", "zip:", "hub:"]
    assert [value for _, value in new.songs.data.choices] == offered
    assert not choice.n_songs.visible
    assert new.fields[form.FIELDS.index("data")] is new.songs.data
    assert new.by_name["archive"] is new.songs.archive
    assert new.by_name["repo_id"] is new.songs.repo_id


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"data": "zip:"}, "no_zip"),
        ({"data": "hub:", "repo_id": "  "}, "no_set_id"),
        ({"data": "hub:", "repo_id": None}, "no_set_id"),
        ({"data": "zip:/etc/passwd", "archive": "/tmp/a.zip"}, "unknown_data"),
        ({"data": "folder:../.."}, "unknown_data"),
    ],
)
def test_choice_that_names_no_songs_is_refused(host, given, code):
    with pytest.raises(KnownError, match=code):
        song_choice.resolved(given, host)


def test_set_of_the_hub_is_named_to_the_run(host):
    given = {"preset": "smoke", "data": "hub:", "repo_id": " someone/songs "}
    assert song_choice.config_of(given, host).data == "hub:someone/songs"


def test_run_on_an_upload_keeps_the_zip_where_the_page_cannot_lose_it(
    host, upload, monkeypatch
):
    started = []
    monkeypatch.setattr(
        actions.jobs, "start", lambda config, *_, **__: started.append(config)
    )
    given = {"preset": "smoke", "data": "zip:", "archive": str(upload)}
    actions.start(given, host, HERE)
    (config,) = started
    upload.unlink()
    place = Path(config.data.removeprefix("zip:"))
    assert place.is_relative_to(host.cache_dir)
    source = sources.source_of(config, lambda _: None)
    songs = dataset.prepare(
        source, host.cache_dir, emit=lambda _: None, should_stop=lambda: False
    )
    assert songs.genres == ("high", "low")


def test_same_upload_is_kept_once(host, upload):
    config = RunConfig(data=f"zip:{upload}")
    first, second = (song_choice.kept(config, host) for _ in range(2))
    assert first == second
    assert len(list((host.cache_dir / "uploads").rglob("*.zip"))) == 1


def test_what_is_no_zip_is_refused_before_the_run_and_not_kept(host, tmp_path):
    (tmp_path / "no.zip").write_bytes(b"no zip")
    given = {"preset": "smoke", "data": "zip:", "archive": str(tmp_path / "no.zip")}
    with pytest.raises(KnownError, match="not_a_zip"):
        actions.start(given, host, HERE)
    assert not host.cache_dir.exists()


def test_stranger_may_start_nothing_from_an_upload(host, upload):
    given = {"preset": "smoke", "data": "zip:", "archive": str(upload)}
    with pytest.raises(KnownError, match="may_not_train"):
        actions.start(given, host, STRANGER)
    assert not host.cache_dir.exists()


def test_run_on_an_upload_is_called_by_the_zip_s_name_alone(host, upload):
    from trainer.run import runs

    run = runs.create(host.runs_dir, RunConfig(data=f"zip:{upload}", preset="smoke"))
    assert cards.name_of(run) == "smoke · my songs.zip"
    assert str(upload.parent) not in cards.name_of(run)


def test_folder_that_came_after_the_start_is_offered(tmp_path):
    host = Settings(songs_dir=tmp_path / "songs")
    before = song_choice.offered(host, "zh-TW")
    (tmp_path / "songs" / "mine" / "rock").mkdir(parents=True)
    found = song_choice.offered(host, "zh-TW")
    assert [value for _, value in found if (_, value) not in before] == ["folder:mine"]
    assert all(isinstance(label, str) for label, _ in found)


def test_place_of_own_songs_is_named_to_who_may_train_alone(host):
    assert str(host.songs_dir) in song_choice.own_folder(host, HERE)
    assert song_choice.own_folder(host, STRANGER) == ""
