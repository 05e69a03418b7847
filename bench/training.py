"""Preparing songs and learning from them against the tutorial's own script, as ratios.

``python -m bench.training`` prints the tables of RESULTS.md. The peer is
``bench.tutorial``. Both sides get the same files, the same shape of model (DistilHuBERT's, with
random weights) and the same machine. Each cell is a child process; the two sides of a
ratio run one after the other, in every round.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench import tutorial
from bench.pictures import ROOT, processor, song, times
from bench.tutorial import (
    GENRES,
    N_STEPS,
    RATE,
    SONG_S,
    Mark,
    last_step,
    model_and_extractor,
    now,
)

N_FULL = 200  # songs that the share of "head" is worked out for
N_TESTED = N_FULL // 5
# The recipes' choices that matter here, for a version that does not have them.
RECIPES: dict[str, dict[str, Any]] = {
    "tutorial": {},
    "fast": {"trained_part": "encoder", "window_s": 5.0, "batch_size": 8},
    "head": {"trained_part": "head", "window_s": 5.0, "batch_size": 32},
}


def save_songs(folder: Path, n_songs: int, duration_s: int = SONG_S) -> None:
    """One folder a genre, each song different from the others."""
    import soundfile

    samples = song(duration_s, RATE).samples
    for number in range(n_songs):
        place = folder / GENRES[number % len(GENRES)]
        place.mkdir(parents=True, exist_ok=True)
        moved = np.roll(samples, number * 1000)
        soundfile.write(place / f"{place.name}.{number:05d}.wav", moved, RATE)


def prepare(side: str, songs_dir: Path, home: Path) -> dict[str, float]:
    """Seconds, bytes on the disk and the process's peak of a preparation."""
    warm = home / "warm"
    save_songs(warm, 2, 1)
    run = tutorial.prepare if side == "theirs" else _prepare_ours
    run(warm, home / "cache-warm")
    before_mb = _peak_mb()
    took = _timed(lambda: run(songs_dir, home / "cache"))
    files = (path for path in (home / "cache").rglob("*") if path.is_file())
    n_bytes = sum(path.stat().st_size for path in files)
    return {**took, "bytes": n_bytes, "mb": _peak_mb() - before_mb}


def _prepare_ours(songs_dir: Path, cache: Path) -> None:
    from trainer import data, sources

    source = sources.folder_songs(songs_dir)
    data.prepare(source, cache, emit=lambda _: None, should_stop=lambda: False)


def train_ours(recipe: str, songs_dir: Path, home: Path) -> dict[str, float]:
    """A step of ours, a song of it, and a window that is recorded before."""
    from trainer import base, train
    from trainer.events import StopNow

    chosen = chosen_by(recipe, songs_dir)
    changes = {"attention_dropout": 0.0} if recipe == "fast" else {}

    def load_base(config: Any, genres: Any) -> tuple[Any, Any]:
        model, extractor = model_and_extractor(**changes)
        if config.trained_part == "encoder":
            model.freeze_feature_encoder()
        elif config.trained_part == "head":
            model.freeze_base_model()
        return model, extractor

    base.load_base = load_base  # no network; this process ends soon
    marks: dict[str, list[Mark]] = {"record": [], "step": []}

    def emit(event: Any) -> None:
        name = getattr(event, "name", type(event).__name__.lower())
        marks.setdefault(name, []).append(now())
        if name == "step" and event.step == N_STEPS:
            raise StopNow

    cache_dir = home / "cache"
    with contextlib.suppress(StopNow):
        train.train(
            chosen, home, cache_dir=cache_dir, emit=emit, should_stop=lambda: False
        )
    cpu_s, wall_s = (value / chosen.batch_size for value in last_step(marks["step"]))
    told = {"cpu_s": cpu_s, "wall_s": wall_s}
    heard = marks["record"]
    if len(heard) > 2:
        told["window_cpu_s"] = (heard[-1][0] - heard[1][0]) / (len(heard) - 2)
    return {**told, "n_windows": getattr(chosen, "n_windows_per_song", 0) or 11}


def chosen_by(recipe: str, songs_dir: Path) -> Any:
    """The recipe's RunConfig with a few steps of one forward pass each."""
    from trainer import config

    given = {
        **RECIPES[recipe],
        "n_accumulated": 1,
        "n_steps": N_STEPS,
        "n_epochs": 0,
        "eval_every_n_steps": 1000,
        "data": f"folder:{songs_dir}",
        "split": "stratified",
        "validation_fraction": 0.0,
        "precision": "fp32",
    }
    names = {item.name for item in dataclasses.fields(config.RunConfig)}
    known = {name: value for name, value in given.items() if name in names}
    start = config.preset(recipe if recipe in config.PRESETS else "tutorial")
    return dataclasses.replace(start, **known)


def _timed(work: Callable[[], object]) -> dict[str, float]:
    before = now()
    work()
    after = now()
    return {"cpu_s": after[0] - before[0], "wall_s": after[1] - before[1]}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cell(*words: str) -> None:
    """In the child: print one cell as JSON."""
    kind, side, songs_dir, *_ = words
    with tempfile.TemporaryDirectory() as home:
        if kind == "prepare":
            told = prepare(side, Path(songs_dir), Path(home))
        elif side == "theirs":
            told = tutorial.train(Path(songs_dir), Path(home))
        else:
            told = train_ours(side, Path(songs_dir), Path(home))
    print(json.dumps(told))


def measured(*words: object) -> dict[str, float]:
    """In the parent: one cell, in a child of its own."""
    command = [sys.executable, "-m", "bench.training", *map(str, words)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    return json.loads(answer.stdout.splitlines()[-1])


def print_preparing(home: Path, sizes: list[int]) -> None:
    """Seconds, disk and memory of both sides for each number of songs."""
    print("| songs | side | CPU s | wall s | MB on disk | MB of memory |")
    print("|---|---|---|---|---|---|", flush=True)
    for n_songs in sizes:
        folder = home / f"songs-{n_songs}"
        save_songs(folder, n_songs)
        sides = {side: measured("prepare", side, folder) for side in ("theirs", "ours")}
        for side, told in sides.items():
            cells = [f"{told[k]:.2f}" for k in ("cpu_s", "wall_s")]
            cells += [f"{told['bytes'] / 1e6:.0f}", f"{told['mb']:.0f}"]
            print(f"| {n_songs} | {side} | {' | '.join(cells)} |", flush=True)
        ratios = [sides["theirs"][k] / sides["ours"][k] for k in ("cpu_s", "wall_s")]
        ratios.append(sides["theirs"]["bytes"] / sides["ours"]["bytes"])
        print(f"| {n_songs} | ratio | {' | '.join(map(times, ratios))} | |", flush=True)


def print_training(home: Path, n_rounds: int) -> None:
    """Seconds a song of a step, the sides one after the other in each round."""
    long, short = home / "long", home / "short"
    save_songs(long, 20)
    save_songs(short, 20, 10)
    print("\n| round | recipe | CPU s a song | wall s a song | ratio of CPU s |")
    print("|---|---|---|---|---|", flush=True)
    for number in range(1, n_rounds + 1):
        theirs = measured("train", "theirs", long)
        for recipe in ("theirs", *RECIPES):
            folder = long if recipe == "tutorial" else short
            told = theirs if recipe == "theirs" else measured("train", recipe, folder)
            ratio = times(theirs["cpu_s"] / told["cpu_s"])
            cells = f"{told['cpu_s']:.3f} | {told['wall_s']:.3f} | {ratio}"
            print(f"| {number} | {recipe} | {cells} |", flush=True)
            if recipe == "head":
                print_head(theirs, told)


def print_head(theirs: dict[str, float], told: dict[str, float]) -> None:
    """What ``head`` takes for 200 songs, as a share of a tutorial's epoch."""
    n_learned = N_FULL - N_TESTED
    n_windows = n_learned * told["n_windows"] + N_TESTED * 6
    heard_s = n_windows * told["window_cpu_s"]
    learned_s = 60 * n_learned * told["cpu_s"]  # 60 epochs
    epoch_s = n_learned * theirs["cpu_s"]
    print(
        f"\nhead on {N_FULL} songs: {heard_s:.0f} CPU s for {n_windows} windows and"
        f" {learned_s:.0f} for 60 epochs, {(heard_s + learned_s) / epoch_s:.2f} of the"
        f" {epoch_s:.0f} of a tutorial's epoch\n"
    )


def main() -> None:
    """Print device, versions and tables."""
    import datasets
    import torch
    import transformers

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=20, help="to prepare; 200: all")
    parser.add_argument("--rounds", type=int, default=1, help="of training")
    options = parser.parse_args()
    versions = (
        f"torch {torch.__version__}, transformers {transformers.__version__},"
        f" datasets {datasets.__version__}"
    )
    print(f"{os.cpu_count()} cores of {processor()}; {versions}.\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print_preparing(Path(folder), [options.songs, 2 * options.songs])
        print_training(Path(folder), options.rounds)


if __name__ == "__main__":
    if len(sys.argv) > 2 and not sys.argv[1].startswith("-"):
        cell(*sys.argv[1:])
    else:
        main()
