"""The script for machines with a CUDA device, tried on a CPU at a small size."""

import json
import math
import time

import pytest

from bench import gpu
from bench.on_gpu import parts, setting
from bench.on_gpu.tables import tables
from networks.device import processor

GPU_TEST = "import pytest\n\n@pytest.mark.gpu\ndef test_{0}():\n    assert {0}\n"
NO_MARK = "def test_other():\n    raise AssertionError\n"
SETTINGS = "[pytest]\nmarkers =\n    gpu: needs a CUDA device\n"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The script's exit code, its figures, and the folder that it wrote to."""
    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUT", str(out))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("CUDA_VISIBLE_DEVICES", "-1")
        code = gpu.main(["--tiny", "--no-tests"])
    return code, json.loads((out / "gpu.json").read_text("utf-8")), out


def test_every_part_gives_figures(measured):
    code, results, out = measured
    assert code == 0, (out / "gpu-parts.txt").read_text("utf-8")[-3000:]
    assert list(results) == list(gpu.PARTS)
    assert not [name for name, found in results.items() if "failed" in found]


def test_tutorial_is_measured_from_the_songs_to_the_model(measured):
    found = measured[1]["tutorial"]
    assert list(found["stages_s"]) == "songs decode model train validate save".split()
    assert sum(found["stages_s"].values()) == pytest.approx(
        found["end_to_end_s"], abs=0.5
    )
    assert found["first_loss"] == pytest.approx(math.log(10), abs=0.01)
    assert found["live"]["n"] > 0


def test_too_little_memory_is_told_as_it_ends(measured):
    found = measured[1]["memory"]
    assert found["training"]["n_halved"] == 1
    assert found["training"]["has_model"]
    assert {each["ended"] for each in found.values() if isinstance(each, dict)} == {
        "done"
    }


def test_tables_name_every_part(measured):
    printed = tables(measured[1])
    for words in (
        "no CUDA device",
        "end to end",
        "8 x 1, 4 loaders",
        "bundled",
        "fp32",
        "halved",
    ):
        assert words in printed


def test_machine_without_a_cuda_device_is_left_alone(monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    monkeypatch.setattr("trainer.process.device.best", lambda env: processor())
    assert gpu.main([]) == 0
    assert "no CUDA device" in capsys.readouterr().out


def test_part_that_ends_the_process_costs_no_other_its_figures(monkeypatch, tmp_path):
    asked = []

    def child(command, until, log):
        names = command[6:]
        asked.append(names)
        with (tmp_path / "parts.jsonl").open("a") as file:
            for name in names:
                if name == "waiting":
                    return "exit code -6"
                file.write(json.dumps({name: {"took_s": 1}}) + "\n")
        return "exit code 0"

    monkeypatch.setattr(gpu, "child", child)
    results = gpu.results_of(tmp_path, "tiny", time.time() + 60, None)
    assert results.pop("waiting") == {"failed": "exit code -6"}
    assert all(found == {"took_s": 1} for found in results.values())
    assert asked == [list(gpu.PARTS), "memory classify precision".split()]


def test_what_there_is_no_time_for_is_named(tmp_path):
    results = gpu.results_of(tmp_path, "tiny", time.time(), None)
    assert list(results) == list(gpu.PARTS)
    assert "tutorial: no time was left." in tables(results)


def test_tests_for_a_gpu_are_found_and_their_failures_shown(monkeypatch, tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text(SETTINGS, "utf-8")
    for name in ("True", "False"):
        path = tmp_path / "tests" / f"test_{name}.py"
        path.write_text(GPU_TEST.format(name), "utf-8")
    (tmp_path / "tests" / "test_other.py").write_text(NO_MARK, "utf-8")
    monkeypatch.setattr(gpu, "ROOT", tmp_path)
    found = gpu.run_tests(time.time() + 100, tmp_path / "log.txt")
    assert "1 failed, 1 passed" in found["summary"]
    assert ["test_False" in line for line in found["failures"]] == [True]


def test_time_of_kernels_side_by_side_counts_once():
    assert parts.covered([(0, 2), (5, 6), (1, 3), (1, 2)]) == 4
    assert parts.covered([]) == 0


def test_operations_of_a_second_are_distilhubert_s(tmp_path):
    folder = setting.save_model(tmp_path / "model", setting.Size(), 1.0)
    products = parts.forward_flops(folder, 1.0) / 2
    assert products == pytest.approx(3.4e9, rel=0.05)  # 2.43 + 0.71 + 0.24
