"""A real trumpet in the first view, where its recording is on this disk.

Its numbers are computed once, in the background, and stay beside it: a page that is
opened from then on shows them. Until then, and where there is no recording, the trumpet
phrase is shown, whose numbers come with the page.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import numpy as np

from audio.clip import Clip
from audio.decode import Limits, load
from audio.transforms import dft, stft
from audio.transforms.partials import peaks
from errors import KnownError
from ui.front import phrase
from ui.player import recordings
from ui.player.examples import TRUMPET

RATE_HZ = 22_050  # librosa's usual one, and more than twice what is shown
LENGTHS = (8192, 4096, 2048)  # samples of the last note that are measured
N_SAMPLES = 2048  # 93 ms: as long as the shortest note
STEP_S = 0.02
QUIET_DB = 30.0  # below the loudest moment: a tail, or breath
SAME_CENTS = 70.0  # within a note: its attack and its vibrato
SHORTEST_S = 0.1  # what is shorter is on the way from one note to the next
LOUD_DB = -12.5  # of the brightest point, as the trumpet phrase has it


def file_of(folder: Path) -> Path:
    """Return where the numbers are, or will be, in the folder of the built-in sounds."""
    return folder / "genrescope-trumpet.1.json"  # of their form; another has another


def shown(folder: Path | None) -> Path:
    """Return the file of the numbers that a page shows now."""
    if folder is None or not recordings.is_here(TRUMPET, folder):
        return phrase.FILE
    file = file_of(folder)
    return file if file.is_file() else phrase.FILE


def prepare(folder: Path) -> None:
    """Compute and keep the numbers, where the recording is here and they are not."""
    if not recordings.is_here(TRUMPET, folder) or file_of(folder).exists():
        return
    path = recordings.file_of(TRUMPET, folder)
    try:
        numbers = computed(load(path, limits=Limits(recordings.MAX_BYTES)).clip)
    except KnownError:  # no sound, or no note in it: the phrase stays
        return
    unfinished = path.with_suffix(f".{secrets.token_hex(4)}")
    unfinished.write_text(json.dumps(numbers, separators=(",", ":")), "utf-8")
    unfinished.replace(file_of(folder))


def computed(clip: Clip) -> dict[str, Any]:
    """Compute what ``phrase.computed`` does, of notes that nobody wrote down.

    Raises:
        KnownError: ``silent`` where no note is found.
    """
    clip = clip.resampled(RATE_HZ)
    found = notes(clip)
    if not found:
        raise KnownError("silent", name=clip.name)
    loudest_db = float(stft(clip, phrase.FRAMES).levels_db.max())
    return {
        "sound": TRUMPET,
        "duration_s": round(clip.duration_s, 3),
        "image": phrase.image(clip, LOUD_DB - loudest_db),
        "notes": found,
        "partials": _partials(clip, found[-1]),
    }


def _partials(clip: Clip, note: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure a note's harmonics: in a long passage, if its pitch stays for so long."""
    start_s, length_s = note["start_s"], note["stop_s"] - note["start_s"]
    found: list[dict[str, Any]] = []
    for n_samples in LENGTHS:
        spare_s = length_s - n_samples / clip.sampling_rate
        if not found and (spare_s >= 0 or n_samples == LENGTHS[-1]):
            at_s = start_s + min(max(spare_s, 0.0) / 2, phrase.STEADY_S)
            found = phrase.partials(clip, at_s, n_samples)
    return found


def notes(clip: Clip) -> list[dict[str, Any]]:
    """Find the notes of a melody: moments of one pitch, and nothing that is quiet.

    Returns:
        Of each, start and stop (s), frequency (Hz) and name.
    """
    half_s = N_SAMPLES / clip.sampling_rate / 2
    starts_s = np.arange(0.0, clip.duration_s - 2 * half_s, STEP_S)
    moments = [_moment(clip, float(start_s)) for start_s in starts_s]
    loudest_db = max((level_db for _, level_db in moments), default=0.0)
    groups: list[list[tuple[float, float]]] = [[]]  # of times (s) and frequencies (Hz)
    for start_s, (hz, level_db) in zip(starts_s, moments, strict=True):
        if hz is None or level_db < loudest_db - QUIET_DB:
            groups.append([])
            continue
        group = groups[-1]
        if group and not _is_same(hz, [each for _, each in group]):
            groups.append([])
        groups[-1].append((float(start_s) + half_s, hz))
    return [_note(group) for group in groups if len(group) * STEP_S >= SHORTEST_S]


def _moment(clip: Clip, start_s: float) -> tuple[float | None, float]:
    """Measure pitch (Hz; None without one) and level (dBFS) at a moment."""
    spectrum = dft(
        clip, start_s=start_s, n_samples=N_SAMPLES, padding=4, reference="full_scale"
    )
    first = [each for each in peaks(spectrum) if each.harmonic == 1]
    hz = first[0].frequency_hz if first else None
    return hz, float(spectrum.levels_db.max())


def _is_same(hz: float, others: list[float]) -> bool:
    return abs(1200 * np.log2(hz / np.median(others))) < SAME_CENTS


def _note(group: list[tuple[float, float]]) -> dict[str, Any]:
    times_s, found_hz = zip(*group, strict=True)
    hz = float(np.median(found_hz))
    start_s, stop_s = times_s[0] - STEP_S / 2, times_s[-1] + STEP_S / 2
    return {
        "start_s": round(start_s, 2),
        "stop_s": round(stop_s, 2),
        **phrase.named(hz),
    }
