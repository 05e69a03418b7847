"""The built-in sounds as files that Gradio may serve, each written when first asked."""

from __future__ import annotations

import secrets
from pathlib import Path

from audio.synth.examples import EXAMPLES, example
from ui.player import sound_files

IDS = {each.id for each in EXAMPLES}
PREFIX = "genrescope-"  # no visitor's file is called so: "chord.wav"


def file_of(example_id: str, folder: Path) -> Path:
    """Return the file of one built-in sound, 16-bit WAV; render it if there is none."""
    path = folder / f"{PREFIX}{example_id}.wav"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{secrets.token_hex(4)}")  # two may ask at once
        unfinished.write_bytes(sound_files.wav(example(example_id)))
        unfinished.replace(path)
    return path


def id_of(path: str) -> str | None:
    """Return which built-in sound is in a file; None for a visitor's own."""
    example_id = Path(path).stem.removeprefix(PREFIX)
    is_ours = Path(path).name == f"{PREFIX}{example_id}.wav"
    return example_id if is_ours and example_id in IDS else None
