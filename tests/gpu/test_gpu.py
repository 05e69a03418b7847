"""On a CUDA device: runs, answers, memory and live figures; bench/gpu.py runs these."""

import math
import os
import sys

import pytest

import settings
from audio.synth import composer
from classifier.models import Models
from classifier.predict import predict
from networks import device
from support.small_runs import GENRES, config_for, losses, trained
from support.songs import song_folder
from support.waiting import wait_until
from trainer.process import jobs
from trainer.run.events import Device, Noted

pytestmark = pytest.mark.gpu
CHANGES = {"split": "stratified", "eval_every_n_steps": 0}
WITHIN = 2e-3  # of a probability: convolutions are computed in TF32


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    return song_folder(tmp_path_factory.mktemp("data") / "songs", 5, GENRES)


def run(songs, folder, **changes):
    config = config_for(songs, **{**CHANGES, **changes})
    return trained(config, folder, songs.parent / "cache")


def test_auto_is_bf16_where_the_card_computes_in_it_and_fp16_elsewhere():
    import torch

    major, _ = torch.cuda.get_device_capability()
    assert device.best().precision == ("bf16" if major >= 8 else "fp16")


@pytest.mark.parametrize("part", ["all", "encoder", "head"])
def test_each_part_trains_in_the_precision_of_auto(songs, tmp_path, part):
    import torch

    torch.cuda.reset_peak_memory_stats()
    result, told = run(songs, tmp_path, trained_part=part, validation_fraction=0.2)
    assert torch.cuda.max_memory_allocated() > 0
    assert all(math.isfinite(loss) for loss in losses(told).values())
    assert losses(told)[1] == pytest.approx(math.log(3), abs=0.1)
    assert math.isfinite(result.accuracy)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_losses_agree_with_those_of_fp32(songs, tmp_path, precision):
    told = {}
    for name in ("fp32", precision):
        (tmp_path / name).mkdir()
        # Dropout differs, and fp16's scaler may leave the first step out.
        _, told[name] = run(songs, tmp_path / name, precision=name)
    assert losses(told[precision]) == pytest.approx(losses(told["fp32"]), rel=0.05)


def test_accumulated_batches_equal_one_large_batch(songs, tmp_path):
    _, small = run(songs, tmp_path, precision="fp32")
    (tmp_path / "large").mkdir()
    _, large = run(
        songs, tmp_path / "large", precision="fp32", batch_size=8, n_accumulated=1
    )
    assert losses(small) == pytest.approx(losses(large), rel=0.02)


def test_extractor_and_model_answer_as_on_a_cpu(tmp_path):
    here, there = (
        Models(
            bundled_model_dir=settings.Settings.bundled_model_dir,
            runs_dir=tmp_path,
            hub_model="",
            is_offline=True,
            device=device,
        )
        for device in ("cuda", "cpu")
    )
    for genre in composer.STYLES:
        song = composer.compose(genre, 1_000_000)
        answer, expected = (
            predict(song, models.load(models.ref("bundled")))
            for models in (here, there)
        )
        assert answer.genres[0][0] == expected.genres[0][0]
        assert dict(answer.genres) == pytest.approx(dict(expected.genres), abs=WITHIN)
        for chunk, other in zip(answer.chunks, expected.chunks, strict=True):
            assert chunk.probabilities == pytest.approx(other.probabilities, abs=WITHIN)


def test_training_without_enough_memory_goes_on_with_smaller_batches(songs, tmp_path):
    import torch

    wide = {"window_s": 30.0, "batch_size": 12, "n_accumulated": 1}
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    (tmp_path / "before").mkdir()
    run(songs, tmp_path / "before", **wide)
    peak_bytes = torch.cuda.max_memory_reserved()
    torch.cuda.empty_cache()
    total_bytes = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(0.7 * peak_bytes / total_bytes)
    try:
        _, told = run(songs, tmp_path, **wide)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    halved = [e for e in told if isinstance(e, Noted) and e.code == "batch_halved"]
    assert halved
    assert len(losses(told)) == 3
    assert (tmp_path / "model" / "model.safetensors").exists()


def test_run_in_its_own_process_tells_its_gpu(songs, tmp_path):
    import torch

    run = jobs.start(
        config_for(songs, **CHANGES, n_steps=2),
        tmp_path / "runs",
        cache_dir=songs.parent / "cache",
        env={**settings.child_environment(), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    wait_until(lambda: run.state().is_ended, "its end")
    assert run.state().name == "finished", run.log_file.read_text("utf-8")[-3000:]
    seen = [event for event in run.events()[0] if isinstance(event, Device)]
    assert seen
    assert {event.name for event in seen} == {torch.cuda.get_device_name()}
    total_bytes = torch.cuda.get_device_properties(0).total_memory
    assert all(0 < each.memory_bytes < each.memory_total_bytes for each in seen)
    assert seen[-1].memory_total_bytes == pytest.approx(total_bytes, rel=0.05)
    assert all(0 <= each.load <= 1 and each.temperature_c > 0 for each in seen)
