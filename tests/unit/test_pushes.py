"""Pushes as the page starts and shows them."""

import pytest

from errors import KnownError
from support.finished_runs import finished_run
from support.hub_server import OWNER, TOKEN
from trainer.run.events import Stage
from ui.tabs.train import pushes
from ui.tabs.train.pushes import Push, Pushes

REPO = f"{OWNER}/genres"


@pytest.fixture
def run(tmp_path, tiny_model_dir):
    return finished_run(tmp_path / "runs", tiny_model_dir)


def end_of(kept, run, token=TOKEN, repo_id=REPO):
    kept.start(run, repo_id, lambda: token, private=True).join()
    return kept.of(run.id)


def test_push_goes_on_by_itself_and_ends_with_an_address(run, push_hub):
    end = end_of(Pushes(), run, repo_id=f" {REPO} ")
    assert end == Push(REPO, address=f"{push_hub.address}/{REPO}")
    assert push_hub.repos[REPO]["private"]
    shown = pushes.as_html(end, "en")
    assert f'href="{push_hub.address}/{REPO}"' in shown
    assert TOKEN not in shown


def test_push_that_failed_says_why_and_can_be_repeated(run, push_hub):
    kept = Pushes()
    end = end_of(kept, run, token=None)
    assert end.error.code == "push_no_login"
    assert "hf auth login" in pushes.as_html(end, "en")
    assert end_of(kept, run).address


def test_push_is_refused_while_the_same_run_is_on_its_way(run, push_hub):
    kept = Pushes()
    push_hub.release.clear()
    thread = kept.start(run, REPO, lambda: TOKEN, private=True)
    try:
        with pytest.raises(KnownError, match="push_at_work"):
            kept.start(run, REPO, lambda: TOKEN, private=True)
        assert not kept.of(run.id).is_over
    finally:
        push_hub.release.set()
    thread.join()
    assert kept.of(run.id).address


def test_name_that_no_repository_can_have_is_refused_at_once(run):
    kept = Pushes()
    with pytest.raises(KnownError, match="push_bad_name"):
        kept.start(run, "no owner", lambda: TOKEN, private=True)
    assert kept.of(run.id) is None


def test_push_that_ends_in_a_bug_is_over(run, monkeypatch):
    kept = Pushes()
    monkeypatch.setattr(pushes.push, "push", lambda *a, **k: 1 / 0)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    assert end_of(kept, run).error.code == "push_lost"


def test_upload_has_a_bar():
    half = Push(REPO, Stage("upload", 5_000_000, 10_000_000))
    assert "5.0 / 10.0 MB" in pushes.as_html(half, "en")
    assert 'value="0.500"' in pushes.as_html(half, "en")
    assert pushes.as_html(None, "en") == ""
