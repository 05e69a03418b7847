import dataclasses
import os
from collections import namedtuple
from pathlib import Path

import pytest

from audio.synth import composer
from errors import KnownError
from networks.device import Device
from support.songs import song_folder
from trainer import config, preflight
from trainer.config import RunConfig
from trainer.process import device

Usage = namedtuple("Usage", "total used free")
GPU = Device("cuda", "GPU", "bf16", "gpu_bf16")


def look(tmp_path, recipe, **options):
    return preflight.preflight(
        recipe, tmp_path / "runs", tmp_path / "cache", env={}, **options
    )


def on(monkeypatch, gpu=None, free=10**12):
    monkeypatch.setattr(device, "best", lambda env: gpu or Device("cpu", "CPU"))
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(0, 0, free))


def test_folder_s_songs_are_counted_by_genre(tmp_path):
    songs = song_folder(tmp_path / "songs", 3)
    (songs / "low" / ".hidden").write_text("")
    seen = look(tmp_path, RunConfig(data=f"folder:{songs}", base_model="small"))
    assert seen.genres == (("high", 3), ("low", 3))
    assert seen.n_songs == 6
    assert not (tmp_path / "runs").exists()


def test_composed_songs_are_known_without_composing(tmp_path):
    seen = look(tmp_path, config.preset("smoke"))
    assert dict(seen.genres) == dict.fromkeys(composer.STYLES, 12)
    assert seen.device
    assert seen.n_steps == 200


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(KnownError, match="no_folder"):
        look(tmp_path, RunConfig(data=f"folder:{tmp_path}/none"))


def test_missing_zip_is_refused_before_a_run_is_made(tmp_path):
    with pytest.raises(KnownError, match="unreadable"):
        look(tmp_path, RunConfig(data=f"zip:{tmp_path}/none.zip"))
    (tmp_path / "songs.zip").write_text("no zip")
    with pytest.raises(KnownError, match="not_a_zip"):
        look(tmp_path, RunConfig(data=f"zip:{tmp_path}/songs.zip"))


def test_twice_the_steps_take_about_twice_the_time(tmp_path, monkeypatch):
    on(monkeypatch)
    tutorial = config.preset("tutorial")
    longer = dataclasses.replace(tutorial, n_steps=200)
    ratio = look(tmp_path, longer).time_s / look(tmp_path, tutorial).time_s
    assert 1.5 < ratio <= 2.0


def test_a_gpu_is_named_and_faster(tmp_path, monkeypatch):
    on(monkeypatch)
    on_processor = look(tmp_path, config.preset("tutorial"))
    on(monkeypatch, GPU)
    on_gpu = look(tmp_path, config.preset("tutorial"))
    assert (on_gpu.device, on_gpu.is_gpu) == ("GPU", True)
    assert on_gpu.time_s < on_processor.time_s / 5


@pytest.mark.parametrize(("kind", "measured_s"), [("fp32", 72), ("bf16", 42)])
def test_tutorial_on_one_thread_costs_what_was_measured(
    kind, measured_s, tmp_path, monkeypatch
):
    """Eight songs of 30 s, at 5.0 and 5.4 CPU s each in bf16 (bench/RESULTS.md)."""
    on(monkeypatch, Device("cpu", "CPU", kind))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    recipe = config.preset("tutorial")
    one_step = dataclasses.replace(recipe, n_steps=101, eval_every_n_steps=1000)
    recipe = dataclasses.replace(recipe, eval_every_n_steps=1000)
    step_s = look(tmp_path, one_step).time_s - look(tmp_path, recipe).time_s
    assert step_s == pytest.approx(measured_s, rel=0.1)  # CPU seconds


def test_two_cores_are_not_quite_twice_as_quick(tmp_path, monkeypatch):
    on(monkeypatch)
    times_s = []
    for n in (1, 2):
        monkeypatch.setattr(os, "cpu_count", lambda n=n: n)
        times_s.append(look(tmp_path, config.preset("tutorial")).time_s)
    assert 1.5 < times_s[0] / times_s[1] < 1.9


def test_epochs_are_counted_in_steps(tmp_path, monkeypatch):
    on(monkeypatch)
    recipe = config.preset("course")  # 900 songs of 1000 to learn from, 8 at once
    assert look(tmp_path, recipe).n_steps == 10 * 113


def test_recorded_parts_make_a_run_shorter(tmp_path, monkeypatch):
    on(monkeypatch)
    times_s = [
        look(tmp_path, config.preset(name)).time_s
        for name in ("head", "fast", "course")
    ]
    assert times_s == sorted(times_s)
    anew = dataclasses.replace(config.preset("head"), n_windows_per_song=0)
    assert look(tmp_path, anew).time_s > times_s[0]


def test_windows_that_no_epoch_draws_need_no_time_and_no_disk():
    one, twenty = (
        dataclasses.replace(config.preset("fast"), n_steps=n_epochs * 44)
        for n_epochs in (1, 20)
    )
    validated_s = preflight._validation_s(one, 30_000.0)
    # 700 of 1000 songs of 30 s; 12 windows of 5 s each, overlapping by half.
    recorded_s = [
        preflight._cached_s(each, 1000, 30_000.0) - validated_s
        for each in (one, twenty)
    ]
    assert recorded_s == pytest.approx([700 * 5, 700 * 12 * 5 * 0.82], rel=0.02)
    head = dataclasses.replace(config.preset("head"), n_windows_per_song=0)
    everything_s = preflight._cached_s(head, 1000, 30_000.0) - validated_s
    assert everything_s == pytest.approx(2 * 21_000)


def test_windows_of_whisper_are_counted_as_long_as_they_are(tmp_path, monkeypatch):
    on(monkeypatch)
    whisper = RunConfig(base_model="openai/whisper-tiny", window_s=5.0)
    long = dataclasses.replace(whisper, window_s=30.0)
    assert look(tmp_path, whisper).time_s == look(tmp_path, long).time_s


def test_larger_batches_and_windows_need_more_memory(tmp_path):
    recipe = config.preset("smoke")
    memory_bytes = look(tmp_path, recipe).memory_bytes
    for changes in ({"batch_size": 32}, {"window_s": 20.0}, {"trained_part": "all"}):
        larger = dataclasses.replace(recipe, **changes)
        assert look(tmp_path, larger).memory_bytes > memory_bytes


def test_full_disk_is_refused_with_both_figures(tmp_path, monkeypatch):
    on(monkeypatch, free=10**9)
    with pytest.raises(KnownError) as caught:
        look(tmp_path, config.preset("tutorial"))
    assert caught.value.code == "disk_too_small"
    assert caught.value.details["needed_gb"] == pytest.approx(3.14, abs=0.2)
    assert caught.value.details["free_gb"] == 1.0


@pytest.mark.parametrize("name", ["runs", "cache"])
def test_folder_that_cannot_be_written_is_no_full_disk(tmp_path, name):
    places = {"runs": tmp_path, "cache": tmp_path} | {name: Path("/proc/nowhere")}
    with pytest.raises(KnownError, match="_not_writable") as caught:
        preflight.preflight(
            config.preset("smoke"), places["runs"], places["cache"], env={}
        )
    assert caught.value.details["folder"] == Path("/proc/nowhere")


def test_preflight_imports_nothing_heavy():
    import subprocess
    import sys

    code = "import sys, trainer.preflight; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_processor_that_multiplies_bf16_is_quicker_unless_fp32_is_asked(
    tmp_path, monkeypatch
):
    tutorial = config.preset("tutorial")
    exact = dataclasses.replace(tutorial, precision="fp32")
    on(monkeypatch, Device("cpu", "CPU", "bf16"))
    quick, asked = (look(tmp_path, each).time_s for each in (tutorial, exact))
    on(monkeypatch)
    usual = look(tmp_path, tutorial).time_s
    assert quick < 0.7 * usual
    assert asked == usual


def test_memory_counts_the_test_s_batch_where_it_is_larger(tmp_path, monkeypatch):
    """Of a run that trains the head alone, the test takes the most."""
    whole = config.preset("tutorial")
    head = dataclasses.replace(whole, trained_part="head")
    on(monkeypatch, GPU)
    assert 2e9 < look(tmp_path, head).memory_bytes < look(tmp_path, whole).memory_bytes
    on_gpu = look(tmp_path, head).memory_bytes
    on(monkeypatch)
    assert look(tmp_path, head).memory_bytes < on_gpu  # a window at a time


OFFLINE = {"HF_HUB_OFFLINE": "1"}


@pytest.mark.parametrize(
    ("base_model", "data", "codes"),
    [
        ("openai/whisper-tiny", "composed", ["model_not_here"]),
        ("bundled", "hub:someone/songs", ["songs_not_here"]),
        ("openai/whisper-tiny", "gtzan", ["model_not_here", "songs_not_here"]),
        ("small", "composed", []),
        ("run:20261129-192434-62e5", "folder:/somewhere", []),
    ],
)
def test_what_an_offline_machine_would_have_to_fetch_is_found(base_model, data, codes):
    config = RunConfig(base_model=base_model, data=data)
    found = preflight.out_of_reach(config, OFFLINE)
    assert [error.code for error in found] == codes
    assert preflight.out_of_reach(config, {}) == []


def test_base_model_that_was_fetched_before_is_in_reach(tmp_path, monkeypatch):
    config = RunConfig(base_model="openai/whisper-tiny", data="composed")
    monkeypatch.setattr(preflight.client, "cached", lambda *_: tmp_path)
    assert preflight.out_of_reach(config, OFFLINE) == []
