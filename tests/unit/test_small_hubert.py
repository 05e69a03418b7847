import numpy as np
import pytest

from networks.small_hubert import (
    SAMPLING_RATE,
    feature_extractor,
    gabor_filters,
    small_hubert,
)
from support.signals import noise, tone

LABELS = ("blues", "classical", "metal")


@pytest.fixture(scope="module")
def model():
    return small_hubert(LABELS, 0).eval()


def logits(model, clips):
    import torch

    inputs = feature_extractor()(
        [clip.samples for clip in clips],
        sampling_rate=SAMPLING_RATE,
        return_tensors="pt",
    )
    with torch.no_grad():
        return model(**inputs).logits.numpy()


def test_small_hubert_is_small_and_knows_its_labels_by_name(model):
    assert 0.5e6 < sum(weight.numel() for weight in model.parameters()) < 0.6e6
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.label2id == {name: at for at, name in enumerate(LABELS)}


def test_small_hubert_hears_a_window(model):
    clips = [tone(440, 2.0, SAMPLING_RATE), noise(1, 2.0, SAMPLING_RATE)]
    answer = logits(model, clips)
    assert answer.shape == (2, 3)
    assert np.isfinite(answer).all()
    assert not np.allclose(answer[0], answer[1])


def test_small_hubert_starts_the_same_for_the_same_seed_only(model):
    import torch

    before = torch.random.get_rng_state()
    again, other = small_hubert(LABELS, 0), small_hubert(LABELS, 1)
    assert torch.equal(before, torch.random.get_rng_state())
    weights = model.state_dict()
    assert all(torch.equal(weights[name], w) for name, w in again.state_dict().items())
    assert not torch.equal(model.classifier.weight, other.classifier.weight)


def test_small_hubert_survives_being_saved(model, tmp_path):
    from transformers import AutoModelForAudioClassification

    model.save_pretrained(tmp_path)
    feature_extractor().save_pretrained(tmp_path)
    loaded = AutoModelForAudioClassification.from_pretrained(tmp_path).eval()
    clips = [tone(440, 1.0, SAMPLING_RATE)]
    assert np.allclose(logits(loaded, clips), logits(model, clips), atol=1e-5)
    assert (tmp_path / "preprocessor_config.json").exists()
    assert (tmp_path / "model.safetensors").stat().st_size < 5e6


def test_gabor_filters_hear_the_band_they_stand_for_whatever_the_phase():
    filters = gabor_filters(64, 320)
    assert filters.shape == (64, 320) and filters.dtype == np.float32
    assert np.linalg.norm(filters, axis=1) == pytest.approx(np.ones(64), abs=1e-5)
    time_s = np.arange(320) / SAMPLING_RATE
    powers = []
    for phase in (0.0, 1.0, 2.0):
        sine = np.sin(2 * np.pi * 1000 * time_s + phase)
        powers.append(((filters @ sine) ** 2).reshape(32, 2).sum(axis=1))
    assert np.allclose(powers[0], powers[1], rtol=0.02, atol=0.1)
    mels = np.linspace(*2595 * np.log10(1 + np.array([60, 7600]) / 700), 32)
    centre_hz = 700 * (10 ** (mels[np.argmax(powers[0])] / 2595) - 1)
    assert centre_hz == pytest.approx(1000, rel=0.06)


def test_front_end_starts_by_hearing_bands_not_phases(model):
    import torch

    time_s = np.arange(SAMPLING_RATE) / SAMPLING_RATE

    def features(hz, phase):
        sine = np.sin(2 * np.pi * hz * time_s + phase).astype(np.float32)
        with torch.no_grad():
            return model.hubert.feature_extractor(torch.from_numpy(sine)[None])

    here, late, higher = features(1000, 0), features(1000, 1.3), features(1300, 0)
    assert (here - late).norm() < 0.1 * here.norm()
    assert (here - higher).norm() > 0.3 * here.norm()
