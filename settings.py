"""Settings of this host: folders, limits and permissions.

The only reader of ``os.environ``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import importlib.util
import ipaddress
import mmap
import os
import secrets
import tempfile
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import process
from errors import KnownError

ROOT = Path(__file__).parent
DATA = Path("/data")  # where a Space's storage is mounted, if it has one
MIN_SECRET_LENGTH = 16  # characters; fewer can be guessed
OAUTH_VARIABLES = (
    "OAUTH_CLIENT_ID OAUTH_CLIENT_SECRET OAUTH_SCOPES OPENID_PROVIDER_URL"
).split()
PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
OWN_ADDRESSES = ("localhost", "127.0.0.1", "::1")
NUMBERS = (
    "GENRESCOPE_READERS GRADIO_SERVER_PORT HF_HUB_ETAG_TIMEOUT HF_HUB_DOWNLOAD_TIMEOUT"
).split()
EMPTY_MEANS_NONE = (  # not: unset
    "GENRESCOPE_HUB_MODEL GENRESCOPE_RECORDINGS GENRESCOPE_SOURCE"
).split()
UNSET_IF_EMPTY = ("GENRESCOPE_", "GRADIO_", "HF_", "XDG_", "TRANSFORMERS_", "TMPDIR")
LAUNCHER = ("WORLD_SIZE", "RANK", "MASTER_ADDR")  # what every launcher sets
OF_LAUNCHER = (*LAUNCHER, "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT")
Kind = Literal["local", "cpu", "gpu", "zero"]
Precision = Literal["auto", "fp32", "bf16"]

# What a child may see of our environment, and why: it has to find the same programs,
# devices and files as the server, and the Hub by the same way. Never a token: the child
# downloads public data.
CHILD_REASONS = {
    "programs and their words": (
        "PATH HOME LANG LC_ALL LC_CTYPE TZ TMPDIR SYSTEMROOT VIRTUAL_ENV"
        " LD_LIBRARY_PATH DYLD_LIBRARY_PATH"
    ),
    "which GPU, and how it counts; on AMD's, whether it runs at all": (
        "CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUDA_HOME CUDA_PATH"
        " NVIDIA_VISIBLE_DEVICES HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES"
        " GPU_DEVICE_ORDINAL HSA_OVERRIDE_GFX_VERSION HSA_ENABLE_SDMA"
        " PYTORCH_ROCM_ARCH MIOPEN_USER_DB_PATH"
    ),
    "which instructions products may use": "ONEDNN_MAX_CPU_ISA DNNL_MAX_CPU_ISA",
    "how torch shares a GPU's memory": (
        "PYTORCH_CUDA_ALLOC_CONF PYTORCH_ALLOC_CONF PYTORCH_HIP_ALLOC_CONF"
        " PYTORCH_NO_CUDA_MEMORY_CACHING CUDA_MODULE_LOADING"
    ),
    "how many threads compute, and how they wait": (
        "OMP_NUM_THREADS MKL_NUM_THREADS OPENBLAS_NUM_THREADS NUMEXPR_NUM_THREADS"
        " VECLIB_MAXIMUM_THREADS GOMP_SPINCOUNT OMP_WAIT_POLICY KMP_BLOCKTIME"
        " MALLOC_ARENA_MAX"
    ),
    "where downloads are kept, for the server and the child alike": (
        "XDG_CACHE_HOME HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_ASSETS_CACHE"
        " HF_XET_CACHE HF_DATASETS_CACHE HF_MODULES_CACHE TRANSFORMERS_CACHE TORCH_HOME"
        " NUMBA_CACHE_DIR"
    ),
    "how the Hub is reached, and whether": (
        "HF_ENDPOINT HF_HUB_OFFLINE TRANSFORMERS_OFFLINE HF_DATASETS_OFFLINE"
        " HF_HUB_DISABLE_XET HF_HUB_DISABLE_TELEMETRY HF_HUB_ETAG_TIMEOUT"
        " HF_HUB_DOWNLOAD_TIMEOUT HF_XET_HIGH_PERFORMANCE"
        " HF_XET_NUM_CONCURRENT_RANGE_GETS HF_HUB_DISABLE_SYMLINKS_WARNING"
    ),
    "by which proxy, trusting whom": (
        "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy"
        " no_proxy SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE"
    ),
}
CHILD_VARIABLES = " ".join(CHILD_REASONS.values()).split()


@dataclass(frozen=True)
class Host:
    """The machine that runs the app.

    Attributes:
        kind: "local" is a computer of one's own; the others are a Hugging Face Space on
            a CPU, on a GPU of its own, or on ZeroGPU, which lends one for seconds.
        space_id: OWNER/NAME of the Space.
        is_lasting: runs are written to where they outlive a restart.
        lacks: what a run needs and the Space's storage cannot: names of ``lacks``.
        has_login: visitors of the Space can sign in with their Hugging Face account.
    """

    kind: Kind = "local"
    space_id: str = ""
    is_lasting: bool = True
    has_login: bool = False
    lacks: tuple[str, ...] = ()

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
        kept_runs_dir: where ended runs are copied to, because ``runs_dir`` is lost in a
            restart and there is storage that is not, but that cannot hold a run at work.
        cache_dir: decoded songs, safe to delete; of a Space always on its own disk.
        uploads_dir: visitors' files, all of which are deleted in time; Gradio's folder
            for them unless ``GRADIO_TEMP_DIR`` is set.
        songs_dir: visitors' own data sets, one folder each, genres inside.
        bundled_model_dir: the model that ships with the app.
        pretrained_model_dir: the small one beside it that guesses hidden frames.
        hub_model: id of the Hub model that the classify tab offers.
        recordings: address of the folder that real sounds are fetched from; "" fetches
            none.
        max_upload_bytes: larger files are refused before they are read.
        max_own_upload_bytes: as that, of who may train on a computer of one's own.
        max_duration_s: longer songs are cut here, with a note on the page.
        n_readers: processes that decode uploads, so that a file that crashes a decoder
            crashes nothing else; 0 decodes in the server itself.
        host: the machine.
        secret: admits visitors; "" admits none.
        is_key_of_start: the secret was made for this start, and is printed with the
            address, which admits who opens it.
        trusts_machine: admits every request from this machine where there is no secret.
        is_offline: no request to the Hub or for recordings is allowed.
        base_models: models of the Hub that runs may start from besides the usual ones,
            as ``id`` or ``id@revision``.
        source: the https address that a rented machine gets this project from.
        precision: of a model's products on a CPU: auto, fp32 or bf16.
        rank: which of a launcher's processes this is; the first is 0.
        n_processes: how many a launcher started, on all machines.
        n_local: how many of them on this machine.
        is_launched: a launcher started this process as one of several.
        local_rank: which of them it is on this machine.
    """

    runs_dir: Path = ROOT / "runs"
    kept_runs_dir: Path | None = None
    cache_dir: Path = ROOT / "cache"
    uploads_dir: Path = ROOT / "cache" / "uploads"
    songs_dir: Path = ROOT / "songs"
    bundled_model_dir: Path = ROOT / "assets" / "models" / "bundled"
    pretrained_model_dir: Path = ROOT / "assets" / "models" / "pretrained"
    hub_model: str = "sanchit-gandhi/distilhubert-finetuned-gtzan"
    recordings: str = "https://librosa.org/data/audio/"
    max_upload_bytes: int = 100_000_000
    max_own_upload_bytes: int = 4_000_000_000
    max_duration_s: float = 600.0
    n_readers: int = 2
    host: Host = Host()
    secret: str = field(default="", repr=False)
    is_key_of_start: bool = False
    trusts_machine: bool = True
    is_offline: bool = False
    base_models: tuple[str, ...] = ()
    source: str = ""
    precision: Precision = "auto"
    rank: int = 0
    n_processes: int = 1
    n_local: int = 1
    is_launched: bool = False
    local_rank: int = 0


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
    home = _home(env, usual)
    is_beside = bool(host.lacks) and home == ROOT  # storage that takes copies alone
    # Read at random while a run trains, which a storage behind a network is slow at.
    cache = home if home != data.absolute() else ROOT
    base_models = env.get("GENRESCOPE_BASE_MODELS", "").split(",")
    space = f"https://huggingface.co/spaces/{host.space_id}" if host.space_id else ""
    secret = env.get("GENRESCOPE_SECRET", "")
    secret = secret if len(secret) >= MIN_SECRET_LENGTH else ""
    trusts_machine = _is_true(env.get("GENRESCOPE_TRUST_THIS_MACHINE"))
    return Settings(
        runs_dir=home / "runs",
        kept_runs_dir=data / "runs" if is_beside else None,
        cache_dir=cache / "cache",
        uploads_dir=cache / "cache" / "uploads",
        songs_dir=(data if is_beside else home) / "songs",
        hub_model=env.get("GENRESCOPE_HUB_MODEL", Settings.hub_model),
        recordings=env.get("GENRESCOPE_RECORDINGS", Settings.recordings),
        n_readers=int(env.get("GENRESCOPE_READERS") or Settings.n_readers),
        host=host,
        secret=secret,
        trusts_machine=trusts_machine and not host.is_space,
        is_offline=_is_true(env.get("HF_HUB_OFFLINE")),
        base_models=tuple(name.strip() for name in base_models if name.strip()),
        source=env.get("GENRESCOPE_SOURCE", space),
        precision=_precision(env.get("GENRESCOPE_PRECISION", "")),
        is_launched=_is_launched(env),
        rank=_of_launcher(env, "RANK", 0),
        n_processes=_of_launcher(env, "WORLD_SIZE", 1),
        n_local=_of_launcher(env, "LOCAL_WORLD_SIZE", 1),
        local_rank=int(env.get("LOCAL_RANK") or 0),
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
    has_storage = data.is_dir() and os.access(data, os.W_OK)
    lacking = lacks(data) if has_storage else ()
    return Host(
        kind,
        env.get("SPACE_ID", ""),
        is_lasting=has_storage and not lacking,
        lacks=lacking,
        has_login=all(env.get(name) for name in OAUTH_VARIABLES),
    )


def lacks(folder: Path) -> tuple[str, ...]:
    """List what a folder's file system cannot, and a run needs; empty for a disk.

    Tried in a scratch file. A bucket that is mounted as a folder, which is what a Space
    gets as storage, may take files only as a whole: then it can neither ``append`` to a
    file, ``replace`` one by rename, ``lock`` one against another process, nor ``map`` one
    into memory.

    Source: https://huggingface.co/docs/hub/spaces-storage and the README of hf-mount.
    """
    tries = {"append": _append, "replace": _replace, "lock": _lock, "map": _map}
    scratch = folder / f".genrescope-{os.getpid()}"
    found = []
    for name, attempt in tries.items():
        try:
            scratch.write_bytes(b"0123")
            attempt(scratch)
        except (OSError, ValueError):
            found.append(name)
    for path in (scratch, scratch.with_suffix(".part")):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return tuple(found)


def _append(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(b"45")
        file.write(b"6")
    if path.read_bytes() != b"0123456":
        raise OSError(errno.EIO, "appended bytes are not there")


def _replace(path: Path) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(b"new")
    part.replace(path)
    if path.read_bytes() != b"new":
        raise OSError(errno.EIO, "the renamed file is another")


def _lock(path: Path) -> None:
    with path.open("rb") as one, path.open("rb") as other:
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
    raise OSError(errno.ENOLCK, "two hold one lock")


def _map(path: Path) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 4) as pages:
        pages[1] = 7
        pages.flush()
    if path.read_bytes() != b"0\x0723":
        raise OSError(errno.EIO, "the mapped byte is not there")


def _precision(value: str) -> Precision:
    """Read a precision; what is none of them is ``auto``."""
    known: dict[str, Precision] = {"fp32": "fp32", "bf16": "bf16"}
    return known.get(value.strip().lower(), "auto")


def _is_true(value: str | None) -> bool:
    return (value or "").lower() in ("1", "t", "true", "yes", "on")


def _home(env: Mapping[str, str], usual: Path) -> Path:
    return Path(env.get("GENRESCOPE_HOME") or usual).expanduser().absolute()


def _is_launched(env: Mapping[str, str]) -> bool:
    """Return whether a launcher started this process as one of several.

    A cluster or a notebook may set WORLD_SIZE alone, for programs to come.
    """
    size = env.get("WORLD_SIZE", "")
    return all(env.get(name) for name in LAUNCHER) and size.isdigit() and int(size) > 1


def _of_launcher(env: Mapping[str, str], name: str, usual: int) -> int:
    """Read a number that a launcher gives to its processes, if one started this."""
    return int(env.get(name) or usual) if _is_launched(env) else usual


def with_start_key(settings: Settings) -> Settings:
    """Make the key that this start of the server prints with its address.

    A computer of one's own needs it where its owner has chosen no secret: that a request
    comes from this machine proves nothing behind a relay, whose requests all do.
    """
    if settings.secret or settings.trusts_machine or settings.host.is_space:
        return settings
    key = secrets.token_urlsafe(24)
    return replace(settings, secret=key, is_key_of_start=True)


def ensure_writable(*folders: Path) -> None:
    """Make folders where they are missing, and check that files can be made in them.

    Raises:
        KnownError: ``home_not_writable``, with the folder and the system's reason.
    """
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            reason = error.strerror or ""
            raise KnownError(
                "home_not_writable", folder=folder, reason=reason
            ) from error


def ensure_file_writable(path: Path) -> None:
    """Check that a file can be written; it is not made, and one that is there is kept.

    Raises:
        KnownError: ``file_not_writable``, with the file and the system's reason.
    """
    is_new = not path.exists()
    try:
        path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as error:
        reason = error.strerror or ""
        raise KnownError("file_not_writable", name=str(path), reason=reason) from error


def repair_environment(env: MutableMapping[str, str] | None = None) -> None:
    """Change variables that would end libraries in a traceback; refuse wrong ones.

    An empty variable counts as none. A proxy is not asked for our own address (Gradio
    calls itself at launch). WORLD_SIZE without a launcher would make libraries wait for
    other processes. Caches go where we may write if the user's home may not be written,
    and a user without a name, as containers have, gets one.

    Args:
        env: the process's own by default.

    Raises:
        KnownError: ``not_a_number``, ``short_secret``, ``proxy_unknown`` or
            ``proxy_needs_socks``.
    """
    env = os.environ if env is None else env
    for name in [name for name, value in env.items() if not value.strip()]:
        if name.startswith(UNSET_IF_EMPTY) and name not in EMPTY_MEANS_NONE:
            del env[name]
    for name in NUMBERS:
        if not env.get(name, "0").strip().isdecimal():
            raise KnownError("not_a_number", name=name, value=env[name])
    if 0 < len(env.get("GENRESCOPE_SECRET", "")) < MIN_SECRET_LENGTH:
        raise KnownError("short_secret", n=MIN_SECRET_LENGTH)
    if not _is_launched(env):
        for name in OF_LAUNCHER:
            env.pop(name, None)
    _repair_proxies(env)
    _repair_user(env)


def _repair_proxies(env: MutableMapping[str, str]) -> None:
    """Put the variables of proxies into the form that httpx accepts.

    Raises:
        KnownError: ``proxy_unknown`` or ``proxy_needs_socks``.
    """
    for name in (*PROXIES, *map(str.lower, PROXIES)):
        value = env.get(name, "").strip()
        if not value:
            env.pop(name, None)
            continue
        if value.startswith("socks://"):  # as GNOME writes it
            env[name] = value = f"socks5{value.removeprefix('socks')}"
        scheme = urlsplit(value).scheme if "://" in value else "http"
        if scheme not in PROXY_SCHEMES:
            raise KnownError("proxy_unknown", name=name, scheme=scheme)
        if scheme.startswith("socks") and not importlib.util.find_spec("socksio"):
            raise KnownError("proxy_needs_socks", name=name)
    named = f"{env.get('NO_PROXY', '')},{env.get('no_proxy', '')}".split(",")
    known = [each.strip().strip("[]") for each in named]
    kept = [*filter(_is_host, known), *OWN_ADDRESSES]
    env["NO_PROXY"] = env["no_proxy"] = ",".join(dict.fromkeys(kept))


def _is_host(text: str) -> bool:
    """Return whether httpx takes an entry of NO_PROXY: no network of IPv6 addresses."""
    if text.count(":") < 2:
        return bool(text)
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _repair_user(env: MutableMapping[str, str]) -> None:
    """Give a process without a name or a home, as containers run it, both."""
    try:
        getpass.getuser()
    except (KeyError, OSError, ImportError):  # a number that no list of users names
        env["USER"] = "user"
    home = Path(env.get("HOME") or "/nonexistent")
    if not os.access(home, os.W_OK | os.X_OK):
        cache = _home(env, ROOT) / "cache"
        env.setdefault("HOME", str(cache))
        if "XDG_CACHE_HOME" not in env:
            env.setdefault("HF_HOME", str(cache / "huggingface"))
        env.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
        env.setdefault("NUMBA_CACHE_DIR", str(cache / "numba"))


def prepare_environment(*, is_quiet: bool = False) -> None:
    """Set what Gradio and the Hub's libraries read at import, unless the host did.

    Call it before ``gradio`` is imported. Visitors' files are apart from those of other
    programs, so that they can be deleted; no telemetry leaves; a missing network is
    noticed in seconds; Gradio's own event statistics, costly per event, are kept rare;
    threads that compute together wait for one another asleep, not spinning: where
    visitors and a run share a processor, spinning took nine tenths of it.

    Args:
        is_quiet: transformers and the Hub's client show no bars, and errors alone.

    Raises:
        KnownError: as ``repair_environment``.
    """
    repair_environment()
    quiet = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    for name, value in {
        **(quiet if is_quiet else {}),
        "GRADIO_TEMP_DIR": str(from_environment().uploads_dir),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000",
        "HF_HUB_ETAG_TIMEOUT": "5",
        "HF_HUB_DOWNLOAD_TIMEOUT": "10",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "GOMP_SPINCOUNT": "1000",  # some 50 us, then they sleep
    }.items():
        os.environ.setdefault(name, value)
    if "MALLOC_ARENA_MAX" not in os.environ:
        process.limit_arenas()


def server_port() -> str | None:
    """Return the port that the host chose; None where any free one will do."""
    return os.environ.get("GRADIO_SERVER_PORT")


def child_environment() -> dict[str, str]:
    """Return the environment of a training child, by allow-list."""
    return {name: os.environ[name] for name in CHILD_VARIABLES if name in os.environ}
