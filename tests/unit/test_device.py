import math
import os

import pytest

from networks import device as torch_device
from support import gpus
from trainer.config import RunConfig
from trainer.process import device
from trainer.run import events, runs
from trainer.run.events import Device, Noted

ANSWER = "NVIDIA H200, 1024, 143771, 37, 41\nNVIDIA H200, 5, 143771, 0, 30\n"
ON_CPU = torch_device.Device("cpu", "EPYC", "fp32", "driver_too_old").facts()
ON_GPU = torch_device.Device("cuda", "Tesla T4", "fp16", "gpu_fp16").facts()


def test_first_gpu_s_answer_becomes_figures():
    seen = device.parse(ANSWER)
    assert seen.name == "NVIDIA H200"
    assert seen.memory_bytes == 2**30
    assert seen.load == pytest.approx(0.37)
    assert seen.temperature_c == 41


def test_what_the_gpu_does_not_tell_is_unknown():
    seen = device.parse("Tesla, 10, 100, [N/A], [N/A]")
    assert isinstance(seen, Device)
    assert math.isnan(seen.load)
    assert math.isnan(seen.temperature_c)


@pytest.mark.parametrize("answer", ["", "No devices were found", "a, b, c, d, e"])
def test_foreign_answer_is_no_device(answer):
    assert device.parse(answer) is None


def test_run_on_the_processor_shows_the_processor():
    seen = device.figures(ON_CPU, os.getpid())
    assert seen.name
    assert 0 < seen.memory_bytes < seen.memory_total_bytes
    assert math.isnan(seen.temperature_c)


@pytest.fixture
def lying(monkeypatch, tmp_path):
    """An ``nvidia-smi`` that tells of a GPU."""
    folder = gpus.smi(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    device._asked.cache_clear()
    return folder


@pytest.mark.parametrize("hidden", ["", "-1", " , 0"])
def test_gpus_that_are_hidden_from_the_run_are_not_asked(lying, hidden):
    assert device.gpu(hidden) is None
    assert device.gpu(None).name == device.gpu("0").name == "Tesla T4"


def test_run_on_the_processor_shows_no_gpu_that_another_tool_sees(lying):
    assert device.figures(ON_CPU, os.getpid()).name != "Tesla T4"
    assert device.figures(ON_GPU, os.getpid()).name == "Tesla T4"


def test_gpu_is_asked_for_by_its_own_name(lying):
    """torch counts the fastest card first, nvidia-smi by their place in the machine."""
    tool = lying / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "$*, 10, 15360, 0, 40" | sed "s/.*-i //"\n')
    seen = device.figures({**ON_GPU, "uuid": "12-ab"}, os.getpid(), "1")
    assert seen.name == "GPU-12-ab"


def test_gpu_of_the_tool_is_no_gpu_where_torch_sees_none(lying):
    """The estimate was made for a GPU on which nothing would have run."""
    assert not torch_device.best().is_gpu, "this test is for machines without one"
    found = device.best(dict(os.environ))
    assert found == torch_device.best()


def test_machine_without_a_sign_of_a_gpu_is_not_asked(monkeypatch):
    monkeypatch.setattr(device.shutil, "which", lambda name: None)
    monkeypatch.setattr(device, "SIGNS", [])
    monkeypatch.setattr(device, "_asked", lambda env: pytest.fail("it was asked"))
    assert device.best({}).kind == "cpu"


def make_run(tmp_path, *happened):
    run = runs.create(tmp_path / "runs", RunConfig())
    lines = [events.to_line(event) + "\n" for event in happened]
    run.events_file.write_text("".join(lines))
    return run


def test_unused_gpu_is_a_note_once(lying, tmp_path):
    gauge = device.Gauge(os.getpid(), None)
    run = make_run(tmp_path)
    assert not gauge.is_ready(run)  # the trainer has not told yet
    run.events_file.write_text(events.to_line(Noted("trains_on", ON_CPU)) + "\n")
    assert gauge.is_ready(run)
    note, figures = gauge.measure()
    assert note.code == "gpu_unused"
    assert note.details == {"gpu": "Tesla T4", "why": "driver_too_old"}
    assert isinstance(figures, Device) and figures.name != "Tesla T4"
    (again,) = gauge.measure()
    assert isinstance(again, Device)


def test_gpu_that_is_hidden_by_its_user_is_no_problem(lying, tmp_path):
    run = make_run(tmp_path, Noted("trains_on", ON_CPU))
    gauge = device.Gauge(os.getpid(), "")
    assert gauge.is_ready(run)
    (figures,) = gauge.measure()
    assert isinstance(figures, Device)


def test_launcher_tells_of_an_unused_gpu_too(lying):
    note = device.unused_gpu(Noted("trains_on", ON_CPU), None)
    assert note.details["gpu"] == "Tesla T4"
    assert device.unused_gpu(Noted("trains_on", ON_CPU), "") is None
    assert device.unused_gpu(Noted("trains_on", ON_GPU), None) is None
    assert device.unused_gpu(Noted("crew", {}), None) is None


def test_process_that_is_gone_has_no_figures():
    assert device.figures(ON_CPU, 2**22 + 1) is None


@pytest.mark.gpu
def test_real_gpu_tells_its_figures():
    seen = device.gpu()
    assert seen.memory_total_bytes > 2**30
    assert 0 <= seen.load <= 1
