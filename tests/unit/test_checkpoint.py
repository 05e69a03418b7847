"""Any audio classifier of transformers: who made it does not matter."""

import json

import pytest

from classifier.predict import predict
from support import tiny
from support.signals import noise, sweep, tone

RATE = tiny.SAMPLING_RATE
WINDOWS_S = {"wav2vec2": 30.0, "ast": 1.015, "whisper": 1.0}
LABELS = ("dog", "rain", "0")  # labels need not be genres


@pytest.fixture(scope="module", params=WINDOWS_S)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp(kind)
    tiny.save_tiny_other(kind, folder / "model", LABELS)
    return loaded(folder)


def loaded(folder):
    return tiny.loaded(folder / "model", folder, precision="fp32")  # exact


def plain(model, samples):
    """One window's probabilities, by transformers' own pipeline."""
    from transformers import AudioClassificationPipeline

    pipeline = AudioClassificationPipeline(
        model=model.model, feature_extractor=model.feature_extractor
    )
    answer = pipeline({"raw": samples, "sampling_rate": RATE}, top_k=None)
    return {part["label"]: part["score"] for part in answer}


def test_window_is_the_length_that_the_model_takes(model, kind):
    assert model.window_s == pytest.approx(WINDOWS_S[kind])
    assert model.ref.takes_any_length == (kind == "wav2vec2")


def test_labels_are_the_models_own(model):
    assert model.labels == LABELS
    assert model.ref.trained_on == ""


def test_answer_equals_the_pipelines_for_every_window(model):
    song = sweep(duration_s=2.5 * model.window_s, sampling_rate=RATE)
    n_window = round(model.window_s * RATE)
    for chunk in predict(song, model).chunks:
        start = round(chunk.start_s * RATE)
        window = song.samples[start : start + n_window].copy()
        assert chunk.probabilities == pytest.approx(plain(model, window), abs=1e-5)


def test_windows_answers_differ(model):
    song = sweep(duration_s=2.0 * model.window_s, sampling_rate=RATE)
    first, *_, last = predict(song, model).chunks
    differences = [abs(first.probabilities[n] - last.probabilities[n]) for n in LABELS]
    assert max(differences) > 1e-3


def test_no_window_is_padded(model, kind, monkeypatch):
    """A mel model hears its whole input; nothing stands for silence in it."""
    given = []
    real = model.model.forward
    monkeypatch.setattr(
        model.model, "forward", lambda sound: given.append(sound) or real(sound)
    )
    predict(noise(duration_s=1.1, sampling_rate=RATE), model)
    assert given
    for sound in given if kind != "wav2vec2" else ():  # which takes any length
        mels = sound[0] if kind == "ast" else sound[0].T  # (n_frames, n_mels)
        assert len(mels) == 100
        assert mels.std(dim=1).min() > 0.005  # a padded frame is one number


def test_short_song_is_repeated_where_the_input_length_is_fixed(model, kind):
    note = predict(tone(duration_s=0.5), model).note
    assert note == ("as_is" if kind == "wav2vec2" else "repeated")


def test_memory_of_a_model_is_that_of_its_weights(model):
    n_weights = sum(tensor.numel() for tensor in model.model.state_dict().values())
    assert model.n_bytes >= 4 * n_weights > 0


def test_length_of_a_mel_model_is_not_the_checkpoints_to_change(tmp_path):
    path = tiny.save_tiny_other("ast", tmp_path / "model") / "config.json"
    config = json.loads(path.read_text()) | {"genrescope": tiny.FACTS}
    path.write_text(json.dumps(config))
    assert loaded(tmp_path).window_s == pytest.approx(1.015)
