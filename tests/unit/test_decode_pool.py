"""Processes that decode for the server: what happens to them does not happen to it."""

import os
import shutil
import threading

import numpy as np
import pytest

import i18n
from audio import decode
from audio.decode import spooled
from audio.decode.pool import ROOT, Bounds, DecoderPool
from errors import KnownError
from support.files import stereo, write_audio, write_wav
from support.kernel import needs_landlock
from support.signals import noise, tone

# What a file of a certain name does to the decoder that meets it.
MISHAPS = """
import os, signal, time
from audio import decode

def crash(_):
    os.kill(os.getpid(), signal.SIGSEGV)

def hang(_):
    while True:
        pass

def sleep(_):
    time.sleep(1000)

def grow(_):
    kept = []
    while True:
        kept.append(bytearray(10**8))

def babble(_):
    os.write(3 if os.path.exists("/proc/self/fd/3") else 1, b"hello\\n")
    os._exit(0)

def write(path):
    (path.parent / "written").write_bytes(b"x")

def peek(path):  # tell which files can be read, which folders listed
    from errors import KnownError
    seen = []
    for other in (path, path.parent.parent / "secret", "/etc/passwd", "/etc/hostname"):
        try:
            open(other, "rb").close()
            seen.append(os.path.basename(other))
        except PermissionError:
            pass
    for folder in (path.parent, path.parent.parent):
        try:
            os.listdir(folder)
            seen.append("a list")
        except PermissionError:
            pass
    raise KnownError("unreadable", name=repr(seen))

def tell(_):
    from errors import KnownError
    raise KnownError("unreadable", name=repr(sorted(os.environ)))

load = decode.load

def mishap(path, **others):
    if what := globals().get(path.stem):
        what(path)
    return load(path, **others)

decode.load = mishap
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mishaps")
    (folder / "sitecustomize.py").write_text(MISHAPS)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


@pytest.fixture
def readers(environment):
    bounds = Bounds(cpu_s=1, wall_s=5.0, memory_bytes=10**9)
    readers = DecoderPool(environment, 1, bounds)
    yield readers
    readers.close()


def limits(readers, **others):
    return decode.Limits(decoder=readers, **others)


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a", ".webm"])
def test_sound_is_the_same_as_decoded_here(tmp_path, readers, suffix):
    sung = stereo(noise(sampling_rate=48_000), tone(sampling_rate=48_000))
    path = write_audio(tmp_path / f"歌{suffix}", sung, 48_000)
    here, there = decode.load(path), decode.load(path, limits=limits(readers))
    assert there.facts == here.facts
    assert there.clip.name == here.clip.name == f"歌{suffix}"
    assert there.clip.sampling_rate == here.clip.sampling_rate
    np.testing.assert_array_equal(there.clip.samples, here.clip.samples)
    assert not there.clip.samples.flags.writeable


def test_channels_are_the_same_as_decoded_here(tmp_path, readers):
    path = write_audio(tmp_path / "a.flac", stereo(noise(), tone()), 22_050)
    here = np.concatenate(list(decode.channel_blocks(path)))
    there = np.concatenate(list(decode.channel_blocks(path, limits(readers))))
    np.testing.assert_array_equal(there, here)


def test_channels_may_be_left_in_the_middle(tmp_path, readers):
    path = write_audio(tmp_path / "a.flac", noise(duration_s=5.0))
    blocks = decode.channel_blocks(path, limits(readers))
    assert len(next(blocks))
    blocks.close()
    assert decode.load(path, limits=limits(readers)).clip.duration_s == 5.0


def test_sound_on_disk_is_the_same_as_decoded_here(tmp_path, readers):
    path = write_audio(tmp_path / "a.mp3", noise(duration_s=20.0))  # of several parts
    here = decode.load(path).clip
    with spooled(path, limits=limits(readers)) as (there, cut_at_s):
        assert (there.name, there.sampling_rate, cut_at_s) == ("a.mp3", 22_050, None)
        np.testing.assert_array_equal(there.part(0, there.n_samples), here.samples)
    crashing = write_audio(tmp_path / "crash.wav", tone())
    with (
        pytest.raises(KnownError, match="decoder_gave_up"),
        spooled(crashing, limits=limits(readers)),
    ):
        pass


def test_refusals_come_through_with_their_details(tmp_path, readers):
    path = write_wav(tmp_path / "a.wav", tone().samples[:100])
    for given in (limits(readers), decode.USUAL):
        with pytest.raises(KnownError, match="too_short") as caught:
            decode.load(path, name="note.wav", limits=given)
        assert caught.value.details["name"] == "note.wav"
        assert caught.value.details["duration_s"] == pytest.approx(100 / 22_050)


def test_limits_hold_there_too(tmp_path, readers):
    path = write_audio(tmp_path / "a.wav", tone(duration_s=3.0))
    cut = decode.load(path, limits=limits(readers, max_duration_s=1.5))
    assert (cut.cut_at_s, cut.clip.duration_s) == (1.5, 1.5)
    with pytest.raises(KnownError, match="too_large"):
        decode.load(path, limits=limits(readers, max_bytes=100))


@pytest.mark.minute
@pytest.mark.parametrize("mishap", ["crash", "hang", "sleep", "grow", "babble"])
def test_mishap_of_a_decoder_is_a_sentence_and_the_next_file_is_read(
    tmp_path, readers, mishap
):
    bad = write_audio(tmp_path / f"{mishap}.wav", tone())
    good = write_audio(tmp_path / "good.wav", tone())
    assert decode.load(good, limits=limits(readers))
    with pytest.raises(KnownError, match="decoder_gave_up") as caught:
        decode.load(bad, limits=limits(readers))
    for language in i18n.LANGUAGES:
        assert f"{mishap}.wav" in i18n.sentence(caught.value, language)
    assert decode.load(good, limits=limits(readers)).clip.n_samples == 22_050


def test_decoder_sees_no_variable_that_it_was_not_given(
    tmp_path, environment, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_planted")
    path = write_audio(tmp_path / "tell.wav", tone())
    readers = DecoderPool(environment)
    with pytest.raises(KnownError, match="unreadable") as caught:
        decode.load(path, limits=limits(readers))
    told = caught.value.details["name"]
    assert "OPENBLAS" in told
    assert "HF_TOKEN" not in told
    readers.close()


def test_decoder_cannot_write_a_file(tmp_path, environment):
    path = write_audio(tmp_path / "write.wav", tone())
    readers = DecoderPool(environment)
    with pytest.raises(KnownError, match="decoder_gave_up"):
        decode.load(path, limits=limits(readers))
    written = tmp_path / "written"
    assert not written.exists() or not written.stat().st_size
    readers.close()


@pytest.fixture
def shut_in(tmp_path, environment):
    """Readers of one folder."""
    readers = DecoderPool(environment, 1, folders=[tmp_path / "uploads"])
    yield readers
    readers.close()


@needs_landlock
@pytest.mark.parametrize("folder", ["uploads", "elsewhere"])
def test_decoder_reads_what_it_is_given_and_lists_no_folder(tmp_path, shut_in, folder):
    (tmp_path / folder).mkdir()
    (tmp_path / "secret").write_text("a key")
    path = write_audio(tmp_path / folder / "peek.wav", tone())
    with pytest.raises(KnownError, match="unreadable") as caught:
        decode.load(path, limits=limits(shut_in))
    assert caught.value.details["name"] == "['peek.wav']"


@pytest.mark.parametrize("suffix", [".mp3", ".webm"])
def test_sound_is_the_same_where_nothing_else_can_be_read(tmp_path, shut_in, suffix):
    for folder in ("uploads", "elsewhere", "uploads"):
        (tmp_path / folder).mkdir(exist_ok=True)
        path = write_audio(
            tmp_path / folder / f"a{suffix}", noise(sampling_rate=48_000)
        )
        here = decode.load(path, limits=decode.Limits()).clip.samples
        there = decode.load(path, limits=limits(shut_in)).clip.samples
        np.testing.assert_array_equal(there, here)
    assert len(shut_in._idle) == 1


def test_folder_that_was_deleted_and_made_anew_can_be_read(tmp_path, shut_in):
    for _ in range(2):
        (tmp_path / "uploads").mkdir()
        path = write_audio(tmp_path / "uploads" / "a.wav", tone())
        assert decode.load(path, limits=limits(shut_in)).clip.n_samples
        shutil.rmtree(tmp_path / "uploads")


@pytest.mark.minute
def test_longest_sound_at_the_highest_rate_fits_into_the_memory(tmp_path, environment):
    path = write_wav(tmp_path / "a.wav", np.zeros(4, np.uint8), 192_000, size=2**31)
    with path.open("r+b") as file:
        file.truncate(601 * 192_000)  # zeros that take no room on a disk
    readers = DecoderPool(environment, 1, Bounds(wall_s=120.0))
    decoded = decode.load(path, limits=limits(readers, max_bytes=10**9))
    assert decoded.cut_at_s == decoded.clip.duration_s == 600.0
    readers.close()


def test_many_ask_and_few_decode(tmp_path, readers):
    path, heard = write_audio(tmp_path / "a.mp3", tone()), []

    def listen():
        heard.append(decode.load(path, limits=limits(readers)).clip.n_samples)

    threads = [threading.Thread(target=listen) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 6
    assert len(set(heard)) == 1
    assert len(readers._idle) == 1
