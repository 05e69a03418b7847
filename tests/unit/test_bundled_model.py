"""The model that ships: what its card claims, on songs that training never saw."""

import dataclasses
import json

import numpy as np
import pytest

import settings
from audio.clip import Clip
from audio.synth.composer import STYLES, Shift, compose
from classifier.models import Models
from classifier.predict import predict
from classifier.verdict import judge
from networks import novelty
from networks.cpu.precision import dtype_of
from support.signals import chord, noise, tone

HOST = settings.Settings()
FOLDER = HOST.bundled_model_dir
RATE = 16_000
FIRST_UNSEEN = 1_000_000  # training composes from the seeds 0, 1, 2, ...


@pytest.fixture(scope="module")
def model():
    models = Models(
        bundled_model_dir=FOLDER,
        runs_dir=HOST.runs_dir,
        hub_model=HOST.hub_model,
        is_offline=True,
    )
    return models.load(models.ref("bundled"))


def n_right(model, n_songs, is_shifted):
    """Of ``n_songs`` unseen composed songs, as many of each style."""
    right = 0
    for seed in range(FIRST_UNSEEN, FIRST_UNSEEN + n_songs // len(STYLES)):
        shift = Shift.drawn(seed) if is_shifted else Shift()
        for genre in STYLES:
            answer = predict(compose(genre, seed, shift=shift), model)
            right += answer.genres[0][0] == genre
    return right


def test_model_fits_into_nine_megabytes_and_holds_no_pickle():
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sum(files.values()) < 9_000_000
    assert {path.rsplit(".", 1)[1] for path in files} == {"json", "safetensors", "md"}


def test_model_says_what_it_was_trained_on():
    config = json.loads((FOLDER / "config.json").read_text("utf-8"))
    assert config["genrescope"]["trained_on"] == "recordings"
    assert sorted(config["id2label"].values()) == list(STYLES)


def test_weights_are_half_floats_on_disk_and_floats_in_memory(model):
    import torch
    from safetensors import safe_open

    with safe_open(FOLDER / "model.safetensors", "pt") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    assert kinds == {"F16"}
    kinds = {p.dtype for p in model.model.parameters()}
    assert kinds == {torch.float32, dtype_of(model.precision)}


@pytest.mark.minute
def test_model_names_unseen_songs(model):
    assert n_right(model, 50, is_shifted=False) >= 45


@pytest.mark.minute
def test_model_names_songs_in_another_mix(model):
    assert n_right(model, 50, is_shifted=True) >= 44


def machine(seed, duration_s=5.0):
    """A saw or an engine: a buzz whose speed wanders, and noise that goes with it."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * RATE)
    knots = np.linspace(0, 1, 8)
    speed = np.interp(np.linspace(0, 1, n), knots, rng.normal(0, 0.15, 8))
    phase = np.cumsum(rng.uniform(60, 140) * np.exp(speed)) / RATE
    buzz = np.exp(-8 * (phase % 1.0)) - 0.125
    rough = buzz + 0.3 * rng.standard_normal(n) * (0.3 + buzz)
    return Clip(0.3 * rough / np.abs(rough).max(), RATE, "machine")


def clock(seed, duration_s=5.0):
    """A clock: short resonances at equal times, nothing between them."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(0.03 * RATE)) / RATE
    hz = rng.uniform(1500, 5000, 4)[:, None]
    tick = (np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s / 0.004)).sum(axis=0)
    samples = 1e-4 * rng.standard_normal(round(duration_s * RATE))
    for at_s in np.arange(0.2, duration_s - 0.1, rng.choice([0.5, 1.0])):
        start = round(at_s * RATE)
        samples[start : start + len(tick)] += 0.2 * tick
    return Clip(samples, RATE, "clock")


def call(seed, duration_s=5.0):
    """A creature: one gliding voice, with breaks."""
    rng = np.random.default_rng(seed)
    samples = 1e-3 * rng.standard_normal(round(duration_s * RATE))
    length = round(0.7 * RATE)
    bend = 1 + 0.3 * np.sin(np.pi * np.linspace(0, 1, length))
    for at_s in np.arange(0.1, duration_s - 0.8, 1.1):
        phase = 2 * np.pi * np.cumsum(rng.uniform(380, 460) * bend) / RATE
        voice = sum(np.sin(n * phase) / n for n in range(1, 9))
        start = round(at_s * RATE)
        samples[start : start + length] += 0.2 * voice * np.hanning(length)
    return Clip(samples, RATE, "call")


@pytest.mark.parametrize("make", [machine, clock, call])
def test_sounds_that_are_no_music_are_unlike_what_it_learned(model, make):
    for seed in range(5):
        clip = make(seed)
        found = judge(predict(clip, model), clip)
        assert found.kind in ("unlike", "speech")
        assert found.distance > 1


def test_noise_tones_and_bare_chords_are_unlike_what_it_learned(model):
    for clip in (noise(duration_s=10.0), tone(duration_s=5.0), chord(duration_s=5.0)):
        assert judge(predict(clip, model), clip).kind == "unlike"


@pytest.mark.parametrize("effort", ["quick", "whole"])
def test_no_composed_song_is_unlike(model, effort):
    for seed, genre in enumerate(STYLES, FIRST_UNSEEN):
        song = compose(genre, seed)
        found = judge(predict(song, model, effort=effort), song)
        assert found.kind in ("sure", "unsure")


def test_a_clip_of_five_seconds_of_a_song_is_not_unlike(model):
    songs = [compose(genre, FIRST_UNSEEN).slice(5.0, 10.0) for genre in STYLES]
    kinds = [judge(predict(song, model), song).kind for song in songs]
    assert kinds.count("unlike") <= 1


def test_an_older_file_without_the_texture_is_used_as_before(model, tmp_path):
    without = dict.fromkeys(novelty.TEXTURE)
    novelty.save(dataclasses.replace(model.novelty, **without), tmp_path)
    older = dataclasses.replace(model, novelty=novelty.load(tmp_path))
    assert model.novelty.reads_texture and not older.novelty.reads_texture
    song = compose("metal", FIRST_UNSEEN, duration_s=10.0)
    assert predict(song, older).genres == predict(song, model).genres
    assert judge(predict(song, older), song).kind != "unlike"
    static = noise(duration_s=10.0)
    assert judge(predict(static, older), static).kind == "unlike"


@pytest.mark.slow
@pytest.mark.parametrize("is_shifted", [False, True], ids=["as composed", "shifted"])
def test_model_is_as_right_on_composed_songs_as_its_card_says(model, is_shifted):
    right = n_right(model, 200, is_shifted)
    least = 185 if is_shifted else 190  # 186 and 197 were measured
    assert right >= least, f"{right} of 200"


def test_pipeline_of_transformers_loads_it():
    from transformers import pipeline

    clip = compose("metal", FIRST_UNSEEN, duration_s=10.0)
    classify = pipeline("audio-classification", str(FOLDER))
    assert classify(clip.samples.copy())[0]["label"] == "metal"
