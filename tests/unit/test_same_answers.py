"""The accuracy of a run is that of Classify with its model on the same files."""

import numpy as np
import pytest

from audio import decode
from audio.clip import Clip
from audio.synth.composer import compose
from classifier.predict import predict
from errors import KnownError
from support import tiny
from support.files import write_audio
from trainer.data import dataset, sources
from trainer.data.windows import AllWindows
from trainer.evaluation import evaluate, model_lookup
from trainer.training.initial_model import BUNDLED_DIR

RATE = 22_050
# Windows that are resampled one by one give the song's probabilities within 1e-5. The
# rest is the cache's int16: its rounding, 98 dB below full scale, becomes noise where a
# window holds digital silence and each frame is normalised. Of the trained model 1e-4.
TOLERANCE = {"bundled": 5e-4}
RANDOM_WEIGHTS = 5e-3
# Times as much, where products are rounded to eight bits, each in its own order.
BF16 = 4


def with_silence(clip, start_s, stop_s):
    samples = clip.samples.copy()
    samples[round(start_s * RATE) : round(stop_s * RATE)] = 0
    return Clip(samples, RATE)


def songs_of(window_s):
    """Songs whose windows are easily cut in two ways, by name."""
    song = compose("blues", 1, duration_s=3.3 * window_s, sampling_rate=RATE)
    other = compose("jazz", 2, duration_s=3.3 * window_s, sampling_rate=RATE)
    return {
        "blues/whole": song,
        "blues/silent windows": with_silence(song, 0.9 * window_s, 2.2 * window_s),
        "blues/silent beginning": with_silence(song, 0.0, 2.05 * window_s),
        "blues/hardly longer": song.slice(0, 1.0005 * window_s),
        "jazz/odd length": Clip(
            other.samples[: round(2.37 * window_s * RATE) | 1], RATE
        ),
        "jazz/short": other.slice(0, 0.3 * window_s),
        "jazz/two": other.slice(0, 2 * window_s),
        "jazz/quiet end": with_silence(other, 1.5 * window_s, 3.3 * window_s),
        "jazz/silent": with_silence(other, 0, 3.3 * window_s),
    }


def answered(folder, window_s, tmp_path):
    """Probabilities by song: of the evaluation, of classification; and the precision."""
    model = model_lookup.load(model_lookup.find(str(folder), tmp_path, BUNDLED_DIR))
    paths = {}
    for name, clip in songs_of(window_s).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        paths[f"{name}.wav"] = write_audio(tmp_path / f"{name}.wav", clip)
    told = []
    source = sources.folder_songs(tmp_path)
    songs = dataset.prepare(
        source, tmp_path / "cache", emit=told.append, should_stop=lambda: False
    )
    windows = AllWindows(
        songs,
        np.arange(len(songs.songs)),
        model.feature_extractor,
        model.window_s,
        takes_any_length=model.ref.takes_any_length,
    )
    answers = evaluate.predict(
        model.model, windows, emit=told.append, should_stop=lambda: False
    )
    evaluated = dict(
        zip(answers.names, answers.probabilities(model.temperature), strict=True)
    )
    classified = {}
    for name, path in paths.items():
        try:
            found = dict(predict(decode.load(path).clip, model).genres)
        except KnownError as error:
            assert error.code == "silent"
            continue
        classified[name] = np.array([found[label] for label in model.labels])
    return evaluated, classified, model.precision


@pytest.mark.parametrize(
    "kind", ["tiny", "several labels", "any length", "wav2vec2", "ast", "bundled"]
)
def test_evaluation_and_classification_give_the_same_probabilities(kind, tmp_path):
    several = {"problem_type": "multi_label_classification"}
    folder, window_s = tmp_path.parent / f"{tmp_path.name}-model", 0.5
    match kind:
        case "tiny":
            tiny.save_tiny_model(folder)
        case "several labels":
            tiny.save_tiny_model(folder, **several)
        case "any length":
            tiny.save_tiny_model(folder, genrescope=None)
        case "bundled":
            folder, window_s = BUNDLED_DIR, 5.0
        case _:
            tiny.save_tiny_other(kind, folder)
            window_s = 1.015
    evaluated, classified, precision = answered(folder, window_s, tmp_path)
    tolerance = TOLERANCE.get(kind, RANDOM_WEIGHTS)
    tolerance *= BF16 if precision == "bf16" else 1
    assert evaluated.keys() == classified.keys()
    assert len(classified) == 8  # the silent one has no answer
    for name, expected in classified.items():
        assert evaluated[name] == pytest.approx(expected, abs=tolerance), name
    rows = np.stack([*classified.values()])
    if kind == "several labels":
        assert rows.sum(axis=1) != pytest.approx(1.0, abs=0.01)
    assert np.ptp(rows, axis=0).max() > 2 * tolerance  # so that equality means much
