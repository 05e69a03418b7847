"""A stand-in of the Hub that holds one model."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HUB_MODEL = "someone/genres"
REVISION = "0123456789abcdef0123456789abcdef01234567"
INFO = json.dumps({"id": HUB_MODEL, "sha": REVISION}).encode()


class HubServer(ThreadingHTTPServer):
    """One model, in the Hub's words; ``status`` other than 200 is its only answer.

    ``pages`` are answers of its own to addresses of the API, by how these end.
    """

    daemon_threads = True

    def __init__(self, folder, status=200, error_code="", info=INFO, pages=()):
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.folder, self.info, self.pages = folder, info, dict(pages)
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
            path = self.path.split("?")[0]
            pages = (p for end, p in self.server.pages.items() if path.endswith(end))
            return self.answer(200, next(pages, self.server.info))
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
