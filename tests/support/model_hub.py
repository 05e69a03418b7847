"""A stand-in of the Hub that holds one model."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from support import tiny

HUB_MODEL = "someone/genres"
REVISION = "0123456789abcdef0123456789abcdef01234567"
INFO = json.dumps({"id": HUB_MODEL, "sha": REVISION}).encode()


class HubServer(ThreadingHTTPServer):
    """One model, in the Hub's words; ``status`` other than 200 is its only answer.

    ``pages`` are answers of its own to addresses of the API, by how these end. Weights
    have a checksum and can be read from any byte on, as the Hub's large files; half of
    them is sent while ``rest`` is cleared, and the connection breaks there while
    ``is_losing``.
    """

    daemon_threads = True

    def __init__(self, folder, status=200, error_code="", info=INFO, pages=()):
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.folder, self.info, self.pages = folder, info, dict(pages)
        self.status, self.error_code = status, error_code
        self.asked, self.ranges = [], []
        self.is_losing = False
        self.release, self.rest = threading.Event(), threading.Event()
        self.release.set()
        self.rest.set()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the play."""


class HubHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.release.wait(60)
        if self.server.status != 200:
            return self.answer(self.server.status, b"{}")
        if self.path.startswith("/api/models/"):
            path = self.path.split("?")[0]
            pages = (p for end, p in self.server.pages.items() if path.endswith(end))
            return self.answer(200, next(pages, self.server.info))
        path = self.server.folder / Path(self.path).name
        if not path.exists():
            return self.answer(404, b"", "EntryNotFound")
        if path.suffix == ".safetensors":
            return self.weights(path.read_bytes())
        return self.answer(200, path.read_bytes())

    def weights(self, content):
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        _, _, asked = self.path.partition("/resolve/")  # by its exact revision
        self.send_header("X-Repo-Commit", asked.split("/")[0] or REVISION)
        if start:
            stop = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{stop}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        self.server.ranges.append(start)
        middle = max(start, len(content) // 2)
        self.wfile.write(content[start:middle])
        self.server.rest.wait(60)
        if self.server.is_losing:
            self.close_connection = True
            self.connection.close()
        else:
            self.wfile.write(content[middle:])

    def do_HEAD(self):
        self.do_GET()

    def answer(self, status, body, error_code=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{Path(self.path).name}"')
        _, _, asked = self.path.partition("/resolve/")  # by its exact revision
        self.send_header("X-Repo-Commit", asked.split("/")[0] or REVISION)
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


@pytest.fixture(scope="session")
def hub_model_dir(tmp_path_factory):
    """A model that says other genres than the bundled one, to be served."""
    folder = tmp_path_factory.mktemp("hub") / "model"
    return tiny.save_tiny_model(folder, genres=("calm", "wild", "odd"))


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Start a Hub of our own and make it the client's, with an empty cache."""
    from huggingface_hub import constants, file_download

    from hub import resumable

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr(resumable, "LARGE_BYTES", 10_000)
    monkeypatch.setattr(
        file_download, "time", SimpleNamespace(sleep=lambda seconds: None)
    )
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
        server.rest.set()
        server.shutdown()
        server.server_close()
