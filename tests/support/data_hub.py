"""A stand-in of the Hub that holds data sets: listed, and read from any byte on."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from support.model_hub import REVISION, use_hub


class DataHub(ThreadingHTTPServer):
    """Data sets in memory.

    Attributes:
        sets: (id, branch) to ``{name: bytes}``.
        lie: what a file's bytes are replaced by; None for the truth.
        n_before_loss: the connection of a large file breaks after so many bytes, once.
        is_expiring: a broken connection's address is forbidden from then on.
        release: while it is cleared, a large file stays half sent.
        asked: method, path, range and authorization of every request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), DataHandler)
        self.sets, self.asked = {}, []
        self.lie, self.n_before_loss = None, 0
        self.is_expiring, self.n_signed, self.first_valid = False, 0, 0
        self.release = threading.Event()
        self.release.set()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def by_checksum(self):
        files = [content for each in self.sets.values() for content in each.values()]
        return {hashlib.sha256(content).hexdigest(): content for content in files}

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the play."""


class DataHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        heard = [self.headers.get(name, "") for name in ("Range", "Authorization")]
        self.server.asked.append((self.command, self.path, *heard))
        path = self.path.split("?")[0]
        for pattern, answer in (
            (r"/api/datasets/([^/]+/[^/]+)(?:/revision/(.+))?", self.listed),
            (r"/datasets/([^/]+/[^/]+)/resolve/\w+/(.+)", self.found),
            (r"/storage/(\w+)", self.sent),
        ):
            match = re.fullmatch(pattern, path)
            if match:
                return answer(*match.groups())
        return self.send(404, b"")

    def do_HEAD(self):
        self.do_GET()

    def listed(self, repo_id, branch):
        branch = (branch or "main").replace("%2F", "/")
        files = self.server.sets.get((repo_id, branch))
        if files is None:
            code = "RepoNotFound" if branch == "main" else "RevisionNotFound"
            return self.send(404, b"{}", {"X-Error-Code": code})
        siblings = [{"rfilename": n, "size": len(f)} for n, f in files.items()]
        about = {"id": repo_id, "sha": REVISION, "siblings": siblings}
        return self.send(200, json.dumps(about).encode())

    def found(self, repo_id, name):
        """Large files lie elsewhere, as the Hub's do: the same server by another name."""
        files = [f for (i, _), f in self.server.sets.items() if i == repo_id]
        content = next(each[name] for each in files if name in each)
        checksum = hashlib.sha256(content).hexdigest()
        self.server.n_signed += 1
        signed = f"{checksum}?{self.server.n_signed}"
        return self.send(
            302,
            b"",
            {
                "Location": f"http://localhost:{self.server.server_port}/storage/{signed}",
                "X-Linked-Etag": f'"{checksum}"',
                "X-Linked-Size": str(len(content)),
                "X-Repo-Commit": REVISION,
            },
        )

    def sent(self, checksum):
        if int(self.path.partition("?")[2] or 0) < self.server.first_valid:
            return self.send(403, b"")
        content = self.server.lie or self.server.by_checksum()[checksum]
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
            )
        self.end_headers()
        middle = self.server.n_before_loss or (start + len(content)) // 2
        self.wfile.write(content[start:middle])
        if self.server.n_before_loss:
            self.server.n_before_loss = 0
            if self.server.is_expiring:
                self.server.first_valid = self.server.n_signed + 1
            self.close_connection = True
            return self.connection.close()
        self.server.release.wait(60)
        return self.wfile.write(content[middle:])

    def send(self, status, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def data_hub(monkeypatch, tmp_path):
    """A Hub of our own with an empty cache, whose files all count as large."""
    from huggingface_hub import constants, file_download

    from hub import resumable

    server = DataHub()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr(resumable, "LARGE_BYTES", 1)
    monkeypatch.setattr(
        file_download, "time", SimpleNamespace(sleep=lambda seconds: None)
    )
    use_hub(monkeypatch, server.address)
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
