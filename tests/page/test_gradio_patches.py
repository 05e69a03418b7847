"""Each patch of Gradio is still needed: without it, this goes wrong.

A test that fails here is good news: see ``docs/gradio.md`` for what may go then.
"""

import importlib.util
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import gradio as gr
import httpx
import pytest
from gradio import networking, processing_utils, route_utils, routes
from gradio.data_classes import PredictBodyInternal
from gradio.mcp import GradioMCPServer
from gradio.state_holder import SessionState
from mcp.shared.memory import create_connected_server_and_client_session
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.testclient import TestClient

from support import browser
from support.files import write_audio
from support.signals import tone
from ui.server import gradio_patches, gradio_scripts

META = {"_type": "gradio.FileData"}


def plain_page():
    """Gradio as it is, with what the patches are about."""
    texts = gr.I18n(en={"page.word": "in English"}, **{"zh-TW": {"page.word": "中文"}})
    with gr.Blocks() as page:
        song = gr.Audio(type="filepath", format=None, elem_id="player")
        name, answers = gr.Textbox(label=texts("page.word")), []
        for question in ("first", "second", "third"):
            answers.append(gr.Textbox(elem_id=f"{question}-answer"))
            button = gr.Button(question)
            button.click(lambda: "answered", None, answers[-1], show_progress="hidden")
        name.submit(str, song, answers[0], api_name="name_of")
        gr.Button("refuse").click(refuse)
        gr.api(facts, api_name="facts")
    page.texts = texts
    return page


def refuse():
    """Fail as a person is told of it."""
    raise gr.Error("refused")


def facts(n: int) -> dict[str, bool]:
    """Answer with what JSON and Python write differently."""
    return {"is_even": n % 2 == 0}


@pytest.fixture
def page():
    return plain_page()


@pytest.fixture
def client(page):
    app = gr.routes.App.create_app(page)
    with TestClient(app, "http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def fetched(monkeypatch):
    """The addresses that Gradio set out to fetch; nothing of it is."""
    asked = []

    async def get(url, **_):
        asked.append(url)
        raise OSError("this test has no network")

    monkeypatch.setattr(processing_utils.sh, "get", get)
    return asked


def test_gradio_is_the_version_that_the_patches_were_compared_with():
    major_minor = ".".join(gr.__version__.split(".")[:2])
    assert major_minor == gradio_patches.GRADIO_VERSION, "walk through docs/gradio.md"


@pytest.mark.parametrize(
    "route",
    [
        "GET proxy=https://a.hf.space/c", "POST process_recording",
        "GET deep_link?session_hash=x", "GET vibe-code/", "GET run-history/records",
    ],
)  # fmt: skip
def test_closed_routes_exist_in_gradio(client, route):
    method, path = route.split()
    assert gradio_patches.is_closed(f"/gradio_api/{path}")
    assert client.request(method, f"/gradio_api/{path}").status_code != 404


def test_route_of_files_fetches_addresses(client, monkeypatch):
    asked = []

    async def fetch(url, request):
        asked.append(url)
        return gr.routes.PlainTextResponse("fetched")

    monkeypatch.setattr(gr.routes, "secure_url_stream_response", fetch)
    assert client.get("/gradio_api/file=https://example.com/a").text == "fetched"
    assert asked == ["https://example.com/a"]


def test_event_fetches_the_address_of_a_file(client, fetched):
    song = {"path": "https://example.com/a.wav", "meta": META}
    client.post("/gradio_api/run/name_of", json={"data": [song]})
    assert fetched == ["https://example.com/a.wav"]


def test_session_copies_the_settings_of_every_component(page):
    assert set(SessionState(page).config_values) == set(page.blocks)
    with gradio_patches.Page() as ours:
        gr.Textbox("here")
    assert not any(SessionState(ours).config_values.values())


def test_player_starts_a_program_named_ffmpeg(tmp_path, monkeypatch):
    met = tmp_path / "met"
    for name in ("ffmpeg", "ffprobe"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho met > {met}\n")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(processing_utils, "ffmpeg_installed", unpatched_installed())
    song = write_audio(tmp_path / "a.aiff", tone())
    with gr.Blocks():
        player = gr.Audio(type="filepath", format=None)
    with pytest.raises(json.JSONDecodeError):  # of what the program printed
        player.postprocess(str(song))
    assert met.exists()


def unpatched_installed():
    """Gradio's own ``ffmpeg_installed``: another test may have made an app here."""
    spec = importlib.util.find_spec("gradio.processing_utils")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ffmpeg_installed


def test_idle_queue_looks_for_work_more_often_than_it_has_to(page):
    assert page._queue.sleep_when_free < gradio_patches.QUEUE_POLL_S
    gradio_patches.poll_queue_less_often(page)
    assert page._queue.sleep_when_free == gradio_patches.QUEUE_POLL_S


def test_queue_is_one_line_for_all_visitors(page):
    page.queue(max_size=2)
    fn = next(key for key, each in page.fns.items() if each.api_name == "facts")

    async def push(address):
        scope = {"type": "http", "headers": [], "client": (address, 1)}
        body = PredictBodyInternal(fn_index=fn, data=[1], request=Request(scope))
        return (await page._queue.push(body, Request(scope), None))[2]

    async def ask():
        return [await push(each) for each in ("greedy", "greedy", "other")]

    assert anyio.run(ask) == ["success", "success", "queue_full"]


def broken_off(parser, folder, data):
    """Give a parser of uploads what arrives before the sender is gone."""
    headers = Headers({"content-type": "multipart/form-data; boundary=b"})

    async def stream():
        yield data
        raise ClientDisconnect

    async def parse():
        read = parser(headers, stream(), upload_dir=folder, max_file_size=10**9)
        await read.parse()

    with pytest.raises((ClientDisconnect, MultiPartException)):
        anyio.run(parse)
    return [path.stat().st_size for path in folder.iterdir()]


FILE = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
FIELD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


def test_upload_that_breaks_off_leaves_its_file(tmp_path):
    ours, gradios = tmp_path / "ours", tmp_path / "gradios"
    ours.mkdir()
    gradios.mkdir()
    unpatched = gradio_patches.Parts.__mro__[1]
    assert len(broken_off(unpatched, gradios, FILE + b"0" * 1000)) == 1
    assert broken_off(gradio_patches.Parts, ours, FILE + b"0" * 1000) == []


def test_upload_keeps_a_text_of_any_length(tmp_path):
    data = FIELD + b"0" * (gradio_patches.MOST_FIELD_BYTES + 1)
    unpatched, taken = gradio_patches.Parts.__mro__[1], []
    on_data = unpatched.on_part_data

    class Noting(unpatched):
        def on_part_data(self, *where):
            on_data(self, *where)
            taken.append(len(self._current_part.data))

    broken_off(Noting, tmp_path, data)
    assert taken[-1] > gradio_patches.MOST_FIELD_BYTES

    async def parse():
        headers = Headers({"content-type": "multipart/form-data; boundary=b"})

        async def stream():
            yield data

        await gradio_patches.Parts(headers, stream(), max_file_size=1).parse()

    with pytest.raises(MultiPartException, match="maximum allowed size"):
        anyio.run(parse)


def test_tools_answer_in_pythons_notation_and_without_a_schema(page):
    server = GradioMCPServer(page)

    async def ask():
        connect = create_connected_server_and_client_session
        async with connect(server.mcp_server) as session:
            return (await session.list_tools()).tools

    assert not any(tool.outputSchema for tool in anyio.run(ask))
    (content,) = server.postprocess_output_data([facts(2)], "")
    with pytest.raises(json.JSONDecodeError):
        json.loads(content.text)


# Two answers in one stream, the keys in an order that Gradio does not use today; the
# second question is asked after the first answer, before the end of the stream.
ASK_TWICE = """
globalThis.window = globalThis;
globalThis.location = { href: "http://127.0.0.1:7860/" };
const said = (data) => `data: ${JSON.stringify(data)}\\n\\n`;
const answered = (id) => said({ event_id: id, output: {}, msg: "process_completed" });
const end = said({ event_id: null, msg: "close_stream" });
const streams = [[answered("one"), end], [said({ msg: "heartbeat" }), answered("two"), end]];
let n = 0;
globalThis.fetch = async (url) => {
  if (String(url).endsWith("join")) return Response.json({ event_id: ["one", "two"][n++] });
  const pieces = streams.shift();
  return new Response(new ReadableStream({
    start(body) {
      const text = new TextEncoder().encode(pieces.join(""));
      for (let at = 0; at < text.length; at += 7) body.enqueue(text.slice(at, at + 7));
      body.close();
    },
  }));
};
STREAM
const api = "http://127.0.0.1:7860/gradio_api/queue/";
await fetch(`${api}join`);
const stream = await fetch(`${api}data`);
await fetch(`${api}join`);
const text = await stream.text();
const events = text.split("\\n\\n").filter(Boolean).map((each) => JSON.parse(each.slice(5)));
console.log(JSON.stringify(events.map(({ msg, event_id }) => [msg, event_id ?? null])));
"""


def printed_by_node(script):
    """What a script prints, from JSON."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    command = ["node", "--input-type=module", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_stream_goes_on_whatever_the_order_of_an_events_keys():
    script = ASK_TWICE.replace("STREAM", gradio_patches.stream_script())
    assert printed_by_node(script) == [
        ["process_completed", "one"],
        ["heartbeat", None],
        ["process_completed", "two"],
        ["close_stream", None],
    ]


FORBIDDEN = """
globalThis.window = globalThis;
const get = () => { throw new Error("denied"); };
for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { configurable: true, get });
"""
KEEP = """
localStorage.setItem("a", 1);
sessionStorage.setItem("b", "2");
const found = [localStorage.getItem("a"), localStorage.getItem("b"), localStorage.length];
localStorage.removeItem("a");
console.log(JSON.stringify([...found, localStorage.getItem("a"), localStorage.isForgetful]));
"""


def test_page_remembers_for_itself_where_storage_is_forbidden():
    script = FORBIDDEN + gradio_patches.storage_script() + KEEP
    assert printed_by_node(script) == ["1", None, 1, None, True]


@pytest.fixture(scope="module")
def unpatched():
    page = plain_page()
    page.launch(prevent_thread_lock=True, quiet=True, i18n=page.texts)
    yield page
    page.close()


@pytest.fixture
def open_unpatched(unpatched, chromium):
    """Open the plain page in a browser of its own, with a script that runs first."""
    contexts = []

    def open_unpatched(script="", **choices):
        context = chromium.new_context(**choices)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(browser.WAIT_MS)
        page.add_init_script(script)
        page.goto(unpatched.local_url)
        page.get_by_role("button", name="third").wait_for()
        return page

    yield open_unpatched
    for context in contexts:
        context.close()


@pytest.mark.browser
def test_storage_that_is_forbidden_breaks_the_state_of_a_browser(chromium):
    with gr.Blocks() as page:
        state, shown = gr.BrowserState("kept"), gr.Textbox()
        page.load(lambda kept: kept, state, shown)
    page.launch(prevent_thread_lock=True, quiet=True)
    context = chromium.new_context()
    try:
        opened = context.new_page()
        opened.set_default_timeout(browser.WAIT_MS)
        opened.add_init_script(FORBIDDEN)
        with opened.expect_event("pageerror") as broken:
            opened.goto(page.local_url)
        assert broken.value.message == "denied"
        opened.add_init_script(gradio_patches.storage_script())
        opened.goto(page.local_url)
        is_kept = "document.querySelector('textarea, input')?.value === 'kept'"
        opened.wait_for_function(is_kept)
    finally:
        context.close()
        page.close()


@pytest.mark.browser
def test_answer_waits_where_its_question_met_the_end_of_the_stream(open_unpatched):
    page = open_unpatched(browser.SLOW_END)
    asked = []
    page.on("request", lambda each: asked.append(urlsplit(each.url).path))
    page.evaluate("slow.isOn = true")
    page.get_by_role("button", name="first").click()
    page.wait_for_function("slow.isWaiting")
    with page.expect_response("**/queue/join*") as joined:
        page.get_by_role("button", name="second").click()
    joined.value.finished()
    page.evaluate("slow.arrive()")
    page.evaluate("new Promise((go) => requestAnimationFrame(go))")
    page.get_by_role("button", name="third").click()
    page.wait_for_function(
        "document.querySelector('#second-answer textarea').value === 'answered'"
    )
    queue = [path.rpartition("/")[2] for path in asked if "/queue/" in path]
    assert queue == ["join", "data", "join", "join", "data"]


# Which components the page writes an event's progress to, once the event has ended.
NOTED = """async () => {
  const file = performance.getEntriesByType("resource").find(({ name }) => /statustracker.*js/.test(name));
  const module = await import(file.name);
  const { prototype } = Object.values(module).find((each) => each.prototype?.resolve_args);
  const { update } = prototype;
  prototype.update = function (event) {
    window.noted = this.current;
    window.ended ||= event.status === "complete";
    return update.call(this, event);
  };
}"""


@pytest.mark.browser
@pytest.mark.parametrize("is_patched", [False, True], ids=["as it is", "patched"])
def test_event_that_has_ended_notes_the_status_of_its_inputs(
    open_unpatched, unpatched, is_patched
):
    page = open_unpatched()
    if is_patched:
        page.add_script_tag(content=gradio_patches.status_script())
    page.evaluate(NOTED)
    page.get_by_label("in English").fill("a")
    page.get_by_label("in English").press("Enter")
    page.wait_for_function("window.ended")
    song = next(
        each for each in unpatched.blocks.values() if isinstance(each, gr.Audio)
    )
    assert (str(song._id) in page.evaluate("Object.keys(noted)")) != is_patched


@pytest.mark.browser
@pytest.mark.parametrize(
    ("locale", "is_found"), [("zh-TW", True), ("zh-HK", False), ("zh-Hant-TW", False)]
)
def test_gradio_finds_a_language_by_its_exact_tag_only(
    open_unpatched, locale, is_found
):
    page = open_unpatched(locale=locale)
    word = "中文" if is_found else "in English"
    page.get_by_label(word).wait_for()


@pytest.mark.browser
def test_refused_microphone_shows_nothing(open_unpatched):
    page = open_unpatched(f"({browser.REFUSING % 'NotAllowedError'})()")
    page.locator("#player .source-selection button").nth(1).click()
    button = page.locator("#player .record-button")
    button.wait_for()
    before = page.locator("body").inner_text()
    with page.expect_event("pageerror"):  # its only trace
        button.click()
    assert page.locator("body").inner_text() == before


@pytest.mark.browser
def test_player_offers_no_videos(open_unpatched):
    files = open_unpatched().locator("#player input[type=file]")
    assert "video" not in (files.get_attribute("accept") or "video")


@pytest.mark.browser
def test_error_of_the_last_try_stays_beside_the_answer_of_the_next(open_unpatched):
    page = open_unpatched()
    page.get_by_role("button", name="refuse").click()
    page.get_by_text("refused").wait_for()
    page.get_by_role("button", name="first").click()
    page.wait_for_function(
        "document.querySelector('#first-answer textarea').value === 'answered'"
    )
    assert page.get_by_text("refused").is_visible()


def test_hidden_progress_names_outputs(page):
    """A ``None`` there stands for all outputs of the event, in the browser."""
    hidden = [fn for fn in page.fns.values() if fn.show_progress == "hidden"]
    assert hidden
    assert all(fn.get_config()["show_progress_on"] is None for fn in hidden)


def test_event_that_shows_no_progress_touches_nothing_for_it(page):
    gradio_patches.keep_hidden_progress_out(page)
    for fn in page.fns.values():
        is_hidden = fn.show_progress == "hidden"
        assert fn.get_config()["show_progress_on"] == ([] if is_hidden else None)


@pytest.mark.browser
def test_slider_tells_of_no_key(chromium):
    with gr.Blocks() as page:
        slider, told = gr.Slider(0, 10, 5, step=1), gr.Textbox(label="told")
        slider.release(str, slider, told)
    page.launch(prevent_thread_lock=True, quiet=True)
    try:
        visit = chromium.new_page()
        visit.set_default_timeout(browser.WAIT_MS)
        visit.goto(page.local_url)
        slider = visit.locator("input[type=range]")
        slider.press("ArrowRight")
        visit.wait_for_function(
            "document.querySelector('input[type=range]').value === '6'"
        )
        assert not visit.get_by_label("told").input_value()
        slider.dispatch_event("pointerup")  # what the script does
        visit.wait_for_function("document.querySelector('textarea').value === '6'")
        visit.close()
    finally:
        page.close()


SLIDER = """
const heard = {}, timers = new Map(), released = [];
globalThis.addEventListener = (name, call) => { heard[name] = call; };
globalThis.setTimeout = (call, _, ...given) => {
  const timer = {};
  timers.set(timer, () => call(...given));
  return timer;
};
globalThis.clearTimeout = (timer) => timers.delete(timer);
globalThis.PointerEvent = class { constructor(type) { this.type = type; } };
const rest = () => { for (const call of [...timers.values()]) call(); timers.clear(); };
const slider = {
  value: "5",
  matches: (selector) => selector === "input[type=range]",
  dispatchEvent: ({ type }) => released.push(`${type} ${slider.value}`),
};
const press = (key, value) => {
  heard.keydown({ target: slider, key });
  slider.value = value;
  heard.keyup({ target: slider, key });
};
"""
ARROWS = """
press("ArrowRight", "6"); press("ArrowRight", "7");
const early = released.length;
rest();
press("ArrowRight", "7"); rest();  // at its end
press("Tab", "9"); rest();
press("Home", "0"); rest();
console.log(JSON.stringify([early, released]));
"""


def test_slider_is_let_go_by_its_keys_once_they_rest():
    script = SLIDER + gradio_patches.slider_script() + ARROWS
    assert printed_by_node(script) == [0, ["pointerup 7", "pointerup 0"]]


def test_each_event_sets_a_backend_of_pyplot():
    code = """
import sys
from gradio import utils
with utils.MatplotlibBackendMananger():
    print("matplotlib.pyplot" in sys.modules)
"""
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "True"


def test_launch_gives_its_own_page_three_seconds():
    code = """
import httpx
from gradio import networking
def late(*_, timeout, **__):
    print(timeout)
    raise httpx.ReadTimeout("the page is late")
httpx.head = late
print(networking.url_ok("http://127.0.0.1:9"))
"""
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["3", "False"]


def test_page_that_is_late_at_launch_is_served_all_the_same(monkeypatch):
    def late(*_, **__):
        raise httpx.ReadTimeout("the page is late")

    monkeypatch.setattr(httpx, "head", late)
    monkeypatch.setattr(networking, "url_ok", networking.url_ok)  # as it was, later
    gradio_patches.start_however_slowly()
    with gr.Blocks() as page:
        gr.Textbox()
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True)
    assert httpx.get(address, trust_env=False).status_code == 200
    page.close()


SCRIPTS = Path(routes.BUILD_PATH_LIB)


@pytest.mark.parametrize("change", gradio_scripts.CHANGES)
def test_browser_works_twice_or_in_vain(change):
    """The text that is changed stands in one script of Gradio's, once."""
    texts = [path.read_text("utf-8") for path in SCRIPTS.glob(change.script)]
    assert [text.count(change.old) for text in texts if change.old in text] == [1]


@pytest.fixture
def spared(monkeypatch):
    """Gradio with changed scripts, until the test ends."""
    monkeypatch.setattr(routes, "file_response", route_utils.file_response)
    gradio_patches.spare_the_browser()
    return gradio_scripts.changed_scripts(SCRIPTS)


@pytest.mark.parametrize("packs", ["br", "gzip", "identity"])
def test_changed_scripts_are_served_in_place_of_gradios(spared, client, packs):
    assert len(spared) == 3
    for name, script in spared.items():
        whole = client.get(f"/assets/{name}", headers={"accept-encoding": "br"})
        answer = client.get(f"/assets/{name}", headers={"accept-encoding": packs})
        assert answer.content == whole.content == script.content
        assert answer.headers.get("content-encoding", "identity") == packs
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["etag"] == whole.headers["etag"]
        file = route_utils.FileResponse(SCRIPTS / name, stat_result=stat_of(name))
        assert answer.headers["last-modified"] == file.headers["last-modified"]
        assert answer.headers["etag"] != file.headers["etag"]


def stat_of(name):
    return (SCRIPTS / name).stat()


def test_other_scripts_are_served_as_they_are(spared, client):
    others = {path.name for path in SCRIPTS.glob("Index-*.js")} - set(spared)
    for name in sorted(others)[:3]:
        assert client.get(f"/assets/{name}").content == (SCRIPTS / name).read_bytes()


def test_script_of_another_gradio_is_served_as_it_is():
    for change in gradio_scripts.CHANGES:
        name = change.script.replace("*", "Ab12")
        for text in ("other text", change.old * 2):
            assert gradio_scripts.changed(name, text) == text
        assert gradio_scripts.changed("other.js", change.old) == change.old


EVENTS = """
const dependencies = [
  { targets: [[1, "click"], [2, "change"], [1, "input"]] },
  { targets: [] },
  { targets: [[null, "load"], [2, null]] },
  { targets: [[1, "then"], [2, "change"]] },
];
const found = [class { OLD }, class { NEW }].map((Tree) => {
  const tree = new Tree();
  const of = (id, list) =>
    tree.find_attached_events({ id, props: { shared_props: {} } }, list)
      .props.shared_props.attached_events;
  return [1, 2, 3].map((id) => of(id, dependencies)).concat([of(1, [])]);
});
console.log(JSON.stringify(found));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_events_of_a_component_are_listed_as_gradio_lists_them(tmp_path):
    change = gradio_scripts.LIST_EVENTS_ONCE
    script = tmp_path / "events.mjs"
    script.write_text(EVENTS.replace("OLD", change.old).replace("NEW", change.new))
    done = subprocess.run(["node", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    old, new = json.loads(done.stdout)
    assert old == new == [["click", "then"], ["change", "change"], [], []]


@pytest.mark.slow
@pytest.mark.browser
def test_page_of_changed_scripts_answers(spared, chromium):
    page = plain_page()
    page.launch(prevent_thread_lock=True, quiet=True, i18n=page.texts)
    visit, broken = chromium.new_page(), []
    visit.set_default_timeout(browser.WAIT_MS)
    visit.on("pageerror", lambda error: broken.append(error.message))
    try:
        with visit.expect_response("**/assets/Blocks-*.js") as served:
            visit.goto(page.local_url)
        assert gradio_scripts.BUILD_ONCE.new in served.value.text()
        for question in ("first", "second"):
            visit.get_by_role("button", name=question).click()
            visit.wait_for_function(
                f"document.querySelector('#{question}-answer textarea').value"
                " === 'answered'"
            )
        assert not broken
    finally:
        visit.close()
        page.close()
