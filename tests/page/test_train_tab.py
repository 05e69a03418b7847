"""What the tab Train shows and lets do, without a browser."""

import contextlib
import csv
import dataclasses
import io
import itertools
import json
import math
import re

import gradio as gr
import pytest

import app
import i18n
from errors import KnownError
from settings import Settings
from support.songs import song_folder
from trainer import messages
from trainer.config import RunConfig
from trainer.process import jobs
from trainer.run import checkpoints, events, locks, runs
from trainer.run.events import Device, Evaluated, Failed, Finished, Noted, Stage, Step
from ui import song_choice
from ui.api import runs as runs_api
from ui.server.access import Visitor
from ui.tabs.train import actions, cache, cards, form, runs_table, scores, view
from ui.tabs.train.actions import Allowed
from ui.tabs.train.cache import RunCache
from ui.tabs.train.pushes import Pushes
from ui.tabs.train.view import Seen, Server, Viewer

HERE = Visitor("en", may_train=True)
STRANGER = Visitor("en", may_train=False)


@pytest.fixture
def host(tmp_path):
    return Settings(
        runs_dir=tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        songs_dir=tmp_path / "songs",
    )


class Clock:
    """The reader's clock, which goes on by an hour at each look unless it is set."""

    def __init__(self, monkeypatch):
        self.now, self.goes_by = 0.0, 3600.0
        monkeypatch.setattr(cache, "_now", self)

    def __call__(self):
        self.now += self.goes_by
        return self.now

    def set(self, now):
        self.now, self.goes_by = now, 0.0


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def page(host, clock):
    """What a poll shows, by the names of the window's parts."""
    with gr.Blocks():
        parts, _ = view.build_watch()
        parts |= view.build_story() | runs_table.build()
        parts["scores"] = scores.place()
        parts["is_refused"] = gr.State(False)
        labels = view.build_labels()
        parts["labels"], parts["parts"] = labels["labels"], labels["parts"]
        parts["buttons"] |= labels["buttons"]
        for name in ("start", "push"):
            parts["buttons"][name] = gr.Button()
        rest = {"push": gr.HTML(), "comparison": gr.HTML()}
        shown = view.Window(**parts, **rest, base_model=gr.Dropdown())
    server = Server(host, RunCache(host.runs_dir), Pushes())

    def poll(run_id=None, before=Seen(), visitor=HERE, **look):  # noqa: B008
        viewer = Viewer(visitor, **look)
        changes = view.changes(shown, run_id, before, server, viewer)
        many = ("buttons", "labels", "parts")
        names = {part: name for name, part in vars(shown).items() if name not in many}
        names[shown.push] = "progress"
        names |= {button: name for name, button in shown.buttons.items()}
        names |= dict(zip(shown.labels, ("title", "tags", "notes"), strict=True))
        names |= {part: f"part {name}" for name, part in shown.parts.items()}
        return {names[part]: value for part, value in changes.items()}

    return poll


def told(run, *happened):
    with run.events_file.open("a") as file:
        file.writelines(events.to_line(event) + "\n" for event in happened)


def ended(host, state="finished", *happened, **facts):
    """A run that has ended, with a model if it may have one."""
    run = runs.create(host.runs_dir, RunConfig(preset="smoke"))
    told(run, *happened)
    if state in ("finished", "stopped"):
        run.model_dir.mkdir()
    result = json.dumps({"state": state, **facts})
    runs.write_whole(run.folder / "result.json", result)
    return run


def clickable(shown):
    names = ("stop", "cancel", "resume", "classify", "push", "delete", "rename")
    return {name for name in names if shown[name].visible}


def test_stranger_may_do_nothing_to_a_run(host):
    run = ended(host)
    for act in (
        lambda: actions.start({"preset": "smoke"}, host, STRANGER),
        lambda: actions.stop(run.id, host, STRANGER),
        lambda: actions.cancel(run.id, host, STRANGER),
        lambda: actions.resume(run.id, host, STRANGER),
        lambda: actions.rename(run.id, "mine", host, STRANGER),
        lambda: actions.delete(run.id, host, STRANGER),
    ):
        with pytest.raises(KnownError, match="may_not_train"):
            act()
    assert runs.every(host.runs_dir) == [run]
    assert not run.stop_file.exists()
    assert run.title == ""


def test_stranger_sees_the_run_and_why_the_buttons_rest(host, page):
    run = ended(host, "finished", Evaluated(10, 0.5, 1.0, 20))
    shown = page(visitor=STRANGER)
    assert (
        "only the person running this page can start or stop them" in shown["at_work"]
    )
    assert not shown["start"].interactive
    assert clickable(shown) == {"classify"}
    assert "50.0%" in shown["standing"]
    assert str(run.folder) not in shown["standing"]  # a path of this machine


@pytest.mark.parametrize(
    "data", ["folder:../..", "folder:/etc", "folder:none", "zip:/etc/passwd", "x"]
)
def test_only_songs_of_this_host_can_be_chosen(host, data):
    song_folder(host.songs_dir / "mine", 2)
    with pytest.raises(KnownError, match="unknown_data"):
        song_choice.config_of({"preset": "smoke", "data": data}, host)


def test_folder_of_this_host_is_offered_by_name_and_found(host):
    folder = song_folder(host.songs_dir / "mine", 2)
    assert "folder:mine" in [value for _, value in song_choice.data_choices(host)]
    config = song_choice.config_of({"preset": "smoke", "data": "folder:mine"}, host)
    assert config.data == f"folder:{folder}"


def test_value_out_of_range_is_named_as_the_form_names_it(host):
    with pytest.raises(KnownError) as caught:
        song_choice.config_of({"preset": "smoke", "n_steps": 0}, host)
    assert "步數" in i18n.sentence(caught.value, "zh-TW")


def test_base_model_is_one_of_this_host_s(host):
    given = {"preset": "smoke", "base_model": "someone/model@main"}
    with pytest.raises(KnownError, match="not_a_choice"):
        song_choice.config_of(given, host)
    extended = dataclasses.replace(host, base_models=("someone/model@main",))
    assert song_choice.config_of(given, extended).base_model == "someone/model@main"
    with gr.Blocks():
        new = form.build(extended)
    offered = new.fields[form.FIELDS.index("base_model")].choices
    assert "someone/model@main" in [value for _, value in offered]


def test_every_choice_of_a_run_stands_in_the_form(host):
    with gr.Blocks():
        new = form.build(host)
    names = {item.name for item in dataclasses.fields(RunConfig)} - {"preset"}
    assert set(form.FIELDS) == names
    assert len(new.fields) == len(names)
    explained = [component for component in new.fields if component.info]
    assert len(explained) == len(names) - 1  # of songs, the line below says more


def test_steps_that_a_program_names_take_the_place_of_epochs(host):
    config = song_choice.config_of({"preset": "fast", "n_steps": 7}, host)
    assert (config.n_steps, config.n_epochs) == (7, 0)


def test_run_by_epochs_can_be_resumed_until_its_own_last_step(host):
    config = RunConfig(preset="course", n_epochs=10, n_steps=100)
    run = runs.create(host.runs_dir, config)
    result = json.dumps({"state": "stopped", "step": 150})
    runs.write_whole(run.folder / "result.json", result)
    folder = run.folder / "checkpoints" / "checkpoint-150"
    folder.mkdir(parents=True)
    for n_steps, has_more in ((1130, True), (150, False)):
        state = json.dumps({"max_steps": n_steps})
        (folder / checkpoints.STATE).write_text(state)
        checkpoints.seal(folder)
        assert actions.allowed(run, HERE).resume == has_more


def test_line_before_the_start_counts_songs_by_genre(host):
    song_folder(host.songs_dir / "mine", 2)
    given = {"preset": "smoke", "data": "folder:mine"}
    line = form.look_ahead(given, host, "en").html
    assert "4 songs in 2 genres, 200 steps" in line
    assert str(host.songs_dir) not in line


def test_what_the_hub_would_have_to_bring_is_refused_offline(host, monkeypatch):
    monkeypatch.setattr(form, "child_environment", lambda: {"HF_HUB_OFFLINE": "1"})
    found = form.look_ahead({"preset": "tutorial"}, host, "en")
    assert found.refused == ("model_not_here", "songs_not_here")
    assert "ntu-spml/distilhubert" in found.html
    assert "gtzan" in found.html
    assert found.command == ""
    instead = dict(form.INSTEAD.values())
    found = form.look_ahead({"preset": "tutorial", **instead}, host, "en")
    assert found.refused == ()
    assert found.command.startswith("python -m trainer --preset tutorial")


def test_run_that_cannot_start_offline_leaves_no_folder(host, monkeypatch):
    monkeypatch.setattr(actions, "child_environment", lambda: {"HF_HUB_OFFLINE": "1"})
    with pytest.raises(KnownError, match="model_not_here"):
        actions.start(
            {"preset": "head", "base_model": "openai/whisper-tiny"}, host, HERE
        )
    assert runs.every(host.runs_dir) == []


def test_start_rests_while_what_the_form_has_cannot_start(host, page):
    assert page()["start"].interactive
    assert not page(is_refused=True)["start"].interactive


def test_recipe_fills_the_form_but_leaves_songs_of_one_s_own(host):
    script = form.fill()
    written = json.loads(script[script.index("= {") + 2 : script.index("[name]")])
    assert written["smoke"] == form.recipe("smoke")
    assert form.FIELDS[:2] == ("data", "n_songs_per_genre")  # which the script replaces
    assert "splice(0, 2, data, nSongs)" in script


def test_line_before_the_start_says_what_is_out_of_range(host):
    line = form.look_ahead({"preset": "smoke", "n_steps": 0}, host, "en").html
    assert "Steps" in line


def test_poll_without_news_changes_nothing(host, page):
    run = runs.create(host.runs_dir, RunConfig())
    told(run, Stage("decode", 1, 4))
    seen = page()["seen"]
    assert page(run.id, seen) == {"seen": gr.skip()}
    told(run, Stage("decode", 2, 4))
    again = page(run.id, seen)
    assert again["seen"] != seen
    assert "2 / 4" in again["standing"]
    assert "table" not in again  # nothing in it has changed
    assert "stop" not in again


def test_pages_that_ask_at_the_same_moment_see_the_same(host, page, clock):
    run = runs.create(host.runs_dir, RunConfig())
    told(run, Stage("decode", 1, 4))
    seen = page()["seen"]
    clock.set(clock.now)
    page(run.id, seen)
    told(run, Stage("decode", 2, 4))
    assert page(run.id, seen) == {"seen": gr.skip()}  # read a moment ago
    clock.set(clock.now + cache.READ_EVERY_S + 0.01)
    assert "2 / 4" in page(run.id, seen)["standing"]


def test_many_pages_ask_less_often_until_the_others_have_gone(host, clock):
    kept = RunCache(host.runs_dir)
    clock.set(100.0)
    assert kept.poll_every_s("me") == cache.POLL_S
    many = {kept.poll_every_s(f"page {number}") for number in range(49)}
    assert max(many) == cache.LONGEST_POLL_S
    assert 50 / cache.LONGEST_POLL_S <= cache.N_POLLS_PER_S
    assert kept.poll_every_s("me") == cache.LONGEST_POLL_S
    clock.set(101.0 + cache.AWAY_S)
    assert kept.poll_every_s("me") == cache.POLL_S


def test_new_page_shows_the_newest_run_and_keeps_a_chosen_one(host):
    def wanted(run_id, before):
        return view.wanted(run_id, before, RunCache(host.runs_dir).overview())

    assert wanted(None, Seen()) is None
    run = ended(host)
    assert wanted(None, Seen()) == run
    assert wanted("20200101-000000-abcd", Seen(n_runs=1)) == run
    other = max(run, ended(host), key=lambda run: run.id)
    first = next(each for each in runs.every(host.runs_dir) if each != other)
    assert wanted(first.id, Seen(n_runs=2)) == first
    assert wanted(first.id, Seen(n_runs=1)) == other  # one has just been started


def test_buttons_follow_the_state_alone(host):
    run = ended(host, "finished", saved_step=10)
    every = dict(start=True, rename=True, delete=True)
    made = dict(classify=True, push=True)
    assert actions.allowed(None, HERE) == Allowed(start=True)
    assert actions.allowed(run, HERE) == Allowed(**every, **made)
    assert actions.allowed(ended(host, "failed"), HERE) == Allowed(**every)
    stopped = ended(host, "stopped")
    assert actions.allowed(stopped, HERE) == Allowed(**every, classify=True)
    assert not actions.allowed(stopped, HERE, n_waiting=3).start
    checkpoint = stopped.folder / "checkpoints" / "checkpoint-5"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model").touch()
    checkpoints.seal(checkpoint)
    assert actions.allowed(stopped, HERE).resume
    assert actions.allowed(stopped, STRANGER) == Allowed(classify=True)


def test_run_at_work_can_be_stopped_once_and_not_deleted(host):
    run = runs.create(host.runs_dir, RunConfig(preset="smoke"))
    with locks.held(run.lock_file):
        runs.write_whole(run.started_file, "{}")
        at_work = actions.allowed(run, HERE)
        assert at_work == Allowed(start=True, stop=True, cancel=True, rename=True)
        jobs.stop(run)
        assert not actions.allowed(run, HERE).stop
        assert actions.allowed(run, HERE).cancel
        with pytest.raises(KnownError, match="run_is_at_work"):
            actions.delete(run.id, host, HERE)


def test_every_page_sees_the_run_at_work_and_the_queue(host, page):
    old = ended(host)
    first, second = (
        runs.create(host.runs_dir, RunConfig(preset="smoke")) for _ in range(2)
    )
    runs.rename(first, "mine")
    with locks.held(first.lock_file), locks.held(second.lock_file):
        runs.write_whole(first.started_file, "{}")
        told(first, *(Step(n, 100, 2.0, 1e-3, 1.0, 8.0, at=n) for n in range(1, 41)))
        shown = page(old.id, Seen(n_runs=3), STRANGER)
    assert "“mine”: step 40 of 100, about 1 min 0 s left" in shown["at_work"]
    assert "1. smoke · gtzan" in shown["at_work"]
    assert "Finished" in shown["standing"]  # of the run that this page has chosen


def test_state_has_its_sign_and_only_buttons_that_apply_are_shown(host, page):
    for state, sign, next_step in (
        ("finished", "✓", "classify"),
        ("failed", "✕", None),
        ("cancelled", "–", None),
    ):
        run = ended(host, state, code="nan_loss", details={"step": 7})
        shown = page(run.id, Seen(n_runs=9))
        assert f'state-{state}" role="status"' in shown["standing"]
        assert f">{sign}</span>" in shown["standing"]
        names = ("classify", "stop", "resume", "cancel", "delete")
        first = [n for n in names if shown[n].visible and shown[n].variant == "primary"]
        assert first == ([next_step] if next_step else [])
        assert not shown["stop"].visible
        assert not shown["cancel"].visible
        assert shown["push"].visible == (state == "finished")


def test_question_says_what_would_be_gone(host):
    run = ended(host)
    (run.model_dir / "model.safetensors").write_bytes(b"0" * 2_500_000)
    asked = cards.question("delete", run, "en")
    assert "smoke · gtzan" in asked
    assert "(2.5 MB)" in asked
    waiting = runs.create(host.runs_dir, RunConfig(preset="smoke"))
    assert "leaves the queue" in cards.question("cancel", waiting, "en")
    runs.write_whole(waiting.started_file, "{}")
    assert "checkpoints" in cards.question("cancel", waiting, "en")


def test_run_that_resumes_is_one_that_goes_on(host, page):
    first = ended(host, "stopped", Step(1, 9, 2.0, 1, 1, 1), Evaluated(1, 0.9, 1.0, 20))
    run = ended(host, "finished", Step(2, 9, 1.9, 1, 1, 1), Evaluated(2, 0.5, 1.0, 20))
    runs.write_whole(run.parent_file, json.dumps({"id": first.id, "step": 1}))
    shown = page(run.id, Seen(n_runs=2))
    assert f"({first.id[-4:]}) after step 1" in shown["standing"]
    assert "90.0% of 20 songs" in shown["standing"]
    assert f"({run.id[-4:]})" in page(first.id, Seen(n_runs=2))["standing"]
    rows = {row[runs_table.ID]: row for row in shown["table"].value["data"]}
    assert "2 / 9" in rows[run.id]
    assert "■ stopped · continued" in rows[first.id]


def test_notes_and_tags_are_kept_and_shown_to_who_may_write_them(host, page):
    run = ended(host)
    actions.label(run.id, " too few\nsongs ", "brass, try brass", host, HERE)
    assert run.labels == runs.Labels("too few\nsongs", ("brass", "try"))
    shown = page(run.id)
    assert (shown["tags"].value, shown["notes"].value) == (
        "brass try",
        run.labels.notes,
    )
    assert page(run.id, visitor=STRANGER)["notes"].value == ""
    assert "brass try" in shown["table"].value["data"][0]
    with pytest.raises(KnownError, match="may_not_train"):
        actions.label(run.id, "mine", "", host, STRANGER)


def test_what_is_being_written_is_replaced_by_another_run_s_alone(host, page):
    run, other = ended(host), ended(host)
    seen = page(run.id, Seen(n_runs=2))["seen"]
    actions.label(run.id, "of another page", "", host, HERE)
    actions.rename(run.id, "of another page", host, HERE)
    again = page(run.id, seen)
    assert "table" in again
    assert not {"title", "notes", "tags"} & again.keys()
    assert {"title", "notes", "tags"} <= page(other.id, seen).keys()


def test_all_runs_are_taken_away_as_csv_without_paths(host):
    config = RunConfig(data=f"folder:{host.songs_dir}/mine", preset="smoke")
    run = runs.create(host.runs_dir, config)
    runs.rename(run, "=1+1")
    actions.label(run.id, "a note", "", host, HERE)
    kept = RunCache(host.runs_dir)
    text = runs_table.as_csv([run], kept, HERE)
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (row["id"], row["songs"], row["recipe"]) == (run.id, "mine", "smoke")
    assert (row["name"], row["notes"]) == ("'=1+1", "a note")  # no formula
    assert float(row["learning_rate"]) == config.learning_rate
    assert str(host.songs_dir) not in text
    assert "a note" not in runs_table.as_csv([run], kept, STRANGER)


def test_waiting_run_tells_its_place_and_a_full_queue_says_so(host, page):
    first, *queue = sorted(
        (runs.create(host.runs_dir, RunConfig(preset="smoke")) for _ in range(4)),
        key=lambda run: run.id,
    )
    with contextlib.ExitStack() as held:
        for number, run in enumerate([first, *queue]):
            held.enter_context(locks.held(run.lock_file))
            runs.write_whole(run.folder / "ticket.json", f'{{"ticket": {number}}}')
        runs.write_whole(first.started_file, "{}")
        shown = page(queue[1].id, Seen(n_runs=4))
        assert "this one is number 2 in the queue" in shown["standing"]
        assert "The queue is full" in shown["at_work"]
        assert not shown["start"].interactive
        assert "The queue" not in page(first.id, Seen(n_runs=4), STRANGER)["at_work"]
        told(first, *(Step(n, 100, 2.0, 1e-3, 1.0, 8.0, at=n) for n in range(1, 41)))
        jobs.stop(first)
        stopping = page(first.id, Seen(n_runs=4))
    assert "is stopping" in stopping["at_work"]
    assert "up to" in stopping["standing"]
    assert "left" not in stopping["at_work"] + stopping["standing"]


def test_scores_of_another_run_do_not_stay(host, page, monkeypatch):
    monkeypatch.setattr(scores, "as_html", lambda run, *_: f"scores of {run.id}")
    done = ended(host)
    assert page(done.id)["scores"] == f"scores of {done.id}"
    young = runs.create(host.runs_dir, RunConfig(preset="smoke"))
    with locks.held(young.lock_file):
        # As after a click on Start, of which the page knows no more than this.
        assert page(young.id, Seen(n_runs=2))["scores"] == ""


def test_log_shows_names_of_songs_as_text():
    skipped = Noted("song_skipped", {"name": "<img src=x>", "code": "not_audio"})
    html = cards.log_html([skipped], "en")
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html


def test_log_is_filtered_by_level_and_text():
    happened = [
        Stage("train"),
        Step(1, 10, 2.3, 1e-4, 1.0, 8.0),
        Noted("song_skipped", {"name": "bad.mp3", "code": "not_audio"}),
        Failed("nan_loss", {"step": 7}),
    ]
    assert "Step 1" in cards.log_html(happened, "en")
    news = cards.log_html(happened, "en", "news")
    assert "Step 1 of" not in news
    assert "Training" in news
    problems = cards.log_html(happened, "en", "problem")
    assert "bad.mp3" in problems
    assert "step 7" in problems
    assert "Training" not in problems
    found = cards.log_html(happened, "en", "all", "BAD.mp3")
    assert "bad.mp3" in found
    assert "Training" not in found
    assert "No matching lines" in cards.log_html(happened, "en", "all", "nowhere")


def test_failed_run_says_its_cause_and_what_to_try(host, page):
    ended(host, "failed", code="nan_loss", details={"step": 7})
    shown = page()
    assert "step 7" in shown["standing"]
    assert "lower learning rate" in shown["standing"]
    assert shown["start"].interactive
    assert clickable(shown) == {"delete", "rename"}


def test_result_names_the_best_validation_its_interval_and_the_command(host, page):
    tests = [Evaluated(50, 0.5, 1.0, 20), Evaluated(100, 0.8, 0.9, 20)]
    ended(host, "finished", *tests, Evaluated(150, 0.8, 0.7, 20), Finished(150, 0.8))
    card = page()["standing"]
    assert (
        "Best validation: 80.0% of 20 songs correct (95% interval: 58% to 92%)" in card
    )
    assert "after step 100" in card
    assert "python -m trainer --preset smoke" in card


def test_phases_have_their_own_progress_and_the_device_its_figures():
    happened = [
        Stage("decode", 0, 30, at=10.0),
        Stage("decode", 29, 30, at=20.0),
        Stage("model"),
        Step(3, 40, 2.3, 1e-4, 1.0, 8.0),
        Device("H200", 2**30, 2**34, 0.5, 61.0),
    ]
    html = cards.phases(happened, "en")
    assert "30 / 30 · 2.9 songs/s" in html
    assert "3 / 40" in html
    assert html.count("<progress") == 1
    # What is past comes last, so that a new phase moves nothing.
    assert html.index("<progress") < html.index("windows/s") < html.index("run-phase")
    assert "<p>About " in html or "<p>Estimating the time left" in html
    assert "8.0 windows/s" in html
    assert "61 °C" in html
    noted = {"kind": "cuda", "name": "H200", "precision": "bf16", "why": "gpu_bf16"}
    html = cards.phases([*happened, Noted("trains_on", noted)], "en")
    assert "Training on H200 in bf16: this GPU computes in bf16" in html
    cold = cards.phases([*happened, Device("CPU", 1, 2, 0.5, math.nan)], "en")
    assert "°C" not in cold


def test_past_phases_read_as_done_and_interrupted_ones_as_far_as_they_are():
    validating = [
        Stage("songs"),
        Stage("cluster", 2, 3),
        Step(3, 40, 2.3, 1e-4, 1.0, 8.0),
        Stage("validate", 0, 3),
        Stage("validate", 2, 3),
    ]
    html = cards.phases(validating, "en")
    assert "<span>3 / 3 ✓</span>" in html  # the last batch of a phase is not announced
    assert "<span>✓</span>" in html
    assert "<span>3 / 40</span>" in html
    assert "2 / 3" in html
    html = cards.phases([*validating, Stage("save")], "en")
    assert html.count("<span>3 / 3 ✓</span>") == 2
    html = cards.phases([*validating, Stage("save")], "en", is_stopping=True)
    assert html.count("<span>3 / 3 ✓</span>") == 1
    assert "<span>2 / 3</span>" in html


def test_gpu_that_is_not_used_is_told_while_the_run_trains():
    noted = {"kind": "cpu", "name": "EPYC", "precision": "fp32"}
    why = {"why": "driver_too_old"}
    happened = [
        Noted("trains_on", {**noted, **why}),
        Noted("gpu_unused", {"gpu": "Tesla T4", **why}),
        Stage("songs"),
    ]
    html = cards.phases(happened, "en")
    assert "Training on EPYC in fp32" in html
    assert "Tesla T4, but this run trains on the processor" in html
    assert "driver is older" in html
    assert [level for level, _ in messages.log(happened)][:2] == ["news", "problem"]


def test_load_that_a_gpu_does_not_tell_is_left_out():
    figures = Device("MIG", 2**30, 2**34, math.nan, 40.0)
    assert "nan" not in cards.phases([Stage("songs"), figures], "en")
    assert messages.line(figures) == "MIG: 1.0 of 16.0 GiB"


def titles(sheet):
    return [plot["title"] for plot in json.loads(sheet)["plots"]]


def test_curves_appear_with_the_first_step():
    assert runs_table.curves([Stage("songs")], "en") == ""
    assert runs_table.details([Stage("songs")], "en") == ""
    steps = [Step(1, 10, 2.3, 1e-4, 1.0, 8.0)]
    assert titles(runs_table.curves(steps, "en")) == ["Loss", "Validation accuracy (%)"]
    assert titles(runs_table.details(steps, "en")) == ["Learning rate", "Gradient norm"]


def test_validation_loss_is_dotted_beside_the_smoothed_training_loss():
    steps = [Step(n, 4, loss, 1e-4, 1.0, 8.0) for n, loss in ((1, 2.0), (2, 1.0))]
    story = [*steps, Evaluated(2, 0.5, 1.5, 20)]
    measured, validation = json.loads(runs_table.curves(story, "en"))["plots"][0][
        "layers"
    ]
    assert measured["ys"] == [2.0, 1.0]
    assert (validation["ys"], validation["dash"]) == ([1.5], 2)
    sheet = runs_table.curves(story, "en", 0.5)
    faint, smooth, _ = json.loads(sheet)["plots"][0]["layers"]
    assert faint["is_faint"]
    assert smooth["ys"] == [2.0, pytest.approx((0.5 * 2 + 1) / 1.5, abs=1e-5)]
    assert "Validation loss 1.500; lowest 1.500, after step 2" in sheet


@pytest.mark.parametrize(
    ("sent", "taken"), [(0.34, 0.3), (7, 0.9), (-1, 0.0), ("x", 0.6), (math.nan, 0.0)]
)
def test_smoothing_is_one_of_the_slider_s_steps(sent, taken):
    assert view.smoothing_of(sent) == taken


def test_comparison_leaves_out_what_counts_for_no_run(host):
    made = [
        RunConfig(data="gtzan", n_songs_per_genre=n, augmentation=n == 40)
        for n in (40, 12)
    ]
    every = [runs.create(host.runs_dir, config) for config in made]
    html = runs_table.differences(every, ["a", "b"], "en")
    assert "Songs to compose" not in html
    assert "<td>yes</td><td>no</td>" in html


def test_runs_are_compared_in_curves_and_settings(host):
    happened = [Step(1, 10, 2.3, 1e-4, 1.0, 8.0), Evaluated(1, 0.5, 1.0, 20)]
    first = ended(host, "finished", *happened)
    second = runs.create(host.runs_dir, RunConfig(preset="smoke", learning_rate=0.05))
    sheet, html = runs_table.compared([first, second], RunCache(host.runs_dir), "en")
    assert titles(sheet) == ["Validation accuracy (%)", "Loss"]
    accuracy, loss = json.loads(sheet)["plots"]
    assert accuracy["layers"][0]["ys"] == [50.0]
    assert [len(line["xs"]) for line in loss["layers"]] == [1, 0]
    assert "<td>Learning rate</td><td>5e-05</td><td>0.05</td>" in html
    assert "Batch size" not in html
    _, same = runs_table.compared([first, first], RunCache(host.runs_dir), "en")
    assert "Their settings are identical" in same


def test_compared_runs_are_drawn_over_the_same_steps(host):
    happened = [Step(n, 10, 2.3, 1e-4, 1.0, 8.0) for n in range(1, 8)]
    run = ended(host, "finished", *happened, Evaluated(5, 0.5, 1.0, 20))
    sheet = runs_table.overlaid([run], RunCache(host.runs_dir), "en")
    plots = json.loads(sheet)["plots"]
    assert [plot["x"]["stop"] for plot in plots] == [7, 7]
    assert {plot["range_of"] for plot in plots} == {runs_table.COMPARED}


def test_compared_curves_grow_with_their_runs(host, page):
    run = ended(host, "finished", Step(1, 10, 2.3, 1e-4, 1.0, 8.0))
    assert "comparison" not in page(run.id)
    shown = page(run.id, compared=(run.id, "gone"))
    assert json.loads(shown["comparison"])["plots"][-1]["layers"][0]["ys"] == [2.3]
    same = page(run.id, shown["seen"], compared=(run.id,))
    assert "comparison" not in same


def test_comparison_tells_no_path_of_a_folder(host):
    here, there = (
        runs.create(host.runs_dir, RunConfig(data=f"folder:{host.songs_dir}/{name}"))
        for name in ("mine", "hers")
    )
    html = runs_table.differences([here, there], ["a", "b"], "en")
    assert "<td>mine</td><td>hers</td>" in html
    assert str(host.songs_dir) not in html


def test_table_has_a_row_a_run_with_its_title_and_score(host):
    run = ended(host, "finished", Evaluated(50, 0.5, 1.0, 20))
    actions.rename(run.id, " mine\n", host, HERE)
    table = runs_table.table([run], RunCache(host.runs_dir), "zh-TW")
    (row,) = table["data"]
    named = dict(zip(runs_table.COLUMNS, row, strict=True))
    assert (named["name"], named["state"]) == ("mine", "✓ 已完成")
    assert (named["recipe"], named["songs"]) == ("smoke", "gtzan")
    assert (named["best"], named["test"], named["steps"]) == (50.0, None, "0 / 100")
    assert row[runs_table.ID] == run.id
    assert len(table["headers"]) == len(row)


def test_table_has_validation_and_test_in_columns_of_their_own(host):
    told = (Evaluated(50, 0.5, 1.0, 20), Finished(50, 0.5, 0.4))
    table = runs_table.table(
        [ended(host, "finished", *told)], RunCache(host.runs_dir), "en"
    )
    row = dict(zip(table["headers"], table["data"][0], strict=True))
    assert row["Validation (%)"] == 50.0
    assert row["Test (%)"] == 40.0


def test_deleted_run_is_gone_and_the_page_shows_another(host, page):
    first, second = ended(host), ended(host)
    seen = page(first.id)["seen"]
    actions.delete(first.id, host, HERE)
    shown = page(first.id, Seen(n_runs=seen.n_runs))
    assert shown["chosen"].value == second.id
    assert shown["compared"].value == []
    assert len(shown["table"].value["data"]) == 1


def test_run_that_goes_while_it_is_read_changes_nothing(host, page, monkeypatch):
    run = ended(host)

    def gone(*_):
        raise FileNotFoundError(run.folder)

    monkeypatch.setattr(cards, "standing", gone)
    assert page() == {"seen": gr.skip()}


def test_reader_reads_each_event_once_and_tells_a_parent_s_steps(
    host, monkeypatch, clock
):
    parent = ended(host, "stopped", *(Step(n, 9, 2.0, 1, 1, 1) for n in (1, 2, 3)))
    run = ended(host, "finished", Step(3, 9, 1.9, 1, 1, 1))
    facts = {"id": parent.id, "step": 2}
    runs.write_whole(run.parent_file, json.dumps(facts))
    kept = RunCache(host.runs_dir)
    assert [step.step for step in kept.story(run)] == [1, 2, 3]
    told(run, Step(4, 9, 1.8, 1, 1, 1))
    read = []
    from_line = events.from_line
    monkeypatch.setattr(
        events, "from_line", lambda line, *_: read.append(from_line(line))
    )
    kept.story(run)
    assert len(read) == 1


def test_picture_of_a_run_at_work_is_drawn_for_all_pages_at_once(
    host, monkeypatch, clock
):
    kept, drawn = RunCache(host.runs_dir), []
    used = itertools.count(0.0, 0.2)  # of the processor, 0.2 s a picture
    monkeypatch.setattr(cache.time, "thread_time", lambda: next(used))

    def draw():
        drawn.append(len(drawn))
        return f"picture {len(drawn)}"

    clock.set(10.0)
    assert kept.rendered("key", 1, draw, may_lag=True).html == "picture 1"
    assert kept.rendered("key", 1, draw, may_lag=True).html == "picture 1"
    clock.set(10.1 + cache.DRAW_EVERY_S)  # 0.2 s would be too much of it
    assert kept.rendered("key", 2, draw, may_lag=True).html == "picture 1"
    clock.set(10.1 + 0.2 / cache.DRAWING_SHARE)
    assert kept.rendered("key", 3, draw, may_lag=True).html == "picture 2"
    assert kept.rendered("key", 4, draw).html == "picture 3"


def test_runs_are_listed_for_programs_without_paths_of_this_host(host):
    config = RunConfig(data=f"folder:{host.songs_dir}/mine")
    run = runs.create(host.runs_dir, config)
    (listed,) = runs_api.Endpoints(host).runs()
    assert listed["id"] == run.id
    assert listed["state"] == "waiting"
    assert str(host.runs_dir.parent) not in str(listed)


def test_page_polls_only_once_its_tab_is_in_sight(host):
    demo = app.create_app(host)
    timers = [b for b in demo.blocks.values() if isinstance(b, gr.Timer)]
    (timer,) = [timer for timer in timers if timer.value == cache.POLL_S]
    assert not timer.active
    setters = [fn for fn in demo.fns.values() if fn.outputs == [timer]]
    told = [re.findall(r"active: (true|false)", str(fn.js)) for fn in setters]
    assert sorted(told) == [["false"], ["true"]]
