"""What this host allows: folders, limits, and who may train.

The only reader of ``os.environ``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent

# What a training child may see of our environment: where things are, which devices
# there are, and how to reach the Hub. Never a token: the child downloads public data.
CHILD_VARIABLES = (
    "PATH HOME LANG LC_ALL TZ TMPDIR SYSTEMROOT VIRTUAL_ENV LD_LIBRARY_PATH"
    " CUDA_VISIBLE_DEVICES CUDA_HOME OMP_NUM_THREADS MKL_NUM_THREADS"
    " HF_HOME HF_HUB_CACHE HF_ENDPOINT HF_HUB_OFFLINE"
    " HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy"
    " SSL_CERT_FILE REQUESTS_CA_BUNDLE"
).split()


@dataclass(frozen=True)
class Settings:
    """One host's choices; the defaults are a laptop's.

    Attributes:
        runs_dir: where runs live, a folder each.
        cache_dir: decoded songs, safe to delete.
        songs_dir: visitors' own data sets, one folder each, genres inside.
        bundled_model_dir: the model that ships with the app.
        hub_model: id of the Hub model that the classify tab offers.
        max_upload_bytes: larger files are refused before they are read.
        max_duration_s: longer songs are cut here, and the page says so.
        n_readers: processes that decode what visitors upload, so that a file that
            crashes a decoder crashes nothing else; 0 decodes in the server itself.
        is_space: this is a Hugging Face Space, open to strangers.
        is_offline: nothing may be asked of the Hub.
        base_models: models of the Hub that runs may start from besides the usual ones,
            as ``id`` or ``id@revision``.
        source: the https address that a rented machine gets this project from.
        is_launched: a launcher started this process as one of several.
    """

    runs_dir: Path = ROOT / "runs"
    cache_dir: Path = ROOT / "cache"
    songs_dir: Path = ROOT / "songs"
    bundled_model_dir: Path = ROOT / "assets" / "models" / "demo"
    hub_model: str = "sanchit-gandhi/distilhubert-finetuned-gtzan"
    max_upload_bytes: int = 100_000_000
    max_duration_s: float = 600.0
    n_readers: int = 2
    is_space: bool = False
    is_offline: bool = False
    base_models: tuple[str, ...] = ()
    source: str = ""
    is_launched: bool = False


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this host; ``GENRESCOPE_HOME`` moves everything it writes."""
    env = os.environ if environment is None else environment
    home = Path(env.get("GENRESCOPE_HOME", ROOT)).absolute()
    base_models = env.get("GENRESCOPE_BASE_MODELS", "").split(",")
    space = f"https://huggingface.co/spaces/{env.get('SPACE_ID')}"
    return Settings(
        runs_dir=home / "runs",
        cache_dir=home / "cache",
        songs_dir=home / "songs",
        hub_model=env.get("GENRESCOPE_HUB_MODEL", Settings.hub_model),
        n_readers=int(env.get("GENRESCOPE_READERS", Settings.n_readers)),
        is_space=env.get("SYSTEM") == "spaces" or "SPACE_ID" in env,
        is_offline=env.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"),
        base_models=tuple(name.strip() for name in base_models if name.strip()),
        source=env.get("GENRESCOPE_SOURCE", space if "SPACE_ID" in env else ""),
        is_launched=int(env.get("WORLD_SIZE", "1")) > 1,
    )


def prepare_environment() -> None:
    """Set what Gradio and the Hub's client read at import, unless the host did.

    Call before ``gradio`` is imported. No telemetry leaves; a proxy is not asked for
    our own address (Gradio calls itself at launch); a missing network is noticed in
    seconds; Gradio's own event statistics, costly per event, are kept rare.
    """
    for name, value in {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000",
        "NO_PROXY": "localhost,127.0.0.1",
        "HF_HUB_ETAG_TIMEOUT": "5",
        "HF_HUB_DOWNLOAD_TIMEOUT": "10",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }.items():
        os.environ.setdefault(name, value)


def child_environment() -> dict[str, str]:
    """The environment of a training child, by allow-list."""
    return {name: os.environ[name] for name in CHILD_VARIABLES if name in os.environ}
