"""Guessing the clusters of hidden frames: songs of two tones, whose answer is known."""

import dataclasses
import json
import math
import shutil
import zipfile

import numpy as np
import pytest

from audio.hubert import masking
from audio.hubert.preprocessing import FrameGrid
from audio.synth import composer
from classifier.models import Models
from errors import KnownError
from networks import checkpoint, masked_prediction
from settings import Settings
from support.signals import noise, silence
from support.small_runs import losses, never, of, trained
from support.tone_songs import alternating, unlabelled_folder
from trainer.config import RunConfig
from trainer.data import dataset, sources
from trainer.preflight import preflight
from trainer.run import checkpoints, runs
from trainer.run.events import Evaluated, Guessed, Noted, Stage, Step
from trainer.training import initial_model, pretraining
from trainer.training.pretraining import MaskedAccuracy


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    return unlabelled_folder(tmp_path_factory.mktemp("data") / "songs")


def config_for(songs, **changes):
    small = RunConfig(
        preset="pretrain",
        objective="masked",
        data=f"folder:{songs}",
        base_model="small",
        split="stratified",
        test_fraction=0.2,
        validation_fraction=0.2,
        window_s=2.0,
        n_steps=6,
        batch_size=4,
        n_accumulated=1,
        learning_rate=2e-3,
        mask_time_fraction=0.5,
        mask_time_length=4,
        n_clusters=2,
        eval_every_n_steps=2,
    )
    return dataclasses.replace(small, **changes)


def go(songs, folder, checkpoint=None, until=never, **changes):
    config = config_for(songs, **changes)
    return trained(config, folder, songs.parent / "cache", until, checkpoint)


def untrained(n_clusters=4, **changes):
    """A predictor with random weights, and its feature extractor."""
    config = RunConfig(
        objective="masked", base_model="small", mask_time_length=4, window_s=2.0
    )
    model, extractor = initial_model.load_base(config, [""])
    made = masked_prediction.predictor(model.hubert, n_clusters, seed=0, **changes)
    return made, extractor


@pytest.fixture(scope="module")
def through(songs, tmp_path_factory):
    """A short run, second iteration included, that nobody stopped."""
    folder = tmp_path_factory.mktemp("through")
    return *go(songs, folder), folder


def test_frames_are_the_model_s_own():
    made, _ = untrained()
    grid = masked_prediction.frame_grid(made.config)
    values = np.zeros(16_000, np.float32)
    n_frames = int(made.body._get_feat_extract_output_lengths(16_000))
    assert grid.n_frames(16_000) == n_frames
    assert masked_prediction.mfccs(values, made.config).shape == (n_frames, 39)
    assert FrameGrid().n_samples(2) == 720


def test_mfccs_are_those_of_the_lesson_liftered_once():
    """Centres that a model keeps are of these numbers: to others, none would be near."""
    made, _ = untrained()
    clip = noise(duration_s=1.0, sampling_rate=16_000)
    lesson_s = masking.features(clip, masked_prediction.frame_grid(made.config))
    assert np.array_equal(masked_prediction.mfccs(clip.samples, made.config), lesson_s)


def test_two_tones_are_two_clusters_the_low_one_first():
    made, _ = untrained()
    found = masked_prediction.mfccs(alternating(each_s=0.5).samples, made.config)
    centres = pretraining.cluster(found, found, 2, seed=0)
    labels = ((found[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    middles = [labels[round((i + 0.5) * 0.5 * 25) - 1] for i in range(8)]
    assert middles == [0, 1] * 4


def test_fewer_different_frames_than_clusters_leave_centres_that_nothing_is_near():
    frames = np.repeat([[0.0, 1.0], [9.0, 1.0]], 20, axis=0).astype(np.float32)
    centres = pretraining.cluster(frames, frames, 4, seed=0)
    assert sorted(centres[:2, 0]) == [0.0, 9.0]
    assert (centres[2:] == masked_prediction.FAR).all()


def test_accuracy_stands_beside_what_knows_nothing():
    targets = np.array([[0, 0, 0, 1, 1, 0]])
    is_hidden = np.array([[False, False, False, True, True, True]])
    found = MaskedAccuracy.of(np.array([[9, 9, 9, 1, 1, 1]]), targets, is_hidden)
    assert found.accuracy == pytest.approx(2 / 3)
    assert (found.commonest, found.as_before) == pytest.approx((1 / 3, 1 / 3))
    assert found.n_frames == 3


def test_validation_hides_the_same_frames_and_leaves_numpy_s_generator_alone():
    config = untrained()[0].config
    before = np.random.get_state()[1].copy()
    one, other = (masked_prediction.spans((3, 90), config, seed=5) for _ in "12")
    assert np.array_equal(one, other)
    assert 0.3 < one.mean() < 0.8
    assert np.array_equal(np.random.get_state()[1], before)


def test_hidden_frames_are_replaced_by_the_learned_vector():
    import torch

    made, _ = untrained(has_second=False)
    made.eval()
    values = torch.from_numpy(
        noise(duration_s=1.0, sampling_rate=16_000).samples.copy()
    )[None]
    n_frames = int(made.body._get_feat_extract_output_lengths(16_000))
    given = torch.zeros(1, n_frames, 39)
    is_hidden = torch.ones(1, n_frames, dtype=torch.bool)
    with torch.no_grad():
        one = made(values, given, is_hidden)["guesses"]
        other = made(-values.flip(1), given, is_hidden)["guesses"]
    assert torch.equal(one, other)  # nothing of either sound is left


@pytest.mark.minute
def test_two_tones_are_guessed_better_than_without_a_model(songs, tmp_path):
    changes = {"n_steps": 100, "eval_every_n_steps": 50, "visible_weight": 1.0}
    result, told = go(songs, tmp_path, **changes)
    best_simple = max(result.masked.commonest, result.masked.as_before)
    assert result.masked.accuracy > best_simple + 0.2
    assert "second_iteration" in [note.code for note in of(told, Noted)]
    assert result.accuracy is None
    assert not of(told, Evaluated)  # whose accuracy is that of genres
    for each in of(told, Guessed):
        assert 0 <= each.commonest <= 1 and math.isfinite(each.loss)


def test_run_without_genres_tells_its_phases_and_makes_a_base_model(through):
    result, told, folder = through
    phases = list(dict.fromkeys(event.name for event in of(told, Stage)))
    assert phases[0] == "songs" and phases[-2:] == ["test", "save"]
    assert "cluster" in phases
    assert [each.step for each in of(told, Guessed)] == [2, 4, 6]
    (note,) = (n for n in of(told, Noted) if n.code == "second_iteration")
    assert note.details == {"step": 3}
    model_dir = folder / "model"
    assert {path.name for path in model_dir.iterdir()} == {
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
        masked_prediction.FILE,
    }
    config = json.loads((model_dir / "config.json").read_text("utf-8"))
    assert config["architectures"] == ["HubertModel"]
    assert config["apply_spec_augment"] is False  # runs from it hide only if asked to
    assert config["genrescope"]["masked"]["accuracy"] == result.masked.accuracy
    assert not (folder / "scores.json").exists()


def test_saved_model_guesses_as_the_one_that_was_trained(through):
    model = masked_prediction.load(through[2] / "model", "it")
    assert (model.iteration, model.n_clusters, model.window_s) == (2, 2, 2.0)
    found = masked_prediction.guesses(alternating(n_times=20), model=model)
    n_frames = model.grid.n_frames(alternating(n_times=20).n_samples)
    assert len(found.guessed) == len(found.clusters.labels) == n_frames
    assert set(found.guessed) <= {0, 1}
    assert found.is_hidden.any()


def test_shipped_model_guesses_composed_songs_better_than_who_knows_nothing():
    model = masked_prediction.load(Settings().pretrained_model_dir, "it")
    right = np.zeros(3)
    for place, genre in enumerate(3 * tuple(composer.STYLES)):
        song = composer.compose(genre, 1_000_000 + place // len(composer.STYLES))
        found = masked_prediction.guesses(song, model=model, draw=place)
        simple = masking.baselines(found.clusters, found.is_hidden)
        right += found.accuracy, simple.commonest, simple.as_before
    assert right[0] > 1.02 * max(right[1:])


def test_nothing_is_guessed_in_silence(through):
    model = masked_prediction.load(through[2] / "model", "it")
    assert not len(masked_prediction.guesses(silence(), model=model).guessed)


def test_broken_head_is_a_known_error(through, tmp_path):
    shutil.copytree(through[2] / "model", tmp_path / "model")
    (tmp_path / "model" / masked_prediction.FILE).write_bytes(b"nothing")
    with pytest.raises(KnownError, match="model_broken"):
        masked_prediction.load(tmp_path / "model", "it")


def finished_run(through, tmp_path):
    run = runs.create(tmp_path / "runs", RunConfig(preset="pretrain"))
    shutil.copytree(through[2] / "model", run.model_dir)
    runs.write_whole(run.folder / "result.json", '{"state": "finished"}')
    return run


def test_base_model_is_not_offered_to_classify(through, tmp_path):
    run = finished_run(through, tmp_path)
    models = Models(
        bundled_model_dir=initial_model.BUNDLED_DIR,
        runs_dir=tmp_path / "runs",
        hub_model="",
    )
    assert [ref.source for ref in models.available()] == ["bundled"]
    ref = checkpoint.describe("run", run.id, run.model_dir)
    with pytest.raises(KnownError, match="model_wrong_task"):
        checkpoint.load(ref, run.model_dir)


def test_another_run_starts_from_it(through, tmp_path):
    run = finished_run(through, tmp_path)
    config = RunConfig(base_model=f"run:{run.id}", window_s=2.0)
    folder = runs.base_model_dir(config, tmp_path / "runs")
    model, _ = initial_model.load_base(config, ["a", "b"], [folder])
    kept = masked_prediction.load(run.model_dir, "it").predictor.body
    name = "encoder.layers.0.feed_forward.intermediate_dense.bias"
    assert model.hubert.get_parameter(name).equal(kept.get_parameter(name))
    assert model.config.id2label == {0: "a", 1: "b"}
    assert runs.first_base(config, tmp_path / "runs") == run.config().base_model


def test_base_model_of_a_run_that_is_gone_is_refused(tmp_path):
    config = RunConfig(base_model="run:20260131-120000-1a2b", data="composed")
    with pytest.raises(KnownError, match="unknown_run"):
        preflight(config, tmp_path, tmp_path, env={})
    with pytest.raises(KnownError, match="run_without_model"):
        initial_model.load_base(config, ["a", "b"])
    with pytest.raises(KnownError, match="not_a_choice"):
        RunConfig(base_model="run:../elsewhere")


def test_spectrogram_has_no_frames_to_hide(tmp_path):
    config = RunConfig(
        objective="masked", base_model="openai/whisper-tiny", data="composed"
    )
    with pytest.raises(KnownError, match="no_hidden_frames"):
        preflight(config, tmp_path, tmp_path, env={})


def test_songs_need_no_folders_of_genres(songs, tmp_path):
    found = preflight(config_for(songs), tmp_path, tmp_path, env={})
    assert (found.n_songs, found.genres) == (8, (("", 8),))
    path = tmp_path / "songs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for song in sorted(songs.iterdir()):
            archive.write(song, song.name)
    zipped = sources.source_of(
        dataclasses.replace(config_for(songs), data=f"zip:{path}"), lambda _: None
    )
    assert [song.name for song in zipped.songs] == [f"{i}.wav" for i in range(8)]
    with pytest.raises(KnownError, match="no_genres"):
        sources.zip_songs(path)


def test_two_songs_are_too_few_for_three_parts(tmp_path):
    source = sources.folder_songs(
        unlabelled_folder(tmp_path / "songs", 2), needs_genres=False
    )
    with pytest.raises(KnownError, match="too_few_unlabelled"):
        dataset.prepare(
            source,
            tmp_path / "cache",
            emit=lambda _: None,
            should_stop=lambda: False,
            needs_genres=False,
        )


@pytest.mark.minute
@pytest.mark.parametrize("step", [2, 3, 5], ids=["before", "at", "in the second"])
def test_resumed_losses_are_those_of_a_run_that_went_through(
    songs, tmp_path, through, step
):
    first, told = go(songs, tmp_path, until=lambda told: len(of(told, Step)) >= step)
    assert first.was_stopped and first.masked is None
    newest = checkpoints.newest(tmp_path)
    assert checkpoints.step_of(newest) == step
    shutil.rmtree(tmp_path / "model")
    last, more = go(songs, tmp_path, newest)
    assert losses(told) | losses(more) == losses(through[1])
    assert last.masked == through[0].masked


@pytest.mark.minute
def test_same_config_gives_the_same_losses(songs, tmp_path, through):
    _, told = go(songs, tmp_path)
    assert losses(told) == losses(through[1])
