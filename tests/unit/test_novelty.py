import dataclasses

import numpy as np
import pytest
from safetensors.numpy import save_file

from audio.synth.composer import compose
from classifier.predict import predict
from classifier.verdict import judge
from errors import KnownError
from networks import checkpoint, forward, novelty
from networks.novelty import FILE, TENSORS
from networks.texture import N_TEXTURE
from networks.windows import Windows
from support import tiny
from support.signals import chord, noise, silence, tone
from support.speech import talk
from support.tiny import save_tiny_model

N = 12  # features


def planted(n_windows, seed=0, rank=3, far=0.0):
    """Features that vary in a plane of ``rank`` directions; ``far`` leaves it."""
    rng = np.random.default_rng(seed)
    plane = np.random.default_rng(99).standard_normal((rank, N))
    found = rng.standard_normal((n_windows, rank)) @ plane
    found += 0.1 * rng.standard_normal((n_windows, N))
    outside = np.linalg.svd(plane)[2][-1]
    return (found + far * outside).astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    return novelty.fit(planted(300), planted(200, seed=1))


def test_about_one_in_a_hundred_of_its_own_kind_is_beyond_one(fitted):
    far = fitted.distances(planted(5000, seed=2)) > 1
    assert 0.001 < far.mean() < 0.03


def test_what_leaves_the_plane_of_the_songs_is_far(fitted):
    usual_size = np.linalg.norm(planted(100), axis=1).mean()
    strange = planted(100, seed=3, far=3.0)
    assert np.linalg.norm(strange, axis=1).mean() < 2 * usual_size
    assert (fitted.distances(strange) > 1).all()


def test_distance_is_that_of_the_covariance_itself():
    own = planted(100, rank=5)
    found = novelty.fit(own)
    z = (own - own.mean(0)) / own.std(0)
    shrink = novelty.SHRINKAGE
    covariance = (1 - shrink) * z.T @ z / len(z) + shrink * np.eye(N)
    inverse = np.linalg.inv(covariance)
    expected = np.sqrt(np.einsum("ni,ij,nj->n", z, inverse, z))
    assert found.distances(own) * found.quantiles[1] == pytest.approx(
        expected, rel=0.02
    )


def test_units_of_the_features_do_not_matter(fitted):
    units = np.logspace(-1, 1, N)
    other = novelty.fit(planted(300) * units, planted(200, seed=1) * units)
    strange = planted(50, seed=3, far=1.0)
    assert other.distances(strange * units) == pytest.approx(
        fitted.distances(strange), rel=0.05
    )


def test_few_windows_of_many_features_are_enough_for_a_distance():
    rng = np.random.default_rng(0)
    own = rng.standard_normal((20, 200))
    found = novelty.fit(own, rng.standard_normal((10, 200)))
    assert np.isfinite(found.distances(own)).all()
    assert found.distances(own).max() <= 1
    assert found.distances(own + 20).min() > 1


@pytest.mark.parametrize(
    "features", [planted(3), np.full((50, N), np.nan), np.zeros((0, N))]
)
def test_nothing_is_fitted_on_too_few_or_broken_windows(features):
    assert novelty.fit(features) is None


def test_features_that_never_change_are_no_division_by_zero():
    own = planted(100)
    own[:, 0] = 7.0
    found = novelty.fit(own)
    assert np.isfinite(found.distances(own)).all()
    assert novelty.fit(np.ones((50, N))).distances(np.ones((2, N))).max() <= 1


def test_a_feature_beyond_every_measure_is_far(fitted):
    strange = planted(3)
    strange[0, 0], strange[1, 0], strange[2, 0] = np.nan, np.inf, 1e30
    assert (fitted.distances(strange) == novelty.MAX_DISTANCE).all()


def test_it_is_read_as_it_was_written(fitted, tmp_path):
    novelty.save(fitted, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    again = novelty.load(tmp_path, N)
    strange = planted(50, seed=3, far=0.5)
    assert again.distances(strange) == pytest.approx(
        fitted.distances(strange), rel=1e-4
    )


def tensors_of(fitted):
    return {name: np.array(getattr(fitted, name), np.float32) for name in TENSORS}


BREAKS = {
    "not a number": lambda t: t["mean"].__setitem__(0, np.nan),
    "infinite": lambda t: t["axes"].__setitem__((0, 0), np.inf),
    "no scale": lambda t: t["scale"].__setitem__(0, 0),
    "negative variance": lambda t: t["variances"].__setitem__(-1, -1),
    "no quantile": lambda t: t["quantiles"].__setitem__(1, 0),
    "a variance too few": lambda t: t.update(variances=t["variances"][:-1]),
    "axes of other features": lambda t: t.update(axes=t["axes"][:, :-1].copy()),
    "axes not orthonormal": lambda t: t.update(axes=2 * t["axes"]),
    "flat axes": lambda t: t.update(axes=t["axes"].ravel()),
    "mean is a number": lambda t: t.update(mean=np.float32([1.0])),
    "three quantiles": lambda t: t.update(quantiles=np.ones(3, np.float32)),
    "empty": lambda t: t.update({name: t[name][:0] for name in t}),
}


@pytest.mark.parametrize("spoil", BREAKS.values(), ids=BREAKS)
def test_a_broken_file_is_refused(fitted, tmp_path, spoil):
    tensors = tensors_of(fitted)
    spoil(tensors)
    save_file(tensors, tmp_path / FILE)
    with pytest.raises(ValueError):
        novelty.load(tmp_path)


def with_detector(fitted, weights, bias=0.0):
    return dataclasses.replace(
        fitted,
        detector_weights=np.array(weights, float),
        detector_bias=np.array([bias], float),
    )


def test_a_detector_finds_what_lies_among_the_songs(fitted):
    own, still = planted(300), np.ones((300, N))
    # Noise differs from the songs in nothing but how little it changes.
    weights = np.concatenate([np.zeros(N), -np.ones(N)])
    found = with_detector(fitted, weights, N / 2)
    assert (found.distances(own, 0.1 * still) > 1).all()
    assert found.distances(own, still) == pytest.approx(fitted.distances(own))
    assert found.distances(own) == pytest.approx(fitted.distances(own))


def test_a_detector_alone_says_two_at_most(fitted):
    sure = with_detector(fitted, np.zeros(2 * N), 1000.0)
    middle = planted(5).mean(0)[None]
    assert sure.distances(middle, middle) == pytest.approx(2)


def test_a_detector_is_read_as_it_was_written(fitted, tmp_path):
    written = with_detector(fitted, np.linspace(-1, 1, 2 * N), -2.0)
    novelty.save(written, tmp_path)
    again = novelty.load(tmp_path, N)
    songs, changes = planted(50, seed=3), abs(planted(50, seed=4))
    assert again.distances(songs, changes) == pytest.approx(
        written.distances(songs, changes), rel=1e-4
    )


def with_texture(fitted, weights=None, bias=0.0, **changes):
    """A detector that the features leave at its limit; the texture decides."""
    given = {
        "texture_mean": np.zeros(N_TEXTURE),
        "texture_scale": np.ones(N_TEXTURE),
        "texture_weights": np.zeros(N_TEXTURE) if weights is None else weights,
        "texture_bias": np.array([bias]),
    }
    detector = with_detector(fitted, np.zeros(2 * N))
    return dataclasses.replace(detector, **(given | changes))


def test_a_detector_reads_the_texture_where_it_is_known(fitted):
    own = planted(5)
    found = with_texture(fitted, weights=np.ones(N_TEXTURE), bias=-1.0)
    assert found.reads_texture and not fitted.reads_texture
    of_music, of_others = np.full((5, N_TEXTURE), -1.0), np.ones((5, N_TEXTURE))
    assert (found.distances(own, own, of_music) <= fitted.distances(own) + 1e-9).all()
    assert found.distances(own, own, of_others) == pytest.approx(2)
    assert found.distances(own, own) == pytest.approx(1)  # the detector's limit
    assert found.distances(own) == pytest.approx(fitted.distances(own))


def test_a_texture_beyond_every_measure_counts_only_so_far(fitted):
    weights = np.eye(N_TEXTURE)[0] - np.eye(N_TEXTURE)[1]
    odds = np.zeros((1, N_TEXTURE))
    odds[0, :2] = 1e9, 4.0
    found = with_texture(fitted, weights=weights).distances(
        planted(1), planted(1), odds
    )
    assert found == pytest.approx(2 / (1 + np.exp(-(novelty.MAX_DEVIATIONS - 4.0))))


def test_what_reads_the_texture_is_read_as_it_was_written(fitted, tmp_path):
    rng = np.random.default_rng(5)
    written = with_texture(fitted, weights=rng.standard_normal(N_TEXTURE), bias=-3.0)
    novelty.save(written, tmp_path)
    again = novelty.load(tmp_path, N)
    songs, textures = planted(20), rng.standard_normal((20, N_TEXTURE))
    assert again.distances(songs, songs, textures) == pytest.approx(
        written.distances(songs, songs, textures), rel=1e-4
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"texture_weights": np.ones(N_TEXTURE - 1)},
        {"texture_scale": np.zeros(N_TEXTURE)},
        {"texture_mean": np.full(N_TEXTURE, np.inf)},
        {"texture_bias": np.ones(2)},
    ],
    ids=["of another texture", "no spread", "not finite", "two limits"],
)
def test_broken_weights_of_the_texture_are_refused(fitted, tmp_path, changes):
    novelty.save(with_texture(fitted, **changes), tmp_path)
    with pytest.raises(ValueError):
        novelty.load(tmp_path)


def test_weights_of_a_texture_without_a_detector_are_none_of_ours(fitted, tmp_path):
    whole = with_texture(fitted)
    alone = dataclasses.replace(whole, detector_weights=None, detector_bias=None)
    novelty.save(alone, tmp_path)
    assert novelty.load(tmp_path, N) is None


def test_a_run_keeps_the_distance_only(fitted, tmp_path):
    novelty.save(fitted, tmp_path)
    assert novelty.load(tmp_path, N).detector_weights is None


@pytest.mark.parametrize(
    "detector",
    [
        {"detector_weights": np.ones(N), "detector_bias": np.ones(1)},
        {"detector_weights": np.ones(2 * N), "detector_bias": np.ones(2)},
        {"detector_weights": np.full(2 * N, np.nan), "detector_bias": np.ones(1)},
    ],
    ids=["of other features", "two limits", "not a number"],
)
def test_a_broken_detector_is_refused(fitted, tmp_path, detector):
    tensors = tensors_of(fitted)
    tensors |= {name: np.float32(values) for name, values in detector.items()}
    save_file(tensors, tmp_path / FILE)
    with pytest.raises(ValueError):
        novelty.load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"no tensors", b"\xff" * 64])
def test_a_file_that_is_no_safetensors_is_refused(tmp_path, data):
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(ValueError):
        novelty.load(tmp_path)


def test_a_file_that_was_cut_off_is_refused(fitted, tmp_path):
    novelty.save(fitted, tmp_path)
    data = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError):
        novelty.load(tmp_path)


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(novelty, "MAX_BYTES", 100)
    (tmp_path / FILE).write_bytes(bytes(101))
    with pytest.raises(ValueError, match="large"):
        novelty.load(tmp_path)


def test_somebody_elses_file_of_that_name_is_ignored(tmp_path):
    save_file({"embeddings": np.ones(3, np.float32)}, tmp_path / FILE)
    assert novelty.load(tmp_path) is None


def test_one_of_another_model_is_refused(fitted, tmp_path):
    novelty.save(fitted, tmp_path)
    with pytest.raises(ValueError):
        novelty.load(tmp_path, N + 1)


def test_without_a_file_there_is_no_such_judgement(tmp_path):
    assert novelty.load(tmp_path) is None


# With a model, on sounds


def loaded(folder):
    ref = checkpoint.describe("folder", "tiny", folder)
    return checkpoint.load(ref, folder, device="cpu")


def features_of(model, songs):
    found = []
    for song in songs:
        windows = Windows.of(song, model.sampling_rate, model.window_s)
        for start in windows.starts():
            window = windows.window(start)
            if window is None:
                continue
            values = forward.features(model.feature_extractor, window, 16_000)
            out = forward.outputs(model.model, values[None], with_features=True)
            found.append(out.features[0])
    return np.stack(found)


@pytest.fixture(scope="module")
def composed():
    genres = ("blues", "disco", "jazz", "rock")
    return [compose(genre, seed, duration_s=5.0) for genre in genres for seed in (0, 1)]


@pytest.fixture(scope="module")
def model(composed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("novel") / "model"
    plain = loaded(save_tiny_model(folder, seed=1, initializer_range=0.1))
    assert plain.novelty is None
    own, others = (
        features_of(plain, songs) for songs in (composed[::2], composed[1::2])
    )
    novelty.save(novelty.fit(own, others), folder)
    return loaded(folder)


def test_features_are_the_means_of_the_middle_and_last_layer(model):
    import torch

    values = np.random.default_rng(0).standard_normal((2, 8000)).astype(np.float32)
    out = forward.outputs(model.model, values, with_features=True)
    with torch.no_grad():
        plain = model.model(torch.from_numpy(values), output_hidden_states=True)
    layers = plain.hidden_states
    expected = np.concatenate([layers[1].mean(1), layers[2].mean(1)], axis=1)
    assert out.features == pytest.approx(expected, abs=1e-5)
    assert out.features.shape == (2, forward.n_features(model.model))
    assert out.logits == pytest.approx(plain.logits.numpy(), abs=1e-5)
    spread = [layers[at].std(1, correction=0) for at in (1, 2)]
    assert out.deviations == pytest.approx(np.concatenate(spread, axis=1), abs=1e-5)
    assert forward.outputs(model.model, values).features is None


@pytest.mark.parametrize("kind", ["wav2vec2", "ast", "whisper"])
def test_every_class_has_features(kind, tmp_path):
    other = loaded(tiny.save_tiny_other(kind, tmp_path))
    samples = noise(duration_s=other.window_s, sampling_rate=16_000).samples
    values = forward.features(other.feature_extractor, samples, 16_000)
    out = forward.outputs(other.model, values[None], with_features=True)
    assert out.features.shape == (1, forward.n_features(other.model))


def test_songs_of_the_kind_that_it_learned_from_are_not_unlike(model, composed):
    for song in composed:
        prediction = predict(song, model)
        assert judge(prediction, song).kind in ("sure", "unsure")
        assert prediction.distance <= 1
        assert len([c for c in prediction.chunks if c.distance is not None]) == 10


@pytest.mark.parametrize("frequency_hz", [1000.0, 4000.0])
def test_a_test_tone_is_unlike_composed_songs(model, frequency_hz):
    strange = tone(frequency_hz, duration_s=3.0)
    found = judge(predict(strange, model), strange)
    assert found.kind == "unlike"
    assert found.distance > 1
    assert len(found.genres) == 1


def test_noise_is_unlike_chords(model):
    pitches = 220.0 * 2 ** (np.arange(24) / 12)
    own, others = (
        features_of(model, [chord((f, f * ratio), duration_s=1.0) for f in pitches])
        for ratio in (1.5, 1.26)
    )
    of_chords = dataclasses.replace(model, novelty=novelty.fit(own, others))
    strange, usual = noise(duration_s=3.0), chord((261.6, 370.0), duration_s=3.0)
    assert judge(predict(strange, of_chords), strange).kind == "unlike"
    assert judge(predict(usual, of_chords), usual).kind != "unlike"


def test_speech_and_silence_come_first(model):
    speech = talk(0)
    assert judge(predict(speech, model), speech).kind == "speech"
    with pytest.raises(KnownError, match="silent"):
        predict(silence(), model)


def test_a_broken_file_beside_the_weights_breaks_the_model(tmp_path):
    folder = save_tiny_model(tmp_path / "model")
    (folder / FILE).write_bytes(b"no tensors")
    with pytest.raises(KnownError) as caught:
        loaded(folder)
    assert caught.value.code == "model_broken"
    save_file({"other": np.ones(1, np.float32)}, folder / FILE)
    assert loaded(folder).novelty is None
