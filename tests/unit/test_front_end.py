"""The frames of every model that a lesson shows, against transformers itself."""

import json

import numpy as np
import pytest

from audio.hubert.preprocessing import HUBERT, SAMPLING_RATE, model_input, resampled
from networks import architecture, front_end
from networks.checkpoint import read_json
from support import tiny
from support.knobs import MODELS
from support.scenes import scene_of
from support.signals import noise, tone
from support.tiny import save_tiny_model, save_tiny_other
from ui.tabs.see import hubert_input, masking

LENGTHS = (16_000, 23_456, 48_000, 160_000, 480_000)


def described(folder):
    """The front end of a checkpoint, and its model."""
    from transformers import AutoModelForAudioClassification

    config = read_json(folder / "config.json")
    extractor = read_json(folder / "preprocessor_config.json")
    window_s = architecture.fixed_window_s(config)
    found = front_end.of_config(
        config, extractor, window_s=window_s or 30.0, takes_any_length=window_s is None
    )
    return found, AutoModelForAudioClassification.from_pretrained(folder).eval()


def touched(model, n_samples, frame):
    """First and last sample that a frame of a model of samples depends on."""
    import torch

    samples = torch.randn(1, n_samples, requires_grad=True)
    frames = architecture.body(model).feature_extractor(samples)
    (gradient,) = torch.autograd.grad(frames[0, :, frame].abs().sum(), samples)
    places = np.flatnonzero(gradient[0].numpy())
    return places.min(), places.max(), frames.shape[-1]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("models")
    found = {
        "tiny": save_tiny_model(home / "tiny"),
        "bundled": MODELS.at_hand("auto")[1],
    }
    for kind in ("wav2vec2", "ast", "whisper"):
        found[kind] = save_tiny_other(kind, home / kind)
    return found


@pytest.mark.parametrize("name", ["tiny", "bundled", "wav2vec2"])
def test_models_of_samples_have_the_frames_that_their_config_says(folders, name):
    found, model = described(folders[name])
    for n_samples in LENGTHS:
        theirs = int(model._get_feat_extract_output_lengths(n_samples))
        assert found.n_frames(n_samples) == theirs
    assert found.is_normalized
    assert found.has_group_norm == (name == "wav2vec2")
    if not found.has_group_norm:
        first, last, n_frames = touched(model, 16_000, 3)
        assert first == 3 * found.hop_length
        assert last - first + 1 == found.frame_length
        assert n_frames == found.n_frames(16_000)


def test_bundled_model_s_frames_are_its_own_and_not_hubert_s(folders):
    config = json.loads((folders["bundled"] / "config.json").read_text("utf-8"))
    found, _ = described(folders["bundled"])
    assert found.kernels == tuple(config["conv_kernel"]) != HUBERT.kernels
    assert found.hop_length == np.prod(config["conv_stride"])
    assert found.hop_length > HUBERT.hop_length


def test_published_shapes_are_those_of_transformers():
    from transformers import HubertConfig, Wav2Vec2Config, Wav2Vec2FeatureExtractor

    for config in (HubertConfig(), Wav2Vec2Config()):
        assert tuple(config.conv_kernel) == HUBERT.kernels
        assert tuple(config.conv_stride) == HUBERT.strides
        assert config.feat_extract_norm == "group"
    assert Wav2Vec2FeatureExtractor().do_normalize
    shown = hubert_input.PUBLISHED
    assert shown["HuBERT"] == shown["wav2vec 2.0"] == HUBERT
    assert (HUBERT.hop_length, HUBERT.frame_length) == (320, 400)
    assert not shown["DistilHuBERT"].is_normalized


def test_ast_s_columns_of_patches_are_those_of_transformers(folders):
    from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

    shown = hubert_input.PUBLISHED["AST"]
    config = ASTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    n_down, n_along = ASTModel(config).embeddings.get_shape(config)
    assert shown.n_mels == config.num_mel_bins == ASTFeatureExtractor().num_mel_bins
    assert shown.n_frames(round(shown.window_s * SAMPLING_RATE)) == n_along == 101
    assert n_down == 12
    # A patch of 16 frames of 25 ms, one every 10 ms.
    assert shown.frame_length == 15 * 160 + 400
    assert shown.hop_length == 1600
    found, model = described(folders["ast"])
    _, n_along = model.audio_spectrogram_transformer.embeddings.get_shape(model.config)
    assert found.n_frames(round(found.window_s * SAMPLING_RATE)) == n_along


def test_whisper_s_frames_are_those_of_transformers(folders):
    import torch
    from transformers import WhisperConfig

    shown = hubert_input.PUBLISHED["Whisper"]
    assert shown.n_mels == WhisperConfig().num_mel_bins
    assert shown.n_frames(480_000) == WhisperConfig().max_source_positions == 1500
    assert shown.hop_length == 320
    assert shown.frame_length == 4 * 160 + 400  # five frames of mel
    assert shown.padding[0] == 200 + 320  # half a frame, and two hops
    found, model = described(folders["whisper"])
    n_window = round(found.window_s * SAMPLING_RATE)
    assert found.n_frames(n_window) == model.config.max_source_positions
    # Which frames of mel one state depends on: five, around twice its own number.
    encoder = model.encoder
    mel = torch.randn(1, found.n_mels, n_window // 160, requires_grad=True)
    hidden = torch.nn.functional.gelu(encoder.conv1(mel))
    states = torch.nn.functional.gelu(encoder.conv2(hidden))
    (gradient,) = torch.autograd.grad(states[0, :, 7].sum(), mel)
    frames = np.flatnonzero(gradient[0].abs().sum(dim=0).numpy())
    assert (frames.min(), frames.max()) == (12, 16)
    first = model_input(tone(), found, 0, n_window).starts_s[7] * SAMPLING_RATE
    assert first == 12 * 160 - 200


def test_each_window_is_normalised_by_itself():
    quiet_then_loud = noise(duration_s=4.0, sampling_rate=16_000)
    samples = quiet_then_loud.samples * np.repeat([0.01, 1.0], 32_000)
    sound = resampled(type(quiet_then_loud)(samples, 16_000))
    for start in (0, 32_000):
        window = model_input(sound, HUBERT, start, start + 32_000).samples
        assert window.mean() == pytest.approx(0.0, abs=1e-5)
        assert window.std() == pytest.approx(1.0, abs=0.06)


def test_windows_are_those_that_classification_cuts():
    found, sound = hubert_input.PUBLISHED["AST"], noise(duration_s=25.0)
    clip = resampled(sound).clip
    n_window = round(found.window_s * SAMPLING_RATE)
    assert hubert_input.window_of(clip, found, 3.0) == (0, n_window)
    assert hubert_input.window_of(clip, found, 12.0) == (n_window, 2 * n_window)
    last = clip.n_samples - n_window
    assert hubert_input.window_of(clip, found, 24.0) == (last, last + n_window)
    short = resampled(tone(duration_s=2.0)).clip
    assert hubert_input.window_of(short, HUBERT, 1.0) == (0, 32_000)
    repeated = model_input(short, found, *hubert_input.window_of(short, found, 1.0))
    assert repeated.is_repeated
    assert np.array_equal(repeated.window[32_000:64_000], repeated.window[:32_000])


@pytest.mark.parametrize("name", [*hubert_input.PUBLISHED, "chosen"])
def test_lesson_draws_and_tells_the_frames_of_each_model(name):
    sheet = hubert_input.draw(MODELS, scene_of(tone(duration_s=3.0)), 1.0, name, None)
    ref, folder = MODELS.at_hand("bundled")
    found = hubert_input.PUBLISHED.get(name) or front_end.of_model(ref, folder)
    plot = sheet.plots[0]
    rules = [line.xs[0] for line in plot.layers if getattr(line, "shape", "") == "rule"]
    hop_s = found.hop_length / SAMPLING_RATE
    assert len(rules) == 10
    assert np.allclose(np.diff(rules), hop_s)
    (field,) = [line for line in plot.layers if getattr(line, "shape", "") == "fill"]
    assert np.ptp(field.xs) == pytest.approx(found.frame_length / SAMPLING_RATE)
    assert f"every {1000 * hop_s:g} ms" in sheet.about
    assert ("mel spectrogram" in sheet.about) == bool(found.n_mels)
    assert len(sheet.plots) == (2 if found.n_mels else 1)
    assert ("its level is lost" in sheet.about) == found.is_normalized


def test_lesson_draws_the_model_that_classify_has_chosen(tmp_path, folders):

    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "model").symlink_to(folders["whisper"])
    (run / "result.json").write_text('{"state": "finished"}', "utf-8")
    models = tiny.models_of(folders["bundled"], tmp_path / "runs")
    scene = scene_of(tone())
    about = hubert_input.draw(models, scene, 0.2, "chosen", "run:mine").about
    assert "mel spectrogram" in about
    assert masking.training(models, "run:mine", "en").endswith("nothing was hidden.")
    # What is gone, or not fetched yet, is not drawn as if it were here.
    about = hubert_input.draw(models, scene, 0.2, "chosen", "hub:some/one").about
    assert "hub:some/one" in about
    assert "Bundled model reads samples" in about


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"model_type": "hubert", "num_hidden_layers": 2}, "distilled"),
        ({"model_type": "hubert"}, "masked"),
        ({"model_type": "hubert", "conv_kernel": [400, 8, 4]}, "none"),
        ({"model_type": "wav2vec2"}, "contrastive"),
        ({"model_type": "audio-spectrogram-transformer"}, "labelled"),
        ({"model_type": "whisper"}, "transcribed"),
        ({"model_type": "wavlm"}, "unknown"),
    ],
)
def test_training_before_the_genres_is_told_by_the_config(config, kind):
    assert front_end.training(config) == kind
    assert masking.training(MODELS, None, "en").startswith(
        "Bundled model was not pretrained in this way"
    )


@pytest.mark.parametrize(
    ("base_model", "told"),
    [
        ("small", "it was trained on labelled songs."),
        ("bundled", "what a sound tagger predicts"),
        ("run:20260131-120000-1a2b", "is not known here"),
    ],
)
def test_small_hubert_s_training_is_that_of_what_it_began_with(
    tmp_path, folders, base_model, told
):

    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "model").symlink_to(folders["bundled"])
    (run / "result.json").write_text('{"state": "finished"}', "utf-8")
    (run / "config.json").write_text(json.dumps({"base_model": base_model}), "utf-8")
    models = tiny.models_of(folders["bundled"], tmp_path / "runs")
    found = masking.training(models, "run:mine", "en")
    assert told in found
    assert ("tagger" in found) == (base_model == "bundled")


def test_unknown_class_of_model_has_no_known_frames():
    about = {"window_s": 5.0, "takes_any_length": False}
    assert front_end.of_config({"model_type": "sew"}, {}, **about) is None
    assert front_end.of_config({}, {}, **about) is None
