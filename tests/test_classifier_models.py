import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tiny
from tiny import FACTS, GENRES, SAMPLING_RATE, save_tiny_model

import words
from classifier import hub
from classifier.models import N_KEPT, TUTORIAL_WINDOW_S, Models
from errors import KnownError

tiny_model_dir = tiny.tiny_model_dir

HUB_MODEL = "someone/genres"
REVISION = "0123456789abcdef0123456789abcdef01234567"
INFO = json.dumps({"id": HUB_MODEL, "sha": REVISION}).encode()


@pytest.fixture
def house(tmp_path, tiny_model_dir):
    """A host with a bundled model and two finished runs, offline."""
    link(tmp_path / "demo", tiny_model_dir)
    add_run(tmp_path / "runs", "20260101-000000-aaaa", tiny_model_dir)
    add_run(tmp_path / "runs", "20260202-000000-bbbb", tiny_model_dir)
    return tmp_path


def models_of(home, **changes):
    choices = {"hub_model": HUB_MODEL, "is_offline": True, **changes}
    return Models(bundled_model_dir=home / "demo", runs_dir=home / "runs", **choices)


def link(folder, model_dir):
    folder.mkdir(parents=True)
    for path in model_dir.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


def add_run(runs_dir, run_id, model_dir, state="finished"):
    link(runs_dir / run_id / "model", model_dir)
    (runs_dir / run_id / "result.json").write_text(json.dumps({"state": state}))


def keys(models):
    return [ref.key for ref in models.available()]


def code_of(call, *arguments):
    """The code of the KnownError that a call raises; it has a sentence."""
    with pytest.raises(KnownError) as caught:
        call(*arguments)
    assert words.sentence(caught.value)
    return caught.value.code


# What there is


def test_available_lists_bundled_then_newest_run_then_hub(house):
    assert keys(models_of(house, is_offline=False)) == [
        "bundled",
        "run:20260202-000000-bbbb",
        "run:20260101-000000-aaaa",
        "hub:someone/genres",
    ]


def test_available_offline_has_no_hub_model(house):
    assert "hub:someone/genres" not in keys(models_of(house))


def test_available_of_an_empty_host_is_empty(tmp_path):
    assert models_of(tmp_path).available() == ()


def test_available_tells_what_the_checkpoint_says(house):
    ref = models_of(house).ref("bundled")
    assert (ref.trained_on, ref.window_s) == (FACTS["trained_on"], FACTS["window_s"])


def test_available_has_stopped_runs_but_no_failed_or_running_ones(
    house, tiny_model_dir
):
    add_run(house / "runs", "20260303-000000-cccc", tiny_model_dir, "stopped")
    add_run(house / "runs", "20260404-000000-dddd", tiny_model_dir, "failed")
    link(house / "runs" / "20260505-000000-eeee" / "model", tiny_model_dir)
    assert [key[-4:] for key in keys(models_of(house))] == [
        "dled",
        "cccc",
        "bbbb",
        "aaaa",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("result.json", "{half"),
        ("result.json", '["finished"]'),
        ("model/config.json", "{half"),
        ("model/config.json", None),
        ("model/preprocessor_config.json", None),
        ("model/model.safetensors", None),
    ],
)
def test_available_leaves_broken_runs_out(house, name, text):
    path = house / "runs" / "20260202-000000-bbbb" / name
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert keys(models_of(house)) == ["bundled", "run:20260101-000000-aaaa"]


@pytest.mark.parametrize(
    "facts", [None, "x", {}, {"window_s": "long"}, {"window_s": 0}]
)
def test_window_is_the_tutorials_where_the_checkpoint_does_not_say(tmp_path, facts):
    save_tiny_model(tmp_path / "demo", genrescope=facts)
    ref = models_of(tmp_path).ref("bundled")
    assert (ref.window_s, ref.trained_on) == (TUTORIAL_WINDOW_S, "")


def test_config_keeps_our_key_through_save_and_load(tmp_path, tiny_model_dir):
    from transformers import AutoModelForAudioClassification

    model = AutoModelForAudioClassification.from_pretrained(tiny_model_dir)
    model.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["genrescope"] == FACTS


@pytest.mark.parametrize(
    "key",
    ["", "../x", "/etc", "run:../..", "run:", "run:20260101-000000-aaaa/../..",
     "bundled/..", "hub:other/model", "someone/genres", "http://localhost/x"],
)  # fmt: skip
def test_ref_refuses_what_is_not_in_the_list(house, key):
    assert code_of(models_of(house, is_offline=False).ref, key) == "unknown_model"


# Loading


def test_load_gives_a_model_ready_to_listen(house):
    loaded = models_of(house).load(models_of(house).ref("bundled"))
    assert loaded.labels == GENRES
    assert loaded.sampling_rate == SAMPLING_RATE
    assert loaded.window_s == FACTS["window_s"]
    assert not loaded.model.training


def test_load_gives_float32_of_a_half_precision_checkpoint(tmp_path, tiny_model_dir):
    import torch
    from transformers import AutoModelForAudioClassification

    folder = save_tiny_model(tmp_path / "demo")
    half = AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float16)
    half.save_pretrained(folder)
    models = models_of(tmp_path)
    model = models.load(models.ref("bundled")).model
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_load_refuses_a_path_in_a_ref_made_by_hand(house):
    from dataclasses import replace

    models = models_of(house)
    forged = replace(models.ref("run:20260101-000000-aaaa"), id="../demo")
    assert code_of(models.load, forged) == "unknown_model"


def count_reads(monkeypatch):
    """Names of the checkpoints that are read from disk from now on."""
    from classifier import models as module

    reads = []
    read = module._read_checkpoint

    def counted(ref, folder):
        reads.append(ref.key)
        return read(ref, folder)

    monkeypatch.setattr(module, "_read_checkpoint", counted)
    return reads


def test_load_by_many_threads_reads_once(house, monkeypatch):
    reads = count_reads(monkeypatch)
    models = models_of(house)
    ref = models.ref("bundled")
    start, loaded = threading.Barrier(6), []

    def visit():
        start.wait()
        loaded.append(models.load(ref))

    threads = [threading.Thread(target=visit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reads == ["bundled"]
    assert len(loaded) == 6
    assert len(set(map(id, loaded))) == 1


def test_load_keeps_the_last_used(house, monkeypatch):
    reads = count_reads(monkeypatch)
    models = models_of(house)
    first, second, third = map(models.ref, keys(models))
    assert N_KEPT == 2
    for ref in (first, second, first, third, first, second):
        models.load(ref)
    assert reads == [first.key, second.key, third.key, second.key]


def test_load_refuses_a_pickle(tmp_path):
    import torch
    from transformers import AutoModelForAudioClassification

    folder = save_tiny_model(tmp_path / "demo")
    models = models_of(tmp_path)
    ref = models.ref("bundled")
    model = AutoModelForAudioClassification.from_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert code_of(models.load, ref) == "unknown_model"
    (folder / "model.safetensors").write_bytes(
        (folder / "pytorch_model.bin").read_bytes()
    )
    assert code_of(models.load, ref) == "model_broken"


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "nonsense", "auto_map": {"AutoConfig": "evil.Config"}},
        {"model_type": "bert"},
        {"hidden_size": 24},
        {"hidden_size": "wide"},
        {"num_hidden_layers": 3},
        {"num_attention_heads": 0},
        {"hidden_act": "nonsense"},
        {"id2label": {"x": "jazz"}},
        {"id2label": ["jazz"]},
    ],
)
def test_load_names_a_config_that_does_not_fit(tmp_path, change):
    path = save_tiny_model(tmp_path / "demo") / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    models = models_of(tmp_path)
    assert code_of(models.load, models.ref("bundled")) == "model_broken"


def test_load_names_weights_that_are_cut_short(tmp_path):
    path = save_tiny_model(tmp_path / "demo") / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    models = models_of(tmp_path)
    assert code_of(models.load, models.ref("bundled")) == "model_broken"


# The Hub, played by a server on this machine


class HubServer(ThreadingHTTPServer):
    """One model, in the Hub's words; ``status`` other than 200 is its only answer."""

    daemon_threads = True

    def __init__(self, folder, status=200, error_code="", info=INFO):
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.folder, self.info = folder, info
        self.status, self.error_code = status, error_code
        self.asked = []
        self.release = threading.Event()
        self.release.set()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.release.wait(60)
        if self.server.status != 200:
            return self.answer(self.server.status, b"{}")
        if self.path.startswith("/api/models/"):
            return self.answer(200, self.server.info)
        path = self.server.folder / Path(self.path).name
        if not path.exists():
            return self.answer(404, b"", "EntryNotFound")
        return self.answer(200, path.read_bytes())

    def do_HEAD(self):
        self.do_GET()

    def answer(self, status, body, error_code=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{Path(self.path).name}"')
        self.send_header("X-Repo-Commit", REVISION)
        if error_code or self.server.error_code:
            self.send_header("X-Error-Code", error_code or self.server.error_code)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def use_hub(monkeypatch, address):
    """Send the Hub's client to another address."""
    from huggingface_hub import constants

    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Start a Hub of our own and make it the client's, with an empty cache."""
    from huggingface_hub import constants

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    servers = []

    def start(folder, **behaviour):
        server = HubServer(folder, **behaviour)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        use_hub(monkeypatch, server.address)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.release.set()
        server.shutdown()
        server.server_close()


def load_from_hub(tmp_path):
    models = models_of(tmp_path, is_offline=False)
    return models.load(models.ref(f"hub:{HUB_MODEL}"))


def test_hub_model_is_fetched_at_its_revision(tmp_path, tiny_model_dir, serve):
    server = serve(tiny_model_dir)
    loaded = load_from_hub(tmp_path)
    assert loaded.ref.revision == REVISION
    assert loaded.ref.trained_on == FACTS["trained_on"]
    assert loaded.labels == GENRES
    files = {path for path in server.asked if "/resolve/" in path}
    expected = {f"/{HUB_MODEL}/resolve/{REVISION}/{f}" for f in hub.CHECKPOINT_FILES}
    assert files == expected


def test_hub_model_in_the_cache_needs_no_network(tmp_path, tiny_model_dir, serve):
    serve(tiny_model_dir)
    load_from_hub(tmp_path)
    serve(tiny_model_dir, status=503)
    assert load_from_hub(tmp_path).ref.revision == REVISION


def test_hub_that_never_answers_is_unreachable(
    tmp_path, tiny_model_dir, serve, monkeypatch
):
    monkeypatch.setattr(hub, "PATIENCE_S", 0.2)
    monkeypatch.setattr(hub, "ANSWER_TIMEOUT_S", 30.0)  # as where no timeout covers it
    server = serve(tiny_model_dir)
    server.release.clear()
    with pytest.raises(KnownError) as caught:
        load_from_hub(tmp_path)
    assert caught.value.code == "hub_unreachable"
    assert "bundled" in words.sentence(caught.value)
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
        ({"status": 403, "error_code": "GatedRepo"}, "hub_model_missing"),
        ({"status": 500}, "hub_unreachable"),
    ],
)
def test_hub_that_refuses_is_named(tmp_path, tiny_model_dir, serve, behaviour, code):
    serve(tiny_model_dir, **behaviour)
    assert code_of(load_from_hub, tmp_path) == code


def test_hub_model_with_a_pickle_only_is_refused(tmp_path, tiny_model_dir, serve):
    folder = tmp_path / "repository"
    link(folder, tiny_model_dir)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    server = serve(folder)
    assert code_of(load_from_hub, tmp_path) == "hub_file_missing"
    assert not any("pytorch_model" in path for path in server.asked)


def test_hub_answer_that_is_no_json_is_unreachable(tmp_path, serve):
    serve(tmp_path, info=b"<html>Sign in to this network</html>")
    assert code_of(load_from_hub, tmp_path) == "hub_unreachable"
