import signal

import pytest

import i18n
from errors import KnownError
from networks import device
from networks.device import Device
from support.actor import start, wait_for_end
from trainer.run import checkpoints, failures


def test_crash_below_python_is_called_so():
    death = failures.from_exit_status(signal.SIGSEGV, n_killed=0)
    assert (death.code, death.details) == ("crashed", {"signal": "SIGSEGV"})


def test_kill_for_want_of_memory_is_told_from_any_other():
    assert (
        failures.from_exit_status(signal.SIGKILL, n_killed=1).code
        == "killed_for_memory"
    )
    assert failures.from_exit_status(signal.SIGKILL, n_killed=0).code == "killed"
    assert failures.from_exit_status(signal.SIGTERM, n_killed=1).code == "killed"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), "disk_full"),
        (RuntimeError("PytorchStreamWriter failed writing file data/1"), "disk_full"),
        (MemoryError(), "out_of_memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            "out_of_memory",
        ),
        (RuntimeError("CUDA error: out of memory"), "out_of_memory"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "out_of_memory"),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling"),
            "out_of_memory",
        ),
        (RuntimeError("shapes differ"), "bug"),
    ],
)
def test_error_of_a_library_gets_its_cause(error, code):
    assert failures.from_error(error).code == code


@pytest.mark.parametrize(
    ("free_gb", "own_gb", "held_gb"), [(0.2, 8.8, 71), (0.2, 79.3, None)]
)
def test_memory_that_another_program_holds_is_named(
    monkeypatch, free_gb, own_gb, held_gb
):
    import torch

    gpu = Device("cuda", "NVIDIA X")
    monkeypatch.setattr(device, "best", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    info = int(free_gb * 1e9), 80_000_000_000
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: info)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: int(own_gb * 1e9))
    for failed in (
        failures.from_known(KnownError("out_of_memory")),
        failures.from_error(RuntimeError("CUDA out of memory. Tried to allocate")),
    ):
        if held_gb is None:
            assert failed.code == "out_of_memory"
            continue
        sentence = i18n.sentence(KnownError(failed.code, **failed.details))
        for word in (f"{held_gb} GB", "NVIDIA X", "CUDA_VISIBLE_DEVICES"):
            assert word in sentence


def test_full_disk_is_known_in_the_words_of_torch_and_safetensors(tmp_path, small_disk):
    import safetensors.torch
    import torch

    def refused(save, path):
        with pytest.raises(Exception) as caught:
            save({"weights": torch.zeros(2_000_000)}, path)
        path.unlink(missing_ok=True)
        return caught.value

    error = refused(safetensors.torch.save_file, small_disk / "a.safetensors")
    assert failures.is_disk_full(error), error
    error = refused(torch.save, small_disk / "optimizer.pt")
    assert failures.is_disk_full(error), error


def test_trainer_that_the_kernel_kills_for_memory_has_that_cause(
    tmp_path, small_memory
):
    part = f"""
Path({str(small_memory / "cgroup.procs")!r}).write_text(str(os.getpid()))
checkpoint(run_dir, 3)
memory = bytearray(300_000_000)
wait()
"""
    run = start(tmp_path, part)
    state = wait_for_end(run)
    assert (state.name, state.code) == ("failed", "killed_for_memory")
    assert checkpoints.saved_step(run.folder) == 3
