import math
import os

import pytest

from trainer.process import device
from trainer.run.events import Device

ANSWER = "NVIDIA H200, 1024, 143771, 37, 41\nNVIDIA H200, 5, 143771, 0, 30\n"


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


def test_machine_without_the_gpu_s_tool_shows_its_processor(monkeypatch):
    monkeypatch.setattr(device.shutil, "which", lambda name: None)
    seen = device.figures(os.getpid())
    assert seen.name
    assert 0 < seen.memory_bytes < seen.memory_total_bytes
    assert math.isnan(seen.temperature_c)


def test_gpus_that_are_hidden_from_the_run_are_not_asked():
    assert device.gpu("-1") is None


def test_process_that_is_gone_has_no_figures(monkeypatch):
    monkeypatch.setattr(device.shutil, "which", lambda name: None)
    assert device.figures(2**22 + 1) is None


@pytest.mark.gpu
def test_real_gpu_tells_its_figures():
    seen = device.gpu()
    assert seen.memory_total_bytes > 2**30
    assert 0 <= seen.load <= 1
