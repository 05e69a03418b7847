"""What if: the cue that decides a model's answer is found, where it is planted."""

import numpy as np
import pytest

import i18n
from audio.clip import Clip
from audio.effects import Change, excerpt_of
from audio.synth.composer import compose
from classifier import what_if
from classifier.what_if import UNMOVED
from networks.forward import Outputs
from support import tiny
from support.signals import tone
from ui.tabs.classify import what_if as table

RATE = tiny.SAMPLING_RATE


def deciding_by(cue):
    """A network that gives the first genre where a cue of the window is above zero."""

    def compute(network, windows, title, *, with_features=False):
        logits = np.zeros((len(windows), len(tiny.GENRES)))
        for i, window in enumerate(np.asarray(windows)):
            logits[i, 0 if cue(window) > 0 else 1] = 6.0
        return Outputs(logits, None, None)

    return compute


def high_share(window):
    power = np.abs(np.fft.rfft(window)) ** 2
    edge = round(1500 / (RATE / len(window)))
    return power[edge:].sum() / power.sum() - 0.1


def whistling(window):
    power = np.abs(np.fft.rfft(window)) ** 2
    hz = np.fft.rfftfreq(len(window), 1 / RATE)
    return power[(hz > 6400) & (hz < 6600)].sum() - 0.5 * power[hz > 6000].sum()


def n_clicks(window):
    loud = np.abs(window) > 0.5 * np.abs(window).max()
    return np.count_nonzero(np.diff(loud.astype(int)) == 1) - 5.6


def moved(song, model, cue):
    found = what_if.answers(song, model, compute=deciding_by(cue))
    first, *others = found
    assert first.change == ""
    return {each.change: each.moved for each in others}


def test_model_that_listens_to_a_band_is_found_out(model):
    low, high = (tone(hz, 4.0, RATE, 0.3).samples for hz in (300.0, 3000.0))
    found = moved(Clip(low + high, RATE), model, high_share)
    assert found["low"] > 0.9
    for name in ("faster", "slower", "quieter", "reversed", "shuffled", "up", "down"):
        assert found[name] < UNMOVED, name


def test_model_that_listens_to_the_tempo_is_found_out(model):
    samples = np.zeros(4 * RATE, np.float32)
    for start in range(400, len(samples), RATE // 10):
        samples[start : start + 32] = 0.8 * np.hanning(32)
    found = moved(Clip(samples, RATE), model, n_clicks)
    assert found["faster"] > 0.5
    for name in ("quieter", "reversed", "slower"):
        assert found[name] < UNMOVED, name


@pytest.mark.parametrize("genre", ["disco", "classical"])
def test_band_that_is_planted_in_a_composed_song_is_found_out(model, genre):
    song = compose(genre, 2, duration_s=4.0, sampling_rate=RATE)
    whistle = tone(6500.0, 4.0, RATE, 0.2 * float(np.abs(song.samples).max()))
    found = moved(Clip(song.samples + whistle.samples, RATE), model, whistling)
    assert found["low"] > 0.9
    for name in ("high", "quieter", "reversed", "shuffled"):
        assert found[name] < UNMOVED, name


def test_change_that_leaves_silence_is_an_answer_too(model, monkeypatch):
    monkeypatch.setattr(what_if.effects, "NAMED", {"none": Change()})
    monkeypatch.setattr(
        what_if.effects,
        "changed",
        lambda clip, change: Clip(np.zeros(clip.n_samples, np.float32), RATE),
    )
    _, found = what_if.answers(tone(440.0, 2.0, RATE), model)
    assert (found.prediction, found.moved) == (None, 1.0)


def test_middle_of_a_long_song_is_taken():
    song = Clip(np.arange(100 * 100, dtype=np.float32) / 1e5, 100)
    found = excerpt_of(song)
    assert found.duration_s == 30.0
    assert found.samples[0] == pytest.approx(0.035)
    assert excerpt_of(tone(440.0, 2.0, RATE)).duration_s == 2.0


def test_two_models_are_asked_about_the_same_changed_sounds(model):
    low, high = (tone(hz, 4.0, RATE, 0.3).samples for hz in (300.0, 3000.0))
    song = Clip(low + high, RATE)
    pairs = [*what_if.answers_of(song, [model, model], compute=deciding_by(high_share))]
    assert [one.change for one, _ in pairs] == ["", *what_if.effects.NAMED]
    for one, other in pairs:
        assert one.clip is other.clip
        assert one.moved == other.moved


def test_combined_change_moves_a_model_that_listens_to_the_band_it_removes(model):
    low, high = (tone(hz, 4.0, RATE, 0.3).samples for hz in (300.0, 3000.0))
    excerpt = excerpt_of(Clip(low + high, RATE))
    asked = {"compute": deciding_by(high_share)}
    gone = Change(low_pass_hz=800.0, tempo=1.2, gain_db=-10.0)
    before, answer = what_if.changed_answer(excerpt, gone, model, **asked)
    assert before.genres[0][0] == tiny.GENRES[0]
    assert answer.prediction.genres[0][0] == tiny.GENRES[1]
    assert answer.moved > 0.9
    kept = Change(low_pass_hz=6000.0, tempo=1.2, gain_db=-10.0)
    _, answer = what_if.changed_answer(excerpt, kept, model, before=before, **asked)
    assert answer.moved < UNMOVED


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_what_hardly_moves_the_answer_is_told_with_how_little(model, language):
    song = tone(300.0, 4.0, RATE, 0.3)
    found = [
        (each,)
        for each in what_if.answers(song, model, compute=deciding_by(high_share))
    ]
    page = table.as_html(found, language, is_last=True)
    assert any(f"{word}10%" in page for word in ("less than ", "不到 "))
