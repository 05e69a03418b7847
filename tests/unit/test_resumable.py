"""A large file arrives whole or goes on later; never damaged, never half."""

import fcntl
import hashlib
from pathlib import Path

import numpy as np
import pytest

from errors import KnownError
from hub import client
from support.model_hub import REVISION
from trainer.run.events import StopRequested

SET = "someone/songs"
CONTENT = np.random.default_rng(0).bytes(10_000)
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(data_hub):
    data_hub.sets[SET, "main"] = {"data/songs.tar": CONTENT}
    return data_hub


def fetched(hear=lambda n_bytes: None):
    (path,) = client.download(
        SET, ["data/songs.tar"], REVISION, kind="dataset", on_progress=hear
    )
    return path


def part_of(tmp_path):
    return tmp_path / f"hub/datasets--someone--songs/blobs/{CHECKSUM}.part"


def ranges(server):
    return [each[2] for each in server.asked if each[1].startswith("/storage/")]


def test_large_file_arrives_with_its_bytes_counted(server):
    heard = []
    path = fetched(heard.append)
    assert path.read_bytes() == CONTENT
    assert path.name == "songs.tar"
    assert heard == sorted(heard)
    assert heard[-1] == len(CONTENT)
    n_asked = len(server.asked)
    assert fetched() == path
    assert len(server.asked) == n_asked


def test_stopped_download_goes_on_where_it_was(server, tmp_path):
    def stop(n_bytes):
        if n_bytes > 4000:
            raise StopRequested

    with pytest.raises(StopRequested):
        fetched(stop)
    n_bytes = part_of(tmp_path).stat().st_size
    assert 0 < n_bytes < len(CONTENT)
    heard = []
    assert fetched(heard.append).read_bytes() == CONTENT
    assert ranges(server)[-1] == f"bytes={n_bytes}-"
    assert heard[0] > n_bytes
    assert not part_of(tmp_path).exists()


def test_download_goes_on_where_a_killed_process_left_it(server, tmp_path):
    part_of(tmp_path).parent.mkdir(parents=True)
    part_of(tmp_path).write_bytes(CONTENT[:7000])
    assert fetched().read_bytes() == CONTENT
    assert ranges(server) == ["bytes=7000-"]


def test_broken_connection_is_taken_up_again(server):
    server.n_before_loss = 3500
    assert fetched().read_bytes() == CONTENT
    assert len(ranges(server)) == 2


def test_address_that_expired_is_signed_anew_and_the_rest_fetched(server):
    server.n_before_loss, server.is_expiring = 3500, True
    assert fetched().read_bytes() == CONTENT
    begins = [each for each in ranges(server) if each]
    assert begins[-1] != "" and server.n_signed >= 2


def test_file_that_stays_forbidden_is_not_asked_for_for_ever(server):
    server.first_valid = 1000
    with pytest.raises(KnownError) as caught:
        fetched()
    assert caught.value.code == "hub_model_missing"
    assert server.n_signed <= 3


def test_damaged_file_is_refused_deleted_and_fetched_anew(server, tmp_path):
    server.lie = bytes(len(CONTENT))
    with pytest.raises(KnownError) as caught:
        fetched()
    assert caught.value.code == "hub_file_damaged"
    assert caught.value.details["file"] == "data/songs.tar"
    assert not part_of(tmp_path).exists()
    server.lie = None
    assert fetched().read_bytes() == CONTENT


def test_token_is_for_the_hub_alone(server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    fetched()
    by_place = {path.split("/")[1]: heard for _, path, _, heard in server.asked}
    assert by_place == {"datasets": "Bearer hf_nobody", "storage": ""}


def test_file_that_another_process_fetches_is_waited_for(server, tmp_path):
    part = part_of(tmp_path)
    part.parent.mkdir(parents=True)
    heard = []
    with part.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(CONTENT)
        other.flush()

        def finish(n_bytes):
            heard.append(n_bytes)
            part.rename(Path(str(part).removesuffix(".part")))

        assert fetched(finish).read_bytes() == CONTENT
    assert heard == [len(CONTENT)]
    assert ranges(server) == []


def test_small_file_is_left_to_the_client(server, monkeypatch):
    from hub import resumable

    monkeypatch.setattr(resumable, "LARGE_BYTES", len(CONTENT) + 1)
    heard = []
    assert fetched(heard.append).read_bytes() == CONTENT
    assert heard == []
