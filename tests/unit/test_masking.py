import librosa
import numpy as np
import pytest

from audio.clip import Clip
from audio.hubert import masking
from audio.hubert.masking import Clusters
from audio.hubert.preprocessing import n_frames
from audio.synth.examples import example
from errors import KnownError
from support.signals import chord, noise, silence, sweep, tone


def notes(*frequencies_hz, each_s=0.5):
    """One tone after the other, at the model's rate."""
    tones = [tone(hz, each_s, 16_000).samples for hz in frequencies_hz]
    return Clip(np.concatenate(tones), 16_000)


def test_features_are_librosa_s_by_the_frames_of_the_model():
    clip = noise(duration_s=2.0, sampling_rate=16_000)
    power = librosa.feature.melspectrogram(
        y=clip.samples, sr=16_000, n_fft=400, hop_length=320, center=False, n_mels=40
    )
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(power, ref=np.max), n_mfcc=13)
    mfcc *= masking.lifter()[:, None]
    changes = [librosa.feature.delta(mfcc, order=order) for order in (1, 2)]
    ours = masking.features(clip)
    assert ours.shape == (n_frames(clip.n_samples), 39)
    assert np.abs(ours - np.vstack([mfcc, *changes]).T).max() < 0.05


def test_lifter_is_kaldi_s():
    # "compute-mfcc-feats --cepstral-lifter=22": 1 + 11 sin(pi i / 22).
    weights = masking.lifter()
    assert weights[[0, 1, 11]] == pytest.approx([1.0, 2.5655, 12.0], abs=1e-3)


def explained(features, labels):
    """Share of a feature's variance that lies between the clusters."""
    means = [features[labels == label].mean() for label in np.unique(labels)]
    counts = np.unique(labels, return_counts=True)[1]
    middle = np.average(means, weights=counts)
    return np.average((means - middle) ** 2, weights=counts) / features.var()


def test_clusters_tell_the_shape_of_the_spectrum_and_not_mostly_the_level():
    clip = example("blues_song")
    labels, found = masking.clusters(clip, n_clusters=8).labels, masking.features(clip)
    of_level = explained(found[:, 0], labels)
    of_shape = np.mean([explained(found[:, i], labels) for i in range(2, 13)])
    assert of_level < 0.6
    assert of_shape > 0.35


def test_same_as_before_is_right_in_a_sweep_and_in_songs_about_one_time_in_three():
    def as_before(id):
        found = masking.clusters(example(id), n_clusters=8)
        masks = [masking.hidden(len(found.labels), draw) for draw in range(1, 11)]
        return np.mean([masking.baselines(found, mask).as_before for mask in masks])

    assert as_before("sweep") > 0.7
    songs = [as_before(f"{name}_song") for name in ("blues", "disco", "classical")]
    assert np.mean(songs) == pytest.approx(1 / 3, abs=0.1)
    assert all(0.15 < share < 0.5 for share in songs)


def test_notes_that_come_back_are_the_same_cluster_and_higher_ones_are_brighter():
    found = masking.clusters(notes(400.0, 3000.0, 400.0), n_clusters=16)
    first, second, third = (
        np.bincount(found.labels[at : at + 15]).argmax() for at in (5, 30, 55)
    )
    assert first == third < second
    assert found.labels.max() < found.n_clusters <= 16


def test_rising_sweep_climbs_from_the_darkest_cluster_to_the_brightest():
    found = masking.clusters(sweep(300.0, 7500.0), n_clusters=8)
    quarters = [np.median(part) for part in np.array_split(found.labels, 4)]
    assert quarters == sorted(quarters)
    assert quarters[-1] == found.n_clusters - 1 > quarters[0]


def test_same_clip_is_always_sorted_in_the_same_way():
    one, other = (masking.clusters(noise(), n_clusters=8).labels for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("clip", [silence(), Clip([], 8000), Clip([0.5], 8000)])
def test_nothing_has_no_clusters(clip):
    found = masking.clusters(clip)
    assert (len(found.labels), found.n_clusters) == (0, 0)
    assert np.isnan(masking.baselines(found, masking.hidden(0)).commonest)


def test_one_frame_is_a_cluster_of_its_own():
    found = masking.clusters(tone(duration_s=0.025, sampling_rate=16_000))
    assert (found.labels.tolist(), found.n_clusters) == ([0], 1)


@pytest.mark.parametrize("n", [1, 65, float("nan")])
def test_clusters_out_of_range_are_refused(n):
    with pytest.raises(KnownError, match="out_of_range"):
        masking.clusters(chord(), n_clusters=n)


def test_more_than_half_is_hidden_in_spans_of_ten_frames():
    is_hidden = masking.hidden(100_000)
    edges = np.flatnonzero(np.diff(np.r_[0, is_hidden, 0]))
    assert (edges[1::2] - edges[::2])[:-1].min() == masking.SPAN
    # 0.92 ** 10: nothing begins in the ten frames up to one that is seen
    assert is_hidden.mean() == pytest.approx(1 - 0.92**10, abs=0.01)
    assert not np.array_equal(is_hidden, masking.hidden(100_000, draw=1))


def test_baselines_count_what_would_be_guessed_right():
    found = Clusters(np.array([2, 0, 0, 1, 1, 0, 2]), 3)
    is_hidden = np.array([True, False, False, False, True, True, True])
    right = masking.baselines(found, is_hidden)  # seen: 0 0 1; hidden: 2, 1 0 2
    assert right.commonest == pytest.approx(1 / 4)
    assert right.as_before == pytest.approx(1 / 4)
    assert np.isnan(masking.baselines(found, np.zeros(7, bool)).as_before)


def test_hidden_frames_are_silent_and_the_others_as_they_were():
    clip = notes(440.0, each_s=0.4)
    is_hidden = np.zeros(n_frames(clip.n_samples), bool)
    is_hidden[5:15] = True
    heard = masking.silenced(clip, is_hidden)
    assert heard.n_samples == clip.n_samples
    assert not heard.samples[5 * 320 : 15 * 320].any()
    for part in (slice(0, 5 * 320 - 40), slice(15 * 320 + 40, None)):
        assert np.allclose(heard.samples[part], clip.samples[part], atol=1e-6)
