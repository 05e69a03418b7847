"""What the shipped pretrained model guesses, beside two guesses that know nothing.

``python -m bench.guesses`` prints a table in Markdown: songs composed from seeds that no
recipe composes, and with ``python -m bench.guesses FOLDER`` thirty seconds from the middle
of songs that are evenly spread over a folder. A minute on one core.
"""

from __future__ import annotations

import argparse
import operator
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audio.clip import Clip
from audio.decode import load
from audio.hubert import masking
from audio.library.kinds import is_song
from audio.synth import composer
from networks import masked_prediction
from settings import ROOT, prepare_environment

SHIPPED = ROOT / "assets" / "models" / "pretrained"
FIRST_SEED = 1_000_000
N_SEEDS = 20  # of each style
N_RECORDINGS = 51
RECORDING_S = 30.0


def composed(genre: str) -> Iterator[Clip]:
    """Compose a style's songs, every second one in another mix, as recipes do."""
    for seed in range(FIRST_SEED, FIRST_SEED + N_SEEDS):
        shift = composer.Shift.drawn(seed) if seed % 2 else composer.Shift()
        yield composer.compose(genre, seed, shift=shift)


def recordings(folder: Path) -> Iterator[Clip]:
    """Read the middles of songs that are evenly spread over a folder."""
    paths = sorted(path for path in folder.rglob("*") if is_song(path.name))
    n = min(len(paths), N_RECORDINGS)
    for place in np.linspace(0, len(paths) - 1, n).round().astype(int):
        clip = load(paths[place]).clip
        start_s = max((clip.duration_s - RECORDING_S) / 2, 0.0)
        yield clip.slice(start_s, min(start_s + RECORDING_S, clip.duration_s))


def measured(
    clips: Iterator[Clip], model: masked_prediction.PretrainedModel
) -> tuple[int, int, np.ndarray]:
    """Count songs, hidden frames, and those that each of the three guesses rightly."""
    n_songs, n_frames, n_right = 0, 0, np.zeros(3)
    for clip in clips:
        found = masked_prediction.guesses(clip, model=model, draw=n_songs)
        n = int(found.is_hidden.sum())
        if not n:
            continue
        simple = masking.baselines(found.clusters, found.is_hidden)
        n_right += n * np.array([found.accuracy, simple.commonest, simple.as_before])
        n_songs, n_frames = n_songs + 1, n_frames + n
    return n_songs, n_frames, n_right


def row(name: str, n_songs: int, n_frames: int, n_right: np.ndarray) -> str:
    """Write a row of the table."""
    shares = " | ".join(f"{100 * n / n_frames:.1f} %" for n in n_right)
    return f"| {name} | {n_songs} | {n_frames:,} | {shares} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.guesses")
    parser.add_argument("recordings", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--model", type=Path, default=SHIPPED)
    options = parser.parse_args()
    prepare_environment()
    model = masked_prediction.load(options.model, options.model.name)
    print("| songs | n | hidden frames | guessed | commonest | as before the gap |")
    print("|---|---|---|---|---|---|")
    total = 0, 0, np.zeros(3)
    for genre in composer.STYLES:
        found = measured(composed(genre), model)
        total = tuple(map(operator.add, total, found))
        print(row(genre, *found), flush=True)
    print(row("composed", *total))
    if options.recordings:
        print(row("recordings", *measured(recordings(options.recordings), model)))


if __name__ == "__main__":
    main()
