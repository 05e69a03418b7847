"""Who answers where nobody chose a model: the Hub's once it is here, and when that is."""

import json
import threading

import pytest
from gradio.context import LocalContext

from classifier.arrival import Arrival
from classifier.models import AUTO, Models
from classifier.predict import predict
from errors import KnownError
from support.model_hub import HUB_MODEL, REVISION, HubServer, use_hub
from support.signals import noise
from support.waiting import wait_until
from ui.model_choice import chosen
from ui.server.access import Visitor
from ui.tabs.classify import auto
from ui.tabs.classify.picker import Picker
from ui.tabs.classify.view import Answered

PATIENCE_S = 60
HUB = f"hub:{HUB_MODEL}"
HERE = Visitor("en", may_train=True)


@pytest.fixture
def host(tmp_path, tiny_model_dir):
    """Make hosts that have a bundled model; what comes to them is ended with the test."""
    hosts = []

    def make(pauses_s=(0.01,), **changes):
        folders = {"bundled_model_dir": tiny_model_dir, "runs_dir": tmp_path / "runs"}
        models = Models(**{**folders, "hub_model": HUB_MODEL, **changes})
        models.arrival._pauses_s = pauses_s
        hosts.append(models)
        return models

    yield make
    for models in hosts:
        models.arrival.cancel(PATIENCE_S)


def wait_for(models, state):
    wait_until(lambda: models.arrival.progress.state == state, state)


def info_with_sizes(folder):
    """What the Hub says of a model, the sizes of its files included."""
    siblings = [
        {"rfilename": path.name, "size": path.stat().st_size}
        for path in folder.iterdir()
    ]
    return json.dumps({"id": HUB_MODEL, "sha": REVISION, "siblings": siblings}).encode()


def answered(models):
    """An answer of the model that answers now, as a page keeps it."""
    said = predict(noise(duration_s=1.0), models.load(models.auto()))
    return Answered("song.wav", (said,))


def test_bundled_model_answers_until_the_hubs_is_here_and_is_offered(
    host, hub_model_dir, serve
):
    server = serve(hub_model_dir, info=info_with_sizes(hub_model_dir))
    server.rest.clear()
    models = host()
    models.prepare()
    wait_until(lambda: models.arrival.progress.n_bytes, "the first bytes")
    assert models.ref("auto").key == "bundled"
    said = auto.line(models, "en")
    assert f"while {HUB_MODEL} (Hugging Face Hub) is downloaded" in said
    assert "<progress value=" in said
    first = answered(models)
    assert auto.better_than(models, first) is None
    server.rest.set()
    wait_for(models, "here")
    assert models.ref("auto").key == HUB
    assert auto.line(models, "en").count(HUB_MODEL) == 1
    assert auto.better_than(models, first).key == HUB
    second = answered(models)
    assert dict(second.predictions[0].genres).keys() == {"calm", "wild", "odd"}
    assert second.predictions[0].model.revision == REVISION
    assert auto.better_than(models, second) is None


def test_model_in_the_cache_answers_at_once_and_nobody_is_asked(
    host, hub_model_dir, serve
):
    serve(hub_model_dir)
    first = host()
    first.load(first.candidates()[0])
    silent = serve(hub_model_dir)
    silent.release.clear()
    for changes in ({}, {"is_offline": True}):
        models = host(**changes)
        assert models.auto().key == HUB
        assert models.load(models.ref("auto")).labels == ("calm", "wild", "odd")
        assert HUB in [ref.key for ref in models.available()]
        models.prepare()
        wait_for(models, "here")
    assert silent.asked == []


def test_download_that_breaks_off_goes_on_where_it_was(host, hub_model_dir, serve):
    server = serve(hub_model_dir)
    server.is_losing = True
    models = host()
    models.prepare()
    wait_for(models, "unreachable")
    assert models.ref("auto").key == "bundled"
    assert "is tried again automatically" in auto.line(models, "en")
    server.is_losing = False
    wait_for(models, "here")
    assert server.ranges[0] == 0
    assert server.ranges[-1] > 0
    assert models.ref("auto").key == HUB


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ({"status": 404, "error_code": "RepoNotFound"}, "it is gone or private"),
        ({"status": 403, "error_code": "GatedRepo"}, "is gated"),
    ],
)
def test_model_that_is_gone_is_asked_for_once(
    host, hub_model_dir, serve, behaviour, sentence
):
    server = serve(hub_model_dir, **behaviour)
    models = host()
    models.prepare()
    wait_for(models, "refused")
    models.arrival._thread.join(PATIENCE_S)
    assert len(server.asked) == 1
    assert models.ref("auto").key == "bundled"
    assert sentence in auto.line(models, "en")


def test_model_that_cannot_be_read_leaves_the_bundled_one(host, tmp_path, serve):
    from support import tiny

    broken = tiny.save_tiny_model(tmp_path / "broken")
    path = broken / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    serve(broken)
    models = host()
    models.prepare()
    wait_for(models, "refused")
    assert models.ref("auto").key == "bundled"


def test_host_without_a_network_says_so_and_hears_when_it_comes_back(
    host, tmp_path, hub_model_dir, serve, monkeypatch
):
    closed = HubServer(tmp_path)
    closed.server_close()
    serve(hub_model_dir)
    use_hub(monkeypatch, closed.address)
    models = host()
    models.prepare()
    wait_for(models, "unreachable")
    assert "cannot be reached: using the bundled model" in auto.line(models, "en")
    serve(hub_model_dir)
    wait_for(models, "here")
    assert models.ref("auto").key == HUB


def test_host_that_is_told_to_be_offline_asks_nobody(host, hub_model_dir, serve):
    server = serve(hub_model_dir)
    models = host(is_offline=True)
    models.prepare()
    assert models.arrival.progress.state == "idle"
    assert [ref.key for ref in models.candidates()] == ["bundled"]
    assert "offline: using the bundled model" in auto.line(models, "en")
    assert server.asked == []


def test_host_without_a_hub_model_says_nothing(host):
    models = host(hub_model="")
    models.prepare()
    assert models.arrival.progress.state == "idle"
    assert [ref.key for ref in models.available()] == ["bundled"]
    assert auto.line(models, "en") == ""


def test_nothing_comes_before_it_is_asked_for(host, hub_model_dir, serve):
    server = serve(hub_model_dir)
    models = host()
    assert chosen(models, "auto", Visitor()).key == "bundled"
    assert auto.line(models, "en") == ""
    assert server.asked == []


def test_host_without_any_model_has_no_auto(host, tmp_path):
    models = host(hub_model="", bundled_model_dir=tmp_path / "none")
    with pytest.raises(KnownError, match="no_model"):
        models.ref("auto")
    assert auto.line(models, "en") == ""


def test_arrival_ends_in_the_middle_when_it_is_cancelled(host, hub_model_dir, serve):
    server = serve(hub_model_dir, info=info_with_sizes(hub_model_dir))
    server.rest.clear()
    models = host()
    models.prepare()
    wait_until(lambda: models.arrival.progress.n_bytes, "the first bytes")
    thread = models.arrival._thread
    assert thread.daemon
    models.arrival.cancel()
    server.rest.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert models.ref("auto").key == "bundled"


def test_arrival_sleeps_between_attempts_and_wakes_to_end():
    asked = []

    def load(count):
        asked.append(1)
        raise KnownError("hub_unreachable", id="a/b")

    arrival = Arrival(load, pauses_s=(3600.0,))
    arrival.start()
    arrival.start()
    wait_until(lambda: arrival.progress.state == "unreachable", "no answer")
    assert sum(each.name == "arrival" for each in threading.enumerate()) == 1
    arrival.cancel(PATIENCE_S)
    assert not arrival._thread.is_alive()
    assert len(asked) == 1


def test_arrival_says_where_the_disk_is_full():
    def load(count):
        raise OSError(28, "No space left on device")

    arrival = Arrival(load)
    arrival.start()
    wait_until(lambda: arrival.progress.state == "refused", "a refusal")
    assert arrival.progress.error.code == "no_room"


def test_two_answers_side_by_side_are_left_as_they_are(host, hub_model_dir, serve):
    serve(hub_model_dir)
    models = host()
    first = answered(models).predictions[0]
    models.load(models.candidates()[0])
    assert auto.better_than(models, Answered("song.wav", (first, first))) is None
    assert auto.better_than(models, Answered("song.wav", ())) is None
    assert auto.better_than(models, None) is None
    assert auto.better_than(models, Answered("song.wav", (first,))).key == HUB


@pytest.fixture
def in_an_event():
    """As Gradio calls a handler: a component made there has only what it was given."""
    token = LocalContext.in_event_listener.set(True)
    yield
    LocalContext.in_event_listener.reset(token)


def test_lists_renewed_late_take_no_choice_back(host, in_an_event):
    models = host(hub_model="")
    picker = Picker(None, models)
    for key in (AUTO, "bundled"):
        model, other, *_ = picker._refreshed(key, "", (), "", HERE)
        assert [value for _, value in model["choices"]][:2] == [AUTO, "bundled"]
        assert not any("value" in each for each in (model, other))
    model, *_ = picker._refreshed("run:gone", "", (), "", HERE)
    assert model["value"] == AUTO


@pytest.mark.parametrize(
    ("held", "model", "other"),
    [
        ('{"model": "bundled", "other": "auto"}', "bundled", ""),
        ('{"model": "bundled", "other": "bundled"}', "bundled", "bundled"),
        ('{"model": "run:gone", "other": "run:gone"}', AUTO, ""),
        ('{"model": ["bundled"], "other": 1}', AUTO, ""),
        ("[1]", AUTO, ""),
        ("", AUTO, ""),
    ],
)
def test_lists_begin_with_what_was_chosen_before_the_page_was_loaded_anew(
    host, in_an_event, held, model, other
):
    picker = Picker(None, host(hub_model=""))
    first, second, *_ = picker._refreshed(None, "", (), held, HERE)
    assert first["value"] == model
    assert second.get("value", "") == other
    # Nothing of it counts where something is chosen.
    first, second, *_ = picker._refreshed(AUTO, "", (), held, HERE)
    assert "value" not in first
    assert "value" not in second
