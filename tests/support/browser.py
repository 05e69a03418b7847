"""Headless Chromium and a server of our own for tests that look at the page."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from support import tiny
from support.files import write_audio
from support.places import ROOT
from trainer.run import runs

CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-dev-shm-usage"
    " --autoplay-policy=no-user-gesture-required"
).split()
SERVE = """
import dataclasses, pathlib, sys
import app
model_dir = pathlib.Path(sys.argv[1])
app.serve(dataclasses.replace(app.host.from_environment(), bundled_model_dir=model_dir))
"""
PATIENCE_S = 90
WAIT_MS = 90_000
# Gradio adds the parts of a page one by one; these come last.
N_PICTURES = 25
READY = f"""document.querySelectorAll(".block.picture").length === {N_PICTURES}
  && document.querySelector("#player input[type=file]")
  && document.querySelector(".chips button")
  && document.querySelector("#header nav a[aria-current]")"""
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
# What the network between us and a server far away does: the end is on its way for long.
SLOW_END = """
const fetched = window.fetch.bind(window);
window.slow = { isOn: false, isWaiting: false };
const wait = () => new Promise((go) => (window.slow.arrive = go));
window.fetch = async (...request) => {
  const answer = await fetched(...request);
  if (!String(request[0].url ?? request[0]).includes("queue/data")) return answer;
  const slow = new TransformStream({
    async transform(piece, page) {
      const isEnd = new TextDecoder().decode(piece).includes("close_stream");
      if (isEnd && window.slow.isOn) {
        window.slow.isOn = false;
        window.slow.isWaiting = true;
        await wait();
      }
      page.enqueue(piece);
    },
  });
  return new Response(answer.body.pipeThrough(slow), answer);
};
"""
# A microphone that a browser refuses, with the name of its error.
REFUSING = """() => {
  navigator.mediaDevices.__proto__.getUserMedia = async () => {
    throw new DOMException("Permission denied", "%s");
  };
}"""

# A microphone in which somebody hums.
HUMMING = """() => {
  navigator.mediaDevices.__proto__.getUserMedia = async () => {
    const context = new AudioContext(), hum = context.createOscillator();
    const place = context.createMediaStreamDestination();
    hum.connect(place), hum.start();
    return place.stream;
  };
}"""


class Server:
    """The app as a child process.

    Attributes:
        url: of the page.
        log: the file with all that the server wrote.
        child: its process.
    """

    def __init__(self, home, model_dir, **environment):
        self.environment = environment
        self.log = home / "server.log"
        self.home = home
        self.model_dir = model_dir
        self.url = f"http://127.0.0.1:{free_port()}/"

    @contextmanager
    def running(self):
        """Serve until the block ends; its runs stay for the next time."""
        try:
            self.start()
            yield self
        finally:
            self.child.terminate()
            self.child.wait()

    def killed_and_started_anew(self):
        """Go without a word, and come back at the same address."""
        self.child.kill()
        self.child.wait()
        self.start()

    def start(self):
        """Begin to serve."""
        environment = {
            **os.environ,
            "GENRESCOPE_HOME": str(self.home),
            "GENRESCOPE_TRUST_THIS_MACHINE": "1",  # a test is the person at it
            "GRADIO_SERVER_PORT": self.url.rstrip("/").split(":")[-1],
            "GRADIO_TEMP_DIR": str(self.home / "gradio"),
            "HF_HOME": str(self.home / "hub"),  # what people have is not for tests
            "HF_HUB_OFFLINE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.environment,
        }
        command = [sys.executable, "-c", SERVE, str(self.model_dir)]
        with self.log.open("a") as log:
            self.child = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.child.poll() is None:
            try:
                with urllib.request.urlopen(self.url):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The app, offline, with a tiny model as the bundled one."""
    home = tmp_path_factory.mktemp("home")
    model_dir = tiny.save_tiny_model(home / "model")
    try:
        with Server(home, model_dir).running() as server:
            yield server
    finally:  # a run outlives its server, and would outlive a test that fails
        for run in runs.every(home / "runs"):
            run.stop_file.touch()


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium, driven by playwright."""
    with launched() as browser:
        yield browser


@contextmanager
def launched(*flags):
    """Debian's Chromium with further flags."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed"
    )
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        arguments = [*CHROMIUM_FLAGS, *flags]
        yield driver.chromium.launch(executable_path=path, args=arguments)


@contextmanager
def recording(samples, rate, folder):
    """Chromium whose microphone plays samples, again and again."""
    song = write_audio(folder / "microphone.wav", samples, rate)
    with launched(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={song}",
    ) as browser:
        yield browser


@pytest.fixture
def open_page(server, chromium):
    """Open the page as one visitor sees it; at the end nothing may have gone wrong.

    A test whose page is meant to meet an error takes it out of ``page.problems``.
    """
    pages = []

    def open_page(path="", *, width=1280, height=900, locale="en-US", dark=False):
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            color_scheme="dark" if dark else "light",
        )
        page = context.new_page()
        page.problems, page.forgiven = [], ()
        page.on("request", lambda request: watch(page, request))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: hear(page, message))
        page.add_init_script(WATCH_SHIFTS)
        page.set_default_timeout(WAIT_MS)
        page.goto(server.url + path)
        page.wait_for_function(READY)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()
        assert unforgiven(page) == []


def watch(page, request):
    """Nothing outside may be asked."""
    address = urlsplit(request.url)
    if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
        page.problems.append(f"asked {request.url}")


def hear(page, message):
    """An error in the console is a problem."""
    if message.type == "error":
        page.problems.append(message.text)


def forgive_leaving(page):
    """Gradio's client complains, now or later, when a page is left in mid-poll."""
    page.forgiven = ("AbortError", "Connection errored out")


def unforgiven(page):
    """What went wrong on a page, less what it may complain about."""
    return [
        problem
        for problem in page.problems
        if not any(complaint in problem for complaint in page.forgiven)
    ]
