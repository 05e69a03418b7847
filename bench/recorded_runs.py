r"""Record real runs for the lesson on learning: assets/recorded_runs.json.

    python -m trainer --preset smoke --base-model small --trained-part all --window-s 4 \
        --n-songs-per-genre 6 --validation-fraction 0.2 --n-steps 240 \
        --eval-every-n-steps 20 --learning-rate 0.002
    python -m trainer --preset smoke --trained-part head --n-songs-per-genre 6 \
        --validation-fraction 0.2 --n-steps 240 --eval-every-n-steps 20
    python -m bench.recorded_runs all=RUNS/ID head=RUNS/ID

Ten minutes on two cores. The first learns all of a small model from random weights, from
40 songs; the second the last layers of the bundled model, from the same songs.
"""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import replace
from math import prod
from pathlib import Path

from settings import ROOT
from trainer.run import losses
from trainer.run.losses import Part
from trainer.run.runs import SPLIT, Run, read_json

FILE = ROOT / "assets" / "recorded_runs.json"
TRAINED = {
    "all": {"front_end", "encoder", "head"},
    "encoder": {"encoder", "head"},
    "head": {"head"},
}


def main() -> None:
    """Write the file from NAME=FOLDER, one for each run."""
    named = (argument.split("=", 1) for argument in sys.argv[1:])
    found = {name: recorded(Run(Path(folder))) for name, folder in named}
    FILE.write_text(losses.written(found), "utf-8")


def recorded(run: Run) -> losses.Losses:
    """Read a finished run, with its songs and the parts of its model."""
    found = losses.of_run(run)
    assert found is not None
    split = read_json(run.folder / SPLIT) or {}
    parts = parts_of(run.model_dir / "model.safetensors", run.config().trained_part)
    return replace(found, n_training_songs=len(split["train"]), parts=parts)


def parts_of(weights: Path, trained_part: str) -> tuple[Part, ...]:
    """Count the numbers of each part, from the head of a file of weights."""
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        tensors = json.loads(file.read(length))
    counts = dict.fromkeys(("front_end", "encoder", "head"), 0)
    for name, tensor in tensors.items():
        if name != "__metadata__":
            counts[_part(name)] += prod(tensor["shape"])
    trained = TRAINED[trained_part]
    return tuple(Part(name, n, name in trained) for name, n in counts.items())


def _part(name: str) -> str:
    if name.startswith(("classifier", "projector", "layer_weights")):
        return "head"
    return "front_end" if ".feature_extractor." in f".{name}" else "encoder"


if __name__ == "__main__":
    main()
