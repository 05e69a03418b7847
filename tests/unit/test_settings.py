"""Where the app runs, as the environment says."""

import platform
import subprocess
import sys

import pytest

import process
import settings
from settings import Host
from support.places import ROOT

SPACE = {"SYSTEM": "spaces", "SPACE_ID": "studio/genrescope"}
LOGIN = dict.fromkeys(settings.OAUTH_VARIABLES, "x")


def host(tmp_path, **environment):
    return settings.host_of(environment, tmp_path / "data")


def test_computer_of_one_s_own_is_local_and_keeps_its_runs(tmp_path):
    assert host(tmp_path) == Host("local", "", is_lasting=True, has_login=False)
    assert not Host().is_space


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({}, "cpu"),
        ({"ACCELERATOR": "none"}, "cpu"),
        ({"ACCELERATOR": "t4-small"}, "gpu"),
        ({"SPACES_ZERO_GPU": "true"}, "zero"),
        ({"SPACES_ZERO_GPU": "1", "ACCELERATOR": "zero-a10g"}, "zero"),
        ({"SPACES_ZERO_GPU": "false", "ACCELERATOR": "l4x1"}, "gpu"),
    ],
)
def test_hardware_of_a_space_is_known(tmp_path, variables, kind):
    found = host(tmp_path, **SPACE, **variables)
    assert (found.kind, found.is_space, found.owner) == (kind, True, "studio")


def test_space_with_storage_writes_there(tmp_path):
    (tmp_path / "data").mkdir()
    found = settings.from_environment(SPACE, tmp_path / "data")
    assert found.host.is_lasting
    assert found.runs_dir == tmp_path / "data" / "runs"
    assert found.songs_dir == tmp_path / "data" / "songs"
    assert found.cache_dir == settings.ROOT / "cache"  # never behind a network


def test_space_without_storage_forgets(tmp_path):
    found = settings.from_environment(SPACE, tmp_path / "data")
    assert not found.host.is_lasting
    assert found.runs_dir == settings.ROOT / "runs"


def test_storage_of_a_computer_that_is_no_space_is_left_alone(tmp_path):
    assert settings.from_environment({}, tmp_path).runs_dir == settings.ROOT / "runs"


def test_sign_in_needs_all_that_a_space_sets_for_it(tmp_path):
    assert host(tmp_path, **SPACE, **LOGIN).has_login
    for name in LOGIN:
        assert not host(tmp_path, **SPACE, **(LOGIN | {name: ""})).has_login
    assert not host(tmp_path, **LOGIN).has_login


@pytest.mark.parametrize(("secret", "kept"), [("x" * 16, "x" * 16), ("x" * 15, "")])
def test_secret_that_can_be_guessed_is_none(secret, kept):
    assert settings.from_environment({"GENRESCOPE_SECRET": secret}).secret == kept


def test_training_child_gets_no_secret_and_no_token(monkeypatch):
    for name in ("GENRESCOPE_SECRET", "HF_TOKEN", "OAUTH_CLIENT_SECRET"):
        monkeypatch.setenv(name, "planted")
    assert "planted" not in settings.child_environment().values()


@pytest.mark.parametrize(
    "name",
    [
        "XDG_CACHE_HOME",
        "CUDA_DEVICE_ORDER",
        "ALL_PROXY",
        "all_proxy",
        "SSL_CERT_DIR",
        "PYTORCH_CUDA_ALLOC_CONF",
        "HIP_VISIBLE_DEVICES",
        "ROCR_VISIBLE_DEVICES",
        "HSA_OVERRIDE_GFX_VERSION",
        "HF_HUB_DISABLE_XET",
        "HF_HUB_DOWNLOAD_TIMEOUT",
        "TRANSFORMERS_OFFLINE",
        "HF_DATASETS_CACHE",
    ],
)
def test_child_finds_what_the_server_finds(monkeypatch, name):
    monkeypatch.setenv(name, "planted")
    assert settings.child_environment()[name] == "planted"


def test_no_variable_of_the_child_can_hold_a_token():
    names = settings.CHILD_VARIABLES
    assert len(names) == len(set(names))
    words = {word for name in names for word in name.upper().split("_")}
    assert not words & {"TOKEN", "SECRET", "PASSWORD", "KEY"}


def test_child_that_may_see_no_gpu_sees_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert settings.child_environment()["CUDA_VISIBLE_DEVICES"] == ""


COUNT_POOLS = """
import ctypes, pathlib, sys, threading
import settings
settings.prepare_environment()
all_here = threading.Barrier(16)
def take():
    kept = bytes(100_000)
    all_here.wait()
threads = [threading.Thread(target=take) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(library.fopen(sys.argv[1].encode(), b"w"))
library.malloc_info(0, file)
library.fclose(file)
print(pathlib.Path(sys.argv[1]).read_text().count("<heap nr="))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc keeps pools")
def test_threads_share_two_pools_of_memory(tmp_path):
    command = [sys.executable, "-c", COUNT_POOLS, str(tmp_path / "pools")]
    found = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert int(found.stdout) == process.N_ARENAS
