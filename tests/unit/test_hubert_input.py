"""The input of the model, against transformers itself."""

import numpy as np
import pytest

from audio.clip import Clip
from audio.hubert import preprocessing
from audio.levels import FLOOR_DB, loudness
from support.signals import noise, silence, sweep, tone


@pytest.fixture(scope="module")
def hubert():
    """HuBERT's front end as it is, everything behind it tiny."""
    from transformers import HubertConfig, HubertModel

    # Layer norm, unlike the small model's group norm, keeps frames independent.
    config = HubertConfig(
        feat_extract_norm="layer",
        conv_dim=[4] * 7,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    assert tuple(config.conv_kernel) == preprocessing.KERNELS
    assert tuple(config.conv_stride) == preprocessing.STRIDES
    return HubertModel(config).eval()


def test_samples_equal_those_of_the_feature_extractor():
    from transformers import Wav2Vec2FeatureExtractor

    extractor = Wav2Vec2FeatureExtractor(do_normalize=True)
    quiet = Clip(noise().samples * 1e-4 + 0.2, 22_050)
    for clip in (tone(), sweep(sampling_rate=16_000), noise(), quiet, silence()):
        ours = preprocessing.model_input(clip)
        theirs = extractor(
            ours.clip.samples, sampling_rate=16_000, return_tensors="np"
        ).input_values[0]
        assert ours.samples.dtype == np.float32
        assert np.abs(ours.samples - theirs).max() < 1e-5


def test_samples_have_no_mean_and_unit_variance_however_loud():
    loud = preprocessing.model_input(noise()).samples
    quiet = preprocessing.model_input(Clip(noise().samples * 0.05, 22_050)).samples
    assert loud.mean() == pytest.approx(0.0, abs=1e-5)
    assert loud.std() == pytest.approx(1.0, abs=1e-4)
    assert np.abs(loud - quiet).max() < 0.02


def test_clip_keeps_its_loudness_and_loses_what_lies_above_8_khz():
    heard = preprocessing.model_input(tone(1000.0)).clip
    assert heard.sampling_rate == 16_000
    assert loudness(heard).rms_dbfs == pytest.approx(20 * np.log10(0.5), abs=0.1)
    high = preprocessing.model_input(tone(9000.0)).clip
    assert loudness(high.slice(0.1, 0.9)).rms_dbfs < -100


def test_frames_are_as_many_as_the_model_says(hubert):
    for n_samples in (*range(400, 2000, 37), 719, 720, 16_000, 160_000, 480_000):
        theirs = int(hubert._get_feat_extract_output_lengths(n_samples))
        assert preprocessing.n_frames(n_samples) == theirs
        assert theirs == 1 + (n_samples - 400) // 320


def test_a_frame_depends_on_exactly_its_own_25_ms(hubert):
    import torch

    samples = torch.randn(1, 3200, requires_grad=True)
    frames = hubert.feature_extractor(samples)
    assert frames.shape[-1] == preprocessing.n_frames(3200) == 9
    (gradient,) = torch.autograd.grad(frames[0, :, 5].sum(), samples)
    touched = np.flatnonzero(gradient[0].numpy())
    model_input = preprocessing.model_input(noise(duration_s=0.2, sampling_rate=16_000))
    assert touched.min() == round(model_input.starts_s[5] * 16_000)
    assert touched.max() - touched.min() + 1 == preprocessing.FRAME_LENGTH == 400


def test_frames_have_their_times():
    model_input = preprocessing.model_input(noise(duration_s=5.0))
    assert model_input.n_frames == 249
    assert np.allclose(np.diff(model_input.starts_s), 0.02)
    assert model_input.starts_s[0] == 0.0
    assert model_input.starts_s[-1] + 0.025 <= 5.0


def test_silence_and_few_samples_give_numbers():
    quiet = preprocessing.model_input(silence())
    assert not quiet.samples.any()
    assert loudness(quiet.clip).peak_dbfs == FLOOR_DB
    for n_samples in (0, 1, 9, 399):
        short = preprocessing.model_input(Clip(np.full(n_samples, 0.5), 16_000))
        assert short.n_frames == len(short.starts_s) == 0
        assert np.isfinite(short.samples).all()


def test_unheard_is_the_power_above_8_khz():
    t = np.arange(44_100) / 44_100
    low, high = np.sin(2 * np.pi * 1000 * t), np.sin(2 * np.pi * 12_000 * t)
    clip = Clip(0.5 * low + 0.05 * high, 44_100)
    assert preprocessing.lost_db(clip) == pytest.approx(-20.04, abs=0.05)
    assert preprocessing.lost_db(Clip(0.5 * low, 44_100)) < -90
    assert preprocessing.lost_db(Clip(np.zeros(44_100), 44_100)) is None
    assert preprocessing.lost_db(Clip([], 44_100)) is None
    assert preprocessing.lost_db(Clip(low, 16_000)) is None


def test_a_part_of_the_input_is_the_whole_input_s_part():
    quiet = Clip(noise(duration_s=3.0).samples * 0.1 + 0.2, 22_050)
    model_input = preprocessing.model_input(quiet)
    for start, stop in ((0, 100), (16_000, 19_200), (47_990, 60_000)):
        part = model_input.part(start, stop)
        assert np.array_equal(part, model_input.samples[start:stop])
        assert part.dtype == np.float32
    assert model_input.mean == pytest.approx(0.2, abs=1e-3)
    assert model_input.lost_db == preprocessing.lost_db(quiet)
