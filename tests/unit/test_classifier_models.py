import json
import threading

import pytest

from classifier.models import Models
from networks import checkpoint
from networks.checkpoint import DEFAULT_WINDOW_S
from support.refusals import code_of
from support.tiny import FACTS, GENRES, SAMPLING_RATE, save_tiny_model

HUB_MODEL = "someone/genres"


@pytest.fixture
def house(tmp_path, tiny_model_dir):
    """A host with a bundled model and two finished runs, offline."""
    link(tmp_path / "bundled", tiny_model_dir)
    add_run(tmp_path / "runs", "20260101-000000-aaaa", tiny_model_dir)
    add_run(tmp_path / "runs", "20260202-000000-bbbb", tiny_model_dir)
    return tmp_path


def models_of(home, **changes):
    choices = {"hub_model": HUB_MODEL, "is_offline": True, **changes}
    return Models(bundled_model_dir=home / "bundled", runs_dir=home / "runs", **choices)


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


def test_available_tells_what_a_run_is(house):
    run = house / "runs" / "20260202-000000-bbbb"
    (run / "config.json").write_text('{"data": "folder:/secret/my forty"}')
    (run / "result.json").write_text('{"state": "finished", "test_accuracy": 0.625}')
    (run / "title").write_text("Mei's choir")
    _, ref, old, *_ = models_of(house).available()
    assert (ref.name, ref.songs, ref.test_accuracy) == (
        "Mei's choir",
        "my forty",
        0.625,
    )
    assert ref.n_tested == FACTS["n_tested"]
    assert (old.name, old.songs, old.test_accuracy) == ("", "", None)


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
    save_tiny_model(tmp_path / "bundled", genrescope=facts)
    ref = models_of(tmp_path).ref("bundled")
    assert (ref.window_s, ref.trained_on) == (DEFAULT_WINDOW_S, "")


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

    folder = save_tiny_model(tmp_path / "bundled")
    half = AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float16)
    half.save_pretrained(folder)
    models = models_of(tmp_path, precision="fp32")
    model = models.load(models.ref("bundled")).model
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_load_refuses_a_path_in_a_ref_made_by_hand(house):
    from dataclasses import replace

    models = models_of(house)
    forged = replace(models.ref("run:20260101-000000-aaaa"), id="../bundled")
    assert code_of(models.load, forged) == "unknown_model"


def count_reads(monkeypatch):
    """Names of the checkpoints that are read from disk from now on."""
    reads = []
    load = checkpoint.load

    def counted(ref, *rest, **more):
        reads.append(ref.key)
        return load(ref, *rest, **more)

    monkeypatch.setattr(checkpoint, "load", counted)
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
    n_bytes = models_of(house).load(models_of(house).ref("bundled")).n_bytes
    models = models_of(house, max_kept_bytes=2 * n_bytes)
    first, second, third = map(models.ref, keys(models))
    reads.clear()
    for ref in (first, second, first, third, first, second):
        models.load(ref)
    assert reads == [first.key, second.key, third.key, second.key]


def test_load_keeps_one_model_that_is_larger_than_the_room(house, monkeypatch):
    models = models_of(house, max_kept_bytes=1)
    reads = count_reads(monkeypatch)
    ref = models.ref("bundled")
    assert models.load(ref) is models.load(ref)
    assert reads == ["bundled"]


def test_load_refuses_a_pickle(tmp_path):
    import torch
    from transformers import AutoModelForAudioClassification

    folder = save_tiny_model(tmp_path / "bundled")
    models = models_of(tmp_path)
    ref = models.ref("bundled")
    model = AutoModelForAudioClassification.from_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert code_of(models.load, ref) == "unknown_model"
    assert code_of(checkpoint._from_disk, ref, folder) == "model_broken"
    (folder / "model.safetensors").write_bytes(
        (folder / "pytorch_model.bin").read_bytes()
    )
    assert code_of(models.load, ref) == "model_broken"


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 24},
        {"hidden_size": "wide"},
        {"num_hidden_layers": 3},
        {"num_attention_heads": 0},
        {"hidden_act": "nonsense"},
        {"id2label": {"x": "jazz"}},
    ],
)
def test_load_names_a_config_that_does_not_fit(tmp_path, change):
    path = save_tiny_model(tmp_path / "bundled") / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    models = models_of(tmp_path)
    assert code_of(models.load, models.ref("bundled")) == "model_broken"


def test_load_names_weights_that_are_cut_short(tmp_path):
    path = save_tiny_model(tmp_path / "bundled") / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    models = models_of(tmp_path)
    assert code_of(models.load, models.ref("bundled")) == "model_broken"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model_type": "bert"}, "model_wrong_task"),
        (
            {"model_type": "x", "auto_map": {"AutoConfig": "evil.Config"}},
            "model_wrong_task",
        ),
        ({"architectures": ["HubertForCTC"]}, "model_wrong_task"),
        ({"architectures": "x"}, "model_wrong_task"),
        ({"problem_type": "regression"}, "model_wrong_task"),
        ({"id2label": None}, "model_without_labels"),
        ({"id2label": ["jazz"]}, "model_without_labels"),
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, "model_without_labels"),
    ],
)
def test_load_says_what_a_checkpoint_is_instead(tmp_path, change, code):
    path = save_tiny_model(tmp_path / "bundled") / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    models = models_of(tmp_path)
    assert code_of(models.load, models.ref("bundled")) == code


def test_load_refuses_a_model_above_the_limit(house):
    models = models_of(house, max_bytes=1000)
    assert code_of(models.load, models.ref("bundled")) == "model_too_large"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        *((1.7, 1.7), (None, 1.0), (0, 1.0), (-2, 1.0), ("hot", 1.0)),
        *((0.049787, 0.5), (20.0, 5.0)),  # where an earlier version's search ended
    ],
)
def test_temperature_is_the_checkpoints_or_one(tmp_path, said, expected):
    save_tiny_model(tmp_path / "bundled", genrescope={**FACTS, "temperature": said})
    models = models_of(tmp_path)
    assert models.load(models.ref("bundled")).temperature == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [(1.7, True), (1.0, False), (None, False), ("hot", False), (0.049787, False)],
)
def test_calibrated_is_whose_temperature_was_fitted(tmp_path, said, expected):
    save_tiny_model(tmp_path / "bundled", genrescope={**FACTS, "temperature": said})
    assert models_of(tmp_path).ref("bundled").is_calibrated == expected
