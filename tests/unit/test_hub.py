import json
import shutil

import pytest

import i18n
from classifier.models import Models
from errors import KnownError
from hub import client, conversion
from support import tiny
from support.model_hub import (
    HUB_MODEL,
    INFO,
    REVISION,
    HubServer,
    use_hub,
)
from support.refusals import code_of
from trainer.config import RunConfig
from trainer.training import initial_model


def load_from_hub(home):
    """Load the Hub's model on a host that has nothing else."""
    models = Models(
        bundled_model_dir=home / "bundled", runs_dir=home / "runs", hub_model=HUB_MODEL
    )
    return models.load(models.ref(f"hub:{HUB_MODEL}"))


def test_hub_model_is_fetched_at_its_revision(tmp_path, tiny_model_dir, serve):
    server = serve(tiny_model_dir)
    loaded = load_from_hub(tmp_path)
    assert loaded.ref.revision == REVISION
    assert loaded.ref.trained_on == tiny.FACTS["trained_on"]
    assert loaded.labels == tiny.GENRES
    files = {path for path in server.asked if "/resolve/" in path}
    expected = {f"/{HUB_MODEL}/resolve/{REVISION}/{f}" for f in client.CHECKPOINT_FILES}
    assert files == expected


def test_hub_model_in_the_cache_needs_no_network(tmp_path, tiny_model_dir, serve):
    serve(tiny_model_dir)
    load_from_hub(tmp_path)
    serve(tiny_model_dir, status=503)
    assert load_from_hub(tmp_path).ref.revision == REVISION


@pytest.mark.parametrize(
    ("patience_s", "answer_timeout_s"),
    [(30.0, 0.2), (0.2, 30.0)],
    ids=["the client gives up", "we give up, where the client would not"],
)
def test_hub_that_never_answers_is_unreachable(
    tmp_path, tiny_model_dir, serve, monkeypatch, patience_s, answer_timeout_s
):
    monkeypatch.setattr(client, "PATIENCE_S", patience_s)
    monkeypatch.setattr(client, "ANSWER_TIMEOUT_S", answer_timeout_s)
    server = serve(tiny_model_dir)
    server.release.clear()
    with pytest.raises(KnownError) as caught:
        load_from_hub(tmp_path)
    assert caught.value.code == "hub_unreachable"
    assert "bundled" in i18n.sentence(caught.value)
    assert server.asked  # it was silent, not absent


def test_hub_without_a_network_is_unreachable(tmp_path, serve, monkeypatch):
    closed = HubServer(tmp_path)
    closed.server_close()
    serve(tmp_path)
    use_hub(monkeypatch, closed.address)
    assert code_of(load_from_hub, tmp_path) == "hub_unreachable"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"status": 404, "error_code": "RepoNotFound"}, "hub_model_missing"),
        ({"status": 403, "error_code": "GatedRepo"}, "hub_model_gated"),
        ({"status": 500}, "hub_unreachable"),
    ],
)
def test_hub_that_refuses_is_named(tmp_path, tiny_model_dir, serve, behaviour, code):
    serve(tiny_model_dir, **behaviour)
    assert code_of(load_from_hub, tmp_path) == code


def test_hub_model_with_a_pickle_only_is_refused(tmp_path, tiny_model_dir, serve):
    folder = shutil.copytree(tiny_model_dir, tmp_path / "repository")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    server = serve(folder)
    assert code_of(load_from_hub, tmp_path) == "hub_file_missing"
    assert not any("pytorch_model" in path for path in server.asked)


OFFERED = "89abcdef0123456789abcdef0123456789abcdef"
OFFER = {
    "title": conversion.TITLE,
    "num": 2,
    "author": {"name": conversion.CONVERTER},
    "createdAt": "2023-01-01T00:00:00.000Z",
    "status": "open",
    "repo": {"name": HUB_MODEL, "type": "model"},
    "isPullRequest": True,
}


def pickle_with_an_offer(offer, parent):
    """What the Hub says of a model with a pickle alone, and a pull request to it."""

    def info(commit, *names):
        siblings = [{"rfilename": name, "size": 1000} for name in names]
        return json.dumps({"id": HUB_MODEL, "sha": commit, "siblings": siblings})

    commits = [
        {
            "id": each,
            "title": "",
            "message": "",
            "authors": [],
            "date": OFFER["createdAt"],
        }
        for each in (OFFERED, parent)
    ]
    page = {"discussions": [offer], "count": 1, "start": 0}
    pages = {
        "/discussions": json.dumps(page),
        "/commits/refs%2Fpr%2F2": json.dumps(commits),
        f"/revision/{OFFERED}": info(OFFERED, "pytorch_model.bin", client.WEIGHTS),
    }
    return {
        "info": info(REVISION, "pytorch_model.bin").encode(),
        "pages": {end: page.encode() for end, page in pages.items()},
    }


def test_weights_of_a_pickle_are_taken_from_the_hubs_own_converter(
    tiny_model_dir, serve
):
    server = serve(tiny_model_dir, **pickle_with_an_offer(OFFER, REVISION))
    folder = client.fetch(HUB_MODEL, revision=REVISION)
    assert folder.name == OFFERED
    assert not any("pytorch_model" in path for path in server.asked)
    server.asked.clear()
    assert client.fetch(HUB_MODEL, revision=REVISION) == folder
    assert not server.asked  # the exact commit leads to it from now on


@pytest.mark.parametrize(
    ("offer", "parent"),
    [
        ({**OFFER, "author": {"name": "somebody"}}, REVISION),
        ({**OFFER, "title": "Better weights"}, REVISION),
        (OFFER, "f" * 40),
    ],
    ids=["by somebody", "something else", "of another commit"],
)
def test_weights_that_may_be_somebody_elses_are_not_taken(
    tmp_path, tiny_model_dir, serve, offer, parent
):
    folder = shutil.copytree(tiny_model_dir, tmp_path / "repository")
    (folder / client.WEIGHTS).unlink()
    server = serve(folder, **pickle_with_an_offer(offer, parent))
    assert code_of(load_from_hub, tmp_path) == "hub_file_missing"
    assert not any(f"/resolve/{OFFERED}" in path for path in server.asked)


def test_hub_answer_that_is_no_json_is_unreachable(tmp_path, serve):
    serve(tmp_path, info=b"<html>Sign in to this network</html>")
    assert code_of(load_from_hub, tmp_path) == "hub_unreachable"


def test_hub_model_that_is_too_large_is_refused_before_it_is_downloaded(
    tmp_path, tiny_model_dir, serve
):
    files = [{"rfilename": "model.safetensors", "size": 5_000_000_000}]
    info = json.dumps({**json.loads(INFO), "siblings": files}).encode()
    server = serve(tiny_model_dir, info=info)
    assert code_of(load_from_hub, tmp_path) == "model_too_large"
    assert not any("/resolve/" in path for path in server.asked)


def test_hub_model_in_several_files_is_refused_before_it_is_downloaded(
    tmp_path, tiny_model_dir, serve
):
    names = ("model.safetensors.index.json", "model-00001-of-00002.safetensors")
    files = [{"rfilename": name, "size": 1000} for name in names]
    info = json.dumps({**json.loads(INFO), "siblings": files}).encode()
    server = serve(tiny_model_dir, info=info)
    assert code_of(load_from_hub, tmp_path) == "hub_model_sharded"
    assert not any("/resolve/" in path for path in server.asked)


def test_fetch_tells_how_much_of_the_weights_is_here(
    tmp_path, tiny_model_dir, serve, monkeypatch
):
    size = (tiny_model_dir / "model.safetensors").stat().st_size
    weights = {"rfilename": "model.safetensors", "size": size}
    info = json.dumps({**json.loads(INFO), "siblings": [weights]}).encode()
    serve(tiny_model_dir, info=info)

    def arriving(repo_id, name, revision, kind, hear, **_):
        if name == "model.safetensors":
            hear(size // 2)
            hear(size)

    monkeypatch.setattr(client.resumable, "fetch", arriving)
    told = []
    client.fetch(
        HUB_MODEL, on_progress=lambda n_bytes, n_all: told.append((n_bytes, n_all))
    )
    assert told == [(size // 2, size), (size, size)]


def test_any_hub_model_may_be_asked_for_where_the_host_allows_it(
    tmp_path, tiny_model_dir, serve
):
    serve(tiny_model_dir)
    choices = {"bundled_model_dir": tmp_path, "runs_dir": tmp_path, "hub_model": "a/b"}
    models = Models(**choices, is_hub_open=True)
    assert models.load(models.ref(f"hub:{HUB_MODEL}")).labels == tiny.GENRES
    closed = [Models(**choices), Models(**choices, is_hub_open=True, is_offline=True)]
    for host in closed:
        with pytest.raises(KnownError, match="unknown_model"):
            host.ref(f"hub:{HUB_MODEL}")


@pytest.mark.parametrize(
    "name", ["..", "a", "a/b/c", "/a", "a/..", "http://a/b", "a b/c"]
)
def test_what_is_no_hub_id_is_unknown_even_where_any_is_allowed(tmp_path, name):
    models = Models(
        bundled_model_dir=tmp_path, runs_dir=tmp_path, hub_model="", is_hub_open=True
    )
    with pytest.raises(KnownError, match="unknown_model"):
        models.ref(f"hub:{name}")


def test_exact_commit_that_is_here_is_not_asked_for_again(tiny_model_dir, serve):
    server = serve(tiny_model_dir)
    folder = client.fetch(HUB_MODEL, revision=REVISION)
    assert folder.name == REVISION
    server.asked.clear()
    assert client.fetch(HUB_MODEL, revision=REVISION) == folder
    assert not server.asked


def test_revision_by_name_is_asked_for_and_never_another_one_taken(
    tiny_model_dir, serve
):
    server = serve(tiny_model_dir)
    folder = client.fetch(HUB_MODEL, revision="refs/pr/4")
    assert folder.name == REVISION
    assert any("/revision/refs%2Fpr%2F4" in path for path in server.asked)
    serve(tiny_model_dir, status=503)
    assert client.fetch(HUB_MODEL) == folder
    for other in ("refs/pr/5", "f" * 40):
        with pytest.raises(KnownError, match="hub_unreachable"):
            client.fetch(HUB_MODEL, revision=other)


def test_too_many_requests_are_told_as_such(tmp_path, tiny_model_dir, serve):
    serve(tiny_model_dir, status=429)
    assert code_of(load_from_hub, tmp_path) == "hub_busy"


def test_model_that_is_here_needs_no_hub_that_is_busy(tmp_path, tiny_model_dir, serve):
    serve(tiny_model_dir)
    load_from_hub(tmp_path)
    serve(tiny_model_dir, status=429)
    assert load_from_hub(tmp_path).ref.revision == REVISION


POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 3643844\n"
)


def pointed(folder, tiny_model_dir):
    """A checkpoint as a clone without git-lfs leaves it."""
    shutil.copytree(tiny_model_dir, folder)
    (folder / "model.safetensors").write_text(POINTER)
    return folder


def test_pointer_in_place_of_weights_is_said(tmp_path, tiny_model_dir):
    models = Models(
        bundled_model_dir=pointed(tmp_path / "b", tiny_model_dir),
        runs_dir=tmp_path / "runs",
        hub_model="",
    )
    with pytest.raises(KnownError) as caught:
        models.load(models.ref("bundled"))
    assert caught.value.code == "weights_are_pointer"
    assert "hf download" in i18n.sentence(caught.value)


def test_run_from_a_pointer_says_so(tmp_path, tiny_model_dir, monkeypatch):
    folder = pointed(tmp_path / "b", tiny_model_dir)
    monkeypatch.setattr(initial_model, "BUNDLED_DIR", folder)
    with pytest.raises(KnownError, match="weights_are_pointer"):
        initial_model.load_base(RunConfig(base_model="bundled"), ["a", "b"])


def test_weights_are_no_pointer(tiny_model_dir):
    assert not client.is_pointer(tiny_model_dir / "model.safetensors")
