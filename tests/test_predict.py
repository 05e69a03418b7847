import numpy as np
import pytest
import tiny
from signals import chord, noise, silence, sweep, tone

from audio.clip import Clip
from classifier import predict as module
from classifier.models import Models
from classifier.predict import predict
from errors import KnownError

tiny_model_dir = tiny.tiny_model_dir
RATE = tiny.SAMPLING_RATE
WINDOW_S = tiny.FACTS["window_s"]


@pytest.fixture(scope="module")
def model(tiny_model_dir, tmp_path_factory):
    models = Models(
        bundled_model_dir=tiny_model_dir,
        runs_dir=tmp_path_factory.mktemp("runs"),
        hub_model="",
        is_offline=True,
    )
    return models.load(models.ref("bundled"))


def plain(model, samples):
    """The probabilities of one window, by transformers alone."""
    import torch

    inputs = model.feature_extractor(samples, sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        return model.model(**inputs).logits.softmax(-1)[0].numpy()


def starts(prediction):
    return [chunk.start_s for chunk in prediction.chunks]


def code_of(clip, model, **options):
    with pytest.raises(KnownError) as caught:
        predict(clip, model, **options)
    return caught.value.code


def test_prediction_equals_the_model_called_plainly(model):
    song = sweep(duration_s=1.3, sampling_rate=RATE)
    windows = [song.samples[start : start + 8000] for start in (0, 8000, 12800)]
    expected = [plain(model, window) for window in windows]
    prediction = predict(song, model)
    assert [chunk.probabilities for chunk in prediction.chunks] == [
        pytest.approx(dict(zip(tiny.GENRES, row, strict=True)), abs=1e-5)
        for row in expected
    ]
    mean = dict(zip(tiny.GENRES, np.mean(expected, axis=0), strict=True))
    assert dict(prediction.genres) == pytest.approx(mean, abs=1e-5)


def test_windows_differ_so_that_the_mean_means_something(model):
    rows = [
        list(chunk.probabilities.values())
        for chunk in predict(sweep(duration_s=1.0, sampling_rate=RATE), model).chunks
    ]
    assert np.abs(np.subtract(*rows)).max() > 1e-3


def test_genres_are_sorted_and_sum_to_one(model):
    genres = predict(chord(duration_s=1.7), model).genres
    probabilities = [probability for _, probability in genres]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1.0, abs=1e-12)
    assert {genre for genre, _ in genres} == set(tiny.GENRES)


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (0.5, [0.0]),
        (1.0, [0.0, 0.5]),
        (1.2, [0.0, 0.5, 0.7]),
        (1.5, [0.0, 0.5, 1.0]),
    ],
)
@pytest.mark.parametrize("sampling_rate", [16_000, 22_050, 44_100])
def test_windows_cover_the_song_and_the_last_ends_with_it(
    model, duration_s, expected, sampling_rate
):
    clip = noise(duration_s=duration_s, sampling_rate=sampling_rate)
    prediction = predict(clip, model)
    assert starts(prediction) == pytest.approx(expected)
    assert prediction.chunks[-1].stop_s == pytest.approx(duration_s)


def test_song_is_resampled_to_the_models_rate(model):
    song = noise(duration_s=0.5, sampling_rate=44_100)
    expected = plain(model, song.resampled(RATE).samples)
    got = predict(song, model).chunks[0].probabilities
    assert list(got.values()) == pytest.approx(expected, abs=1e-5)


def test_short_clip_is_repeated_to_one_window(model):
    short = tone(300.0, 0.2, RATE)
    expected = plain(model, np.tile(short.samples, 3)[: round(WINDOW_S * RATE)])
    prediction = predict(short, model)
    (chunk,) = prediction.chunks
    assert (chunk.start_s, chunk.stop_s) == (0.0, pytest.approx(0.2))
    assert list(chunk.probabilities.values()) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("n_samples", [0, 1, 200, 1599])
def test_clip_below_a_tenth_of_a_second_is_refused(model, n_samples):
    assert code_of(Clip(np.ones(n_samples), RATE), model) == "too_short"


def test_silence_is_refused_by_name(model):
    with pytest.raises(KnownError) as caught:
        predict(silence(1.0), model)
    assert caught.value.code == "silent"
    assert caught.value.details == {"name": "silence"}


def test_sound_below_60_dbfs_is_silence_and_above_is_not(model):
    assert code_of(tone(amplitude=0.0009, sampling_rate=RATE), model) == "silent"
    assert predict(tone(amplitude=0.0011, sampling_rate=RATE), model).genres


def test_sound_above_what_the_model_hears_is_silence_to_it(model):
    high = tone(15_000.0, 1.0, 44_100)
    faded = Clip(high.samples * np.hanning(high.n_samples), 44_100)
    assert code_of(faded, model) == "silent"


def test_silence_within_a_song_is_no_reason_to_refuse(model):
    samples = np.concatenate([np.zeros(RATE), noise(sampling_rate=RATE).samples])
    assert len(predict(Clip(samples, RATE), model).chunks) == 4


def test_progress_is_told_window_by_window(model):
    told = []
    predict(noise(duration_s=1.2), model, on_progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_stop_ends_within_a_window(model):
    told = []
    code = code_of(
        noise(duration_s=5.0),
        model,
        on_progress=lambda *done: told.append(done),
        should_stop=lambda: len(told) == 2,
    )
    assert code == "prediction_stopped"
    assert len(told) == 2


def test_batches_give_the_same_answer(model, monkeypatch):
    song = sweep(duration_s=3.3)
    one_by_one = predict(song, model)
    monkeypatch.setattr(module, "_batch_size", lambda model: 4)
    told = []
    batched = predict(song, model, on_progress=lambda *done: told.append(done))
    assert told == [(4, 7), (7, 7)]
    assert [c.probabilities for c in batched.chunks] == [
        pytest.approx(c.probabilities, abs=1e-5) for c in one_by_one.chunks
    ]


@pytest.mark.gpu
def test_model_on_a_gpu_gives_the_same_answer(model):
    import copy
    from dataclasses import replace

    song = sweep(duration_s=12.3)
    on_cpu = replace(model, model=copy.deepcopy(model.model).cpu())
    assert model.model.device.type == "cuda"
    expected = dict(predict(song, on_cpu).genres)
    assert dict(predict(song, model).genres) == pytest.approx(expected, abs=1e-3)


def test_model_that_answers_nan_is_broken(tiny_model_dir, tmp_path):
    import torch

    models = Models(
        bundled_model_dir=tiny_model_dir,
        runs_dir=tmp_path,
        hub_model="",
        is_offline=True,
    )
    broken = models.load(models.ref("bundled"))
    with torch.no_grad():
        broken.model.classifier.bias.fill_(float("nan"))
    assert code_of(noise(), broken) == "model_broken"


def test_prediction_tells_which_model_and_how_long(model):
    prediction = predict(noise(), model)
    assert prediction.model is model.ref
    assert prediction.elapsed_s > 0


def test_clip_is_left_as_it_was(model):
    song = noise(duration_s=0.7)
    before = song.samples.copy()
    predict(song, model)
    assert np.array_equal(song.samples, before)
