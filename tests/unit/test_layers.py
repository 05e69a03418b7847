"""How much of the genre a linear reading of each layer knows, where that is known."""

import json

import numpy as np
import pytest

from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE
from errors import KnownError
from settings import Settings
from support import tiny
from support.files import write_audio
from support.scenes import scene_of
from support.signals import noise, tone
from trainer.__main__ import main
from trainer.config import RunConfig
from trainer.evaluation import layers, metrics, model_lookup
from trainer.run import runs
from trainer.training.initial_model import BUNDLED_DIR
from ui.server.access import Visitor
from ui.tabs.see import readings

pytestmark = pytest.mark.usefixtures("one_thread")
RATE = SAMPLING_RATE
BANDS_HZ = {"low": (150.0, 600.0), "high": (2500.0, 5000.0)}


def song(hz, seed):
    samples = tone(hz, 0.6, RATE).samples + noise(seed, 0.6, RATE, 0.02).samples
    return Clip(samples.astype(np.float32), RATE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Songs whose genre is the band that they are in, and nothing else."""
    root = tmp_path_factory.mktemp("set") / "songs"
    rng = np.random.default_rng(4)
    for genre, band_hz in BANDS_HZ.items():
        (root / genre).mkdir(parents=True)
        for number in range(8):
            clip = song(rng.uniform(*band_hz), number)
            write_audio(root / genre / f"{number}.wav", clip)
    return root


@pytest.fixture
def run(tmp_path, folder):
    made = runs.create(tmp_path / "runs", RunConfig(data=f"folder:{folder}"))
    made.model_dir.symlink_to(BUNDLED_DIR)
    names = {
        part: [f"{genre}/{n}.wav" for genre in BANDS_HZ for n in numbers]
        for part, numbers in (("train", range(5)), ("test", range(5, 8)))
    }
    runs.write_whole(made.folder / runs.SPLIT, json.dumps(names))
    runs.write_whole(made.folder / "result.json", json.dumps({"state": "finished"}))
    return made


def measured(run, tmp_path):
    source = model_lookup.find(run.id, run.folder.parent, BUNDLED_DIR)
    return layers.measure(source, tmp_path / "cache", emit=lambda event: None)


def test_genre_that_is_a_band_alone_is_read_in_every_layer(run, tmp_path):
    found = measured(run, tmp_path)
    assert found.n_right == (6, 6, 6, 6)  # the input, and three layers
    assert (found.n_songs, found.n_train, found.genres) == (6, 10, ("high", "low"))
    assert found.chance == 0.5
    assert found.shares[0] == (1.0, *metrics.wilson_interval(6, 6))


def test_only_the_layer_that_holds_the_genre_is_read_right():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 60)
    features = rng.normal(size=(180, 3, 12)).astype(np.float32)
    features[np.arange(180), 1, labels] += 8.0  # the middle one
    is_test = np.tile([False, True, True], 60)
    found = layers.readings(features, labels, is_test, "abc", "tests")
    assert found.n_right[1] == found.n_songs == 120
    for other in (0, 2):
        low, high = metrics.wilson_interval(found.n_right[other], 120)
        assert low < 1 / 3 < high
    again = layers.readings(features, labels, is_test, "abc", "tests")
    assert again == found


def test_commonest_training_genre_is_what_guessing_names():
    labels = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    is_test = np.array([False] * 4 + [True] * 4)
    features = np.zeros((8, 1, 2), np.float32)
    assert layers.readings(features, labels, is_test, "ab", "tests").chance == 0.25


def test_figures_survive_their_file_and_another_file_is_none(tmp_path):
    given = layers.LayerReadings((3, 4), 5, 10, 2, ("a", "b"), "composed")
    path = tmp_path / layers.FILE
    assert layers.read(path) is None
    path.write_text(given.to_json(), "utf-8")
    assert layers.read(path) == given
    path.write_text('{"n_right": 3}', "utf-8")
    assert layers.read(path) is None


def test_command_measures_a_run_once_beside_it(run, tmp_path, capsys):
    places = ["--runs-dir", str(run.folder.parent), "--cache-dir", str(tmp_path / "c")]
    assert main(["layers", run.id, *places]) == 0
    kept = layers.read(run.folder / layers.FILE)
    assert kept is not None and kept.n_right == (6, 6, 6, 6)
    assert "layer 2: 100.0% (95% interval: 61.0% to 100.0%)" in capsys.readouterr().out


def test_run_without_genres_or_without_its_songs_is_refused(run, tmp_path, capsys):
    runs.write_whole(run.folder / runs.SPLIT, json.dumps({"train": [], "test": []}))
    with pytest.raises(KnownError, match="songs_gone"):
        measured(run, tmp_path)
    config = RunConfig(objective="masked", data=run.config().data)
    runs.write_whole(run.config_file, config.to_json())
    with pytest.raises(KnownError, match="layers_need_genres"):
        measured(run, tmp_path)


def test_shipped_figures_are_of_the_bundled_model():
    found = layers.read(BUNDLED_DIR / layers.FILE)
    config = json.loads((BUNDLED_DIR / "config.json").read_text("utf-8"))
    assert len(found.n_right) == config["num_hidden_layers"] + 1
    assert found.data == "composed"
    assert len(found.genres) == 10 and found.chance == pytest.approx(0.1)


@pytest.fixture
def host(run):
    home = run.folder.parent.parent
    settings = Settings(runs_dir=home / "runs", cache_dir=home / "cache")
    return settings, tiny.models_of(BUNDLED_DIR, settings.runs_dir)


def test_lesson_shows_a_run_s_own_figures_where_they_are_measured(run, host):
    settings, models = host
    scene, key = scene_of(tone()), f"run:{run.id}"
    before = readings.draw(models, settings, scene, key)
    assert "python -m trainer layers" in before.about
    assert "/ 200" in before.table[1][1]  # the bundled model's instead
    assert readings.unmeasured(models.ref(key), settings) == run
    lines = list(readings.measuring(run, settings, "en"))
    assert all("progress" in line for line in lines)
    after = readings.draw(models, settings, scene, key)
    assert "6 / 6" in after.table[1]
    assert "10 training songs" in after.about
    assert readings.unmeasured(models.ref(key), settings) is None
    bundled = readings.draw(models, settings, scene, None)
    assert "composed songs" in bundled.about
    assert readings.unmeasured(models.ref("bundled"), settings) is None


def test_strangers_measure_nothing(run, host):
    settings, models = host
    measure = readings._measuring(models, settings)
    with pytest.raises(KnownError, match="may_not_train"):
        list(measure(f"run:{run.id}", Visitor()))
    assert not (run.folder / layers.FILE).exists()
