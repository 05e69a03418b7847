"""Variables, homes and file systems as companies, clusters and containers have them."""

import errno
import fcntl
import getpass
import os
import time
from pathlib import Path

import httpx
import pytest

import settings
from errors import KnownError
from trainer.config import RunConfig
from trainer.process import jobs
from trainer.run import locks


def repaired(**variables):
    env = {"HOME": "/", **variables}
    settings.repair_environment(env)
    return env


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, []),
        ({"NO_PROXY": ".corp.example"}, [".corp.example"]),
        ({"no_proxy": ".corp, 10.0.0.0/8"}, [".corp", "10.0.0.0/8"]),
        ({"NO_PROXY": "a.example", "no_proxy": "b.example"}, ["a.example", "b.example"]),
        ({"NO_PROXY": "localhost,127.0.0.0/8,::1/128,fe80::/10,[::1]"},
         ["localhost", "127.0.0.0/8", "::1"]),
        ({"NO_PROXY": "*"}, ["*"]),
    ],
)  # fmt: skip
def test_own_address_is_asked_of_no_proxy(given, kept, monkeypatch):
    env = repaired(**given)
    assert env["NO_PROXY"] == env["no_proxy"]
    assert set(env["NO_PROXY"].split(",")) == {*kept, *settings.OWN_ADDRESSES}
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, env[name])
    httpx.Client().close()  # which takes every entry


def test_socks_as_gnome_writes_it_is_one_that_httpx_knows(monkeypatch):
    monkeypatch.setattr(settings.importlib.util, "find_spec", lambda name: name)
    env = repaired(all_proxy="socks://127.0.0.1:7890/", ALL_PROXY=" ")
    assert env["all_proxy"] == "socks5://127.0.0.1:7890/"
    assert "ALL_PROXY" not in env


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"ALL_PROXY": "socks4://127.0.0.1:1"}, "proxy_unknown"),
        ({"https_proxy": "ftp://proxy"}, "proxy_unknown"),
        ({"all_proxy": "socks5h://user:word@127.0.0.1:1"}, "proxy_needs_socks"),
        ({"GENRESCOPE_READERS": "two"}, "not_a_number"),
        ({"GENRESCOPE_READERS": "-1"}, "not_a_number"),
        ({"GRADIO_SERVER_PORT": "http"}, "not_a_number"),
        ({"HF_HUB_ETAG_TIMEOUT": "5s"}, "not_a_number"),
        ({"GENRESCOPE_SECRET": "guessable"}, "short_secret"),
    ],
)
def test_wrong_variable_is_a_sentence_that_names_it(variables, code, monkeypatch):
    import i18n

    monkeypatch.setattr(settings.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(KnownError) as caught:
        repaired(**variables)
    assert caught.value.code == code
    (name,), (value,) = variables.keys(), variables.values()
    sentence = i18n.sentence(caught.value)
    assert name in sentence
    assert "word" not in sentence  # of a proxy's user
    assert value not in sentence or code == "not_a_number"


def test_empty_variable_counts_as_none():
    names = ("GENRESCOPE_HOME", "GENRESCOPE_READERS", "GRADIO_SERVER_PORT",
             "GRADIO_SERVER_NAME", "HF_HOME", "HF_HUB_ETAG_TIMEOUT", "WORLD_SIZE",
             "HTTP_PROXY", "ALL_PROXY")  # fmt: skip
    env = repaired(**dict.fromkeys(names, ""))
    assert not set(names) & env.keys()
    found = settings.from_environment(dict.fromkeys(names, ""))
    assert (found.n_readers, found.is_launched) == (2, False)
    assert found.runs_dir == settings.ROOT / "runs"


@pytest.mark.parametrize("name", ["HUB_MODEL", "RECORDINGS", "SOURCE"])
def test_empty_variables_that_mean_none_stay_empty(name):
    assert repaired(**{f"GENRESCOPE_{name}": ""})[f"GENRESCOPE_{name}"] == ""


@pytest.mark.parametrize(
    ("variables", "is_launched"),
    [
        ({"WORLD_SIZE": "2"}, False),
        ({"WORLD_SIZE": "2", "RANK": "0"}, False),
        ({"WORLD_SIZE": "two", "RANK": "0", "MASTER_ADDR": "x"}, False),
        ({"WORLD_SIZE": "1", "RANK": "0", "MASTER_ADDR": "x"}, False),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "x"}, True),
    ],
)
def test_number_of_processes_counts_from_a_launcher_alone(variables, is_launched):
    assert settings.from_environment(variables).is_launched is is_launched
    assert ("WORLD_SIZE" in repaired(**variables)) is is_launched


def test_user_without_name_or_home_gets_both_and_caches_of_his_own(
    tmp_path, monkeypatch
):
    def nameless():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nameless)
    env = {"GENRESCOPE_HOME": str(tmp_path)}
    settings.repair_environment(env)
    assert env["USER"]
    for name in ("HOME", "HF_HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR"):
        assert Path(env[name]).is_relative_to(tmp_path / "cache")
    usual = {"HOME": str(tmp_path)}
    settings.repair_environment(usual)
    assert "HF_HOME" not in usual


def test_home_that_cannot_be_written_is_a_sentence_at_the_start(tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(KnownError, match="home_not_writable"):
        settings.ensure_writable(tmp_path / "home" / "runs")
    settings.ensure_writable(tmp_path / "new" / "runs")
    assert list((tmp_path / "new" / "runs").iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF])
def test_file_system_without_locks_is_a_sentence_and_starts_no_run(
    tmp_path, monkeypatch, number
):
    def no_locks(descriptor, how):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(KnownError, match="cannot_lock"):
        jobs.start(RunConfig(), tmp_path / "runs", cache_dir=tmp_path / "cache", env={})
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [".queue"]
    assert not locks.is_held(tmp_path / "runs" / ".queue")  # so pages go on


def test_age_of_a_stop_is_counted_by_the_clock_that_dated_it(tmp_path, monkeypatch):
    """A clock of ours five minutes ahead of the file server's hurries nobody."""
    stop = tmp_path / "stop"
    stop.touch()
    usual = time.time
    monkeypatch.setattr(time, "time", lambda: usual() + 300)
    assert 0 <= jobs._age_s(stop) < 60
    os.utime(stop, (usual() - 200, usual() - 200))
    assert 199 < jobs._age_s(stop) < 260
