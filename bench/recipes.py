"""Each recipe that a CPU can run, on a folder of folds with the third one held out.

    python -m bench.recipes FOLDER [RECIPE ...]

FOLDER has a subfolder a class; the first digit of a file's name is its fold (ESC-10).
Of fold 2, what comes after the first five of a class chooses the checkpoint; fold 3 is
heard once, at the end. Prints a row of the table in RESULTS.md for each recipe.
"""

from __future__ import annotations

import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from trainer import runs
from trainer.events import Stage, Step
from trainer.scores import Scores

HELD_OUT, CHOOSES, N_LEARNED = "3", "2", 5
RECIPES = {
    "head": ["--preset", "head", "--base-model", "demo"],
    "fast": ["--preset", "fast", "--base-model", "demo"],
    "fast, rates of a small model": [
        *("--preset", "fast", "--base-model", "demo"),
        *("--learning-rate", "3e-3", "--encoder-rate-fraction", "0.3"),
    ],
    "smoke": ["--preset", "smoke"],
    "demo, 200 steps": ["--preset", "demo", "--n-steps", "200"],
}


def listed(source: Path, folder: Path) -> Path:
    """The same songs under ``folder``, by links, with the split as ``songs.csv``."""
    rows = [("file", "split")]
    for song in sorted(source.glob("*/*")):
        genre = folder / song.parent.name
        genre.mkdir(parents=True, exist_ok=True)
        (genre / song.name).symlink_to(song.absolute())
        rows.append((f"{genre.name}/{song.name}", song.name[0]))
    seen: Counter[tuple[str, str]] = Counter()
    with (folder / "songs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        for name, fold in rows[1:]:
            seen[name.split("/")[0], fold] += 1
            is_late = seen[name.split("/")[0], fold] > N_LEARNED
            chooses = fold == CHOOSES and is_late
            part = "validation" if chooses else "train"
            writer.writerow((name, "test" if fold == HELD_OUT else part))
    return folder


def trained(flags: list[str], songs: Path, home: Path) -> tuple[runs.Run, float]:
    """Train in a process of its own; the run, and how long it all took (s)."""
    started = time.monotonic()
    data = ["--data", f"folder:{songs}", "--split", "listed"]
    environment = {**os.environ, "GENRESCOPE_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "trainer", *flags, *data]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return runs.every(home / "runs")[0], time.monotonic() - started


def row(name: str, run: runs.Run, took_s: float) -> str:
    """What a run was like, as a row of the table."""
    scores = Scores.from_json((run.folder / "scores.json").read_text("utf-8"))
    low, high = scores.interval
    events, _ = run.events()
    steps = [event for event in events if isinstance(event, Step)]
    per_s = statistics.median(step.songs_per_s for step in steps)
    begun = {e.name: e.at for e in reversed(events) if isinstance(e, Stage)}
    recording_s = begun["train"] - begun.get("record", begun["train"])
    return (
        f"| {name} | {scores.accuracy:.3f} ({low:.2f} to {high:.2f}) | {len(steps)} "
        f"| {per_s:,.0f} | {recording_s:.0f} s | {took_s / 60:.1f} |"
    )


def main() -> None:
    source, wanted = Path(sys.argv[1]), sys.argv[2:] or list(RECIPES)
    print("| recipe | accuracy | steps | windows/s | recording | minutes |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        songs = listed(source, Path(home) / "folds")
        for name in wanted:
            run, took_s = trained(RECIPES[name], songs, Path(home))
            print(row(name, run, took_s), flush=True)


if __name__ == "__main__":
    main()
