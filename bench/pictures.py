"""Our pictures against the obvious librosa and matplotlib code, as ratios of one run.

``python -m bench.pictures`` prints a table in Markdown; it takes some minutes, almost all
of them the other side's. Each cell is a child process of its own: CPU seconds are the
least of up to three warm calls. Memory is the process's peak, first call and imports
included, above that of a process that only holds the samples; and again above what the
process holds once it has made the same picture of half a second, as a server has
that runs for a while.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from audio import transforms
from audio.clip import Clip
from audio.levels import loudness
from audio.transforms import Frames, pixels
from audio.transforms.partials import peaks
from viz import dft, paper, spectrogram, waveform
from viz.plot import N_COLUMNS, Sheet
from viz.spectrogram import Cut

ROOT = Path(__file__).parents[1]
CLIPS = {"30 s, 22.05 kHz": (30, 22_050), "4 min, 44.1 kHz": (240, 44_100)}
PICTURES = ("waveform", "dft", "stft", "mel")
OUR_WAYS = ("png", "svg", "page", "numbers")
BUDGET_S = 40.0  # of warm calls a cell
LIBRARIES = ("numpy", "scipy", "librosa", "matplotlib")


def song(duration_s: int, sampling_rate: int) -> Clip:
    """Compute harmonic notes of half a second over noise, without silence."""
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(duration_s * sampling_rate, np.float32)
    samples *= 0.02
    n_note = sampling_rate // 2
    t = np.arange(n_note, dtype=np.float32) / sampling_rate
    for start in range(0, len(samples) - n_note + 1, n_note):
        f = np.float32(110 * 2 ** (rng.integers(36) / 12))
        note = sum(np.sin(2 * np.pi * f * k * t) / k for k in range(1, 9))
        samples[start : start + n_note] += 0.2 * np.exp(-4 * t) * note
    samples.flags.writeable = False  # so that the clip needs no copy
    return Clip(samples, sampling_rate, "song")


def obvious(picture: str, clip: Clip) -> bytes:
    """Draw as a tutorial does: librosa.display on a pyplot figure, to PNG."""
    import librosa
    import matplotlib.pyplot as plt

    y, sr = clip.samples, clip.sampling_rate
    fig, ax = plt.subplots(figsize=(10, 4))
    if picture == "waveform":
        librosa.display.waveshow(y, sr=sr, ax=ax)
    elif picture == "dft":
        spectrum = np.abs(np.fft.rfft(y[:4096] * np.hanning(4096)))
        levels_db = librosa.amplitude_to_db(spectrum, ref=np.max)
        ax.plot(librosa.fft_frequencies(sr=sr, n_fft=4096), levels_db)
        ax.set_xscale("log")
    elif picture == "stft":
        levels_db = librosa.amplitude_to_db(np.abs(librosa.stft(y)), ref=np.max)
        image = librosa.display.specshow(
            levels_db, sr=sr, x_axis="time", y_axis="log", ax=ax
        )
        fig.colorbar(image, ax=ax)
    else:
        power = librosa.feature.melspectrogram(y=y, sr=sr, n_mels=128, fmax=8000)
        levels_db = librosa.power_to_db(power, ref=np.max)
        image = librosa.display.specshow(
            levels_db, sr=sr, x_axis="time", y_axis="mel", fmax=8000, ax=ax
        )
        fig.colorbar(image, ax=ax)
    buffer = io.BytesIO()
    fig.savefig(buffer, dpi=100)
    plt.close(fig)
    return buffer.getvalue()


def numbers(picture: str, clip: Clip) -> object:
    """Return the numbers of a picture, at pixel resolution."""
    if picture == "waveform":
        return pixels.envelope(clip.samples, N_COLUMNS)
    if picture == "dft":
        return transforms.dft(clip)
    if picture == "stft":
        return transforms.stft(clip, Frames(n_columns=N_COLUMNS))
    return transforms.mel(clip, frames=Frames(n_columns=N_COLUMNS))


def ours(picture: str, clip: Clip) -> Sheet:
    """Return a picture of ours, as the lessons and the API describe it."""
    shown_s = (0.0, clip.duration_s)
    if picture == "waveform":
        loud = loudness(clip)
        plot = waveform.plot(clip, shown_s, loud, "en")
        return Sheet((plot,), waveform.describe(clip, "en", loud))
    levels: Any = numbers(picture, clip)
    if picture == "dft":
        plot = dft.plot(levels, peaks(levels, dft.N_PEAKS), "en")
        return Sheet((plot,), dft.describe(levels, "en"))
    draw = {"stft": spectrogram.stft, "mel": spectrogram.mel}[picture]
    plot = draw(levels, Cut(shown_s, "en"))
    return Sheet((plot,), spectrogram.describe(levels, "en"))


def call_of(way: str, picture: str, clip: Clip) -> Callable[[], object]:
    """Return the function that makes a picture in one way."""
    return {
        "nothing": lambda: None,
        "obvious": lambda: obvious(picture, clip),
        "png": lambda: paper.png(ours(picture, clip)),
        "svg": lambda: paper.svg(ours(picture, clip)),
        "page": lambda: ours(picture, clip).as_json(),
        "numbers": lambda: numbers(picture, clip),
    }[way]


def measure(way: str, picture: str, clip_name: str) -> None:
    """Print CPU s, peak and peak above the warm process (MB), in the child."""
    duration_s, sampling_rate = CLIPS[clip_name]
    clip = song(duration_s, sampling_rate)
    short = Clip(clip.samples[: sampling_rate // 2], sampling_rate)
    call_of(way, picture, short)()
    warm_mb = held_mb()
    call = call_of(way, picture, clip)
    call()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times_s: list[float] = []
    while len(times_s) < 3 and sum(times_s) < BUDGET_S:
        start_s = time.process_time()
        call()
        times_s.append(time.process_time() - start_s)
    print(json.dumps([min(times_s), peak_mb, peak_mb - warm_mb]))


def held_mb() -> float:
    """Read this process's current memory (MB), from Linux's count of pages."""
    n_pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return n_pages * resource.getpagesize() / 2**20


def measured(way: str, picture: str, clip_name: str) -> tuple[float, float, float]:
    """Run a child process; return the numbers that it printed."""
    command = [sys.executable, "-m", "bench.pictures", way, picture, clip_name]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT
    )
    cpu_s, peak_mb, above_warm_mb = json.loads(answer.stdout.splitlines()[-1])
    return cpu_s, peak_mb, above_warm_mb


def row(clip_name: str, picture: str, bare_mb: float) -> str:
    """Format a line of the table, ratios included."""
    theirs_s, theirs_mb, theirs_warm_mb = measured("obvious", picture, clip_name)
    theirs_mb -= bare_mb
    memory = f"{theirs_mb:.0f} MB, warm {theirs_warm_mb:.0f} MB"
    cells = [clip_name, picture, f"{theirs_s:.3g} s, {memory}"]
    for way in OUR_WAYS:
        ours_s, ours_mb, ours_warm_mb = measured(way, picture, clip_name)
        # Pages come and go: less than 1 MB is nothing.
        ours_mb, ours_warm_mb = max(ours_mb - bare_mb, 1.0), max(ours_warm_mb, 1.0)
        cpu = f"{ours_s:.2g} s (**{times(theirs_s / ours_s)}**)"
        memory = f"{ours_mb:.0f} MB ({times(theirs_mb / ours_mb)})"
        warm = f"warm {ours_warm_mb:.0f} MB ({times(theirs_warm_mb / ours_warm_mb)})"
        cells.append(f"{cpu}, {memory}, {warm}")
    return f"| {' | '.join(cells)} |"


def times(ratio: float) -> str:
    """Format a ratio: 3.4x, 57x."""
    return f"{ratio:.1f}x" if ratio < 10 else f"{ratio:,.0f}x"


def table() -> None:
    """Print device, versions and the ratios."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    python = f"Python {platform.python_version()}"
    print(f"{os.cpu_count()} cores of {processor()}; {', '.join([python, *versions])}.")
    print()
    print(
        "| clip | picture | obvious code | PNG | SVG | for the page | numbers alone |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    for clip_name in CLIPS:
        _, bare_mb, _ = measured("nothing", "", clip_name)
        for picture in PICTURES:
            print(row(clip_name, picture, bare_mb), flush=True)


def processor() -> str:
    """Return the processor's name, where the system has it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(*sys.argv[1:])
    else:
        table()
