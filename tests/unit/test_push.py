import dataclasses
import json
import logging
import shutil
import traceback

import pytest

import i18n
from classifier.models import Models
from classifier.predict import predict
from errors import KnownError
from hub import account
from support.finished_runs import finished_run
from support.hub_server import OWNER, REVISION, TOKEN
from support.marked import keep_scores
from support.signals import tone
from trainer import __main__ as command
from trainer.evaluation.scores import Scores
from trainer.publish import push
from trainer.run import events
from trainer.run.events import Stage

REPO = f"{OWNER}/genres"
ALLOWED = {
    "README.md",
    "config.json",
    "preprocessor_config.json",
    "model.safetensors",
    "confusion.json",
    "results.json",
}


@pytest.fixture
def run(tmp_path, tiny_model_dir):
    run = finished_run(tmp_path / "runs", tiny_model_dir)
    (run.folder / "training_args.bin").write_bytes(b"a pickle")
    return run


def pushed(run, repo_id=REPO, token=TOKEN, **choices):
    told = []
    address = push.push(
        run, repo_id, token_of=lambda: token, emit=told.append, **choices
    )
    return address, told


def code_of_push(run, repo_id=REPO, token=TOKEN, **choices):
    """The code that a push ends in; it has a sentence in every language."""
    with pytest.raises(KnownError) as caught:
        pushed(run, repo_id, token, **choices)
    for language in i18n.LANGUAGES:
        assert i18n.sentence(caught.value, language)
    return caught.value.code


def test_what_is_unlike_its_songs_goes_with_the_model(
    tmp_path, tiny_model_dir, push_hub
):
    model_dir = shutil.copytree(tiny_model_dir, tmp_path / "copy")
    (model_dir / "features.safetensors").write_bytes(b"tensors")
    run = finished_run(tmp_path / "others", model_dir)
    pushed(run)
    assert set(push_hub.repos[REPO]["files"]) == ALLOWED | {"features.safetensors"}
    assert (
        "`features.safetensors`" in push_hub.repos[REPO]["files"]["README.md"].decode()
    )


def test_finished_run_arrives_private_and_nothing_else_with_it(run, push_hub):
    address, told = pushed(run)
    assert address == f"{push_hub.address}/{REPO}"
    repo = push_hub.repos[REPO]
    assert repo["private"] is True
    assert set(repo["files"]) == ALLOWED
    weights = (run.model_dir / "model.safetensors").read_bytes()
    assert repo["files"]["model.safetensors"] == weights
    assert json.loads(repo["files"]["config.json"])["genrescope"]
    assert [stage.name for stage in told[:2]] == ["ask", "upload"]
    assert told[-1] == dataclasses.replace(
        Stage("upload", len(weights), len(weights)), at=told[-1].at
    )


def test_no_file_names_a_place_of_this_machine(run, push_hub, tmp_path):
    pushed(run)
    files = push_hub.repos[REPO]["files"].items()
    for text in (content.decode() for name, content in files if "tensors" not in name):
        assert str(tmp_path) not in text
        assert "secret" not in text  # the songs' names in split.json


def test_scores_go_in_the_run_s_own_schema_but_for_the_names_of_songs(run, push_hub):
    kept = keep_scores(run.folder, names=("a", "secret", "c", "d"))
    pushed(run)
    text = push_hub.repos[REPO]["files"]["results.json"].decode()
    assert "secret" not in text
    assert Scores.from_json(text) == dataclasses.replace(kept, mistakes=())


def test_repository_is_public_only_where_that_was_said(run, push_hub):
    pushed(run, private=False)
    assert push_hub.repos[REPO]["private"] is False
    assert code_of_push(run) == "push_is_public"
    pushed(run, private=False)


def test_pushed_model_classifies_like_the_run_s_own(
    run, push_hub, monkeypatch, tmp_path
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    pushed(run, private=False)
    models = Models(
        bundled_model_dir=tmp_path, runs_dir=run.folder.parent, hub_model=REPO
    )
    clip = tone(440.0, duration_s=1.0)
    theirs, ours = (
        predict(clip, models.load(models.ref(key)))
        for key in (f"hub:{REPO}", f"run:{run.id}")
    )
    assert theirs.genres == ours.genres
    assert theirs.model.revision == REVISION


def test_lost_connection_is_said_and_the_push_can_be_repeated(run, push_hub):
    push_hub.is_losing = True
    assert code_of_push(run) == "push_lost"
    assert push_hub.repos[REPO]["files"] == {}  # all of it or nothing
    push_hub.is_losing = False
    pushed(run)
    assert set(push_hub.repos[REPO]["files"]) == ALLOWED


def test_push_after_a_push_sends_the_weights_only_once(run, push_hub):
    pushed(run)
    pushed(run)
    assert [method for method, _, _ in push_hub.asked].count("PUT") == 1


def test_hub_that_falls_silent_is_given_up(run, push_hub, monkeypatch):
    monkeypatch.setattr(account, "PATIENCE_S", 0.2)
    push_hub.release.clear()
    assert code_of_push(run) == "push_lost"


def test_bad_token_is_said(run, push_hub):
    assert code_of_push(run, token="hf_expired") == "push_bad_token"
    assert not push_hub.repos


def test_missing_login_is_said_without_asking_the_hub(run, push_hub):
    assert code_of_push(run, token=None) == "push_no_login"
    assert not push_hub.asked


def test_another_s_namespace_is_forbidden(run, push_hub):
    assert code_of_push(run, "somebody/genres") == "push_forbidden"


def test_name_of_something_else_is_taken_and_nothing_of_it_changes(run, push_hub):
    files = {"README.md": b"---\ntags: [poems]\n---\n", "poems.txt": b"a rose"}
    push_hub.repos[REPO] = {"private": True, "files": dict(files)}
    assert code_of_push(run) == "push_name_taken"
    assert push_hub.repos[REPO]["files"] == files


def test_name_of_something_that_we_may_not_see_is_taken(run, push_hub):
    push_hub.repos[REPO] = {"private": True, "files": {}, "is_hidden": True}
    assert code_of_push(run) == "push_name_taken"


def test_empty_repository_is_filled(run, push_hub):
    push_hub.repos[REPO] = {"private": True, "files": {}}
    pushed(run)
    assert set(push_hub.repos[REPO]["files"]) == ALLOWED


def test_offline_host_pushes_nothing(run, push_hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert code_of_push(run) == "push_offline"
    assert not push_hub.asked


def test_run_that_is_not_finished_is_refused(run, push_hub):
    (run.folder / "result.json").write_text('{"state": "stopped", "step": 3}')
    assert code_of_push(run) == "push_not_finished"


@pytest.mark.parametrize(
    "name", ["", "genres", "a/b/c", "a/..", "a/-b", "a/b c", "../a", "a/" + 99 * "b"]
)
def test_name_that_no_repository_can_have_is_refused(run, push_hub, name):
    assert code_of_push(run, name) == "push_bad_name"
    assert not push_hub.asked


@pytest.mark.parametrize(
    ("token", "is_losing"),
    [
        (TOKEN, False),
        (TOKEN, True),
        (TOKEN + "x", False),
        (f"{TOKEN}\nsecond line", False),
        (f"{TOKEN}é", False),
    ],
    ids=["success", "lost", "bad", "broken", "not ASCII"],
)
def test_token_is_in_no_file_event_log_or_message(
    run, push_hub, tmp_path, caplog, capfd, token, is_losing
):
    caplog.set_level(logging.DEBUG)
    push_hub.is_losing = is_losing
    told, said = [], ""
    try:
        push.push(run, REPO, token_of=lambda: token, emit=told.append)
    except KnownError as error:
        said = "".join(traceback.format_exception(error))
        assert error.__cause__ is None and error.__context__ is None
    assert any(TOKEN in authorization for _, _, authorization in push_hub.asked) or said
    printed = capfd.readouterr()
    lines = [events.to_line(event) for event in told]
    for text in (said, caplog.text, printed.out, printed.err, *lines):
        assert TOKEN not in text
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path
    for repo in push_hub.repos.values():
        assert all(TOKEN.encode() not in content for content in repo["files"].values())


def test_command_line_pushes_the_newest_finished_run(
    run, push_hub, monkeypatch, capsys
):
    monkeypatch.setattr(account, "host_token", lambda: TOKEN)
    flags = ["push", "--to", REPO, "--runs-dir", str(run.folder.parent)]
    assert command.main(flags) == 0
    printed = capsys.readouterr().out
    assert f"{push_hub.address}/{REPO}" in printed
    assert TOKEN not in printed
    assert push_hub.repos[REPO]["private"] is True
    assert command.main([*flags, run.id]) == 0


def test_command_line_says_why_nothing_was_pushed(tmp_path, push_hub, capsys):
    flags = ["push", "--to", REPO, "--runs-dir", str(tmp_path)]
    assert command.main(flags) == 2
    assert command.main([*flags, "20260101-000000-abcd"]) == 2
    assert command.main(["push", "20260101-000000-abcd", "--to", "x"]) == 2
    err = capsys.readouterr().err
    assert "There is no finished model" in err
    assert "run -" not in err


def test_progress_is_told_at_each_mebibyte_and_again_after_a_loss(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(5 * push.MIB // 2))
    told = []
    with push._ProgressReader(path) as file:
        file.read()  # for the hash
        file.seek(0)
        file.report_to(told.append)
        for _ in range(2):
            while file.read(push.MIB // 16):
                pass
            file.seek(0)
    done = [stage.done / push.MIB for stage in told]
    assert done[:3] == [1, 2, 2.5]
    assert done[3] < 1  # it began anew, and said so at once
    assert done[-1] == 2.5
    assert {stage.total for stage in told} == {5 * push.MIB // 2}
