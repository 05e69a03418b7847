"""A part of a sound as a sound of its own: what the visitor asks for in, a file out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio import decode
from audio.clip import Clip, Samples
from audio.decode import channels
from errors import KnownError
from ui.player import sound_files
from ui.player.clips import ClipShelf
from ui.server import files
from ui.server.shares import charge

FOLDER = "parts"  # in Gradio's cache; no folder of a visitor's own files
NAME = re.compile(r"(?P<whole>.*) (?P<start_s>[\d.]+)–[\d.]+ s", re.DOTALL)
LONGEST_NAME = 36  # characters; six bytes each still make a file's name


@dataclass(frozen=True)
class Part:
    """A part that can be used.

    Attributes:
        clip: what it sounds like, mono.
        start_s: of the chosen sound, as ``stop_s``.
        stop_s: never beyond the sound's end.
        is_clamped: more was asked for than there is.
    """

    clip: Clip
    start_s: float
    stop_s: float
    is_clamped: bool


def part_of(clip: Clip, start_s: float, stop_s: float, min_duration_s: float) -> Part:
    """Cut the part of a sound between two times (s).

    Raises:
        KnownError: ``empty_range``, or ``too_short`` for less than a sound may be.
    """
    part = clip.slice(start_s, stop_s)
    if part.duration_s < min(min_duration_s, clip.duration_s):
        raise KnownError(
            "too_short",
            name=clip.name,
            duration_s=part.duration_s,
            min_duration_s=min_duration_s,
        )
    is_clamped = stop_s > clip.duration_s + 1 / clip.sampling_rate
    return Part(part, max(start_s, 0.0), min(stop_s, clip.duration_s), is_clamped)


def file_of(path: str, part: Part, shelf: ClipShelf, name: str, cache_dir: str) -> str:
    """Write a part as a WAV file to Gradio's cache: nothing is rounded, channels are kept.

    Args:
        path: of the sound that the part is of.
        part: of it.
        shelf: with that sound.
        name: what the screen calls the whole, without a suffix.
        cache_dir: of the player that gets it.

    Raises:
        KnownError: ``part_too_long`` where no file could hold it, ``too_much_sound``,
            or a code of ``files.write``.
    """
    key = f"{path}\n{part.start_s} {part.stop_s}"
    folder = str(Path(cache_dir) / FOLDER)
    named = files.safe_name(_named(path, name, part))
    file = files.place(key, f"{named}.wav", folder)
    if not file.exists():
        charge(part.clip.duration_s)
        samples = _samples(path, part, shelf)
        files.write(file, *sound_files.wav_of_floats(samples, part.clip.sampling_rate))
    return str(file)


def is_part(path: str | None) -> bool:
    """Return whether a file is a part that was made here."""
    return path is not None and Path(path).parent.parent.name == FOLDER


def seconds(value: object) -> float:
    """Read a time (s) as people or pictures write it: 12.5, "12.5", "1:30", "1:02:03".

    Raises:
        KnownError: ``not_a_time``.
    """
    try:
        fields = [float(field) for field in str(value).strip().split(":")]
    except ValueError:
        raise KnownError("not_a_time", value=value) from None
    if len(fields) > 3 or not all(0 <= field < math.inf for field in fields):
        raise KnownError("not_a_time", value=value)
    return sum(field * 60**power for power, field in enumerate(reversed(fields)))


def _samples(path: str, part: Part, shelf: ClipShelf) -> Samples:
    """Read all channels (n_samples, n_channels); mixed where the file would be too large."""
    n_channels, max_bytes = shelf.take(path).facts.n_channels, shelf.limits.max_bytes
    mono, rate = part.clip.samples, part.clip.sampling_rate
    if mono.nbytes + sound_files.HEADER_BYTES > max_bytes:
        raise KnownError("part_too_long", longest_s=max_bytes / mono.itemsize / rate)
    n_bytes = mono.nbytes * n_channels + sound_files.HEADER_BYTES
    if n_channels == 1 or n_bytes > max_bytes:
        return mono[:, None]
    start = round(part.start_s * rate)
    blocks = decode.channel_blocks(Path(path), shelf.limits)
    pieces = list(channels.passage(blocks, start, start + len(mono)))
    return np.clip(np.concatenate(pieces), -1, 1)  # as players do


def _named(path: str, name: str, part: Part) -> str:
    """Name a part by the whole and where in it; a part's part counts from there."""
    start_s, stop_s = part.start_s, part.stop_s
    if is_part(path) and (found := NAME.fullmatch(Path(path).stem)):
        name, since_s = found["whole"], float(found["start_s"])
        start_s, stop_s = since_s + start_s, since_s + stop_s
    n_decimals = 1 if stop_s - start_s >= 1 else 2
    return f"{name[:LONGEST_NAME]} {start_s:.{n_decimals}f}–{stop_s:.{n_decimals}f} s"
