"""Data preparation and training against the tutorial's own script, as ratios.

``python -m bench.training`` prints the tables of RESULTS.md; ``preparing`` or
``training`` after it prints one of them. The peer is ``bench.tutorial``. Both sides get
the same Parquet file, the same shape of model (DistilHuBERT's, with random weights) and
the same machine. Each cell is a child process; the two sides of a ratio run one after
the other, in every round.
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
from unittest import mock

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
N_PER_SONG = 6, 11  # windows of 5 s in 30: one beside the other, and overlapping
RECIPES = ("tutorial", "fast", "head")
SHORT_S = 10  # of the songs of "fast" and "head": enough for their windows
TABLES = ("preparing", "training")


def save_songs(folder: Path, n_songs: int, duration_s: int = SONG_S) -> Path:
    """Write songs, one folder a genre, each song different from the others."""
    import soundfile

    samples = song(duration_s, RATE).samples
    for number in range(n_songs):
        place = folder / GENRES[number % len(GENRES)]
        place.mkdir(parents=True, exist_ok=True)
        moved = np.roll(samples, number * 1000)
        soundfile.write(place / f"{place.name}.{number:05d}.wav", moved, RATE)
    return folder


def packed(folder: Path) -> Path:
    """Write the songs as one Parquet file, sounds and class numbers, as the Hub's."""
    import datasets

    datasets.disable_progress_bars()
    files = sorted(folder.glob("*/*.wav"))
    columns = {
        "audio": [{"bytes": path.read_bytes(), "path": path.name} for path in files],
        "genre": [GENRES.index(path.parent.name) for path in files],
    }
    features = datasets.Features(
        audio=datasets.Audio(decode=False), genre=datasets.ClassLabel(names=GENRES)
    )
    rows = datasets.Dataset.from_dict(columns).cast(features)
    rows.to_parquet(folder / "songs.parquet")
    return folder / "songs.parquet"


def prepare(side: str, songs: Path, home: Path) -> dict[str, float]:
    """Measure seconds, bytes on the disk and the process's peak of a preparation."""
    warm = packed(save_songs(home / "warm", 5, 1))
    run = tutorial.prepare if side == "theirs" else _prepare_ours
    run(warm, home / "cache-warm")
    before_mb = _peak_mb()
    took = _timed(lambda: run(songs, home / "cache"))
    sizes = {
        path.name: path.stat().st_size
        for path in (home / "cache").rglob("*")
        if path.is_file()
    }
    learned_from = ("cache-", "samples")  # not the copy that load_dataset makes
    found = {
        "bytes": sum(sizes.values()),
        "encoded": sum(n for name, n in sizes.items() if name.startswith(learned_from)),
    }
    return {**took, **found, "mb": _peak_mb() - before_mb}


def _prepare_ours(songs: Path, cache: Path) -> None:
    from trainer.data import dataset, hub_songs, song_files

    source = song_files.Source(str(songs), 0, hub_songs.parquet_songs([songs]))
    dataset.prepare(source, cache, emit=lambda _: None, should_stop=lambda: False)


def train_ours(recipe: str, songs_dir: Path, home: Path) -> dict[str, float]:
    """Measure a step of ours, a song of it, and the caching of a window before."""
    from trainer.run.events import StopNow
    from trainer.training import initial_model, train

    # No network; this process ends soon. An error where the function has another name.
    mock.patch.object(
        initial_model, "base_folder", lambda config, former=(): _checkpoint(home)
    ).start()
    marks: dict[str, list[Mark]] = {"record": [], "step": []}

    def emit(event: Any) -> None:
        name = getattr(event, "name", type(event).__name__.lower())
        marks.setdefault(name, []).append(now())
        if name == "step" and event.step == N_STEPS:
            raise StopNow

    chosen = chosen_by(recipe, songs_dir)
    with contextlib.suppress(StopNow):
        train.train(
            chosen,
            home,
            cache_dir=home / "cache",
            emit=emit,
            should_stop=lambda: False,
        )
    cpu_s, wall_s = (value / chosen.batch_size for value in last_step(marks["step"]))
    found = {"cpu_s": cpu_s, "wall_s": wall_s}
    cached = marks["record"]
    if len(cached) > 2:
        found["window_cpu_s"] = (cached[-1][0] - cached[1][0]) / (len(cached) - 2)
    return found


def _checkpoint(home: Path) -> Path:
    """Save a checkpoint folder of DistilHuBERT's shape, as the Hub's would be."""
    folder = home / "base"
    if not folder.exists():
        for part in model_and_extractor():
            part.save_pretrained(folder)
    return folder


def chosen_by(recipe: str, songs_dir: Path) -> Any:
    """Return the recipe's RunConfig with a few steps of one forward pass each."""
    from trainer import config

    return dataclasses.replace(
        config.preset(recipe),
        n_accumulated=1,
        n_steps=N_STEPS,
        n_epochs=0,
        eval_every_n_steps=1000,
        data=f"folder:{songs_dir}",
        split="stratified",
        validation_fraction=0.0,
    )


def _timed(work: Callable[[], object]) -> dict[str, float]:
    before = now()
    work()
    after = now()
    return {"cpu_s": after[0] - before[0], "wall_s": after[1] - before[1]}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cell(kind: str, side: str, songs: str) -> None:
    """Print one cell as JSON, in the child."""
    with tempfile.TemporaryDirectory() as home:
        if kind == "prepare":
            found = prepare(side, Path(songs), Path(home))
        elif side == "theirs":
            found = tutorial.train(Path(songs), Path(home))
        else:
            found = train_ours(side, Path(songs), Path(home))
    print(json.dumps(found))


def measured(*words: object) -> dict[str, float]:
    """Measure one cell in a child process."""
    command = [sys.executable, "-m", "bench.training", "cell", *map(str, words)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    return json.loads(answer.stdout.splitlines()[-1])


def print_preparing(home: Path, sizes: list[int]) -> None:
    """Print seconds, disk and memory of both sides for each number of songs."""
    print("| songs | side | CPU s | wall s | MB on disk | encoded | MB of memory |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for n_songs in sizes:
        songs = packed(save_songs(home / f"songs-{n_songs}", n_songs))
        sides = {side: measured("prepare", side, songs) for side in ("theirs", "ours")}
        for side, found in sides.items():
            cells = [f"{found[k]:.2f}" for k in ("cpu_s", "wall_s")]
            cells += [f"{found[k] / 1e6:.1f}" for k in ("bytes", "encoded")]
            print(f"| {n_songs} | {side} | {' | '.join(cells)} | {found['mb']:.0f} |")
        ratios = [
            times(sides["theirs"][k] / sides["ours"][k])
            for k in ("cpu_s", "wall_s", "bytes", "encoded")
        ]
        print(f"| {n_songs} | ratio | {' | '.join(ratios)} | |", flush=True)


def print_training(home: Path, n_rounds: int) -> None:
    """Print seconds a song of a step, the sides one after the other in each round."""
    long, short = save_songs(home / "long", 20), save_songs(home / "short", 40, SHORT_S)
    songs = packed(long)
    songs = songs.rename(home / songs.name)
    print("\n| round | recipe | CPU s a song | wall s a song | ratio of CPU s |")
    print("|---|---|---|---|---|", flush=True)
    for number in range(1, n_rounds + 1):
        theirs = measured("train", "theirs", songs)
        for recipe in ("theirs", *RECIPES):
            folder = long if recipe == "tutorial" else short
            found = theirs if recipe == "theirs" else measured("train", recipe, folder)
            ratio = times(theirs["cpu_s"] / found["cpu_s"])
            cells = f"{found['cpu_s']:.3f} | {found['wall_s']:.3f} | {ratio}"
            print(f"| {number} | {recipe} | {cells} |", flush=True)
            if "window_cpu_s" in found:
                print_recorded(recipe, theirs, found)


def print_recorded(
    recipe: str, theirs: dict[str, float], found: dict[str, float]
) -> None:
    """Print a recipe's time for 200 songs of 30 s, against the tutorial's epochs."""
    from trainer import config

    chosen = config.preset(recipe)
    n_test, n_validation = (
        round(N_FULL * share)
        for share in (chosen.test_fraction, chosen.validation_fraction)
    )
    n_learned = N_FULL - n_test - n_validation
    n_each, n_overlapping = N_PER_SONG
    drawn = 1 - (1 - 1 / n_overlapping) ** chosen.n_epochs  # and only they are recorded
    n_each = chosen.n_windows_per_song or n_overlapping * drawn
    n_windows = round(n_learned * n_each)
    cached_s = (n_windows + n_validation * n_each) * found["window_cpu_s"]
    learned_s = chosen.n_epochs * n_learned * found["cpu_s"]
    epoch_s = (N_FULL - n_test) * theirs["cpu_s"]
    per_song_s = (cached_s + learned_s) / chosen.n_epochs / n_learned
    print(
        f"\n{recipe} on {N_FULL} songs of {SONG_S} s: {found['window_cpu_s']:.2f} CPU s a"
        f" window, {cached_s:.0f} for all that are recorded, {learned_s:.0f} for"
        f" {chosen.n_epochs} epochs; together"
        f" {(cached_s + learned_s) / epoch_s:.3f} of the {epoch_s:.0f} of one epoch of"
        f" the tutorial, {times(theirs['cpu_s'] / per_song_s)} the songs a second\n"
    )


def main() -> None:
    """Print device, versions and tables."""
    import datasets
    import torch
    import transformers

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", choices=TABLES, default=TABLES)
    parser.add_argument("--songs", type=int, default=N_FULL, help="to prepare at most")
    parser.add_argument("--rounds", type=int, default=1, help="of training")
    options = parser.parse_args()
    versions = (
        f"torch {torch.__version__}, transformers {transformers.__version__},"
        f" datasets {datasets.__version__}"
    )
    print(f"{os.cpu_count()} cores of {processor()}; {versions}.\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if "preparing" in options.tables:
            print_preparing(Path(folder), [options.songs // 4, options.songs])
        if "training" in options.tables:
            print_training(Path(folder), options.rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["cell"]:
        cell(*sys.argv[2:])
    else:
        main()
