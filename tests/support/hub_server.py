"""A stand-in of the Hub that can be written to: the calls that a push and a job make."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import yaml

from support.model_hub import use_hub

TOKEN = "hf_no-token-at-all_and-yet-nobody-may-see-it"
OWNER = "visitor"
REVISION = "0123456789abcdef0123456789abcdef01234567"


class PushHub(ThreadingHTTPServer):
    """Repositories in memory.

    Attributes:
        repos: id to ``{"private": bool, "files": {name: bytes}}``.
        objects: large files by their hash, as the storage behind the Hub keeps them.
        jobs: what was asked to run.
        asked: method, path and authorization of every request.
        job_status: other than 200 is the only answer to a job.
        is_losing: break the connection in the middle of a large file.
        release: while it is cleared, no request is answered.
    """

    daemon_threads = True
    job_status = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PushHandler)
        self.repos, self.objects = {}, {}
        self.jobs, self.asked = [], []
        self.is_losing = False
        self.release = threading.Event()
        self.release.set()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the play."""


class PushHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.play()

    def do_HEAD(self):
        self.play()

    def do_POST(self):
        self.play()

    def do_PUT(self):
        self.play()

    def play(self):
        """Find the method that answers this path."""
        authorization = self.headers.get("Authorization", "")
        self.server.asked.append((self.command, self.path, authorization))
        self.server.release.wait(60)
        for pattern, name in ROUTES:
            found = re.fullmatch(pattern, f"{self.command} {self.path.split('?')[0]}")
            if found:
                is_open = name == "put" or self.is_public(name, found.group(1))
                if not is_open and authorization != f"Bearer {TOKEN}":
                    return self.answer(401, {"error": "Invalid credentials"})
                return getattr(self, name)(*found.groups())
        return self.answer(404, {"error": "no such route"})

    def is_public(self, name, repo_id):
        """Whether anybody may ask this."""
        repo = self.server.repos.get(repo_id, {"private": True})
        return name in ("info", "resolve") and not repo["private"]

    def whoami(self, _):
        self.answer(200, {"name": OWNER, "type": "user", "auth": {}})

    def create(self, _):
        wish = self.body()
        owner = wish.get("organization") or OWNER
        repo_id = f"{owner}/{wish['name']}"
        if owner != OWNER:
            return self.answer(403, {"error": "You don't have the rights"})
        if repo_id in self.server.repos:
            return self.answer(409, {"error": "You already created this model repo"})
        private = wish["visibility"] == "private"
        self.server.repos[repo_id] = {"private": private, "files": {}}
        return self.answer(200, {"url": f"{self.server.address}/{repo_id}"})

    def info(self, repo_id):
        repo = self.server.repos.get(repo_id)
        if repo is None or repo.get("is_hidden"):
            return self.answer(404, {"error": "no"}, "RepoNotFound")
        card = repo["files"].get("README.md", b"").decode()
        tags = front_matter(card).get("tags", [])
        siblings = [{"rfilename": name} for name in (".gitattributes", *repo["files"])]
        values = {"private": repo["private"], "tags": tags, "siblings": siblings}
        return self.answer(200, {"id": repo_id, "sha": REVISION, **values})

    def resolve(self, repo_id, revision, name):
        content = self.server.repos[repo_id]["files"].get(name)
        if content is None:
            return self.answer(404, {}, "EntryNotFound")
        return self.send(200, content, {"ETag": f'"{name}"', "X-Repo-Commit": REVISION})

    def validate(self, _):
        is_good = bool(front_matter(self.body()["content"]))
        self.answer(200 if is_good else 400, {"errors": [], "warnings": []})

    def preupload(self, repo_id):
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith("tensors") else "regular",
                "shouldIgnore": False,
            }
            for file in self.body()["files"]
        ]
        self.answer(200, {"files": files})

    def batch(self, repo_id):
        objects = self.body()["objects"]
        for wanted in objects:
            if wanted["oid"] not in self.server.objects:
                href = f"{self.server.address}/storage/{wanted['oid']}"
                wanted["actions"] = {"upload": {"href": href}}
        self.answer(200, {"objects": objects, "transfer": "basic"})

    def put(self, oid):
        n_bytes = int(self.headers["Content-Length"])
        if self.server.is_losing:
            self.rfile.read(n_bytes // 2)
            self.close_connection = True
            return self.connection.close()
        content = self.rfile.read(n_bytes)
        assert hashlib.sha256(content).hexdigest() == oid
        self.server.objects[oid] = content
        return self.answer(200, {})

    def commit(self, repo_id):
        files = self.server.repos[repo_id]["files"]
        for line in self.raw_body().splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
        url = f"{self.server.address}/{repo_id}/commit/{REVISION}"
        self.answer(200, {"commitUrl": url, "commitOid": REVISION})

    def job(self, owner):
        wish = self.body()
        if self.server.job_status != 200:
            return self.answer(self.server.job_status, {"error": "no"})
        self.server.jobs.append(wish)
        status = {"stage": "SCHEDULING", "message": None}
        about = {"id": "job-1", "owner": {"id": "1", "name": owner, "type": "user"}}
        return self.answer(200, {**about, "status": status, "flavor": wish["flavor"]})

    def body(self):
        return json.loads(self.raw_body())

    def raw_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, values, error_code=""):
        headers = {"Content-Type": "application/json"}
        if error_code:
            headers["X-Error-Code"] = error_code
        self.send(status, json.dumps(values).encode(), headers)

    def send(self, status, body, headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


ROUTES = [
    (r"GET /api/(whoami-v2)", "whoami"),
    (r"POST /api/repos/(create)", "create"),
    (r"GET /api/models/([^/]+/[^/]+)", "info"),
    (r"POST /api/(validate-yaml)", "validate"),
    (r"(?:GET|HEAD) /([^/]+/[^/]+)/resolve/(\w+)/([\w.]+)", "resolve"),
    (r"POST /api/models/([^/]+/[^/]+)/preupload/main", "preupload"),
    (r"POST /([^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
    (r"PUT /storage/(\w+)", "put"),
    (r"POST /api/models/([^/]+/[^/]+)/commit/main", "commit"),
    (r"POST /api/jobs/([^/]+)", "job"),
]


def front_matter(card):
    """The values between the two lines of dashes that a card begins with."""
    return yaml.safe_load(card.split("---")[1]) if card.startswith("---") else {}


@pytest.fixture
def push_hub(monkeypatch):
    """A Hub of our own, made the client's; retries come without their pauses."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    server = PushHub()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda seconds: None))
    use_hub(monkeypatch, server.address)
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
