"""Settings of this host: folders, limits and permissions.

The only reader of ``os.environ``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import process

ROOT = Path(__file__).parent
DATA = Path("/data")  # where a Space's storage is mounted, if it has one
MIN_SECRET_LENGTH = 16  # characters; fewer can be guessed
OAUTH_VARIABLES = (
    "OAUTH_CLIENT_ID OAUTH_CLIENT_SECRET OAUTH_SCOPES OPENID_PROVIDER_URL"
).split()
Kind = Literal["local", "cpu", "gpu", "zero"]

# What a training child may see of our environment: where things are, which devices
# there are, and how to reach the Hub. Never a token: the child downloads public data.
CHILD_VARIABLES = (
    "PATH HOME LANG LC_ALL TZ TMPDIR SYSTEMROOT VIRTUAL_ENV LD_LIBRARY_PATH"
    " CUDA_VISIBLE_DEVICES CUDA_HOME OMP_NUM_THREADS MKL_NUM_THREADS GOMP_SPINCOUNT"
    " HF_HOME HF_HUB_CACHE HF_ENDPOINT HF_HUB_OFFLINE"
    " HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy"
    " SSL_CERT_FILE REQUESTS_CA_BUNDLE"
).split()


@dataclass(frozen=True)
class Host:
    """The machine that runs the app.

    Attributes:
        kind: "local" is a computer of one's own; the others are a Hugging Face Space on
            a CPU, on a GPU of its own, or on ZeroGPU, which lends one for seconds.
        space_id: OWNER/NAME of the Space.
        is_lasting: files written here outlive a restart.
        has_login: visitors of the Space can sign in with their Hugging Face account.
    """

    kind: Kind = "local"
    space_id: str = ""
    is_lasting: bool = True
    has_login: bool = False

    @property
    def is_space(self) -> bool:
        """Whether this is a Space, open to strangers."""
        return self.kind != "local"

    @property
    def owner(self) -> str:
        """Owner of the Space, a user or an organisation; "" elsewhere."""
        return self.space_id.partition("/")[0]


@dataclass(frozen=True)
class Settings:
    """One host's choices; the defaults are a laptop's.

    Attributes:
        runs_dir: of all runs, a folder each.
        cache_dir: decoded songs, safe to delete.
        uploads_dir: visitors' files, all of which are deleted in time; Gradio's folder
            for them unless ``GRADIO_TEMP_DIR`` is set.
        songs_dir: visitors' own data sets, one folder each, genres inside.
        bundled_model_dir: the model that ships with the app.
        pretrained_model_dir: the small one beside it that guesses hidden frames.
        hub_model: id of the Hub model that the classify tab offers.
        max_upload_bytes: larger files are refused before they are read.
        max_duration_s: longer songs are cut here, with a note on the page.
        n_readers: processes that decode uploads, so that a file that crashes a decoder
            crashes nothing else; 0 decodes in the server itself.
        host: the machine.
        secret: admits visitors from other machines; "" admits none.
        is_offline: no request to the Hub is allowed.
        base_models: models of the Hub that runs may start from besides the usual ones,
            as ``id`` or ``id@revision``.
        source: the https address that a rented machine gets this project from.
        is_launched: a launcher started this process as one of several.
    """

    runs_dir: Path = ROOT / "runs"
    cache_dir: Path = ROOT / "cache"
    uploads_dir: Path = ROOT / "cache" / "uploads"
    songs_dir: Path = ROOT / "songs"
    bundled_model_dir: Path = ROOT / "assets" / "models" / "bundled"
    pretrained_model_dir: Path = ROOT / "assets" / "models" / "pretrained"
    hub_model: str = "sanchit-gandhi/distilhubert-finetuned-gtzan"
    max_upload_bytes: int = 100_000_000
    max_duration_s: float = 600.0
    n_readers: int = 2
    host: Host = Host()
    secret: str = field(default="", repr=False)
    is_offline: bool = False
    base_models: tuple[str, ...] = ()
    source: str = ""
    is_launched: bool = False


def from_environment(
    environment: Mapping[str, str] | None = None, data: Path = DATA
) -> Settings:
    """Read this host's settings; ``GENRESCOPE_HOME`` moves everything it writes.

    Args:
        environment: the process's own by default.
        data: where a Space's storage is mounted, if it has one.
    """
    env = os.environ if environment is None else environment
    host = host_of(env, data)
    usual = data if host.is_space and host.is_lasting else ROOT
    home = Path(env.get("GENRESCOPE_HOME", usual)).absolute()
    base_models = env.get("GENRESCOPE_BASE_MODELS", "").split(",")
    space = f"https://huggingface.co/spaces/{host.space_id}" if host.space_id else ""
    secret = env.get("GENRESCOPE_SECRET", "")
    return Settings(
        runs_dir=home / "runs",
        cache_dir=home / "cache",
        uploads_dir=home / "cache" / "uploads",
        songs_dir=home / "songs",
        hub_model=env.get("GENRESCOPE_HUB_MODEL", Settings.hub_model),
        n_readers=int(env.get("GENRESCOPE_READERS", Settings.n_readers)),
        host=host,
        secret=secret if len(secret) >= MIN_SECRET_LENGTH else "",
        is_offline=_is_true(env.get("HF_HUB_OFFLINE")),
        base_models=tuple(name.strip() for name in base_models if name.strip()),
        source=env.get("GENRESCOPE_SOURCE", space),
        is_launched=int(env.get("WORLD_SIZE", "1")) > 1,
    )


def host_of(env: Mapping[str, str], data: Path) -> Host:
    """Detect a Space by the variables that every Space sets.

    Source: https://huggingface.co/docs/hub/spaces-overview#helper-environment-variables
    and ``spaces/config.py`` of the package ``spaces`` for ZeroGPU.
    """
    if env.get("SYSTEM") != "spaces" and "SPACE_ID" not in env:
        return Host()
    kind: Kind = "cpu" if env.get("ACCELERATOR", "none") in ("", "none") else "gpu"
    if _is_true(env.get("SPACES_ZERO_GPU")):
        kind = "zero"
    return Host(
        kind,
        env.get("SPACE_ID", ""),
        is_lasting=data.is_dir() and os.access(data, os.W_OK),
        has_login=all(env.get(name) for name in OAUTH_VARIABLES),
    )


def _is_true(value: str | None) -> bool:
    return (value or "").lower() in ("1", "t", "true", "yes", "on")


def prepare_environment() -> None:
    """Set what Gradio and the Hub's client read at import, unless the host did.

    Call it before ``gradio`` is imported. Visitors' files are apart from those of other
    programs, so that they can be deleted; no telemetry leaves; a proxy is not asked for
    our own address (Gradio calls itself at launch); a missing network is noticed in
    seconds; Gradio's own event statistics, costly per event, are kept rare; threads that
    compute together wait for one another asleep, not spinning: where visitors and a run
    share a processor, spinning took nine tenths of it.
    """
    for name, value in {
        "GRADIO_TEMP_DIR": str(from_environment().uploads_dir),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000",
        "NO_PROXY": "localhost,127.0.0.1",
        "HF_HUB_ETAG_TIMEOUT": "5",
        "HF_HUB_DOWNLOAD_TIMEOUT": "10",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "GOMP_SPINCOUNT": "1000",  # some 50 us, then they sleep
    }.items():
        os.environ.setdefault(name, value)
    if "MALLOC_ARENA_MAX" not in os.environ:
        process.limit_arenas()


def child_environment() -> dict[str, str]:
    """Return the environment of a training child, by allow-list."""
    return {name: os.environ[name] for name in CHILD_VARIABLES if name in os.environ}
