"""Parts of ``bench.gpu``: the device, the tutorial's run, Classify, precision."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.on_gpu.setting import (
    NO_DROPOUT,
    Found,
    PeakMemory,
    Size,
    Watch,
    configured,
    device_watched,
    loaded,
    loaders,
    save_model,
    some_songs,
    stopped_at,
    trained,
)

N_PER_STEP = 8  # windows, the tutorial's
VARIANTS = ((4, 0), (4, 4), (1, 4))  # passes of a step, and processes that load


def about(size: Size, home: Path) -> Found:
    """Report device, driver and versions, the precision that is chosen, and why."""
    import torch
    import transformers

    from bench.pictures import processor
    from networks import device

    found = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": sys.version.split()[0],
        "processor": processor(),
        "n_cores": os.cpu_count(),
        "precision": device.best().precision,
        "n_product": size.n_product,
        "product_tflops": product_flops(size.n_product) / 1e12,
        "driver": "unknown",
    }
    if not torch.cuda.is_available():
        return {**found, "device": "no CUDA device"}
    properties = torch.cuda.get_device_properties(0)
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    with contextlib.suppress(OSError):
        answer = subprocess.run(query, capture_output=True, text=True, check=False)
        found["driver"] = answer.stdout.strip().partition("\n")[0]
    return {
        **found,
        "device": properties.name,
        "memory_gb": properties.total_memory / 1e9,
        "capability": f"{properties.major}.{properties.minor}",
        "has_bf16": torch.cuda.is_bf16_supported(including_emulation=False),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def product_flops(n: int) -> float:
    """Measure a bf16 product of two matrices of n by n: operations a second."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right = (torch.randn(n, n, device=device).bfloat16() for _ in range(2))
    for _ in range(3):
        left @ right
    times_s = []
    for _ in range(10):
        synchronized()
        start_s = time.perf_counter()
        left @ right
        synchronized()
        times_s.append(time.perf_counter() - start_s)
    return 2 * n**3 / statistics.median(times_s)


def synchronized() -> None:
    """Wait until the device has finished its queue."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def tutorial(size: Size, home: Path) -> Found:
    """Run the tutorial end to end, decoding included, in a process that is new."""
    imports_s = time.time() - float((home / "began_at").read_text())
    model = save_model(home / "tutorial", size, size.song_s)  # the Hub's, elsewhere
    config = of_tutorial(size, home)
    watch, peak, start_at = Watch(), PeakMemory(), time.time()
    with device_watched() as figures:
        trained(config, model, home, watch)
    ended_at = time.time()
    losses = [step.loss for step in watch.of("Step")]
    n_windows = config.batch_size * config.n_accumulated
    stages_s = watch.stages_s(ended_at)
    flops = 3 * forward_flops(model, size.song_s)  # there, and back by twice as much
    return {
        "imports_s": imports_s,
        "end_to_end_s": ended_at - start_at,
        "stages_s": stages_s,
        "windows_per_s": n_windows / watch.step_s(),
        "first_loss": losses[0],
        "last_losses": statistics.mean(losses[-10:]),
        "flops_per_window": flops,
        "model_flops": flops * n_windows / watch.step_s(),
        "peak_gb": peak.since(),
        "live": live(figures),
    }


def waiting(size: Size, home: Path) -> Found:
    """Profile some of the tutorial's steps, in other passes and with more loaders."""
    model, config = home / "tutorial", of_tutorial(size, home)
    found: Found = {}
    for n_passes, n_loaders in VARIANTS:
        each = dataclasses.replace(
            config, batch_size=N_PER_STEP // n_passes, n_accumulated=n_passes
        )
        name = f"{each.batch_size} x {n_passes}, {n_loaders} loaders"
        with loaders(n_loaders):
            found[name] = profiled(each, model, size, home)
    return found


def of_tutorial(size: Size, home: Path) -> Any:
    """Return the tutorial's RunConfig, on songs of ours."""
    return configured(
        home / "songs", n_steps=size.n_steps, window_s=size.song_s, split="random"
    )


def forward_flops(folder: Path, window_s: float) -> float:
    """Count the operations of one window's forward pass, two a product."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForAudioClassification

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForAudioClassification.from_pretrained(folder).to(device)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model.eval()(torch.zeros(1, round(window_s * 16_000), device=device))
    return float(counter.get_total_flops())


def live(figures: Sequence[Any]) -> Found:
    """Sum up the live figures of the device."""
    known = [each for each in figures if each]
    if not known:
        return {"n": 0}
    return {
        "n": len(known),
        "name": known[-1].name,
        "load": statistics.mean(each.load for each in known),
        "memory_gb": max(each.memory_bytes for each in known) / 1e9,
        "temperature_c": known[-1].temperature_c,
    }


def profiled(config: Any, model: Path, size: Size, home: Path) -> Found:
    """Train some steps, then some under the profiler: how long the GPU is busy."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    from trainer.run.events import StopNow

    kinds = ProfilerActivity
    kind = kinds.CUDA if torch.cuda.is_available() else kinds.CPU
    profiler = profile(activities=[kind])
    last = size.n_warm + size.n_profiled
    marks: list[float] = []

    def at_step(step: int) -> None:
        if step in (size.n_warm, last):
            synchronized()
            if step == size.n_warm:
                profiler.start()
            marks.append(time.perf_counter())
        if step == last:
            profiler.stop()
            raise StopNow

    watch = Watch(at_step)
    with contextlib.suppress(StopNow):
        trained(dataclasses.replace(config, n_steps=10**4), model, home, watch)
    before = [step.at for step in watch.of("Step")[: size.n_warm]]
    wall_s = marks[1] - marks[0]
    spans, by_name = device_spans(profiler)
    return {
        "windows_per_s": N_PER_STEP / statistics.median(np.diff(before)),
        "step_ms": 1e3 * wall_s / size.n_profiled,
        "busy": covered(spans) / 1e6 / wall_s if spans else float("nan"),
        "kernels_ms": {name: us / 1e3 / size.n_profiled for name, us in by_name[:12]},
    }


def device_spans(profiler: Any) -> tuple[list[tuple[float, float]], list[Any]]:
    """Return the spans of the device's work (us), and the longest kernels' sums."""
    from torch.autograd import DeviceType

    spans, sums = [], dict[str, float]()
    for event in profiler.events():
        is_note = getattr(event, "is_user_annotation", False)
        if event.device_type == DeviceType.CUDA and not is_note:
            start, end = event.time_range.start, event.time_range.end
            spans.append((start, end))
            sums[event.name[:60]] = sums.get(event.name[:60], 0.0) + end - start
    return spans, sorted(sums.items(), key=lambda item: -item[1])


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """Compute the length of the union of spans."""
    total, last = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(end - max(start, last), 0.0)
        last = max(last, end)
    return total


def classify(size: Size, home: Path) -> Found:
    """Classify songs: from memory one after the other, and a folder of mp3 files."""
    import settings
    from audio import decode

    folder = home / "mp3"
    limits = decode.Limits(max_duration_s=3600.0)
    clip = decode.load(folder / "0.mp3", limits=limits).clip
    found: Found = {
        "bundled": of_model(settings.ROOT / "assets/models/bundled", clip, folder)
    }
    for window_s in size.windows_s:
        model = save_model(home / f"model-{window_s:g}", size, window_s)
        found[f"DistilHuBERT's shape, {window_s:g} s"] = of_model(model, clip, folder)
    return found


def of_model(folder: Path, clip: Any, songs: Path) -> Found:
    """Measure one model: seconds a song, songs a second, difference to the CPU."""
    from audio.library.walk import walk
    from classifier.batch import rows, songs_of
    from classifier.predict import predict
    from classifier.queue import InferenceQueue

    model = loaded(folder)
    predict(clip, model)  # warms up
    found = {
        f"{effort}_s": least_s(
            lambda effort=effort: predict(clip, model, effort=effort)
        )
        for effort in ("whole", "quick")
    }
    n_workers = os.cpu_count() or 1
    queue = InferenceQueue(n_workers)
    peak = PeakMemory()
    for effort in ("whole", "quick"):
        start_s = time.perf_counter()
        found_songs = songs_of(walk(songs))
        done = list(rows(found_songs, model, queue, effort=effort, n_workers=n_workers))
        found[f"{effort}_songs_per_s"] = len(done) / (time.perf_counter() - start_s)
        found["n_failed"] = sum(row.error is not None for row in done)
    found["peak_gb"] = peak.since()
    here, there = (
        dict(predict(clip, each, effort="quick").genres)
        for each in (model, loaded(folder, device="cpu"))
    )
    found["difference"] = max(abs(here[genre] - there[genre]) for genre in here)
    return found


def least_s(call: Callable[[], object], n_times: int = 3) -> float:
    """Return the least of some calls' seconds."""
    times_s = []
    for _ in range(n_times):
        start_s = time.perf_counter()
        call()
        times_s.append(time.perf_counter() - start_s)
    return min(times_s)


def precision(size: Size, home: Path) -> Found:
    """Train the same steps in each number format, without dropout: losses compared."""
    import torch

    from trainer.run.events import StopNow

    model = save_model(home / "even", size, size.compared_s, **NO_DROPOUT)
    formats = ("fp32", "bf16", "fp16") if torch.cuda.is_available() else ("fp32",)
    steps: dict[str, list[Any]] = {}
    for name in formats:
        config = configured(
            some_songs(home, 80),
            window_s=size.compared_s,
            n_steps=size.n_compared,
            batch_size=8,
            n_accumulated=1,
            eval_every_n_steps=100_000,
            learning_rate=1e-4,
            precision=name,
        )
        watch = Watch(stopped_at(size.n_compared))
        with contextlib.suppress(StopNow):
            trained(config, model, home, watch)
        steps[name] = watch.of("Step")
    return {name: compared(each, steps["fp32"]) for name, each in steps.items()}


def compared(steps: Sequence[Any], reference: Sequence[Any]) -> Found:
    """Sum up a run's losses and its distance from another's."""
    losses, others = (
        np.array([step.loss for step in each]) for each in (steps, reference)
    )
    norms = [each[0].gradient_norm for each in (steps, reference)]
    return {
        "first_loss": losses[0],
        "last_losses": losses[-10:].mean(),
        "is_finite": bool(np.isfinite(losses).all()),
        "worst_difference": float(np.abs(losses / others - 1).max()),
        "last_difference": float(abs(losses[-10:].mean() / others[-10:].mean() - 1)),
        "first_norm_ratio": norms[0] / norms[1],
    }
