"""Classification against transformers' pipeline, as ratios of one run.

``python -m bench.classify`` prints tables in Markdown; it takes a quarter of an hour, and
``python -m bench.classify answers`` (or ``lengths``, ``visitors``) prints one of them.
The model has DistilHuBERT's shape and random weights. Each cell is a child process of
its own: CPU seconds and wall seconds of one answer on one thread (the first ranking: on
all), after a warm-up on one window.

Answers are from the decoded song, and memory is the process's peak above that of one
that has loaded model and song only. Both sides get the song decoded by this program and
the pipeline gets it at its rate: it cannot do either without further programs. For
lengths and visitors, decoding is part of the work, and memory is the peak above that of
a process that has classified one window.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from audio.clip import Clip
from audio.decode import Limits, load
from audio.decode.spool import spooled
from audio.hubert.preprocessing import SAMPLING_RATE as RATE
from bench.pictures import ROOT, processor, song, times
from bench.tutorial import model_and_extractor
from classifier.models import Models
from classifier.predict import listen, predict
from classifier.queue import InferenceQueue
from networks.checkpoint import LoadedModel
from settings import prepare_environment

LIMITS = Limits(max_duration_s=3600.0)
WINDOWS_S = (5.0, 30.0)  # of a model of ours; a whole clip of GTZAN
MINUTES = (2, 4, 10, 30)
TABLES = {"answers": (4,), "visitors": (2,), "lengths": MINUTES}  # and songs they need


def save_model(folder: Path, window_s: float) -> None:
    """Save a checkpoint of DistilHuBERT's shape."""
    model, extractor = model_and_extractor(genrescope={"window_s": window_s})
    extractor.return_attention_mask = False
    for part in (model, extractor):
        part.save_pretrained(folder)


def save_song(path: Path, minutes: float) -> None:
    """Write a synthetic mp3, one channel."""
    import av

    clip = song(round(minutes * 60), 44_100)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(clip.samples[None], "fltp", "mono")
        frame.sample_rate = 44_100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def loaded(folder: Path) -> LoadedModel:
    models = Models(
        bundled_model_dir=folder, runs_dir=folder, hub_model="", is_offline=True
    )
    return models.load(models.ref("bundled"))


def ours(way: str, folder: Path, clip: Clip) -> Callable[[], object]:
    """Return a call that predicts by our code, after a warm-up."""
    model, queue = loaded(folder), InferenceQueue()
    predict(clip.slice(0, model.window_s), model, queue)
    if way in ("whole", "quick"):
        return lambda: predict(clip, model, queue, effort=way)
    return lambda: next(listen(clip, model, queue))


def visits(n_visitors: int, folder: Path, path: Path) -> Callable[[], object]:
    """Return a call that serves so many simultaneous visitors, after a warm-up."""
    model, queue = loaded(folder), InferenceQueue()
    predict(Clip(song(round(model.window_s), RATE).samples, RATE), model, queue)

    def visit() -> None:
        with queue.line.ticket() as ticket:
            ticket.acquire()
            with spooled(path, limits=LIMITS) as (sound, _):
                predict(sound, model, queue)

    def all_at_once() -> None:
        threads = [threading.Thread(target=visit) for _ in range(n_visitors)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return all_at_once


def theirs(way: str, folder: Path, clip: Clip) -> Callable[[], object]:
    """Return a call of the pipeline, on the song or on windows, after a warm-up."""
    from transformers import pipeline

    classify = pipeline("audio-classification", str(folder), top_k=None)
    samples = clip.resampled(RATE).samples
    window_s = classify.model.config.genrescope["window_s"]
    n_window = round(window_s * RATE)
    classify(samples[:n_window].copy())
    if way == "pipeline":
        return lambda: classify(samples.copy())
    last = len(samples) - n_window
    starts = [*range(0, last, n_window), last]
    return lambda: [
        classify(samples[start : start + n_window].copy()) for start in starts
    ]


def measure(way: str, folder: str, song_path: str) -> None:
    """Print one prediction's time and the process's peak as JSON, in the child."""
    import torch

    prepare_environment()
    if way != "first":  # threads that wait for a busy core would count as work
        torch.set_num_threads(1)
    if way.isdigit():
        call = visits(int(way), Path(folder), Path(song_path))
    else:
        clip = load(Path(song_path), limits=LIMITS).clip
        if way == "loaded":
            _model = loaded(Path(folder))
            forget_peak()
            return print(json.dumps([0, 0, peak_mb()]))
        side = theirs if way in ("pipeline", "windows") else ours
        call = side(way, Path(folder), clip)
    forget_peak()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    call()
    took = [time.process_time() - cpu_s, time.perf_counter() - wall_s]
    return print(json.dumps([*took, peak_mb()]))


def forget_peak() -> None:
    """Reset the peak, so that loading does not count. Source: proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """Read this program's peak: ``getrusage`` counts the parent before it as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measured(way: str, folder: Path, song_path: Path) -> list[float]:
    """Measure CPU s, wall s and peak MB above a process without the work."""
    _, _, bare_mb = child("0" if way.isdigit() else "loaded", folder, song_path)
    cpu_s, wall_s, mb = child(way, folder, song_path)
    return [cpu_s, wall_s, mb - bare_mb]


@functools.cache
def child(way: str, folder: Path, song_path: Path) -> list[float]:
    """Run a child process; return its CPU s, wall s and peak MB."""
    command = [sys.executable, "-m", "bench.classify", way, folder, song_path]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT
    )
    found: list[float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def difference(folder: Path, song_path: Path) -> float:
    """Compute the largest difference of a probability to the model called plainly."""
    from transformers import pipeline

    clip = load(song_path, limits=LIMITS).clip
    samples = clip.resampled(RATE).samples
    classify = pipeline("audio-classification", str(folder), top_k=None)
    worst = 0.0
    for chunk in predict(clip, loaded(folder), effort="quick").chunks:
        start, stop = (round(at_s * RATE) for at_s in (chunk.start_s, chunk.stop_s))
        for part in classify(samples[start:stop].copy()):
            worst = max(worst, abs(part["score"] - chunk.probabilities[part["label"]]))
    return worst


def table(home: Path, only: Sequence[str]) -> None:
    """Print device, versions and the ratios."""
    import torch
    import transformers

    models = {window_s: home / f"model-{window_s:g}" for window_s in WINDOWS_S}
    for window_s, folder in models.items():
        save_model(folder, window_s)
    needed = [minutes for name in only for minutes in TABLES[name]]
    songs = {minutes: home / f"{minutes}.mp3" for minutes in needed}
    for minutes, path in songs.items():
        save_song(path, minutes)
    libraries = f"torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{os.cpu_count()} cores of {processor()}; {libraries}.\n", flush=True)
    short = models[WINDOWS_S[0]]
    if "answers" in only:
        print_answers(models, songs[4])
    if "visitors" in only:
        print_visitors(short, songs[2])
    if "lengths" in only:
        print_lengths(short, songs)


def print_answers(models: dict[float, Path], path: Path) -> None:
    print("| 4 minutes of mp3 | CPU s | wall s | MB above the model | difference |")
    print("|---|---|---|---|---|", flush=True)
    peer = measured("pipeline", models[WINDOWS_S[0]], path)
    print(f"| pipeline | {peer[0]:.1f} | {peer[1]:.1f} | {peer[2]:.0f} | |", flush=True)
    for window_s, folder in models.items():
        worst = difference(folder, path)
        for way in ("windows", "whole", "quick", "first"):
            name = f"{'pipeline on ' * (way == 'windows')}{way}, {window_s:g} s"
            cpu_s, wall_s, mb = measured(way, folder, path)
            mb = max(mb, 1.0)
            cells = [
                f"{cpu_s:.2f} (**{times(peer[0] / cpu_s)}**)",
                f"{wall_s:.2f} ({times(peer[1] / wall_s)})",
                f"{mb:.0f} ({times(peer[2] / mb)})",
                "" if way == "windows" else f"{worst:.0e}",
            ]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


def print_lengths(folder: Path, songs: dict[int, Path]) -> None:
    print("\n| song | CPU s a minute | MB above the model |\n|---|---|---|")
    for minutes, path in songs.items():
        cpu_s, _, mb = measured("1", folder, path)
        print(f"| {minutes} min | {cpu_s / minutes:.2f} | {mb:.0f} |", flush=True)


def print_visitors(folder: Path, path: Path) -> None:
    print("\n| visitors at once | CPU s each | wall s each | MB above the model |")
    print("|---|---|---|---|")
    for n in (1, 2, 10):
        cpu_s, wall_s, mb = measured(str(n), folder, path)
        cells = f"{cpu_s / n:.2f} | {wall_s / n:.2f} | {mb:.0f}"
        print(f"| {n} | {cells} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(*sys.argv[1:])
    else:
        with TemporaryDirectory() as temporary:
            table(Path(temporary), sys.argv[1:] or [*TABLES])
