"""Parts of a file are decoded where they are asked for, and equal those of the whole."""

import numpy as np
import pytest

from audio import decode
from audio.clip import Clip
from audio.decode import seek
from audio.decode.archive import Song
from classifier import batch
from classifier.predict import predict
from classifier.queue import InferenceQueue
from support.files import stereo, write_audio
from support.signals import silence, sweep

RATE = 22_050


def music(duration_s=20.0):
    """Noise under a sweep: no part is like another."""
    rng = np.random.default_rng(0)
    tone = sweep(duration_s=duration_s, sampling_rate=RATE).samples
    return Clip(0.5 * tone + 0.1 * rng.uniform(-1, 1, len(tone)), RATE)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a", ".mp3"])
def test_parts_are_those_of_the_whole_file(tmp_path, suffix):
    path = write_audio(tmp_path / f"song{suffix}", music())
    whole = decode.load(path).clip
    with seek.sought(path, "song", decode.USUAL) as sound:
        assert sound.sampling_rate == whole.sampling_rate
        assert sound.n_samples == pytest.approx(whole.n_samples, abs=2400)
        for start_s, stop_s in ((12.0, 15.0), (0.5, 1.0), (7.3, 7.8)):
            found = sound.slice(start_s, stop_s).samples
            expected = whole.slice(start_s, stop_s).samples
            assert len(found) == len(expected)
            assert np.abs(found - expected).max() < 1e-6
        with pytest.raises(seek.UnsoughtError):
            sound.part(0, RATE)


def test_channels_that_cancel_and_unknown_lengths_are_decoded_whole(tmp_path):
    clip = music(4.0)
    turned = Clip(-clip.samples, RATE)
    path = write_audio(tmp_path / "song.wav", stereo(clip, turned), RATE)
    with (
        pytest.raises(seek.UnsoughtError),
        seek.sought(path, "song", decode.USUAL) as sound,
    ):
        sound.part(RATE, 2 * RATE)
    bare = write_audio(tmp_path / "song.aac", clip)
    with (
        pytest.raises(seek.UnsoughtError),
        seek.sought(bare, "song", decode.USUAL),
    ):
        pytest.fail("its length is a guess")


def rows_of(paths, model, effort="quick"):
    songs = [Song(path.name, path) for path in paths]
    return list(batch.rows(songs, model, InferenceQueue(), effort=effort))


def test_quick_answers_of_many_songs_decode_their_windows_alone(
    tmp_path, model, monkeypatch
):
    paths = [write_audio(tmp_path / f"{n}.flac", music(90.0)) for n in range(2)]
    with decode.spooled(paths[0]) as (sound, _):
        expected = predict(sound, model, effort="quick")
    monkeypatch.setattr(batch, "spooled", lambda *_, **__: pytest.fail("decoded whole"))
    for row in rows_of(paths, model):
        assert row.error is None
        assert row.duration_s == pytest.approx(90.0, abs=0.1)
        ours = dict(row.prediction.genres)
        for genre, share in expected.genres:
            assert ours[genre] == pytest.approx(share, abs=1e-3)


def test_songs_that_cannot_be_sought_get_their_answer_or_their_error(tmp_path, model):
    quiet = np.concatenate([music(6.0).samples, silence(6.0, RATE).samples])
    paths = [
        write_audio(tmp_path / "bare.aac", music()),
        write_audio(tmp_path / "half.wav", Clip(quiet, RATE)),
        write_audio(tmp_path / "silent.wav", silence(4.0)),
        tmp_path / "gone.wav",
    ]
    found = rows_of(paths, model)
    codes = [row.error.code if row.error else None for row in found]
    assert codes == [None, None, "silent", "unreadable"]
