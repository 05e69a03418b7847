"""What a run leaves in its folder: who was in which part, and the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.data import SongSet
from trainer.splits import PARTS, Split

SPLIT, PLACE, MODEL = "split.json", "songs.json", "model"


def keep_split(names: Sequence[str], split: Split, run_dir: Path) -> None:
    """Which songs the model learned from, and which it never heard, by name."""
    parts = {part: getattr(split, part) for part in PARTS}
    if not split.is_honest:
        del parts["validation"]  # the same as the test
    listed = {part: [names[i] for i in indices] for part, indices in parts.items()}
    (run_dir / SPLIT).write_text(json.dumps(listed, ensure_ascii=False), "utf-8")


def keep_place(songs: SongSet, run_dir: Path) -> None:
    """Which folder of the cache the songs are in, so that they can be heard again."""
    if songs.place:
        text = json.dumps({"folder": songs.place.name})
        (run_dir / PLACE).write_text(text, "utf-8")


def save_model(model: Any, extractor: Any, run_dir: Path) -> None:
    """The checkpoint folder, whole or not at all: by rename.

    ``Trainer.save_model`` would add ``training_args.bin``, a pickle; this does not.
    """
    part = run_dir / f"{MODEL}.part"
    model.save_pretrained(part)
    extractor.save_pretrained(part)
    part.rename(run_dir / MODEL)
