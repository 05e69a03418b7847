"""The built-in sounds as files that Gradio may serve, each written when first asked."""

from __future__ import annotations

import secrets
from pathlib import Path

from audio.synth.examples import EXAMPLES, QUIZ, example
from errors import KnownError
from ui.player import recordings, sound_files

IDS = {each.id for each in (*EXAMPLES, *QUIZ)}
TRUMPET = "trumpet"  # of the tutorial
MOST_SHOWN = 40  # characters of a name that nobody knows
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


def first_of(folder: Path) -> Path:
    """Return the sound that a first visit opens with: a trumpet, real if it is here."""
    if recordings.is_here(TRUMPET, folder):
        return recordings.file_of(TRUMPET, folder)
    return file_of(EXAMPLES[0].id, folder)


def prepare(folder: Path) -> None:
    """Write those that are not there yet, so that nobody waits for them."""
    for each in (*EXAMPLES, *QUIZ):
        file_of(each.id, folder)


def named(id: str, folder: Path) -> Path:
    """Return the file of a sound; the computed trumpet for a recording not here.

    Raises:
        KnownError: ``unknown_example``.
    """
    if id not in IDS | recordings.BY_ID.keys():
        ids = [each.id for each in EXAMPLES]
        raise KnownError("unknown_example", id=id[:MOST_SHOWN], ids=ids)
    if recordings.is_here(id, folder):
        return recordings.file_of(id, folder)
    return file_of(EXAMPLES[0].id if id in recordings.BY_ID else id, folder)


def id_of(path: str) -> str | None:
    """Return which built-in sound or recording a file is; None for a visitor's own."""
    name = Path(path)
    ids = {".wav": IDS, ".ogg": recordings.BY_ID.keys()}.get(name.suffix, ())
    example_id = name.stem.removeprefix(PREFIX)
    is_ours = name.stem != example_id
    return example_id if is_ours and example_id in ids else None
