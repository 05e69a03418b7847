"""Response times in the tab See: of a song's arrival, and of a turn of a knob.

``python -m bench.turns`` prints two tables: CPU milliseconds of an mp3 of 4 minutes from
its file to every first picture, and of one turn in each lesson, the least of some. What
Gradio and the browser add is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import settings
from audio import decode
from audio.clip import Clip
from bench.classify import save_song
from classifier.models import Models
from ui import sheets
from ui.scene import Scene, Transforms
from ui.tabs.see import (
    decibels,
    hubert_input,
    mel,
    pitch,
    rhythm,
    sampling,
    spectrogram,
)

N_TIMES = 5
HOST = settings.from_environment()
MODELS = Models(
    bundled_model_dir=HOST.bundled_model_dir,
    runs_dir=HOST.runs_dir,
    hub_model="",
    is_offline=True,
)
# How a lesson begins, and what one turn of a knob makes of that.
LESSONS: dict[str, tuple[Callable[..., Any], Sequence[Any], Sequence[Any]]] = {
    "waveform": (sheets.waveform, (False,), (True,)),
    "sampling rate": (sampling.draw_rate, (90.0, 4000, True), (90.0, 8000, False)),
    "bit depth": (sampling.draw_bits, (90.0, 4, False), (90.0, 3, True)),
    "spectrum": (
        sheets.spectrum,
        (90.0, 4096, "hann", 1, "peak"),
        (90.0, 8192, "flattop", 1, "peak"),
    ),
    "spectrogram": (
        spectrogram.draw,
        (2048, 0, 4, "hann", "peak"),
        (1024, 0, 4, "hann", "peak"),
    ),
    "mel spectrogram": (
        mel.draw,
        (128, "slaney", 0, 8000, False, "level"),
        (64, "htk", 0, 8000, False, "level"),
    ),
    "filter bank": (
        mel.draw_filters,
        (128, "slaney", 0, 8000),
        (64, "htk", 0, 8000),
    ),
    "model input": (
        partial(hubert_input.draw, MODELS),
        (90.0, "HuBERT", None),
        (91.0, "HuBERT", None),
    ),
    "decibels": (decibels.draw, (-6, "chosen", 90.0), (-20, "chosen", 90.0)),
    "pitch": (pitch.draw, (90.0, 440, 7), (90.0, 442, 7)),
    "rhythm": (rhythm.draw, (90.0, 10, 1.0), (90.0, 10, 2.0)),
}


def main() -> None:
    """Print both tables."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "song.mp3"
        save_song(path, 4)
        clip = decode.load(path).clip
        decoding_ms = least_ms(lambda: decode.load(path))
    warm = Transforms()
    for draw, first, turned in LESSONS.values():  # imports and tables, once
        drawn(draw, clip, warm, first)
        drawn(draw, clip, warm, turned)
    firsts_ms = {name: first_ms(name, clip) for name in LESSONS}
    waveform_ms = decoding_ms + firsts_ms["waveform"]
    print("| an mp3 of 4 minutes | CPU ms |\n|---|---|")
    print(f"| decoded | {decoding_ms:.0f} |")
    print(f"| and its waveform | {waveform_ms:.0f} |")
    print(f"| and all pictures | {decoding_ms + sum(firsts_ms.values()):.0f} |")
    print(
        "\n| lesson | first picture, CPU ms | a turn of a knob, CPU ms |\n|---|---|---|"
    )
    for name in LESSONS:
        print(f"| {name} | {firsts_ms[name]:.0f} | {turn_ms(name, clip):.0f} |")


def first_ms(name: str, clip: Clip) -> float:
    """Time a lesson's picture of a new sound."""
    draw, first, _ = LESSONS[name]
    return least_ms(lambda: drawn(draw, clip, Transforms(), first))


def turn_ms(name: str, clip: Clip) -> float:
    """Time a picture after one turn, with the cache of the first one."""
    draw, first, turned = LESSONS[name]
    kept = [Transforms() for _ in range(N_TIMES)]
    for each in kept:
        drawn(draw, clip, each, first)
    left = iter(kept)
    return least_ms(lambda: drawn(draw, clip, next(left), turned))


def drawn(
    draw: Callable[..., Any], clip: Clip, kept: Transforms, values: Sequence[Any]
) -> str:
    """Return the JSON that the server sends to the page."""
    sent: str = draw(Scene(clip, kept), *values).as_json()
    return sent


def least_ms(work: Callable[[], object]) -> float:
    """Measure CPU milliseconds, the least of some calls."""
    times_ms = []
    for _ in range(N_TIMES):
        start_s = time.process_time()
        work()
        times_ms.append(1000 * (time.process_time() - start_s))
    return min(times_ms)


if __name__ == "__main__":
    main()
