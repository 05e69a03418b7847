"""The trumpet phrase as numbers that come with the page: levels, notes, partials.

To compute them takes seconds, and no visitor waits for what never changes: they are in
``phrase.json``, written by ``python -m ui.front.phrase``; a test computes them anew.
"""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from audio.clip import Clip
from audio.notes import note_of
from audio.synth import trumpet
from audio.synth.examples import example
from audio.transforms import Frames, dft, stft
from audio.transforms.partials import peaks
from viz.plot import packed, rounded

PHRASE = "brass"  # its id among the built-in sounds
FILE = Path(__file__).with_name("phrase.json")
FRAMES = Frames(n_fft=2048, hop_length=256)
N_ROWS = 168
FMIN_HZ, FMAX_HZ = 250.0, 8000.0  # five octaves: the lowest note is E flat 4
LOWEST_DB, HIGHEST_DB = -78.0, -15.0  # dBFS; below and above, a colour stays the same
STEP_DB = 1.5  # finer ones cannot be told apart, and make the page heavier
N_PARTIALS = 6
STEADY_S = 0.13  # after its beginning a note has reached its pitch
N_SAMPLES = 2048  # as long as the shortest note
N_SAMPLES_LAST = 8192


def computed() -> dict[str, Any]:
    """Compute levels on a logarithmic axis, each note's pitch, the last one's partials.

    Returns:
        What the page's script draws: ``duration_s``; ``image`` with the fields of
        ``viz.plot.Image``; ``notes`` with start and stop (s), frequency (Hz) and name;
        ``partials`` of the last note with frequency (Hz) and name, lowest first.
    """
    clip = example(PHRASE)
    return {
        "sound": PHRASE,
        "duration_s": clip.duration_s,
        "image": image(clip),
        "notes": [
            _note(clip, start_s, stop_s) for start_s, stop_s, *_ in trumpet.NOTES
        ],
        "partials": partials(clip, trumpet.NOTES[-1][0] + STEADY_S, N_SAMPLES_LAST),
    }


def image(clip: Clip, gain_db: float = 0.0) -> dict[str, Any]:
    """Compute levels on a logarithmic axis, with the fields of ``viz.plot.Image``.

    Args:
        clip: a trumpet.
        gain_db: added to each level.
    """
    levels = stft(clip, FRAMES)
    rows_hz = np.geomspace(FMIN_HZ, FMAX_HZ, N_ROWS)
    rows_db = np.array(
        [
            np.interp(rows_hz, levels.frequencies_hz, column + gain_db)
            for column in levels.levels_db.T
        ]
    ).T
    shown = packed(np.minimum(rows_db, HIGHEST_DB), LOWEST_DB, STEP_DB)
    half_s = levels.column_s / 2
    return {
        "start_s": round(float(levels.times_s[0]) - half_s, 5),
        "stop_s": round(float(levels.times_s[-1]) + half_s, 5),
        "frequencies_hz": rounded(rows_hz, 1),
        "n_columns": shown.shape[1],
        "levels": base64.b64encode(zlib.compress(shown.tobytes(), 9)).decode(),
        "bottom": LOWEST_DB,
        "step": STEP_DB,
    }


def _note(clip: Clip, start_s: float, stop_s: float) -> dict[str, Any]:
    """Measure the pitch of a note: its first harmonic."""
    spare_s = stop_s - start_s - N_SAMPLES / clip.sampling_rate
    at_s = start_s + min(STEADY_S, spare_s / 2)
    found = peaks(dft(clip, start_s=at_s, n_samples=N_SAMPLES, padding=4))
    hz = next(each.frequency_hz for each in found if each.harmonic == 1)
    return {"start_s": start_s, "stop_s": stop_s, **named(hz)}


def partials(clip: Clip, at_s: float, n_samples: int) -> list[dict[str, Any]]:
    """Measure the strongest harmonics of a note, lowest first."""
    found = peaks(dft(clip, start_s=at_s, n_samples=n_samples), 2 * N_PARTIALS)
    harmonics = [each for each in found if each.harmonic]
    strongest = sorted(harmonics, key=lambda each: -each.level_db)[:N_PARTIALS]
    return [named(hz) for hz in sorted(each.frequency_hz for each in strongest)]


def named(hz: float) -> dict[str, Any]:
    """Name a frequency by the nearest key, by its flat where it has two names."""
    return {"hz": round(hz, 1), "name": note_of(hz).name.split("/")[-1]}


if __name__ == "__main__":
    FILE.write_text(json.dumps(computed(), separators=(",", ":")) + "\n", "utf-8")
