"""Every class of base model learns through the same code."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

import settings
from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE
from classifier.predict import predict
from errors import KnownError
from hub import client
from networks import architecture
from support import tiny
from support.small_runs import trained
from support.songs import song_folder
from support.tiny import save_tiny_base, save_tiny_model
from trainer import base_models, flags
from trainer.config import RunConfig
from trainer.data import dataset, sources, windows
from trainer.data.dataset import INT16_MAX
from trainer.run.events import Noted, Stage, Step
from trainer.training import initial_model

pytestmark = pytest.mark.minute

GENRES = {"low": 200.0, "high": 3000.0, "0": 500.0}  # a name may be a number's
IDS = {
    "hubert": "facebook/hubert-base-ls960",
    "wav2vec2": "facebook/wav2vec2-base",
    "ast": "MIT/ast-finetuned-audioset-10-10-0.4593",
    "whisper": "openai/whisper-tiny",
}
BODIES = {  # the class of a base model's checkpoint, and where it has its body
    "hubert": ("HubertModel", ""),
    "wav2vec2": ("Wav2Vec2Model", ""),
    "ast": ("ASTForAudioClassification", "audio_spectrogram_transformer"),
    "whisper": ("WhisperForConditionalGeneration", "model.encoder"),
}
WINDOWS_S = {"hubert": 0.5, "wav2vec2": 0.5, "ast": 1.015, "whisper": 1.0}


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    # The shortest song lasts 1 s: less than AST's one window.
    root = tmp_path_factory.mktemp("data") / "songs"
    return song_folder(root, 3, GENRES, SAMPLING_RATE)


@pytest.fixture(scope="module", params=IDS)
def kind(request):
    return request.param


@pytest.fixture
def config(kind, songs, tmp_path_factory, monkeypatch):
    """A run from a tiny base model, in the place of the real one of its class."""
    folder = save_tiny_base(kind, tmp_path_factory.mktemp(kind) / "base")
    monkeypatch.setattr(client, "fetch", lambda model_id, revision: folder)
    return RunConfig(
        data=f"folder:{songs}",
        base_model=IDS[kind],
        window_s=0.5,
        n_steps=2,
        batch_size=2,
        n_accumulated=2,
        eval_every_n_steps=2,
        split="stratified",
    )


def run(config, songs, folder):
    folder.mkdir(exist_ok=True)
    return trained(config, folder, songs.parent / "cache")


def of(told, kind):
    return [event for event in told if isinstance(event, kind)]


def loaded(run_dir):
    return tiny.loaded(run_dir / "model", run_dir)


def first_window(config, songs, extractor, window_s):
    """The first song, and its first window as the trainer hears it."""
    source = sources.source_of(config, lambda event: None)
    quiet = {"emit": lambda event: None, "should_stop": lambda: False}
    prepared = dataset.prepare(source, songs.parent / "cache", **quiet)
    heard = windows.AllWindows(prepared, np.arange(1), extractor, window_s)
    samples = prepared.song(0).astype(np.float32) / np.float32(INT16_MAX)
    return Clip(samples, SAMPLING_RATE), windows.collate([heard[0]])


@pytest.mark.parametrize("part", ["all", "head"])
def test_it_learns_is_kept_and_says_the_same_in_the_classifier(
    config, kind, songs, part, tmp_path
):
    import torch
    from transformers import AutoModelForAudioClassification

    config = dataclasses.replace(config, trained_part=part, weighted_layers=True)
    result, told = run(config, songs, tmp_path / "run")
    steps = of(told, Step)
    assert [step.step for step in steps] == [1, 2] and result.step == 2
    is_linear = part == "head" and kind != "ast"
    if is_linear:  # above a mean: it begins at its optimum
        assert steps[0].loss < 0.1
    else:
        assert steps[0].loss == pytest.approx(math.log(3), abs=1e-4)
    assert any(stage.name == "record" for stage in of(told, Stage)) == (part == "head")

    kept = loaded(tmp_path / "run")
    assert kept.labels == ("0", "high", "low")
    assert kept.window_s == pytest.approx(WINDOWS_S[kind])
    trained = AutoModelForAudioClassification.from_pretrained(tmp_path / "run/model")
    clip, batch = first_window(config, songs, kept.feature_extractor, kept.window_s)
    del batch["labels"]
    with torch.inference_mode():
        expected = trained.eval()(**batch).logits.softmax(-1)[0].tolist()
    said = predict(clip, kept).chunks[0].probabilities
    assert [said[name] for name in kept.labels] == pytest.approx(expected, abs=1e-4)


def test_pretrained_weights_arrive_and_the_last_layer_is_new(config, kind):
    import transformers

    model, _ = initial_model.load_base(config, tuple(GENRES))
    name, place = BODIES[kind]
    theirs = getattr(transformers, name).from_pretrained(client.fetch("", revision=""))
    weights = architecture.body(model).state_dict()
    stored = theirs.get_submodule(place).state_dict()
    assert weights.keys() - {"masked_spec_embed"} == stored.keys() - {
        "masked_spec_embed"
    }
    assert all(weights[name].equal(stored[name]) for name in stored)
    assert not architecture.last_layer(model).weight.any()
    assert model.config.problem_type == "single_label_classification"


def test_only_the_chosen_part_learns(config, kind):
    def learning(part):
        chosen = dataclasses.replace(config, trained_part=part)
        model, _ = initial_model.load_base(chosen, tuple(GENRES))
        body = {id(weight) for weight in architecture.body(model).parameters()}
        front = {id(w) for m in architecture.front_end(model) for w in m.parameters()}
        quick = [w for w in model.parameters() if w.requires_grad]
        inside = sum(id(weight) in body for weight in quick)
        in_front = sum(id(weight) in front for weight in quick)
        return len(quick) - inside, inside - in_front, in_front

    head, encoder, front = learning("all")
    assert head and encoder and front
    assert learning("encoder") == (head, encoder, 0)
    assert learning("head") == (head, 0, 0)


def test_two_accumulated_batches_equal_one(config, songs, tmp_path):
    one = dataclasses.replace(
        config, batch_size=4, n_accumulated=1, label_smoothing=0.1
    )
    two = dataclasses.replace(one, batch_size=2, n_accumulated=2)
    (_, whole), (_, halves) = (
        run(each, songs, tmp_path / str(each.batch_size)) for each in (one, two)
    )
    for a, b in zip(of(whole, Step), of(halves, Step), strict=True):
        assert a.loss == pytest.approx(b.loss, rel=0.03)
        # Dropout and SpecAugment differ; the trap is a factor of 2.
        assert a.gradient_norm == pytest.approx(b.gradient_norm, rel=0.4)


@pytest.mark.parametrize("kind", ["ast", "whisper"], scope="module")
def test_windows_of_a_mel_model_are_its_own_length_and_full(kind, config, songs):
    model, extractor = initial_model.load_base(config, tuple(GENRES))
    window_s = architecture.fixed_window_s(model.config.to_dict())
    assert window_s == pytest.approx(WINDOWS_S[kind])
    _, batch = first_window(config, songs, extractor, window_s)  # of a song of 1 s
    mels = batch[extractor.model_input_names[0]][0]
    frames = mels if kind == "ast" else mels.T
    assert len(frames) == 100
    assert float(frames.std(dim=1).min()) > 0.005  # a padded frame is one number


@pytest.mark.parametrize("kind", ["ast"], scope="module")
def test_what_a_model_cannot_do_is_said(kind, config, songs, tmp_path):
    wishes = {"weighted_layers": True, "mask_time_fraction": 0.1}
    _, told = run(dataclasses.replace(config, **wishes), songs, tmp_path / "run")
    notes = {note.code: note.details for note in of(told, Noted)}
    assert notes["left_out"] == {"fields": ["weighted_layers", "mask_time_fraction"]}
    assert notes["one_window_length"]["window_s"] == pytest.approx(1.015)


def small(songs, **changes):
    return RunConfig(
        data=f"folder:{songs}",
        base_model="small",
        window_s=0.5,
        batch_size=3,
        n_accumulated=1,
        **{"n_steps": 3, "eval_every_n_steps": 3, **changes},
    )


@pytest.mark.parametrize("base_model", ["small", "bundled"])
def test_layers_are_mixed_none_skipped_and_parts_hidden(songs, base_model):
    wishes = {
        "weighted_layers": True,
        "fast_attention": True,
        "mask_time_fraction": 0.3,
        "mask_feature_fraction": 0.2,
    }
    config = dataclasses.replace(small(songs), base_model=base_model, **wishes)
    model, _ = initial_model.load_base(config, tuple(GENRES))
    n_states = model.config.num_hidden_layers + 1
    assert model.layer_weights.tolist() == pytest.approx([1 / n_states] * n_states)
    assert model.config.layerdrop == model.config.attention_dropout == 0.0
    assert initial_model.left_out(config, model.config) == []
    assert hasattr(architecture.body(model), "masked_spec_embed")


def test_weighted_layers_train_where_layers_would_be_skipped(
    songs, tmp_path, monkeypatch
):
    folder = save_tiny_model(tmp_path / "base", layerdrop=0.9)
    monkeypatch.setattr(client, "fetch", lambda model_id, revision: folder)
    config = small(songs, weighted_layers=True)
    config = dataclasses.replace(config, base_model=base_models.DISTILHUBERT)
    result, _ = run(config, songs, tmp_path / "run")
    assert result.step == 3


def test_masks_fit_into_the_shortest_window(songs, tmp_path, monkeypatch):
    # 10 frames of 100 ms each would not fit into 0.5 s.
    coarse = {"conv_stride": (5, 16, 20)}
    folder = save_tiny_model(tmp_path / "base", **coarse)
    monkeypatch.setattr(client, "fetch", lambda model_id, revision: folder)
    config = small(songs, mask_time_fraction=0.5, mask_feature_fraction=0.5)
    config = dataclasses.replace(config, base_model=base_models.DISTILHUBERT)
    result, _ = run(config, songs, tmp_path / "run")
    assert result.step == 3


def test_same_config_gives_the_same_losses_with_everything_random_in_it(
    songs, tmp_path
):
    config = small(
        songs,
        n_epochs=2,
        augmentation=True,
        label_smoothing=0.1,
        weighted_layers=True,
        mask_time_fraction=0.3,
        mask_feature_fraction=0.2,
        encoder_rate_fraction=0.3,
        schedule="cosine",
        eval_every_n_steps=0,
    )
    losses = [
        [step.loss for step in of(run(config, songs, tmp_path / name)[1], Step)]
        for name in ("one", "two")
    ]
    assert len(losses[0]) == 2 * 3  # 7 songs to learn from, in batches of 3
    assert losses[0] == losses[1]


def test_genre_of_two_songs_is_learned_and_tested(tmp_path):
    songs = song_folder(tmp_path / "songs", 2, GENRES)
    result, told = run(small(songs, split="stratified"), songs, tmp_path / "run")
    assert result.step == 3
    facts = next(note for note in of(told, Noted) if note.code == "split_two").details
    assert facts == {"n_train": 3, "n_test": 3}


def test_base_model_that_this_host_does_not_allow_is_refused():
    extra = ("someone/model@refs/pr/4",)
    for allowed in (*base_models.CHOICES, *extra):
        base_models.admit(allowed, extra)
        assert RunConfig(base_model=allowed).base_model == allowed
    with pytest.raises(KnownError, match="not_a_choice") as caught:
        base_models.admit("someone/other", extra)
    assert "someone/model@refs/pr/4" in caught.value.details["choices"]


def test_revision_of_a_base_model_is_part_of_its_name():
    plain, exact = map(base_models.hub_model, ("a/b", "a/b@refs/pr/4"))
    assert (plain.id, plain.revision) == ("a/b", "")
    assert (exact.id, exact.revision) == ("a/b", "refs/pr/4")
    assert base_models.hub_model("bundled") is None
    other = base_models.hub_model("openai/whisper-tiny@main")
    assert (other.revision, other.window_s) == ("main", 30.0)
    for model in base_models.KNOWN:  # and those of our own list are exact
        assert client.COMMIT.fullmatch(base_models.hub_model(model.id).revision)


@pytest.mark.parametrize(
    "name", ["", "x", "../a", "a/../b", "a/b/c", "a/b@", "/a/b", 3]
)
def test_what_is_no_name_of_a_model_is_refused(name):
    with pytest.raises(KnownError, match="not_a_choice"):
        RunConfig(base_model=name)


def test_host_names_base_models_in_its_environment():
    names = " someone/model@main, ,a/b"
    host = settings.from_environment({"GENRESCOPE_BASE_MODELS": names})
    assert host.base_models == ("someone/model@main", "a/b")
    assert settings.from_environment({}).base_models == ()
    assert "GENRESCOPE_BASE_MODELS" not in settings.CHILD_VARIABLES  # it needs no list


def test_shell_starts_from_what_the_host_allows_and_nothing_else():
    parser = flags.parser(Path("runs"), Path("cache"), source="")
    options = parser.parse_args(["--preset", "head", "--base-model", "a/b"])
    assert flags.config_of(options, ("a/b",)).base_model == "a/b"
    with pytest.raises(KnownError, match="not_a_choice"):
        flags.config_of(options)
