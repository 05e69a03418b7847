"""What the bundled model finds alike, on composed songs whose answer is known."""

import librosa
import numpy as np
import pytest

from audio.clip import Clip
from audio.decode.archive import Song
from audio.synth import composer
from classifier import similarity
from classifier.batch import rows
from classifier.predict import predict
from classifier.queue import InferenceQueue
from settings import Settings
from support import tiny
from support.files import write_audio

pytestmark = pytest.mark.minute

STYLES = ("blues", "classical", "hiphop", "jazz", "metal", "reggae")
N_EACH = 7


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    runs_dir = tmp_path_factory.mktemp("runs")
    return tiny.loaded(Settings().bundled_model_dir, runs_dir, precision="fp32")


def embedding(clip, model):
    return predict(clip, model, with_embedding=True).embedding


@pytest.fixture(scope="module")
def songs():
    return [(s, composer.compose(s, seed)) for s in STYLES for seed in range(N_EACH)]


@pytest.fixture(scope="module")
def vectors(songs, model):
    return np.stack([embedding(clip, model) for _, clip in songs])


def test_transposed_copy_is_nearest_to_its_original(songs, vectors, model):
    """Two semitones up; of the styles whose songs are not nearly equal to begin with."""
    scale = similarity.Scale.of(vectors)
    standard = scale.standardised(vectors)
    places = []
    for number in (0, 4, 20, 30, 36, 41):
        clip = songs[number][1]
        rate = clip.sampling_rate
        up = librosa.effects.pitch_shift(clip.samples, sr=rate, n_steps=2)
        copy = scale.standardised(embedding(Clip(up, rate), model))
        alike = similarity.similarities(copy, standard)
        places.append(int((alike > alike[number]).sum()))
    assert places.count(0) >= len(places) - 1
    assert max(places) < 3


def test_mp3_is_found_as_a_copy_and_few_others_are(songs, vectors, model, tmp_path):
    number = 4
    path = write_audio(tmp_path / "copy.mp3", songs[number][1])
    (row,) = rows([Song("copy", path)], model, InferenceQueue(), with_embedding=True)
    every = np.concatenate([vectors, row.prediction.embedding[None]])
    standard = similarity.Scale.of(every).standardised(every)
    found = similarity.copies(similarity.neighbours(standard))
    assert (number, len(songs)) in [(one, other) for one, other, _ in found]
    assert len(found) <= 3


@pytest.mark.parametrize("number", [2, 16, 30])
def test_wrong_label_is_found_and_few_others_are(songs, vectors, number):
    labels = [style for style, _ in songs]
    right = labels[number]
    labels[number] = "reggae"
    standard = similarity.Scale.of(vectors).standardised(vectors)
    votes = similarity.votes(similarity.neighbours(standard), labels)
    found = similarity.doubtful(votes, labels)
    assert (number, right) in [(vote.song, vote.label) for vote in found]
    assert len(found) <= 4


def test_embedding_of_a_song_is_the_same_by_every_way(songs, vectors, model, tmp_path):
    clip = songs[0][1]
    path = write_audio(tmp_path / "song.wav", clip)
    listed = [Song("read", path), Song("made", path, read=lambda: clip)]
    found = list(rows(listed, model, InferenceQueue(), with_embedding=True))
    for row in found:
        near = similarity.directions(row.prediction.embedding[None])[0]
        assert near @ similarity.directions(vectors[:1])[0] == pytest.approx(
            1, abs=1e-3
        )
