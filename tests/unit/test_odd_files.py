"""Hundreds of odd files: each is a clip or a sentence, in 10 s and 1 GB, or it fails.

The readers hold those bounds, and say ``decoder_gave_up`` of a file that needs more or
that crashes a decoder; none here may.
"""

import json

import numpy as np
import pytest

import i18n
from audio import decode
from audio.decode.pool import Bounds, DecoderPool
from errors import KnownError
from support import odd_files, odd_headers

pytestmark = pytest.mark.minute

GROUPS = {
    made.__name__: made
    for made in (
        odd_files.cut_off, odd_files.flipped, odd_files.spoilt_inside,
        odd_files.misnamed, odd_headers.lying_wavs, odd_headers.lying_chunks,
        odd_headers.odd_floats, odd_headers.lying_flacs, odd_headers.lying_mp3s,
        odd_headers.lying_atoms, odd_headers.lying_oggs, odd_files.other_kinds,
        odd_files.not_sound, odd_files.pointing_elsewhere, odd_files.tagged,
        odd_files.bombs,
    )
}  # fmt: skip
CODES = """not_audio empty_file too_short broken_audio not_finite odd_sampling_rate
    """.split()
N_FILES = 900


@pytest.fixture(scope="module")
def readers():
    # Wall time is wide: a busy machine is no reason. Processor time is what counts.
    readers = DecoderPool({}, 1, Bounds(cpu_s=10, wall_s=120.0, memory_bytes=10**9))
    yield readers
    readers.close()


@pytest.fixture(scope="module")
def counts():
    return {}


def outcome(path, name, readers):
    """The code of the refusal, or "clip"."""
    try:
        decoded = decode.load(path, name=name, limits=decode.Limits(decoder=readers))
    except KnownError as error:
        for language in i18n.LANGUAGES:
            assert i18n.sentence(error, language)
        return error.code
    samples = decoded.clip.samples
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1
    assert decoded.clip.duration_s <= decode.USUAL.max_duration_s
    json.dumps(vars(decoded.facts))
    return "clip"


@pytest.mark.parametrize("group", GROUPS)
def test_odd_file_gives_a_clip_or_a_sentence(tmp_path, readers, counts, group):
    path, odd = tmp_path / "upload", {}
    for name, content in GROUPS[group]():
        path.write_bytes(content)
        code = outcome(path, name, readers)
        counts[group, name] = code
        if code not in ("clip", *CODES):
            odd[name] = code
    assert not odd


def test_odd_files_are_many_and_of_every_outcome(counts):
    if {group for group, _ in counts} != set(GROUPS):
        pytest.skip("only some groups were read")
    assert len(counts) >= N_FILES
    assert set(counts.values()) == {"clip", *CODES}


def test_nothing_that_points_elsewhere_is_followed(counts):
    codes = {n: code for (g, n), code in counts.items() if g == "pointing_elsewhere"}
    if not codes:
        pytest.skip("that group was not read")
    # What is left of a film whose reference leads away is the sound inside it.
    assert {n for n, c in codes.items() if c != "not_audio"} <= {
        name for name in codes if name.endswith(".mov")
    }
