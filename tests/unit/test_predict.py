import numpy as np
import pytest

from audio.clip import Clip
from classifier.predict import N_QUICK, listen, predict, spread
from classifier.queue import InferenceQueue
from errors import KnownError
from networks import forward
from support import tiny
from support.signals import chord, noise, silence, sweep, tone

RATE = tiny.SAMPLING_RATE
WINDOW_S = tiny.FACTS["window_s"]


@pytest.fixture(scope="module")
def theirs(tiny_model_dir):
    """transformers' own model and feature extractor."""
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    model = AutoModelForAudioClassification.from_pretrained(tiny_model_dir).eval()
    return model, AutoFeatureExtractor.from_pretrained(tiny_model_dir)


def plain(theirs, samples):
    """The probabilities of one window, by transformers alone."""
    import torch

    model, extractor = theirs
    inputs = extractor(samples, sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs).logits.softmax(-1)[0].numpy()


def starts(prediction):
    return [chunk.start_s for chunk in prediction.chunks]


def code_of(clip, model, **options):
    with pytest.raises(KnownError) as caught:
        predict(clip, model, **options)
    return caught.value.code


def test_prediction_equals_the_model_called_plainly(model, theirs):
    song = sweep(duration_s=1.3, sampling_rate=RATE)
    windows = [song.samples[start : start + 8000] for start in (0, 8000, 12800)]
    expected = [plain(theirs, window) for window in windows]
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


def test_song_is_resampled_to_the_models_rate(model, theirs):
    song = noise(duration_s=0.5, sampling_rate=44_100)
    expected = plain(theirs, song.resampled(RATE).samples)
    got = predict(song, model).chunks[0].probabilities
    assert list(got.values()) == pytest.approx(expected, abs=1e-5)


def test_short_clip_is_repeated_to_one_window(model, theirs):
    short = tone(300.0, 0.2, RATE)
    expected = plain(theirs, np.tile(short.samples, 3)[: round(WINDOW_S * RATE)])
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
    prediction = predict(Clip(samples, RATE), model)
    assert starts(prediction) == [1.0, 1.5]  # and the silent windows have no vote
    assert prediction.n_total == 2


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
    monkeypatch.setattr(forward, "batch_size", lambda model, window_s: 4)
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

    broken = tiny.loaded(tiny_model_dir, tmp_path)
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


# An answer that sharpens


@pytest.mark.parametrize("n_windows", [1, 2, 3, 5, 6, 7, 24, 60, 151])
def test_spread_names_every_window_once(n_windows):
    assert sorted(spread(n_windows)) == list(range(n_windows))


@pytest.mark.parametrize("n_windows", [12, 24, 60, 151])
def test_spread_covers_the_song_from_the_beginning_of_the_order(n_windows):
    def widest_gap(n_heard):
        heard = sorted(spread(n_windows)[:n_heard])
        return max(np.diff([-1, *heard, n_windows]))

    assert abs(spread(n_windows)[0] - n_windows / 2) <= n_windows / 12 + 1
    assert widest_gap(3) <= n_windows / 2 + 1
    assert widest_gap(N_QUICK) <= n_windows / N_QUICK + 2
    assert widest_gap(n_windows // 2) <= 4


def test_answer_is_given_after_each_window_and_ends_as_the_whole(model):
    song = sweep(duration_s=4.2)
    answers = list(listen(song, model))
    assert [answer.n_done for answer in answers] == list(range(1, 10))
    assert {answer.n_total for answer in answers} == {9}
    assert answers[-1].genres == predict(song, model).genres
    assert starts(answers[-1]) == sorted(starts(answers[-1]))


def test_each_answer_is_the_mean_of_the_windows_heard_so_far(model):
    for answer in listen(sweep(duration_s=3.0), model):
        rows = [list(chunk.probabilities.values()) for chunk in answer.chunks]
        mean = dict(zip(tiny.GENRES, np.mean(rows, axis=0), strict=True))
        assert dict(answer.genres) == pytest.approx(mean)
        assert starts(answer) == sorted(starts(answer))


def test_quick_answer_hears_six_windows_of_the_whole(model):
    song = sweep(duration_s=12.0)
    whole = {
        chunk.start_s: chunk.probabilities for chunk in predict(song, model).chunks
    }
    quick = predict(song, model, effort="quick")
    assert (quick.n_done, quick.n_total, len(whole)) == (6, 6, 24)
    assert starts(quick) == [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]
    for chunk in quick.chunks:
        assert chunk.probabilities == pytest.approx(whole[chunk.start_s], abs=1e-6)


def test_quick_answer_of_a_short_song_is_the_whole(model):
    song = noise(duration_s=1.2)
    assert predict(song, model, effort="quick").genres == predict(song, model).genres


def test_who_leaves_ends_the_work(model, computed):
    for answer in listen(noise(duration_s=5.0), model):
        if answer.n_done == 2:
            break
    assert len(computed) == 2


def test_visitors_take_turns_so_that_memory_does_not_multiply(model, monkeypatch):
    import threading

    inside, most = [], []
    real = model.model.forward

    def watched(*args, **kwargs):
        inside.append(1)
        most.append(len(inside))
        answer = real(*args, **kwargs)
        inside.pop()
        return answer

    monkeypatch.setattr(model.model, "forward", watched)
    song, queue = noise(duration_s=2.0), InferenceQueue()
    answers = []
    visitors = [
        threading.Thread(target=lambda: answers.append(predict(song, model, queue)))
        for _ in range(10)
    ]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert (len(answers), len(most), max(most)) == (10, 40, 1)
    assert len({answer.genres for answer in answers}) == 1


def test_queue_is_told_how_much_sound_is_computed_before_it_is(model):
    song, queue = noise(duration_s=4.0), InferenceQueue()
    charged_s = []
    queue.charge = charged_s.append
    predict(song, model, queue)
    predict(song, model, queue, effort="quick")
    assert charged_s == pytest.approx([4.0, min(4.0, N_QUICK * model.window_s)])

    def refuse(duration_s):
        raise KnownError("too_much_sound", hours=1.0)

    queue.charge, queue.run = refuse, None
    with pytest.raises(KnownError, match="too_much_sound"):
        predict(song, model, queue)


# What the checkpoint says


def loaded(folder, **changes):
    tiny.save_tiny_model(folder / "model", **changes)
    return tiny.loaded(folder / "model", folder)


def test_temperature_divides_the_logits_of_each_window(model, tmp_path):
    song = sweep(duration_s=1.0)
    warm = loaded(tmp_path, genrescope={**tiny.FACTS, "temperature": 3.0})
    pairs = zip(predict(song, model).chunks, predict(song, warm).chunks, strict=True)
    for cool_chunk, warm_chunk in pairs:
        logits = np.log([*cool_chunk.probabilities.values()]) / 3.0
        expected = np.exp(logits) / np.exp(logits).sum()
        assert [*warm_chunk.probabilities.values()] == pytest.approx(expected, abs=1e-6)


def test_labels_that_do_not_exclude_each_other_have_probabilities_of_their_own(
    model, tmp_path
):
    song = sweep(duration_s=1.0)
    several = loaded(tmp_path, problem_type="multi_label_classification")
    pairs = zip(predict(song, model).chunks, predict(song, several).chunks, strict=True)
    for one_of_them, each in pairs:
        shares = np.array([*each.probabilities.values()])
        odds = shares / (1 - shares)  # e to the logit, as the shares of softmax are
        expected = pytest.approx(odds / odds.sum(), abs=1e-5)
        assert [*one_of_them.probabilities.values()] == expected
        assert shares.sum() != pytest.approx(1.0, abs=0.01)


def test_short_song_is_repeated_and_the_answer_says_so(model):
    assert predict(tone(300.0, 0.2, RATE), model).note == "repeated"
    assert predict(tone(300.0, 0.5, RATE), model).note is None


def test_short_song_is_heard_as_it_is_by_a_model_of_clips_of_any_length(
    theirs, tmp_path
):
    elsewhere = loaded(tmp_path, genrescope=None)
    short = sweep(duration_s=1.3, sampling_rate=RATE)
    prediction = predict(short, elsewhere)
    assert (prediction.note, prediction.n_total) == ("as_is", 1)
    (chunk,) = prediction.chunks
    expected = plain(theirs, short.samples)
    assert [*chunk.probabilities.values()] == pytest.approx(expected, abs=1e-5)
    assert (chunk.start_s, chunk.stop_s) == (0.0, pytest.approx(1.3))


def test_sound_too_short_to_repeat_is_refused_with_what_is_needed(tmp_path):
    patient = loaded(tmp_path, genrescope={**tiny.FACTS, "window_s": 4.0})
    with pytest.raises(KnownError) as caught:
        predict(tone(duration_s=0.39), patient)
    assert caught.value.code == "too_short"
    assert caught.value.details["min_duration_s"] == 0.4
    assert predict(tone(duration_s=0.41), patient).note == "repeated"


def test_quick_answer_of_a_model_of_long_windows_hears_fewer(tmp_path):
    """Six windows of 30 s would be most of a song: a minute is enough."""
    patient = loaded(tmp_path, genrescope={**tiny.FACTS, "window_s": 30.0})
    song = noise(duration_s=240.0)
    assert next(listen(song, patient, effort="quick")).n_total == 2
    assert next(listen(song, patient)).n_total == 8
