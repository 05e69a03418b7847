"""Train each recipe that a CPU can run, on real recordings or on composed songs.

    python -m bench.recipes FOLDER [RECIPE ...]
    python -m bench.recipes [composed [RECIPE ...]]

FOLDER has a subfolder a class; the first digit of a file's name is its fold (ESC-10).
Of fold 2, all but the first five of a class choose the checkpoint; fold 3 is the test,
used once. On 200 composed songs the tutorial's recipe is compared with ``fast``, from
the same model and with the same split; then both classify 200 fresh ones. Prints a row
of a table in RESULTS.md for each recipe.
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

from trainer import messages
from trainer.evaluation.scores import Scores
from trainer.run import runs
from trainer.run.events import Stage, Step

HELD_OUT, CHOOSES, N_LEARNED = "3", "2", 5
RECIPES = {
    "head": ["--preset", "head"],
    "fast": ["--preset", "fast", "--base-model", "bundled"],
    "fast, rates of a small model": [
        *("--preset", "fast", "--base-model", "bundled"),
        *("--learning-rate", "3e-3", "--encoder-rate-fraction", "0.3"),
    ],
    "smoke": ["--preset", "smoke"],
    "scratch, 200 steps": ["--preset", "scratch", "--n-steps", "200"],
    "scratch, 600 steps": ["--preset", "scratch", "--n-steps", "600"],
}
COMPOSED = "composed"
N_FRESH = "20"  # songs of a style that both models are asked about at last
SONGS = [
    *("--data", COMPOSED, "--n-songs-per-genre", "20"),
    *("--split", "stratified", "--validation-fraction", "0.1"),
]
# Composed songs are of 10 s: the tutorial's window is a whole song, as of GTZAN's.
TUTORIAL = ["--preset", "tutorial", "--window-s", "10"]
ON_COMPOSED = {
    f"{name}, base {base}": [*flags, "--base-model", base]
    for base in ("bundled", "small")
    for name, flags in (("tutorial", TUTORIAL), ("fast", ["--preset", "fast"]))
}


def listed(source: Path, folder: Path) -> Path:
    """Link the songs under ``folder``, with the split as ``songs.csv``."""
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


def environment(home: Path) -> dict[str, str]:
    """Return the environment of the processes that train and evaluate."""
    return {**os.environ, "GENRESCOPE_HOME": str(home), "HF_HUB_OFFLINE": "1"}


def trained(flags: list[str], home: Path) -> tuple[runs.Run, float]:
    """Train in a process of its own; return the run and the time taken (s)."""
    started = time.monotonic()
    command = [sys.executable, "-m", "trainer", *flags]
    subprocess.run(
        command, env=environment(home), check=True, stdout=subprocess.DEVNULL
    )
    return runs.every(home / "runs")[0], time.monotonic() - started


def row(name: str, run: runs.Run, took_s: float) -> str:
    """Format a run's results as a row of the table."""
    scores = Scores.from_json((run.folder / "scores.json").read_text("utf-8"))
    low, high = scores.interval
    events, _ = run.events()
    steps = [event for event in events if isinstance(event, Step)]
    best = messages.best(events)
    per_s = statistics.median(step.windows_per_s for step in steps)
    begun = {e.name: e.at for e in reversed(events) if isinstance(e, Stage)}
    recording_s = begun["train"] - begun.get("record", begun["train"])
    return (
        f"| {name} | {scores.accuracy:.3f} ({low:.2f} to {high:.2f}) "
        f"| {best.accuracy if best else 0:.2f} | {len(steps)} "
        f"| {per_s:,.0f} | {recording_s:.0f} s | {took_s / 60:.1f} |"
    )


def duel(home: Path, first: runs.Run, second: runs.Run) -> str:
    """Compare both models on the same composed songs, which no run learns from."""
    command = [sys.executable, "-m", "trainer", "evaluate", first.id, "--against"]
    command += [second.id, "--data", COMPOSED, "--n-songs-per-genre", N_FRESH]
    output = subprocess.run(
        command,
        env=environment(home),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = [line for line in output.splitlines() if "95 % interval" in line]
    return "\n".join([*lines, *output.split("\n\n")[-2].splitlines()])


def main() -> None:
    where = (*sys.argv[1:], COMPOSED)[0]
    recipes = ON_COMPOSED if where == COMPOSED else RECIPES
    print("| recipe | accuracy | chosen at | steps | windows/s | recording | minutes |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home, songs, made = Path(folder), SONGS, []
        if where != COMPOSED:
            folds = listed(Path(where), home / "folds")
            songs = ["--data", f"folder:{folds}", "--split", "listed"]
        for name in sys.argv[2:] or recipes:
            run, took_s = trained([*recipes[name], *songs], home)
            print(row(name, run, took_s), flush=True)
            made.append(run)
        if where == COMPOSED:
            for first, second in zip(made[::2], made[1::2], strict=True):
                print(f"\n{duel(home, first, second)}", flush=True)


if __name__ == "__main__":
    main()
