"""A real start as a Space: who may do what, what stays apart, what is never told."""

import base64
import hashlib
import html
import json
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import itsdangerous
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
import i18n
from settings import Host, Settings
from support import browser, tiny
from support.endpoints import (
    ask,
    data_of,
    endpoints,
    filling,
    name_of,
    session_with_runs,
)
from support.files import write_audio
from support.finished_runs import finished_run
from support.hub_server import OWNER, TOKEN, PushHub
from support.signals import tone
from support.waiting import wait_until

pytestmark = pytest.mark.minute

HOST = f"{OWNER}-genrescope.hf.space"
AT_SPACE = {"host": HOST, "x-forwarded-for": "203.0.113.5"}
CLIENT_SECRET = "a-client-secret-of-this-space"
MACHINE_TOKEN = "hf_this-machine-s-own-token-planted"
OTHER_TOKEN = "hf_a-stranger-s-token-planted"
SPACE = {
    "SYSTEM": "spaces",
    "SPACE_ID": f"{OWNER}/genrescope",
    "SPACE_HOST": HOST,
    "ACCELERATOR": "none",
    "OAUTH_CLIENT_ID": "id",
    "OAUTH_CLIENT_SECRET": CLIENT_SECRET,
    "OAUTH_SCOPES": "openid profile contribute-repos",
    "OPENID_PROVIDER_URL": "https://huggingface.co",
    "HF_TOKEN": MACHINE_TOKEN,
    "HF_HUB_OFFLINE": "0",
    "NO_PROXY": "127.0.0.1,localhost",
}


class Space:
    """The running Space, and what a test needs of it.

    Attributes:
        server: its process.
        hub: the stand-in that it asks.
        demo: the same page, built here, for the numbers of its endpoints.
        settings: as there.
        local_api_url: of the real one.
    """

    def __init__(self, server, hub, settings):
        self.server, self.hub, self.settings = server, hub, settings
        self.fns = app.create_app(settings).fns
        self.local_api_url = f"{server.url}gradio_api/"

    def ask(self, name, headers, **values):
        """What one endpoint answers to a visitor who has the run chosen."""
        (fn,) = [fn for fn in endpoints(self) if name_of(fn).endswith(name)]
        return self.ask_of(fn, headers, **values)

    def ask_of(self, fn, headers, **values):
        """The same of an endpoint that is found elsewhere."""
        data = data_of(fn, self.settings)
        for place, value in values.items():
            data[int(place[1:])] = value
        session = session_with_runs(self, headers, self.settings)
        return ask(self, headers, fn, data, session)


def signed_in(token, key=CLIENT_SECRET, **headers):
    """The cookie that Gradio gives to who has signed in."""
    login = {
        "access_token": token,
        "scope": "openid profile",
        "expires_at": int(time.time()) + 3600,
        "userinfo": {
            "preferred_username": "x",
            "name": "x",
            "profile": "",
            "picture": "",
        },
    }
    data = base64.b64encode(json.dumps({"oauth_info": login}).encode())
    signer = itsdangerous.TimestampSigner(
        hashlib.sha256(f"{key}-v4".encode()).hexdigest()
    )
    return AT_SPACE | {"cookie": f"session={signer.sign(data).decode()}"} | headers


OWNER_HERE = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def hub():
    server = PushHub()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    model_dir = tiny.save_tiny_model(home / "model")
    finished_run(home / "runs", model_dir)
    return home


@pytest.fixture(scope="module")
def space(hub, home):
    endpoint = {"HF_ENDPOINT": hub.address, "HF_HOME": str(home / "hub")}
    server = browser.Server(home, home / "model", **SPACE, **endpoint)
    settings = Settings(
        runs_dir=home / "runs",
        cache_dir=home / "cache",
        songs_dir=home / "songs",
        bundled_model_dir=home / "model",
        host=Host("cpu", SPACE["SPACE_ID"]),
    )
    with server.running():
        yield Space(server, hub, settings)


@pytest.fixture
def client(space, tmp_path):
    options = {"analytics_enabled": False, "verbose": False, "download_files": tmp_path}
    return Client(space.server.url, headers=AT_SPACE, **options)


@pytest.fixture
def song(tmp_path):
    return write_audio(tmp_path / "private.wav", tone(duration_s=2.0))


def refused(answer):
    return i18n.table("en")["errors.may_not_train"] in answer


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_visitor_reads_what_this_space_lacks_and_how_to_get_it(space, language):
    fn, number = filling(space, "host-notice")
    answer = space.ask_of(fn, AT_SPACE | {"accept-language": language})
    shown = json.loads(answer.removeprefix("data:"))["output"]["data"][number]
    shown, table = html.unescape(shown), i18n.table(language)
    for key in ("cpu", "gone", "duplicate", "sign_in"):
        assert table[f"host.{key}"] in shown
    assert table["host.members"].replace("{owner}", OWNER) in shown
    assert f"huggingface.co/spaces/{OWNER}/genrescope?duplicate=true" in shown


def test_page_may_be_shown_by_the_hub_and_by_nobody_else(space):
    headers = httpx.get(space.server.url, headers=AT_SPACE).headers
    policy = headers["content-security-policy"]
    (ancestors,) = [p for p in policy.split("; ") if p.startswith("frame-ancestors")]
    allowed = "frame-ancestors 'self' https://huggingface.co"
    assert ancestors == allowed
    assert "x-frame-options" not in headers
    assert headers["x-content-type-options"] == "nosniff"


def test_signing_out_sends_nobody_to_another_site(space):
    url = f"{space.server.url}logout?_target_url=//evil.example"
    answer = httpx.get(url, headers=AT_SPACE)
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [
        AT_SPACE,
        signed_in(OTHER_TOKEN, **OWNER_HERE),
        signed_in(TOKEN, key="", **OWNER_HERE),
        signed_in(TOKEN, key="guessed", **OWNER_HERE),
        signed_in(TOKEN, **{"sec-fetch-site": "cross-site"}),
        signed_in(TOKEN, origin="https://evil.hf.space"),
    ],
    ids=["nobody", "other", "no key", "wrong key", "foreign page", "foreign origin"],
)
def test_who_is_not_the_owner_renames_nothing(space, headers):
    assert refused(space.ask("wire_labels.rename", headers))
    assert not [*space.settings.runs_dir.glob("*/title")]


def test_owner_who_has_signed_in_may_rename(space):
    answer = space.ask("wire_labels.rename", signed_in(TOKEN, **OWNER_HERE))
    assert '"success":true' in answer
    (title,) = space.settings.runs_dir.glob("*/title")
    assert title.read_text() == "x/y"


def test_push_goes_with_the_visitor_s_token_and_none_is_told(space, home):
    repo_id = f"{OWNER}/genres"
    owner = signed_in(TOKEN, **OWNER_HERE)
    answers = [space.ask("wire_pushing.begin", owner, _1=repo_id, _2=True)]
    wait_until(lambda: repo_id in space.hub.repos, "the repository")
    wait_until(lambda: space.hub.repos[repo_id]["files"], "the files")
    answers += [
        space.ask("wire_ending.stop", owner),
        space.ask("Page.wire_watching.poll", owner),
    ]
    bad = signed_in(OTHER_TOKEN, **OWNER_HERE)
    answers += [space.ask("wire_pushing.begin", bad, _1=repo_id, _2=True)]
    # The model that answers everybody is the host's own to read.
    model = space.settings.hub_model or Settings.hub_model
    used = {who for _, path, who in space.hub.asked if model not in path}
    assert f"Bearer {TOKEN}" in used
    assert f"Bearer {MACHINE_TOKEN}" not in used
    for path in ("", "config", "gradio_api/info"):
        answers.append(httpx.get(space.server.url + path, headers=owner).text)
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name == "config.json" for path in files)
    told = [path.read_bytes() for path in files] + [each.encode() for each in answers]
    told += [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids(space)]
    for secret in (TOKEN, OTHER_TOKEN, MACHINE_TOKEN, CLIENT_SECRET):
        assert not any(secret.encode() in each for each in told)


def pids(space):
    import psutil

    process = psutil.Process(space.server.child.pid)
    return [process.pid, *(child.pid for child in process.children(recursive=True))]


def test_what_was_made_for_one_visitor_is_no_other_s(space, client, song):
    api = space.local_api_url
    url = client.predict(handle_file(str(song)), api_name="/waveform")
    assert url
    upload = httpx.post(f"{api}upload", files={"files": song.open("rb")}).json()[0]
    made = [*space.server.home.glob("gradio/**/picture.png")]
    assert made
    content = song.read_bytes()
    for guess in (
        hashlib.sha256(content).hexdigest(),
        hashlib.sha256(made[0].read_bytes()).hexdigest(),
        "*",
        "..",
        "",
    ):
        for name in ("private.wav", "picture.png", ""):
            address = f"{api}file={space.server.home}/gradio/{guess}/{name}"
            assert httpx.get(address, headers=AT_SPACE).status_code in (403, 404), (
                address
            )
    assert httpx.get(f"{api}file={upload}", headers=AT_SPACE).content == content
    names = {path.parent.name for path in made}
    client.predict(handle_file(str(song)), api_name="/waveform")
    again = {
        path.parent.name for path in space.server.home.glob("gradio/**/picture.png")
    }
    assert names < again  # the same picture once more lies elsewhere
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in made}
    assert not hashes & again


def test_answer_of_one_visitor_cannot_be_asked_for_by_another(space):
    (fn,) = [fn for fn in endpoints(space) if fn.api_name == "runs"]
    body = {"data": [], "fn_index": fn._id, "session_hash": "mine"}
    asked = httpx.post(f"{space.local_api_url}queue/join", json=body, headers=AT_SPACE)
    event = asked.json()["event_id"]
    for guess in ("yours", event[:-1] + ("0" if event[-1] != "0" else "1")):
        address = f"{space.local_api_url}call/runs/{guess}"
        with (
            suppress(httpx.RemoteProtocolError),  # the server hangs up
            httpx.stream("GET", address, headers=AT_SPACE) as answer,
        ):
            assert "accuracy" not in answer.read().decode()


@pytest.mark.parametrize("name", ["config.json", "events.jsonl", "model/config.json"])
def test_files_of_a_run_are_no_files_of_the_page(space, name):
    (run,) = space.settings.runs_dir.glob("2*")
    for path in (run / name, space.server.log, browser.ROOT / "app.py"):
        answer = httpx.get(f"{space.local_api_url}file={path}", headers=AT_SPACE)
        assert answer.status_code in (403, 404)


def test_server_killed_under_use_comes_back_with_its_runs_and_models(space, song):
    run = next(space.settings.runs_dir.glob("2*")).name
    server = space.server
    httpx.post(f"{space.local_api_url}upload", files={"files": song.open("rb")})
    server.child.send_signal(signal.SIGKILL)
    server.child.wait()
    with server.running():
        options = {"analytics_enabled": False, "verbose": False}
        back = Client(server.url, headers=AT_SPACE, **options)
        (listed,) = back.predict(api_name="/runs")
        assert (listed["id"], listed["state"]) == (run, "finished")
        answer = back.predict(
            handle_file(str(song)), f"run:{run}", api_name="/classify"
        )
        assert answer["model"] == f"run:{run}"
        with pytest.raises(AppError, match="Only the person running this page"):
            back.predict(run, api_name="/stop_run")
