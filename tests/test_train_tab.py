import gradio as gr
import pytest
from test_data import song_folder

import words
from errors import KnownError
from settings import Settings
from trainer import events, runs
from trainer.config import RunConfig
from trainer.events import Noted, Stage, Step
from ui import runs_api, train_tab
from ui.access import Visitor
from ui.train_tab import Seen
from viz.style import Look

HERE = Visitor("en", may_train=True)
STRANGER = Visitor("en", may_train=False)


@pytest.fixture
def host(tmp_path):
    return Settings(
        runs_dir=tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        songs_dir=tmp_path / "songs",
    )


def told(run, *happened):
    with run.events_file.open("a") as file:
        file.writelines(events.to_line(event) + "\n" for event in happened)


def view(run, before, host, visitor=HERE):
    return train_tab._view(run, before, host, Look(theme="page"), visitor)


def test_stranger_may_neither_start_nor_stop(host):
    run = runs.create(host.runs_dir, RunConfig())
    with pytest.raises(KnownError, match="may_not_train"):
        train_tab.start({"preset": "smoke"}, host, STRANGER)
    with pytest.raises(KnownError, match="may_not_train"):
        train_tab.stop(run.id, host, STRANGER)
    assert not run.stop_file.exists()


def test_stranger_sees_the_run_and_why_the_buttons_rest(host):
    run = runs.create(host.runs_dir, RunConfig())
    *_, status, _, _, start, stop = view(run, Seen(), host, STRANGER)
    assert "Run Genrescope on your own computer" in status
    assert not start.interactive
    assert not stop.interactive


@pytest.mark.parametrize("data", ["folder:../..", "folder:/etc", "folder:none", "x"])
def test_only_songs_of_this_host_can_be_chosen(host, data):
    song_folder(host.songs_dir / "mine", 2)
    with pytest.raises(KnownError, match="unknown_data"):
        train_tab.config_of({"preset": "smoke", "data": data}, host)


def test_folder_of_this_host_is_offered_by_name_and_found(host):
    folder = song_folder(host.songs_dir / "mine", 2)
    assert "folder:mine" in [value for _, value in train_tab.data_choices(host)]
    config = train_tab.config_of({"preset": "smoke", "data": "folder:mine"}, host)
    assert config.data == f"folder:{folder}"


def test_value_out_of_range_is_named_as_the_form_names_it(host):
    with pytest.raises(KnownError) as caught:
        train_tab.config_of({"preset": "smoke", "n_steps": 0}, host)
    assert "步數" in words.sentence(caught.value, "zh-TW")


def test_poll_without_news_changes_nothing(host):
    run = runs.create(host.runs_dir, RunConfig())
    told(run, Stage("decode", 1, 4))
    seen, *_ = view(run, Seen(), host)
    assert all(change == gr.skip() for change in view(run, seen, host))
    told(run, Stage("decode", 2, 4))
    again, _, status, *_ = view(run, seen, host)
    assert again != seen
    assert "2 / 4" in status


def test_new_page_shows_the_newest_run_and_keeps_a_chosen_one(host):
    assert train_tab._wanted(None, Seen(), host) is None
    run = runs.create(host.runs_dir, RunConfig())
    assert train_tab._wanted(None, Seen(), host) == run
    assert train_tab._wanted(run.id, Seen(n_runs=1), host) == run
    assert train_tab._wanted("20200101-000000-abcd", Seen(n_runs=1), host) == run


def test_log_shows_names_of_songs_as_text(host):
    skipped = Noted("song_skipped", {"name": "<img src=x>", "code": "not_audio"})
    html = train_tab.log_html([skipped], "en")
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html


def test_failed_run_says_its_cause_and_what_to_try(host):
    run = runs.create(host.runs_dir, RunConfig())
    text = '{"state": "failed", "code": "nan_loss", "details": {"step": 7}}'
    runs.write_whole(run.folder / "result.json", text)
    *_, status, _, _, start, stop = view(run, Seen(), host)
    assert "step 7" in status
    assert "lower learning rate" in status
    assert start.interactive
    assert not stop.interactive


def test_curves_appear_with_the_first_step(host):
    look = Look(theme="page")
    assert train_tab.curves_svg([Stage("songs")], look) == ""
    svg = train_tab.curves_svg([Step(1, 10, 2.3, 1e-4, 1.0, 8.0)], look)
    assert svg.startswith("<svg")
    assert "2.3" in svg


def test_runs_are_listed_for_programs_without_paths_of_this_host(host):
    config = RunConfig(data=f"folder:{host.songs_dir}/mine")
    run = runs.create(host.runs_dir, config)
    (listed,) = runs_api.Endpoints(host).runs()
    assert listed["id"] == run.id
    assert listed["state"] == "waiting"
    assert str(host.runs_dir.parent) not in str(listed)
