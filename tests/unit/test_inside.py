"""Layers of a model: their frames, colours, repeats and attention, on known answers."""

import dataclasses

import numpy as np
import pytest

from audio.clip import Clip
from audio.hubert import layers
from audio.hubert.preprocessing import SAMPLING_RATE
from networks import checkpoint, front_end, inside
from support.scenes import scene_of
from support.signals import noise, silence, tone
from support.tiny import models_of, save_tiny_model, save_tiny_other
from ui.tabs.see import inside as lesson
from ui.tabs.see import states
from viz.plot import Image, Line, Strips

pytestmark = pytest.mark.usefixtures("one_thread")
KINDS = ("tiny", "stable", "wav2vec2", "ast", "whisper")
RATE = SAMPLING_RATE


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("models")
    found = {
        "tiny": save_tiny_model(home / "tiny"),
        "stable": save_tiny_model(home / "stable", do_stable_layer_norm=True),
    }
    for kind in ("wav2vec2", "ast", "whisper"):
        found[kind] = save_tiny_other(kind, home / kind)
    return found


def loaded(folder):
    ref = checkpoint.describe("folder", "a model", folder)
    return checkpoint.load(ref, folder, device="cpu", precision="fp32")


def plain(folder):
    """The model as transformers loads it, whose attention returns its weights."""
    from transformers import AutoModelForAudioClassification

    load = AutoModelForAudioClassification.from_pretrained
    return load(folder, attn_implementation="eager").eval()


def window_of(model, seed=1):
    duration_s = min(model.window_s, 2.0)
    samples = noise(seed, duration_s, RATE).samples
    return np.resize(samples, round(model.window_s * RATE))


def theirs(folder, model, window, **asked):
    import torch

    from networks import architecture, forward

    values = forward.features(model.feature_extractor, window, RATE)
    with torch.inference_mode():
        return architecture.body(plain(folder))(torch.from_numpy(values)[None], **asked)


def block_of(model, clip, at_s=0.0):
    front = front_end.of_config(
        model.model.config.to_dict(),
        model.feature_extractor.to_dict(),
        window_s=model.window_s,
        takes_any_length=model.ref.takes_any_length,
    )
    windows = inside.windows_of(clip, model.ref)
    starts = inside.block_starts(windows, at_s)
    computed = [inside.states(model, windows.window(start)) for start in starts]
    return inside.block(computed, starts, windows.n_samples, model, front)


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_the_hidden_states_of_plain_transformers(folders, kind):
    model = loaded(folders[kind])
    window = window_of(model)
    found = inside.states(model, window)
    asked = theirs(folders[kind], model, window, output_hidden_states=True)
    assert found.n_layers == len(asked.hidden_states) - 1
    for ours, other in zip(found.values, asked.hidden_states, strict=True):
        assert np.allclose(ours, other[0].numpy(), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_attention_is_that_of_plain_transformers_and_its_rows_sum_to_1(folders, kind):
    model = loaded(folders[kind])
    window = window_of(model)
    found = inside.states(model, window)
    asked = theirs(folders[kind], model, window, output_attentions=True).attentions
    assert inside.has_attention(model)
    assert inside.n_heads(model) == asked[0].shape[1]
    for layer in range(1, found.n_layers + 1):
        for head in range(inside.n_heads(model)):
            ours = inside.head_weights(model, found.values[layer - 1], layer, head)
            assert np.allclose(ours.sum(axis=1), 1, atol=1e-5)
            assert np.allclose(ours, asked[layer - 1][0, head].numpy(), atol=1e-5)


def test_frames_of_a_block_lie_where_the_model_has_them_each_time_once(folders):
    model = loaded(folders["tiny"])  # windows of 0.5 s, frames every 320 samples
    found = block_of(model, noise(duration_s=1.3, sampling_rate=RATE))
    reach = 10 + 7 * 5 + 7 * 40  # of its three convolutions
    starts = (0, 8000, 20_800 - 8000)  # the last window ends with the sound
    n_each = (8000 - reach) // 320 + 1
    ours = [start + reach / 2 + 320 * np.arange(n_each) for start in starts]
    last = ours[2][ours[2] > ours[1][-1] + 160]
    assert np.allclose(found.times_s * RATE, [*ours[0], *ours[1], *last])
    assert (np.diff(found.times_s) > 0).all()
    whole = inside.over_time(found.states[2].values, model)
    assert np.array_equal(found.frames[:, found.owners == 2], whole[:, -len(last) :])


def test_short_sound_shows_its_first_time_and_the_repetition_counts_as_elsewhere(
    folders,
):
    model = loaded(folders["tiny"])
    found = block_of(model, noise(duration_s=0.2, sampling_rate=RATE))
    assert found.times_s[-1] < 0.2
    weights = inside.attention(found, model, 1, 0)
    assert np.allclose(weights.weights.sum(axis=1) + weights.elsewhere, 1, atol=1e-5)
    assert (weights.elsewhere > 0.1).all()
    assert (weights.n_keys == found.states[0].values.shape[1]).all()


def test_no_weight_leads_from_one_window_to_another(folders):
    model = loaded(folders["tiny"])
    found = block_of(model, noise(duration_s=1.0, sampling_rate=RATE))
    weights = inside.attention(found, model, 2, 1).weights
    is_same = found.owners[:, None] == found.owners
    assert (weights[~is_same] == 0).all()
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)


def test_patches_of_a_moment_are_averaged_and_their_weights_summed(folders):
    model = loaded(folders["ast"])  # 16 mel bands: one patch a moment
    config = model.model.config
    values = np.arange(2 * 8 * 3, dtype=np.float32).reshape(2, 8, 3)
    model.model.config.num_mel_bins = config.patch_size + config.frequency_stride
    try:  # two rows of three patches behind the two states of its own
        frames = inside.over_time(values, model)
        assert np.array_equal(frames, (values[:, 2:5] + values[:, 5:8]) / 2)
        alike = np.full((8, 8), 1 / 8, np.float32)
        assert np.allclose(inside._over_moments(alike, model), 2 / 8)
    finally:
        model.model.config.num_mel_bins = config.patch_size


def test_pooled_frames_are_the_means_of_the_states(folders):
    for kind in KINDS:
        model = loaded(folders[kind])
        window = window_of(model)
        from networks import forward

        values = forward.features(model.feature_extractor, window, RATE)
        states = inside.states(model, window).values
        n_own = inside.N_OWN_TOKENS if kind == "ast" else 0
        found = inside.pooled(model.model, values[None])
        assert np.allclose(found[0], states[:, n_own:].mean(axis=1), atol=1e-4), kind


def aba(model, n_times=1):
    """A B A, each a window long, from tones."""
    part_s = model.window_s
    a, b = (tone(hz, part_s, RATE).samples for hz in (400.0, 2600.0))
    return Clip(np.concatenate([a, b] * n_times + [a]), RATE)


def test_what_returns_has_its_colours_again_and_a_stripe_at_its_lag(folders):
    model = loaded(folders["tiny"])
    found = block_of(model, aba(model, 2))
    colours = layers.colours(found.frames)
    first, second, third = (
        colours.rgb[:, found.owners == owner].astype(int) for owner in (0, 1, 2)
    )
    assert np.abs(first - third).max() <= 1
    assert np.abs(first - second).mean() > 40
    for layer in found.frames:
        cosines = layers.similarity(layer, len(layer))
        n = int((found.owners == 0).sum())
        assert np.diag(cosines, 2 * n).min() > 0.999  # A with A, B with B
        assert np.diag(cosines, n).mean() < 0.5
    lag_s, cosine = layers.strongest_lag_s(found.frames[1], found.hop_s)
    assert lag_s == pytest.approx(2 * model.window_s, abs=2 * found.hop_s * 2)
    assert cosine > 0.9


def test_principal_components_have_the_variance_that_numpy_finds():
    rng = np.random.default_rng(3)
    frames = (rng.normal(size=(200, 24)) * np.linspace(5, 0.1, 24)).astype(np.float32)
    scores, shares = layers.components(frames)
    _, sizes, axes = np.linalg.svd(frames - frames.mean(axis=0), full_matrices=False)
    assert np.allclose(shares, sizes[:3] ** 2 / (sizes**2).sum(), rtol=1e-4)
    theirs = (frames - frames.mean(axis=0)) @ axes[:3].T
    assert np.allclose(np.abs(scores), np.abs(theirs), atol=1e-2)
    # Fewer numbers than a colour has, and none that differ.
    assert layers.components(frames[:, :2])[1][2] == 0
    assert not layers.components(np.ones((5, 4), np.float32))[0].any()


def test_colours_of_a_layer_that_only_points_the_other_way_are_the_same():
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(80, 10)) * np.linspace(3, 0.3, 10)
    rgb = layers.colours(np.stack([frames, -frames]).astype(np.float32)).rgb
    assert np.abs(rgb[0].astype(int) - rgb[1]).max() <= 1


def test_similarity_is_the_cosine_without_the_mean_averaged_in_columns():
    frames = np.random.default_rng(1).normal(2.0, 1.0, (90, 12)).astype(np.float32)
    found = layers.similarity(frames, 90)
    centred = frames - frames.mean(axis=0)
    units = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert np.allclose(found, units @ units.T, atol=1e-5)
    few = layers.similarity(frames, 30)
    assert np.allclose(few, found.reshape(30, 3, 30, 3).mean(axis=(1, 3)), atol=1e-5)


def test_smoothing_is_the_mean_of_neighbours():
    frames = np.random.default_rng(2).normal(size=(40, 5)).astype(np.float32)
    found = layers.smoothed(frames, 7)
    assert np.allclose(found[10], frames[7:14].mean(axis=0), atol=1e-6)
    assert np.allclose(found[0], frames[:4].mean(axis=0), atol=1e-6)
    assert layers.smoothed(frames, 0) is frames


def test_long_song_has_fixed_blocks_of_half_a_minute():
    ref = dataclasses.replace(
        checkpoint.ModelRef("hub", "a", None, "a", "", 10.0), takes_any_length=False
    )
    windows = inside.windows_of(silence(95.0, RATE), ref)
    seconds = [
        [start / RATE for start in inside.block_starts(windows, at_s)]
        for at_s in (0.0, 14.0, 31.0, 47.5, 94.0)
    ]
    assert seconds[0] == seconds[1] == [0, 10, 20]
    assert seconds[2] == seconds[3] == [30, 40, 50]
    assert seconds[4] == [85]


@pytest.fixture
def models(folders, tmp_path):
    def of(kind):
        return models_of(folders[kind], tmp_path, device="cpu", precision="fp32")

    return of


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_of_model_has_its_three_pictures(models, kind):
    host = models(kind)
    scene = scene_of(noise(duration_s=1.2, sampling_rate=22_050))
    colours = lesson.draw_layers(host, scene, None)
    levels, strips = colours.plots
    assert levels.is_aligned and strips.is_aligned
    assert (levels.x.start, levels.x.stop) == (strips.x.start, strips.x.stop)
    (layer,) = strips.layers
    assert isinstance(layer, Strips)
    assert len(layer.colours) == states.counts(host.at_hand("auto")[1])["layer"] + 1
    assert ("patches" in colours.about) == (kind == "ast")
    (square,) = lesson.draw_repeats(host, scene, 1, 0, None).plots
    (image,) = square.layers
    assert isinstance(image, Image)
    assert np.diag(image.values).min() > 0.98
    curve, matrix = lesson.draw_attention(host, scene, 1, 1, 0.3, None).plots
    assert any(isinstance(each, Line) and each.shape == "fill" for each in curve.layers)
    sheets = (colours, lesson.draw_attention(host, scene, 9, 9, 0.3, None))
    assert all("NaN" not in sheet.as_json() for sheet in sheets)
    assert matrix.y.label != matrix.x.label


def test_zoom_shows_the_same_frames_in_the_same_colours(models):
    host, clip = models("tiny"), noise(duration_s=4.0, sampling_rate=RATE)
    whole, part = (
        lesson.draw_layers(host, scene_of(clip, view=view), None).plots[1].layers[0]
        for view in (None, (1.0, 2.0))
    )
    first = int(np.searchsorted(whole.starts_s, part.starts_s[0] - 1e-6))
    n = len(part.starts_s)
    for row, all_of_it in zip(part.colours, whole.colours, strict=True):
        assert row == all_of_it[6 * first : 6 * (first + n)]


def test_silence_and_unknown_classes_say_so(models, tmp_path):
    host = models("tiny")
    assert "silence" in lesson.draw_layers(host, scene_of(silence()), None).about
    folder = tmp_path / "other"
    folder.mkdir()
    from shutil import copytree

    copytree(host.at_hand("auto")[1], folder, dirs_exist_ok=True)
    config = (folder / "config.json").read_text("utf-8")
    (folder / "config.json").write_text(
        config.replace('"model_type": "hubert"', '"model_type": "sew"'), "utf-8"
    )
    other = models_of(folder, tmp_path)
    sheet = lesson.draw_layers(other, scene_of(noise()), None)
    assert sheet.plots == ()
    assert "is not known here" in sheet.about


def test_large_model_computes_nothing_before_it_is_asked(models, monkeypatch):
    host, scene = models("tiny"), scene_of(noise(duration_s=1.2, sampling_rate=RATE))
    assert states.subject_of(host, scene, None).is_light
    monkeypatch.setattr(states, "LIGHT_BYTES", 0)
    subject = states.subject_of(host, scene, None)
    assert not subject.is_light and not subject.is_known(scene)
    lines = list(states.computing(host, scene, subject))
    assert len(lines) == 1 + len(subject.starts)
    assert subject.is_known(scene)
    monkeypatch.setattr(inside, "states", lambda *_: pytest.fail("computed again"))
    assert lesson.draw_repeats(host, scene, 1, 0, None).plots
